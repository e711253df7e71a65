"""Bill files come in whole, once, and exactly; anything else is refused with file and row."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from components.money.errors import BillFileError, LakeError, LockedPeriodError
from components.money.focus import COLUMNS, LAKE_COLUMNS, columns_of
from components.money.ingest import bill_files, ingest
from components.money.lake import Lake, status_of

SHARED = Path(os.environ.get("TWAIN_SHARED_DATA", Path(__file__).parents[5] / "shared" / "data")) / "focus"
needs_samples = pytest.mark.skipif(not SHARED.is_dir(), reason="FOCUS samples made by others are not on this machine")
SUM = 'SELECT sum("BilledCost"), count(*) FROM charges'


def test_the_columns_are_those_of_the_specification() -> None:
    assert [len(columns_of(version)) for version in ("1.0", "1.1", "1.2")] == [43, 50, 57]
    assert len({column.name for column in LAKE_COLUMNS}) == len(LAKE_COLUMNS)
    assert all(c.name.startswith("x_") and len(c.name) <= 50 for c in LAKE_COLUMNS if c not in COLUMNS)


def test_a_file_comes_in_and_the_same_bytes_again_change_nothing(bench: Any, row: Any, now: datetime) -> None:
    path = bench.file("a.csv", row(), row(ResourceId="i-2", BilledCost="0.0000000001"))
    assert [o.action for o in ingest(bench.lake, [path], world="cn", now=now)] == ["added"]
    before = (bench.lake.root / "manifest.json").read_bytes()
    again = ingest(bench.lake, [path], world="cn", now=now + timedelta(hours=1))
    assert [o.action for o in again] == ["unchanged"]
    assert (bench.lake.root / "manifest.json").read_bytes() == before
    assert bench.query(SUM) == [(Decimal("1.250000000100000000"), 2)]


def test_a_newer_export_of_the_month_replaces_the_older_one(bench: Any, row: Any, now: datetime) -> None:
    ingest(bench.lake, [bench.file("a.csv", row())], world="cn", now=now)
    newer = ingest(bench.lake, [bench.file("b.csv", row(), row(ResourceId="i-2"))], world="cn", now=now)
    assert [o.action for o in newer] == ["replaced"]
    assert bench.query(SUM) == [(Decimal("2.5"), 2)]
    assert [bool(e.superseded_at) for e in bench.lake.manifest().entries] == [True, False]


def test_two_parts_of_one_export_add_up_also_when_one_is_known_already(bench: Any, row: Any, now: datetime) -> None:
    one, two = bench.file("1.csv", row()), bench.file("2.csv", row(ResourceId="i-2"))
    ingest(bench.lake, [one], world="cn", now=now)
    ingest(bench.lake, [one, two], world="cn", now=now)
    assert bench.query(SUM) == [(Decimal("2.5"), 2)]


def test_worlds_and_months_and_providers_are_kept_apart(bench: Any, row: Any, now: datetime) -> None:
    december = {"BillingPeriodStart": "2026-11-30T16:00:00Z", "BillingPeriodEnd": "2026-12-31T16:00:00Z"}
    mixed = bench.file("m.csv", row(), row(**december), row(ProviderName="Microsoft", BillingCurrency="EUR"))
    ingest(bench.lake, [mixed], world="cn", now=now)
    ingest(bench.lake, [mixed], world="row", now=now)
    keys = sorted(e.key for e in bench.lake.manifest().current())
    assert len(keys) == 6
    assert {(key[0], key[1], key[3]) for key in keys} == {
        (world, provider, period)
        for world in ("cn", "row")
        for provider, period in (("alicloud", "2026-11"), ("alicloud", "2026-12"), ("azure", "2026-11"))
    }
    assert bench.query("SELECT count(*) FROM charges", "2026-12") == [(2,)]


def test_a_month_that_begins_at_16_utc_belongs_to_the_month_that_its_provider_calls_it(
    bench: Any, row: Any, now: datetime
) -> None:
    ingest(bench.lake, [bench.file("a.csv", row())], world="cn", now=now)
    assert [e.period for e in bench.lake.manifest().entries] == ["2026-11"]
    assert (bench.lake.root / "billing_period=2026-11" / "provider=alicloud").is_dir()


def test_no_column_of_the_lake_is_a_float(bench: Any, row: Any, now: datetime) -> None:
    ingest(bench.lake, [bench.file("a.csv", row())], world="cn", now=now)
    for entry in bench.lake.manifest().entries:
        schema = parquet.read_schema(bench.lake.root / entry.parquet)
        assert [f.name for f in schema if pa.types.is_floating(f.type)] == []
        assert schema.field("BilledCost").type == pa.decimal128(38, 18)
        assert schema.names == [column.name for column in LAKE_COLUMNS]


def test_what_the_provider_exports_beyond_focus_is_kept(bench: Any, row: Any, now: datetime) -> None:
    ingest(bench.lake, [bench.file("a.csv", row(x_CommodityCode="ecs"))], world="cn", now=now)
    found = bench.query('SELECT "x_Native", "x_Cell", "x_Maison", "x_SourceRow", "x_SourceSpecVersion" FROM charges')
    assert found == [('{"x_CommodityCode":"ecs"}', "cn-sha-1", "shared", 1, "1.0")]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"BilledCost": "$10,000.00 "}, "BilledCost is not a plain decimal number (found '$10,000.00 ')"),
        ({"BilledCost": "1,5"}, "BilledCost is not a plain decimal number"),
        ({"BilledCost": "0.0000000000000000001"}, "BilledCost has over 18 decimals"),
        ({"BilledCost": "1E-19"}, "BilledCost has over 18 decimals"),
        ({"BilledCost": ""}, "BilledCost is empty, and the row is not marked unpriced"),
        ({"EffectiveCost": "NULL"}, "EffectiveCost is empty"),
        ({"x_IsUnpriced": "true"}, "is set on a row that is marked unpriced"),
        ({"BillingCurrency": "cny"}, "BillingCurrency is not an ISO 4217 code"),
        ({"BillingCurrency": ""}, "BillingCurrency is empty"),
        ({"ChargeCategory": "Gift"}, "ChargeCategory is not a FOCUS charge category"),
        ({"ChargePeriodStart": "11/20/26"}, "ChargePeriodStart is not a UTC date-time (found '11/20/26')"),
        ({"ChargePeriodEnd": "2026-11-19T00:00:00Z"}, "ChargePeriodEnd lies before ChargePeriodStart"),
        ({"Tags": "{broken"}, "Tags is not JSON"),
    ],
)
def test_one_bad_value_refuses_the_whole_file_naming_file_and_row(
    bench: Any, row: Any, now: datetime, changes: dict[str, str], word: str
) -> None:
    flag = {} if "x_IsUnpriced" not in changes else {"x_IsUnpriced": ""}
    path = bench.file("bad.csv", row(**flag), row(**changes), row(**flag))
    with pytest.raises(BillFileError) as caught:
        ingest(bench.lake, [path], world="cn", now=now)
    assert word in str(caught.value)
    assert f"{path}, row 2" in str(caught.value)
    assert caught.value.row == 2
    assert bench.lake.manifest().entries == ()
    assert list(bench.lake.root.rglob("*.parquet")) == []


def test_numbers_with_an_exponent_are_read_exactly(bench: Any, row: Any, now: datetime) -> None:
    ingest(bench.lake, [bench.file("a.csv", row(BilledCost="8E-7"))], world="cn", now=now)
    assert bench.query(SUM) == [(Decimal("0.0000008"), 1)]


@pytest.mark.parametrize("cut", [1, 5, 40, 400])
def test_a_csv_that_is_cut_short_is_refused(bench: Any, row: Any, now: datetime, cut: int) -> None:
    path = bench.file("a.csv", row(), row(ResourceId="i-2"), row(ResourceId="i-3"))
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(BillFileError, match=r"a\.csv") as caught:
        ingest(bench.lake, [path], world="cn", now=now)
    assert caught.value.row is not None


def test_a_row_with_too_few_fields_is_named(bench: Any, row: Any, now: datetime) -> None:
    path = bench.file("a.csv", row(), row(ResourceId="i-2"))
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:2], "only,three,fields", *lines[2:]]) + "\n")
    with pytest.raises(BillFileError) as caught:
        ingest(bench.lake, [path], world="cn", now=now)
    assert caught.value.row == 2


def test_an_empty_file_and_a_file_without_rows_are_refused(bench: Any, row: Any, now: datetime) -> None:
    empty = bench.folder / "e.csv"
    empty.write_bytes(b"")
    header = bench.folder / "h.csv"
    header.write_text(bench.file("a.csv", row()).read_text().splitlines()[0] + "\n")
    for path in (empty, header):
        with pytest.raises(BillFileError):
            ingest(bench.lake, [path], world="cn", now=now)


def test_a_parquet_file_that_is_cut_short_is_refused(bench: Any, row: Any, now: datetime) -> None:
    path = bench.folder / "a.parquet"
    parquet.write_table(pa.table({name: [value or None] for name, value in row().items()}), path)
    whole = path.read_bytes()
    for size in (0, 3, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(BillFileError, match=r"a\.parquet"):
            ingest(bench.lake, [path], world="cn", now=now)
    path.write_bytes(whole)
    assert [o.action for o in ingest(bench.lake, [path], world="cn", now=now)] == ["added"]


def test_a_float_column_is_refused(bench: Any, row: Any, now: datetime) -> None:
    path = bench.folder / "a.parquet"
    table = {name: [value or None] for name, value in row().items()} | {"BilledCost": [0.1]}
    parquet.write_table(pa.table(table), path)
    with pytest.raises(BillFileError, match="BilledCost holds floats"):
        ingest(bench.lake, [path], world="cn", now=now)


def test_missing_mandatory_columns_are_all_named(bench: Any, row: Any, now: datetime) -> None:
    path = bench.file("a.csv", {k: v for k, v in row().items() if k not in {"BillingCurrency", "ServiceCategory"}})
    with pytest.raises(BillFileError, match="BillingCurrency, ServiceCategory"):
        ingest(bench.lake, [path], world="cn", now=now)


def test_one_bad_file_leaves_the_lake_as_it_was(bench: Any, row: Any, now: datetime) -> None:
    ingest(bench.lake, [bench.file("a.csv", row())], world="cn", now=now)
    before = bench.lake.manifest()
    good, bad = bench.file("b.csv", row(), row()), bench.file("c.csv", row(BilledCost="x"))
    with pytest.raises(BillFileError):
        ingest(bench.lake, [good, bad], world="cn", now=now)
    assert bench.lake.manifest() == before
    assert bench.query(SUM) == [(Decimal("1.25"), 1)]
    assert not list(bench.lake.root.rglob("*.tmp"))


def test_an_unpriced_row_is_neither_zero_nor_lost(bench: Any, row: Any, now: datetime) -> None:
    free = {"BilledCost": "", "EffectiveCost": "", "ListCost": "", "ContractedCost": "", "x_IsUnpriced": "true"}
    ingest(bench.lake, [bench.file("a.csv", row(x_IsUnpriced="false"), row(**free))], world="cn", now=now)
    assert bench.query('SELECT "BilledCost", "x_IsUnpriced" FROM charges ORDER BY "x_SourceRow"') == [
        (Decimal("1.25"), False),
        (None, True),
    ]


def test_a_closed_month_does_not_change(bench: Any, row: Any, now: datetime) -> None:
    path = bench.file("a.csv", row())
    ingest(bench.lake, [path], world="cn", now=now)
    bench.lake.lock_period("2026-11", by="finance", now=now)
    assert [o.action for o in ingest(bench.lake, [path], world="cn", now=now)] == ["unchanged"]
    with pytest.raises(LockedPeriodError, match="closed by finance"):
        ingest(bench.lake, [bench.file("b.csv", row(), row())], world="cn", now=now)
    assert status_of(bench.lake.manifest(), world="cn", provider="alicloud", period="2026-11") == "locked"
    with pytest.raises(LakeError, match="no bills"):
        bench.lake.lock_period("2026-10", by="finance", now=now)


def test_a_correction_comes_in_with_a_later_month(bench: Any, row: Any, now: datetime) -> None:
    ingest(bench.lake, [bench.file("a.csv", row())], world="cn", now=now)
    bench.lake.lock_period("2026-11", by="finance", now=now)
    december = {"BillingPeriodStart": "2026-11-30T16:00:00Z", "BillingPeriodEnd": "2026-12-31T16:00:00Z"}
    fix = row(ChargeClass="Correction", BilledCost="-0.25", EffectiveCost="-0.25", **december)
    ingest(bench.lake, [bench.file("d.csv", fix)], world="cn", now=now)
    assert bench.query(SUM, "2026-11") == [(Decimal("1.25"), 1)]
    assert bench.query(SUM, "2026-12") == [(Decimal("-0.25"), 1)]


def test_an_export_taken_before_the_provider_s_last_change_stays_provisional(bench: Any, row: Any) -> None:
    border = datetime(2026, 12, 4, 4, 0, tzinfo=UTC)  # 12:00 UTC+8 on day 4
    path = bench.file("a.csv", row())
    ingest(bench.lake, [path], world="cn", now=border - timedelta(seconds=1))
    facts = {"world": "cn", "provider": "alicloud", "period": "2026-11"}
    assert status_of(bench.lake.manifest(), **facts) == "provisional"
    later = Lake(bench.folder / "other")
    ingest(later, [path], world="cn", now=border)
    assert status_of(later.manifest(), **facts) == "final"


def test_a_lake_file_that_is_gone_is_named_not_left_out(bench: Any, row: Any, now: datetime) -> None:
    ingest(bench.lake, [bench.file("a.csv", row())], world="cn", now=now)
    lost = bench.lake.root / bench.lake.manifest().entries[0].parquet
    lost.unlink()
    with pytest.raises(LakeError, match=lost.name):
        bench.lake.connect()


def test_invoice_totals_come_in_and_a_broken_one_is_refused(bench: Any, now: datetime) -> None:
    path = bench.folder / "x.invoice.json"
    body = {
        "provider": "gcp",
        "billingAccountId": "a",
        "period": "2026-11",
        "currency": "USD",
        "total": "1.10",
        "status": "final",
    }
    path.write_text(json.dumps(body))
    assert [o.action for o in ingest(bench.lake, [path], world="row", now=now)] == ["added"]
    assert [o.action for o in ingest(bench.lake, [path], world="row", now=now)] == ["unchanged"]
    assert [i.total for i in bench.lake.manifest().invoices] == ["1.10"]
    path.write_text(json.dumps(body | {"total": 1.1}))
    with pytest.raises(BillFileError, match="total must be a text"):
        ingest(bench.lake, [path], world="row", now=now)


def test_hidden_and_foreign_files_are_no_bills(bench: Any, row: Any) -> None:
    bench.file("b.csv", row())
    for name in (".b.csv.tmp", ".hidden.csv", "notes.txt"):
        (bench.folder / name).write_text("x")
    assert [path.name for path in bill_files(bench.folder)] == ["b.csv"]
    assert bill_files(bench.folder / "absent") == []


@needs_samples
def test_the_official_1_0_sample_comes_in_to_the_last_digit(bench: Any, now: datetime) -> None:
    import csv

    path = SHARED / "focus_sample-1.0-1000.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        wanted = sum(Decimal(line["BilledCost"]) for line in csv.DictReader(handle))
    ingest(bench.lake, [path], world="row", now=now)
    assert bench.query(SUM) == [(wanted, 1000)]
    assert {p for (p,) in bench.query('SELECT DISTINCT "x_Provider" FROM charges')} >= {"aws", "azure"}


@needs_samples
def test_the_specification_s_scenario_files_are_refused_with_what_they_lack(bench: Any, now: datetime) -> None:
    paths = sorted((SHARED / "spec-1.2").glob("*.csv"))
    assert paths
    for path in paths:
        with pytest.raises(BillFileError, match=r"lacks the mandatory|is not a plain decimal|cut short"):
            ingest(bench.lake, [path], world="row", now=now)
