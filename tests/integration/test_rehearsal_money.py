"""The money of a rehearsal that is up: bills, report and page, against each other and against the API server."""

from __future__ import annotations

import csv
import json
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import reduce
from typing import TYPE_CHECKING, Any

import pytest
from pyarrow import parquet

from components.pricing import catalog
from rehearsal import bills, home
from rehearsal.providers.store import Store
from tests.integration.browser import CHROMIUM, WITHOUT, Dom, asked_by_page, figures_of, opened

if TYPE_CHECKING:
    from pathlib import Path

    from rehearsal.bills import Bill
    from tests.integration.conftest import Stage

HEADER = "date,base,quote,rate,kind,source,note\n"
EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
CURRENCY = {"alicloud": "CNY", "gcp": "USD", "azure": "EUR"}
CELL = "eu-par-1"
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "asks-for-a-gpu", "namespace": "default"},
    "spec": {
        "containers": [{"name": "none", "image": "none/none:1", "resources": {"limits": {"nvidia.com/gpu": "1"}}}],
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
    },
}


@dataclass(frozen=True, kw_only=True)
class Billed:
    """Fresh bills of both worlds, each world's sums with its gate, and the moment that the bills were made for."""

    stage: Stage
    now: datetime
    bills: tuple[Bill, ...]

    @property
    def months(self) -> list[str]:
        """Every month that has a bill: two around midnight of the month's end, in China or elsewhere."""
        return sorted({bill.period for bill in self.bills})

    def of(self, month: str) -> dict[str, list[dict[str, Any]]]:
        """Currency to the rows of the bill file of that month."""
        return {bill.currency: rows_of(bill.path) for bill in self.bills if bill.period == month}

    def report(self, month: str, *args: str, world: str = "row") -> dict[str, Any]:
        """`cost report -o json` of a month; it must end with 0."""
        ran = self.stage.operator(world, "cost", "report", "--month", month, *args, "-o", "json")
        assert ran.code == 0, ran.err
        return ran.json


@dataclass(frozen=True, kw_only=True)
class Life:
    """A Node's life by its API server's record: the object's own time of creation, the audit log's of its deletion."""

    node: str
    machine: str
    born: datetime
    gone: datetime | None = None


@pytest.fixture(scope="module")
def passed(stage: Stage) -> Life:
    """A GPU Node that came for a pod and went when the pod was gone."""
    kubectl(stage, "create", "-f", "-", given=json.dumps(POD))
    try:
        kubectl(stage, "wait", "pod/asks-for-a-gpu", "--for=jsonpath={.spec.nodeName}", "--timeout=120s")
        name = json.loads(kubectl(stage, "get", "pod", "asks-for-a-gpu", "-o", "json"))["spec"]["nodeName"]
        node = json.loads(kubectl(stage, "get", "node", name, "-o", "json"))
    finally:
        kubectl(stage, "delete", "pod", "asks-for-a-gpu", "--now", "--ignore-not-found")
    kubectl(stage, "wait", f"node/{name}", "--for=delete", "--timeout=240s")
    return life_of(node, gone=deletion(stage, name))


@pytest.fixture(scope="module")
def billed(stage: Stage, passed: Life) -> Billed:
    end = noted_end(stage, passed.node)
    now = datetime.now(UTC)
    while now.timestamp() < end + 1:  # what lives now is billed to the last whole second; so is what ended in it
        time.sleep(0.05)
        now = datetime.now(UTC)
    made = [bill for world in home.WORLDS for bill in bills.emit(stage.home.world(world), now=now)]
    for world in home.WORLDS:
        ran = stage.operator(world, "cost", "publish", "-y")
        assert ran.code == 0, ran.err
    return Billed(stage=stage, now=now, bills=tuple(made))


def noted_end(stage: Stage, node: str) -> float:
    """When the cloud noted that a Node had ended: soon after its API server had."""
    ends = time.monotonic() + 60
    while True:
        store = Store.open(stage.home.world("row"))
        (record,) = [one for one in store.nodes(CELL, live=False) if one.name == node]
        store.close()
        if record.deleted is not None:
            return record.deleted
        assert time.monotonic() < ends, f"the cloud does not note the end of {node}"
        time.sleep(0.05)


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The rows of a native bill file, read without any of our readers; amounts exact, what is empty None."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as stream:
            rows: list[dict[str, Any]] = [
                {key: value or None for key, value in row.items()} for row in csv.DictReader(stream)
            ]
        for row in rows:
            row["x_IsUnpriced"] = row["x_IsUnpriced"] == "true"
            for key in ("ChargePeriodStart", "ChargePeriodEnd"):
                row[key] = datetime.fromisoformat(row[key])
    else:
        rows = parquet.read_table(path).to_pylist()
    for row in rows:
        for key in ("BilledCost", "ConsumedQuantity", "ListUnitPrice"):
            row[key] = None if row[key] is None else Decimal(row[key])
    return rows


