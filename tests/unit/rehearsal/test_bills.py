"""Bills of the emulated clouds: every figure can be computed again from lifetimes and list prices."""

from __future__ import annotations

import csv
import importlib
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from components.money.focus import BY_NAME, columns_of
from components.money.ingest import bill_files, ingest
from components.money.lake import Lake
from components.money.report import build
from components.money.tieout import tie_out
from components.pricing import meters
from components.pricing.catalog import load
from rehearsal import bills
from rehearsal.providers.store import ClusterRecord, Resource, Store

if TYPE_CHECKING:
    from pathlib import Path

T0 = datetime(2026, 11, 20, 10, 13, 7, tzinfo=UTC)
NOW = datetime(2026, 11, 20, 14, 40, 0, tzinfo=UTC)
TEN = Decimal("0.0000000001")
CELLS = {
    "alicloud": (
        "cn-sha-1", "cn-shanghai", "ecs.g7.xlarge", "ecs.gn7e-c16g1.4xlarge",
        ["alicloud:cs/managedKubernetes:ManagedKubernetes", "alicloud:vpc/network:Network",
         "alicloud:vpc/natGateway:NatGateway", "alicloud:oss/bucket:Bucket", "alicloud:kms/key:Key"],
    ),
    "gcp": (
        "eu-ams-1", "europe-west4", "e2-standard-4", "a2-ultragpu-1g",
        ["gcp:container/cluster:Cluster", "gcp:compute/network:Network", "gcp:compute/routerNat:RouterNat",
         "gcp:storage/bucket:Bucket", "gcp:kms/cryptoKey:CryptoKey"],
    ),
    "azure": (
        "eu-par-1", "francecentral", "Standard_D4ds_v5", "Standard_NC24ads_A100_v4",
        ["azure-native:containerservice:ManagedCluster", "azure-native:network:VirtualNetwork",
         "azure-native:network:NatGateway", "azure-native:network:PublicIPAddress",
         "azure-native:storage:StorageAccount"],
    ),
}  # fmt: skip


def make_world(folder: Path, *clouds: str, t0: datetime = T0) -> Store:
    """A world with one cell per cloud: a system node that lives, one GPU node that lives and one that is gone."""
    store, start = Store.open(folder), t0.timestamp()
    for cloud in clouds:
        cell, region, cpu, gpu, types = CELLS[cloud]
        store.put_cluster(
            ClusterRecord(
                id=f"c-{cell}", cell=cell, cloud=cloud, region=region, endpoint="", ca="", minor="1.36",
                created=start, deleted=None,
            )
        )  # fmt: skip
        for number, token in enumerate(types):
            store.put_resource(
                Resource(
                    id=f"Id-{cell}-{number}", cloud=cloud, type=token, name=f"n-{number}", key=f"{cell}-{number}",
                    cell=cell, region=region, created=start + number * 0.3,
                )
            )  # fmt: skip
        names = (
            ("system", f"{cell}-sys", cpu, 0),
            ("gpu80g", f"{cell}-gpu-1", gpu, 1),
            ("gpu80g", f"{cell}-gpu-2", gpu, 1),
        )
        for pool, name, machine, gpus in names:
            store.node_created(
                cell=cell,
                pool=pool,
                name=name,
                instance_type=machine,
                zone=f"{region}-a",
                gpus=gpus,
                created=start + 100.5,
            )
        store.node_deleted(cell=cell, name=f"{cell}-gpu-2", deleted=start + 5000.25)
    return store


def table(path: Path) -> list[dict[str, Any]]:
    """The rows of a bill, read without our own ingest."""
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as handle:
            return list(csv.DictReader(handle))
    return parquet.read_table(path).to_pylist()


def cost(value: Any) -> Decimal | None:
    return None if value in {None, ""} else Decimal(value)


