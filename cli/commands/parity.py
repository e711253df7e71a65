"""`twain parity`: whether the cells of the fleet give the same guarantees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cli import errors
from cli.options import Scope, context_option, exit_code_option, output_option, pass_app, scope_options
from cli.verbs import Kind, NounGroup, Verb, VerbCommand

if TYPE_CHECKING:
    from cli.app import App
    from cli.output import Column, Format

PARITY = Kind(
    name="ParityReport",
    item={
        "capability": "string",
        "source": "cncf 1.34|ours",
        "verdict": "equal|equivalent|gap|not applicable|unknown",
        "values": [{"world": "cn|row", "cell": "string", "value": "string|null"}],
        "waiver": "string|null",
        "reason": "string|null",
        "where": "string|null",
    },
)
_TONES: dict[str, Any] = {"equal": "good", "equivalent": "good", "gap": "bad", "unknown": "warn"}


@click.group(cls=NounGroup)
def parity() -> None:
    """Mirrored means: the same guarantees, not the same names. Differences are declared by waivers that expire."""


@parity.command(
    "check",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=PARITY,
        examples=("twain parity check", "twain parity check --waivers waivers/ --exit-code"),
    ),
)
@click.option("--waivers", "waivers", metavar="PATH", help="A waiver file, or a folder of them.")
@exit_code_option
@scope_options
@output_option
@context_option
@pass_app
def check(app: App, *, waivers: str | None, exit_code: bool, scope: Scope, output: Format) -> None:
    """Compare what the cells guarantee, from what was really built. A gap shows both values and its place in the fleet.

    Own cells are read from their deployed state, the other world's through its gate. What could not be learnt is
    `unknown` and ends with 13; a gap ends with 10 when --exit-code is given. An expired waiver is no waiver.
    """
    from cli import parity as checking
    from cli.output import Report

    rows, found = checking.check(app, scope, waivers)
    cells = list(dict.fromkeys(value["cell"] for row in rows for value in row["values"]))
    counts = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in _TONES}
    summary = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    report = Report(
        kind=PARITY.name,
        items=rows,
        columns=_columns(cells),
        errors=found,
        footer=[f"{len(rows)} capabilities: {summary or 'none could be compared'}."],
    )
    gaps = any(row["verdict"] == "gap" for row in rows)
    app.finish(report, output, code=errors.DIFFERENCES if exit_code and gaps else errors.OK)


def _columns(cells: list[str]) -> tuple[Column, ...]:
    from cli.output import Column

    def value(cell: str) -> Any:
        return lambda row: next((one["value"] for one in row["values"] if one["cell"] == cell), None)

    return (
        Column(title="CAPABILITY", key="capability"),
        Column(title="SOURCE", key="source", wide=True),
        *(Column(title=cell.upper(), key=value(cell), missing="unknown") for cell in cells),
        Column(title="VERDICT", key="verdict", tone=_TONES.get),
        Column(title="WAIVER", key="waiver"),
        Column(title="REASON", key="reason"),
        Column(title="WHERE", key="where"),
    )
