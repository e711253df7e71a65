"""The workbook: exact figures as texts, no formula out of a bill, an empty cell for what is not known."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from components.money import fx
from components.money.report import build
from dashboards import report_xlsx

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def sheets(cell: str) -> dict[str, list[list[Any]]]:
    """The workbook of one gate row, sheet by sheet, read from its XML."""
    row = {
        "world": "cn", "provider": "alicloud", "region": "cn-shanghai", "cell": cell, "maison": None,
        "currency": "CNY", "month": "2026-11", "billed": "12345678901234567.0118388901", "effective": None,
        "status": "provisional", "unpriced": 2,
    }  # fmt: skip
    report = build(lake=None, month="2026-11", currency="EUR", rates=fx.load(), now=NOW, gate_rows=[row])
    book = zipfile.ZipFile(io.BytesIO(report_xlsx.render(report)))
    texts = [
        "".join(t.text or "" for t in si.iter(f"{NS}t")) for si in ET.fromstring(book.read("xl/sharedStrings.xml"))
    ]
    names = re.findall(r'<sheet name="([^"]+)"', book.read("xl/workbook.xml").decode())
    found: dict[str, list[list[Any]]] = {}
    for number, name in enumerate(names, start=1):
        raw = book.read(f"xl/worksheets/sheet{number}.xml")
        assert b"<f>" not in raw
        assert b"<hyperlink" not in raw
        found[name] = [
            [
                texts[int(c.findtext(f"{NS}v") or 0)] if c.get("t") == "s" else float(c.findtext(f"{NS}v") or "nan")
                for c in line
            ]
            for line in ET.fromstring(raw).iter(f"{NS}row")
        ]
    return found


def test_every_amount_stands_as_the_exact_text_beside_its_number() -> None:
    head, row = sheets("cn-sha-1")["Cost"]
    assert "12345678901234567.0118388901" in row
    assert "billed, exact" in head
    assert any(isinstance(value, float) and value == pytest.approx(12345678901234567.0) for value in row)


def test_a_text_that_looks_like_a_formula_stays_text() -> None:
    assert "=1+1" in sheets("=1+1")["Cost"][1]
    assert "https://example.org" in sheets("https://example.org")["Cost"][1]


def test_what_is_not_known_is_an_empty_cell_and_not_zero() -> None:
    head, row = sheets("c")["Cost"]
    # maison, effective (twice) and resources are not known: four cells fewer than columns.
    assert len(head) - len(row) == 4
    assert 0.0 not in row


def test_the_sheets_are_the_tables_of_the_page() -> None:
    assert list(sheets("c")) == [
        "Summary", "Cost", "Exact totals", "Services", "Without a price", "Exchange rates", "Tie-out", "Bill files",
    ]  # fmt: skip
