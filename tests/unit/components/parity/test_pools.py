"""Pools are read wherever they are declared, and what a cluster makes by itself is unknown, with the reason."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from cli import subjects
from components.parity import compare, state
from tests.unit.components.parity import plans
from tests.unit.components.parity.seeds import (
    ALI_CLUSTER,
    ALI_POOL,
    AZ_CLUSTER,
    AZ_POOL,
    GCP_CLUSTER,
    GCP_POOL,
    UNKNOWN_NODES,
)

if TYPE_CHECKING:
    from pathlib import Path

OF_GPUS = ("gpu.class", "gpu.rate", "gpu.scale_from_zero", "gpu.sharing", "gpu.taint", "gpu.driver",
           "cluster_autoscaling")  # fmt: skip
GKE = {"name": "prod", "location": "europe-west4", "minMasterVersion": "1.35"}
GPU_NODE = {"machineType": "a2-ultragpu-1g", "guestAccelerators": [{"type": "nvidia-a100-80gb", "count": 1}]}
GKE_POOL = {"name": "gpus", "autoscaling": {"minNodeCount": 0, "maxNodeCount": 4}, "nodeConfig": GPU_NODE}
AKS = {"resourceName": "prod", "kubernetesVersion": "1.35"}
A100 = "Standard_NC24ads_A100_v4"
AKS_POOL = {"name": "gpus", "vmSize": A100, "enableAutoScaling": True, "minCount": 0}


def of_gpus(cloud: str, *rows: tuple[str, str, dict[str, Any]]) -> set[str | None]:
    found = state.guarantees(rows, cloud)
    return {found[name] for name in OF_GPUS}


def inside(cloud: str) -> plans.Rows:
    """The plan of a cell with its pools moved into the cluster's own resource."""
    rows = plans.plan(cloud)
    if cloud == "gcp":
        own = plans.of_type(rows, GCP_POOL)
        plans.put(rows, GCP_CLUSTER, "nodePools", own)
        plans.drop(rows, GCP_POOL)
    else:
        own = [{**one, "name": one["agentPoolName"]} for one in plans.of_type(rows, AZ_POOL)]
        plans.put(rows, AZ_CLUSTER, "agentPoolProfiles", lambda old: [*old, *own])
        plans.drop(rows, AZ_POOL)
    return rows


@pytest.mark.parametrize("cloud", ["gcp", "azure"])
def test_a_pool_inside_its_cluster_guarantees_what_one_of_its_own_does(cloud: str) -> None:
    assert state.guarantees(inside(cloud), cloud) == state.guarantees(plans.plan(cloud), cloud)
    assert state.details(inside(cloud), cloud) == state.details(plans.plan(cloud), cloud)


@pytest.mark.parametrize("cloud", ["gcp", "azure"])
def test_a_cluster_that_lists_the_pools_that_are_resources_too_has_each_once(cloud: str) -> None:
    """As a state has it of a cluster that was read back."""
    rows = plans.plan(cloud)
    rows += [row for row in inside(cloud) if row["type"] in (GCP_CLUSTER, AZ_CLUSTER)]
    rows.remove(next(row for row in rows if row["type"] in (GCP_CLUSTER, AZ_CLUSTER)))
    assert state.guarantees(rows, cloud) == state.guarantees(plans.plan(cloud), cloud)


def test_pools_of_one_name_in_two_clusters_are_two() -> None:
    other = (GCP_CLUSTER, "b", {**GKE, "name": "other", "nodePools": [GKE_POOL]})
    own = (GCP_POOL, "p", {**GKE_POOL, "cluster": "projects/p/locations/l/clusters/prod"})
    found = state.guarantees([(GCP_CLUSTER, "a", {**GKE, "nodePools": []}), other, own], "gcp")
    assert found["gpu.class"] == "gpu-80g/1_gpu-80g/1"


