"""`parity check` and `parity diff`: which cells are compared, and the verdicts as rows."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli import errors, subjects
from cli.serve.scope import where

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.app import App
    from cli.fleet import CellView, FleetView
    from cli.options import Scope
    from cli.subjects import Subject
    from components.spec.model import Fleet, Waiver, Workload

_YAML = (".yaml", ".yml")
_ASK_S = 3.0


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be compared beside the cells: the files, the workloads, the waivers that were named; and whether cells
    are planned from the spec.
    """

    planned: bool = False
    fleet: str | None = None
    files: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()
    waivers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Checked:
    """One row per capability, where each cell's values were learnt, what could not be, and the waivers that excuse
    nothing (ids, sorted). `emulated` are own cells whose control plane plays a Kubernetes minor that is not its own.
    """

    rows: list[dict[str, Any]]
    sources: list[dict[str, str | None]]
    errors: list[errors.ErrorRow]
    idle_waivers: list[str]
    emulated: list[dict[str, str]] = field(default_factory=list)


def check(app: App, scope: Scope, asked: Asked) -> Checked:
    """Compare all cells of the scope, and the plans of strangers that were named. Raises SpecError for files that are
    wrong.
    """
    declared = waivers_of(app, asked)
    workloads = _workloads(asked.workloads)
    files = _distinct([subjects.of_file(path) for path in asked.files])
    if asked.files and asked.fleet is None and not _has_context(app):
        return _checked(subjects.Found(subjects=files), None, "", declared, app=app, whole=True)
    fleet = _fleet(app, asked.fleet)
    if asked.planned or asked.fleet is not None:
        chosen = [cell for cell in fleet.cells if scope.has(world=cell.world, cell=cell.name)]
        for name in scope.cells:
            fleet.cell(name)
        found = subjects.Found(subjects=subjects.from_plans(fleet, chosen, env=_env(app), workloads=workloads))
        own: tuple[CellView, ...] = ()
    else:
        place = where(app, scope)
        own = place.own
        found = subjects.live(app, place.own, place.others, workloads)
        chosen = [cell for cell in fleet.cells if cell in {*place.own, *_flat(place.others)}]
    found.subjects.sort(key=lambda one: [cell.name for cell in fleet.cells].index(one.name))
    found.subjects += files
    # Of a part of the cells, or of cells that are silent, it is not known what a waiver excuses.
    whole = not found.errors and len(chosen) == len(fleet.cells)
    checked = _checked(found, _declared(fleet.path), fleet.path, declared, app=app, whole=whole)
    return replace(checked, emulated=asyncio.run(_emulated(app, own))) if own else checked


def diff(app: App, sides: tuple[str, str], asked: Asked, *, live: bool) -> Checked:
    """Compare two: each a cell of the fleet, `FLEET.yaml:CELL`, or the file of a plan or a state.

    Raises SpecError for files that are wrong, NotFoundError for what is neither a cell nor a file.
    """
    declared = waivers_of(app, asked)
    workloads = _workloads(asked.workloads)
    # Both are found before the first is planned: what is named wrongly is told at once.
    chosen = [subjects.of_file(side) if _is_plan(side) else _of_fleet(app, side, asked.fleet) for side in sides]
    found = subjects.Found()
    fleets: set[Path] = set()
    for one in chosen:
        if isinstance(one, subjects.Subject):
            found.subjects.append(one)
            continue
        fleet, cell = one
        fleets.add(fleet.path)
        if live:
            own = (cell,) if cell.world == app.context.world else ()
            some = subjects.live(app, own, {} if own else {cell.world: (cell,)}, workloads)
            found.subjects += some.subjects
            found.errors += some.errors
        else:
            found.subjects += subjects.from_plans(fleet, [cell], env=_env(app), workloads=workloads)
    path = fleets.pop() if len(fleets) == 1 else None
    if path is None:
        found.subjects = [_told_apart(subject, side) for subject, side in zip(found.subjects, sides, strict=True)]
    found.subjects = _distinct(found.subjects)
    return _checked(found, _declared(path) if path else None, path or "", declared, app=app, whole=False)


def waivers_of(app: App, asked: Asked) -> tuple[Waiver, ...]:
    """The waivers of the fleet and those that were named, each file once. Raises SpecError with every problem."""
    from components.parity import waivers

    return tuple(one.waiver for one in waivers.load(waiver_places(app, asked)))


def waiver_places(app: App, asked: Asked) -> list[Path]:
    """Where waivers are read from: the fleet's own folder where there is one, and what was named."""
    own = own_folder(app, asked.fleet)
    return [*([own] if own is not None and own.is_dir() else []), *(Path(one) for one in asked.waivers)]


def own_folder(app: App, fleet: str | None) -> Path | None:
    """The folder of the fleet's waivers: the context's, else `waivers` beside the fleet; None without a fleet."""
    if fleet is not None:
        return Path(fleet).parent / "waivers"
    if not _has_context(app):
        return None
    return app.context.waivers or app.context.fleet.parent / "waivers"


