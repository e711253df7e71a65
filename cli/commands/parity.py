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
        "fix": "string|null",
    },
    extra={"idleWaivers": ["string"]},
)
_WORST_FIRST = ("gap", "unknown", "equivalent", "not applicable", "equal")
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

    found = checking.check(app, scope, waivers)
    rows = found.rows
    cells = list(dict.fromkeys(value["cell"] for row in rows for value in row["values"]))
    report = Report(
        kind=PARITY.name,
        items=rows,
        columns=_columns(cells, waived=any(row["waiver"] for row in rows)),
        errors=found.errors,
        extra={"idleWaivers": found.idle_waivers},
        footer=_footer(rows, found.idle_waivers),
    )
    gaps = any(row["verdict"] == "gap" for row in rows)
    app.finish(report, output, code=errors.DIFFERENCES if exit_code and gaps else errors.OK)


def _footer(rows: list[dict[str, Any]], idle: list[str]) -> list[str]:
    """What each verdict rests on, worst first: sentences, which would make a column too wide to read."""
    counts = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in _WORST_FIRST}
    summary = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    lines = [f"{len(rows)} capabilities: {summary or 'none could be compared'}."]
    for row in sorted(rows, key=lambda row: _WORST_FIRST.index(row["verdict"])):
        if not row["reason"]:
            continue
        lines += ["", f"{row['verdict']}: {row['capability']}"]
        waiver = f"waiver {row['waiver']}: " if row["waiver"] and row["verdict"] == "equivalent" else ""
        lines.append(f"  why    {waiver}{row['reason']}")
        lines += [f"  {key:<6} {row[key]}" for key in ("where", "fix") if row[key]]
    if idle:
        lines += ["", f"excuses nothing, and can go: {', '.join(f'waiver {one}' for one in idle)}"]
    return lines


def _columns(cells: list[str], *, waived: bool) -> tuple[Column, ...]:
    from cli.output import Column

    def value(cell: str) -> Any:
        return lambda row: next((one["value"] for one in row["values"] if one["cell"] == cell), None)

    return (
        Column(title="CAPABILITY", key="capability"),
        Column(title="SOURCE", key="source", wide=True),
        *(Column(title=cell.upper(), key=value(cell), missing="unknown") for cell in cells),
        Column(title="VERDICT", key="verdict", tone=_TONES.get),
        Column(title="WAIVER", key="waiver", wide=not waived),
        Column(title="REASON", key="reason", wide=True),
        Column(title="WHERE", key="where", wide=True),
    )
