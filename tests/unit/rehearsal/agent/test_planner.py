from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from rehearsal.agent import machines, planner, scheduling
from rehearsal.providers.store import Pool, Taint

GPU = Pool(
    name="gpu80g",
    cell="c",
    cloud="gcp",
    kind="gpu",
    gpu_class="gpu-80g",
    instance_type="a2-ultragpu-1g",
    gpus=1,
    min=0,
    max=4,
    zones=("europe-west4-a", "europe-west4-b"),
    labels={"twain/gpu-class": "gpu-80g"},
    taints=(Taint(key="nvidia.com/gpu", value="present", effect="NoSchedule"),),
)
SYSTEM = replace(
    GPU,
    name="system",
    kind="system",
    gpu_class=None,
    instance_type="e2-standard-4",
    gpus=0,
    min=1,
    max=3,
    labels={},
    taints=(),
)


def pod(name: str, *, gpus: int = 1, cpu: str = "1", **spec: Any) -> dict[str, Any]:
    limits = {"cpu": cpu} | ({"nvidia.com/gpu": str(gpus)} if gpus else {})
    tolerations = [{"key": "nvidia.com/gpu", "operator": "Exists"}] if gpus else []
    body = {"containers": [{"name": "x", "resources": {"limits": limits}}], "tolerations": tolerations, **spec}
    return {"metadata": {"name": name, "namespace": "n"}, "spec": body, "status": {}}


def plan(waiting: list[dict[str, Any]], **changes: Any) -> planner.Plan:
    given: dict[str, Any] = {
        "pools": [SYSTEM, GPU],
        "nodes": [replace_name(planner.imagined(SYSTEM, region="r"), "s1")],
        "coming": {},
        "waiting": waiting,
        "room": 30,
        "region": "europe-west4",
    }
    return planner.scale_up(**(given | changes))


def replace_name(machine: scheduling.Machine, name: str) -> scheduling.Machine:
    machine.name = name
    return machine


def test_a_cell_without_nodes_gets_its_pools_minimum() -> None:
    assert plan([], nodes=[]).add == {"system": 1}


def test_each_gpu_pod_that_fits_nowhere_takes_one_machine_up_to_the_maximum() -> None:
    result = plan([pod(f"p{number}") for number in range(6)])
    assert result.add == {"gpu80g": 4}
    assert len(result.refused) == 2
    assert set(result.refused.values()) == {"pool gpu80g is at its maximum of 4"}


def test_machines_on_their_way_are_counted() -> None:
    assert plan([pod("a"), pod("b")], coming={"gpu80g": 2}).add == {}
    assert plan([pod("a"), pod("b"), pod("c")], coming={"gpu80g": 2}).add == {"gpu80g": 1}
    assert plan([pod(f"p{number}") for number in range(6)], coming={"gpu80g": 3}).add == {"gpu80g": 1}


def test_a_pod_that_fits_a_free_node_needs_no_machine() -> None:
    free = replace_name(planner.imagined(GPU, region="r"), "g1")
    system = planner.imagined(SYSTEM, region="r")
    assert plan([pod("a")], nodes=[system, free]).add == {}


def test_a_pod_without_toleration_is_helped_by_no_gpu_pool() -> None:
    result = plan([pod("a", tolerations=[])])
    assert result.add == {}
    assert result.refused == {("n", "a"): "no pool has machines that fit this pod"}


def test_a_selector_that_no_pool_satisfies_is_refused() -> None:
    assert plan([pod("a", nodeSelector={"twain/gpu-class": "gpu-24g"})]).add == {}
    assert plan([pod("a", nodeSelector={"twain/gpu-class": "gpu-80g"})]).add == {"gpu80g": 1}


def test_a_pool_out_of_stock_is_not_asked_and_says_so() -> None:
    result = plan([pod("a")], held_back=["gpu80g"])
    assert result.add == {}
    assert "a2-ultragpu-1g is out of stock" in result.refused["n", "a"]


def test_a_full_address_range_stops_growth() -> None:
    result = plan([pod("a"), pod("b")], room=1)
    assert result.add == {"gpu80g": 1}
    assert "address range" in next(iter(result.refused.values()))


def test_a_cpu_pod_goes_to_the_system_pool_first() -> None:
    result = plan([pod("a", gpus=0, cpu="3"), pod("b", gpus=0, cpu="3")])
    assert result.add == {"system": 1}


