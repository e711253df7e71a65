"""The base of every component: type token, tags, child options and registered outputs, done once."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import pulumi

from components.clouds import naming

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.spec.model import Cloud, Fleet, ResolvedCell

In = TypeVar("In")
Out = TypeVar("Out")


def maison_tag(maison: str) -> dict[str, str]:
    """What a resource carries beside its place's tags when it is one maison's alone: its cost is found by it."""
    return {"twain-maison": maison}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a resource is made: the fleet's name, the resolved cell, the zones that were chosen for it."""

    fleet: str
    cell: ResolvedCell
    zones: tuple[str, ...]

    @classmethod
    def of(cls, fleet: Fleet, cell: ResolvedCell) -> Place:
        """The place of a cell: its own zones, or the first two that the facts list for its region."""
        from components.clouds.regions import of_cell

        return cls(fleet=fleet.name, cell=cell, zones=of_cell(cell.cell.cloud, cell.cell.region, cell.cell.zones))

    @property
    def cloud(self) -> Cloud:
        """The cell's cloud."""
        return self.cell.cell.cloud

    @property
    def region(self) -> str:
        """The cell's region."""
        return self.cell.cell.region

    @property
    def protect(self) -> bool:
        """Whether deletion protection is asked for."""
        return self.cell.template.protect

    @property
    def tags(self) -> dict[str, str]:
        """Tags that are valid on all three clouds; a resource's cost and its cell are found by them."""
        return {
            "twain-fleet": self.fleet,
            "twain-world": self.cell.cell.world,
            "twain-cell": self.cell.cell.name,
            "twain-layer": "infra",
        }

    def name(self, purpose: str, *, limit: int = 40) -> str:
        """A physical name that is unique in an account and region."""
        return naming.regional(self.fleet, self.cell.cell.name, purpose, limit=limit)

    def global_name(self, purpose: str, *, limit: int = 63, dashes: bool = True) -> str:
        """A physical name for what must be unique in the whole cloud: it ends in a hash."""
        return naming.worldwide(self.fleet, self.cell.cell.name, purpose, limit=limit, dashes=dashes)

    def uuid(self, purpose: str) -> str:
        """A UUID for what a cloud names by UUID (a role assignment): the same in every run."""
        return naming.uuid(self.fleet, self.cell.cell.name, purpose)


class Component(pulumi.ComponentResource, Generic[In, Out]):
    """A component of a cell. Subclasses say `kind` in the contract and implement `build` once per cloud.

    The type token and the logical names are the same on every cloud, so that the component layer of two stacks can be
    compared as sets. Repetition: declarative, as everything in a Pulumi program.
    """

    kind: ClassVar[str]

    def __init__(self, name: str, inputs: In, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"twain:index:{self.kind}", name, None, opts)
        self.outputs: Out = self.build(name, inputs)
        self.register_outputs({field.name: getattr(self.outputs, field.name) for field in fields(self.outputs)})  # pyright: ignore[reportArgumentType]

    @abstractmethod
    def build(self, name: str, inputs: In) -> Out:
        """Declare the resources of this component on one cloud. Called once, by the constructor."""

    def child(
        self,
        *,
        depends_on: Sequence[pulumi.Resource] = (),
        ignore_changes: Sequence[str] = (),
        protect: bool | None = None,
        **extra: Any,
    ) -> pulumi.ResourceOptions:
        """Options of a child. Physical names are fixed, so a replacement must delete first."""
        return pulumi.ResourceOptions(
            parent=self,
            depends_on=list(depends_on),
            ignore_changes=list(ignore_changes) or None,
            protect=protect,
            delete_before_replace=True,
            **extra,
        )
