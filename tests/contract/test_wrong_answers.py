"""The contract is judged by what a cloud answers: one that answers otherwise than it was asked breaks its promise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract import cells, test_cell, test_databases_and_caches

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(bool(cells.ASKED), reason="a cell that is up is asked as it is")

GUARANTEES = test_cell.test_the_outputs_hold_what_the_resources_guarantee
REGISTRY = test_cell.test_the_registry_is_closed_lies_in_the_region_and_is_encrypted_as_far_as_its_cloud_can
CACHE = test_databases_and_caches.test_the_cache_has_a_replica_is_private_and_asks_for_tls_and_a_login
DATABASE = (
    test_databases_and_caches.test_the_database_stands_in_two_zones_is_private_and_takes_encrypted_connections_only
)
POOL = test_cell.test_a_gpu_pool_starts_at_nothing_and_keeps_others_out
MINOR = test_cell.test_no_cloud_changes_a_minor_version_by_itself
TAGS = test_cell.test_every_resource_that_takes_tags_has_the_four
PULL = test_cell.test_the_nodes_and_nobody_else_may_pull


@pytest.mark.parametrize(
    ("cloud", "token", "answer", "promise"),
    [
        ("alicloud", "alicloud:vpc/network:Network", {"tags": {"twain-cell": "other"}}, TAGS),
        ("alicloud", "alicloud:redis/tairInstance:TairInstance", {"sslEnabled": "Disable"}, CACHE),
        ("alicloud", "alicloud:rds/instance:Instance", {"sslAction": "Close"}, DATABASE),
        ("alicloud", "alicloud:cs/nodePool:NodePool", {"systemDiskEncrypted": False}, GUARANTEES),
        ("gcp", "gcp:storage/bucket:Bucket", {"publicAccessPrevention": "inherited"}, GUARANTEES),
        ("gcp", "gcp:memorystore/instance:Instance", {"transitEncryptionMode": "TRANSIT_ENCRYPTION_DISABLED"}, CACHE),
        ("gcp", "gcp:container/cluster:Cluster", {"releaseChannel": {"channel": "RAPID"}}, MINOR),
        (
            "gcp",
            "gcp:container/nodePool:NodePool",
            {"autoscaling": {"totalMinNodeCount": 1, "totalMaxNodeCount": 4}},
            POOL,
        ),
        ("azure", "azure-native:containerregistry:Registry", {"publicNetworkAccess": "Enabled"}, REGISTRY),
        ("azure", "azure-native:containerregistry:Registry", {"adminUserEnabled": True}, REGISTRY),
        ("azure", "azure-native:redisenterprise:RedisEnterprise", {"minimumTlsVersion": "1.0"}, CACHE),
        (
            "azure",
            "azure-native:containerservice:ManagedCluster",
            {"autoUpgradeProfile": {"upgradeChannel": "stable"}},
            MINOR,
        ),
    ],
)
def test_a_cloud_that_answers_otherwise_than_it_was_asked_breaks_the_promise(
    cloud: str, token: str, answer: dict[str, Any], promise: Callable[[cells.Made, str], None]
) -> None:
    made = cells.infra("emulated", cloud, stated={token: answer})
    assert made[0].of(token)
    _kept(promise, cells.cell("emulated", cloud), cloud)
    with pytest.raises(AssertionError):
        _kept(promise, made, cloud)


def _kept(promise: Callable[..., None], made: cells.Made, cloud: str) -> None:
    if promise is TAGS:
        promise(made)
    else:
        promise(made, cloud)