@pytest.mark.parametrize("cloud", ["alicloud", "gcp", "azure"])
def test_a_gpu_node_s_billed_hours_can_be_computed_again(tmp_path: Path, cloud: str) -> None:
    make_world(tmp_path, cloud).close()
    (bill,) = bills.emit(tmp_path, now=NOW)
    cell, region, _, machine, _ = CELLS[cloud]
    rows = [r for r in table(bill.path) if str(r["ResourceName"]) == f"{cell}-gpu-2"]
    # Born at 10:14:47.5, gone at 11:36:27.25: from second :47 to second :28, by the clock hour.
    seconds = [(11 * 60) * 60 - (10 * 3600 + 14 * 60 + 47), 36 * 60 + 28]
    wanted = [(Decimal(s) / 3600).quantize(TEN, ROUND_HALF_EVEN) for s in seconds]
    assert [Decimal(r["ConsumedQuantity"]) for r in rows] == wanted
    price = load().find(cloud=cloud, region=region, sku=machine, currency=meters.CURRENCY[cloud])
    assert price is not None
    assert [cost(r["BilledCost"]) for r in rows] == [(q * price.price).quantize(TEN, ROUND_HALF_EVEN) for q in wanted]


@pytest.mark.parametrize("cloud", ["alicloud", "gcp", "azure"])
def test_the_bill_s_total_is_the_sum_of_its_rows_and_ties_to_the_invoice(tmp_path: Path, cloud: str) -> None:
    make_world(tmp_path, cloud).close()
    (bill,) = bills.emit(tmp_path, now=NOW)
    amounts = [cost(row["BilledCost"]) for row in table(bill.path)]
    assert sum((a for a in amounts if a is not None), Decimal(0)) == bill.total
    assert json.loads(bill.invoice.read_text())["total"] == str(bill.total.quantize(Decimal("0.01")))
    lake = Lake(tmp_path / "lake")
    ingest(lake, bill_files(tmp_path / "bills"), world="row", now=NOW)
    (verdict,) = tie_out(lake.manifest(), "2026-11")
    assert verdict.verdict == "ties"
    assert verdict.billed == bill.total


def test_each_cloud_bills_in_its_own_form_and_currency(tmp_path: Path) -> None:
    make_world(tmp_path, "alicloud", "gcp", "azure").close()
    ali, gcp, azure = bills.emit(tmp_path, now=NOW)
    assert [(b.cloud, b.currency, b.path.suffix) for b in (ali, gcp, azure)] == [
        ("alicloud", "CNY", ".csv"),
        ("gcp", "USD", ".parquet"),
        ("azure", "EUR", ".parquet"),
    ]
    one = {c.name for c in columns_of("1.0")}
    names = list(table(ali.path)[0])
    assert {n for n in names if n in BY_NAME} == one
    assert {"x_BillingItemCode", "x_BillingItemName", "x_CommodityCode", "x_CommodityName", "x_InstanceID"} <= set(
        names
    )
    schema = parquet.read_schema(gcp.path)
    assert one <= set(schema.names)
    assert schema.field("BilledCost").type == pa.decimal128(38, 10)
    assert schema.field("ChargePeriodStart").type == pa.timestamp("us", tz="UTC")
    assert pa.types.is_list(schema.field("Tags").type)
    assert {"x_CostType", "x_Credits", "x_CurrencyConversionRate", "x_ExportTime", "x_Location", "x_Project", "x_ServiceId"} <= set(schema.names)  # fmt: skip  # noqa: E501
    names = parquet.read_schema(azure.path).names
    absent = {"AvailabilityZone", "SkuPriceDetails", "CapacityReservationId", "CommitmentDiscountQuantity"}
    assert absent.isdisjoint(names)
    assert {"InvoiceId", "PricingCurrency", "SubAccountType", "x_SkuDetails"} <= set(names)
    rows = table(azure.path)
    assert {row["InvoiceId"] for row in rows} == {None}
    assert all(row["ResourceId"] == row["ResourceId"].lower() for row in rows)
    assert any(row["ServiceName"] is None for row in rows)


