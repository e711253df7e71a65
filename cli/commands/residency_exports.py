"""`twain residency exports`: what may cross the border, by which mechanism, and how near the law's thresholds are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cli import errors
from cli.options import context_option, exit_code_option, output_option, pass_app
from cli.verbs import Kind, Verb, VerbCommand

if TYPE_CHECKING:
    from cli.app import App
    from cli.output import Format

EXPORTS = Kind(
    name="ExportEntryList",
    item={
        "id": "string",
        "origin": "cn-personal|row-personal",
        "to": "cn|row",
        "kind": "weights|dataset",
        "artefacts": ["string"],
        "owner": "string",
        "reason": "string",
        "mechanism": "security-assessment|standard-contract|certification|exemption",
        "article": "string|null",
        "reference": "string",
        "persons": "integer",
        "sensitive": "integer",
        "important": "boolean",
        "since": "date",
        "until": "date",
        "state": "active|future|expired",
        "daysLeft": "integer",
        "file": "string",
    },
    extra={
        "year": "integer",
        "thresholds": [
            {
                "id": "string",
                "counts": "persons|sensitive",
                "at": "integer",
                "sum": "integer",
                "reached": "boolean",
                "needs": "string",
                "short": ["string"],
                "article": "string",
                "source": "string",
                "read": "date",
            }
        ],
    },
)
_STANDING: dict[str, Any] = {"expired": "bad", "future": "warn", "active": "good"}


@click.command(
    "exports",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=EXPORTS,
        examples=("twain residency exports", "twain residency exports --exports exports/ --exit-code"),
    ),
)
@click.option("--exports", "places", multiple=True, metavar="PATH", help="An entry, or a folder of them.")
@click.option("--fleet", metavar="FILE", help="The entries beside this fleet; needs no context.")
@exit_code_option
@output_option
@context_option
@pass_app
def list_exports(app: App, *, places: tuple[str, ...], fleet: str | None, exit_code: bool, output: Format) -> None:
    """The export entries, the only way out of a world, and their sums of this year against the law's thresholds.

    Entries lie in `exports/` beside the fleet, one file each, to be reviewed as code is. One that contradicts itself,
    another one, or its mechanism is refused (2). A sum that needs more than an entry's mechanism ends with 5. With
    --exit-code one that has run out ends with 10. Engineering notes, not legal advice.
    """
    from cli import exports as listing
    from cli.output import Column, Report

    found = listing.listed(app, fleet=fleet, places=places)
    columns = (
        Column(title="ID", key="id"),
        Column(title="ORIGIN", key="origin"),
        Column(title="TO", key="to"),
        Column(title="ARTEFACTS", key="artefacts"),
        Column(title="MECHANISM", key=lambda item: " ".join(filter(None, (item["mechanism"], item["article"])))),
        Column(title="PERSONS", key="persons", right=True),
        Column(title="SENSITIVE", key="sensitive", right=True),
        Column(title="STATE", key="state", tone=_STANDING.get),
        Column(title="UNTIL", key="until"),
        Column(title="OWNER", key="owner"),
        Column(title="REASON", key="reason", wide=True),
        Column(title="REFERENCE", key="reference", wide=True),
        Column(title="FILE", key="file", wide=True),
    )
    rows = [
        errors.ErrorRow(
            id="EXP-001",
            message=f"{line['sum']} {line['counts']} in {found.year} need a {line['needs']} ({line['article']}), and "
            f"{', '.join(line['short'])} has less.",
            fix="get the mechanism, or let the entry end",
            code=errors.POLICY,
        )
        for line in found.thresholds
        if line["short"]
    ]
    expired = any(item["state"] == "expired" for item in found.items)
    report = Report(
        kind=EXPORTS.name,
        items=found.items,
        columns=columns,
        errors=rows,
        extra={"year": found.year, "thresholds": found.thresholds},
        footer=[
            "",
            *map(listing.line, found.thresholds),
            f"persons of {found.year}; an upper bound: nobody is told apart",
        ]
        if found.items
        else [],
        empty="no export entry is declared: nothing may cross",
    )
    code = errors.POLICY if rows else errors.DIFFERENCES if exit_code and expired else errors.OK
    app.finish(report, output, code=code)
