"""What an emulated cluster has of a gateway: what its inputs declare and nothing else, and what the clouds refuse."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from components.clouds import gateways as facts
from rehearsal.kube import controlplane
from rehearsal.kube.brought import NOTHING, Brought, files
from rehearsal.providers import alicloud_components, gateways
from rehearsal.providers.facts import KUBERNETES_MINORS
from rehearsal.providers.model import Call
from tests.unit.rehearsal.providers.conftest import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

AKS = "azure-native:containerservice:ManagedCluster"
GKE = "gcp:container/cluster:Cluster"
ACK, COMPONENT = alicloud_components.CLUSTER, alicloud_components.COMPONENT
MESH = "serviceMeshProfile"


def call(**inputs: Any) -> Call:
    return Call(type_name="", urn="", inputs=inputs, config={}, store=None, world_dir=Path())  # type: ignore[arg-type]


def test_what_we_declare_brings_what_the_platform_counts_on() -> None:
    for minor in KUBERNETES_MINORS["gcp"]:
        found = gateways.gcp(call(gatewayApiConfig={"channel": facts.GCP_CHANNEL}), minor)
        assert (found.definitions, found.gateway_class) == (facts.brought("gcp", minor), "gke-l7-rilb")
    for minor in KUBERNETES_MINORS["alicloud"]:
        found = gateways.alicloud({facts.ALICLOUD_DEFINITIONS, facts.ALICLOUD_CONTROLLER})
        assert (found.definitions, found.gateway_class) == (facts.brought("alicloud", minor), "ack-gateway")
    for minor in KUBERNETES_MINORS["azure"]:
        found = gateways.azure(call(serviceMeshProfile={"mode": "Istio"}))
        assert (found.definitions, found.gateway_class) == (facts.brought("azure", minor), "istio")


def test_a_cluster_that_declares_none_has_none() -> None:
    assert gateways.gcp(call(), "1.36") == NOTHING
    assert gateways.gcp(call(gatewayApiConfig={"channel": "CHANNEL_DISABLED"}), "1.36") == NOTHING
    assert gateways.azure(call()) == NOTHING
    assert gateways.azure(call(serviceMeshProfile={"mode": "Disabled"})) == NOTHING
    assert gateways.alicloud(set()) == NOTHING
    # Definitions without anybody who serves them, and a controller that has nothing to serve.
    assert gateways.alicloud({facts.ALICLOUD_DEFINITIONS}) == Brought(definitions=(facts.GATEWAY_API,))
    assert gateways.alicloud({facts.ALICLOUD_CONTROLLER}) == NOTHING


def test_files_of_a_group_are_told_by_their_names() -> None:
    known = [Path("/c/gateway.networking.k8s.io_gateways.yaml"), Path("/c/inference.networking.k8s.io_pools.yaml")]
    assert files((facts.INFERENCE,), known) == known[1:]
    assert files((), known) == []


def mesh(**istio: Any) -> dict[str, Any]:
    return {MESH: {"mode": "Istio", "istio": istio}}


@pytest.mark.parametrize(
    ("inputs", "reasons"),
    [
        (mesh(revisions=["asm-1-30"]), {}),
        (mesh(revisions=["asm-1-29", "asm-1-30"]), {}),
        (mesh(), {}),
        ({MESH: {"mode": "Linkerd"}}, {f"{MESH}.mode": "Linkerd"}),
        (mesh(revisions=["asm-1-17"]), {f"{MESH}.istio.revisions[0]": "no revision"}),
        (
            mesh(revisions=["asm-1-29", "asm-1-30", "asm-1-30"]),
            {f"{MESH}.istio.revisions": "3 revisions; one, or two while it is upgraded"},
        ),
        (
            mesh(components={"ingressGateways": [{"mode": "Internal", "enabled": True}] * 2}),
            {f"{MESH}.istio.components.ingressGateways[1].mode": "one Internal ingress gateway at most"},
        ),
        (
            mesh(components={"ingressGateways": [{"mode": one, "enabled": True} for one in ("Internal", "External")]}),
            {},
        ),
    ],
)
def test_aks_refuses_a_mesh_that_it_does_not_have(
    caller: Callable[[str], Any], inputs: dict[str, Any], reasons: dict[str, str]
) -> None:
    found = caller("azure-native").check(AKS, {"resourceGroupName": "g", "kubernetesVersion": "1.36", **inputs})
    told = {path: reason for path, reason in found if path.startswith(MESH)}
    assert set(told) == set(reasons)
    for path, reason in reasons.items():
        assert reason in told[path]


def test_aks_refuses_a_revision_that_its_minor_cannot_have() -> None:
    inputs = {"kubernetesVersion": "1.31", **mesh(revisions=["asm-1-30"])}
    (problem,) = gateways.mesh_problems(call(**inputs))
    assert (problem.path, problem.reason) == (
        f"{MESH}.istio.revisions[0]",
        "asm-1-30 is not compatible with Kubernetes 1.31",
    )


def test_gke_refuses_a_channel_that_it_does_not_have(caller: Callable[[str], Any]) -> None:
    found = dict(caller("gcp").check(GKE, {"name": "c", "gatewayApiConfig": {"channel": "CHANNEL_BETA"}}))
    assert "CHANNEL_STANDARD" in found["gatewayApiConfig.channel"]


@pytest.fixture
def brought(monkeypatch: pytest.MonkeyPatch) -> list[Brought]:
    """What was put into the cell, in order."""
    given: list[Brought] = []

    def ensure(_world: Path, *, brings: Brought, **_facts: str) -> controlplane.ControlPlane:
        given.append(brings)
        return controlplane.ControlPlane(endpoint="https://127.0.0.1:1", ca_pem="")

    monkeypatch.setattr(controlplane, "ensure", ensure)
    monkeypatch.setattr(controlplane, "bring", lambda _world, *, cell, brings: given.append(brings))
    return given


def ack(caller: Any, *addons: str) -> tuple[str, dict[str, Any]]:
    vpc, _ = caller.create("alicloud:vpc/network:Network", {"vpcName": "v", "cidrBlock": "10.0.0.0/16"}, "v")
    vswitch, _ = caller.create(
        "alicloud:vpc/switch:Switch",
        {"vswitchName": "s", "vpcId": vpc, "cidrBlock": "10.0.1.0/24", "zoneId": "cn-shanghai-e"},
        "s",
    )
    inputs = {
        "name": "c",
        "clusterSpec": "ack.pro.small",
        "serviceCidr": "192.168.0.0/16",
        "vswitchIds": [vswitch],
        "addons": [{"name": name} for name in addons],
    }
    id_, _ = caller.create(ACK, inputs, "c")
    return id_, inputs


def test_a_component_is_installed_in_a_cluster_that_is_up_and_an_update_of_the_cluster_keeps_it(
    caller: Callable[[str], Any], brought: list[Brought]
) -> None:
    account = caller("alicloud")
    cluster, inputs = ack(account, facts.ALICLOUD_DEFINITIONS)
    component, outputs = account.create(COMPONENT, {"clusterId": cluster, "name": facts.ALICLOUD_CONTROLLER}, "g")
    assert component == f"{cluster}:{facts.ALICLOUD_CONTROLLER}"
    assert outputs["version"]
    account.update(ACK, cluster, {**inputs, "clusterSpec": "ack.pro.xlarge"}, "c")
    whole = Brought(definitions=facts.GROUPS, gateway_class="ack-gateway")
    assert brought == [Brought(definitions=(facts.GATEWAY_API,)), whole, whole]
    account.delete(COMPONENT, component, "g")
    assert brought[-1] == Brought(definitions=(facts.GATEWAY_API,))


def test_a_component_whose_definitions_are_not_there_is_refused(
    caller: Callable[[str], Any], brought: list[Brought]
) -> None:
    account = caller("alicloud")
    cluster, _ = ack(account, "csi-plugin")
    with pytest.raises(Refused, match="gateway-api must be installed in the cluster first"):
        account.create(COMPONENT, {"clusterId": cluster, "name": facts.ALICLOUD_CONTROLLER}, "g")
    assert brought == [NOTHING]


def test_a_component_that_is_not_offered_is_refused_by_name(caller: Callable[[str], Any]) -> None:
    found = dict(caller("alicloud").check(COMPONENT, {"clusterId": "c", "name": "ack-gateway"}))
    assert facts.ALICLOUD_CONTROLLER in found["name"]
