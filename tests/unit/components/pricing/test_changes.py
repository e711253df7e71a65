"""What a change costs a month: a range for pools, a currency for itself, and what has no price by name."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.pricing import changes, meters
from components.pricing.catalog import COLUMNS, parse
from components.pricing.changes import Change, Cost, changes_of

GRAPHS = Path(__file__).resolve().parents[3] / "golden" / "graphs"
POOL, CLUSTER = "gcp:container/nodePool:NodePool", "gcp:container/cluster:Cluster"
BUCKET, NAT = "gcp:storage/bucket:Bucket", "gcp:compute/routerNat:RouterNat"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
ROWS = [
    "gcp,here,gpu-machine,A100,1,ondemand,hour,5.0001,USD,2026-08-01,sourced,page,",
    "gcp,here,gpu-machine,A100,1,spot,hour,2.00,USD,2026-08-01,sourced,page,",
    "gcp,here,small-machine,,0,ondemand,hour,0.10,USD,2026-07-01,synthetic,none,made up",
    "gcp,here,elsewhere-priced,,0,ondemand,hour,1.00,EUR,2026-08-02,derived,page,from a yearly one",
    "gcp,here,gke-cluster-fee,,0,ondemand,hour,0.10,USD,2026-08-03,sourced,page,",
    "gcp,here,gcs-standard,,0,ondemand,gb-month,0.02,USD,2026-08-03,sourced,page,",
]
CATALOG = parse("\n".join([",".join(COLUMNS), *ROWS]).encode(), origin="test")


def pool(least: Any, most: Any, machine: Any = "gpu-machine", **node: Any) -> dict[str, Any]:
    scaling = {"totalMinNodeCount": least, "totalMaxNodeCount": most}
    return {"nodeConfig": {"machineType": machine, **node}, "autoscaling": scaling}


def change(kind: str, old: Any = None, new: Any = None, name: str = "it") -> Change:
    op = "create" if old is None else "delete" if new is None else "update"
    return Change(op=op, type=kind, name=name, old=old, new=new)


def cost(*found: Change, cloud: str = "gcp", region: str = "here") -> Cost:
    return changes.cost(found, cloud=cloud, region=region, catalog=CATALOG)


def sums(found: Cost) -> dict[str, tuple[Decimal, Decimal]]:
    return {one.currency: (one.monthly.least, one.monthly.most) for one in found.totals()}


def test_a_pool_that_scales_is_a_range_from_its_smallest_to_its_largest_size() -> None:
    found = cost(change(POOL, new=pool(0, 4)))
    assert sums(found) == {"USD": (Decimal(0), Decimal("5.0001") * 4 * 730)}
    assert found.unpriced == ()
    (line,) = found.lines
    assert (line.price.sku, line.price.basis, line.price.as_of.isoformat()) == ("gpu-machine", "sourced", "2026-08-01")


def test_a_larger_pool_costs_the_difference_and_a_pool_that_goes_costs_less() -> None:
    assert sums(cost(change(POOL, pool(0, 4), pool(1, 6)))) == {
        "USD": (Decimal("5.0001") * 730, Decimal("5.0001") * 2 * 730)
    }
    assert sums(cost(change(POOL, old=pool(1, 4)))) == {"USD": (Decimal("-5.0001") * 730, Decimal("-5.0001") * 4 * 730)}


def test_another_machine_is_one_that_goes_and_one_that_comes() -> None:
    found = cost(change(POOL, pool(1, 2), pool(1, 2, "small-machine")))
    assert [(one.price.sku, one.monthly.least) for one in found.lines] == [
        ("gpu-machine", Decimal("-5.0001") * 730),
        ("small-machine", Decimal("0.10") * 730),
    ]
    # The sum is as trustworthy as its weakest part and as old as its oldest price.
    assert [(one.basis, one.as_of) for one in found.totals()] == [("synthetic", "2026-07-01")]


def test_a_change_of_what_nothing_is_billed_by_costs_nothing_and_is_no_line() -> None:
    assert cost(change(POOL, {**pool(0, 4), "labels": {}}, pool(0, 4))) == Cost()
    assert cost(change(CLUSTER, {"a": 1}, {"a": 2})) == Cost()


def test_spot_machines_have_their_own_price() -> None:
    found = cost(change(POOL, pool(1, 1), pool(1, 1, spot=True)))
    assert sums(found) == {"USD": ((Decimal(2) - Decimal("5.0001")) * 730,) * 2}


def test_currencies_are_never_added() -> None:
    found = cost(change(POOL, new=pool(1, 1)), change(POOL, new=pool(1, 1, "elsewhere-priced"), name="b"))
    assert sums(found) == {"EUR": (Decimal(730),) * 2, "USD": (Decimal("5.0001") * 730,) * 2}


@pytest.mark.parametrize(
    ("kind", "new", "sku", "reason"),
    [
        (POOL, pool(1, 1, "never-heard-of"), "never-heard-of", "no public price is known"),
        (POOL, pool(1, 1, UNKNOWN), None, "which machines it has is not known before it is made"),
        (POOL, pool(1, UNKNOWN), "gpu-machine", "how many machines it has is not known before it is made"),
        (NAT, {}, None, "no public price is known"),
        ("gcp:some/new:Thing", {}, None, "no public price is known"),
        (BUCKET, {}, "gcs-standard", "billed by what is kept in it: 0.02 USD per GB a month"),
        ("kubernetes:core/v1:Service", {"spec": {"type": "LoadBalancer"}}, None, "the balancer that is made for it"),
        ("kubernetes:gateway.networking.k8s.io/v1:Gateway", {}, None, "the balancer that its controller makes"),
    ],
)
def test_what_has_no_known_price_is_named_and_is_in_no_figure(
    kind: str, new: dict[str, Any], sku: str | None, reason: str
) -> None:
    for one in (change(kind, new=new), change(kind, old=new)):
        found = cost(one)
        assert found.lines == ()
        assert [(each.sku, each.change) for each in found.unpriced] == [(sku, one)]
        assert reason in found.unpriced[0].reason


def test_another_region_has_no_price_of_ours() -> None:
    found = cost(change(POOL, new=pool(1, 1)), region="there")
    assert (found.lines, len(found.unpriced)) == ((), 1)


@pytest.mark.parametrize(
    "kind",
    ["pulumi:providers:gcp", "twain:index:Cell", "kubernetes:core/v1:ConfigMap", "kubernetes:apps/v1:Deployment",
     "gcp:compute/firewall:Firewall"],
)  # fmt: skip
def test_what_is_billed_by_nobody_is_neither_a_line_nor_unpriced(kind: str) -> None:
    assert cost(change(kind, new={"spec": {"type": "ClusterIP"}})) == Cost()


def test_a_replacement_is_told_in_three_steps_and_counts_once() -> None:
    urn = f"urn:pulumi:s::twain::twain:index:Cell${POOL}::gpu"
    old, new = {"inputs": pool(0, 2)}, {"inputs": pool(0, 3)}
    steps: list[dict[str, Any]] = [
        {"op": "create-replacement", "urn": urn, "oldState": old, "newState": new},
        {"op": "replace", "urn": urn, "oldState": old, "newState": new},
        {"op": "delete-replaced", "urn": urn, "oldState": old},
        {"op": "same", "urn": "urn:pulumi:s::twain::pulumi:pulumi:Stack::s"},
    ]
    (found,) = changes_of(steps)
    assert found == Change(op="replace", type=POOL, name="gpu", old=pool(0, 2), new=pool(0, 3))


def test_a_plan_that_leaves_inputs_out_does_not_say_that_there_is_nothing() -> None:
    urn = f"urn:pulumi:s::twain::{NAT}::nat"
    for op in ("create", "update", "delete", "replace", "import"):
        assert len(cost(*changes_of([{"op": op, "urn": urn}])).unpriced) == 1


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 9), st.sampled_from(["gpu-machine", "small-machine"])), max_size=6
    )
)
def test_what_is_made_and_unmade_again_costs_nothing(pools: list[tuple[int, int, str]]) -> None:
    made = [change(POOL, new=pool(*one), name=str(number)) for number, one in enumerate(pools)]
    unmade = [change(POOL, old=one.new, name=one.name) for one in made]
    found = sums(cost(*made, *unmade))
    assert all(span == (0, 0) for span in found.values())
    halves = cost(*made) + cost(*unmade)
    assert sums(halves) == found


@pytest.mark.parametrize(
    ("cell", "cloud", "region"),
    [
        ("cn-sha-1", "alicloud", "cn-shanghai"),
        ("eu-ams-1", "gcp", "europe-west4"),
        ("eu-par-1", "azure", "francecentral"),
    ],
)
def test_of_a_whole_cell_every_resource_is_priced_or_unpriced_or_free_by_its_type(
    cell: str, cloud: str, region: str
) -> None:
    from components.pricing.catalog import load

    rows = json.loads((GRAPHS / f"{cell}.infra.json").read_text(encoding="utf-8"))
    made = [change(row["type"], new=row["inputs"], name=row["name"]) for row in rows]
    found = changes.cost(made, cloud=cloud, region=region, catalog=load())
    assert [one.currency for one in found.totals()] == [meters.CURRENCY[cloud]]
    # The cluster's fee and both pools have a price in each of the three; the GPU pool begins at none.
    named = {one.change.name for one in found.lines}
    assert {f"{cell}-cluster", f"{cell}-gpu80g"} <= named
    (gpus,) = [one for one in found.lines if one.change.name == f"{cell}-gpu80g"]
    assert (gpus.monthly.least, gpus.monthly.most > 0) == (0, True)
    told = {(one.change.type, one.change.name) for one in (*found.lines, *found.unpriced)}
    for row in rows:
        ours = row["type"].split(":")[0] in ("twain", "pulumi")
        free = ours or meters.of_resource(cloud, row["type"]) is None
        pooled = not ours and row["type"].endswith((":NodePool", ":AgentPool"))
        assert ((row["type"], row["name"]) in told) == (not free or pooled), row["name"]
