"""The names of inputs are those that the SDK sends, so that a value is traced to where it comes from."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from pulumi_azure_native import containerservice
from pulumi_gcp import container

from stacks.wire import wire_inputs


@pytest.mark.parametrize(
    ("kind", "key", "sent"),
    [
        (containerservice.ManagedCluster, "disk_encryption_set_id", "diskEncryptionSetID"),
        (containerservice.ManagedCluster, "enable_rbac", "enableRBAC"),
        (containerservice.ManagedCluster, "resource_group_name", "resourceGroupName"),
        (containerservice.AgentPool, "vnet_subnet_id", "vnetSubnetID"),
        (container.Cluster, "enable_l4_ilb_subsetting", "enableL4IlbSubsetting"),
    ],
)
def test_a_name_is_the_one_of_the_sdk(kind: Any, key: str, sent: str) -> None:
    args = SimpleNamespace(resource=object.__new__(kind), props={key: 1})
    assert wire_inputs(cast("Any", args)) == {sent: 1}
