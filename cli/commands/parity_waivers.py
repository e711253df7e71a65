"""`twain parity waivers` and `waive`: the declared differences, and how one is declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cli import errors
from cli.options import confirm_options, context_option, exit_code_option, output_option, pass_app
from cli.verbs import Kind, Verb, VerbCommand

if TYPE_CHECKING:
    from cli.app import App
    from cli.output import Format

WAIVERS = Kind(
    name="WaiverList",
    item={
        "id": "string",
        "capability": "string",
        "cells": ["string"],
        "owner": "string",
        "reason": "string",
        "since": "date|null",
        "until": "date",
        "value": "string|null",
        "state": "active|future|expired",
        "daysLeft": "integer",
        "file": "string",
    },
)
_STANDING: dict[str, Any] = {"expired": "bad", "future": "warn", "active": "good"}
_WRITTEN = ("id", "capability", "cells", "state", "until", "file")


def waivers_option(function: Any) -> Any:
    """`--waivers` (repeatable), as `waivers: tuple[str, ...]`."""
    return click.option(
        "--waivers",
        "waivers",
        metavar="PATH",
        multiple=True,
        help="A waiver file, or a folder of them, beside the fleet's own; may be given again.",
    )(function)


def fleet_option(function: Any) -> Any:
    """`--fleet`, as `fleet: str | None`."""
    return click.option("--fleet", metavar="FILE", help="Plan the cells of this fleet; needs no context.")(function)


@click.command(
    "waivers",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata", kind=WAIVERS, examples=("twain parity waivers", "twain parity waivers --exit-code")
    ),
)
@fleet_option
@waivers_option
@exit_code_option
@output_option
@context_option
@pass_app
def list_waivers(app: App, *, fleet: str | None, waivers: tuple[str, ...], exit_code: bool, output: Format) -> None:
    """The declared differences: who answers for each, why, and until when. One that has run out is a gap again.

    Two that excuse the same of the same cell on the same day contradict each other and are refused (2). With
    --exit-code one that has run out ends with 10.
    """
    from cli import parity as checking
    from cli import waivers as filing
    from cli.output import Column, Report

    items = filing.listed(app, checking.Asked(fleet=fleet, waivers=waivers))
    columns = (
        Column(title="ID", key="id"),
        Column(title="CAPABILITY", key="capability"),
        Column(title="CELLS", key="cells"),
        Column(title="STATE", key="state", tone=_STANDING.get),
        Column(title="FROM", key="since", wide=True),
        Column(title="UNTIL", key="until"),
        Column(title="DAYS LEFT", key="daysLeft", right=True),
        Column(title="OWNER", key="owner"),
        Column(title="REASON", key="reason", wide=True),
        Column(title="FILE", key="file", wide=True),
    )
    expired = any(item["state"] == "expired" for item in items)
    report = Report(kind=WAIVERS.name, items=items, columns=columns, empty="no waiver is declared")
    app.finish(report, output, code=errors.DIFFERENCES if exit_code and expired else errors.OK)


@click.command(
    "waive",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=WAIVERS,
        examples=(
            "twain parity waive nodes.metadata --cell eu-par-1 --until 2027-06-30 --owner ann --reason 'not yet made'",
        ),
        mutates=True,
    ),
)
@click.argument("capability", metavar="ID")
@click.option("--cell", "cells", multiple=True, metavar="NAME", help="A cell that may differ; may be given again.")
@click.option("--until", metavar="DATE", help="The last day on which it counts, YYYY-MM-DD.")
@click.option("--since", metavar="DATE", help="The first day on which it counts; from now on unless told.")
@click.option("--owner", metavar="WHO", help="Who answers for the difference.")
@click.option("--reason", metavar="TEXT", help="Why the cells differ, in a sentence.")
@click.option("--value", metavar="WORD", help="Excuse this value only; another one is a gap still.")
@click.option("--id", "identifier", metavar="ID", help="Its id; the next free number unless told.")
@click.option("--waivers", "waivers", metavar="FOLDER", help="Where to put it; the fleet's own folder unless told.")
@confirm_options
@output_option
@context_option
@pass_app
def waive(
    app: App,
    *,
    capability: str,
    cells: tuple[str, ...],
    until: str | None,
    since: str | None,
    owner: str | None,
    reason: str | None,
    value: str | None,
    identifier: str | None,
    waivers: str | None,
    yes: bool,
    dry_run: bool,
    output: Format,
) -> None:
    """Declare that cells may differ in a capability: a file with an owner, a reason and a last day, to be reviewed.

    Nothing is deployed and no cloud is called. Declaring the same again changes nothing.
    """
    from cli import parity as checking
    from cli import waivers as filing
    from cli.output import Column, Report
    from components.parity.waivers import text

    fields = {"until": until, "since": since, "owner": owner, "reason": reason, "value": value, "id": identifier}
    asked = checking.Asked(waivers=(waivers,) if waivers else ())
    filed, there = filing.draft(app, capability, cells=cells, fields=fields, asked=asked)
    if there:
        app.console.note(f"declared already: {filed.path}")
    else:
        app.console.note(f"{filed.path}:\n{text(filed.waiver)}")
        if not app.confirm("write this waiver?", yes=yes, dry_run=dry_run):
            return
        filing.write(filed)
    items = [filing.row(filed, app.clock.now().date())]
    columns = tuple(Column(title=key.upper(), key=key) for key in _WRITTEN)
    app.finish(Report(kind=WAIVERS.name, items=items, columns=columns, next="twain parity check"), output)