def test_pods_on_a_node_take_from_what_it_offers() -> None:
    node = {
        "metadata": {"name": "g1", "labels": {"twain/gpu-class": "gpu-80g"}, "annotations": {"twain/pool": "gpu80g"}},
        "spec": {"taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]},
        "status": {"allocatable": {"cpu": "11900m", "memory": "150Gi", "nvidia.com/gpu": "1", "pods": "110"}},
    }
    done = pod("done") | {"status": {"phase": "Succeeded"}}
    full = planner.existing(node, [pod("a"), done])
    assert full.pool == "gpu80g"
    assert full.free["nvidia.com/gpu"] == 0
    assert planner.existing(node, [done]).free["nvidia.com/gpu"] == 1


def test_idle_nodes_go_down_to_the_minimum_longest_idle_first() -> None:
    nodes = [replace_name(planner.imagined(GPU, region="r"), name) for name in ("g1", "g2", "g3")]
    since = {"g1": 50.0, "g2": 10.0}
    idle = {"pools": [GPU], "nodes": nodes, "now": 100.0, "speed": 60.0}
    assert planner.scale_down(idle_since=since, **idle) == ["g2", "g1"]
    assert planner.scale_down(idle_since=since, **(idle | {"pools": [replace(GPU, min=2)]})) == ["g2"]
    assert planner.scale_down(idle_since={"g1": 90.0}, **idle) == []


def test_nodes_of_a_pool_that_is_gone_go_at_once() -> None:
    nodes = [replace_name(planner.imagined(GPU, region="r"), "g1")]
    assert planner.scale_down(pools=[SYSTEM], nodes=nodes, idle_since={}, now=0.0, speed=60.0) == ["g1"]


def homed(pool: Pool, zone: str, *, born: float = 1000.0) -> scheduling.Machine:
    labels = machines.labels(pool, zone=zone, region="r", name="n")
    node = {
        "metadata": {"name": "n", "labels": labels, "annotations": {"twain/pool": pool.name},
                     "creationTimestamp": datetime.fromtimestamp(born, tz=UTC).isoformat(timespec="seconds")},
        "spec": {},
    }  # fmt: skip
    return planner.existing(node, [])


@pytest.mark.parametrize(
    ("cloud", "zones", "goes"), [("gcp", ("b",), True), ("alicloud", ("b",), False), ("gcp", ("a", "b"), False)]
)
def test_a_zone_that_a_pool_left_loses_its_nodes_where_the_cloud_removes_them(
    cloud: str, zones: tuple[str, ...], goes: bool
) -> None:
    pool = replace(GPU, cloud=cloud, zones=zones, created=900.0)
    gone = planner.scale_down(pools=[pool], nodes=[homed(pool, "a")], idle_since={}, now=0.0, speed=60.0)
    assert gone == (["n"] if goes else [])


@pytest.mark.parametrize(("made", "goes"), [(900.0, False), (1000.9, False), (1001.5, True)])
def test_nodes_go_with_the_pool_that_was_there_before_one_of_the_same_name(made: float, goes: bool) -> None:
    pool = replace(GPU, cloud="azure", zones=("a",), created=made)
    gone = planner.scale_down(pools=[pool], nodes=[homed(pool, "a")], idle_since={}, now=0.0, speed=60.0)
    assert gone == (["n"] if goes else [])


def test_waits_are_divided_by_speed_but_idling_has_a_floor() -> None:
    assert planner.create_delay(60) == 1.5
    assert planner.idle_delay(60) == 20
    assert planner.idle_delay(6) == 100


def test_only_gke_adds_the_gpu_taint_by_itself() -> None:
    bare = replace(GPU, taints=())
    assert machines.taints(bare) == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]
    assert machines.taints(replace(bare, cloud="alicloud")) == []
    assert machines.taints(GPU) == machines.taints(bare)


def test_each_cloud_labels_accelerators_in_its_own_words() -> None:
    def labels(cloud: str, size: str) -> dict[str, str]:
        return machines.labels(replace(GPU, cloud=cloud, instance_type=size), zone="z", region="r", name="n")

    assert labels("gcp", "a2-ultragpu-1g")["cloud.google.com/gke-accelerator"] == "nvidia-a100-80gb"
    assert labels("alicloud", "ecs.gn7e-c16g1.4xlarge")["aliyun.accelerator/nvidia_name"] == "NVIDIA-A100-SXM4-80GB"
    assert labels("azure", "Standard_NC24ads_A100_v4")["kubernetes.azure.com/accelerator"] == "nvidia"
    assert labels("gcp", "a2-ultragpu-1g")["twain/gpu-class"] == "gpu-80g"


def test_quantities_read_as_the_api_means_them() -> None:
    assert scheduling.quantity("250m") == 0.25
    assert scheduling.quantity("2Gi") == 2 * 2**30
    assert scheduling.quantity("1e3") == 1000
    assert scheduling.quantity(3) == 3


def test_the_largest_init_container_counts_when_it_is_more_than_the_sum() -> None:
    body = pod("a", cpu="1")
    body["spec"]["initContainers"] = [{"name": "i", "resources": {"requests": {"cpu": "4"}}}]
    assert scheduling.requests(body)["cpu"] == 4
