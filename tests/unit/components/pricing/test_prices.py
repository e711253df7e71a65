"""The shipped price list keeps its rules, and a wrong list is refused with every fault."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal

import pytest

from components.money import fx
from components.pricing import catalog
from components.pricing.model import PriceDataError, faults_of, outliers

SHIPPED = catalog.load()


def text_of(rows: list[dict[str, str]]) -> bytes:
    lines = [",".join(catalog.COLUMNS), *(",".join(row[c] for c in catalog.COLUMNS) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


def a_row(**changes: str) -> dict[str, str]:
    row = {
        "cloud": "gcp", "region": "europe-west4", "sku": "n1", "gpu": "", "gpu_count": "0", "price_kind": "ondemand",
        "unit": "hour", "price": "1.5", "currency": "USD", "as_of": "2026-08-20", "basis": "sourced", "source": "s",
        "note": "",
    }  # fmt: skip
    return row | changes


def test_the_shipped_list_has_no_fault() -> None:
    assert faults_of(SHIPPED.prices) == []


def test_no_shipped_gpu_price_is_an_outlier() -> None:
    assert outliers(SHIPPED.prices) == []


def test_the_rehearsal_s_machines_have_prices_in_their_billing_currency() -> None:
    for cloud, region, sku, currency in (
        ("alicloud", "cn-shanghai", "ecs.gn7e-c16g1.4xlarge", "CNY"),
        ("alicloud", "cn-shanghai", "ecs.g7.xlarge", "CNY"),
        ("alicloud", "cn-shanghai", "ack-pro-cluster-fee", "CNY"),
        ("gcp", "europe-west4", "a2-ultragpu-1g", "USD"),
        ("gcp", "europe-west4", "gke-cluster-fee", "USD"),
        ("azure", "francecentral", "Standard_NC24ads_A100_v4", "EUR"),
        ("azure", "francecentral", "aks-standard-cluster-fee", "EUR"),
    ):
        assert SHIPPED.find(cloud=cloud, region=region, sku=sku, currency=currency) is not None, sku


def test_every_alibaba_machine_price_is_flagged_synthetic() -> None:
    machines = [p for p in SHIPPED.prices if p.cloud == "alicloud" and p.sku.startswith("ecs.")]
    assert machines
    assert {p.basis for p in machines} == {"synthetic"}


def test_derived_euro_prices_can_be_computed_again_from_their_dollar_figure_and_the_dated_rate() -> None:
    derived = [p for p in SHIPPED.prices if p.currency == "EUR" and p.basis == "derived"]
    assert derived
    for price in derived:
        dollars = re.search(r"derived from ([\d.]+) USD", price.note)
        day = re.search(r"rate of (\d{4}-\d\d-\d\d)", price.note)
        assert dollars
        assert day
        rate = next(r for r in fx.load().rates if r.day.isoformat() == day[1] and r.quote == "USD")
        assert price.price == (Decimal(dollars[1]) / rate.rate).quantize(Decimal("0.000001"), ROUND_HALF_EVEN)
        twin = SHIPPED.find(
            cloud="azure", region=price.region, sku=price.sku, currency="USD", price_kind=price.price_kind
        )
        assert twin is None or twin.price == Decimal(dollars[1])


def test_a_missing_price_is_none_and_never_another_region_s() -> None:
    assert SHIPPED.find(cloud="gcp", region="mars-1", sku="a2-ultragpu-1g", currency="USD") is None
    assert SHIPPED.find(cloud="gcp", region="europe-west4", sku="a2-ultragpu-1g", currency="EUR") is None


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"price": "0"}, "above zero"),
        ({"price": "-1"}, "above zero"),
        ({"price": "NaN"}, "finite"),
        ({"price": "1,5"}, "Fix"),
        ({"currency": ""}, "ISO 4217"),
        ({"currency": "usd"}, "ISO 4217"),
        ({"as_of": ""}, "without a date"),
        ({"as_of": "2026"}, "without a date"),
        ({"basis": "guess"}, "basis"),
        ({"basis": "synthetic"}, "needs a note"),
        ({"source": ""}, "no source"),
        ({"cloud": "alibaba"}, "cloud"),
    ],
)
def test_a_broken_row_is_refused_with_its_line(changes: dict[str, str], word: str) -> None:
    row = a_row(**changes)
    if word == "Fix":
        row, word = a_row(price="abc"), "not a decimal"
    with pytest.raises(PriceDataError) as caught:
        catalog.parse(text_of([row]), origin="p.csv")
    assert word in str(caught.value)
    assert "p.csv" in str(caught.value)


def test_all_faults_are_reported_at_once() -> None:
    with pytest.raises(PriceDataError) as caught:
        catalog.parse(
            text_of([a_row(price="0"), a_row(sku="n2", as_of="x"), a_row(sku="n3", currency="x")]), origin="p"
        )
    assert len(caught.value.faults) == 3


def test_spot_above_on_demand_is_a_fault() -> None:
    one = SHIPPED.find(cloud="gcp", region="europe-west4", sku="a2-ultragpu-1g", currency="USD")
    assert one is not None
    spot = replace(one, price_kind="spot", price=one.price + 1)
    assert any("above the on-demand price" in fault for fault in faults_of([one, spot]))
    assert faults_of([one, replace(spot, price=one.price)]) == []


def test_the_same_price_twice_is_a_fault() -> None:
    with pytest.raises(PriceDataError, match="listed twice"):
        catalog.parse(text_of([a_row(), a_row(price="2")]), origin="p")


def test_the_file_names_its_columns() -> None:
    with catalog.DATA.open(encoding="utf-8", newline="") as handle:
        assert tuple(next(csv.reader(handle))) == catalog.COLUMNS
