"""Reads spec files: strict YAML, every problem at once with path, line and value.

The loader refuses what YAML lets pass silently: aliases (the way of a YAML bomb), duplicate keys, and scalars that
turn into something else (`no`, `0777`, `12:30:45`). Limits bound what a hostile file can cost.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from components.errors import Problem, SpecError
from components.spec import mending, sharing
from components.spec.model import Cell, Fleet, SpecModel, Template, TemplatePatch, Waiver, Workload

# 1 MiB holds a fleet of some thousands of cells; anything longer is a mistake or an attack.
MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_NODES = 100_000

# The pool that every cluster has; clouds name pools in one list.
_SYSTEM_POOL = "system"
_Model = TypeVar("_Model", bound=BaseModel)
_Trail = tuple[str | int, ...]


@dataclass
class _Document:
    """A parsed file: plain values, and the line of every key and item by its trail."""

    path: str
    value: Any = None
    lines: dict[_Trail, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    # What stands in the place of values that are wrong.
    assumed: tuple[str, ...] = ()

    def told(self) -> list[Problem]:
        """The problems, without those of values that are not the file's."""
        return [problem for problem in self.problems if not problem.about(self.assumed)]

    def problem(
        self, code: str, message: str, *, trail: _Trail = (), line: int = 0, value: str = "", fix: str = ""
    ) -> None:
        self.problems.append(
            Problem(
                code=code,
                path=self.path,
                where=_dotted(trail),
                line=line or self.line(trail),
                message=message,
                value=value,
                fix=fix,
            )
        )

    def line(self, trail: _Trail) -> int:
        """The line of the nearest place that the file has for this trail."""
        while trail and trail not in self.lines:
            trail = trail[:-1]
        return self.lines.get(trail, 1 if trail else 0)


def load_fleet(path: str | Path, *, raw: bytes | None = None) -> Fleet:
    """Read a fleet file. Raises SpecError with every problem of form; cloud facts are checked by spec_rules.

    `raw` is the content where the caller has read it: what is judged is then what was read, whatever was edited since.
    """
    document = _read(path, "Fleet", raw)
    body: dict[str, Any] = {}
    if _has_body(document):
        spec: dict[str, Any] = dict(document.value["spec"])
        worlds = spec.get("worlds")
        if isinstance(worlds, dict):
            spec["worlds"] = {
                key: {"name": key, **world} if isinstance(world, dict) else world for key, world in worlds.items()
            }
        body = {"name": document.value["metadata"].get("name"), **spec}
        _only(document, ("metadata",), document.value["metadata"], {"name"})
    fleet = _validate(document, Fleet, body)
    if fleet is not None:
        _fleet_rules(document, fleet)
    return _finish(document, fleet)


def load_workload(path: str | Path) -> Workload:
    """Read a workload file. Raises SpecError with every problem."""
    document = _read(path, "Workload")
    body: dict[str, Any] = {}
    if _has_body(document):
        metadata = document.value["metadata"]
        body = {"name": metadata.get("name"), "maison": metadata.get("maison"), **document.value["spec"]}
        _only(document, ("metadata",), metadata, {"name", "maison"})
    workload = _validate(document, Workload, body)
    if workload is not None and workload.rollout.max_surge == 0 and workload.rollout.max_unavailable == 0:
        document.problem(
            "SPEC-ROLLOUT",
            "max_surge 0 with max_unavailable 0 would never replace a pod.",
            trail=("spec", "rollout"),
            fix="set one of the two to 1 or more",
        )
    if workload is not None:
        for fault in sharing.contradictions(workload, "workload"):
            field, _, place = fault.field.partition("[")
            trail: _Trail = ("spec", field, *((int(place[:-1]),) if place else ()))
            document.problem(
                "SPEC-SHARE",
                f"workload {workload.name}: {fault.message}",
                trail=trail,
                value=fault.value,
                fix=fault.fix,
            )
    return _finish(document, workload)


def load_waivers(path: str | Path) -> tuple[Waiver, ...]:
    """Read one waiver file, or every `*.yaml` of a folder, sorted by name. Raises SpecError with every problem."""
    return load_each(path, "Waiver", Waiver)


