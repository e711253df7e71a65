"""What a change of the fleet costs a month, told by `stack preview` on the engine's own plan; nothing is brought up."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tests.integration.fleets import Fleet

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.conftest import Stage

LARGER = ("gpus_per_node: 1, min: 0, max: 4", "gpus_per_node: 1, min: 1, max: 6")
CELLS = {"eu-ams-1": "USD", "eu-par-1": "EUR"}


def test_a_larger_gpu_pool_costs_a_range_in_the_currency_of_each_cloud(stage: Stage, tmp_path: Path) -> None:
    fleet = Fleet(stage, tmp_path, LARGER)
    ran = fleet.twain("row", "stack", "preview", "--layer", "infra", "-o", "json")
    assert ran.code == 0, ran.out + ran.err
    found = {item["cell"]: item["cost"] for item in ran.json["items"]}
    assert set(found) == set(CELLS)
    for cell, currency in CELLS.items():
        (line,) = found[cell]["priced"]
        assert (line["name"], line["op"], line["currency"]) == (f"{cell}-gpu80g", "update", currency)
        assert (line["before"], line["after"]) == (
            {"atSmallest": "0", "atLargest": "4"},
            {"atSmallest": "1", "atLargest": "6"},
        )
        month = Decimal(line["price"]) * found[cell]["hours"]
        assert {at: Decimal(sum_) for at, sum_ in line["monthly"].items()} == {
            "atSmallest": month,
            "atLargest": month * 2,
        }
        assert found[cell]["unpriced"] == []
    # Two currencies are two sums.
    assert [one["currency"] for one in ran.json["cost"]["totals"]] == ["EUR", "USD"]


def test_a_change_of_nothing_that_is_billed_costs_nothing(stage: Stage) -> None:
    ran = stage.operator("row", "stack", "preview", "--cell", "eu-ams-1", "--layer", "infra", "-o", "json")
    assert ran.code == 0, ran.out + ran.err
    assert ran.json["cost"] == {"hours": 730, "totals": [], "unpriced": 0, "unknown": []}