def _has_context(app: App) -> bool:
    try:
        app.context  # noqa: B018 - it is made when it is first asked for
    except errors.UsageError:
        if app.context_name:
            raise
        return False
    return True


def _env(app: App) -> dict[str, str]:
    """What a plan runs with. A plan asks nobody, so it needs neither credentials nor a context."""
    from cli.kube.kubeconfig import plugin_environment

    own = {name: value for name, value in os.environ.items() if name == "PYTHONPATH"}
    return plugin_environment(app.context.env if _has_context(app) else {}, own)


def _fleet(app: App, path: str | None) -> FleetView:
    """A fleet by its file, whose rules are kept, or the context's."""
    from cli.fleet import FleetView

    if path is None:
        return app.fleet
    from components.policy import spec_rules

    spec_rules.load_checked(path)
    return FleetView.load(Path(path), app.home / "cache")


def _declared(path: Path) -> Fleet:
    from components.spec.load import load_fleet

    return load_fleet(path)


def _of_fleet(app: App, side: str, given: str | None) -> tuple[FleetView, CellView]:
    path, _, name = side.rpartition(":") if _names_fleet(side) else (given, "", side)
    fleet = _fleet(app, path or None)
    try:
        return fleet, fleet.cell(name)
    except errors.NotFoundError as error:
        message = f"{name!r} is no file, and {error.message[0].lower()}{error.message[1:]}"
        fix = "name a cell, FLEET.yaml:CELL, or the file of a plan"
        raise errors.NotFoundError(message, fix=fix, id="CELL-404") from error


def _is_plan(side: str) -> bool:
    return side.endswith(".json") or (not _names_fleet(side) and Path(side).is_file())


def _names_fleet(side: str) -> bool:
    return side.rpartition(":")[0].endswith(_YAML)


def _told_apart(subject: Subject, side: str) -> Subject:
    """A cell out of one of two fleets says out of which."""
    if subject.about.file is not None or not _names_fleet(side):
        return subject
    return replace(subject, about=replace(subject.about, file=side.rpartition(":")[0]))


def _distinct(found: list[Subject]) -> list[Subject]:
    """Subjects with names of their own: what is called alike is counted."""
    seen: dict[str, int] = {}
    result: list[Subject] = []
    for one in found:
        seen[one.name] = seen.get(one.name, 0) + 1
        result.append(one if seen[one.name] == 1 else replace(one, name=f"{one.name}-{seen[one.name]}"))
    return result


def _workloads(files: Sequence[str]) -> list[Workload]:
    """The workloads to compare: one, in as many variants as there are worlds. Raises SpecError, UsageError."""
    from components.spec.load import load_workload

    found = [load_workload(file) for file in files]
    names = sorted({f"{one.maison}/{one.name}" for one in found})
    worlds = [world for one in found for world in one.worlds]
    if len(names) > 1:
        message = f"{', '.join(names)} are different workloads; one is compared at a time."
        raise errors.UsageError(message, fix="name the files of one workload, one per variant", id="PAR-WORKLOAD")
    twice = sorted({world for world in worlds if worlds.count(world) > 1})
    if twice:
        message = f"world {', '.join(twice)} is claimed by more than one file of {names[0]}."
        raise errors.UsageError(message, fix="let each file name its own worlds", id="PAR-WORKLOAD")
    return found


async def _emulated(app: App, cells: tuple[CellView, ...]) -> list[dict[str, str]]:
    """Which own cells emulate their minor. A cell that does not answer is left out: its values come from its state."""
    from cli.kube import minors
    from cli.net.deadline import Deadline

    async def ask(cell: CellView) -> dict[str, str] | None:
        try:
            async with app.kube(cell.name) as kube:
                found = await minors.running(kube, deadline=Deadline(_ASK_S))
        except errors.TwainError:
            return None
        if found is None or not found.emulated:
            return None
        return {"world": cell.world, "cell": cell.name, "minor": found.minor, "program": found.program}

    return [one for one in await asyncio.gather(*map(ask, cells)) if one is not None]


def _flat(others: dict[str, tuple[CellView, ...]]) -> list[CellView]:
    return [cell for cells in others.values() for cell in cells]


def _checked(
    found: subjects.Found,
    fleet: Fleet | None,
    path: Path | str,
    declared: tuple[Waiver, ...],
    *,
    app: App,
    whole: bool,
) -> Checked:
    from components.parity import compare

    verdicts = compare.compare(
        {one.name: one.values for one in found.subjects},
        fleet=fleet,
        fleet_path=path,
        waivers=declared,
        today=app.clock.now().date(),
        about={one.name: one.about for one in found.subjects},
    )
    idle = sorted(waiver.id for waiver in compare.unused(verdicts, declared)) if whole else []
    return Checked(
        rows=[_row(verdict, found.subjects) for verdict in verdicts],
        sources=[{"world": one.world, "cell": one.name, "source": one.source} for one in found.subjects],
        errors=found.errors,
        idle_waivers=idle,
    )


def _row(verdict: Any, order: Sequence[Subject]) -> dict[str, Any]:
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
