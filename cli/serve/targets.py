"""From the fleet and the cells' own facts to the targets of a workload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.serve.manifests import CellTarget, Pool

if TYPE_CHECKING:
    from cli.cells import CellFacts
    from cli.fleet import CellView, FleetView


def of_fleet(fleet: FleetView, cell: CellView, facts: CellFacts | None = None) -> CellTarget:
    """The target of a cell. What was built (`facts`) counts before what is declared."""
    source = facts.gpu_pools if facts is not None and facts.gpu_pools else cell.gpu_pools
    return CellTarget(
        cell=cell.name,
        world=cell.world,
        cloud=cell.cloud,
        region=cell.region,
        registry=fleet.worlds[cell.world].registry,
        pools=tuple(
            Pool(name=pool.name, gpu_class=pool.gpu_class, gpus_per_node=pool.gpus_per_node, max=pool.max)
            for pool in source
        ),
        gpu_quota={name: int(maison["gpu_quota"]) for name, maison in fleet.maisons.items()},
    )
