"""The vocabulary of the rule table: a view of a resource's inputs, a rule, a resource type."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

Kind = Literal[
    "required", "exactly one of", "conflict", "pattern", "enum", "range", "order", "network", "shape", "labels", "name"
]
_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
# The engine's own mark of a value that is not known yet.
UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class Unknown:
    """A value that the engine does not know yet (in a preview, or of a failed dependency)."""

    def __repr__(self) -> str:
        return "unknown"

    def __bool__(self) -> bool:
        return True

    def looked(self) -> None:
        """Somebody wants the value. Those that a rule looks at in earnest remember it (`Glance`)."""


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Problem:
    """One violation: where (a property path such as `agentPoolProfiles[0].vmSize`) and what, with the way out."""

    path: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What a rule may look at: the inputs of one resource, which hold no secrets' wrappers but may hold unknown values,
    and its provider's configuration.
    """

    type_name: str
    urn: str
    inputs: Mapping[str, Any]
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def get(self, path: str) -> Any:
        """The value at a path such as `agentPoolProfiles[0].vmSize`: None when absent, `UNKNOWN` when not known yet."""
        value: Any = self.inputs
        for name, index in _STEP.findall(path):
            if isinstance(value, Unknown):
                return value
            # Past the watch: that something is given is known even where its value is not.
            if name:
                plain = isinstance(value, dict)
                value = dict.get(value, name) if plain else value.get(name) if isinstance(value, Mapping) else None
            else:
                position = int(index)
                inside = isinstance(value, list) and position < len(value)
                value = list.__getitem__(value, position) if inside else None
            if value is None:
                return None
        return value

    def known(self, path: str) -> Any:
        """The value at a path, or None when it is absent or not known yet."""
        value = self.get(path)
        if isinstance(value, Unknown):
            value.looked()
            return None
        return value

    def text(self, path: str) -> str:
        """The string at a path, or an empty one."""
        value = self.known(path)
        return value if isinstance(value, str) else ""


class Glance:
    """Notes whether somebody looked at a value that is not known yet."""

    def __init__(self) -> None:
        self.taken = False

    def over(self, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """The same inputs, watched at any depth; those that hold nothing unknown are left as they are."""
        return _watched(inputs, self) if _unsure(inputs) else inputs


class _Awaited(Unknown):
    def __init__(self, glance: Glance) -> None:
        self._glance = glance

    def looked(self) -> None:
        self._glance.taken = True


class _Fields(dict[str, Any]):
    """An object whose unknown fields are noticed when they are read."""

    def __getitem__(self, key: str) -> Any:
        return _noticed(super().__getitem__(key))

    def get(self, key: str, default: Any = None) -> Any:
        return _noticed(super().get(key, default))

    def items(self) -> Any:
        return [(key, _noticed(value)) for key, value in super().items()]

    def values(self) -> Any:
        return [_noticed(value) for value in super().values()]


class _Items(list[Any]):
    """A list whose unknown elements are noticed and left out when it is walked."""

    def __iter__(self) -> Any:
        return (item for item in map(_noticed, super().__iter__()) if not isinstance(item, Unknown))

    def __getitem__(self, index: Any) -> Any:
        return _noticed(super().__getitem__(index))


def _noticed(value: Any) -> Any:
    if isinstance(value, Unknown):
        value.looked()
    return value


def _unsure(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_unsure, value.values()))
    return any(map(_unsure, value)) if isinstance(value, list) else isinstance(value, Unknown)


def _watched(value: Any, glance: Glance) -> Any:
    if isinstance(value, Mapping):
        return _Fields({key: _watched(item, glance) for key, item in value.items()})
    if isinstance(value, list):
        return _Items(_watched(item, glance) for item in value)
    return _Awaited(glance) if isinstance(value, Unknown) else value


Check = Callable[[Inputs], Iterable[Problem]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule on the inputs of a type. `facts` is what it compares with; `fix` says in words what to do about it.

    It gives every fault that it finds, never the first only. A rule that looked at a value that is not known yet gives
    nothing: what it found might be a guess.
    """

    kind: Kind
    check: Check
    paths: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    fix: str = ""

    def __call__(self, call: Inputs) -> list[Problem]:
        glance = Glance()
        found = list(self.check(replace(call, inputs=glance.over(call.inputs))))
        return [] if glance.taken else found

    @property
    def title(self) -> str:
        """The rule in a few words."""
        what = self.facts.get("name") or ", ".join(self.paths)
        return f"{self.kind}: {what}" if what else self.kind


@dataclass(frozen=True, kw_only=True)
class TypeRules:
    """One resource type as its API enforces it, as far as inputs alone tell.

    `name` is the input property that holds the physical name (empty for types that have none, such as bindings); a
    missing one is refused, because nothing is named automatically here. `immutable` lists input paths whose change
    replaces the resource. `labelled` says that what is called tags or labels is that, and no setting of the resource.
    """

    type_name: str
    name: str = ""
    immutable: frozenset[str] = frozenset()
    rules: tuple[Rule, ...] = ()
    labelled: bool = True

    @property
    def all_rules(self) -> tuple[Rule, ...]:
        """The type's rules with the one on its name."""
        return (_named(self.name), *self.rules) if self.name else self.rules

    @property
    def source(self) -> str:
        """Where the type's inputs are described."""
        package, module, name = self.type_name.split(":")
        place = f"{module.split('/')[0]}/{name}".lower()
        return f"https://www.pulumi.com/registry/packages/{package}/api-docs/{place}/"


def _named(path: str) -> Rule:
    def check(call: Inputs) -> Iterable[Problem]:
        if call.get(path) is None:
            yield Problem(path, "is required: names are always explicit, none is made up")

    return Rule(kind="required", check=check, paths=(path,), fix="name it")


def top(path: str) -> str:
    """The input property that a path begins with."""
    return path.split(".")[0].split("[")[0]
