"""Figures of the whole fleet: our own world's cells asked directly and at once, the other world through its gate.

One cell that gives no answer is an error row and never delays or hides another one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cli import errors
from cli.collect import cell as collecting
from cli.collect import freshness, gpu, latency
from cli.gate import client as gates
from cli.net.http import Deadline
from cli.serve.scope import gate_of, unreachable, where

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from cli.app import App
    from cli.gate.client import Aggregates
    from cli.kube.client import KubeClient
    from cli.options import Scope
    from cli.prom.window import Window

Row = dict[str, Any]
_SUPPRESSED = "fewer than 10 requests in the window"


@dataclass(kw_only=True)
class Found:
    """Rows in the order of the fleet, and what could not be learnt."""

    rows: list[Row] = field(default_factory=list)
    errors: list[errors.ErrorRow] = field(default_factory=list)


async def latencies(app: App, scope: Scope, window: Window, *, timeout_s: float) -> Found:
    """Latency rows. Never raises for a cell or a gate; raises NotFoundError for a cell that the fleet does not have."""

    async def own(kube: KubeClient, access: str) -> Found:
        answer = await collecting.latency_of(
            kube,
            window,
            world=app.context.world,
            access=access,
            now=app.clock.now().timestamp(),
            deadline=Deadline(timeout_s),
            home=app.home,
        )
        return _found([row.as_json() for row in answer.rows], answer.error, kube.cell, app.context.world)

    def other(answer: Aggregates) -> list[Row]:
        return [latency_row(item) for item in answer.of_kind("latency")]

    bounds = {"from": latency.stamp(window.start), "to": latency.stamp(window.end)}
    return await _everywhere(app, scope, own, other, bounds)


async def gpus(app: App, scope: Scope, *, timeout_s: float) -> Found:
    """GPU rows: every GPU of our own world, one row per cell and class of the other."""

    async def own(kube: KubeClient, access: str) -> Found:
        answer = await collecting.gpus_of(
            kube,
            world=app.context.world,
            access=access,
            now=app.clock.now().timestamp(),
            deadline=Deadline(timeout_s),
            home=app.home,
        )
        return _found([row.as_json() for row in answer.rows], answer.error, kube.cell, app.context.world)

    def other(answer: Aggregates) -> list[Row]:
        return [gpu.from_contract(item).as_json() for item in answer.of_kind("gpu")]

    return await _everywhere(app, scope, own, other, {})


def latency_row(item: Row) -> Row:
    """A latency row of a gate's answer in the shape of our own rows. A suppressed group has no figures, not zeros."""
    labels = {name: item[name] for name in ("world", "cell", "maison", "workload", "model")}
    nothing = {name: {"value": None, "low": None, "high": None} for name, _ in latency.QUANTILES}
    if item.get("suppressed"):
        return {
            **labels,
            "window": None,
            "requests": None,
            "tokens": {"prompt": None, "generation": None},
            **{metric: dict(nothing) for metric in latency.METRICS},
            "slo": [],
            "state": "suppressed",
            "reason": _SUPPRESSED,
            "sampleAge": None,
            "truncated": 0,
            "notes": [],
        }
    slo = [_slo(metric, item["slo"][metric]) for metric in latency.METRICS]
    return {
        **labels,
        "window": item["window"],
        "requests": item["requests"],
        "tokens": item["tokens"],
        **{metric: item[metric] for metric in latency.METRICS},
        "slo": [one for one in slo if one is not None],
        "state": "ok",
        "reason": None,
        "sampleAge": item["sampleAge"],
        "truncated": item["truncated"],
        "notes": [],
    }


def _slo(metric: str, raw: Row) -> Row | None:
    if raw["threshold"] is None or raw["objective"] is None:
        return None
    target = latency.SloTarget(metric=metric, threshold_s=raw["threshold"], objective=raw["objective"])
    share = latency.SloShare(target=target, low=raw["low"], high=raw["high"])
    return {"metric": metric, **raw, "met": share.met}


def _found(rows: list[Row], error: errors.TwainError | None, cell: str, world: str) -> Found:
    return Found(rows=rows, errors=[unreachable(error, cell=cell, world=world)] if error is not None else [])


async def _everywhere(
    app: App,
    scope: Scope,
    own: Callable[[KubeClient, str], Awaitable[Found]],
    other: Callable[[Aggregates], list[Row]],
    bounds: dict[str, str],
) -> Found:
    place = where(app, scope)

    async def one_cell(name: str) -> Found:
        try:
            async with app.kube(name) as kube:
                return await own(kube, app.fleet.worlds[app.context.world].access)
        except errors.TwainError as error:
            return Found(errors=[unreachable(error, cell=name, world=app.context.world)])

    async def one_world(world: str) -> Found:
        try:
            answer = await gates.get_aggregates(gate_of(app, world), "metrics", bounds)
        except errors.TwainError as error:
            return Found(errors=[unreachable(error, cell=None, world=world)])
        told = other(answer)
        for row in told:
            if row["sampleAge"] is not None:
                freshness.remember(app.home, row["cell"], app.clock.now().timestamp() - row["sampleAge"])
        rows = [row for row in told if not scope.cells or row["cell"] in scope.cells]
        failed = [one for one in answer.errors if one.cell is None or not scope.cells or one.cell in scope.cells]
        return Found(rows=rows, errors=failed)

    work: list[Awaitable[Found]] = [one_cell(cell.name) for cell in place.own]
    work += [one_world(world) for world in place.others]
    result = Found()
    for part in await asyncio.gather(*work):
        rows = part.rows if scope.maison is None else [row for row in part.rows if _maison(row) == scope.maison]
        result.rows += rows
        result.errors += part.errors
    order = {cell.name: index for index, cell in enumerate(app.fleet.cells)}
    result.rows.sort(key=lambda row: order.get(row["cell"], len(order)))
    return result


def _maison(row: Row) -> object:
    return row["maison"] if "maison" in row else (row.get("owner") or {}).get("maison")
