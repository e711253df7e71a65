"""`twain cost`: what it cost, per region, in its own currency and in one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli import costs, errors
from cli.options import (
    Scope,
    confirm_options,
    context_option,
    output_option,
    pass_app,
    read_options,
    timeout_option,
)
from cli.verbs import Kind, NounGroup, Verb, VerbCommand

if TYPE_CHECKING:
    from datetime import datetime

    from cli.app import App
    from cli.errors import ErrorRow
    from cli.output import Format, Report
    from components.money.fx import Rates
    from components.money.report import CostReport

_RATE = {
    "base": "string",
    "quote": "string",
    "rate": "decimal string",
    "date": "YYYY-MM-DD",
    "kind": "daily|month-average|budget|invoice|illustrative",
    "source": "string",
    "ageDays": "integer",
    "stale": "boolean",
}
_MONEY = "decimal string"
COSTS = Kind(
    name="CostReport",
    item={
        "world": "cn|row",
        "provider": "string",
        "region": "string",
        "cell": "string|null",
        "maison": "string|null",
        "currency": "ISO 4217",
        "billed": f"{_MONEY}|null",
        "effective": f"{_MONEY}|null",
        "status": "provisional|final|locked",
        "unpriced": "integer",
        "resources": "integer|null",
        "month": "YYYY-MM",
        "source": "bills|gate",
        "reporting": {"currency": "ISO 4217", "billed": f"{_MONEY}|null", "effective": f"{_MONEY}|null", "rate": _RATE},
    },
    extra={
        "month": "YYYY-MM",
        "generated": "RFC 3339",
        "totals": [{"currency": "ISO 4217", "billed": _MONEY, "files": "integer|null"}],
        "reporting": {
            "currency": "ISO 4217",
            "billed": f"{_MONEY}|null",
            "complete": "boolean",
            "unconverted": [{"currency": "ISO 4217", "billed": _MONEY}],
            "unpriced": "integer",
            "absentWorlds": ["cn|row"],
        },
        "rates": [_RATE],
        "ratesFrom": "string",
        "coverage": [
            {
                "world": "cn|row",
                "provider": "string",
                "resources": "integer|null",
                "priced": "integer|null",
                "unpriced": "integer",
            }
        ],
        "unpriced": [
            {
                "world": "cn|row",
                "provider": "string",
                "region": "string",
                "cell": "string|null",
                "resourceType": "string|null",
                "service": "string|null",
                "resources": "integer",
            }
        ],
        "services": [
            {
                "world": "cn|row",
                "provider": "string",
                "region": "string",
                "cell": "string|null",
                "category": "string",
                "service": "string",
                "sku": "string",
                "priceBasis": "sourced|derived|synthetic|null",
                "quantity": "decimal string",
                "unit": "string",
                "currency": "ISO 4217",
                "billed": _MONEY,
                "reportingBilled": f"{_MONEY}|null",
            }
        ],
        "tieOut": [
            {
                "world": "cn|row",
                "provider": "string",
                "month": "YYYY-MM",
                "currency": "ISO 4217",
                "invoice": f"{_MONEY}|null",
                "billed": f"{_MONEY}|null",
                "difference": f"{_MONEY}|null",
                "verdict": "ties|differs|no-invoice|no-bill",
                "status": "string",
            }
        ],
        "sources": [
            {
                "world": "cn|row",
                "provider": "string",
                "file": "string",
                "sha256": "string",
                "rows": "integer",
                "billed": [{"currency": "ISO 4217", "billed": _MONEY}],
                "ingested": "RFC 3339",
            }
        ],
    },
)
INGESTED = Kind(
    name="CostIngest",
    item={
        "world": "cn|row",
        "file": "string",
        "action": "added|replaced|unchanged",
        "rows": "integer",
        "provider": "string",
        "month": "YYYY-MM",
    },
)

PUBLISHED = Kind(
    name="CostPublished",
    item={
        "world": "cn|row",
        "provider": "string",
        "region": "string",
        "cell": "string|null",
        "maison": "string|null",
        "currency": "ISO 4217",
        "month": "YYYY-MM",
        "billed": _MONEY,
        "effective": f"{_MONEY}|null",
        "status": "provisional|final|locked",
        "unpriced": "integer",
        "resources": "integer|null",
    },
)


@click.group(cls=NounGroup)
def cost() -> None:
    """What it cost: bills of the own world, the other world's sums through its gate, one report."""


