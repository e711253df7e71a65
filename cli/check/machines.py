"""Whether each pool of a cell can have its machines in every zone that it spans, and which line of the fleet mends it.

A cloud makes no pool, or no node of it, in a zone where the machine is not sold: what is sold in some zones only is
wrong for a pool that spans the others too.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import yaml

from cli.check.model import MACHINES, failed, ok
from components.clouds import regions
from components.clouds.needs import NEEDS
from components.clouds.node_images import FIXED_POOL_ZONES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cli.check.cell import Subject
    from cli.check.model import Finding
    from cli.check.probe import Offer, Want
    from components.spec.model import GpuPool


def look(subject: Subject, wants: Sequence[Want], offers: Mapping[str, Offer]) -> list[Finding]:
    """Each pool's machine type in each zone that it spans."""
    sold = {want.machine: _sold(subject, offers.get(want.machine)) for want in wants}
    # One line mends all pools of the cell: two lines would take back each other.
    narrowed = {
        want.pool: [zone for zone in want.zones if zone in sold[want.machine]] or list(sold[want.machine])
        for want in wants
        if want.pool and sold[want.machine] and not set(want.zones) <= set(sold[want.machine])
    }
    return [_of(subject, want, offers.get(want.machine), sold[want.machine], narrowed) for want in wants]


def _of(
    subject: Subject, want: Want, offer: Offer | None, sold: tuple[str, ...], narrowed: Mapping[str, Sequence[str]]
) -> Finding:
    tool = NEEDS[subject.cloud].tool
    missing = [zone for zone in want.zones if zone not in sold]
    if not missing:
        return ok(MACHINES, want.machine, f"offered in {', '.join(want.zones)}", source=tool)
    if want.pool in narrowed:
        says = f"this account cannot order it in {' or '.join(missing)} today, and pool {want.pool} spans {_all(want)}."
        return failed(MACHINES, want.machine, says, fix=_line(subject, narrowed), source=tool)
    if sold and subject.up:
        # Its pool is there: it has less room to grow, and the zones of a cell that is up do not change.
        says = f"offered in {', '.join(sold)}, not in {', '.join(missing)}"
        return ok(MACHINES, want.machine, says, source=tool)
    says = f"this account cannot order it in {' or '.join(missing)} today."
    return failed(MACHINES, want.machine, says, fix=_elsewhere(subject, want, offer), source=tool)


def _all(want: Want) -> str:
    return " and ".join(want.zones)


def _sold(subject: Subject, offer: Offer | None) -> tuple[str, ...]:
    """Those of the cell's zones in which a machine can be ordered."""
    region = subject.cell.cell.region
    there = {_bare(zone, region) for zone in offer.zones} if offer is not None else set[str]()
    return tuple(zone for zone in subject.zones if _bare(zone, region) in there)


def _bare(zone: str, region: str) -> str:
    """`1` of `francecentral-1`: some clouds number the zones of a region, some name them in full."""
    return zone.removeprefix(f"{region}-")


def _line(subject: Subject, narrowed: Mapping[str, Sequence[str]]) -> str:
    """What to write into the fleet: all pools of the cell, as its own list takes the place of the template's."""
    pools = ", ".join(_pool(pool, narrowed.get(pool.name)) for pool in subject.cell.template.gpu_pools)
    line = f"under template of cell {subject.cell.cell.name} write gpu_pools: [{pools}]"
    anew = subject.up and subject.cloud in FIXED_POOL_ZONES
    return f"{line}; a pool that is there is made anew for it, and its nodes go with the old one" if anew else line


def _pool(pool: GpuPool, zones: Sequence[str] | None) -> str:
    said = pool.model_dump(mode="json", exclude={"zones"})
    zones = zones or pool.zones
    parts = [f"{key}: {_plain(value)}" for key, value in said.items()]
    return f"{{{', '.join([*parts, *([f'zones: {regions.written(zones)}'] if zones else [])])}}}"


def _plain(value: object) -> str:
    """A value as YAML reads it back: a name such as `on` needs quotes."""
    text = str(value)
    return text if yaml.safe_load(text) == value else json.dumps(value)


def _elsewhere(subject: Subject, want: Want, offer: Offer | None) -> str:
    """What is to be done where the zones of the cell themselves are wrong."""
    others = sorted(offer.zones) if offer is not None else []
    if want.pool and others:
        some = regions.written(others)
        return f"give the cell zones with some of {some} among them, and name those in the pool too: zones: {some}"
    if len(others) > 1:
        return f"give the cell other zones: some of {regions.written(others)}"
    return "choose another class or region" if want.pool else "choose another system_pool.size or region"
