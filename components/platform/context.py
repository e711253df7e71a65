"""What every platform module is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi

from components.platform import names
from components.policy.model import Permit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi_kubernetes

    from components.spec.model import Fleet, ResolvedCell


@dataclass(frozen=True, kw_only=True)
class Context:
    """The fleet, the cell, the provider of its cluster, the component that is the parent of all, and the facts of the
    world's other cells as JSON text by cell name (for the gate), and the fleet's export entries.
    """

    fleet: Fleet
    cell: ResolvedCell
    provider: pulumi_kubernetes.Provider
    parent: pulumi.Resource
    sister_cells: dict[str, pulumi.Output[str]]
    exports: Mapping[str, Permit] = field(default_factory=dict[str, Permit])

    @property
    def labels(self) -> dict[str, str]:
        """Labels of every object of the platform."""
        return {
            "app.kubernetes.io/managed-by": "twain",
            names.LABEL_WORLD: self.cell.cell.world,
            names.LABEL_CELL: self.cell.cell.name,
        }

    @property
    def is_gate_cell(self) -> bool:
        """Whether this cell holds its world's gate."""
        return self.cell.world.gate_cell == self.cell.cell.name

    def options(self, depends_on: Sequence[pulumi.Resource] = ()) -> pulumi.ResourceOptions:
        """Options of a child resource."""
        return pulumi.ResourceOptions(parent=self.parent, provider=self.provider, depends_on=list(depends_on))
