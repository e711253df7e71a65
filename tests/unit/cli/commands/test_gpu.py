"""GPU classes and offers: from the tables, with dates, and unknown where no source speaks."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from components.clouds import gpu, regions


def items(operator: Any, *args: str) -> list[dict[str, Any]]:
    ran = operator.twain("gpu", *args, "-o", "json")
    assert ran.code == 0, ran.err
    return ran.json["items"]


def test_every_class_says_its_contract_and_who_meets_it(operator: Any) -> None:
    found = {item["class"]: item for item in items(operator, "classes")}
    assert set(found) == set(gpu.CLASSES)
    assert found["gpu-80g"]["clouds"] == ["alicloud", "gcp", "azure"]
    assert "Tesla T4" not in found["gpu-24g"]["models"]
    assert found["gpu-48g"]["clouds"] == []


def test_an_offer_has_its_price_in_the_clouds_own_currency_with_day_and_source(operator: Any) -> None:
    asked = ("offers", "--class", "gpu-80g", "--region", "francecentral")
    found = {item["gpus"]: item for item in items(operator, *asked)}
    one = found[1]
    assert (one["world"], one["machine"], one["stock"]) == ("row", "Standard_NC24ads_A100_v4", "listed")
    assert one["price"]["currency"] == "EUR"
    assert Decimal(one["price"]["perHour"]) > 0
    assert one["price"]["asOf"].startswith("2026-")
    assert one["price"]["source"]
    assert {item["cloud"] for item in found.values()} == {"azure"}


def test_a_machine_that_is_sold_as_spot_only_is_named_with_its_reason_and_without_a_price(operator: Any) -> None:
    asked = ("offers", "--cloud", "gcp", "--region", "europe-west4", "--class", "gpu-80g-fp8")
    found = {item["machine"]: item for item in items(operator, *asked)}
    assert (found["a3-highgpu-2g"]["stock"], found["a3-highgpu-2g"]["price"]) == ("spot only", None)
    assert "Spot or by Flex-start only" in found["a3-highgpu-2g"]["reason"]
    assert (found["a3-highgpu-8g"]["stock"], found["a3-highgpu-8g"]["reason"]) == ("listed", None)
    assert Decimal(found["a3-highgpu-8g"]["price"]["perHour"]) > 0


def test_names_are_place_and_machine(operator: Any) -> None:
    asked = ("gpu", "offers", "--class", "gpu-90g-fp8", "--region", "westeurope", "-o", "name")
    assert operator.twain(*asked).out.split() == [
        "row/westeurope/Standard_NC40ads_H100_v5",
        "row/westeurope/Standard_NC80adis_H100_v5",
    ]
    assert operator.twain("gpu", "classes", "-o", "name").out.split() == list(gpu.CLASSES)


def test_what_has_no_price_is_unknown_and_not_free(operator: Any) -> None:
    found = items(operator, "offers", "--world", "cn", "--class", "gpu-24g")
    assert {item["price"] for item in found} == {None}
    assert {regions.world_of("alicloud", item["region"]) for item in found} == {"cn"}
    table = operator.twain("gpu", "offers", "--world", "cn", "--class", "gpu-24g").out
    assert "unknown" in table
    assert "0.00" not in table


def test_a_made_up_price_is_marked(operator: Any) -> None:
    ran = operator.twain("gpu", "offers", "--region", "cn-shanghai", "--class", "gpu-80g")
    assert "35.00 CNY*" in ran.out
    assert "made up for the rehearsal" in ran.out + ran.err


def test_a_family_without_a_source_is_named_and_not_taken_for_absent(operator: Any) -> None:
    (found,) = items(operator, "offers", "--world", "cn", "--class", "gpu-90g-fp8")
    assert (found["model"], found["stock"], found["region"], found["price"]) == ("NVIDIA H20", "unknown", None, None)
    assert items(operator, "offers", "--world", "cn", "--class", "gpu-140g-fp8") == []
    assert items(operator, "offers", "--cloud", "azure", "--class", "gpu-48g") == []


def test_each_cell_has_a_row_for_every_class_and_names_the_pool_that_uses_it(operator: Any) -> None:
    found = items(operator, "list")
    for cell in ("cn-sha-1", "eu-ams-1", "eu-par-1"):
        own = [item for item in found if item["cell"] == cell]
        assert {item["class"] for item in own} == set(gpu.CLASSES)
        assert [(item["pool"], item["gpus"]) for item in own if item["pool"]] == [("gpu80g", 1)]
    by_class = {item["class"]: item for item in found if item["cell"] == "cn-sha-1"}
    assert by_class["gpu-90g-fp8"]["stock"] == "unknown"
    assert by_class["gpu-140g-fp8"]["stock"] == "not listed"
    assert by_class["gpu-140g-fp8"]["price"] is None


def test_every_pool_is_listed_with_its_own_bounds(operator: Any) -> None:
    """Two pools of one class and size, one that starts above nothing, and one of a class that the region has not."""
    pools = """      - {name: gpu80g, gpu_class: gpu-80g, gpus_per_node: 1, min: 0, max: 4}
      - {name: warm, gpu_class: gpu-80g, gpus_per_node: 1, min: 2, max: 6}
      - {name: rare, gpu_class: gpu-80g, gpus_per_node: 7, min: 1, max: 1}
"""
    first, *_ = pools.splitlines(keepends=True)
    text = operator.fleet.read_text()
    assert first in text
    operator.fleet = operator.home / "fleet.yaml"
    operator.fleet.write_text(text.replace(first, pools))
    operator.write()
    for cell in ("cn-sha-1", "eu-ams-1", "eu-par-1"):
        own = [item for item in items(operator, "list", "--cell", cell) if item["pool"]]
        assert [(item["pool"], item["gpus"], item["min"], item["max"]) for item in own] == [
            ("gpu80g", 1, 0, 4), ("warm", 1, 2, 6), ("rare", 7, 1, 1),
        ]  # fmt: skip
        assert [item["stock"] == "listed" for item in own][2] is False
    table = operator.twain("gpu", "list", "--cell", "eu-ams-1").out
    assert ("warm 2..6" in table, "gpu80g 0..4" in table) == (True, True)


@pytest.mark.parametrize("args", [("offers", "--class", "gpu-640g"), ("list", "--class", "h100")])
def test_an_unknown_class_ends_with_6_and_names_those_that_exist(operator: Any, args: tuple[str, ...]) -> None:
    ran = operator.twain("gpu", *args)
    assert ran.code == 6
    assert "gpu-80g-fp8" in ran.err
