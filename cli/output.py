"""One envelope, seven formats. The machine formats are the contract; a table is a view of the same items."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cli import errors, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from cli.console import Console
    from cli.reading import Format

API_VERSION = "twain/v1"
Row = dict[str, Any]

# Cells that begin with these are formulas to a spreadsheet (CWE-1236).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table: `key` is a dotted path into the item, or a function of it.

    `missing` stands where the item has no value: "-" for what does not apply, "unknown" for what could not be learnt.
    """

    title: str
    key: str | Callable[[Mapping[str, Any]], object]
    right: bool = False
    wide: bool = False
    show: Callable[[Any], str] | None = None
    missing: str = "-"
    tone: Callable[[Any], str | None] | None = None

    def value(self, item: Mapping[str, Any]) -> object:
        """The value of this column in an item, or None."""
        if callable(self.key):
            return self.key(item)
        found: object = item
        for part in self.key.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        return found

    def cell(self, item: Mapping[str, Any]) -> str:
        """What the table shows."""
        value = self.value(item)
        if value is None:
            return self.missing
        return text.clean(self.show(value) if self.show is not None else plain(value))


@dataclass(kw_only=True)
class Report:
    """What a verb found: items of one kind, and what it could not find.

    `extra` holds further keys of the envelope (`window`, `totals`). `footer` and `next` are for people only.
    """

    kind: str
    items: list[Row]
    columns: Sequence[Column] = ()
    errors: list[errors.ErrorRow] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    footer: list[str] = field(default_factory=list)
    next: str | None = None
    partial: bool | None = None
    empty: str = "nothing found"

    @property
    def is_partial(self) -> bool:
        """Whether something could not be learnt."""
        if self.partial is not None:
            return self.partial
        return any(error.code in {errors.PARTIAL, errors.UNKNOWN} for error in self.errors)

    @property
    def code(self) -> int:
        """The exit code that the errors and `partial` call for."""
        codes = [error.code for error in self.errors]
        return errors.worst([*codes, errors.PARTIAL] if self.is_partial else codes)

    def envelope(self) -> Row:
        """The JSON envelope: `{apiVersion, kind, partial, errors, items, …extra}`."""
        return {
            "apiVersion": API_VERSION,
            "kind": self.kind,
            "partial": self.is_partial,
            "errors": [error.as_json() for error in self.errors],
            "items": self.items,
            **self.extra,
        }


def plain(value: object) -> str:
    """A value as a table shows it when its column says nothing else."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ",".join(f"{key}={plain(part)}" for key, part in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ",".join(plain(part) for part in value) or "-"
    return str(value)


def to_json(value: object, *, indent: int | None = 2) -> str:
    """Strict JSON (no NaN), readable Chinese, no raw invisible characters."""
    return text.escape_invisible(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent, default=str))


def to_yaml(value: object) -> str:
    """YAML in the order of the keys."""
    import yaml

    readable = yaml.safe_dump(value, allow_unicode=True, sort_keys=False)
    return yaml.safe_dump(value, allow_unicode=False, sort_keys=False) if text.has_bidi(readable) else readable


def qualified(item: Mapping[str, Any]) -> str:
    """The name of an item as `-o name` prints it: world/cell/maison/name, as far as it has them.

    A thing that no cell has is placed by its region; what has no name of its own is told by its machine or its class.
    """
    own = next((item[key] for key in ("workload", "name", "machine", "class") if item.get(key)), None)
    parts = [item.get("world"), item.get("cell") or item.get("region"), item.get("maison"), own]
    return text.clean("/".join(str(part) for part in parts if part))


def flat(item: Mapping[str, Any], prefix: str = "") -> dict[str, object]:
    """The item with nested keys joined by dots; lists become one cell joined by semicolons."""
    row: dict[str, object] = {}
    for key, value in item.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            row.update(flat(value, f"{name}."))
        elif isinstance(value, list | tuple):
            row[name] = ";".join(plain(part) for part in value)
        else:
            row[name] = value
    return row


def to_csv(items: Iterable[Mapping[str, Any]]) -> str:
    """CSV with a header; text that a spreadsheet would run as a formula is quoted with an apostrophe."""
    rows = [flat(item) for item in items]
    names = list(dict.fromkeys(name for row in rows for name in row))
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_csv_cell(row.get(name)) for name in names] for row in rows)
    return stream.getvalue()


def _csv_cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return value
    cell = text.clean(value)
    return f"'{cell}" if value.startswith(_FORMULA) and not _is_number(value) else cell


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def table(
    items: Sequence[Mapping[str, Any]], columns: Sequence[Column], *, console: Console, wide: bool = False
) -> list[str]:
    """The lines of a table: never cut, two spaces between columns, aligned by drawn width."""
    shown = [column for column in columns if wide or not column.wide]
    cells = [[column.cell(item) for column in shown] for item in items]
    titles = [column.title for column in shown]
    widths = [max(text.width(row[index]) for row in [titles, *cells]) for index in range(len(shown))]
    lines = [_line(titles, shown, widths)]
    for item, row in zip(items, cells, strict=True):
        tones = [column.tone(column.value(item)) if column.tone else None for column in shown]
        padded = [text.pad(cell, widths[i], right=shown[i].right) for i, cell in enumerate(row)]
        padded[-1] = padded[-1].rstrip()
        lines.append("  ".join(console.tone(cell, tones[i]) for i, cell in enumerate(padded)).rstrip())
    lines[0] = console.tone(lines[0], "strong")
    return lines


def _line(cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    return "  ".join(text.pad(cell, widths[i], right=columns[i].right) for i, cell in enumerate(cells)).rstrip()


def render(report: Report, fmt: Format, *, console: Console) -> str:
    """The report in a format, as it goes to stdout."""
    if fmt == "json":
        return to_json(report.envelope())
    if fmt == "yaml":
        return to_yaml(json.loads(to_json(report.envelope(), indent=None)))
    if fmt == "jsonl":
        return "\n".join(to_json(item, indent=None) for item in report.items)
    if fmt == "csv":
        return to_csv(report.items)
    if fmt == "name":
        return "\n".join(qualified(item) for item in report.items)
    if not report.items:
        return ""
    return "\n".join([*table(report.items, report.columns, console=console, wide=fmt == "wide"), *report.footer])


def emit(report: Report, fmt: Format, *, console: Console) -> None:
    """Write the report: data to stdout, its errors and the next command to stderr."""
    body = render(report, fmt, console=console)
    if body:
        console.data(body)
    elif report.empty and fmt in {"table", "wide"}:
        console.note(report.empty)
    for error in report.errors:
        place = error.cell or error.world
        console.note(f"{'note' if error.code == errors.PARTIAL else 'error'} {error.id}: {error.message}")
        if place:
            console.note(f"  where  {place}")
        if error.fix:
            console.note(f"  fix    {error.fix}")
    if report.next and fmt in {"table", "wide"} and report.code in {errors.OK, errors.PARTIAL}:
        console.note(f"next: {report.next}")
