"""`twain store`: the databases and buckets of the cells, and whether they come back."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from cli.options import confirm_options, context_option, output_option, pass_app, timeout_option
from cli.verbs import Kind, NounGroup, Verb, VerbCommand

if TYPE_CHECKING:
    from cli.app import App
    from cli.output import Format
    from cli.restore.run import Plan

_MEASURE = {"seconds": "number|null", "state": "measured|declared|unknown", "reason": "string"}
TESTS = Kind(
    name="StoreRestoreTestList",
    item={
        "world": "cn|row",
        "cell": "string",
        "store": "database|bucket",
        "source": "string",
        "region": "string",
        "state": "planned|restored|different|empty|no-backup|failed|refused|unknown",
        "restoredTo": "RFC 3339|null",
        "earliest": "RFC 3339|null",
        "rpo": _MEASURE,
        "rto": _MEASURE,
        "compared": [
            {
                "what": "string",
                "expected": "string|null",
                "found": "string|null",
                "state": "equal|different|unknown",
                "reason": "string|null",
            }
        ],
        "scratch": {"name": "string|null", "state": "none|removed|left"},
        "removedBefore": ["string"],
    },
)
_TONES = {
    "restored": "good",
    "planned": None,
    "different": "bad",
    "failed": "bad",
    "refused": "bad",
    "no-backup": "bad",
}


@click.group(cls=NounGroup)
def store() -> None:
    """The databases and buckets of the cells, and whether they come back after a loss."""


@store.command(
    "restore-test",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=TESTS,
        examples=(
            "twain store restore-test --cell eu-par-1 --dry-run",
            "twain store restore-test --cell cn-sha-1 --store database -y -o json",
        ),
        mutates=True,
    ),
)
@click.option("--cell", "cells", multiple=True, required=True, metavar="NAME", help="The cell; may be given again.")
@click.option(
    "--store", "kinds", multiple=True, type=click.Choice(["database", "bucket"]),
    help="Only this store; both unless told.",
)  # fmt: skip
@confirm_options
@output_option
@timeout_option("4h")
@context_option
@pass_app
def restore_test(
    app: App, *, cells: tuple[str, ...], kinds: tuple[Any, ...], yes: bool, dry_run: bool, output: Format,
    timeout: float,
) -> None:  # fmt: skip
    """Restore a cell's database and bucket into scratch ones in its region, compare, measure, and remove them.

    Never touches the original and never reads a row: a database is compared by its settings, its contents are
    `unknown`; of a bucket every object is copied inside the cloud and compared by its checksum. RPO is the age of the
    newest point that could be restored, RTO the time until the scratch was ready; each is `measured`, `declared` or
    `unknown`, with its reason. The cloud's own command line is asked (aliyun, gcloud, az). The scratch costs as much as
    the original while it is there. What a killed run left is found by its name and removed by the next one.

    A restore that fails, differs, or has no backup to begin with ends with 4, a scratch outside of the region with 5,
    no sign-in with 3, an account that cannot be asked or an empty bucket with 13, one that takes too long with 9.
    """
    from cli import anchors
    from cli.engine import stack_name
    from cli.restore import cells as stores
    from cli.restore import model, run

    chosen = tuple(kinds) or model.KINDS
    benches = stores.benches(app, cells, [kind for kind in model.KINDS if kind in chosen])
    names = sorted({stack_name(app.fleet.name, bench.cell, "infra") for bench in benches})
    with ExitStack() as held:
        # Nobody else tests here meanwhile, and no `up` or `destroy` from this machine changes the original.
        for name in names if not dry_run else ():
            held.enter_context(app.engine.locked(name))
        plans = [run.look(bench) for bench in benches]
        todo = [line for plan in plans for line in plan.told()]
        for line in todo:
            app.console.note(f"plan: {line}")
        if todo and app.confirm("make and remove these scratches?", yes=yes, dry_run=dry_run):
            scratches = [plan.outcome.scratch for plan in plans if plan.possible]
            found = sorted({plan.bench.cell for plan in plans})
            anchors.recorded(app, "store restore-test", cells=found, stores=list(chosen), scratches=scratches)
            until = app.clock.monotonic() + timeout
            for plan in plans:
                run.clear(plan)
                run.carry_out(plan, timeout_s=until - app.clock.monotonic())
    _show(app, plans, output)


def _show(app: App, plans: list[Plan], output: Format) -> None:
    from cli.output import Column, Report

    outcomes = [plan.outcome for plan in plans]
    columns = (
        Column(title="CELL", key="cell"),
        Column(title="STORE", key="store"),
        Column(title="SOURCE", key="source"),
        Column(title="STATE", key="state", tone=lambda state: _TONES.get(state, "warn")),
        Column(title="RPO", key=lambda item: _figure(item["rpo"])),
        Column(title="RTO", key=lambda item: _figure(item["rto"])),
        Column(title="RESTORED TO", key="restoredTo", missing="unknown"),
        Column(title="SCRATCH", key="scratch.state"),
        Column(title="SCRATCH NAME", key="scratch.name", wide=True),
    )
    footer: list[str] = []
    for one in outcomes:
        footer += ["", f"{one.cell} {one.kind}", f"  rpo  {one.rpo.reason}", f"  rto  {one.rto.reason}"]
        footer += [f"  {row.state:<9} {row.what}{_values(row)}" for row in one.compared]
    report = Report(
        kind=TESTS.name,
        items=[one.as_json() for one in outcomes],
        columns=columns,
        errors=[row for one in outcomes for row in one.rows()],
        footer=footer,
    )
    app.finish(report, output)


def _figure(measure: dict[str, Any]) -> str:
    seconds = measure["seconds"]
    return "unknown" if seconds is None else f"{seconds:g} s, {measure['state']}"


def _values(row: Any) -> str:
    if row.reason is not None:
        return f": {row.reason}"
    return f": {row.expected}" if row.state == "equal" else f": {row.expected} and {row.found}"
