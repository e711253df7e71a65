"""What the emulated clouds refuse about images, drivers and the replacement of nodes, as the real ones do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rehearsal.kube import controlplane
from rehearsal.providers.wire import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

ACK, ACK_POOL = "alicloud:cs/managedKubernetes:ManagedKubernetes", "alicloud:cs/nodePool:NodePool"
GKE_POOL, AKS = "gcp:container/nodePool:NodePool", "azure-native:containerservice:ManagedCluster"
AKS_POOL = "azure-native:containerservice:AgentPool"
AT = "upgradeSettings"
DRIVER = "nodeConfig.guestAccelerators[0].gpuDriverInstallationConfig.gpuDriverVersion"


def told(found: list[tuple[str, str]], *, about: str) -> dict[str, str]:
    return {path: reason for path, reason in found if any(word in path for word in about.split())}


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("AliyunLinux3ContainerOptimized", ""),
        ("AliyunLinux4ContainerOptimized", ""),
        ("ContainerOS", ""),
        (UNKNOWN, ""),
        ("AliyunLinux", "no image of node pools any more since Kubernetes 1.30"),
        ("CentOS", "no image of node pools any more since Kubernetes 1.30"),
        ("AliyunLinux3ContainerOptimised", "nearest: AliyunLinux3ContainerOptimized"),
    ],
)
def test_ack_takes_the_images_that_it_has(caller: Callable[[str], Any], kind: Any, reason: str) -> None:
    pool = {"clusterId": UNKNOWN, "nodePoolName": "p", "vswitchIds": [UNKNOWN], "instanceTypes": ["ecs.g7.xlarge"]}
    found = told(caller("alicloud").check(ACK_POOL, pool | {"imageType": kind}), about="imageType")
    assert set(found) == ({"imageType"} if reason else set())
    assert reason in found.get("imageType", "")


def gke(**more: Any) -> dict[str, Any]:
    config = {"machineType": "a2-ultragpu-1g"}
    return {"name": "p", "cluster": UNKNOWN, "nodeConfig": config, **more}


def accelerator(word: Any) -> dict[str, Any]:
    config = {"gpuDriverInstallationConfig": {"gpuDriverVersion": word}}
    return {"machineType": "a2-ultragpu-1g", "guestAccelerators": [{"type": "nvidia-a100-80gb", "count": 1} | config]}


@pytest.mark.parametrize(
    ("inputs", "reasons"),
    [
        (gke(nodeConfig={"machineType": "a2-ultragpu-1g", "imageType": "COS_CONTAINERD"}), {}),
        (gke(nodeConfig={"machineType": "a2-ultragpu-1g", "imageType": "COS"}),
         {"nodeConfig.imageType": "went with Kubernetes 1.24"}),
        (gke(nodeConfig={"machineType": "a2-ultragpu-1g", "imageType": "UBUNTU_2404"}),
         {"nodeConfig.imageType": "COS_CONTAINERD"}),
        (gke(nodeConfig=accelerator("LATEST")), {}),
        (gke(nodeConfig=accelerator(UNKNOWN)), {}),
        (gke(nodeConfig=accelerator("570.172.08")), {DRIVER: "DEFAULT"}),
        (gke(upgradeSettings={"strategy": "SURGE", "maxSurge": 1, "maxUnavailable": 0}), {}),
        (gke(upgradeSettings={"strategy": "SURGE", "maxSurge": UNKNOWN, "maxUnavailable": 0}), {}),
        (gke(upgradeSettings={"strategy": "SURGE", "maxSurge": 0, "maxUnavailable": 0}),
         {f"{AT}.maxSurge": "cannot both be 0"}),
        (gke(upgradeSettings={"maxSurge": 19, "maxUnavailable": 2}), {f"{AT}.maxSurge": "at most 20"}),
        (gke(upgradeSettings={"maxSurge": -1}), {f"{AT}.maxSurge": "not negative"}),
        (gke(upgradeSettings={"strategy": "BLUE_GREEN", "maxSurge": 1}), {f"{AT}.maxSurge": "SURGE alone"}),
        (gke(upgradeSettings={"strategy": "ROLLING"}), {f"{AT}.strategy": "BLUE_GREEN, SHORT_LIVED, SURGE"}),
    ],
)  # fmt: skip
def test_gke_takes_its_images_its_channels_of_drivers_and_so_many_nodes_at_once(
    caller: Callable[[str], Any], inputs: dict[str, Any], reasons: dict[str, str]
) -> None:
    found = told(caller("gcp").check(GKE_POOL, inputs), about=f"imageType gpuDriver {AT}")
    assert set(found) == set(reasons)
    assert all(reason in found[path] for path, reason in reasons.items())


def part(machine: Any = "a3-highgpu-2g", **more: Any) -> dict[str, Any]:
    return {"machineType": machine, **more}


@pytest.mark.parametrize(
    ("inputs", "refused"),
    [
        (gke(nodeConfig=part()), True),
        (gke(nodeConfig=part("a3-highgpu-1g", spot=False)), True),
        (gke(nodeConfig=part("a3-highgpu-4g", flexStart=False), queuedProvisioning={"enabled": False}), True),
        (gke(nodeConfig=part("a3-highgpu-8g")), False),
        (gke(nodeConfig=part(spot=True)), False),
        (gke(nodeConfig=part(spot=UNKNOWN)), False),
        (gke(nodeConfig=part(flexStart=True)), False),
        (gke(nodeConfig=part(preemptible=True)), False),
        (gke(nodeConfig=part(), queuedProvisioning={"enabled": True}), False),
        (gke(nodeConfig=part(reservationAffinity={"consumeReservationType": "SPECIFIC_RESERVATION"})), False),
        (gke(nodeConfig=part(UNKNOWN)), False),
    ],
)
def test_gke_sells_a_part_of_an_a3_machine_as_spot_or_by_flex_start_only(
    caller: Callable[[str], Any], inputs: dict[str, Any], refused: bool
) -> None:
    found = told(caller("gcp").check(GKE_POOL, inputs), about="Flex-start nodeConfig.machineType")
    assert ("Spot or by Flex-start" in found.get("nodeConfig.machineType", "")) is refused


AKS_CASES: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"osSKU": "Ubuntu"}, {}),
    ({"osSKU": "AzureLinux3"}, {}),
    ({"osSKU": "CBLMariner"}, {"osSKU": "removed on 2026-03-31"}),
    ({"osSKU": "Windows2022", "osType": "Windows"}, {}),
    ({"osSKU": "Windows2022", "osType": "Linux"}, {"osSKU": "needs osType Windows"}),
    ({"osSKU": "Debian"}, {"osSKU": "Ubuntu"}),
    ({"gpuProfile": {"driver": "Install"}}, {}),
    ({"gpuProfile": {"driver": "Latest"}}, {"gpuProfile.driver": "Install, None"}),
    ({AT: {"maxSurge": "1"}}, {}),
    ({AT: {"maxSurge": "33%"}}, {}),
    ({AT: {"maxSurge": UNKNOWN}}, {}),
    ({AT: {"maxSurge": "one"}}, {f"{AT}.maxSurge": "neither a count of nodes nor a percentage"}),
    ({AT: {"maxSurge": "0"}}, {f"{AT}.maxSurge": "no node could be replaced"}),
    ({AT: {"maxSurge": "0", "maxUnavailable": "1"}}, {}),
]


@pytest.mark.parametrize(("more", "reasons"), AKS_CASES)
@pytest.mark.parametrize("inside", [False, True])
def test_aks_takes_its_images_and_drivers_of_a_pool_and_of_one_inside_its_cluster(
    caller: Callable[[str], Any], more: dict[str, Any], reasons: dict[str, str], inside: bool
) -> None:
    cloud = caller("azure-native")
    pool = {"vmSize": "Standard_D4ds_v5", "count": 1} | more
    place = {"resourceGroupName": UNKNOWN, "resourceName": "c"}
    if inside:
        profile = pool | {"name": "system", "mode": "System"}
        inputs = place | {"location": "francecentral", "agentPoolProfiles": [profile]}
        found, before = cloud.check(AKS, inputs), "agentPoolProfiles[0]."
    else:
        found, before = cloud.check(AKS_POOL, place | {"agentPoolName": "p"} | pool), ""
    seen = told(found, about=f"osSKU gpuProfile {AT}")
    assert set(seen) == {f"{before}{path}" for path in reasons}
    assert all(reason in seen[f"{before}{path}"] for path, reason in reasons.items())


def test_a_gke_node_says_which_driver_it_was_asked_for(
    caller: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    plane = controlplane.ControlPlane(endpoint="https://127.0.0.1:6443", ca_pem="")
    monkeypatch.setattr(controlplane, "ensure", lambda *_args, **_facts: plane)
    cloud = caller("gcp")
    for word, label in (("LATEST", "latest"), ("DEFAULT", "default"), ("INSTALLATION_DISABLED", None)):
        name = f"p-{word[0].lower()}"
        scaling = {"totalMinNodeCount": 0, "totalMaxNodeCount": 1}
        inputs = {"name": name, "cluster": "c", "location": "europe-west4", "autoscaling": scaling}
        cloud.create(GKE_POOL, inputs | {"nodeConfig": accelerator(word)}, name)
        (pool,) = [one for one in cloud.store.pools(cell="cn-sha-1") if one.name == name]
        assert pool.labels.get("cloud.google.com/gke-gpu-driver-version") == label
