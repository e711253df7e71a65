"""The cost report as a workbook: one sheet per table of the page, ready to be filtered and pivoted.

A spreadsheet keeps 15 digits. So every amount stands twice: as a number to calculate with, and in the column "exact" as
the text that the bill adds up to. No text becomes a formula or a link, whatever a bill says.
"""

from __future__ import annotations

import io
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from components.errors import NotSupportedError
from components.money.lake import write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from components.money.report import CostReport

    Row = dict[str, Any]
    Cell = tuple[str, Callable[[Row], Any], str]

_NUMBER, _TEXT, _COUNT = "number", "text", "count"


def write(report: CostReport, path: Path, *, title: str = "") -> Path:
    """Renders the workbook into `path`, replacing it in one step; returns the path. See `render` for errors."""
    write_atomic(path, render(report, title=title))
    return path


def render(report: CostReport, *, title: str = "") -> bytes:
    """The workbook's bytes. Raises NotSupportedError naming the extra when XlsxWriter is not installed."""
    try:
        import xlsxwriter
    except ModuleNotFoundError as error:
        message = "the workbook needs XlsxWriter; install the extra: twain[money]"
        raise NotSupportedError(message) from error
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(out, options)
    data = report.as_json()
    _summary(book, data, title or "Cost report")
    for name, rows, cells in _sheets(data):
        _sheet(book, name, rows, cells)
    book.close()
    return out.getvalue()


def _at(*keys: str) -> Callable[[Row], Any]:
    def read(row: Row) -> Any:
        found: Any = row
        for key in keys:
            found = None if found is None else found[key]
        return found

    return read


def _text(*keys: str, title: str = "") -> Cell:
    return (title or keys[-1], _at(*keys), _TEXT)


def _count(key: str) -> Cell:
    return (key, _at(key), _COUNT)


def _amount(title: str, *keys: str) -> list[Cell]:
    return [(title, _at(*keys), _NUMBER), (f"{title}, exact", _at(*keys), _TEXT)]


def _sheets(data: Row) -> list[tuple[str, list[Row], Sequence[Cell]]]:
    currency = data["reporting"]["currency"]
    place = [_text("world"), _text("provider"), _text("region"), _text("cell")]
    rate = [
        _text("reporting", "rate", "rate", title="rate"),
        _text("reporting", "rate", "base", title="rate base"),
        _text("reporting", "rate", "quote", title="rate quote"),
        _text("reporting", "rate", "date", title="rate date"),
        _text("reporting", "rate", "kind", title="rate kind"),
        _text("reporting", "rate", "source", title="rate source"),
    ]
    items: list[Cell] = [
        *place, _text("maison"), _text("month"), _text("currency"), *_amount("billed", "billed"),
        *_amount("effective", "effective"), *_amount(f"billed {currency}", "reporting", "billed"), *rate,
        _text("status"), _count("resources"), _count("unpriced"), _text("source", title="read from"),
    ]  # fmt: skip
    services: list[Cell] = [
        *place, _text("category"), _text("service"), _text("sku"), _text("priceBasis", title="price basis"),
        *_amount("quantity", "quantity"), _text("unit"), _text("currency"), *_amount("billed", "billed"),
        *_amount(f"billed {currency}", "reportingBilled"),
    ]  # fmt: skip
    unpriced: list[Cell] = [*place, _text("resourceType", title="what"), _text("service"), _count("resources")]
    rates: list[Cell] = [
        _text("base"), _text("quote"), _text("rate"), _text("date"), _text("kind"), _count("ageDays"), _text("source"),
    ]  # fmt: skip
    tie_out: list[Cell] = [
        _text("world"), _text("provider"), _text("month"), _text("currency"), *_amount("invoice", "invoice"),
        *_amount("billed", "billed"), *_amount("difference", "difference"), _text("verdict"),
        _text("status", title="invoice status"),
    ]  # fmt: skip
    totals: list[Cell] = [_text("currency"), *_amount("billed", "billed"), _count("files")]
    files: list[Cell] = [
        _text("world"), _text("provider"), _text("file"), _count("rows"), _text("sha256"), _text("ingested"),
    ]  # fmt: skip
    return [
        ("Cost", data["items"], items),
        ("Exact totals", data["totals"], totals),
        ("Services", data["services"], services),
        ("Without a price", data["unpriced"], unpriced),
        ("Exchange rates", data["rates"], rates),
        ("Tie-out", data["tieOut"], tie_out),
        ("Bill files", data["sources"], files),
    ]


def _summary(book: Any, data: Row, title: str) -> None:
    sheet = book.add_worksheet("Summary")
    strong = book.add_format({"bold": True, "font_size": 14})
    whole = data["reporting"]
    lines = [
        ("Month", data["month"]),
        (f"In {whole['currency']}", whole["billed"] if whole["billed"] is not None else "no rate"),
        ("Complete", "yes" if whole["complete"] else "no"),
        ("Without a price", f"{whole['unpriced']} resources, in no figure"),
        *((f"Not converted, {row['currency']}", row["billed"]) for row in whole["unconverted"]),
        *(("World not asked", world) for world in whole["absentWorlds"]),
        ("Rates from", data["ratesFrom"]),
        ("Made", data["generated"]),
    ]
    sheet.write_string(0, 0, title, strong)
    for number, (name, value) in enumerate(lines, start=2):
        sheet.write_string(number, 0, name)
        sheet.write_string(number, 1, str(value))
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 40)


def _sheet(book: Any, name: str, rows: list[Row], cells: Sequence[Cell]) -> None:
    sheet = book.add_worksheet(name)
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    number = book.add_format({"num_format": "#,##0.00"})
    for column, (title, _, kind) in enumerate(cells):
        sheet.write_string(0, column, title, head)
        sheet.set_column(column, column, 12 if kind != _TEXT else 16)
    for line, row in enumerate(rows, start=1):
        for column, (_, read, kind) in enumerate(cells):
            value = read(row)
            if value is None:
                continue  # an empty cell: not known is not zero
            if kind == _NUMBER:
                sheet.write_number(line, column, float(Decimal(value)), number)
            elif kind == _COUNT:
                sheet.write_number(line, column, value)
            else:
                sheet.write_string(line, column, str(value))
    sheet.freeze_panes(1, 0)
    if rows:
        sheet.autofilter(0, 0, len(rows), len(cells) - 1)
