"""The vocabulary of the rule table: a view of a resource's inputs, a rule, a resource type."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
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
            if name:
                value = value.get(name) if isinstance(value, dict | Mapping) else None
            else:
                position = int(index)
                value = value[position] if isinstance(value, list) and position < len(value) else None
            if value is None:
                return None
        return value

    def known(self, path: str) -> Any:
        """The value at a path, or None when it is absent or not known yet."""
        value = self.get(path)
        return None if isinstance(value, Unknown) else value

    def text(self, path: str) -> str:
        """The string at a path, or an empty one."""
        value = self.known(path)
        return value if isinstance(value, str) else ""


Check = Callable[[Inputs], Iterable[Problem]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule on the inputs of a type. `facts` is what it compares with; `fix` says in words what to do about it.

    It yields every fault that it finds, never the first only, and nothing about a value that is not known yet.
    """

    kind: Kind
    check: Check
    paths: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    fix: str = ""

    def __call__(self, call: Inputs) -> Iterable[Problem]:
        return self.check(call)

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
    replaces the resource.
    """

    type_name: str
    name: str = ""
    immutable: frozenset[str] = frozenset()
    rules: tuple[Rule, ...] = ()

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