def test_alibaba_s_month_is_in_its_own_time_zone(tmp_path: Path) -> None:
    make_world(tmp_path, "alicloud", "gcp", t0=datetime(2026, 11, 30, 15, 30, tzinfo=UTC)).close()
    found = bills.emit(tmp_path, now=datetime(2026, 11, 30, 17, 0, tzinfo=UTC))
    assert [(b.cloud, b.period) for b in found] == [
        ("alicloud", "2026-11"),
        ("alicloud", "2026-12"),
        ("gcp", "2026-11"),
    ]
    december = table(found[1].path)
    assert {row["BillingPeriodStart"] for row in december} == {"2026-11-30T16:00:00Z"}
    assert min(row["ChargePeriodStart"] for row in december) == "2026-11-30T16:00:00Z"
    lake = Lake(tmp_path / "lake")
    ingest(lake, bill_files(tmp_path / "bills"), world="cn", now=NOW)
    assert sorted((e.provider, e.period) for e in lake.manifest().entries) == [
        ("alicloud", "2026-11"), ("alicloud", "2026-12"), ("gcp", "2026-11"),
    ]  # fmt: skip


def test_what_has_no_price_is_on_the_bill_without_a_cost(tmp_path: Path) -> None:
    make_world(tmp_path, "alicloud", "gcp", "azure").close()
    for bill in bills.emit(tmp_path, now=NOW):
        rows = table(bill.path)
        open_ends = [row for row in rows if str(row["x_IsUnpriced"]).lower() == "true"]
        assert open_ends
        assert {cost(row["BilledCost"]) for row in open_ends} == {None}
        assert all(cost(row["BilledCost"]) is not None for row in rows if row not in open_ends)


def test_an_empty_bucket_costs_a_true_zero_which_is_not_unpriced(tmp_path: Path) -> None:
    make_world(tmp_path, "gcp").close()
    (bill,) = bills.emit(tmp_path, now=NOW)
    (bucket,) = [row for row in table(bill.path) if row["ResourceType"] == "Bucket"]
    assert (bucket["BilledCost"], bucket["x_IsUnpriced"]) == (Decimal(0), False)


def test_a_type_that_nobody_listed_is_unpriced_and_never_free() -> None:
    unknown = meters.of_resource("gcp", "gcp:quantum/computer:Computer")
    assert unknown is not None
    assert unknown.sku == ""
    assert meters.of_resource("gcp", "gcp:compute/network:Network") is None


@pytest.mark.parametrize(("module", "cloud"), [("alicloud", "alicloud"), ("gcp", "gcp"), ("azure_native", "azure")])
def test_every_type_that_an_emulated_cloud_knows_is_metered_or_free_by_name(module: str, cloud: str) -> None:
    types = importlib.import_module(f"rehearsal.providers.{module}").CLOUD.types
    found = {token: meters.of_resource(cloud, token) for token in types}
    assert found
    assert [token for token, meter in found.items() if meter is not None and not meter.service] == []


@pytest.mark.parametrize(
    ("cloud", "token"),
    [
        ("alicloud", "alicloud:cr/registryEnterpriseInstance:RegistryEnterpriseInstance"),
        ("gcp", "gcp:artifactregistry/repository:Repository"),
        ("gcp", "gcp:secretmanager/regionalSecret:RegionalSecret"),
        ("azure", "azure-native:containerregistry:Registry"),
        ("alicloud", "alicloud:rds/instance:Instance"),
        ("gcp", "gcp:sql/databaseInstance:DatabaseInstance"),
        ("azure", "azure-native:dbforpostgresql:Server"),
        ("alicloud", "alicloud:redis/tairInstance:TairInstance"),
        ("gcp", "gcp:memorystore/instance:Instance"),
        ("azure", "azure-native:redisenterprise:RedisEnterprise"),
    ],
)
def test_registries_secrets_databases_and_caches_are_billed_at_a_price_that_nobody_knows(
    cloud: str, token: str
) -> None:
    meter = meters.of_resource(cloud, token)
    assert meter is not None
    assert meter.service
    assert meter.sku == ""