def load_each(path: str | Path, kind: str, model: type[_Model]) -> tuple[_Model, ...]:
    """Read one file of a kind that has an id, or every `*.yaml` of a folder, sorted by name. Raises SpecError with
    every problem.
    """
    root = Path(path)
    files = sorted(root.glob("*.yaml")) if root.is_dir() else [root]
    found: list[_Model] = []
    problems: list[Problem] = []
    for file in files:
        document = _read(file, kind)
        body: dict[str, Any] = {}
        if _has_body(document):
            body = {"id": document.value["metadata"].get("id"), **document.value["spec"]}
            _only(document, ("metadata",), document.value["metadata"], {"id"})
        one = _validate(document, model, body)
        problems.extend(document.problems)
        if one is not None:
            found.append(one)
    if problems:
        raise SpecError(problems)
    return tuple(found)


def lines(path: str | Path) -> dict[str, int]:
    """The line of every key and item of a YAML file by its place, such as `spec.cells[0].region`. Empty where the file
    cannot be read: this is for errors found later, which must not hide behind one of its own.
    """
    document = _Document(path=str(path))
    raw = _bytes(document, Path(path))
    if raw is not None:
        _parse(document, raw)
    return {_dotted(trail): line for trail, line in document.lines.items()}


def _finish(document: _Document, value: _Model | None) -> _Model:
    if document.problems or value is None:
        raise SpecError(document.told(), partial=value, assumed=document.assumed)
    return value


def _read(path: str | Path, kind: str, raw: bytes | None = None) -> _Document:
    document = _Document(path=str(path))
    raw = _bytes(document, Path(path)) if raw is None else raw
    if raw is not None:
        _parse(document, raw)
    if document.value is not None or not document.problems:
        _header(document, kind)
    return document


def _has_body(document: _Document) -> bool:
    """Whether the document has the two mappings of every kind; the rest is checked even when parts are wrong."""
    value = document.value
    return isinstance(value, dict) and all(isinstance(value.get(part), dict) for part in ("metadata", "spec"))


def _bytes(document: _Document, path: Path) -> bytes | None:
    try:
        if not path.is_file():
            document.problem(
                "SPEC-FILE",
                "there is no such regular file." if not path.exists() else "this is not a regular file.",
                fix="give the path of a YAML file",
            )
            return None
        if path.stat().st_size > MAX_BYTES:
            document.problem("SPEC-SIZE", f"the file is larger than {MAX_BYTES} bytes.", fix="split it")
            return None
        raw = path.read_bytes()
        raw.decode("utf-8")
    except OSError as error:
        document.problem("SPEC-FILE", f"the file cannot be read: {error.strerror}.", fix="check its owner and mode")
        return None
    except UnicodeDecodeError as error:
        document.problem("SPEC-UTF8", f"the file is not UTF-8: byte {error.start}.", fix="save it as UTF-8")
        return None
    return raw


