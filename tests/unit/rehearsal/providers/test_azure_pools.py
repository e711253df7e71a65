"""What the emulated Azure refuses about the pools of a cluster that is up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rehearsal.kube import controlplane

if TYPE_CHECKING:
    from collections.abc import Callable

CLUSTER = "azure-native:containerservice:ManagedCluster"


def test_the_machine_of_a_pool_inside_a_cluster_that_is_up_is_not_changed(
    caller: Callable[[str], Any], refused: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    plane = controlplane.ControlPlane(endpoint="https://127.0.0.1:6443", ca_pem="")
    monkeypatch.setattr(controlplane, "ensure", lambda *_args, **_facts: plane)
    cloud = caller("azure-native")
    cloud.create("azure-native:resources:ResourceGroup", {"resourceGroupName": "rg"}, "rg")
    pool = {"name": "system", "mode": "System", "vmSize": "Standard_D4ds_v5", "count": 1, "maxCount": 3}
    inputs = {"resourceGroupName": "rg", "resourceName": "c", "location": "francecentral", "kubernetesVersion": "1.36"}
    tags = {"tags": {"twain-cell": "eu-par-1"}}
    id_, _outputs = cloud.create(CLUSTER, inputs | tags | {"agentPoolProfiles": [pool]}, "c")
    cloud.update(CLUSTER, id_, inputs | tags | {"agentPoolProfiles": [pool | {"maxCount": 5}]}, "c")
    other = inputs | tags | {"agentPoolProfiles": [pool | {"vmSize": "Standard_D8ds_v5"}]}
    with pytest.raises(refused, match=r"PropertyChangeNotAllowed.*agentPoolProfiles\[0\].vmSize"):
        cloud.update(CLUSTER, id_, other, "c")
    assert cloud.store.get_resource(id_).inputs["agentPoolProfiles"][0]["vmSize"] == "Standard_D4ds_v5"