@pytest.mark.parametrize(
    ("cloud", "token", "inputs"),
    [
        ("gcp", GCP_CLUSTER, {**GKE, "enableAutopilot": True}),
        ("gcp", GCP_CLUSTER, {**GKE, "enableAutopilot": UNKNOWN_NODES}),
        ("gcp", GCP_CLUSTER, {**GKE, "nodePools": UNKNOWN_NODES}),
        ("gcp", GCP_CLUSTER, {**GKE, "nodePools": [{"nodeConfig": {"machineType": UNKNOWN_NODES}}]}),
        ("gcp", GCP_CLUSTER, {**GKE, "initialNodeCount": 1, "nodeConfig": UNKNOWN_NODES}),
        (
            "gcp",
            GCP_CLUSTER,
            {**GKE, "clusterAutoscaling": {"enabled": True, "resourceLimits": [{"resourceType": "nvidia-l4"}]}},
        ),
        ("gcp", GCP_CLUSTER, {**GKE, "clusterAutoscaling": {"enabled": True, "resourceLimits": UNKNOWN_NODES}}),
        ("gcp", GCP_CLUSTER, {**GKE, "clusterAutoscaling": {"defaultComputeClassEnabled": True}}),
        ("azure", AZ_CLUSTER, {**AKS, "agentPoolProfiles": UNKNOWN_NODES}),
        ("azure", AZ_CLUSTER, {**AKS, "agentPoolProfiles": [UNKNOWN_NODES]}),
        ("azure", AZ_CLUSTER, {**AKS, "agentPoolProfiles": [{"name": "a", "vmSize": UNKNOWN_NODES}]}),
        ("azure", AZ_CLUSTER, {**AKS, "nodeProvisioningProfile": {"mode": "Auto"}}),
        ("azure", AZ_CLUSTER, {**AKS, "sku": {"name": "Automatic", "tier": "Standard"}}),
        ("alicloud", ALI_CLUSTER, {"autoMode": {"enabled": True}}),
        ("alicloud", ALI_CLUSTER, {"profile": "Acs"}),
    ],
)
def test_what_cannot_be_read_is_unknown_and_says_why_wherever_pools_count(
    cloud: str, token: str, inputs: dict[str, Any]
) -> None:
    row = (token, "cluster", inputs)
    assert of_gpus(cloud, row) == {None}
    values = state.guarantees([row], cloud)
    reasons = state.unread([row], cloud, values)
    assert set(OF_GPUS) <= set(reasons)
    assert all(values[name] is None for name in reasons)
    # The reason names the setting and nothing out of the file.
    assert all("(" in one and UNKNOWN_NODES not in one for one in reasons.values())


@pytest.mark.parametrize(
    ("cloud", "token", "inputs"),
    [
        ("gcp", GCP_CLUSTER, {**GKE, "enableAutopilot": False, "nodePools": [{"name": "plain"}]}),
        (
            "gcp",
            GCP_CLUSTER,
            {**GKE, "clusterAutoscaling": {"enabled": True, "resourceLimits": [{"resourceType": "cpu"}]}},
        ),
        ("gcp", GCP_CLUSTER, {**GKE, "clusterAutoscaling": {"enabled": False, "autoscalingProfile": "BALANCED"}}),
        ("gcp", GCP_CLUSTER, {**GKE, "initialNodeCount": 1, "nodeConfig": {"machineType": "e2-standard-4"}}),
        (
            "gcp",
            GCP_CLUSTER,
            {**GKE, "removeDefaultNodePool": True, "initialNodeCount": 1, "nodeConfig": GPU_NODE},
        ),
        ("azure", AZ_CLUSTER, {**AKS, "agentPoolProfiles": [{"name": "system", "vmSize": "Standard_D4ds_v5"}]}),
        ("azure", AZ_CLUSTER, {**AKS, "nodeProvisioningProfile": {"mode": "Manual"}, "sku": {"name": "Base"}}),
        ("alicloud", ALI_CLUSTER, {"autoMode": {"enabled": False}, "profile": "Default"}),
    ],
)
def test_a_cluster_that_declares_all_of_its_pools_and_no_gpu_has_none(
    cloud: str, token: str, inputs: dict[str, Any]
) -> None:
    row = (token, "cluster", inputs)
    assert of_gpus(cloud, row) == {"n/a"}
    assert state.unread([row], cloud, state.guarantees([row], cloud)) == {}


@pytest.mark.parametrize(
    ("cloud", "rows"),
    [
        ("gcp", [(GCP_CLUSTER, "c", {**GKE, "nodePools": [GKE_POOL]})]),
        ("gcp", [(GCP_CLUSTER, "c", {**GKE, "initialNodeCount": 1, "nodeConfig": GPU_NODE})]),
        ("gcp", [(GCP_CLUSTER, "c", GKE), (GCP_POOL, "p", {"nodeConfig": {"machineType": "a2-ultragpu-1g"}})]),
        ("azure", [(AZ_CLUSTER, "c", {**AKS, "agentPoolProfiles": [AKS_POOL]})]),
        ("azure", [(AZ_CLUSTER, "c", {**AKS, "agentPoolProfiles": [{**AKS_POOL, "vmSize": A100.lower()}]})]),
        (
            "azure",
            [
                (
                    AZ_CLUSTER,
                    "c",
                    {
                        **AKS,
                        "agentPoolProfiles": [
                            {
                                "type": "VirtualMachines",
                                "virtualMachinesProfile": {
                                    "scale": {"manual": [{"size": A100, "count": 1}]}
                                },
                            }
                        ],
                    },
                )
            ],
        ),
        ("alicloud", [(ALI_CLUSTER, "c", {}), (ALI_POOL, "p", {"instanceTypes": ["ecs.gn7e-c16g1.4xlarge"]})]),
    ],
)  # fmt: skip
def test_a_gpu_pool_is_seen_in_every_form_that_it_is_declared_in(
    cloud: str, rows: list[tuple[str, str, dict[str, Any]]]
) -> None:
    assert state.guarantees(rows, cloud)["gpu.class"] == "gpu-80g/1"


