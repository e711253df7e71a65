"""The vocabulary in which a cloud file describes its resource types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from components.rules import table
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from pathlib import Path

    from rehearsal.providers.store import Pool, Resource, Store

MISSING: Final = None
CELL_TAG: Final = "twain-cell"
_TAG_PROPERTIES: Final = ("tags", "labels", "resourceLabels")


class CloudRefusalError(RuntimeError):
    """The emulated cloud says no to a well-formed call: quota, dependency, conflict, fault. The message is shown to
    the user."""


@dataclass(frozen=True, kw_only=True)
class Call(Inputs):
    """What a rule or an output factory may look at: the inputs, and the account that they are for."""

    store: Store
    world_dir: Path
    # (type, lower-case name) of what a preview has said it would create: there as far as its children are concerned.
    planned: frozenset[tuple[str, str]] = frozenset()

    def will_exist(self, type_: str, name: str) -> bool:
        """Whether this run's preview would have created a resource of this name before."""
        return (type_, name.lower()) in self.planned

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
    """One resource type as the cloud enforces it. What inputs alone tell stands in `components.rules`: its name, what
    cannot change, the rules on its inputs; here is what needs the account.

    `key` is what must be unique among live resources. `parents` lists (path, type) of ids that must exist, and that
    protect their target from deletion. `make` chooses id and place, `outputs` computes what the cloud adds, `effect`
    does what lies outside the store (repeatable: it runs again after a kill) and adds outputs, `removal` undoes it
    (repeatable).
    """

    type_name: str
    make: Callable[[Call], Made]
    key: Callable[[Call], str]
    outputs: Outputs
    parents: tuple[tuple[str, str], ...] = ()
    rules: tuple[Rule, ...] = ()
    pools: Callable[[Call, str], Iterable[Pool]] = no_pools
    effect: Callable[[Call, Resource], dict[str, Any]] = no_effect
    removal: Callable[[Resource, Call], None] = no_removal
    # Outputs that are known before the resource exists, so that a preview can show them (a name, never an id).
    planned: Callable[[Call], dict[str, Any]] = field(default=lambda _call: {})

    @property
    def declared(self) -> TypeRules:
        """The type in the rule table. Raises KeyError where the table lacks it."""
        return table.of_package(self.type_name.split(":", 1)[0])[self.type_name]

    @property
    def name(self) -> str:
        """The input property that holds the physical name; empty for types that have none."""
        return self.declared.name

    @property
    def replacing(self) -> frozenset[str]:
        """Input paths whose change replaces the resource."""
        return self.declared.replacing


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
