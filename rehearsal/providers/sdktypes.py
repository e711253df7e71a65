"""Checks values against the types of the installed SDK: names, nesting, types, required, enumerations, secrets."""

from __future__ import annotations

import difflib
import functools
import hashlib
import importlib.metadata
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from components.rules.model import Problem
from rehearsal.providers.sdksource import PACKAGES, SdkTypeError, extract
from rehearsal.providers.wire import UNKNOWN, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Problem", "SdkTypeError", "SdkTypes", "TypeTable"]

# Raised whenever the shape or the meaning of the cached JSON changes.
_CACHE_FORMAT: Final = 2
_CONTAINERS: Final = {"list": (list, "a list"), "map": (dict, "a map"), "ref": (dict, "an object")}
# Words that the service takes and the SDK's open enumeration does not list. Azure's documentation of collection rules
# for managed Prometheus sends this stream through a flow.
_MORE_WORDS: Final = {"KnownDataFlowStreams": ("Microsoft-PrometheusMetrics",)}
_JSON_TYPES: Final = {"string": str, "boolean": bool}


@dataclass(frozen=True)
class TypeTable:
    """What the SDK says about one resource type."""

    token: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    secrets: frozenset[str]
    types: Mapping[str, Any]
    enums: Mapping[str, Any]
    input_names: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "input_names", frozenset(self.inputs))

    def check_inputs(self, inputs: Mapping[str, Any]) -> list[Problem]:
        """Every way in which `inputs` is not what the SDK declares, in the order of the inputs."""
        return list(self._check_object(inputs, self.inputs, path=""))

    def check_outputs(self, outputs: Mapping[str, Any]) -> list[Problem]:
        """The same for outputs; absence is no problem, because a cloud may answer with less."""
        declared = {name: [kind, False] for name, kind in self.outputs.items()}
        return list(self._check_object(outputs, declared, path="", output=True))

    def with_unknowns(self, value: Any, kind: Any) -> Any:
        """A value as a preview shows it: every field of an object that the cloud may still fill in is unknown."""
        if not isinstance(kind, list):
            return value
        form, inner = kind
        if form == "list" and isinstance(value, list):
            return [self.with_unknowns(item, inner) for item in value]
        if form == "map" and isinstance(value, dict):
            return {name: self.with_unknowns(item, inner) for name, item in value.items()}
        if form == "ref" and isinstance(value, dict) and "*" not in self.types[inner]:
            declared = self.types[inner]
            # Fields that may be absent stay absent: the cloud adds only what it declares as always there.
            added = {name: UNKNOWN for name, (_kind, present) in declared.items() if present and name not in value}
            known = {
                name: self.with_unknowns(item, declared[name][0]) for name, item in value.items() if name in declared
            }
            return known | added
        return value

    def _check_object(
        self, value: Mapping[str, Any], declared: Mapping[str, Any], *, path: str, output: bool = False
    ) -> Iterator[Problem]:
        if "*" in declared:
            return
        for name, item in value.items():
            if name not in declared:
                yield Problem(_join(path, name), _unknown_name(name, declared))
            elif item is not None:
                yield from self._check(item, declared[name][0], path=_join(path, name), output=output)
        if output:
            return
        for name, (_kind, required) in declared.items():
            if required and value.get(name) is None:
                yield Problem(_join(path, name), "is required and missing")

    def _check(self, value: Any, kind: Any, *, path: str, output: bool) -> Iterator[Problem]:
        if isinstance(value, Unknown) or kind == "any":
            return
        if isinstance(kind, str):
            if not _is_scalar(value, kind):
                yield Problem(path, f"must be of type {kind}, not {_kind_of(value)} ({_shown(value)})")
            return
        form, inner = kind
        if form in _CONTAINERS:
            shape, word = _CONTAINERS[form]
            if not isinstance(value, shape):
                yield Problem(path, f"must be {word}, not {_kind_of(value)}")
                return
            yield from self._check_container(value, form, inner, path=path, output=output)
        elif form == "enum":
            allowed = [*(self.enums.get(inner) or []), *_MORE_WORDS.get(inner, ())]
            if allowed and value not in allowed:
                yield Problem(path, f"must be one of {', '.join(map(str, allowed))}, not {_shown(value)}")
        elif all(any(self._check(value, each, path=path, output=output)) for each in inner):
            yield Problem(path, f"fits none of its types ({_shown(value)})")

    def _check_container(self, value: Any, form: str, inner: Any, *, path: str, output: bool) -> Iterator[Problem]:
        if form == "ref":
            yield from self._check_object(value, self.types[inner], path=path, output=output)
            return
        items = enumerate(value) if form == "list" else value.items()
        for name, item in items:
            here = f"{path}[{name}]" if form == "list" else _join(path, str(name))
            yield from self._check(item, inner, path=here, output=output)


class SdkTypes:
    """The type tables of one package, read on first use and kept as JSON by SDK version."""

    def __init__(self, package: str, *, cache_dir: Path | None = None) -> None:
        self._package = package
        self.version = importlib.metadata.version(PACKAGES[package].replace("_", "-"))
        base = cache_dir or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "twain"
        self._cache = base / "sdktypes" / f"{package}-{self.version}-f{_CACHE_FORMAT}"

    @functools.cache  # noqa: B019 - one value per process
    def table(self, token: str) -> TypeTable:
        """The table of one type token. Raises `SdkTypeError` when the installed SDK has no such type."""
        path = self._cache / f"{hashlib.sha256(token.encode()).hexdigest()[:24]}.json"
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            raw = extract(self._package, token)
            _write_cache(path, raw)
        return TypeTable(
            token=token,
            inputs=raw["inputs"],
            outputs=raw["outputs"],
            secrets=frozenset(raw["secrets"]),
            types=raw["types"],
            enums=raw["enums"],
        )


def _write_cache(path: Path, raw: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        beside.write_text(json.dumps(raw, separators=(",", ":")), encoding="utf-8")
        beside.replace(path)
    except OSError:
        # A cache that cannot be written costs milliseconds, not correctness.
        return


def _unknown_name(name: str, declared: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, list(declared), n=1, cutoff=0.6)
    hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(sorted(declared)[:12])}"
    return f"is no property of this type{hint}"


def _is_scalar(value: Any, kind: str) -> bool:
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, _JSON_TYPES[kind])


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return {str: "string", list: "list", dict: "object"}.get(type(value), type(value).__name__)


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
