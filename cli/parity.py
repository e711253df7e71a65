"""What each cell guarantees: own cells from their deployed infra state, other worlds through their gate."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli import errors
from cli.engine import stack_name
from cli.serve.scope import gate_of, unreachable, where

if TYPE_CHECKING:
    from cli.app import App
    from cli.fleet import CellView
    from cli.options import Scope

Values = dict[str, dict[str, str | None]]


@dataclass(frozen=True, kw_only=True)
class Checked:
    """One row per capability, what could not be learnt, and the waivers that excuse nothing (ids, sorted)."""

    rows: list[dict[str, Any]]
    errors: list[errors.ErrorRow]
    idle_waivers: list[str]


def check(app: App, scope: Scope, waivers: str | None) -> Checked:
    """Compare all cells of the scope. Raises SpecError for waiver files that are wrong."""
    from components.parity import compare
    from components.spec.load import load_fleet, load_waivers

    declared = load_waivers(waivers) if waivers is not None else ()
    place = where(app, scope)
    values, found = _own(app, place.own)
    others, silent = asyncio.run(_others(app, place.others)) if place.others else ({}, [])
    values.update(others)
    found.extend(silent)
    order = [cell for cell in app.fleet.cells if cell.name in {one.name for one in (*place.own, *_flat(place.others))}]
    verdicts = compare.compare(
        {cell.name: values.get(cell.name) for cell in order},
        fleet=load_fleet(app.context.fleet),
        fleet_path=app.context.fleet,
        waivers=declared,
        today=app.clock.now().date(),
    )
    # Of a part of the cells, or of cells that are silent, it is not known what a waiver excuses.
    whole = not found and len(order) == len(app.fleet.cells)
    idle = sorted(waiver.id for waiver in compare.unused(verdicts, declared)) if whole else []
    return Checked(rows=[_row(verdict, order) for verdict in verdicts], errors=found, idle_waivers=idle)


def _flat(others: dict[str, tuple[CellView, ...]]) -> list[CellView]:
    return [cell for cells in others.values() for cell in cells]


def _own(app: App, cells: tuple[CellView, ...]) -> tuple[Values, list[errors.ErrorRow]]:
    from components.parity import state

    values: Values = {}
    found: list[errors.ErrorRow] = []
    existing = app.engine.names() if cells else []
    for cell in cells:
        stack = stack_name(app.fleet.name, cell.name, "infra")
        if stack not in existing:
            message = f"cell {cell.name} is not up, so nothing is known of what it guarantees."
            fix = f"twain stack up --cell {cell.name}"
            found.append(errors.ErrorRow(id="CELL-404", message=message, cell=cell.name, world=cell.world, fix=fix))
            continue
        resources = (app.engine.export(stack).get("deployment") or {}).get("resources") or []
        values[cell.name] = state.guarantees(resources, cloud=cell.cloud)
    return values, found


async def _others(app: App, others: dict[str, tuple[CellView, ...]]) -> tuple[Values, list[errors.ErrorRow]]:
    from cli.gate import client

    values: Values = {}
    found: list[errors.ErrorRow] = []
    for world, cells in others.items():
        wanted = {cell.name for cell in cells}
        try:
            answer = await client.get_aggregates(gate_of(app, world), "parity")
        except errors.TwainError as error:
            found.append(unreachable(error, cell=None, world=world))
            continue
        found.extend(error for error in answer.errors if error.cell in {None, *wanted})
        for item in answer.of_kind("guarantee"):
            if item.get("cell") in wanted:
                values.setdefault(item["cell"], {})[item["capability"]] = item.get("value")
    return values, found


def _row(verdict: Any, order: list[CellView]) -> dict[str, Any]:
    return {
        "capability": verdict.capability,
        "source": verdict.source,
        "verdict": verdict.verdict,
        "values": [{"world": c.world, "cell": c.name, "value": verdict.values.get(c.name)} for c in order],
        "waiver": verdict.waiver,
        "reason": verdict.reason,
        "where": verdict.where,
        "fix": verdict.fix,
    }