def total(rows: list[dict[str, Any]]) -> Decimal:
    found = Decimal(0)
    for row in rows:
        found = EXACT.add(found, row["BilledCost"] or Decimal(0))
    return found


@pytest.mark.parametrize("world", ["row", "cn"])
def test_totals_per_currency_are_the_sums_of_the_bill_files_to_the_last_digit(billed: Billed, world: str) -> None:
    own = {"cn": {"CNY"}, "row": {"EUR", "USD"}}[world]
    for month in billed.months:
        files = billed.of(month)
        found = billed.report(month, world=world)
        assert {row["currency"]: Decimal(row["billed"]) for row in found["totals"]} == {
            currency: total(rows) for currency, rows in files.items()
        }
        assert all(total(rows) > 0 for rows in files.values())
        assert {row["currency"]: row["files"] for row in found["totals"]} == {
            currency: 1 if currency in own else None for currency in files
        }
        assert {item["status"] for item in found["items"]} == {"provisional"}
        assert {row["currency"]: row["verdict"] for row in found["tieOut"]} == dict.fromkeys(own & set(files), "ties")
        assert {item["source"] for item in found["items"] if item["currency"] in own} <= {"bills"}
        assert {item["source"] for item in found["items"] if item["currency"] not in own} <= {"gate"}


def test_a_currency_without_a_rate_is_in_no_sum_and_is_listed(billed: Billed, tmp_path: Path) -> None:
    rates = tmp_path / "rates.csv"
    rates.write_text(HEADER + "2026-01-05,EUR,USD,1.25,daily,a treasury,\n", encoding="utf-8")
    for month in billed.months:
        files = billed.of(month)
        found = billed.report(month, "--rates", str(rates))
        sums = {currency: total(rows) for currency, rows in files.items()}
        whole = found["reporting"]
        assert {row["currency"]: Decimal(row["billed"]) for row in whole["unconverted"]} == {
            currency: amount for currency, amount in sums.items() if currency == "CNY"
        }
        assert whole["complete"] is False
        converted = {item["currency"]: item["reporting"] for item in found["items"]}
        assert all(part is None for currency, part in converted.items() if currency == "CNY")
        if "USD" in sums:
            rate = converted["USD"]["rate"]
            assert (rate["rate"], rate["date"], rate["source"]) == ("1.25", "2026-01-05", "a treasury")
            parts = [Decimal(item["billed"]) for item in found["items"] if item["currency"] == "USD"]
            assert reduce(EXACT.add, parts) == sums["USD"]
            # Each item is converted and rounded, so that the lines of the report add up to its total.
            euros = [EXACT.divide(part, Decimal("1.25")).quantize(Decimal("1e-10")) for part in parts]
            assert Decimal(whole["billed"]) == EXACT.add(reduce(EXACT.add, euros), sums["EUR"])
        table = billed.stage.operator("row", "cost", "report", "--month", month, "--rates", str(rates)).out
        left = [f"no rate   {row['billed']} CNY is in no sum" for row in whole["unconverted"]]
        assert [line for line in table.splitlines() if line.startswith("no rate")] == left


def test_with_no_rate_at_all_nothing_is_added(billed: Billed, tmp_path: Path) -> None:
    rates = tmp_path / "rates.csv"
    rates.write_text(HEADER, encoding="utf-8")
    for month in billed.months:
        found = billed.report(month, "--rates", str(rates), "--currency", "CHF")
        assert found["reporting"]["billed"] is None
        assert [row["currency"] for row in found["reporting"]["unconverted"]] == sorted(billed.of(month))
        assert found["rates"] == []


def test_what_has_no_price_is_listed_and_costs_nothing_in_any_figure(billed: Billed) -> None:
    for month in billed.months:
        found = billed.report(month)
        for currency, rows in billed.of(month).items():
            without = [row for row in rows if row["x_IsUnpriced"]]
            assert without
            assert {row["BilledCost"] for row in without} == {None}
            wanted: dict[str | None, set[str]] = {}
            for row in without:
                kind = None if currency == "CNY" else row["ResourceType"]
                wanted.setdefault(kind, set()).add(f"{row['ResourceType']}/{row['ResourceId']}")
            provider = next(name for name, own in CURRENCY.items() if own == currency)
            listed: Counter[str | None] = Counter()  # a type has a line for each cell that was up in the month
            for row in found["unpriced"]:
                if row["provider"] == provider:
                    listed[row["resourceType"]] += row["resources"]
            assert listed == {kind: len(resources) for kind, resources in wanted.items()}
            items = [item for item in found["items"] if item["currency"] == currency]
            assert sum(item["unpriced"] for item in items) == sum(listed.values())
        assert found["reporting"]["complete"] is False


