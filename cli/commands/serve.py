"""`twain serve`: inference workloads, mirrored into the worlds of the fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cli import errors, text
from cli.commands import content
from cli.options import (
    Scope,
    confirm_options,
    context_option,
    exit_code_option,
    file_option,
    output_option,
    pass_app,
    read_options,
    scope_options,
    timeout_option,
    watch_option,
)
from cli.verbs import Kind, NounGroup, Verb, VerbCommand

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.app import App
    from cli.output import Format, Report
    from cli.serve.apply import CellOutcome
    from cli.serve.plan import CellPlan
    from components.spec.model import Workload

SERVICES = Kind(
    name="ServiceList",
    item={
        "world": "cn|row",
        "cell": "string",
        "maison": "string",
        "name": "string",
        "revision": "string|null",
        "ready": "integer|null",
        "desired": "integer|null",
        "image": "sha256:digest|null",
        "weights": "sha256:digest|null",
        "state": "ready|progressing|degraded|failed|absent|unknown",
        "readers": "list of string|null",
    },
)
PLANS = Kind(
    name="ServePlan",
    item={
        "world": "cn|row",
        "cell": "string",
        "gpuClass": "string",
        "sku": "string|null",
        "replicas": {"from": "integer|null", "to": "integer"},
        "revision": {"from": "string|null", "to": "string"},
        "change": "create|update|scale|none|unknown",
        "image": "sha256:digest",
        "weights": "sha256:digest",
        "blockers": [{"id": "string", "message": "string", "fix": "string", "missing": "integer"}],
        "notes": ["string"],
    },
    extra={"workload": "string", "maison": "string"},
)
OUTCOMES = Kind(
    name="ServeOutcomeList",
    item={
        "world": "cn|row",
        "cell": "string|null",
        "maison": "string",
        "name": "string",
        "revision": "string|null",
        "state": "done|failed|refused|rolled back|unreachable|unknown|not sent|skipped",
        "ready": "integer|null",
        "desired": "integer|null",
        "changed": "list of string|null",
        "reason": "string|null",
    },
)


@click.group(cls=NounGroup)
def serve() -> None:
    """Inference workloads: one file, the same service in every cell of its worlds.

    Own cells are spoken to directly, the other world through its gate.
    """


@serve.command(
    "plan",
    cls=VerbCommand,
    verb=Verb(data_class="metadata", kind=PLANS, examples=("twain serve plan -f examples/advisor.yaml",)),
)
@file_option
@exit_code_option
@read_options
@pass_app
def plan(app: App, *, file: str, exit_code: bool, scope: Scope, output: Format, timeout: float) -> None:
    """What an apply would do in each cell, and what stands in its way. Changes nothing.

    Ends with 4 when a cell lacks GPUs, with 10 (--exit-code) when something would change.
    """
    from cli.serve import everywhere

    workload = _workload(app, file, scope)
    plans, found = app.run(everywhere.plan_all(app, workload, scope, timeout_s=timeout))
    report = _plan_report(workload, plans, found, file)
    changes = any(one.change != "none" for one in plans)
    app.finish(report, output, code=errors.DIFFERENCES if exit_code and changes else errors.OK)


@serve.command(
    "apply",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=OUTCOMES,
        examples=(
            "twain serve apply -f examples/advisor.yaml",
            "twain serve apply -f advisor.yaml --world cn -y -o json",
        ),
        mutates=True,
    ),
)
@file_option
@confirm_options
@scope_options
@output_option
@timeout_option(None)
@context_option
@pass_app
def apply(
    app: App, *, file: str, yes: bool, dry_run: bool, scope: Scope, output: Format, timeout: float | None
) -> None:
    """Put a workload into every cell of its worlds and wait until it is ready there.

    Nothing is written when any cell lacks GPUs (4). A rollout that is not ready at its deadline ends with 4 and the
    pod, the container and the reason; the old pods serve on. What cannot reach the other world is kept and sent by the
    same command again (13 `not sent`, 16 `unknown`). --timeout replaces the rollout's own deadline.

    A workload with `share: shared` gets an address inside its cells, which pods of its `readers` are let in to; who is
    no reader any more is shut out. No pod restarts for that.
    """
    from cli import anchors
    from cli.output import emit
    from cli.serve import everywhere

    workload = _workload(app, file, scope)
    place = everywhere.where(app, scope, workload.worlds)
    everywhere.whole_worlds(app, place)
    plans, found = app.run(everywhere.plan_all(app, workload, scope, timeout_s=10.0))
    report = _plan_report(workload, plans, found, file)
    refusals = [error for one in plans for error in one.refusals()]
    if refusals:
        raise errors.Several(refusals) if len(refusals) > 1 else refusals[0]
    if output in {"table", "wide"}:
        emit(_before_acting(report), output, console=_on_stderr(app))
    if not app.confirm(f"apply {workload.name}?", yes=yes, dry_run=dry_run):
        return
    own = [cell.name for cell in place.own]
    told = {"maison": workload.maison, "name": workload.name, "beyond": sorted(place.others)}
    anchors.recorded(app, "serve apply", cells=own, **told)
    outcomes = app.run(everywhere.apply_all(app, workload, scope, deadline_s=timeout))
    app.finish(_outcome_report(outcomes, maison=workload.maison, name=workload.name), output)


@serve.command(
    "list",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=SERVICES,
        examples=("twain serve list", "twain serve list --world cn -o json", "twain serve list --watch"),
    ),
)
@watch_option
@read_options
@pass_app
def list_(app: App, *, watch: float | None, scope: Scope, output: Format, timeout: float) -> None:
    """Every workload in every cell. A cell or world that does not answer is named, and the rest is shown (13).

    `readers` are the maisons that a workload is shared with; another world's gate does not tell them.
    """
    app.watch(watch, output, lambda: _services(app, scope, timeout, None))


@serve.command(
    "get",
    cls=VerbCommand,
    verb=Verb(data_class="metadata", kind=SERVICES, examples=("twain serve get advisor -o wide",)),
)
@click.argument("name")
@watch_option
@read_options
@pass_app
def get(app: App, *, name: str, watch: float | None, scope: Scope, output: Format, timeout: float) -> None:
    """One workload in every cell."""
    app.watch(watch, output, lambda: _services(app, scope, timeout, name))


@serve.command(
    "delete",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=OUTCOMES,
        examples=("twain serve delete advisor --maison aurelia -y",),
        mutates=True,
    ),
)
@click.argument("name")
@confirm_options
@scope_options
@output_option
@context_option
@pass_app
def delete(app: App, *, name: str, yes: bool, dry_run: bool, scope: Scope, output: Format) -> None:
    """Take a workload out of every cell. Needs --maison. The weights stay where they are."""
    from cli import anchors
    from cli.serve import everywhere

    if scope.maison is None:
        message = "which maison's workload is meant?"
        raise errors.UsageError(message, fix="--maison NAME", id="CFG-MAISON")
    maison = scope.maison
    place = everywhere.where(app, scope)
    everywhere.whole_worlds(app, place)
    cells = [cell.name for cell in place.own] + [f"all of {world}" for world in place.others]
    app.console.note(f"plan: delete {maison}/{name} in {', '.join(cells) or 'no cell'}")
    if not app.confirm(f"delete {name}?", yes=yes, dry_run=dry_run):
        return
    told = {"maison": maison, "name": name, "beyond": sorted(place.others)}
    anchors.recorded(app, "serve delete", cells=[cell.name for cell in place.own], **told)
    outcomes = app.run(everywhere.delete_all(app, scope, maison=maison, name=name))
    app.finish(_outcome_report(outcomes, maison=maison, name=name), output)


serve.add_command(content.logs)


def _workload(app: App, file: str, scope: Scope) -> Workload:
    """Read the file and check it against the fleet, both before any network call. Raises SpecError, UsageError,
    PolicyError, with all that is wrong in one list.
    """
    from cli import failures
    from cli.serve import check
    from components.errors import SpecError
    from components.spec.load import load_workload
    from components.spec.model import Workload

    problems: list[errors.TwainError] = []
    try:
        workload = load_workload(file)
    except SpecError as error:
        told = failures.translate(error)
        # With something assumed in the place of what is wrong, more could be told than is so.
        if not isinstance(error.partial, Workload) or error.assumed or told is None:
            raise
        workload, problems = error.partial, [told]
    entries = check.entries(app) if workload.model.export is not None else None
    problems += check.against_fleet(workload, app.fleet, scope.world, exports=entries)
    if problems:
        raise errors.Several(problems) if len(problems) > 1 else problems[0]
    return workload


def _services(app: App, scope: Scope, timeout: float, name: str | None) -> Report:
    from cli.output import Column, Report
    from cli.serve import everywhere

    rows, found = app.run(everywhere.list_all(app, scope, timeout_s=timeout))
    items = [row for row in rows if name in {None, row["name"]}]
    if name is not None and not items and not found:
        message = f"there is no workload {name!r} in the cells that were asked."
        raise errors.NotFoundError(message, fix="twain serve list", id="SRV-404")
    tones: dict[str, Any] = {
        "ready": "good",
        "failed": "bad",
        "degraded": "bad",
        "progressing": "warn",
        "unknown": "warn",
    }
    columns = (
        Column(title="WORLD", key="world"),
        Column(title="CELL", key="cell"),
        Column(title="MAISON", key="maison"),
        Column(title="NAME", key="name"),
        Column(title="REVISION", key="revision", missing="unknown"),
        Column(title="READY", key=_ready, right=True),
        Column(title="STATE", key="state", tone=tones.get),
        Column(title="IMAGE", key="image", show=short, missing="unknown"),
        Column(title="WEIGHTS", key="weights", show=short, missing="unknown"),
        Column(title="IMAGE DIGEST", key="image", wide=True),
        Column(title="WEIGHTS DIGEST", key="weights", wide=True),
        Column(title="SHARED WITH", key="readers", show=_shared, missing="unknown", wide=True),
    )
    ready = sum(item["ready"] or 0 for item in items)
    desired = sum(item["desired"] or 0 for item in items)
    cells = {item["cell"] for item in items}
    return Report(
        kind=SERVICES.name,
        items=items,
        columns=columns,
        errors=found,
        footer=[
            f"{ready}/{desired} replicas ready in {text.counted(len(cells), 'cell')}{_silent(cells, found)}",
            *_shared_lines(items),
        ],
        empty="" if found else "no workload yet: twain serve apply -f FILE",
        next="twain metrics latency --since 15m",
    )


def _shared(readers: Any) -> str:
    return ", ".join(readers) or "nobody"


def _shared_lines(items: Sequence[Any]) -> list[str]:
    """What is shared, each workload once for the same readers."""
    found = {(one["maison"], one["name"], _shared(one["readers"])) for one in items if one.get("readers")}
    return [f"{maison}/{name} is shared with {readers}" for maison, name, readers in sorted(found)]


def _silent(cells: set[str], found: list[errors.ErrorRow]) -> str:
    """What gave no row because it gave no answer: the sum beside it must not be read as a whole."""
    silent = sorted({error.cell or error.world or "" for error in found} - cells - {""})
    return f"; nothing is known of {', '.join(silent)}" if silent else ""


def _ready(item: Any) -> str:
    ready, desired = item.get("ready"), item.get("desired")
    if ready is None and desired is None:
        return "unknown"
    return f"{'unknown' if ready is None else ready}/{'unknown' if desired is None else desired}"


def short(digest: Any) -> str:
    """A digest as a table shows it."""
    return f"{str(digest)[:19]}…"


def _plan_report(workload: Workload, plans: Sequence[CellPlan], found: list[errors.ErrorRow], file: str) -> Report:
    from cli.output import Column, Report

    blocked = [
        errors.ErrorRow(id=b.id, message=b.message, fix=b.fix, cell=one.cell, world=one.world, code=errors.FAILED)
        for one in plans
        for b in one.blockers
    ]
    columns = (
        Column(title="WORLD", key="world"),
        Column(title="CELL", key="cell"),
        Column(title="CLASS", key=lambda item: f"{item['gpuClass']} ({item['sku'] or 'unknown'})"),
        Column(title="REPLICAS", key=lambda item: _arrow(item, "replicas")),
        Column(title="REVISION", key=lambda item: _arrow(item, "revision")),
        Column(title="IMAGE", key="image", show=short),
        Column(title="WEIGHTS", key="weights", show=short, wide=True),
        Column(title="CHANGE", key=lambda item: "blocked" if item["blockers"] else item["change"]),
    )
    notes = [f"note: {one.cell}: {note}" for one in plans for note in one.notes]
    title = f"{workload.maison}/{workload.name}, {workload.model.served_name}"
    silent = [one.cell for one in plans if one.change == "unknown"]
    unasked = f"; {', '.join(silent)} could not be asked" if silent else ""
    summary = f"{title}: {text.counted(len(plans), 'cell')}, {text.counted(len(blocked), 'blocker')}{unasked}."
    return Report(
        kind=PLANS.name,
        items=[one.as_json() for one in plans],
        columns=columns,
        errors=[*found, *blocked],
        extra={"workload": workload.name, "maison": workload.maison},
        footer=[*notes, summary],
        next=None if blocked else f"twain serve apply -f {file}",
    )


def _arrow(item: Any, key: str) -> str:
    """`2→3`; "-" before what is new, "unknown" before what could not be asked."""
    before, after = item[key]["from"], str(item[key]["to"])
    if before is None:
        return f"{'unknown' if item['change'] == 'unknown' else '-'}→{after}"
    return after if str(before) == after else f"{before}→{after}"


def _before_acting(report: Report) -> Report:
    """The plan without its errors: what could not be asked is tried again, and then told once."""
    report.next = None
    report.errors = []
    return report


def _on_stderr(app: App) -> Any:
    """A console whose data goes to stderr: the plan is not the result."""
    from cli.console import Console

    return Console(out=app.console.err, err=app.console.err, env=app.console.env)


def _written(item: Any) -> str | None:
    return None if item["changed"] is None else str(len(item["changed"]) or "nothing")


def _outcome_report(outcomes: Sequence[CellOutcome], *, maison: str, name: str) -> Report:
    from cli.output import Column, Report

    found = [
        errors.row_of(single, cell=outcome.cell, world=outcome.world)
        for outcome in outcomes
        if outcome.error is not None
        for single in errors.flatten([outcome.error])
    ]
    tones: dict[str, Any] = {"done": "good", "failed": "bad", "refused": "bad"}
    columns = (
        Column(title="WORLD", key="world"),
        Column(title="CELL", key="cell", missing="(all)"),
        Column(title="NAME", key="name"),
        Column(title="REVISION", key="revision"),
        Column(title="READY", key=_ready, right=True),
        Column(title="STATE", key="state", tone=lambda state: tones.get(state, "warn")),
        Column(title="CHANGED", key=_written),
    )
    done = all(outcome.state == "done" for outcome in outcomes)
    return Report(
        kind=OUTCOMES.name,
        items=[outcome.as_json(maison=maison, name=name) for outcome in outcomes],
        columns=columns,
        errors=found,
        next="twain serve list" if done else None,
    )