def _parse(document: _Document, raw: bytes) -> None:
    try:
        for event in yaml.parse(raw, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                line = event.start_mark.line + 1
                document.problem(
                    "SPEC-ALIAS",
                    "anchors and aliases are refused: a few of them expand into a file that fills the memory.",
                    line=line,
                    fix="write the value out",
                )
                return
        node = yaml.compose(raw, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 0
        reason = getattr(error, "problem", None) or str(error)
        document.problem("SPEC-YAML", f"this is not YAML: {reason}.", line=line, fix="correct the line")
        return
    except RecursionError:
        document.problem("SPEC-DEPTH", f"nested deeper than {MAX_DEPTH} levels.", fix="flatten it")
        return
    counter = [0]
    document.value = _build(document, node, (), counter)


def _build(document: _Document, node: yaml.Node | None, trail: _Trail, counter: list[int]) -> Any:
    counter[0] += 1
    if len(trail) > MAX_DEPTH or counter[0] > MAX_NODES:
        if counter[0] <= MAX_NODES + 1 and not any(p.code == "SPEC-DEPTH" for p in document.problems):
            document.problem("SPEC-DEPTH", f"nested deeper than {MAX_DEPTH} levels or over {MAX_NODES} values.")
        return None
    if node is None:
        return None
    document.lines.setdefault(trail, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(document, node, trail, counter)
    if isinstance(node, yaml.SequenceNode):
        return [_build(document, item, (*trail, index), counter) for index, item in enumerate(node.value)]
    return _scalar(document, node, trail)


def _mapping(document: _Document, node: yaml.MappingNode, trail: _Trail, counter: list[int]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
        if key is None or key_node.tag == "tag:yaml.org,2002:merge":
            document.problem("SPEC-KEY", "a key must be a plain word.", trail=trail, line=line)
            continue
        if key in result:
            first = document.lines.get((*trail, key), 0)
            document.problem(
                "SPEC-DUPLICATE",
                f"{key!r} stands here twice, first at line {first}.",
                trail=trail,
                line=line,
                fix="keep one",
            )
            continue
        document.lines[(*trail, key)] = line
        result[key] = _build(document, value_node, (*trail, key), counter)
    return result


def _scalar(document: _Document, node: yaml.Node, trail: _Trail) -> Any:
    text = str(node.value)
    tag = node.tag.rsplit(":", 1)[-1]
    if tag == "str":
        return text
    if tag == "null":
        return None
    if tag == "bool" and text in {"true", "false"}:
        return text == "true"
    plain = text.lstrip("-")
    if tag == "int" and plain.isdigit() and (plain == "0" or not plain.startswith("0")) and len(plain) <= 18:
        return int(text)
    if tag == "float" and all(part.isdigit() for part in plain.split(".")) and plain.count(".") == 1:
        return float(text)
    if tag == "timestamp":
        return text
    document.problem(
        "SPEC-SCALAR",
        f"YAML reads this as {tag}, which is seldom meant.",
        trail=trail,
        line=node.start_mark.line + 1,
        value=text[:60],
        fix="write true or false, a plain number, or put the text in quotes",
    )
    return None


def _header(document: _Document, kind: str) -> None:
    value = document.value
    if not isinstance(value, dict):
        document.problem(
            "SPEC-KIND", f"expected a {kind} document.", fix=f"begin with apiVersion: twain/v1, kind: {kind}"
        )
        return
    _only(document, (), value, {"apiVersion", "kind", "metadata", "spec"})
    if value.get("apiVersion") != "twain/v1":
        document.problem(
            "SPEC-VERSION",
            "apiVersion must be twain/v1.",
            trail=("apiVersion",),
            value=str(value.get("apiVersion")),
            fix="write apiVersion: twain/v1",
        )
    if value.get("kind") != kind:
        document.problem(
            "SPEC-KIND",
            f"kind must be {kind}.",
            trail=("kind",),
            value=str(value.get("kind")),
            fix=f"write kind: {kind}, or use the command for the other kind",
        )
    for part in ("metadata", "spec"):
        if not isinstance(value.get(part), dict):
            document.problem("SPEC-FIELD", f"{part} must be a mapping.", trail=(part,), fix=f"add {part}:")


def _only(document: _Document, trail: _Trail, value: dict[str, Any], known: set[str]) -> None:
    for key in value:
        if key not in known:
            _unknown_key(document, (*trail, key), known)


def _unknown_key(document: _Document, trail: _Trail, known: set[str]) -> None:
    near = difflib.get_close_matches(str(trail[-1]), sorted(known), n=1)
    fix = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(sorted(known))}"
    document.problem("SPEC-UNKNOWN", f"unknown field {trail[-1]!r}.", trail=trail, fix=fix)


def _validate(document: _Document, model: type[_Model], body: dict[str, Any]) -> _Model | None:
    if not body:
        return None
    try:
        value = model.model_validate(body)
    except ValidationError as error:
        seen = {(problem.where, problem.line) for problem in document.problems}
        items = mending.faults(error)
        for item in items:
            _report(document, model, item)
        # A scalar that the reader refused arrives here as null: one message about it is enough.
        first = len(document.problems) - len(items)
        document.problems[first:] = [p for p in document.problems[first:] if (p.where, p.line) not in seen]
        mended = mending.mend(model, body, error)
        if mended is None:
            return None
        document.assumed = mended.assumed
        return mended.value
    return value


def _report(document: _Document, model: type[BaseModel], item: dict[str, Any]) -> None:
    raw: _Trail = tuple(item["loc"])
    trail = raw if raw[:1] in {("name",), ("maison",), ("id",)} and len(raw) == 1 else ("spec", *raw)
    trail = ("metadata", *raw) if trail == raw else trail
    if item["type"] == "extra_forbidden":
        _unknown_key(document, trail, _fields_at(model, raw[:-1]))
        return
    message = str(item["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if item["type"] == "missing":
        document.problem("SPEC-MISSING", f"{raw[-1]!r} is required.", trail=trail, fix=f"add {raw[-1]}:")
        return
    shown = item.get("input")
    document.problem(
        "SPEC-VALUE",
        f"{message[:1].lower()}{message[1:]}.",
        trail=trail,
        value="" if isinstance(shown, dict | list) else str(shown)[:80],
    )


def _fields_at(model: type[BaseModel], trail: _Trail) -> set[str]:
    """The field names of the model that stands at a trail, for the nearest-name hint."""
    current: Any = model
    for step in trail:
        if isinstance(current, type) and issubclass(current, BaseModel) and step in current.model_fields:
            current = current.model_fields[str(step)].annotation
        while not (isinstance(current, type) and issubclass(current, BaseModel)):
            inner = [
                part
                for part in getattr(current, "__args__", ())
                if part is not type(None) and part is not Ellipsis and not isinstance(part, str)
            ]
            found = [part for part in inner if _leads_to_model(part)]
            if not found:
                return set()
            current = found[0]
    return set(current.model_fields)


def _leads_to_model(part: Any) -> bool:
    if isinstance(part, type) and issubclass(part, SpecModel):
        return True
    return any(_leads_to_model(inner) for inner in getattr(part, "__args__", ()) if not isinstance(inner, str))


def _fleet_rules(document: _Document, fleet: Fleet) -> None:
    """Rules inside one file that need no cloud facts: references and duplicates."""
    _duplicates(document, "cell", [cell.name for cell in fleet.cells], ("spec", "cells"))
    _duplicates(document, "maison", [maison.name for maison in fleet.maisons], ("spec", "maisons"))
    _duplicates(document, "dataset", [dataset.name for dataset in fleet.datasets], ("spec", "datasets"))
    _pool_rules(document, fleet.template, ("spec", "template"))
    for index, cell in enumerate(fleet.cells):
        _cell_rules(document, fleet, cell, ("spec", "cells", index))
        if cell.template is not None:
            _pool_rules(document, cell.template, ("spec", "cells", index, "template"))
    for name, world in fleet.worlds.items():
        own = [cell.name for cell in fleet.cells_of(name)]
        if own and world.gate_cell not in own:
            document.problem(
                "SPEC-GATE",
                f"gate_cell of world {name} must be one of its own cells.",
                trail=("spec", "worlds", name, "gate_cell"),
                value=world.gate_cell,
                fix=f"use one of {', '.join(own)}",
            )


def _pool_rules(document: _Document, template: Template | TemplatePatch, trail: _Trail) -> None:
    pools = template.gpu_pools or ()
    _duplicates(document, "GPU pool", [pool.name for pool in pools], (*trail, "gpu_pools"))
    for index, pool in enumerate(pools):
        if pool.name == _SYSTEM_POOL:
            document.problem(
                "SPEC-POOL",
                f"{_SYSTEM_POOL!r} is the name of the pool that needs no GPU.",
                trail=(*trail, "gpu_pools", index, "name"),
                value=pool.name,
                fix="give the GPU pool another name",
            )
        if pool.min > pool.max:
            _bounds(document, pool.min, pool.max, (*trail, "gpu_pools", index, "min"))
    if template.system_pool is not None and template.system_pool.min > template.system_pool.max:
        _bounds(document, template.system_pool.min, template.system_pool.max, (*trail, "system_pool", "min"))


def _bounds(document: _Document, low: int, high: int, trail: _Trail) -> None:
    document.problem("SPEC-POOL", f"min {low} is above max {high}.", trail=trail, fix="lower min or raise max")


def _duplicates(document: _Document, kind: str, names: list[str], trail: _Trail) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            document.problem(
                "SPEC-DUPLICATE",
                f"{kind} {name!r} is declared twice.",
                trail=(*trail, index, "name"),
                value=name,
                fix="rename or remove one of the two",
            )


def _cell_rules(document: _Document, fleet: Fleet, cell: Cell, trail: _Trail) -> None:
    if cell.world not in fleet.worlds:
        document.problem(
            "SPEC-WORLD",
            f"world {cell.world!r} of this cell is not declared under worlds.",
            trail=(*trail, "world"),
            value=cell.world,
            fix="declare the world",
        )
    declared = cell.overrides.model_fields_set if cell.overrides else set[str]()
    for cloud in sorted(declared - {cell.cloud}):
        document.problem(
            "SPEC-OVERRIDE",
            f"a {cell.cloud} cell cannot carry overrides for {cloud}.",
            trail=(*trail, "overrides", cloud),
            fix=f"remove the {cloud} block",
        )


def _dotted(trail: _Trail) -> str:
    text = ""
    for step in trail:
        text += f"[{step}]" if isinstance(step, int) else (f".{step}" if text else str(step))
    return text