def kubectl(stage: Stage, *args: str, given: str | None = None) -> str:
    config = stage.cell(CELL) / "admin.kubeconfig"
    done = subprocess.run(
        [str(stage.home.bin / "kubectl"), "--kubeconfig", str(config), *args],
        input=given, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def life_of(node: dict[str, Any], *, gone: datetime | None = None) -> Life:
    meta = node["metadata"]
    born = datetime.fromisoformat(meta["creationTimestamp"])
    return Life(node=meta["name"], machine=meta["labels"]["node.kubernetes.io/instance-type"], born=born, gone=gone)


def deletion(stage: Stage, node: str) -> datetime:
    """When the API server answered that a Node is deleted, by its audit log."""
    for path in sorted(stage.cell(CELL).glob("audit*.log")):
        for line in path.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            about = event.get("objectRef") or {}
            if (event["verb"], about.get("resource"), about.get("name")) == ("delete", "nodes", node):
                assert event["responseStatus"]["code"] == 200
                return datetime.fromisoformat(event["stageTimestamp"])
    pytest.fail(f"the audit log has no deletion of {node}")


def expected(life: Life, *, end: datetime) -> list[tuple[datetime, datetime, Decimal, Decimal]]:
    """The rows of a life by the rules of `rehearsal.bills`: per begun clock hour (start, end, hours, cost)."""
    price = next(
        row.price
        for row in catalog.load().prices
        if (row.cloud, row.region, row.sku, row.currency, row.price_kind)
        == ("azure", "francecentral", life.machine, "EUR", "ondemand")
    )
    rows: list[tuple[datetime, datetime, Decimal, Decimal]] = []
    start = life.born
    while start < end:
        edge = min(start.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1), end)
        seconds = Decimal(int((edge - start).total_seconds()))
        hours = EXACT.divide(seconds, Decimal(3600)).quantize(Decimal("1e-10"), context=EXACT)
        cost = EXACT.multiply(hours, price).quantize(Decimal("1e-10"), context=EXACT)
        rows.append((start, edge, hours, cost))
        start = edge
    return rows


def billed_for(found: Billed, node: str) -> list[tuple[datetime, datetime, Decimal, Decimal]]:
    rows = [row for month in found.months for row in found.of(month).get("EUR", [])]
    mine = [
        (row["ChargePeriodStart"], row["ChargePeriodEnd"], row["ConsumedQuantity"], row["BilledCost"])
        for row in rows
        if row["ResourceId"] == node.lower()
    ]
    return sorted(mine, key=lambda row: row[0])


def test_the_hours_of_a_living_gpu_node_are_those_of_its_api_server_and_cost_the_list_price(
    stage: Stage, billed: Billed
) -> None:
    nodes = json.loads(kubectl(stage, "get", "nodes", "-l", "twain/gpu-class", "-o", "json"))["items"]
    assert nodes
    for node in nodes:
        life = life_of(node)
        assert billed_for(billed, life.node) == expected(life, end=billed.now.replace(microsecond=0))


def test_the_hours_of_a_gpu_node_that_is_gone_end_with_the_second_of_its_deletion(billed: Billed, passed: Life) -> None:
    rows = billed_for(billed, passed.node)
    assert passed.gone is not None
    assert rows
    end = rows[-1][1]
    assert rows == expected(passed, end=end)
    # A begun second counts. The cloud notes the end once the API server has answered: on a busy machine a little later.
    begun = passed.gone.replace(microsecond=0)
    assert timedelta(0) < end - begun <= timedelta(seconds=5)


@pytest.mark.skipif(CHROMIUM is None, reason=WITHOUT)
def test_the_page_of_the_rehearsal_asks_for_nothing_and_shows_every_figure_with_what_it_rests_on(
    billed: Billed, tmp_path: Path
) -> None:
    month = max(billed.months, key=lambda one: len(billed.of(one)))
    page = tmp_path / "report.html"
    data = billed.report(month, "--html", str(page))
    text, events, console = opened(page, tmp_path)
    assert asked_by_page(events) == set()
    assert "Content Security Policy" not in console
    dom = Dom(text)
    wanted = figures_of(data)
    assert all(wanted.values())
    assert {table: dom.figures[table] for table in wanted} == wanted
    shown = {row.split()[0]: row for row in dom.rows["totals"]}
    for row in data["totals"]:
        assert shown[row["currency"]].startswith(f"{row['currency']} {row['billed']} ")
    for item in data["items"]:
        (row,) = [one for one in dom.rows["regions"] if f" {item['cell']} " in one]
        rate = item["reporting"]["rate"]
        said = (
            f"1 {rate['base']} = {rate['rate']} {rate['quote']} {rate['date']}, {rate['kind']}" if rate else "billed in"
        )
        covered = f"{item['resources'] - item['unpriced']} of {item['resources']} {item['unpriced']} unpriced"
        for part in (f" {item['currency']} ", f" {data['reporting']['currency']} ", said, covered):
            assert part in row
        assert row.endswith(" provisional")
    for rate in data["rates"]:
        (row,) = [
            one for one in dom.rows["rates"] if one.startswith(f"1 {rate['base']} = {rate['rate']} {rate['quote']}")
        ]
        assert rate["source"] in row
        assert rate["date"] in row
    for table, about in (("unpriced-list", data["unpriced"]), ("services", data["services"])):
        assert len(dom.rows[table]) == len(about) + 1