def test_a_weakness_that_is_declared_stays_one_beside_what_cannot_be_seen() -> None:
    """A pool without autoscaling and taint, in a cluster that makes others by itself."""
    pool = {"name": "gpus", "nodeConfig": GPU_NODE}
    limits = {"enabled": True, "resourceLimits": [{"resourceType": "nvidia-l4", "maximum": 4}]}
    row = (GCP_CLUSTER, "c", {**GKE, "nodePools": [pool], "clusterAutoscaling": limits})
    found = state.guarantees([row], "gcp")
    assert (found["cluster_autoscaling"], found["gpu.taint"], found["gpu.scale_from_zero"]) == ("none", "open", "no")
    assert found["gpu.class"] is found["gpu.sharing"] is found["gpu.driver"] is None


def test_autopilot_has_what_the_cloud_makes_part_of_it() -> None:
    row = (GCP_CLUSTER, "c", {**GKE, "enableAutopilot": True, "privateClusterConfig": {"enablePrivateNodes": True}})
    found = state.guarantees([row], "gcp")
    assert (found["identity.keyless"], found["network.policy"]) == ("federated", "enforced")
    assert (found["nodes.private"], found["nodes.metadata"]) == ("private", "guarded")
    assert found["disks.encryption"] == "cloud-key"


def test_a_strangers_autopilot_is_never_equal_and_never_without_gpus(tmp_path: Path) -> None:
    """Whole, as `parity diff ours.json theirs.json` has it; beside a twin that has no GPU either way."""
    ours, theirs = tmp_path / "ours.json", tmp_path / "theirs.json"
    ours.write_text(json.dumps({"resources": plans.plan("gcp")}), encoding="utf-8")
    cluster = {"type": GCP_CLUSTER, "urn": "urn::c", "inputs": {**GKE, "enableAutopilot": True}}
    theirs.write_text(json.dumps({"resources": [cluster]}), encoding="utf-8")
    found = [subjects.of_file(path) for path in (ours, theirs)]
    verdicts = compare.compare(
        {one.name: one.values for one in found}, fleet=None, fleet_path="", today=date(2026, 11, 20),
        about={one.name: one.about for one in found},
    )  # fmt: skip
    told = {one.capability: one for one in verdicts}
    for name in OF_GPUS:
        assert told[name].verdict == "unknown"
        assert told[name].reason == (
            "theirs: Autopilot makes the nodes by itself, so no pool is declared (enableAutopilot)"
        )
    # What has nothing to do with pools is told as ever.
    assert told["database.tls"].reason == "theirs has n/a, ours required"


def test_a_gap_between_others_says_what_is_hidden_in_the_third() -> None:
    values: dict[str, dict[str, str | None] | None] = {
        "a": {"gpu.taint": "tainted"}, "b": {"gpu.taint": "open"}, "c": {"gpu.taint": None},
    }  # fmt: skip
    about = {"c": compare.About(cloud="azure", unread={"gpu.taint": "an Automatic cluster (sku.name)"})}
    found = compare.compare(values, fleet=None, fleet_path="", today=date(2026, 11, 20), about=about)
    verdict = next(one for one in found if one.capability == "gpu.taint")
    assert verdict.verdict == "gap"
    assert (verdict.reason or "").endswith("; c: an Automatic cluster (sku.name)")


def test_two_reasons_for_silence_are_both_told() -> None:
    values: dict[str, dict[str, str | None] | None] = {"a": {"gpu.rate": None}, "b": {"gpu.rate": None}}
    about = {
        "a": compare.About(cloud="azure", details={"gpu.rate": "NVIDIA A100 80GB PCIe"}),
        "b": compare.About(cloud="gcp", unread={"gpu.rate": "Autopilot (enableAutopilot)"}),
    }
    found = compare.compare(values, fleet=None, fleet_path="", today=date(2026, 11, 20), about=about)
    verdict = next(one for one in found if one.capability == "gpu.rate")
    assert verdict.reason == ("no figure with a source for NVIDIA A100 80GB PCIe (a); b: Autopilot (enableAutopilot)")
