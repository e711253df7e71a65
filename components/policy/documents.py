"""Reads what is to be judged: a plan, a state, Kubernetes manifests, a telemetry contract; also those of strangers.

Every limit is there so that a hostile file costs bounded time and memory; each has an error that names it.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import yaml

from components.errors import Problem, SpecError
from components.policy import kube, previews

if TYPE_CHECKING:
    from collections.abc import Iterator

# A plan of 50,000 resources is some 100 MiB.
MAX_BYTES = 192 << 20
# Each value that JSON holds takes some hundred bytes of memory, however short it is written.
MAX_VALUES = 8_000_000
MAX_RESOURCES = 200_000
MAX_YAML_BYTES = 64 << 20
MAX_DOCUMENTS = 20_000
MAX_DEPTH = 100
MAX_NODES = 5_000_000

Form = Literal["plan", "state", "manifests", "contract"]


class _Resource(msgspec.Struct):
    """What rules read of a resource. What the engine writes beside it (outputs of plans, stack traces) is skipped."""

    urn: str
    type: str
    inputs: dict[str, Any] | None = None
    outputs: dict[str, Any] | None = None
    custom: bool = True
    external: bool = False
    delete: bool = False
    provider: str = ""
    propertyDependencies: dict[str, list[str] | None] | None = None  # noqa: N815 - the engine's own name


class _Step(msgspec.Struct):
    op: str
    newState: _Resource | None = None  # noqa: N815


class _Diagnostic(msgspec.Struct):
    severity: str = ""


class _Preview(msgspec.Struct):
    steps: list[_Step]
    diagnostics: list[_Diagnostic] | None = None
    changeSummary: dict[str, Any] | None = None  # noqa: N815


class _Operation(msgspec.Struct):
    resource: _Resource
    type: str = ""


class _Deployment(msgspec.Struct):
    resources: list[_Resource] | None = None
    pending_operations: list[_Operation] | None = None
    secrets_providers: dict[str, Any] | None = None


class _Export(msgspec.Struct):
    deployment: _Deployment


class _Plan(msgspec.Struct):
    resources: list[_Resource]


@dataclass(frozen=True, kw_only=True)
class Document:
    """What a file holds: resources as `decide` wants them. `secrets` is how a state's secrets are encrypted."""

    form: Form
    resources: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    secrets: dict[str, Any] | None = None
    contract: dict[str, Any] | None = None


def read(path: str | Path, *, raw: bytes | None = None) -> Document:
    """The document of a file, or of `raw` where the caller has read it. Raises SpecError with what is wrong with it."""
    name = str(path)
    raw = _text(name, _bytes(Path(path)) if raw is None else raw)
    first = raw[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if first in {b"{", b"["}:
        return _json(name, raw, first)
    return _yaml(name, raw)


def _fail(name: str, code: str, message: str, *, line: int = 0, fix: str = "") -> SpecError:
    return SpecError([Problem(code=code, path=name, where="", line=line, message=message, fix=fix)])


def _bytes(path: Path) -> bytes:
    name = str(path)
    try:
        if not path.is_file():
            message = "this is not a regular file." if path.exists() else "there is no such file."
            raise _fail(name, "DOC-FILE", message, fix="give the path of a plan, a state or manifests")
        if path.stat().st_size > MAX_BYTES:
            raise _fail(name, "DOC-SIZE", f"the file is larger than {MAX_BYTES >> 20} MiB.", fix="judge it in parts")
        raw = path.read_bytes()
    except OSError as error:
        message = f"the file cannot be read: {error.strerror}."
        raise _fail(name, "DOC-FILE", message, fix="check its owner and mode") from error
    return raw


def _text(name: str, raw: bytes) -> bytes:
    """The bytes, when they are text that is not too long."""
    if len(raw) > MAX_BYTES:
        raise _fail(name, "DOC-SIZE", f"more than {MAX_BYTES >> 20} MiB came in.", fix="judge it in parts")
    if not raw.strip():
        raise _fail(
            name, "DOC-EMPTY", "the file is empty.", fix="a command that failed writes an empty file: run it again"
        )
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(raw), 1 << 20):
        try:
            decoder.decode(raw[start : start + (1 << 20)], final=start + (1 << 20) >= len(raw))
        except UnicodeDecodeError as error:
            message = f"the file is not UTF-8, near byte {start + error.start}."
            raise _fail(name, "DOC-UTF8", message, fix="save it as UTF-8") from error
    return raw


