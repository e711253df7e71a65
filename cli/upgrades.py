"""Upgrades: which cells a fleet's line would take to another minor, other node images or another driver, and what
stands against it.

Looked at before the engine starts. The live API server is the truth about what runs; where it does not answer, an
upgrade is not begun. One that was begun and then killed may have left it down: a note in the operator's home says that
everything had been looked at, and the next run goes on.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli import cells, errors, files
from cli.check import cell as checking
from cli.check import run, upgrade
from cli.check.model import Finding, as_error, failed, ok, unknown
from cli.kube import minors
from cli.net.deadline import Deadline
from components.clouds import regions
from components.clouds.node_images import FIXED_POOL_ZONES, FIXED_SYSTEM_MACHINES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cli.app import App
    from cli.stacks import Stack

_DEADLINE_S = 30.0
SYSTEM = "system-pool"


@dataclass(frozen=True, kw_only=True)
class Upgrade:
    """One cell on its way from what runs to what the fleet declares."""

    cell: str
    world: str
    running: str
    wanted: str
    findings: tuple[Finding, ...]
    what: str = "Kubernetes"

    @property
    def stands_against(self) -> list[Finding]:
        """What keeps it from being begun. A quota that nobody could ask for is told, and does not."""
        return [
            finding
            for finding in self.findings
            if finding.state == "failed" or (finding.state == "unknown" and finding.check != checking.QUOTA)
        ]

    @property
    def words(self) -> str:
        """For the plan."""
        return f"{self.cell}: {self.what} {self.running} to {self.wanted}"


def find(app: App, chosen: Sequence[Stack], existing: Sequence[str]) -> list[Upgrade]:
    """The upgrades among these stacks, each with what was found out about it. Asks only cells whose line changed."""
    moving: list[tuple[str, str]] = []
    for stack in chosen:
        if not _mine(app, stack, existing):
            continue
        was = deployed(app, stack)
        if was and was != app.fleet.cell(stack.cell).kubernetes_minor:
            moving.append((stack.cell, was))
    minors_first = asyncio.run(_all(app, moving)) if moving else []
    return [*minors_first, *(one for stack in chosen if _mine(app, stack, existing) for one in _nodes(app, stack.cell))]


def _mine(app: App, stack: Stack, existing: Sequence[str]) -> bool:
    return stack.layer == "infra" and stack.world == app.context.world and stack.name in existing


def _nodes(app: App, cell: str) -> list[Upgrade]:
    """What the fleet says of images and drivers and the cell has not yet. Its pools replace their nodes for it, each
    with as many machines more as `surge` says. First the API server is asked what would break, then the account
    whether there is room.
    """
    try:
        deployed: dict[str, Any] = cells.read(app.home, cell).other.get("guarantees") or {}
    except errors.NotFoundError:
        return []
    declared = app.fleet.cell(cell)
    lines = (("nodes.images", "node images", declared.images), ("gpu.driver", "GPU driver", declared.driver))
    # A cell without GPU pools has no driver; what one that was brought up by an older program has is not known.
    moving = [
        (what, str(deployed[name]), wanted)
        for name, what, wanted in lines
        if deployed.get(name) not in {None, "n/a", wanted}
    ]
    fixed = [*_machines(app, cell), *_pools(app, cell)]
    found = (*asyncio.run(_replaced(app, cell)), *run.quotas(app, cell)) if moving else ()
    return [
        # Both lines are one replacement of the same nodes: what stands against it is told once.
        Upgrade(cell=cell, world=declared.world, running=old, wanted=new, findings=() if place else found, what=what)
        for place, (what, old, new) in enumerate(moving)
    ] + fixed


async def _replaced(app: App, cell: str) -> list[Finding]:
    """What stands against replacing the nodes of a cell: the new ones are of its control plane's minor, whatever the
    old ones were, so that it is looked at as an upgrade of the nodes to that minor.
    """
    deadline = Deadline(_DEADLINE_S)
    try:
        async with app.kube(cell) as kube:
            found = await minors.running(kube, deadline=deadline)
            minor = found.minor if found is not None else app.fleet.cell(cell).kubernetes_minor
            return await upgrade.live(kube, running=minor, wanted=minor, deadline=deadline)
    except errors.TwainError as error:
        says = f"does not answer, so it is not known what new nodes would break: {error.message}"
        return [unknown(upgrade.APIS, "API server", says, fix=error.fix or f"twain status --cell {cell}")]


def _machines(app: App, cell: str) -> Iterator[Upgrade]:
    """Another machine for the system pool: AKS keeps it inside the cluster and refuses to change it there."""
    declared = app.fleet.cell(cell)
    was = str((cells.read(app.home, cell).other.get("system_pool") or {}).get("size") or declared.system_size)
    if was == declared.system_size or declared.cloud not in FIXED_SYSTEM_MACHINES:
        return
    says = (
        f"{declared.cloud} cannot change the machine of a system pool that is up, from {was} to {declared.system_size}."
    )
    finding = failed(
        SYSTEM, "system pool", says, fix=f"keep system_pool.size at {was}; more nodes of it are a changed max"
    )
    yield Upgrade(
        cell=cell,
        world=declared.world,
        running=was,
        wanted=declared.system_size,
        findings=(finding,),
        what="system pool",
    )


def _pools(app: App, cell: str) -> Iterator[Upgrade]:
    """GPU pools that lie in other zones than the fleet says, on a cloud that makes a pool anew for it: nothing stands
    against that, and whoever brings it up should know.
    """
    declared = app.fleet.cell(cell)
    if declared.cloud not in FIXED_POOL_ZONES:
        return
    built = {pool.name: pool.zones for pool in cells.read(app.home, cell).gpu_pools}
    having = regions.of_cell(declared.cloud, declared.region, declared.zones)
    for pool in declared.gpu_pools:
        was = built.get(pool.name, ())
        wanted = tuple(zone for zone in having if zone in (pool.zones or having))
        if was and was != wanted:
            yield Upgrade(
                cell=cell,
                world=declared.world,
                running=", ".join(was),
                wanted=f"{', '.join(wanted)}: the pool is made anew, and its nodes go with the old one first",
                findings=(),
                what=f"zones of pool {pool.name}",
            )


def refuse(found: Sequence[Upgrade]) -> None:
    """Raise every reason against every upgrade at once."""
    reasons = [as_error(finding, cell=one.cell) for one in found for finding in one.stands_against]
    if len(reasons) == 1:
        raise reasons[0]
    if reasons:
        raise errors.Several(reasons)


def begin(app: App, found: Sequence[Upgrade]) -> None:
    """Note that these upgrades were looked at and may go on after a kill."""
    for one in (each for each in found if each.what == "Kubernetes"):
        note = {"from": one.running, "to": one.wanted, "checked": app.clock.now().isoformat(timespec="seconds")}
        files.private_dir(app.home / "upgrades")
        files.write_private(_note(app, one.cell), json.dumps(note, indent=2, sort_keys=True) + "\n")


def done(app: App, cell: str) -> None:
    """The stack is up: the note has done its work."""
    _note(app, cell).unlink(missing_ok=True)


def _note(app: App, cell: str) -> Path:
    return app.home / "upgrades" / f"{cell}.json"


def _begun(app: App, cell: str, wanted: str) -> str | None:
    """When an upgrade to this minor was looked at and begun, or None."""
    try:
        raw: dict[str, Any] = json.loads(_note(app, cell).read_bytes())
    except (OSError, ValueError):
        return None
    return str(raw.get("checked")) if raw.get("to") == wanted else None


def deployed(app: App, stack: Stack) -> str:
    """The Kubernetes minor with which a cell was brought up; empty where nobody knows."""
    try:
        known = cells.read(app.home, stack.cell).kubernetes_minor
    except errors.NotFoundError:
        known = ""
    if known:
        return known
    try:
        return str(app.engine.outputs(stack.name).get("kubernetes_minor") or "")
    except errors.TwainError:
        # Whatever is wrong with the stack (a passphrase, a lock) is told by what works on it.
        return ""


async def _all(app: App, moving: Sequence[tuple[str, str]]) -> list[Upgrade]:
    return list(await asyncio.gather(*(_one(app, cell, deployed) for cell, deployed in moving)))


async def _one(app: App, cell: str, deployed: str) -> Upgrade:
    declared = app.fleet.cell(cell)
    wanted, deadline = declared.kubernetes_minor, Deadline(_DEADLINE_S)
    running, findings = deployed, []
    try:
        async with app.kube(cell) as kube:
            found = await minors.running(kube, deadline=deadline)
            running = found.minor if found is not None else deployed
            findings = [upgrade.step(running=running, wanted=wanted)]
            if findings[0].state == "ok" and running != wanted:
                findings += await upgrade.live(kube, running=running, wanted=wanted, deadline=deadline)
                findings += await asyncio.to_thread(run.quotas, app, cell)
    except errors.TwainError as error:
        findings = [upgrade.step(running=deployed, wanted=wanted), _silent(app, cell, wanted, error)]
    return Upgrade(cell=cell, world=declared.world, running=running, wanted=wanted, findings=tuple(findings))


def _silent(app: App, cell: str, wanted: str, error: errors.TwainError) -> Finding:
    since = _begun(app, cell, wanted)
    if since is not None:
        return ok(upgrade.APIS, "API server", f"does not answer; the upgrade was looked at on {since} and begun")
    says = f"does not answer, so it is not known what an upgrade would break: {error.message}"
    return unknown(upgrade.APIS, "API server", says, fix=error.fix or f"twain status --cell {cell}")
