"""Bill files made by hand, with no help from the rehearsal's own writers."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from components.money.focus import columns_of
from components.money.lake import Lake

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def charge(**changes: str) -> dict[str, str]:
    """One valid row of a FOCUS 1.0 file, as texts."""
    row = dict.fromkeys((column.name for column in columns_of("1.0")), "")
    row |= {
        "BilledCost": "1.25",
        "EffectiveCost": "1.25",
        "ListCost": "1.25",
        "ContractedCost": "1.25",
        "BillingAccountId": "acc-1",
        "BillingCurrency": "CNY",
        "BillingPeriodStart": "2026-10-31T16:00:00Z",
        "BillingPeriodEnd": "2026-11-30T16:00:00Z",
        "ChargePeriodStart": "2026-11-20T06:00:00Z",
        "ChargePeriodEnd": "2026-11-20T07:00:00Z",
        "ChargeCategory": "Usage",
        "InvoiceIssuerName": "Alibaba Cloud",
        "ProviderName": "Alibaba Cloud",
        "PublisherName": "Alibaba Cloud",
        "RegionId": "cn-shanghai",
        "ResourceId": "i-1",
        "ResourceType": "Instance",
        "ServiceCategory": "Compute",
        "ServiceName": "ECS",
        "Tags": '{"twain-cell":"cn-sha-1"}',
    }
    return row | changes


def csv_text(*rows: dict[str, str]) -> str:
    """A CSV file of these rows; a key that no FOCUS column has becomes a column behind them."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


class Bench:
    """A folder of bills and a lake."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lake = Lake(folder / "lake")

    def file(self, name: str, *rows: dict[str, str]) -> Path:
        path = self.folder / name
        path.write_text(csv_text(*rows), encoding="utf-8")
        return path

    def query(self, sql: str, period: str | None = None) -> list[tuple[Any, ...]]:
        connection = self.lake.connect(period)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def row() -> Any:
    return charge


@pytest.fixture
def now() -> datetime:
    return NOW