def _json(name: str, raw: bytes, first: bytes) -> Document:
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if sum(map(raw.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise _fail(name, "DOC-SIZE", f"the JSON holds more than {MAX_VALUES} values.", fix="judge it stack by stack")
    try:
        if first == b"[":
            return _manifests(msgspec.json.decode(raw, type=list[Any]), name)
        keys = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        if {"apiVersion", "kind"} <= keys.keys():
            # An object may have any other key beside these, also those of a plan.
            return _manifests([msgspec.json.decode(raw)], name)
        if "steps" in keys:
            return _preview(name, msgspec.json.decode(raw, type=_Preview))
        if "deployment" in keys:
            found = msgspec.json.decode(raw, type=_Export).deployment
            rows = _rows(name, found.resources or [])
            # What an engine was making or changing when it was cut off may be there.
            begun = [one.resource for one in found.pending_operations or () if one.type != "deleting"]
            rows += [{**row, "pending": True} for row in _rows(name, begun)]
            return Document(form="state", resources=rows, secrets=found.secrets_providers or {})
        if "resources" in keys:
            return Document(form="plan", resources=_rows(name, msgspec.json.decode(raw, type=_Plan).resources))
        if "kind" in keys:
            return _manifests([msgspec.json.decode(raw)], name)
    except msgspec.ValidationError as error:
        message = f"this is no plan and no state of the engine: {error}."
        raise _fail(name, "DOC-SHAPE", message, fix=previews.WHOLE) from error
    except msgspec.DecodeError as error:
        cut = "truncated" in str(error)
        message = "the JSON ends in the middle: it was cut off." if cut else f"this is no JSON: {error}."
        raise _fail(
            name, "DOC-JSON", message, fix="write it again; a command that failed leaves half a file"
        ) from error
    except RecursionError as error:
        raise _fail(name, "DOC-DEPTH", "the JSON is nested too deep.", fix="no real plan is") from error
    if "diagnostics" in keys or "changeSummary" in keys:
        message = "the engine planned nothing: the preview failed before its first step."
        raise _fail(name, "DOC-FAILED", message, fix="read its diagnostics, mend the program, and preview again")
    message = "this is none of: pulumi preview --json, pulumi stack export, Kubernetes objects, a telemetry contract."
    raise _fail(name, "DOC-KIND", message, fix="give one of these")


def _preview(name: str, preview: _Preview) -> Document:
    """The resources that a preview says will be there, if it says all of them."""
    if any(one.severity == "error" for one in preview.diagnostics or ()):
        message = "the preview ended with errors: what it holds is a part of the plan, and nobody knows which."
        raise _fail(name, "DOC-FAILED", message, fix="read its diagnostics, mend the program, preview again")
    bare = next((one for one in preview.steps if previews.has_no_state(one.op, state=one.newState is not None)), None)
    if bare is not None:
        message = f"a step of the preview ({bare.op[:40]}) does not say what the resource will be."
        raise _fail(name, "DOC-SHAPE", message, fix=previews.WHOLE)
    missing = previews.left_out(preview.changeSummary, sum(one.op == "same" for one in preview.steps))
    if missing is not None:
        raise _fail(name, "DOC-SAMES", missing, fix=previews.WHOLE)
    kept = [one.newState for one in preview.steps if one.newState is not None and one.op not in previews.GONE]
    return Document(form="plan", resources=_rows(name, kept))


def _rows(name: str, found: list[_Resource]) -> list[dict[str, Any]]:
    if len(found) > MAX_RESOURCES:
        raise _fail(name, "DOC-SIZE", f"more than {MAX_RESOURCES} resources.", fix="judge it stack by stack")
    rows: list[dict[str, Any]] = []
    for one in found:
        _shallow(name, one.inputs)
        rows.append(
            {
                "urn": one.urn,
                "type": one.type,
                "inputs": one.inputs or {},
                "outputs": (one.outputs or {}) if one.external else {},
                "custom": one.custom,
                "external": one.external,
                "delete": one.delete,
                "provider": one.provider,
                "propertyDependencies": {key: urns or [] for key, urns in (one.propertyDependencies or {}).items()},
            }
        )
    return rows


def _shallow(name: str, value: Any) -> None:
    """Refuse what is nested deeper than any real thing: the rules walk it."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise _fail(name, "DOC-DEPTH", f"nested deeper than {MAX_DEPTH} levels.", fix="no real object is")


class _Loader(yaml.CSafeLoader):
    """A safe loader that lets no key stand twice: which of the two would count is nobody's business to guess."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        """A mapping, or an error where a key is doubled or is no plain word."""
        seen: set[Any] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                double = f"the key {key.value[:80]!r} stands twice"
                raise yaml.constructor.ConstructorError(None, None, double, node.start_mark)
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
        return super().construct_mapping(node, deep=deep)


# A lone equals sign is a value of its own in YAML 1.1; everybody who writes one means the text.
_Loader.add_constructor("tag:yaml.org,2002:value", lambda _, node: str(node.value))


def _yaml(name: str, raw: bytes) -> Document:
    if len(raw) > MAX_YAML_BYTES:
        raise _fail(name, "DOC-SIZE", f"the YAML is larger than {MAX_YAML_BYTES >> 20} MiB.", fix="split it")
    try:
        _scan(name, raw)
        documents = list(yaml.load_all(raw, Loader=_Loader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 0
        reason = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise _fail(name, "DOC-YAML", f"this is not YAML: {reason}.", line=line, fix="correct the line") from error
    except (RecursionError, ValueError) as error:
        message = "the YAML holds a value that cannot be read, or is nested too deep."
        raise _fail(name, "DOC-YAML", message, fix="quote it, or flatten it") from error
    return _manifests(documents, name)


def _scan(name: str, raw: bytes) -> None:
    """One cheap pass over the events: aliases, number of documents and values, depth."""
    documents = nodes = depth = 0
    for event in yaml.parse(raw, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            message = "aliases are refused: a few of them expand into an object that fills the memory."
            raise _fail(name, "DOC-ALIAS", message, line=event.start_mark.line + 1, fix="write the value out")
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            depth += 1
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            depth -= 1
        elif isinstance(event, yaml.ScalarEvent):
            nodes += 1
        if documents > MAX_DOCUMENTS or nodes > MAX_NODES:
            message = f"more than {MAX_DOCUMENTS} documents or {MAX_NODES} values."
            raise _fail(name, "DOC-SIZE", message, fix="split the file")
        if depth > MAX_DEPTH:
            raise _fail(name, "DOC-DEPTH", f"nested deeper than {MAX_DEPTH} levels.", fix="no real object is")


def _manifests(documents: list[Any], name: str) -> Document:
    bodies = [document for document in documents if document is not None]
    if len(bodies) == 1 and isinstance(bodies[0], dict) and {"version", "sections"} <= bodies[0].keys():
        return Document(form="contract", contract=bodies[0])
    problems: list[Problem] = []
    rows: list[dict[str, Any]] = []
    for number, body in enumerate(bodies, start=1):
        for inner in _objects(body):
            if not isinstance(inner, dict) or not inner.get("kind") or not isinstance(inner.get("apiVersion"), str):
                message = f"document {number} is no Kubernetes object: it needs apiVersion and kind."
                problems.append(
                    Problem(code="DOC-KIND", path=name, where=f"document {number}", line=0, message=message)
                )
                continue
            rows.append(_row(inner, len(rows)))
    if problems:
        raise SpecError(problems)
    if not rows:
        raise _fail(name, "DOC-EMPTY", "the file holds no object.", fix="give Kubernetes objects")
    for row in rows:
        _shallow(name, row["inputs"])
    return Document(form="manifests", resources=rows)


def _objects(body: Any) -> Iterator[Any]:
    """The objects of a document: itself, or the items of a List, which may be Lists themselves."""
    level = [body]
    for _ in range(MAX_DEPTH):
        deeper: list[Any] = []
        for one in level:
            if (
                isinstance(one, dict)
                and str(one.get("kind", "")).endswith("List")
                and isinstance(one.get("items"), list)
            ):
                deeper += one["items"]
            elif isinstance(one, list):
                deeper += one
            else:
                yield one
        if not deeper:
            return
        level = deeper
    yield None


def _row(manifest: dict[str, Any], number: int) -> dict[str, Any]:
    kind = kube.token_of(manifest)
    metadata = manifest.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    place = "/".join(str(metadata[key]) for key in ("namespace", "name") if metadata.get(key))
    return {"urn": f"{number}::{kind}::{place or '(no name)'}", "type": kind, "inputs": manifest}
