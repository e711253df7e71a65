"""The vocabulary in which a cloud file describes its resource types."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from rehearsal.providers.sdktypes import Problem
from rehearsal.providers.wire import Unknown

if TYPE_CHECKING:
    from pathlib import Path

    from rehearsal.providers.store import Pool, Resource, Store

MISSING: Final = None
_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
CELL_TAG: Final = "twain-cell"
_TAG_PROPERTIES: Final = ("tags", "labels", "resourceLabels")


class CloudRefusalError(RuntimeError):
    """The emulated cloud says no to a well-formed call: quota, dependency, conflict, fault. The message is shown to
    the user."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """What a rule or an output factory may look at. `inputs` hold no secrets' wrappers, but may hold unknown values."""

    type_name: str
    urn: str
    inputs: Mapping[str, Any]
    config: Mapping[str, Any]
    store: Store
    world_dir: Path
    # (type, lower-case name) of what a preview has said it would create: there as far as its children are concerned.
    planned: frozenset[tuple[str, str]] = frozenset()

    def will_exist(self, type_: str, name: str) -> bool:
        """Whether this run's preview would have created a resource of this name before."""
        return (type_, name.lower()) in self.planned

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

    @property
    def cell(self) -> str:
        """The cell by tag or label, else by the stack's name `<env>.<cell>.<layer>`, else empty."""
        for name in _TAG_PROPERTIES:
            tags = self.inputs.get(name)
            if isinstance(tags, Mapping) and isinstance(tags.get(CELL_TAG), str):
                return tags[CELL_TAG]
        parts = stack_of(self.urn).split(".")
        return parts[1] if len(parts) == 3 else ""


def stack_of(urn: str) -> str:
    """The stack of `urn:pulumi:<stack>::<project>::…`."""
    head = urn.split("::", 1)[0]
    return head.removeprefix("urn:pulumi:")


Rule = Callable[[Call], Iterable[Problem]]
Outputs = Callable[[Call, str], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a new resource is called and where it lies."""

    id: str
    region: str = ""
    zone: str = ""


def no_pools(_call: Call, _id: str) -> Iterable[Pool]:
    """Most types bring no node pools."""
    return ()


def no_effect(_call: Call, _resource: Resource) -> dict[str, Any]:
    """Most types are nothing but their row."""
    return {}


def no_removal(_resource: Resource, _call: Call) -> None:
    """Most types leave nothing behind."""


@dataclass(frozen=True, kw_only=True)
class TypeSpec:
    """One resource type as the cloud enforces it.

    `name` is the input property that holds the physical name (empty for types that have none, such as bindings); a
    missing one is refused, because nothing is named automatically here. `key` is what must be unique among live
    resources. `immutable` lists input paths whose change replaces the resource. `parents` lists (path, type) of ids
    that must exist, and that protect their target from deletion. `make` chooses id and place, `outputs` computes what
    the cloud adds, `effect` does what lies outside the store (repeatable: it runs again after a kill) and adds outputs,
    `removal` undoes it (repeatable).
    """

    type_name: str
    make: Callable[[Call], Made]
    key: Callable[[Call], str]
    outputs: Outputs
    name: str = ""
    immutable: frozenset[str] = frozenset()
    parents: tuple[tuple[str, str], ...] = ()
    rules: tuple[Rule, ...] = ()
    pools: Callable[[Call, str], Iterable[Pool]] = no_pools
    effect: Callable[[Call, Resource], dict[str, Any]] = no_effect
    removal: Callable[[Resource, Call], None] = no_removal
    # Outputs that are known before the resource exists, so that a preview can show them (a name, never an id).
    planned: Callable[[Call], dict[str, Any]] = field(default=lambda _call: {})


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """A cloud: its name in fleets, its engine package, its closed table of types, how it finds a referenced resource,
    and what its provider configuration must hold.
    """

    name: str
    package: str
    types: Mapping[str, TypeSpec]
    resolve: Callable[[Call, str, str], Resource | None]
    check_config: Callable[[Mapping[str, Any]], Iterable[Problem]]
    stock_out_message: Callable[[Call], str]
    # Raises when something outside the resource itself, such as a lock, keeps it from being deleted.
    refuse_delete: Callable[[Resource, Call], None] = no_removal
