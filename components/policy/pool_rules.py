"""Rules over the GPU pools of a cell that need cloud facts: in which of its zones each may have nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.clouds import gpu, regions
from components.errors import NotSupportedError, Problem
from components.policy.places import region_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.spec.model import Cell, Fleet, GpuPool


def zones(fleet: Fleet, cell: Cell, path: str, where: str) -> Iterator[Problem]:
    """A pool lies in zones of its cell. A pool of the fleet's template is one of every cell that has none of its own,
    and can name zones only where all these cells have them.
    """
    pools = fleet.resolved(cell.name).template.gpu_pools
    having = _zones_of(cell)
    if not having:
        return
    own = cell.template is not None and cell.template.gpu_pools is not None
    trail = f"{where}.template" if own else "spec.template"
    here = f"use some of {regions.written(having)}"
    for place, pool in enumerate(pools):
        for at, zone in enumerate(pool.zones or ()):
            if zone in having:
                continue
            yield Problem(
                code=code_of(fleet, cell, zone),
                path=path,
                where=f"{trail}.gpu_pools[{place}].zones[{at}]",
                line=0,
                message=f"cell {cell.name}: its pool {pool.name} cannot lie in zone {zone}, {_why(cell, zone)}.",
                value=zone,
                fix=here if own else f"{here}, or say zones in the cells that have them: cells[].template.gpu_pools",
            )


def not_sold(cell: Cell, pool: GpuPool, path: str, where: str) -> Problem:
    """No machine for a pool: what is told to whoever declared it."""
    count, places = pool.gpus_per_node, gpu.regions_of(cell.cloud, pool.gpu_class, pool.gpus_per_node)
    why, sizes = gpu.withheld(cell.cloud, pool.gpu_class, count), gpu.sizes_of(cell.cloud, cell.region, pool.gpu_class)
    fixes = [f"offered in: {', '.join(places)}"] if places else []
    fixes += [f"gpus_per_node in {cell.region}: {', '.join(map(str, sizes))}"] if sizes else []
    return Problem(
        code="SPEC-SKU",
        path=path,
        where=f"{where} (pool {pool.name})",
        line=0,
        message=(
            f"cell {cell.name}: no machine of {cell.cloud} with {count} GPU of class {pool.gpu_class} is offered in "
            f"{cell.region}{f': {why}' if why else ''}."
        ),
        value=cell.region,
        fix="; ".join(fixes) or "no region of this cloud has it, as far as we know",
    )


def code_of(fleet: Fleet, cell: Cell, zone: str) -> str:
    """The code for a zone that a cell cannot have: one of a region outside the allow-list is about residency."""
    world, region = fleet.worlds.get(cell.world), region_of(cell.cloud, zone)
    outside = world is not None and region not in world.regions
    return "RES-001" if outside and regions.world_of(cell.cloud, region) is not None else "SPEC-ZONE"


def _zones_of(cell: Cell) -> tuple[str, ...]:
    """The zones of a cell; empty where nobody knows them, which is told of the cell."""
    try:
        return regions.of_cell(cell.cloud, cell.region, cell.zones)
    except NotSupportedError:
        return ()


def _why(cell: Cell, zone: str) -> str:
    try:
        known = regions.zones(cell.cloud, cell.region)
    except NotSupportedError:
        return "which is none of the cell's"
    if zone not in known:
        return f"which is none of {cell.region}"
    return f"which {cell.region} has and the cell has not: " + (
        "zones of the cell leaves it out" if cell.zones else "without zones of its own it has the first two"
    )
