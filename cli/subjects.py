"""The cells that parity compares, each with what it guarantees and where that was learnt: deployed state, another
world's gate, a plan from the spec, a file of a stranger.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from cli import errors, planned, stack_files
from cli.engine import LAYERS, stack_name
from cli.serve.scope import gate_of, unreachable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from cli.app import App
    from cli.fleet import CellView, FleetView
    from components.parity.compare import About
    from components.spec.model import Workload

Source = Literal["state", "gate", "planned from spec", "file"]
Rows = list[dict[str, Any]]
AT_ONCE = 2
_READ_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One cell. `values` is None where nothing could be learnt of it."""

    name: str
    source: Source
    values: dict[str, str | None] | None
    about: About
    world: str | None = None


@dataclass(kw_only=True)
class Found:
    """The subjects that were read, and what could not be learnt."""

    subjects: list[Subject] = field(default_factory=list)
    errors: list[errors.ErrorRow] = field(default_factory=list)


def of_rows(name: str, rows: Rows, *, cloud: str | None, source: Source, world: str | None = None) -> Subject:
    """A subject out of resources."""
    from components.parity import compare, state

    values = state.guarantees(rows, cloud)
    unread = state.unread(rows, cloud, values)
    about = compare.About(cloud=cloud, details=state.details(rows, cloud), unread=unread)
    return Subject(name=name, source=source, values=values, about=about, world=world)


def of_file(path: str | Path, *, name: str | None = None) -> Subject:
    """A plan or state of a stranger. Raises SpecError."""
    from components.parity import compare, state, strangers

    found = strangers.read(path, name=name)
    rows, cloud = found.resources, found.cloud
    values = state.guarantees(rows, cloud)
    unread, details = state.unread(rows, cloud, values), state.details(rows, cloud)
    about = compare.About(cloud=cloud, details=details, unread=unread, file=str(found.path))
    return Subject(name=found.name, source="file", values=values, about=about)


def from_plans(
    fleet: FleetView, cells: Sequence[CellView], *, env: dict[str, str], workloads: Sequence[Workload] = ()
) -> list[Subject]:
    """Cells as the fleet declares them: both layers and the workloads, planned from the spec. No cloud is called and
    no state is read. Raises UsageError for a fleet that is wrong.
    """

    def plan(cell: CellView) -> Rows:
        stacks = [stack_name(fleet.name, cell.name, layer) for layer in LAYERS]
        return planned.plan(stacks, fleet=fleet.path, env=env)

    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        plans = list(pool.map(plan, cells))
    found: list[Subject] = []
    for cell, plan_of_cell in zip(cells, plans, strict=True):
        rows = [*plan_of_cell, *served(fleet, cell, workloads)]
        found.append(of_rows(cell.name, rows, cloud=cell.cloud, source="planned from spec", world=cell.world))
    return found


def served(fleet: FleetView, cell: CellView, workloads: Iterable[Workload]) -> Rows:
    """The objects of the workloads that are mirrored into a cell's world, as they would be applied there."""
    from cli.serve import manifests, targets

    target = targets.of_fleet(fleet, cell)
    return [
        as_row(manifest)
        for workload in workloads
        if cell.world in workload.worlds
        for manifest in manifests.render(workload, target)
    ]


def as_row(manifest: dict[str, Any]) -> dict[str, Any]:
    """A Kubernetes object as a resource of a graph."""
    token = f"kubernetes:{manifest['apiVersion']}:{manifest['kind']}"
    return {
        "type": token,
        "urn": f"urn:pulumi:cell::object::{token}::{manifest['metadata']['name']}",
        "inputs": manifest,
    }