@cost.command(
    "report",
    cls=VerbCommand,
    verb=Verb(
        data_class="metrics",
        kind=COSTS,
        examples=(
            "twain cost report",
            "twain cost report --month 2026-11 --currency EUR -o json",
            "twain cost report --html cost.html",
        ),
    ),
)
@click.option("--month", metavar="YYYY-MM", help="Billing month; the present one unless told.")
@click.option("--currency", metavar="CODE", help="Reporting currency; the fleet's unless told.")
@click.option(
    "--rates",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="TWAIN_FX_RATES",
    help="Exchange rates (CSV) instead of the shipped, illustrative ones.",
)
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write the offline page too."
)
@click.option("--xlsx", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write the workbook too.")
@read_options
@pass_app
def report(
    app: App,
    *,
    month: str | None,
    currency: str | None,
    rates: Path | None,
    html: Path | None,
    xlsx: Path | None,
    scope: Scope,
    output: Format,
    timeout: float,
) -> None:
    """Cost of a month per world, region, cell and maison. Takes new bill files of the own world in first."""
    now = app.clock.now()
    chosen = _month(month, now)
    target = (currency or app.fleet.reporting_currency).upper()
    if len(target) != 3 or not target.isalpha():
        message = f"{target!r} is not an ISO 4217 code."
        raise errors.UsageError(message, fix="for example: --currency EUR", id="MON-CURRENCY")
    found, rows = costs.build(app, scope=scope, month=chosen, currency=target, rates=_rates(rates), timeout=timeout)
    title = f"{app.fleet.name}: cost report"
    if html is not None:
        from dashboards import report_html

        app.console.note(f"wrote {report_html.write(found, html, title=title)}")
    if xlsx is not None:
        from dashboards import report_xlsx

        app.console.note(f"wrote {report_xlsx.write(found, xlsx, title=title)}")
    app.finish(_report(found, rows, html=html), output)


@cost.command(
    "ingest",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata", kind=INGESTED, mutates=True, examples=("twain cost ingest bills/", "twain cost ingest")
    ),
)
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@output_option
@context_option
@pass_app
def ingest(app: App, *, paths: tuple[Path, ...], output: Format) -> None:
    """Take native bill files (or folders of them) of the own world into the lake. Repeating it changes nothing."""
    from cli.output import Column, Report

    items = [
        {
            "world": app.context.world,
            "file": Path(outcome.path).name,
            "action": outcome.action,
            "rows": outcome.rows,
            "provider": outcome.provider,
            "month": outcome.period,
        }
        for outcome in costs.take_in(app, costs.lake_of(app), list(paths) or costs.bill_paths(app))
    ]
    columns = [Column(title=key.upper(), key=key, right=key == "rows") for key in INGESTED.item]
    app.finish(
        Report(kind="CostIngest", items=items, columns=columns, empty="no bill files", next="twain cost report"), output
    )


