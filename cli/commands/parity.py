"""`twain parity`: whether cells give the same guarantees, declared or deployed, ours or a stranger's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cli import errors
from cli.commands.parity_waivers import fleet_option, list_waivers, waive, waivers_option
from cli.options import (
    Scope,
    context_option,
    exit_code_option,
    output_option,
    pass_app,
    scope_options,
)
from cli.verbs import Kind, NounGroup, Verb, VerbCommand

if TYPE_CHECKING:
    from cli.app import App
    from cli.output import Column, Format
    from cli.parity import Checked

PARITY = Kind(
    name="ParityReport",
    item={
        "capability": "string",
        "source": "cncf 1.34|ours",
        "verdict": "equal|equivalent|gap|not applicable|unknown",
        "values": [{"world": "cn|row|null", "cell": "string", "value": "string|null"}],
        "waiver": "string|null",
        "reason": "string|null",
        "where": "string|null",
        "fix": "string|null",
    },
    extra={
        "idleWaivers": ["string"],
        "emulated": [{"world": "cn|row", "cell": "string", "minor": "string", "program": "string"}],
        "sources": [{"world": "cn|row|null", "cell": "string", "source": "state|gate|planned from spec|file"}],
    },
)
CAPABILITY = Kind(
    name="CapabilityList",
    item={
        "capability": "string",
        "source": "cncf 1.34|ours",
        "layer": "infra|platform|workload",
        "says": "string",
        "lacking": "string|null",
        "field": "string|null",
        "clouds": [
            {
                "cloud": "alicloud|gcp|azure",
                "means": "native|composed|planned|blocked|never",
                "why": "string",
                "reads": ["string"],
            }
        ],
    },
)
_WORST_FIRST = ("gap", "unknown", "equivalent", "not applicable", "equal")
_TONES: dict[str, Any] = {"equal": "good", "equivalent": "good", "gap": "bad", "unknown": "warn"}
_DIGEST = len("sha256/") + 12


@click.group(cls=NounGroup)
def parity() -> None:
    """Mirrored means: the same guarantees, not the same names. Differences are declared by waivers that expire.

    A guarantee is read from the inputs of resources, in words that mean the same on every cloud: `twain parity explain`
    lists them.
    """


def _workload_option(function: Any) -> Any:
    return click.option(
        "--workload",
        "workloads",
        metavar="FILE",
        multiple=True,
        help="Compare this workload too; again for a variant of it in another world.",
    )(function)


@parity.command(
    "check",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=PARITY,
        examples=(
            "twain parity check",
            "twain parity check --planned --exit-code",
            "twain parity check --waivers waivers/ --workload advisor.yaml",
            "twain parity check --fleet fleet.yaml --file theirs.json",
        ),
    ),
)
@click.option("--planned", is_flag=True, help="Compare what the fleet declares, deployed or not; no cloud is called.")
@fleet_option
@click.option(
    "--file",
    "files",
    metavar="FILE",
    multiple=True,
    help="Also a plan or state in JSON (pulumi preview --json --show-sames, pulumi stack export); may be given again.",
)
@_workload_option
@waivers_option
@exit_code_option
@scope_options
@output_option
@context_option
@pass_app
def check(
    app: App,
    *,
    planned: bool,
    fleet: str | None,
    files: tuple[str, ...],
    workloads: tuple[str, ...],
    waivers: tuple[str, ...],
    exit_code: bool,
    scope: Scope,
    output: Format,
) -> None:
    """Compare what the cells guarantee, from what was really built. A gap shows both values and its place in the fleet.

    Own cells are read from their deployed state, the other world's through its gate. With --planned both worlds are
    planned from the spec: for a fleet that was never up, or before a change. What could not be learnt is `unknown`; a
    cell that does not answer ends with 13; with --exit-code a gap ends with 10, and 16 says that nothing was learnt. An
    expired waiver is no waiver. Own cells whose control plane only emulates its Kubernetes minor are named.
    """
    from cli import parity as checking

    asked = checking.Asked(planned=planned, fleet=fleet, files=files, workloads=workloads, waivers=waivers)
    _finish(app, checking.check(app, scope, asked), exit_code=exit_code, output=output)


@parity.command(
    "diff",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=PARITY,
        examples=(
            "twain parity diff cn-sha-1 eu-par-1",
            "twain parity diff cn-sha-1 eu-par-1 --live",
            "twain parity diff old.yaml:eu-par-1 new.yaml:eu-par-1 --exit-code",
            "twain parity diff ours.json theirs.json",
        ),
    ),
)
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--live", is_flag=True, help="Cells as they are deployed, not as they are declared.")
@fleet_option
@_workload_option
@waivers_option
@exit_code_option
@output_option
@context_option
@pass_app
def diff(
    app: App,
    *,
    first: str,
    second: str,
    live: bool,
    fleet: str | None,
    workloads: tuple[str, ...],
    waivers: tuple[str, ...],
    exit_code: bool,
    output: Format,
) -> None:
    """Compare two: each a cell of the fleet, FLEET.yaml:CELL, or a plan or state in JSON, also a stranger's.

    Cells are planned from the spec, so nothing need be up and no cloud is called. For a plan out of a file:
    pulumi preview --json --show-sames, or pulumi stack export.
    """
    from cli import parity as checking

    if live and fleet is not None:
        message = "--live compares what is deployed, --fleet what a file declares."
        raise errors.UsageError(message, fix="leave one of them out", id="CFG-SCOPE")
    asked = checking.Asked(fleet=fleet, workloads=workloads, waivers=waivers)
    _finish(app, checking.diff(app, (first, second), asked, live=live), exit_code=exit_code, output=output)


@parity.command(
    "explain",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=CAPABILITY,
        examples=("twain parity explain", "twain parity explain secrets.encryption"),
    ),
)
@click.argument("capability", metavar="[ID]", required=False)
@output_option
@pass_app
def explain(app: App, *, capability: str | None, output: Format) -> None:
    """What a capability means, from which inputs it is read, and how each cloud gives it; all of them without an ID."""
    from cli import waivers as filing
    from cli.output import Column, Report
    from components.parity.capabilities import CAPABILITIES, by_id

    if capability is not None and by_id(capability) is None:
        raise filing.no_capability(capability)
    items = [_capability(one) for one in CAPABILITIES if capability in (None, one.id)]
    columns = (
        Column(title="CAPABILITY", key="capability"),
        Column(title="SOURCE", key="source"),
        *(Column(title=cloud.upper(), key=_means(cloud)) for cloud in ("alicloud", "gcp", "azure")),
        Column(title="SAYS", key="says", wide=True),
    )
    footer = _explained(items[0]) if capability else []
    report = Report(kind=CAPABILITY.name, items=items, columns=columns, footer=footer,
                    next=None if capability else "twain parity explain ID")  # fmt: skip
    app.finish(report, output)


parity.add_command(list_waivers)
parity.add_command(waive)


def _finish(app: App, found: Checked, *, exit_code: bool, output: Format) -> None:
    from cli.output import Report

    rows = found.rows
    cells = [str(one["cell"]) for one in found.sources]
    report = Report(
        kind=PARITY.name,
        items=rows,
        columns=_columns(cells, waived=any(row["waiver"] for row in rows)),
        errors=found.errors,
        extra={"idleWaivers": found.idle_waivers, "sources": found.sources, "emulated": found.emulated},
        footer=[*_footer(rows, found), *_emulated(found.emulated)],
    )
    app.finish(report, output, code=_code({row["verdict"] for row in rows}) if exit_code else errors.OK)


def _code(verdicts: set[str]) -> int:
    """What a script is told: a difference, or that nothing at all could be compared, which is no agreement."""
    if "gap" in verdicts:
        return errors.DIFFERENCES
    return errors.UNKNOWN if verdicts <= {"unknown", "not applicable"} and "unknown" in verdicts else errors.OK


def _footer(rows: list[dict[str, Any]], found: Checked) -> list[str]:
    """What each verdict rests on, worst first: sentences, which would make a column too wide to read. What no cell has
    is told in one line.
    """
    counts = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in _WORST_FIRST}
    summary = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    lines = [f"{len(rows)} capabilities: {summary or 'none could be compared'}."]
    planned = [str(one["cell"]) for one in found.sources if one["source"] == "planned from spec"]
    if planned:
        lines.append(f"planned from spec: {', '.join(planned)}")
    told = [row for row in rows if row["reason"] and row["verdict"] != "not applicable"]
    alike = _alike(told)
    for row in sorted(told, key=lambda row: _WORST_FIRST.index(row["verdict"])):
        names = alike.pop((row["verdict"], row["reason"], row["where"]), None)
        if names is None:
            continue
        lines += ["", f"{row['verdict']}: {', '.join(names)}"]
        waiver = f"waiver {row['waiver']}: " if row["waiver"] and row["verdict"] == "equivalent" else ""
        lines.append(f"  why    {waiver}{row['reason']}")
        lines += [f"  {key:<6} {row[key]}" for key in ("where", "fix") if row[key]]
    if found.idle_waivers:
        lines += ["", f"excuses nothing, and can go: {', '.join(f'waiver {one}' for one in found.idle_waivers)}"]
    return lines


def _alike(rows: list[dict[str, Any]]) -> dict[tuple[str, str, str | None], list[str]]:
    """The capabilities of each verdict whose reason and place are the same, which are told together."""
    found: dict[tuple[str, str, str | None], list[str]] = {}
    for row in rows:
        found.setdefault((row["verdict"], row["reason"], row["where"]), []).append(row["capability"])
    return found


def _shown(value: str) -> str:
    """A digest by its first digits."""
    return f"{value[:_DIGEST]}…" if value.startswith("sha256/") else value


def _emulated(cells: list[dict[str, str]]) -> list[str]:
    return [
        f"emulated: {one['cell']} serves Kubernetes {one['minor']} from a control plane of {one['program']}."
        for one in cells
    ]


def _columns(cells: list[str], *, waived: bool) -> tuple[Column, ...]:
    from cli.output import Column

    def value(cell: str) -> Any:
        return lambda row: next((one["value"] for one in row["values"] if one["cell"] == cell), None)

    return (
        Column(title="CAPABILITY", key="capability"),
        Column(title="SOURCE", key="source", wide=True),
        *(Column(title=cell.upper(), key=value(cell), missing="unknown", show=_shown) for cell in cells),
        Column(title="VERDICT", key="verdict", tone=_TONES.get),
        Column(title="WAIVER", key="waiver", wide=not waived),
        Column(title="REASON", key="reason", wide=True),
        Column(title="WHERE", key="where", wide=True),
    )


def _capability(one: Any) -> dict[str, Any]:
    return {
        "capability": one.id,
        "source": one.source,
        "layer": one.layer,
        "says": one.says,
        "lacking": one.lacking or None,
        "field": one.field or None,
        "clouds": [
            {"cloud": cloud, "means": given.means, "why": given.why, "reads": list(one.inputs(cloud))}
            for cloud, given in one.clouds.items()
        ],
    }


def _means(cloud: str) -> Any:
    return lambda item: next(one["means"] for one in item["clouds"] if one["cloud"] == cloud)


def _explained(item: dict[str, Any]) -> list[str]:
    lines = ["", f"  {item['says']}"]
    if item["field"]:
        lines.append(f"  decided in the fleet by: {item['field']}")
    for one in item["clouds"]:
        lines += ["", f"{one['cloud']}: {one['means']}, {one['why']}"]
        lines += [f"  reads  {read}" for read in one["reads"]]
    return lines
