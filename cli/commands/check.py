"""`twain check`: whether each cell can be made in its account, before anything is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.options import Scope, context_option, output_option, pass_app, scope_options
from cli.verbs import Kind, Verb, VerbCommand

if TYPE_CHECKING:
    from cli.app import App
    from cli.output import Format

FINDINGS = Kind(
    name="CellCheckList",
    item={
        "world": "cn|row",
        "cell": "string|null",
        "check": "state|registry|credentials|services|kubernetes|machines|quota|add-ons|network",
        "subject": "string",
        "state": "ok|failed|unknown",
        "says": "string",
        "source": "string|null",
        "fix": "string|null",
    },
)
_TONES = {"ok": "good", "failed": "bad", "unknown": "warn"}


@click.command(
    cls=VerbCommand,
    verb=Verb(data_class="metadata", kind=FINDINGS, examples=("twain check", "twain check --cell eu-par-1 -o json")),
)
@scope_options
@output_option
@context_option
@pass_app
def check(app: App, *, scope: Scope, output: Format) -> None:
    """Look whether the accounts of the own world's cells have everything that `stack up` will need.

    Of the world: whether its state and its images lie where the fleet says (`cell` is null); elsewhere ends with 5.
    Per cell: sign-in, services that are switched on, the Kubernetes minor, machine types in the cell's zones, quotas
    for all that the pools may grow to, add-ons, and networks in the way of its range. Each that is wrong comes with its
    fix. The cloud's own command line is asked (aliyun, gcloud, az), and only reads. What cannot be asked is `unknown`
    and ends with 13, what is wrong with 4, a missing sign-in with 3.
    """
    from cli.check import run
    from cli.output import Column, Report

    items, found = run.check(app, scope)
    counts = {state: sum(item["state"] == state for item in items) for state in _TONES}
    footer = [f"{len(items)} findings: {', '.join(f'{count} {state}' for state, count in counts.items() if count)}."]
    for item in sorted(items, key=lambda item: item["state"] != "failed"):
        if item["state"] != "ok" and item["fix"]:
            what = f"{item['state']}: {item['cell'] or item['world']}: {item['check']} {item['subject']}"
            footer += ["", what, f"  fix    {item['fix']}"]
    columns = (
        Column(title="CELL", key="cell"),
        Column(title="CHECK", key="check"),
        Column(title="SUBJECT", key="subject"),
        Column(title="STATE", key="state", tone=_TONES.get),
        Column(title="SAYS", key="says"),
        Column(title="SOURCE", key="source", wide=True),
        Column(title="FIX", key="fix", wide=True),
    )
    report = Report(
        kind=FINDINGS.name,
        items=items,
        columns=columns,
        errors=found,
        footer=footer if items else [],
        next="twain stack preview" if not found else None,
        empty="no cell of the own world lies in the scope",
    )
    app.finish(report, output)
