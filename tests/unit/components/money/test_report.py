"""The report: nothing dropped, nothing added across currencies, every gap said."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.money import fx
from components.money.ingest import ingest
from components.money.money import exact_sum
from components.money.report import build, contract_rows
from components.money.rows import GateRowError, item_from_gate
from components.telemetry import contract

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HEAD = ",".join(fx.COLUMNS)
EUR_CNY = fx.parse(f"{HEAD}\n2026-10-30,EUR,CNY,8.29,daily,bank,\n", origin="t")
UNPRICED = {"BilledCost": "", "EffectiveCost": "", "ListCost": "", "ContractedCost": "", "x_IsUnpriced": "true"}


def gate_row(**changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "kind": "cost", "world": "cn", "provider": "alicloud", "region": "cn-shanghai", "cell": "cn-sha-1",
        "maison": "shared", "currency": "CNY", "month": "2026-11", "billed": "829.00", "effective": "829.00",
        "status": "provisional", "unpriced": 2,
    }  # fmt: skip
    return row | changes


def test_totals_equal_the_sums_of_the_bill_files_to_the_last_digit(bench: Any, row: Any) -> None:
    rows = [row(ResourceId=f"i-{n}", BilledCost=f"0.{n:018d}", EffectiveCost="1") for n in range(1, 400)]
    paths = [bench.file("cn.csv", *rows), bench.file("az.csv", row(ProviderName="Microsoft", BillingCurrency="EUR"))]
    ingest(bench.lake, paths, world="row", now=NOW)
    wanted: dict[str, Decimal] = {}
    for path in paths:
        with path.open(newline="") as handle:
            for line in csv.DictReader(handle):
                wanted.setdefault(line["BillingCurrency"], Decimal(0))
                wanted[line["BillingCurrency"]] += Decimal(line["BilledCost"])
    found = build(lake=bench.lake, month="2026-11", currency="EUR", rates=EUR_CNY, now=NOW).totals()
    assert {t["currency"]: Decimal(t["billed"]) for t in found} == wanted
    assert [t["files"] for t in found] == [1, 1]


def test_every_item_says_world_cell_currency_status_rate_and_coverage(bench: Any, row: Any) -> None:
    ingest(
        bench.lake, [bench.file("a.csv", row(x_IsUnpriced=""), row(ResourceId="i-2", **UNPRICED))], world="cn", now=NOW
    )
    report = build(lake=bench.lake, month="2026-11", currency="EUR", rates=EUR_CNY, now=NOW).as_json()
    (item,) = report["items"]
    assert item["reporting"]["rate"] == {
        "base": "EUR", "quote": "CNY", "rate": "8.29", "date": "2026-10-30", "kind": "daily", "source": "bank",
        "ageDays": 21, "stale": False,
    }  # fmt: skip
    assert item["reporting"]["billed"] == "0.1507840772"
    del item["reporting"]
    assert item == {
        "world": "cn", "provider": "alicloud", "region": "cn-shanghai", "cell": "cn-sha-1", "maison": "shared",
        "currency": "CNY", "billed": "1.25", "effective": "1.25", "status": "provisional", "unpriced": 1,
        "resources": 2, "month": "2026-11", "source": "bills",
    }  # fmt: skip
    assert report["coverage"] == [{"world": "cn", "provider": "alicloud", "resources": 2, "priced": 1, "unpriced": 1}]
    assert [(u["resourceType"], u["resources"]) for u in report["unpriced"]] == [("Instance", 1)]
    assert report["reporting"]["complete"] is False


def test_where_nothing_has_a_price_the_amount_is_unknown_and_not_zero(bench: Any, row: Any) -> None:
    rows = [row(ResourceId=f"i-{n}", **UNPRICED) for n in (1, 2)]
    ingest(bench.lake, [bench.file("a.csv", *rows)], world="cn", now=NOW)
    found = build(lake=bench.lake, month="2026-11", currency="EUR", rates=EUR_CNY, now=NOW)
    report = found.as_json()
    (item,) = report["items"]
    assert (item["billed"], item["effective"], item["unpriced"], item["resources"]) == (None, None, 2, 2)
    assert item["reporting"]["billed"] is None
    assert report["reporting"]["complete"] is False
    through = item_from_gate(gate_row(billed="0.00", effective="0.00", unpriced=3, resources=3), month="2026-11")
    assert through.as_json(on=NOW.date())["billed"] is None


def test_a_missing_rate_leaves_the_row_as_it_was_billed_and_the_total_incomplete(bench: Any, row: Any) -> None:
    dollars = row(ProviderName="Google Cloud", BillingCurrency="USD", BilledCost="7")
    ingest(bench.lake, [bench.file("a.csv", row(), dollars)], world="row", now=NOW)
    report = build(lake=bench.lake, month="2026-11", currency="EUR", rates=EUR_CNY, now=NOW).as_json()
    assert [(i["currency"], i["reporting"] is None) for i in report["items"]] == [("CNY", False), ("USD", True)]
    assert report["reporting"]["unconverted"] == [{"currency": "USD", "billed": "7.00"}]
    assert report["reporting"]["complete"] is False
    assert report["reporting"]["billed"] == "0.1507840772"
    assert {t["currency"]: t["billed"] for t in report["totals"]} == {"CNY": "1.25", "USD": "7.00"}


def test_a_month_of_the_past_uses_the_rates_of_its_own_last_day() -> None:
    rates = fx.parse(f"{HEAD}\n2026-11-30,EUR,CNY,8,daily,b,\n2026-12-01,EUR,CNY,4,daily,b,\n", origin="t")
    later = datetime(2027, 2, 1, tzinfo=UTC)
    report = build(lake=None, month="2026-11", currency="EUR", rates=rates, now=later, gate_rows=[gate_row()])
    assert report.on == date(2026, 11, 30)
    assert [rate.rate for rate in report.rates] == [Decimal(8)]


def test_rows_of_another_world_stand_beside_our_own_and_say_less(bench: Any, row: Any) -> None:
    ingest(
        bench.lake, [bench.file("a.csv", row(ProviderName="Microsoft", BillingCurrency="EUR"))], world="row", now=NOW
    )
    report = build(
        lake=bench.lake, month="2026-11", currency="EUR", rates=EUR_CNY, now=NOW, gate_rows=[gate_row()]
    ).as_json()
    assert [(i["world"], i["source"], i["resources"]) for i in report["items"]] == [
        ("cn", "gate", None),
        ("row", "bills", 1),
    ]
    assert report["reporting"]["billed"] == "101.25"
    assert [t["files"] for t in report["totals"]] == [None, 1]
    assert [(u["world"], u["resourceType"], u["resources"]) for u in report["unpriced"]] == [("cn", None, 2)]
    assert {s["world"] for s in report["services"]} == {"row"}


def test_rows_of_another_month_are_not_in_the_report() -> None:
    rows = [gate_row(), gate_row(month="2026-10", billed="5")]
    report = build(lake=None, month="2026-11", currency="EUR", rates=EUR_CNY, now=NOW, gate_rows=rows)
    assert [t["billed"] for t in report.totals()] == ["829.00"]


@pytest.mark.parametrize("changes", [{"billed": "lots"}, {"billed": None}, {"currency": "yuan"}, {"unpriced": None}])
def test_a_malformed_gate_row_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(GateRowError):
        build(lake=None, month="2026-11", currency="EUR", rates=EUR_CNY, now=NOW, gate_rows=[gate_row(**changes)])


def test_an_absent_world_makes_the_report_incomplete() -> None:
    report = build(
        lake=None, month="2026-11", currency="CNY", rates=EUR_CNY, now=NOW, gate_rows=[gate_row(unpriced=0)],
        absent_worlds=["row"],
    )  # fmt: skip
    assert report.reporting()["complete"] is False
    assert report.reporting()["absentWorlds"] == ["row"]


def test_what_crosses_the_border_is_the_contract_s_rows_and_nothing_else(bench: Any, row: Any) -> None:
    ingest(bench.lake, [bench.file("a.csv", row(x_IsUnpriced=""), row(**UNPRICED))], world="cn", now=NOW)
    report = build(
        lake=bench.lake, month="2026-11", currency="EUR", rates=EUR_CNY, now=NOW, gate_rows=[gate_row(world="row")]
    )
    rows = contract_rows(report, world="cn")
    assert [r["world"] for r in rows] == ["cn"]
    filtered = contract.filter_rows(
        contract.load_contract(),
        "cost",
        [("cost", rows[0])],
        known={"cost": {("cn", rows[0]["cell"], rows[0]["maison"])}},
    )
    assert len(filtered.items) == 1
    assert {key.rsplit(".", 1)[-1] for key in filtered.dropped} <= {"resources"}
    again = build(lake=None, month="2026-11", currency="EUR", rates=EUR_CNY, now=NOW, gate_rows=filtered.items)
    assert again.totals()[0]["billed"] == "1.25"


def test_a_narrowed_report_claims_no_files_and_no_tie_out(bench: Any, row: Any) -> None:
    other = row(Tags='{"twain-cell":"cn-bei-1","twain-maison":"aurelia"}', BilledCost="2")
    ingest(bench.lake, [bench.file("a.csv", row(), other)], world="cn", now=NOW)
    report = build(lake=bench.lake, month="2026-11", currency="EUR", rates=EUR_CNY, now=NOW)
    part = report.only(lambda _world, cell, _maison: cell == "cn-bei-1")
    assert [(t["billed"], t["files"]) for t in part.totals()] == [("2.00", None)]
    assert part.as_json()["tieOut"] == []
    assert report.only(lambda _world, _cell, _maison: True) is report


AMOUNTS = st.decimals(min_value=-(10**9), max_value=10**9, allow_nan=False, allow_infinity=False, places=10)
ROWS = st.lists(
    st.tuples(AMOUNTS, st.sampled_from(["CNY", "EUR", "USD", "JPY"]), st.sampled_from(["a", "b", "c"])), max_size=25
)


@given(ROWS, st.sampled_from(["CNY", "EUR", "GBP"]))
def test_converting_never_drops_a_row_and_the_parts_are_the_total(
    rows: list[tuple[Decimal, str, str]], target: str
) -> None:
    given_rows = [gate_row(billed=str(amount), currency=currency, cell=cell) for amount, currency, cell in rows]
    report = build(lake=None, month="2026-11", currency=target, rates=EUR_CNY, now=NOW, gate_rows=given_rows)
    data = report.as_json()
    assert len(data["items"]) == len(rows)
    for total in data["totals"]:
        parts = [amount for amount, currency, _ in rows if currency == total["currency"]]
        assert Decimal(total["billed"]) == exact_sum(parts)
    converted = [Decimal(i["reporting"]["billed"]) for i in data["items"] if i["reporting"] is not None]
    left = [i["currency"] for i in data["items"] if i["reporting"] is None]
    assert Decimal(data["reporting"]["billed"] or 0) == exact_sum(converted)
    assert {row["currency"] for row in data["reporting"]["unconverted"]} == set(left)
    # Only pairs with a rate convert, and each converted figure carries its rate unless it was billed in the currency.
    for item in data["items"]:
        known = item["currency"] == target or {item["currency"], target} == {"CNY", "EUR"}
        assert (item["reporting"] is not None) == known
        if known:
            assert (item["reporting"]["rate"] is None) == (item["currency"] == target)
