"""The screen of `twain status`: rows as they come on a terminal, else one table or one document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli import errors

if TYPE_CHECKING:
    from cli.app import App
    from cli.output import Column, Report
    from cli.reading import Format, Scope

KIND = "CellStatusList"


def show(app: App, *, watch: float | None, scope: Scope, output: Format, timeout_s: float) -> None:
    """Ask every cell of the scope and print what was found. Ends with the code of the report."""
    if watch is None and output == "table" and app.console.out_tty:
        report = app.run(_collect(app, scope, timeout_s, live=True))
        report.columns = ()
        _end(app, report)
        return
    app.watch(watch, output, lambda: app.run(_collect(app, scope, timeout_s, live=False)))


def _end(app: App, report: Report) -> None:
    """The rows are printed already: what is left are the footer, the errors and the code."""
    from cli.app import Exit
    from cli.output import Report as Rest
    from cli.output import emit

    for line in report.footer:
        app.console.data(line)
    rest = Rest(kind=report.kind, items=[], errors=report.errors, next=report.next, empty="")
    emit(rest, "table", console=app.console)
    if report.code != errors.OK:
        raise Exit(report.code)


async def _collect(app: App, scope: Scope, timeout_s: float, *, live: bool) -> Report:
    from cli import status
    from cli.serve.scope import where

    place = where(app, scope)
    order = {cell.name: index for index, cell in enumerate(app.fleet.cells)}
    rows: list[dict[str, Any]] = []
    found: list[errors.ErrorRow] = []
    if live:
        _print_row(app, None)
    async for row, problems in status.stream(app, place, timeout_s=timeout_s):
        rows.append(row)
        found.extend(problems)
        if live:
            _print_row(app, row)
    rows.sort(key=lambda row: order[row["cell"]])
    up = sum(row["api"] == "up" for row in rows)
    # What prints is loaded while the cells are at work: see `cli.status`.
    from cli.output import Report

    return Report(
        kind=KIND,
        items=rows,
        columns=_columns(),
        errors=found,
        footer=[f"{up}/{len(rows)} cells answer; {_gpu_total(rows)}"],
        empty="no cell in this scope",
        next="twain top gpu",
    )


def _gpu_total(rows: list[dict[str, Any]]) -> str:
    known = [row["gpus"] for row in rows if row["gpus"] is not None]
    if not known:
        return "no GPU count is known"
    total = f"{sum(one['present'] for one in known)}/{sum(one['max'] for one in known)} GPUs present"
    return total if len(known) == len(rows) else f"{total} in the {len(known)} cells that are known"


# Widths of what is printed row by row, before the longest value is known.
_WIDTHS = {
    "WORLD": 5,
    "CELL": 12,
    "API": 11,
    "K8S": 6,
    "NODES": 7,
    "GPUS": 10,
    "WORKLOADS": 9,
    "PROMETHEUS": 14,
    "VIA": 6,
}


def _print_row(app: App, row: dict[str, Any] | None) -> None:
    from cli import text

    cells: list[str] = []
    for column in _columns():
        if column.wide:
            continue
        value = column.title if row is None else column.cell(row)
        padded = text.pad(value, _WIDTHS.get(column.title, 0), right=column.right)
        tone = column.tone(column.value(row)) if row is not None and column.tone is not None else None
        cells.append(app.console.tone(padded, "strong" if row is None else tone))
    app.console.data("  ".join(cells).rstrip())


def _columns() -> tuple[Column, ...]:
    from cli.output import Column

    tones: dict[str, Any] = {"up": "good", "unreachable": "bad", "not up": "warn", "unknown": "warn"}
    return (
        Column(title="WORLD", key="world"),
        Column(title="CELL", key="cell"),
        Column(title="API", key="api", tone=tones.get),
        Column(title="K8S", key="kubernetes", missing="unknown"),
        Column(title="NODES", key=_pair("nodes", "ready", "total"), missing="unknown", right=True),
        Column(title="GPUS", key=_pair("gpus", "present", "max"), missing="unknown", right=True),
        Column(title="WORKLOADS", key=_pair("workloads", "ready", "desired"), missing="unknown", right=True),
        Column(title="PROMETHEUS", key=_prometheus),
        Column(title="VIA", key="via"),
        Column(title="REASON", key=lambda row: "; ".join(row["reasons"]) or None, wide=True),
    )


def _pair(key: str, part: str, whole: str) -> Any:
    def show(row: Any) -> str | None:
        value = row[key]
        return None if value is None else f"{value[part]}/{value[whole]}"

    return show


def _prometheus(row: Any) -> str:
    found = row["prometheus"]
    age = "no sample seen" if found["sampleAge"] is None else f"{found['sampleAge']:.0f}s old"
    return f"{found['state']}, {age}"
