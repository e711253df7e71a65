"""One workload over all cells of a scope: own cells directly and at once, other worlds through their gates."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from cli import errors
from cli.net.http import Deadline
from cli.serve import apply, manifests, plan, remote, targets
from cli.serve import list as listing
from cli.serve.scope import Where, as_unreachable, gate_of, unreachable, where

__all__ = ["Where", "gate_of", "unreachable", "where"]

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from cli.app import App
    from cli.fleet import CellView
    from cli.options import Scope
    from cli.serve.apply import CellOutcome
    from cli.serve.manifests import CellTarget
    from cli.serve.rollout import Progress
    from components.spec.model import Workload


def whole_worlds(app: App, place: Where) -> None:
    """Refuse a scope that takes a part of another world: a gate carries an intent out in all cells of its world."""
    for world, cells in place.others.items():
        if len(cells) != len(app.fleet.cells_of(world)):
            message = f"cells of world {world} cannot be picked from here: its gate works on all of them."
            raise errors.UsageError(message, fix=f"--world {world} without --cell", id="CFG-SCOPE")


def target(app: App, cell: CellView) -> CellTarget:
    """What the plan needs of a cell: what was built where that is known here, else what the fleet declares."""
    facts = None
    if cell.world == app.context.world:
        try:
            facts = app.cell(cell.name)
        except errors.NotFoundError:
            facts = None
    return targets.of_fleet(app.fleet, cell, facts)


async def list_all(app: App, scope: Scope, *, timeout_s: float) -> tuple[list[listing.Row], list[errors.ErrorRow]]:
    """Every workload of the scope, in the order of the fleet. What could not be asked is an error row."""
    place = where(app, scope)
    deadline = Deadline(timeout_s)
    parts = await asyncio.gather(
        *(_own_rows(app, cell, deadline) for cell in place.own),
        *(_gate_rows(app, world, cells, deadline) for world, cells in place.others.items()),
    )
    rows = [row for part, _ in parts for row in part if scope.maison in {None, row["maison"]}]
    order = {cell.name: index for index, cell in enumerate(app.fleet.cells)}
    rows.sort(key=lambda row: (order.get(row["cell"], len(order)), row["maison"], row["name"]))
    return rows, [error for _, found in parts for error in found]


async def _own_rows(app: App, cell: CellView, deadline: Deadline) -> tuple[list[listing.Row], list[errors.ErrorRow]]:
    try:
        async with app.kube(cell.name) as kube:
            return await listing.rows_in_cell(kube, world=cell.world, cell=cell.name, deadline=deadline)
    except errors.TwainError as error:
        return [], [unreachable(error, cell=cell.name, world=cell.world)]


async def _gate_rows(
    app: App, world: str, cells: tuple[CellView, ...], deadline: Deadline
) -> tuple[list[listing.Row], list[errors.ErrorRow]]:
    from cli.gate import client

    try:
        seconds = min(client.GATE_DEADLINE_S, deadline.left)
        found = await client.get_aggregates(gate_of(app, world), "fleet", deadline_s=seconds)
    except errors.TwainError as error:
        return [], [unreachable(error, cell=None, world=world)]
    wanted = {cell.name for cell in cells}
    rows = [
        {**{key: item.get(key) for key in listing.KEYS}, "readers": None}
        for item in found.of_kind("workload")
        if item.get("cell") in wanted
    ]
    return rows, [error for error in found.errors if error.cell in {None, *wanted}]


async def plan_all(
    app: App, workload: Workload, scope: Scope, *, timeout_s: float
) -> tuple[list[plan.CellPlan], list[errors.ErrorRow]]:
    """The plan of every cell of the scope; a cell that could not be asked is planned from the fleet alone."""
    place = where(app, scope, workload.worlds)
    deadline = Deadline(timeout_s)
    own = await asyncio.gather(*(_plan_own(app, workload, cell, deadline) for cell in place.own))
    other = await asyncio.gather(
        *(_plan_other(app, workload, world, cells, deadline) for world, cells in place.others.items())
    )
    plans = [part for part, _ in own] + [one for part, _ in other for one in part]
    found = [error for _, error in own if error is not None] + [error for _, part in other for error in part]
    order = {cell.name: index for index, cell in enumerate(app.fleet.cells)}
    return sorted(plans, key=lambda one: order[one.cell]), found


async def _plan_own(
    app: App, workload: Workload, cell: CellView, deadline: Deadline
) -> tuple[plan.CellPlan, errors.ErrorRow | None]:
    aim = target(app, cell)
    sku = sku_of(app, cell, workload.gpu.gpu_class)
    try:
        async with app.kube(cell.name) as kube:
            live = await plan.observe(kube, workload, deadline=deadline)
    except errors.TwainError as error:
        return plan.plan_cell(workload, aim, None, sku=sku), unreachable(error, cell=cell.name, world=cell.world)
    return plan.plan_cell(workload, aim, live, sku=sku), None


async def _plan_other(
    app: App, workload: Workload, world: str, cells: tuple[CellView, ...], deadline: Deadline
) -> tuple[list[plan.CellPlan], list[errors.ErrorRow]]:
    rows, found = await _gate_rows(app, world, cells, deadline)
    silent = {error.cell for error in found}
    plans: list[plan.CellPlan] = []
    for cell in cells:
        live: plan.Live | None = None
        if None not in silent and cell.name not in silent:
            own = [
                r for r in rows if (r["cell"], r["maison"], r["name"]) == (cell.name, workload.maison, workload.name)
            ]
            live = _live(own[0]) if own else plan.Live()
        sku = sku_of(app, cell, workload.gpu.gpu_class)
        plans.append(plan.plan_cell(workload, target(app, cell), live, sku=sku))
    return plans, found


def _live(row: listing.Row) -> plan.Live:
    return plan.Live(replicas=row["desired"], ready=row["ready"] or 0, revision=row["revision"])


def sku_of(app: App, cell: CellView, gpu_class: str) -> str | None:
    """The machine type behind a class in a cell: as built where that is known here, else from the facts of its
    cloud."""
    if cell.world == app.context.world:
        try:
            built = [pool.instance_type for pool in app.cell(cell.name).gpu_pools if pool.gpu_class == gpu_class]
        except errors.TwainError:
            built = []
        if built and built[0]:
            return built[0]
    from components.clouds import gpu

    per_node = max((pool.gpus_per_node for pool in cell.gpu_pools if pool.gpu_class == gpu_class), default=1)
    machine = gpu.machine(cell.cloud, cell.region, gpu_class, per_node)
    return machine.instance_type if machine is not None else None


async def apply_all(app: App, workload: Workload, scope: Scope, *, deadline_s: float | None) -> list[CellOutcome]:
    """Apply in every cell of the scope at once. Each ends in exactly one state; one bad cell stops no other."""
    place = where(app, scope, workload.worlds)
    op = app.journal.new_key()
    cells = [cell.name for cell in place.own]
    app.journal.append(op, "apply", maison=workload.maison, name=workload.name, cells=cells)
    work: list[Awaitable[list[CellOutcome]]] = [
        _apply_own(app, workload, cell, op=op, deadline_s=deadline_s) for cell in place.own
    ]
    intent = workload.model_dump(mode="json")
    wait_s = deadline_s or float(workload.rollout.deadline_s)
    work += [_apply_other(app, world, "apply", intent, wait_s=wait_s) for world in place.others]
    outcomes = [outcome for part in await asyncio.gather(*work) for outcome in part]
    app.journal.append(op, "applied", states=[[outcome.cell or outcome.world, outcome.state] for outcome in outcomes])
    return outcomes


async def _apply_own(
    app: App, workload: Workload, cell: CellView, *, op: str, deadline_s: float | None
) -> list[CellOutcome]:
    said: set[str] = set()
    steps: list[str] = []

    def step(name: str) -> None:
        steps.append(name)
        _journal_step(app, op, name, cell.name)

    def told(progress: Progress) -> None:
        line = f"{cell.name}: {progress.available} of {progress.desired} available, {progress.updated} of this revision"
        if line not in said:
            said.add(line)
            app.console.note(line)

    try:
        async with app.kube(cell.name) as kube:
            outcome = await apply.apply_in_cell(
                kube,
                workload,
                target(app, cell),
                identity=app.context.identity,
                deadline_s=deadline_s,
                on_step=step,
                on_progress=told,
            )
    except errors.TwainError as raised:
        error = as_unreachable(raised)
        state = apply.state_of(error)
        app.journal.append(op, "cell-ended", cell=cell.name, state=state, reason=error.message)
        return [
            apply.CellOutcome(
                cell=cell.name,
                world=cell.world,
                state=state,
                revision=manifests.revision(workload),
                desired=workload.replicas,
                changed=None if steps else (),
                error=error,
            )
        ]
    app.journal.append(op, "cell-ended", cell=cell.name, state=outcome.state)
    return [outcome]


def _journal_step(app: App, op: str, step: str, cell: str) -> None:
    app.journal.append(op, f"cell-{step}", cell=cell)


async def _apply_other(
    app: App, world: str, action: remote.Action, body: dict[str, Any], *, wait_s: float
) -> list[CellOutcome]:
    try:
        gate = gate_of(app, world)
    except errors.TwainError as error:
        return [apply.CellOutcome(cell=None, world=world, state="refused", error=error)]
    intent = remote.Intent(world=world, action=action, workload=body, wait_s=wait_s)
    return await remote.carry_out(gate, app.journal, intent)


async def delete_all(app: App, scope: Scope, *, maison: str, name: str) -> list[CellOutcome]:
    """Delete a workload in every cell of the scope."""
    place = where(app, scope)
    work: list[Awaitable[list[CellOutcome]]] = [_delete_own(app, cell, maison=maison, name=name) for cell in place.own]
    body = {"maison": maison, "name": name}
    work += [_apply_other(app, world, "delete", body, wait_s=60.0) for world in place.others]
    return [outcome for part in await asyncio.gather(*work) for outcome in part]


async def _delete_own(app: App, cell: CellView, *, maison: str, name: str) -> list[CellOutcome]:
    try:
        async with app.kube(cell.name) as kube:
            return [
                await apply.delete_in_cell(
                    kube,
                    maison=maison,
                    name=name,
                    cell=cell.name,
                    world=cell.world,
                    identity=app.context.identity,
                )
            ]
    except errors.TwainError as raised:
        error = as_unreachable(raised)
        state = apply.state_of(error)
        return [apply.CellOutcome(cell=cell.name, world=cell.world, state=state, changed=None, error=error)]
