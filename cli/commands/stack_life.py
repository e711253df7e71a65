"""The verbs of `twain stack` for living with what is up: drift, unlock, unprotect, restore, import."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from cli import errors
from cli.options import DURATION, confirm_options, context_option, exit_code_option, output_option, pass_app
from cli.verbs import Kind, Verb, VerbCommand

if TYPE_CHECKING:
    from cli.app import App
    from cli.output import Format

HEAD = {"world": "cn|row", "cell": "string", "layer": "infra|platform", "stack": "string"}
DRIFT = Kind(
    name="StackDriftList",
    item={
        **HEAD,
        "type": "string",
        "resource": "string",
        "property": "string",
        "state": "changed|gone",
        "expected": "any",
        "found": "any",
    },
    extra={
        "stacks": [
            {
                "stack": "string",
                "state": "clean|drifted|unknown",
                "resources": "integer|null",
                "differences": "integer|null",
                "moving": "boolean|null",
            }
        ]
    },
)
LOCKS = Kind(
    name="StackLockList",
    item={
        **HEAD,
        "lock": "string",
        "since": "RFC 3339|null",
        "owner": "living|dead|elsewhere|unreadable",
        "state": "held|removed",
    },
)
LIFTS = Kind(
    name="StackLiftList",
    item={
        **HEAD,
        "by": "string",
        "reason": "string",
        "until": "RFC 3339",
        "state": "lifting|lifted|over",
    },
)
COPIES = Kind(
    name="StackCopyList",
    item={
        **HEAD,
        "copy": "string",
        "at": "RFC 3339",
        "resources": "integer|null",
        "state": "whole|damaged|restored",
    },
)
IMPORTS = Kind(
    name="StackImportList",
    item={
        **HEAD,
        "type": "string",
        "resource": "string",
        "id": "string",
        "state": "imported|already",
        "properties": ["string"],
    },
)


@click.command(
    "drift",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=DRIFT,
        examples=("twain stack drift rehearsal.eu-ams-1.infra", "twain stack drift --all --exit-code -o json"),
    ),
)
@click.argument("names", nargs=-1, metavar="[STACK]...")
@click.option("--all", "whole", is_flag=True, help="Every stack of the own world that is up.")
@exit_code_option
@output_option
@context_option
@pass_app
def drift(app: App, *, names: tuple[str, ...], whole: bool, exit_code: bool, output: Format) -> None:
    """What was changed behind our back: each resource is asked for at its cloud and compared with the state.

    Changes nothing and takes no lock. Of a stack that could not be compared the drift is unknown, and that is said.
    What somebody made in the cloud and no program ever declared is in no state, and so not found here.
    """
    from cli import stack_drift
    from cli.output import Report

    if whole == bool(names):
        message = "which stacks? Name them, or say --all."
        raise errors.UsageError(message, fix="twain stack list", id="CFG-SCOPE")
    chosen = stack_drift.chosen(app, names)
    rows, looked, failed = stack_drift.look(app, chosen, app.console.note)
    report = Report(
        kind=DRIFT.name,
        items=rows,
        columns=_drift_columns(),
        errors=failed,
        extra={"stacks": looked},
        footer=_drift_footer(rows, looked),
        empty="no drift found." if looked else "no stack is up: there is nothing to compare.",
    )
    app.finish(report, output, code=errors.DIFFERENCES if exit_code and rows else errors.OK)


def _drift_columns() -> tuple[Any, ...]:
    from cli.output import Column

    return (
        Column(title="STACK", key="stack"),
        Column(title="RESOURCE", key="resource"),
        Column(title="TYPE", key="type", wide=True),
        Column(title="PROPERTY", key="property"),
        Column(title="STATE", key="state", tone=lambda state: "bad" if state == "gone" else "warn"),
        Column(title="EXPECTED", key="expected", show=_value, missing="(absent)"),
        Column(title="FOUND", key="found", show=_value, missing="(absent)"),
    )


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _drift_footer(rows: list[dict[str, Any]], looked: list[dict[str, Any]]) -> list[str]:
    counted = sum(one["resources"] or 0 for one in looked)
    known = [one for one in looked if one["state"] != "unknown"]
    lines = ["", f"{len(known)} of {len(looked)} stacks compared, {counted} resources, {len(rows)} differences."]
    lines += [f"unknown: {one['stack']}" for one in looked if one["state"] == "unknown"]
    lines += [f"state moving: somebody is at work on {one['stack']}, so ask again" for one in looked if one["moving"]]
    if any(row["state"] == "changed" for row in rows):
        lines.append("what is declared comes back with: twain stack up --refresh")
    return lines


@click.command(
    "unlock",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=LOCKS,
        examples=(
            "twain stack unlock rehearsal.eu-ams-1.infra",
            "twain stack unlock rehearsal.eu-ams-1.infra --lock ana@build-7:4711 -y",
        ),
        mutates=True,
    ),
)
@click.argument("name", metavar="STACK")
@click.option("--lock", "exactly", metavar="USER@HOST:PID", help="The lock of another machine, once it is gone there.")
@confirm_options
@output_option
@context_option
@pass_app
def unlock(app: App, *, name: str, exactly: str | None, yes: bool, dry_run: bool, output: Format) -> None:
    """Take the lock off that a killed engine left. One whose process lives stays, and you are told who holds it (14).

    `stack up` and `stack destroy` do this by themselves. A process of another machine cannot be seen from here: look
    there, then name its lock exactly.
    """
    from cli import anchors, stack_locks, stacks
    from cli.output import Column, Report

    chosen = stacks.named(app, name)
    with app.engine.locked(name):
        found = stack_locks.read(app.engine, name)
        for lock in found:
            app.console.note(f"lock {lock.id}: {lock.told()}")
        state = "held"
        if found and app.confirm("take the lock off?", yes=yes, dry_run=dry_run):
            anchors.recorded(app, "stack unlock", cells=[chosen.cell], stack=name, locks=[lock.id for lock in found])
            stack_locks.release(app.engine, name, found, exactly=exactly)
            state = "removed"
    items = [
        {**chosen.head, "lock": lock.id, "since": lock.since, "owner": lock.owner, "state": state} for lock in found
    ]
    columns = (
        Column(title="STACK", key="stack"),
        Column(title="LOCK", key="lock"),
        Column(title="SINCE", key="since", missing="unknown"),
        Column(title="OWNER", key="owner"),
        Column(title="STATE", key="state"),
    )
    report = Report(
        kind=LOCKS.name, items=items, columns=columns, empty=f"{name} is not locked.", next=f"twain stack drift {name}"
    )
    app.finish(report, output)


@click.command(
    "unprotect",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=LIFTS,
        examples=('twain stack unprotect --cell eu-par-1 --reason "closed by CHG-4711"',),
        mutates=True,
    ),
)
@click.option("--cell", required=True, metavar="NAME", help="The cell; also one that has left the fleet.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it stands in the audit log and in `stack list`.")
@click.option("--for", "seconds", type=DURATION, default="1h", show_default=True, help="How long; 24h at most.")
@confirm_options
@output_option
@context_option
@pass_app
def unprotect(app: App, *, cell: str, reason: str, seconds: float, yes: bool, dry_run: bool, output: Format) -> None:
    """Lift the protection of one cell's stores for a while, in the state and at its cloud. Destroys nothing.

    Everything else of the cell stays as it is, also what the fleet has otherwise by now. `stack list` shows the lift;
    after its time `stack destroy` refuses again, and `stack up` of the cell protects it again at any time.
    """
    from cli import anchors, stack_lifts, stacks
    from cli.output import Column, Report

    if not reason.strip() or not 0 < seconds <= stack_lifts.LONGEST_S:
        message = "a lift needs a reason, and ends within 24h."
        raise errors.UsageError(message, fix='--reason "why" --for 1h', id="CFG-LIFT")
    chosen = stacks.named(app, f"{app.fleet.name}.{cell}.infra")
    stack_lifts.plan(app, chosen, note=app.console.note)
    if not app.confirm("lift the protection of these?", yes=yes, dry_run=dry_run):
        return
    anchors.recorded(app, "stack unprotect", cells=[cell], reason=reason, seconds=seconds)
    lifted = stack_lifts.lift(app, chosen, reason=reason, seconds=seconds, note=app.console.note)
    columns = (
        Column(title="CELL", key="cell"),
        Column(title="STATE", key="state"),
        Column(title="UNTIL", key="until"),
        Column(title="BY", key="by"),
        Column(title="REASON", key="reason"),
    )
    items = [{**chosen.head, **lifted.as_json(app.clock.now())}]
    app.finish(Report(kind=LIFTS.name, items=items, columns=columns, next=f"twain stack destroy --cell {cell}"), output)


@click.command(
    "restore",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=COPIES,
        examples=(
            "twain stack restore rehearsal.eu-ams-1.infra",
            "twain stack restore rehearsal.eu-ams-1.infra --copy latest -y",
        ),
        mutates=True,
    ),
)
@click.argument("name", metavar="STACK")
@click.option("--copy", "wanted", metavar="ID|latest", help="The copy to take back; without it they are listed.")
@confirm_options
@output_option
@context_option
@pass_app
def restore(app: App, *, name: str, wanted: str | None, yes: bool, dry_run: bool, output: Format) -> None:
    """Take a copy of the state back, of those that were made before and after each change from here.

    A copy whose content does not have its checksum is never taken. What is there now is kept aside first. No cloud is
    touched: compare with `twain stack drift` afterwards, as the copy may be older than the cloud.
    """
    from cli import anchors, stack_copies, stacks

    chosen = stacks.named(app, name)
    copies = stack_copies.found(app.home, name)
    rows = [
        {
            **chosen.head,
            "copy": copy.id,
            "at": copy.at,
            "resources": copy.resources,
            "state": "whole" if copy.whole else "damaged",
        }
        for copy in copies
    ]
    if wanted is None:
        _copies(app, rows, output, hint=f"twain stack restore {name} --copy ID")
        return
    copy, document = stack_copies.take(copies, wanted, name)
    app.console.note(f"plan: the state of {name} becomes the copy of {copy.at}, {copy.resources} resources")
    if app.confirm("put it in the place of the state?", yes=yes, dry_run=dry_run):
        with app.engine.locked(name):
            anchors.recorded(app, "stack restore", cells=[chosen.cell], stack=name, copy=copy.id)
            stack_copies.restore(app.engine, name, document, note=app.console.note)
        row = {**chosen.head, "copy": copy.id, "at": copy.at, "resources": copy.resources, "state": "restored"}
        _copies(app, [row], output, hint=f"twain stack drift {name}")


def _copies(app: App, rows: list[dict[str, Any]], output: Format, *, hint: str) -> None:
    from cli.output import Column, Report

    columns = (
        Column(title="STACK", key="stack"),
        Column(title="COPY", key="copy"),
        Column(title="AT", key="at"),
        Column(title="RESOURCES", key="resources", right=True, missing="unknown"),
        Column(title="STATE", key="state", tone=lambda state: "bad" if state == "damaged" else None),
    )
    report = Report(kind=COPIES.name, items=rows, columns=columns, empty="no copy was made from here.", next=hint)
    app.finish(report, output)


@click.command(
    "import",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=IMPORTS,
        examples=(
            "twain stack import --cell eu-ams-1 eu-ams-1-weights rehearsal-eu-ams-1-weights-d529c4",
            "twain stack import --cell eu-par-1 --type azure-native:storage:BlobContainer eu-par-1-weights ID",
        ),
        mutates=True,
    ),
)
@click.argument("resource", metavar="NAME")
@click.argument("id_", metavar="ID")
@click.option("--cell", required=True, metavar="NAME", help="The cell whose infra stack is to have it.")
@click.option("--type", "type_", metavar="TYPE", help="The resource's type, where two of the program share a name.")
@confirm_options
@output_option
@context_option
@pass_app
def import_(
    app: App, *, resource: str, id_: str, cell: str, type_: str | None, yes: bool, dry_run: bool, output: Format
) -> None:
    """Take an existing bucket, cluster or other resource into a cell's stack, instead of making a second one.

    NAME is the resource's name in the program, as `stack preview` shows it; ID is the cloud's. What differs and can be
    changed is listed, and changed by the next `stack up`. Where it would have to be replaced, nothing is taken in (4).
    """
    from cli import anchors, stack_import, stacks
    from cli.output import Column, Report

    stacks.check_spec(app)
    chosen = stack_import.own_stack(app, cell)
    app.console.note(f"plan: {id_} becomes {resource} of {chosen.name}")
    if not app.confirm("take it into the state?", yes=yes, dry_run=dry_run):
        return
    anchors.recorded(app, "stack import", cells=[chosen.cell], stack=chosen.name, resource=resource, id=id_)
    app.engine.ensure(chosen.name, fleet=app.context.fleet, secrets_provider=stacks.secrets_provider(app))
    row = stack_import.take_in(app, chosen, name=resource, type_=type_, id_=id_, note=app.console.note)
    columns = (
        Column(title="STACK", key="stack"),
        Column(title="RESOURCE", key="resource"),
        Column(title="ID", key="id"),
        Column(title="STATE", key="state"),
        Column(title="STILL DIFFERS", key="properties"),
    )
    report = Report(
        kind=IMPORTS.name,
        items=[{**chosen.head, **row}],
        columns=columns,
        next=f"twain stack up --cell {cell} --layer infra",
    )
    app.finish(report, output)


COMMANDS = (drift, unlock, unprotect, restore, import_)
