"""The work behind `twain cost`: bills into the lake, other worlds' sums through gates, our own sums to our gate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli import errors, files

if TYPE_CHECKING:
    from cli.app import App
    from cli.context import GateAccess
    from cli.errors import ErrorRow
    from cli.options import Scope
    from components.money.fx import Rates
    from components.money.ingest import Outcome
    from components.money.lake import Lake
    from components.money.report import CostReport

# Where a gate finds what its world cost: a ConfigMap in the gate cell, of contract rows and nothing finer.
PUBLISHED, PUBLISHED_KEY, _NAMESPACE = "cost", "cost.json", "twain-system"


def build(
    app: App, *, scope: Scope, month: str, currency: str, rates: Rates, timeout: float
) -> tuple[CostReport, list[ErrorRow]]:
    """The report within the scope, and what could not be learnt. Takes new bills of the own world in first."""
    from components.money.report import build as build_report

    own = app.context.world
    lake: Lake | None = None
    if scope.has(world=own):
        lake = lake_of(app)
        take_in(app, lake, bill_paths(app))
    others = [world for world in sorted(app.fleet.worlds) if world != own and scope.has(world=world)]
    gate_rows, absent, rows = _from_gates(app, others, timeout=timeout)
    found = build_report(
        lake=lake,
        month=month,
        currency=currency,
        rates=rates,
        now=app.clock.now(),
        gate_rows=gate_rows,
        absent_worlds=absent,
    )

    def keep(world: str, cell: str | None, maison: str | None) -> bool:
        in_cells = not scope.cells or cell in scope.cells
        return in_cells and (scope.maison is None or maison == scope.maison)

    return found.only(keep), rows


def _from_gates(
    app: App, worlds: list[str], *, timeout: float
) -> tuple[list[dict[str, Any]], list[str], list[ErrorRow]]:
    """(rows, worlds that said nothing, why). One world's silence never hides another's figures."""
    import asyncio

    async def all_of_them() -> list[tuple[list[dict[str, Any]], list[ErrorRow]]]:
        return list(
            await asyncio.gather(*(_from_gate(world, app.context.gates.get(world), timeout) for world in worlds))
        )

    rows: list[dict[str, Any]] = []
    absent: list[str] = []
    problems: list[ErrorRow] = []
    for world, (found, why) in zip(worlds, app.run(all_of_them()) if worlds else [], strict=True):
        rows.extend(found)
        problems.extend(why)
        if why and not found:
            absent.append(world)
    return rows, absent, problems


async def _from_gate(
    world: str, gate: GateAccess | None, deadline_s: float
) -> tuple[list[dict[str, Any]], list[ErrorRow]]:
    from cli.gate.client import GATE_DEADLINE_S, get_aggregates

    if gate is None:
        message = f"this context has no access to the gate of world {world}; what {world} cost is unknown."
        fix = f"ask an operator of {world} for: twain context grant --to NAME --ttl 1h"
        return [], [errors.ErrorRow(id="GATE-NONE", message=message, world=world, fix=fix)]
    try:
        answer = await get_aggregates(gate, "cost", deadline_s=min(deadline_s, GATE_DEADLINE_S))
    except errors.TwainError as error:
        return [], [errors.row_of(error, world=world)]
    # A world speaks for itself only: a row about another world is not believed.
    return [row for row in answer.of_kind("cost") if row.get("world") == world], answer.errors


def lake_of(app: App) -> Lake:
    from components.money.lake import Lake

    return Lake(files.private_dir(files.private_dir(app.home / "lake") / app.context.world))


def bill_paths(app: App) -> list[Path]:
    """The folders (or files) that the context names as the own world's bills."""
    raw = app.contexts.read()["contexts"][app.context.name].get("bills") or []
    return [path if path.is_absolute() else app.home / path for path in (Path(str(one)).expanduser() for one in raw)]


def take_in(app: App, lake: Lake, paths: list[Path]) -> list[Outcome]:
    from components.money.errors import BillFileError, LockedPeriodError
    from components.money.ingest import bill_files
    from components.money.ingest import ingest as ingest_files

    for attempt in (1, 2):
        files = [file for path in paths for file in (bill_files(path) if path.is_dir() else [path])]
        try:
            return ingest_files(lake, files, world=app.context.world, now=app.clock.now())
        except BillFileError as error:
            fix = "fetch the export again; nothing of this call was taken in"
            raise errors.UsageError(str(error), where=error.path, fix=fix, id="MON-BILL") from error
        except LockedPeriodError as error:
            raise errors.UsageError(str(error), fix="book it in a later month", id="MON-LOCKED") from error
        except FileNotFoundError:
            # An export replaced a file between our look and our read: look once more.
            if attempt == 2:
                raise
    return []


def published_rows(app: App, rates: Rates) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Every month of the own world's lake as rows of the telemetry contract, after taking new bills in; and how many
    rows named something that the fleet does not declare, by label: they are part of a row that is about nobody.
    """
    from components.money.crossing import declared
    from components.money.report import build as build_report
    from components.money.report import contract_rows

    lake = lake_of(app)
    take_in(app, lake, bill_paths(app))
    own = app.context.world
    rows: list[dict[str, Any]] = []
    for month in sorted({entry.period for entry in lake.manifest().current()}):
        found = build_report(
            lake=lake, month=month, currency=app.fleet.reporting_currency, rates=rates, now=app.clock.now()
        )
        rows.extend(contract_rows(found, world=own))
    cells = {cell.name for cell in app.fleet.cells if cell.world == own}
    return declared(rows, cells=cells, maisons=set(app.fleet.maisons))


def manifest(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The ConfigMap that the gate reads."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": PUBLISHED, "namespace": _NAMESPACE, "labels": {"app.kubernetes.io/managed-by": "twain"}},
        "data": {PUBLISHED_KEY: json.dumps({"items": rows}, sort_keys=True)},
    }


async def publish(app: App, rows: list[dict[str, Any]], *, timeout_s: float) -> str:
    """Puts the rows where the own world's gate reads them; returns the gate cell. Repeating it changes nothing."""
    from cli.net.http import Deadline

    cell = app.fleet.worlds[app.context.world].gate_cell
    async with app.kube(cell) as kube:
        await kube.apply(manifest(rows), field_manager="twain-cost", deadline=Deadline(timeout_s))
    return cell
