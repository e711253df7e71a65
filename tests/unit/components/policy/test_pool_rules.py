"""Rules over the GPU pools of a cell: the zones that each names, and machines that can be had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from components.errors import SpecError
from components.policy import spec_rules
from tests.unit.components.policy.test_spec_rules import TEXT, codes, fleet_with

if TYPE_CHECKING:
    from pathlib import Path

CIDRS = {"alicloud": "cidr: 10.64.0.0/14", "gcp": "cidr: 10.68.0.0/14", "azure": "cidr: 10.72.0.0/14"}


def pool_in(cloud: str, zones: str, *, cell: str = "") -> tuple[str, str]:
    """The change that gives the cell of a cloud a pool of its own in these zones; `cell` is what it says besides."""
    pool = f"{{name: gpu80g, gpu_class: gpu-80g, max: 4, zones: {zones}}}"
    return CIDRS[cloud], f"{CIDRS[cloud]}{cell}\n      template:\n        gpu_pools:\n          - {pool}"


@pytest.mark.parametrize(
    ("cloud", "zones", "found"),
    [
        ("alicloud", "[cn-shanghai-m]", []),
        ("gcp", "[europe-west4-b, europe-west4-a]", []),
        ("azure", '["2"]', []),
        ("alicloud", "[cn-shanghai-n]", [("SPEC-ZONE", "cn-shanghai-n")]),
        ("alicloud", "[cn-beijing-l]", [("SPEC-ZONE", "cn-beijing-l")]),
        ("alicloud", "[cn-hongkong-b]", [("RES-001", "cn-hongkong-b")]),
        ("gcp", "[europe-west4-a, europe-west4-c]", [("SPEC-ZONE", "europe-west4-c")]),
        ("gcp", "[us-central1-a, mars]", [("RES-001", "us-central1-a"), ("SPEC-ZONE", "mars")]),
        ("azure", '["1", "3", "francecentral-2"]', [("SPEC-ZONE", "3"), ("SPEC-ZONE", "francecentral-2")]),
    ],
)
def test_a_pool_lies_in_zones_of_its_cell(tmp_path: Path, cloud: str, zones: str, found: list[tuple[str, str]]) -> None:
    fleet = fleet_with(tmp_path, pool_in(cloud, zones))
    problems = spec_rules.problems_of(fleet, "fleet.yaml")
    assert [(one.code, one.value) for one in problems] == found
    number = list(CIDRS).index(cloud)
    assert all(one.where.startswith(f"spec.cells[{number}].template.gpu_pools[0].zones[") for one in problems)
    assert all(one.fix.startswith("use some of [") for one in problems)


def test_the_zones_of_a_pool_are_some_of_those_that_its_cell_names(tmp_path: Path) -> None:
    named = "\n      zones: [europe-west4-b, europe-west4-c]"
    (problem,) = spec_rules.problems_of(fleet_with(tmp_path, pool_in("gcp", "[europe-west4-a]", cell=named)), "f.yaml")
    assert problem.fix == "use some of [europe-west4-b, europe-west4-c]"
    assert "which europe-west4 has and the cell has not: zones of the cell leaves it out" in problem.message
    assert codes(fleet_with(tmp_path, pool_in("gcp", "[europe-west4-c]", cell=named))) == []


@pytest.mark.parametrize(("gpus", "found"), [(1, True), (2, True), (4, True), (8, False)])
def test_a_pool_of_machines_that_are_not_sold_on_demand_is_refused_with_what_is(
    tmp_path: Path, gpus: int, found: bool
) -> None:
    pool = f"{{name: h, gpu_class: gpu-80g-fp8, gpus_per_node: {gpus}, max: 1}}"
    change = (CIDRS["gcp"], f"{CIDRS['gcp']}\n      template: {{gpu_pools: [{pool}]}}")
    problems = spec_rules.problems_of(fleet_with(tmp_path, change), "fleet.yaml")
    assert [one.code for one in problems] == (["SPEC-SKU"] if found else [])
    for one in problems:
        assert f"a3-highgpu-{gpus}g is sold as Spot or by Flex-start only" in one.message
        assert one.fix == "gpus_per_node in europe-west4: 8"


def test_the_order_in_which_a_pool_names_its_zones_is_no_change(tmp_path: Path) -> None:
    (pool,) = (
        fleet_with(tmp_path, pool_in("gcp", "[europe-west4-b, europe-west4-a]")).resolved("eu-ams-1").template.gpu_pools
    )
    assert pool.within(("europe-west4-a", "europe-west4-b")) == ("europe-west4-a", "europe-west4-b")


def test_zones_in_the_template_of_all_cells_are_told_for_each_that_has_them_not(tmp_path: Path) -> None:
    fleet_file = tmp_path / "fleet.yaml"
    fleet_file.write_text(TEXT.replace("min: 0, max: 4}", "min: 0, max: 4, zones: [europe-west4-a]}"), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        spec_rules.load_checked(fleet_file)
    told = [(one.code, one.where, one.message.split()[1]) for one in caught.value.problems]
    where = "spec.template.gpu_pools[0].zones[0]"
    assert told == [("SPEC-ZONE", where, "cn-sha-1:"), ("SPEC-ZONE", where, "eu-par-1:")]
    line = fleet_file.read_text(encoding="utf-8").splitlines()[caught.value.problems[0].line - 1]
    assert "zones: [europe-west4-a]" in line
    assert all("cells[].template.gpu_pools" in one.fix for one in caught.value.problems)


@pytest.mark.parametrize(
    ("zones", "where", "says"),
    [
        ("[]", "", "must name one or more, or be left out."),
        ("[europe-west4-a, europe-west4-a]", "", "names europe-west4-a twice."),
        ("europe-west4-a", "", "input should be a valid tuple."),
        ("[1]", "[0]", "input should be a valid string."),
    ],
)
def test_zones_of_the_wrong_form_are_told_beside_all_else(tmp_path: Path, zones: str, where: str, says: str) -> None:
    fleet_file = tmp_path / "fleet.yaml"
    text = TEXT
    for old, new in (pool_in("gcp", zones), pool_in("azure", '["3"]')):
        text = text.replace(old, new)
    fleet_file.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        spec_rules.load_checked(fleet_file)
    assert {(one.code, one.where): one.message for one in caught.value.problems} == {
        ("SPEC-VALUE", f"spec.cells[1].template.gpu_pools[0].zones{where}"): says,
        ("SPEC-ZONE", "spec.cells[2].template.gpu_pools[0].zones[0]"): (
            "cell eu-par-1: its pool gpu80g cannot lie in zone 3, which francecentral has and the cell has not: "
            "without zones of its own it has the first two."
        ),
    }


def test_a_zone_of_a_cell_outside_its_world_is_about_residency(tmp_path: Path) -> None:
    for zone, code in (("cn-hongkong-b", "RES-001"), ("cn-beijing-l", "SPEC-ZONE"), ("cn-shanghai-z", "SPEC-ZONE")):
        old = CIDRS["alicloud"]
        assert codes(fleet_with(tmp_path, (old, f"{old}\n      zones: [cn-shanghai-l, {zone}]"))) == [code]
