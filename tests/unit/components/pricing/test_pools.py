"""How many machines of which kind a resource's inputs stand for, on each cloud."""

from __future__ import annotations

from typing import Any

import pytest

from components.pricing.pools import Machines, machines

ACK, GKE = "alicloud:cs/nodePool:NodePool", "gcp:container/nodePool:NodePool"
AKS, AKS_CLUSTER = (f"azure-native:containerservice:{one}" for one in ("AgentPool", "ManagedCluster"))


@pytest.mark.parametrize(
    ("kind", "inputs", "found"),
    [
        (
            ACK,
            {"instanceTypes": ["ecs.g7.xlarge"], "scalingConfig": {"enable": True, "minSize": 1, "maxSize": 3}},
            Machines(sku="ecs.g7.xlarge", least=1, most=3),
        ),
        (
            ACK,
            {"instanceTypes": ["ecs.g7.xlarge"], "desiredSize": "2", "spotStrategy": "SpotAsPriceGo"},
            Machines(sku="ecs.g7.xlarge", least=2, most=2, kind="spot"),
        ),
        # Which of several the cloud will give is not known; nor is a size that nobody names.
        (
            ACK,
            {"instanceTypes": ["a", "b"], "scalingConfig": {"enable": True, "minSize": 0}},
            Machines(sku=None, least=0, most=None),
        ),
        (
            GKE,
            {
                "nodeConfig": {"machineType": "e2-standard-4"},
                "autoscaling": {"totalMinNodeCount": 1, "totalMaxNodeCount": 3.0},
            },
            Machines(sku="e2-standard-4", least=1, most=3),
        ),
        # Bounds without `total` are per zone.
        (
            GKE,
            {
                "nodeConfig": {"machineType": "e2-standard-4", "spot": True},
                "autoscaling": {"minNodeCount": 0, "maxNodeCount": 2},
                "nodeLocations": ["a", "b", "c"],
            },
            Machines(sku="e2-standard-4", least=0, most=6, kind="spot"),
        ),
        (
            GKE,
            {"nodeConfig": {"machineType": "e2-standard-4"}, "nodeCount": 2, "nodeLocations": ["a", "b"]},
            Machines(sku="e2-standard-4", least=4, most=4),
        ),
        (
            GKE,
            {"nodeConfig": {"machineType": "e2-standard-4"}, "nodeCount": 2},
            Machines(sku="e2-standard-4", least=None, most=None),
        ),
        (
            AKS,
            {"vmSize": "Standard_D4ds_v5", "enableAutoScaling": True, "minCount": 0, "maxCount": 4, "count": 0},
            Machines(sku="Standard_D4ds_v5", least=0, most=4),
        ),
        (
            AKS,
            {"vmSize": "Standard_D4ds_v5", "count": 3, "scaleSetPriority": "Spot"},
            Machines(sku="Standard_D4ds_v5", least=3, most=3, kind="spot"),
        ),
    ],
)
def test_a_pool_is_a_range_of_machines_of_one_kind(kind: str, inputs: dict[str, Any], found: Machines) -> None:
    assert machines(kind, inputs) == (found,)


def test_a_cluster_has_the_pools_that_stand_inside_it() -> None:
    pools = [
        {"vmSize": "Standard_D4ds_v5", "enableAutoScaling": True, "minCount": 1, "maxCount": 3},
        {"vmSize": "Standard_D8ds_v5", "count": 1},
    ]
    assert [(one.sku, one.least, one.most) for one in machines(AKS_CLUSTER, {"agentPoolProfiles": pools})] == [
        ("Standard_D4ds_v5", 1, 3),
        ("Standard_D8ds_v5", 1, 1),
    ]
    assert machines(AKS_CLUSTER, {}) == ()
    assert machines("gcp:storage/bucket:Bucket", {"nodeConfig": {}}) == ()
