"""Invariants of the fact tables: regions, zones, machines, labels."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.clouds import gateways, gpu, labels, regions
from components.clouds.gpu_models import MODELS
from components.errors import NotSupportedError

CLOUDS = ("alicloud", "gcp", "azure")


def test_hong_kong_is_not_in_the_world_cn_although_its_name_begins_like_it() -> None:
    assert regions.world_of("alicloud", "cn-hongkong") == "row"
    assert "cn-hongkong" not in regions.MAINLAND


@pytest.mark.parametrize(
    "region", ["cn-beijing-finance-1", "cn-wuhan-lr", "cn-north-2-gov-1", "EU", "", "eu", "CN-SHANGHAI"]
)
def test_a_region_outside_the_tables_has_no_world(region: str) -> None:
    assert [regions.world_of(cloud, region) for cloud in CLOUDS] == [None, None, None]


def test_only_alibaba_cloud_has_regions_in_the_world_cn() -> None:
    worlds = {cloud: set(table.values()) for cloud, table in regions.WORLD_OF.items()}
    assert worlds == {"alicloud": {"cn", "row"}, "gcp": {"row"}, "azure": {"row"}}


def test_the_mainland_is_the_list_of_fourteen() -> None:
    assert len(regions.MAINLAND) == len(set(regions.MAINLAND)) == 14


def test_zones_of_an_unknown_region_are_an_error_that_names_the_way_out() -> None:
    with pytest.raises(NotSupportedError, match="name them in the cell"):
        regions.zones("alicloud", "eu-west-1")


@pytest.mark.parametrize("cloud", CLOUDS)
def test_each_machine_is_offered_in_known_regions_and_says_who_says_so(cloud: str) -> None:
    for machine in gpu.MACHINES[cloud]:
        assert machine.gpu_class in gpu.CLASSES
        assert machine.source
        assert machine.as_of
        assert machine.regions
        assert {region for region in machine.regions if regions.world_of(cloud, region) is None} == set()
        assert machine.interconnect == "none" if machine.gpus == 1 else machine.interconnect in {"pcie", "nvlink"}
        assert machine.stock in {"listed", "on request", "spot only"}
        held = gpu.withheld(cloud, machine.gpu_class, machine.gpus) or ""
        assert held.startswith(f"{machine.instance_type} is ") == (machine.stock == "spot only")


@pytest.mark.parametrize("cloud", CLOUDS)
def test_each_machine_meets_its_class_and_is_named_once(cloud: str) -> None:
    names = [machine.instance_type for machine in gpu.MACHINES[cloud]]
    assert len(names) == len(set(names))
    for machine in gpu.MACHINES[cloud]:
        assert gpu.CLASSES[machine.gpu_class].met_by(MODELS[machine.gpu_model]), machine
    for family in gpu.UNLISTED:
        assert gpu.CLASSES[family.gpu_class].met_by(MODELS[family.gpu_model]), family


def test_a_class_is_not_met_by_less_memory_less_compute_or_a_missing_format() -> None:
    hopper = gpu.CLASSES["gpu-80g-fp8"]
    assert not hopper.met_by(MODELS["NVIDIA A100-SXM4-80GB"])
    assert not hopper.met_by(dataclasses.replace(MODELS["NVIDIA H100 80GB HBM3"], memory_gib=60))
    assert not hopper.met_by(MODELS["NVIDIA H20"])
    assert gpu.CLASSES["gpu-90g-fp8"].met_by(MODELS["NVIDIA H20"])
    assert not gpu.CLASSES["gpu-24g"].met_by(dataclasses.replace(MODELS["NVIDIA A10"], bf16=False))


def test_what_the_export_rules_keep_out_of_the_mainland_is_not_offered_there() -> None:
    inside = {m.gpu_model for m in gpu.MACHINES["alicloud"] if set(m.regions) & set(regions.MAINLAND)}
    assert inside == {"Tesla T4", "NVIDIA A10", "NVIDIA A100-SXM4-80GB"}
    assert len(gpu.CLASSES) >= 6


@pytest.mark.parametrize(
    ("cloud", "region", "machine"),
    [
        ("alicloud", "cn-shanghai", "ecs.gn7e-c16g1.4xlarge"),
        ("gcp", "europe-west4", "a2-ultragpu-1g"),
        ("azure", "francecentral", "Standard_NC24ads_A100_v4"),
    ],
)
def test_the_class_of_80_gib_is_a_machine_on_each_cloud(cloud: str, region: str, machine: str) -> None:
    found = gpu.machine(cloud, region, "gpu-80g", 1)
    assert found is not None
    assert found.instance_type == machine


def test_a_class_that_a_region_does_not_offer_is_no_machine() -> None:
    assert gpu.machine("alicloud", "cn-chengdu", "gpu-80g", 1) is None
    assert gpu.machine("gcp", "europe-west4", "gpu-80g", 7) is None
    assert "europe-west4" in gpu.regions_of("gcp", "gpu-80g", 1)


@pytest.mark.parametrize("gpus", [1, 2, 4])
def test_what_is_not_sold_on_demand_is_no_machine(gpus: int) -> None:
    assert gpu.machine("gcp", "europe-west4", "gpu-80g-fp8", gpus) is None
    assert gpu.regions_of("gcp", "gpu-80g-fp8", gpus) == ()
    assert gpu.withheld("gcp", "gpu-80g-fp8", gpus) == (
        f"a3-highgpu-{gpus}g is sold as Spot or by Flex-start only, and pools here are on demand"
    )


def test_the_whole_machine_of_that_family_is_one() -> None:
    found = gpu.machine("gcp", "europe-west4", "gpu-80g-fp8", 8)
    assert found is not None
    assert (found.instance_type, gpu.sizes_of("gcp", "europe-west4", "gpu-80g-fp8")) == ("a3-highgpu-8g", (8,))
    assert gpu.withheld("gcp", "gpu-80g-fp8", 8) is None
    assert gpu.withheld("azure", "gpu-80g-fp8", 2) is None


def test_each_size_and_gateway_exists_on_each_cloud() -> None:
    assert all(gpu.cpu_machine(cloud, size) for cloud in CLOUDS for size in ("cpu-4", "cpu-8", "cpu-16"))
    assert set(gateways.IMPLEMENTATIONS) == set(CLOUDS)


@given(st.dictionaries(st.text(max_size=70), st.text(max_size=70), max_size=12))
def test_tags_that_pass_are_valid_on_all_three_clouds(tags: dict[str, str]) -> None:
    if labels.problems(tags):
        return
    assert len(tags) <= 10
    assert len({key.lower() for key in tags}) == len(tags)
    assert all(1 <= len(key) <= 63 and 1 <= len(value) <= 63 for key, value in tags.items())


@pytest.mark.parametrize(
    "tags",
    [
        {"Brand": "x"},
        {"brand": "Maison"},
        {"brand": ""},
        {"aliyun-x": "y"},
        {"goog-x": "y"},
        {"品牌": "x"},
        {"a b": "c"},
    ],
)
def test_a_tag_that_one_cloud_refuses_is_a_problem(tags: dict[str, str]) -> None:
    assert labels.problems(tags)


def test_an_eleventh_tag_is_a_problem() -> None:
    assert labels.problems({f"key-{number}": "v" for number in range(11)})