def live(
    app: App, own: Sequence[CellView], others: dict[str, tuple[CellView, ...]], served: Sequence[Workload]
) -> Found:
    """Cells that are up: the own ones by their deployed state, other worlds' through their gate."""
    found = Found()
    existing = stack_files.filled(app.engine.stacks()) if own else set[str]()
    for cell in own:
        stacks = [name for layer in LAYERS if (name := stack_name(app.fleet.name, cell.name, layer)) in existing]
        if stack_name(app.fleet.name, cell.name, "infra") not in stacks:
            message = f"cell {cell.name} is not up, so nothing is known of what it guarantees."
            fix = f"twain stack up --cell {cell.name}, or compare what is declared: --planned"
            found.errors.append(
                errors.ErrorRow(id="CELL-404", message=message, cell=cell.name, world=cell.world, fix=fix)
            )
            found.subjects.append(_silent(cell, "state"))
            continue
        rows = [row for stack in stacks for row in _deployed(app, stack)]
        rows += _running(app, cell, served, found)
        found.subjects.append(of_rows(cell.name, rows, cloud=cell.cloud, source="state", world=cell.world))
    if others:
        asyncio.run(_through_gates(app, others, served, found))
    return found


def _deployed(app: App, stack: str) -> Rows:
    return list((app.engine.export(stack).get("deployment") or {}).get("resources") or [])


def _running(app: App, cell: CellView, workloads: Sequence[Workload], found: Found) -> Rows:
    """The Deployments of the workloads as the cell's API server has them."""
    from cli.kube import kinds
    from cli.net.deadline import Deadline
    from cli.serve import names

    async def ask() -> Rows:
        rows: Rows = []
        async with app.kube(cell.name) as kube:
            for one in workloads:
                path = kinds.path("apps/v1", "Deployment", one.name, names.namespace(one.maison))
                manifest = await kube.find(path, deadline=Deadline(_READ_S))
                rows += [as_row({"apiVersion": "apps/v1", "kind": "Deployment", **manifest})] if manifest else []
        return rows

    wanted = {(one.name, one.maison): one for one in workloads}
    if not wanted:
        return []
    workloads = list(wanted.values())
    try:
        return asyncio.run(ask())
    except errors.TwainError as error:
        found.errors.append(unreachable(error, cell=cell.name, world=cell.world))
        return []


async def _through_gates(
    app: App, others: dict[str, tuple[CellView, ...]], served: Sequence[Workload], found: Found
) -> None:
    from cli.gate import client

    for world, cells in others.items():
        wanted = {cell.name: cell for cell in cells}
        values: dict[str, dict[str, str | None]] = {}
        try:
            gate = gate_of(app, world)
            answer = await client.get_aggregates(gate, "parity")
            for item in answer.of_kind("guarantee"):
                if item.get("cell") in wanted:
                    values.setdefault(item["cell"], {})[item["capability"]] = item.get("value")
            found.errors.extend(error for error in answer.errors if error.cell in {None, *wanted})
            if served:
                fleet = await client.get_aggregates(gate, "fleet")
                _served_there(values, fleet.of_kind("workload"), served)
        except errors.TwainError as error:
            found.errors.append(unreachable(error, cell=None, world=world))
        for name, cell in wanted.items():
            known = values.get(name)
            subject = _silent(cell, "gate")
            found.subjects.append(subject if known is None else _with(subject, known, served=bool(served)))


def _served_there(values: dict[str, dict[str, str | None]], rows: Iterable[Any], served: Sequence[Workload]) -> None:
    """What a gate tells of a workload: the digests of its image and its weights."""
    names = {(one.maison, one.name) for one in served}
    for row in rows:
        known = values.get(row.get("cell"))
        if known is None or (row.get("maison"), row.get("name")) not in names:
            continue
        for capability, key in (("image.digest", "image"), ("model.weights", "weights")):
            digest = row.get(key)
            known[capability] = digest.replace("sha256:", "sha256/") if isinstance(digest, str) else None


def _with(subject: Subject, known: dict[str, str | None], *, served: bool) -> Subject:
    """A subject with the values that its gate told. What is served is no question where no workload was named."""
    from components.parity.graph import NOT_APPLICABLE
    from components.parity.state import WORKLOAD

    values = known if served else {**dict.fromkeys(WORKLOAD, NOT_APPLICABLE), **known}
    return Subject(name=subject.name, source=subject.source, values=values, about=subject.about, world=subject.world)


def _silent(cell: CellView, source: Source) -> Subject:
    from components.parity.compare import About

    return Subject(name=cell.name, source=source, values=None, about=About(cloud=cell.cloud), world=cell.world)
