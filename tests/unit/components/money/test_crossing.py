"""Cost rows before they cross: names that the fleet does not declare stay at home, and no money is lost over it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from components.money.crossing import declared
from components.telemetry.contract import filter_rows, load_contract

ROW: dict[str, Any] = {
    "world": "cn", "provider": "alicloud", "region": "cn-shanghai", "cell": "cn-sha-1", "maison": "aurelia",
    "currency": "CNY", "month": "2026-11", "billed": "12.30", "effective": "10.00", "status": "final", "unpriced": 1,
    "resources": 4,
}  # fmt: skip
CELLS, MAISONS = {"cn-sha-1"}, {"aurelia", "calisto"}


def test_what_is_declared_stays_as_it_is() -> None:
    rows = [ROW, {**ROW, "maison": "shared"}, {**ROW, "maison": None, "cell": None, "region": "global"}]
    assert declared(rows, cells=CELLS, maisons=MAISONS) == (rows, {})


def test_what_is_not_is_nobodys_and_is_counted_by_label() -> None:
    rows = [{**ROW, label: "wang-xiaoming"} for label in ("maison", "cell", "provider", "region")]
    made, counts = declared(rows, cells=CELLS, maisons=MAISONS)
    assert [one["maison"] for one in made] == ["shared", "aurelia", "aurelia", "aurelia"]
    assert [one["cell"] for one in made] == ["cn-sha-1", None, "cn-sha-1", "cn-sha-1"]
    assert (made[2]["provider"], made[3]["region"]) == ("other", "unknown")
    assert counts == {"maison": 1, "cell": 1, "provider": 1, "region": 1}
    assert "wang" not in repr((made, counts))


def test_rows_that_become_one_group_become_one_row_that_claims_no_more_than_its_parts() -> None:
    rows = [
        {**ROW, "maison": "shared"},
        {**ROW, "maison": "gone", "billed": "0.0000000001", "status": "provisional"},
        {**ROW, "maison": "gone-too", "effective": None, "resources": None, "unpriced": 0},
    ]
    (made,), counts = declared(rows, cells=CELLS, maisons=MAISONS)
    assert Decimal(made["billed"]) == Decimal("24.6000000001")
    assert (made["effective"], made["resources"], made["unpriced"], made["status"]) == (None, None, 2, "provisional")
    assert counts == {"maison": 2}


NAMES = st.sampled_from(["aurelia", "calisto", "shared", "wang", None, "cn-sha-1", "eu-ams-1", "cn-shanghai", "gcp"])


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(("maison", "cell", "provider", "region"), NAMES)), max_size=9))
def test_all_that_is_published_leaves_and_no_money_is_lost(changes: list[dict[str, Any]]) -> None:
    rows = [{**ROW, **change} for change in changes]
    made, _ = declared(rows, cells=CELLS, maisons=MAISONS)
    groups = {("cn", cell, maison) for cell in (*CELLS, None) for maison in (*MAISONS, "shared", None)}
    found = filter_rows(load_contract(), "cost", [("cost", one) for one in made], known={"cost": groups})
    assert (found.rejected, len(found.items)) == (0, len(made))
    assert sum(Decimal(one["billed"]) for one in made) == sum(Decimal(one["billed"]) for one in rows)
    assert len({tuple(one[name] for name in ("provider", "region", "cell", "maison")) for one in made}) == len(made)
