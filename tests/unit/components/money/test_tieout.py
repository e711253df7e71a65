"""An invoice ties to its rows within its own rounding, or the difference is shown."""

from __future__ import annotations

from decimal import Decimal

import pytest

from components.money.lake import Entry, Invoice, Manifest
from components.money.tieout import tie_out


def entry(billed: str, **changes: str) -> Entry:
    facts = {"world": "row", "provider": "gcp", "account": "a", "period": "2026-11", "source": "f", "sha256": "0"}
    return Entry(parquet="p", rows=1, billed={"USD": billed}, ingested_at="2026-11-20T00:00:00Z", **(facts | changes))


def invoice(total: str) -> Invoice:
    return Invoice(
        world="row", provider="gcp", account="a", period="2026-11", currency="USD", total=total, status="final",
        source="i", sha256="1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("billed", "total", "verdict"),
    [
        ("10.0049", "10.00", "ties"),
        ("10.005", "10.01", "ties"),
        ("10.02", "10.00", "differs"),
        ("9.99", "10.00", "differs"),
    ],
)
def test_half_a_cent_is_rounding_and_more_is_a_difference(billed: str, total: str, verdict: str) -> None:
    (row,) = tie_out(Manifest(entries=(entry(billed),), invoices=(invoice(total),)), "2026-11")
    assert row.verdict == verdict
    assert row.difference == Decimal(total) - Decimal(billed)


def test_what_is_missing_is_said_and_has_no_difference() -> None:
    (bill,) = tie_out(Manifest(entries=(entry("1"),)), "2026-11")
    (asked,) = tie_out(Manifest(invoices=(invoice("1"),)), "2026-11")
    assert (bill.verdict, bill.difference, bill.as_json()["invoice"]) == ("no-invoice", None, None)
    assert (asked.verdict, asked.difference, asked.as_json()["billed"]) == ("no-bill", None, None)


def test_superseded_exports_and_other_months_do_not_count() -> None:
    old = entry("5", superseded_at="2026-11-21T00:00:00Z")
    other = entry("7", period="2026-10")
    (row,) = tie_out(Manifest(entries=(old, entry("1"), other), invoices=(invoice("1.00"),)), "2026-11")
    assert row.billed == 1
