"""What a month's cost report over a million rows costs beside the queries that it cannot do without.

    python bench/report.py [--rows 1000000] [--rounds 7]

A bill of that many rows is written and ingested once. Then in turn: the report; its own three queries alone on the same
lake (what remains is our overhead); the one query that the report's sums need, region by month (what the extra answers
cost: services, unpriced resources, distinct counts); and `csv` with `Decimal`, from a file with the three columns that
it needs and no other. The sums must be equal.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import harness
from components.money import fx, ingest, report, rows
from components.money.focus import DUCKDB_TYPES, columns_of
from components.money.lake import Lake

MONTH = "2026-10"
NOW = datetime(2026, 11, 20, tzinfo=UTC)
REGIONS = "['europe-west4', 'europe-west1', 'us-central1', 'asia-southeast1']"
# Column -> an expression of the row's number `n`.
VALUES = {
    **dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), "(n % 9973) / 1000"),
    **dict.fromkeys(("PricingQuantity", "ConsumedQuantity"), "n % 24"),
    "BillingPeriodStart": f"TIMESTAMP '{MONTH}-01 00:00:00'",
    "BillingPeriodEnd": "TIMESTAMP '2026-11-01 00:00:00'",
    "ChargePeriodStart": f"TIMESTAMP '{MONTH}-01 00:00:00' + to_hours(n % 743)",
    "ChargePeriodEnd": f"TIMESTAMP '{MONTH}-01 01:00:00' + to_hours(n % 743)",
    "BillingAccountId": "'account'",
    "BillingCurrency": "'USD'",
    "ChargeCategory": "'Usage'",
    **dict.fromkeys(("InvoiceIssuerName", "ProviderName", "PublisherName"), "'Google Cloud'"),
    "ServiceCategory": "'Compute'",
    "ServiceName": "'Service ' || n % 20",
    "SkuId": "'sku-' || n % 200",
    "ConsumedUnit": "'h'",
    "PricingUnit": "'h'",
    "RegionId": f"{REGIONS}[1 + n % 4]",
    "ResourceId": "'resource-' || n % 20000",
    "ResourceType": "'Instance'",
    "Tags": """'{"twain-cell":"cell-' || n % 40 || '","twain-maison":"maison-' || n % 75 || '"}'""",
}
REGION_BY_MONTH = (
    'SELECT "RegionId", billing_period, "BillingCurrency", sum("BilledCost") FROM charges GROUP BY ALL ORDER BY ALL'
)


def bill(path: Path, count: int) -> None:
    """A FOCUS 1.0 export with so many rows."""
    columns = ", ".join(
        f'CAST({VALUES.get(column.name, "NULL")} AS {DUCKDB_TYPES[column.kind]}) AS "{column.name}"'
        for column in columns_of("1.0")
    )
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT {columns} FROM range({count}) t(n)) TO '{path}' (FORMAT parquet)")
        narrow = f"SELECT {VALUES['RegionId']}, '{MONTH}', CAST({VALUES['BilledCost']} AS DECIMAL(38, 18))"
        connection.execute(f"COPY ({narrow} FROM range({count}) t(n)) TO '{path}.csv' (HEADER false)")


def by_report(lake: Lake) -> Decimal:
    """The report as `twain cost report` builds it."""
    found = report.build(lake=lake, month=MONTH, currency="USD", rates=fx.load(), now=NOW)
    return sum((item.billed.amount for item in found.items), Decimal(0))


def by_its_queries(lake: Lake) -> Decimal:
    """Its three queries on the same view, and nothing else."""
    manifest = lake.manifest()
    connection = lake.connect(MONTH)
    try:
        items = rows.items_of(connection, manifest, MONTH)
        rows.unpriced_of(connection)
        rows.services_of(connection)
    finally:
        connection.close()
    return sum((item.billed.amount for item in items), Decimal(0))


def by_one_query(lake: Lake) -> Decimal:
    """Region by month, raw."""
    connection = lake.connect(MONTH)
    try:
        return sum((row[-1] for row in connection.execute(REGION_BY_MONTH).fetchall()), Decimal(0))
    finally:
        connection.close()


def by_hand(path: Path) -> Decimal:
    """The standard library, from text."""
    sums: dict[tuple[str, str], Decimal] = {}
    with path.open(newline="") as stream:
        for region, month, billed in csv.reader(stream):
            sums[region, month] = sums.get((region, month), Decimal(0)) + Decimal(billed)
    return sum(sums.values(), Decimal(0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    on = harness.machine()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path, lake = folder / "bill.parquet", Lake(folder / "lake")
        bill(path, asked.rows)
        began = time.perf_counter()
        ingest.ingest(lake, [path], world="row", now=NOW)
        ingested = time.perf_counter() - began
        ways: dict[str, Any] = {
            "twain cost report": lambda: by_report(lake),
            "its three queries": lambda: by_its_queries(lake),
            "region by month, raw": lambda: by_one_query(lake),
            "csv and Decimal": lambda: by_hand(Path(f"{path}.csv")),
        }
        if len({way() for way in ways.values()}) != 1:
            raise SystemExit("the sums differ: no figure counts")

        def timed(way: Any) -> float:
            started = time.perf_counter()
            way()
            return time.perf_counter() - started

        taken = harness.interleaved({key: lambda way=way: timed(way) for key, way in ways.items()}, rounds=asked.rounds)
    print(harness.heading(on))
    print(f"{asked.rows} rows; ingested once in {ingested:.1f} s")
    figures = harness.against(taken, "twain cost report")
    line = {"rows": asked.rows, "ingestSeconds": round(ingested, 2), **figures}
    harness.append("report", line, on=on)


if __name__ == "__main__":
    main()