def test_emitting_again_changes_nothing_until_time_has_passed(tmp_path: Path) -> None:
    make_world(tmp_path, "alicloud", "gcp", "azure").close()
    first = bills.emit(tmp_path, now=NOW)
    before = {path.name: path.stat().st_mtime_ns for path in bill_files(tmp_path / "bills")}
    second = bills.emit(tmp_path, now=NOW)
    assert [b.changed for b in second] == [False] * 3
    assert {path.name: path.stat().st_mtime_ns for path in bill_files(tmp_path / "bills")} == before
    third = bills.emit(tmp_path, now=datetime(2026, 11, 20, 15, 0, tzinfo=UTC))
    assert all(b.changed for b in third)
    assert {b.path.name for b in third}.isdisjoint({b.path.name for b in first})
    # One bill and one invoice per cloud: the old ones are gone.
    assert Counter(p.suffix for p in bill_files(tmp_path / "bills")) == {".json": 3, ".parquet": 2, ".csv": 1}


def test_the_same_store_and_the_same_now_give_the_same_bytes(tmp_path: Path) -> None:
    found: list[dict[str, bytes]] = []
    for name in ("a", "b"):
        make_world(tmp_path / name, "alicloud", "gcp", "azure").close()
        bills.emit(tmp_path / name, now=NOW)
        found.append({path.name: path.read_bytes() for path in bill_files(tmp_path / name / "bills")})
    assert found[0] == found[1]


def test_what_is_gone_stays_on_the_bill_and_stops_costing(tmp_path: Path) -> None:
    # The store stamps a removal with the wall clock, so this world lives around it.
    store = make_world(tmp_path, "gcp", t0=datetime.now(UTC) - timedelta(hours=2))
    store.remove_cluster("c-eu-ams-1")
    store.close()
    now, later = datetime.now(UTC), datetime(2100, 1, 1, tzinfo=UTC)
    one = {b.period: b.total for b in bills.emit(tmp_path, now=now)}
    assert one
    again = {b.period: b.total for b in bills.emit(tmp_path, now=now)}
    assert again == one
    node_rows = [u for u in bills.usages(Store.open(tmp_path), now=later, catalog=load()) if u.type == "Node"]
    assert all(u.end < later for u in node_rows)


@given(
    st.floats(min_value=1.7e9, max_value=1.9e9),
    st.floats(min_value=0, max_value=5e5),
)
def test_the_hours_of_a_life_cover_it_without_gap_or_overlap(created: float, length: float) -> None:
    now = datetime.fromtimestamp(2e9, UTC)
    start, end = bills.whole_seconds(created, created + length, now=now)
    parts = list(bills.hours(start, end))
    assert start.timestamp() <= created
    assert end.timestamp() >= created + length
    assert all(first < last for first, last in parts)
    assert [first for first, _ in parts[1:]] == [last for _, last in parts[:-1]]
    if parts:
        assert (parts[0][0], parts[-1][1]) == (start, end)
    assert all((last - first).total_seconds() <= 3600 for first, last in parts)
    seconds = int((end - start).total_seconds())
    total = sum((bills.quantity(first, last) for first, last in parts), Decimal(0))
    assert abs(total - Decimal(seconds) / 3600) <= TEN * (len(parts) + 1)


def test_the_whole_way_from_store_to_report_keeps_every_digit(tmp_path: Path) -> None:
    from components.money import fx

    make_world(tmp_path, "alicloud", "gcp", "azure").close()
    emitted = bills.emit(tmp_path, now=NOW)
    lake = Lake(tmp_path / "lake")
    ingest(lake, bill_files(tmp_path / "bills"), world="row", now=NOW)
    report = build(lake=lake, month="2026-11", currency="EUR", rates=fx.load(), now=NOW)
    assert {t["currency"]: Decimal(t["billed"]) for t in report.totals()} == {b.currency: b.total for b in emitted}
    assert {i.cell for i in report.items} == {"cn-sha-1", "eu-ams-1", "eu-par-1"}
    assert all(i.unpriced for i in report.items)
    assert {i.maison for i in report.items} == {"shared"}