@cost.command(
    "publish",
    cls=VerbCommand,
    verb=Verb(
        data_class="metrics",
        kind=PUBLISHED,
        mutates=True,
        examples=("twain cost publish -y", "twain cost publish --dry-run -o json"),
    ),
)
@output_option
@confirm_options
@timeout_option()
@context_option
@pass_app
def publish(app: App, *, output: Format, yes: bool, dry_run: bool, timeout: float) -> None:
    """Give the own world's sums to its own gate, which tells them to the other world on request.

    Sums per cell, maison, month and currency, as the telemetry contract names them; no services, resources or files.
    What the bills name and the fleet does not declare is told as nobody's: a maison as `shared`, a cell as none.
    """
    from cli.output import Column, Report
    from components.money.crossing import NOBODYS

    rows, undeclared = costs.published_rows(app, _rates(None))
    for label, count in undeclared.items():
        instead = f"as {NOBODYS[label]}" if NOBODYS[label] else "without one"
        app.console.note(f"rows with a {label} that is not declared: {count}, sent {instead}")
    columns = [
        Column(title=key.upper(), key=key, right=key in {"billed", "unpriced"})
        for key in ("month", "cell", "maison", "currency", "billed", "status", "unpriced")
    ]
    shown = Report(kind=PUBLISHED.name, items=rows, columns=columns, empty="no bills: there is nothing to publish")
    if app.confirm(f"publish {len(rows)} rows to the gate of world {app.context.world}?", yes=yes, dry_run=dry_run):
        from cli import anchors

        gate = app.fleet.worlds[app.context.world].gate_cell
        anchors.recorded(app, "cost publish", cells=[gate], rows=len(rows))
        cell = app.run(costs.publish(app, rows, timeout_s=timeout))
        app.console.note(f"published to the gate in {cell}")
    app.finish(shown, output)


def _month(month: str | None, now: datetime) -> str:
    from components.money.periods import check

    try:
        return check(month) if month is not None else now.strftime("%Y-%m")
    except ValueError as error:
        message = f"{error}."
        raise errors.UsageError(message, fix="for example: --month 2026-11", id="MON-MONTH") from error


def _rates(path: Path | None) -> Rates:
    from components.money import fx
    from components.money.errors import RateFileError

    try:
        return fx.load(path)
    except (RateFileError, OSError) as error:
        message = f"the exchange rates cannot be used: {error}"
        raise errors.UsageError(
            message, where=str(path), fix="correct the file, or leave --rates out", id="MON-RATES"
        ) from error


def _report(found: CostReport, rows: list[ErrorRow], *, html: Path | None) -> Report:
    from cli.cost_summary import summary
    from cli.output import Column, Report

    data = found.as_json()
    items = data.pop("items")
    currency = found.currency

    def priced(item: Any) -> str:
        if item["resources"] is None:
            return "unknown"
        return f"{item['resources'] - item['unpriced']}/{item['resources']}"

    def rate(item: Any) -> str:
        if item["reporting"] is None:
            return "no rate"
        used = item["reporting"]["rate"]
        return "own currency" if used is None else f"{used['rate']} {used['quote']}/{used['base']} {used['date']}"

    def reported(item: Any) -> str:
        if item["reporting"] is None:
            return "no rate"
        found = item["reporting"]["billed"]
        return "unpriced" if found is None else _short(found)

    columns = [
        Column(title="WORLD", key="world"),
        Column(title="REGION", key="region"),
        Column(title="CELL", key="cell"),
        Column(title="MAISON", key="maison"),
        Column(title="BILLED", key="billed", show=_short, right=True, missing="unpriced"),
        Column(title="CUR", key="currency"),
        Column(title=currency, key=reported, right=True),
        Column(title="RATE", key=rate),
        Column(title="PRICED", key=priced, right=True),
        Column(title="STATUS", key="status", tone=lambda value: "warn" if value == "provisional" else "good"),
        Column(title="EXACT", key="billed", right=True, wide=True, missing="unpriced"),
        Column(title="FROM", key="source", wide=True),
    ]
    return Report(
        kind="CostReport",
        items=items,
        columns=columns,
        errors=rows,
        extra=data,
        footer=summary(data, (item["status"] for item in items)),
        next="twain cost report --html cost.html" if html is None else None,
        empty=f"no bills for {found.month}",
    )


def _short(value: str | None) -> str:
    from dashboards.report_html import money

    return money(value)
