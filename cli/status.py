"""One screen: what every cell says of itself, each asked at once, none waited for longer than the deadline.

What a cell does not say is None with a reason; nothing here turns silence into zero.

The greetings of all cells leave before what reads their answers is loaded: that takes longer than a round trip.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from cli import errors
from cli.net.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from cli.app import App
    from cli.fleet import CellView
    from cli.kube.client import KubeClient
    from cli.serve.scope import Where

Row = dict[str, Any]
# Nodes, deployments, version, and the way to Prometheus.
_AT_ONCE = 4


def blank(cell: CellView, *, api: str, via: str) -> Row:
    """A row in which nothing is known yet."""
    return {
        "world": cell.world,
        "cell": cell.name,
        "cloud": cell.cloud,
        "region": cell.region,
        "via": via,
        "api": api,
        "kubernetes": None,
        "nodes": None,
        "gpus": None,
        "workloads": None,
        "prometheus": {"state": "unknown", "sampleAge": None, "targetsUp": None, "targetsDown": None},
        "reasons": [],
    }


async def stream(app: App, place: Where, *, timeout_s: float) -> AsyncIterator[tuple[Row, list[errors.ErrorRow]]]:
    """Rows as they come, with what each could not learn. Every cell of the scope gives exactly one."""
    deadline = Deadline(timeout_s)
    tasks = [asyncio.ensure_future(_own(app, cell, deadline)) for cell in place.own]
    tasks += [asyncio.ensure_future(_other(app, world, cells, deadline)) for world, cells in place.others.items()]
    try:
        for task in asyncio.as_completed(tasks):
            for row, found in await task:
                yield row, found
    finally:
        for task in tasks:
            task.cancel()


async def _own(app: App, cell: CellView, deadline: Deadline) -> list[tuple[Row, list[errors.ErrorRow]]]:
    row = blank(cell, api="unreachable", via="direct")
    try:
        async with app.kube(cell.name) as kube:
            await kube.open(_AT_ONCE, deadline)
            found = await _ask(app, kube, cell, row, deadline)
    except errors.TwainError as error:
        from cli.serve.scope import unreachable

        row["api"] = "not up" if isinstance(error, errors.NotFoundError) else "unreachable"
        row["prometheus"]["sampleAge"] = _remembered_age(app, cell.name)
        row["reasons"].append(error.message)
        return [(row, [unreachable(error, cell=cell.name, world=cell.world)])]
    return [(row, found)]


async def _ask(app: App, kube: KubeClient, cell: CellView, row: Row, deadline: Deadline) -> list[errors.ErrorRow]:
    from cli.kube import decode, kinds, minors
    from cli.serve import live

    nodes, deployments, version, fresh = await asyncio.gather(
        decode.listed(kube, kinds.collection("v1", "Node"), decode.Node, deadline=deadline),
        live.deployments(kube, deadline=deadline),
        kube.get_bytes("/version", deadline=deadline),
        _freshness(app, kube, cell, deadline),
    )
    row["api"] = "up"
    runs = minors.of_version(version)
    row["kubernetes"] = runs.minor if runs is not None else None
    row["nodes"] = {"ready": sum(node.ready for node in nodes.items), "total": len(nodes.items)}
    taken = sum(item.status.replicas * live.gpus_per_replica(item) for item in deployments.items)
    ceiling = sum(pool.max * pool.gpus_per_node for pool in cell.gpu_pools)
    row["gpus"] = {"present": sum(node.gpus for node in nodes.items), "wanted": taken, "max": ceiling}
    row["workloads"] = {
        "ready": sum(item.status.ready_replicas for item in deployments.items),
        "desired": sum(item.spec.replicas for item in deployments.items),
        "count": len(deployments.items),
    }
    row["prometheus"], error = fresh
    if error is None:
        return []
    row["reasons"].append(error.message)
    return [error]


async def _freshness(
    app: App, kube: KubeClient, cell: CellView, deadline: Deadline
) -> tuple[Row, errors.ErrorRow | None]:
    from cli.collect import cell as collect

    now = app.clock.now().timestamp()
    access = app.fleet.worlds[cell.world].access
    found, error = await collect.freshness_of(kube, access=access, now=now, deadline=deadline, home=app.home)
    age = found.age_s(now)
    row = {
        "state": "up" if error is None else "unknown",
        "sampleAge": None if age is None else round(age, 1),
        "targetsUp": found.up,
        "targetsDown": found.down,
    }
    if error is None:
        return row, None
    told = collect.unknown_reason(error.message, age)
    return row, errors.ErrorRow(
        id=error.id, message=f"metrics of cell {cell.name} are unknown: {told}", cell=cell.name, world=cell.world,
        fix=error.fix, code=errors.AUTH if isinstance(error, errors.AuthError) else errors.PARTIAL,
    )  # fmt: skip


async def _other(
    app: App, world: str, cells: tuple[CellView, ...], deadline: Deadline
) -> list[tuple[Row, list[errors.ErrorRow]]]:
    from cli.gate import client
    from cli.serve.scope import gate_of, unreachable

    seconds = min(client.GATE_DEADLINE_S, deadline.left)
    try:
        gate = gate_of(app, world)
        fleet, metrics = await asyncio.gather(
            client.get_aggregates(gate, "fleet", deadline_s=seconds),
            client.get_aggregates(gate, "metrics", deadline_s=seconds),
        )
    except errors.TwainError as error:
        rows = [blank(cell, api="unreachable", via="gate") for cell in cells]
        for row in rows:
            row["reasons"].append(error.message)
            row["prometheus"]["sampleAge"] = _remembered_age(app, row["cell"])
        # One error for the world, not one per cell: there is one thing to mend.
        told = [unreachable(error, cell=None, world=world)]
        return [(row, told if index == 0 else []) for index, row in enumerate(rows)]
    problems = [*fleet.errors, *(error for error in metrics.errors if error not in fleet.errors)]
    told = [_gate_row(cell, fleet.items, metrics.items, problems) for cell in cells]
    for row, _ in told:
        _remember(app, row["cell"], row["prometheus"]["sampleAge"])
    return told


def _remember(app: App, cell: str, age: float | None) -> None:
    from cli.collect import freshness

    if age is not None:
        freshness.remember(app.home, cell, app.clock.now().timestamp() - age)


def _remembered_age(app: App, cell: str) -> float | None:
    from cli.collect import freshness

    last = freshness.recall(app.home, cell)
    return None if last is None else round(max(0.0, app.clock.now().timestamp() - last), 1)


def _gate_row(
    cell: CellView, fleet: list[Row], metrics: list[Row], problems: list[errors.ErrorRow]
) -> tuple[Row, list[errors.ErrorRow]]:
    """What the contract lets through about a cell: counts, no nodes."""
    row = blank(cell, api="unknown", via="gate")
    found = [error for error in problems if error.cell == cell.name]
    own = next((item for item in fleet if item.get("kind") == "cell" and item.get("cell") == cell.name), None)
    if own is not None:
        row["api"], row["kubernetes"] = "up", own.get("kubernetesMinor")
        row["gpus"] = {
            "present": sum((own.get("gpus") or {}).values()),
            "wanted": None,
            "max": sum(pool.max * pool.gpus_per_node for pool in cell.gpu_pools),
        }
    workloads = [item for item in fleet if item.get("kind") == "workload" and item.get("cell") == cell.name]
    if own is not None and all(item.get("ready") is not None for item in workloads):
        row["workloads"] = {
            "ready": sum(item["ready"] for item in workloads),
            "desired": sum(item["desired"] or 0 for item in workloads),
            "count": len(workloads),
        }
    ages = [
        item["sampleAge"] for item in metrics if item.get("cell") == cell.name and item.get("sampleAge") is not None
    ]
    if ages:
        row["prometheus"] = {**row["prometheus"], "state": "up", "sampleAge": min(ages)}
    row["reasons"] = [error.message for error in found]
    if own is None and not found:
        row["reasons"].append("the gate says nothing of this cell")
        found = [
            errors.ErrorRow(
                id="GATE-CELL", message="the gate says nothing of this cell", cell=cell.name, world=cell.world
            )
        ]
    return row, found
