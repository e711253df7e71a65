"""From the proxies of a cell's gateway to its engines, told from what a fleet makes on every cloud; and broken once.
Where the proxies stand is written down here by hand: no account was asked, and in a rehearsal nothing enforces them.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from cli.serve import names as served
from components.platform import names
from components.platform.names import SYSTEM_NAMESPACE, maison_namespace
from components.policy import netpol
from tests.contract.test_tenants import CELLS, MAISONS, PORT, Made, built

if TYPE_CHECKING:
    from pathlib import Path

OWNER = "gateway.envoyproxy.io/owning-gateway-name"
SPACE = "gateway.envoyproxy.io/owning-gateway-namespace"
ENVOY = {OWNER: "cell", SPACE: "twain-system"}


def pod(made: Made, namespace: str, labels: dict[str, str]) -> netpol.Pod:
    return made.at(namespace, labels)


def machine(address: str) -> netpol.Pod:
    """What is no pod: an address alone."""
    return netpol.Pod(namespace="", namespace_labels={}, address=address)


def proxies(made: Made) -> list[netpol.Pod]:
    """Envoy Gateway's pods, in its controller's namespace; Google's proxies at both ends of their subnet, and its
    health checks; Istio's pods beside the Gateway.
    """
    return {
        "alicloud": [pod(made, "envoy-gateway-system", ENVOY)],
        "gcp": [machine(one) for one in ("10.69.254.0", "10.69.254.255", "35.191.0.1", "130.211.3.255")],
        "azure": [pod(made, SYSTEM_NAMESPACE, {"gateway.networking.k8s.io/gateway-name": "cell"})],
    }[made.cloud]


def strangers(made: Made) -> list[netpol.Pod]:
    """Beside each of them: another Gateway's proxies, pods that say they are ours, addresses at the ranges' edges."""
    return {
        "alicloud": [
            pod(made, "envoy-gateway-system", {}),
            pod(made, "envoy-gateway-system", {**ENVOY, OWNER: "other"}),
            pod(made, "envoy-gateway-system", {**ENVOY, SPACE: "maison-calisto"}),
            *(pod(made, maison_namespace(one), ENVOY) for one in MAISONS),
        ],
        "gcp": [
            *(machine(one) for one in ("10.69.253.255", "10.69.255.0", "35.190.255.255", "130.211.4.0", "8.8.8.8")),
            pod(made, "kube-system", {}),
        ],
        "azure": [pod(made, "aks-istio-ingress", {}), *(pod(made, maison_namespace(one), {}) for one in MAISONS)],
    }[made.cloud]


@pytest.fixture(params=list(CELLS))
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    return built(request.param, tmp_path)


def let_in(objects: list[dict[str, Any]], source: netpol.Pod, target: netpol.Pod, port: int = PORT) -> bool:
    """What the target's side lets in: the cloud's own parts have no policy of ours."""
    free = [
        one for one in objects if one["kind"] != "NetworkPolicy" or one["metadata"]["namespace"] != source.namespace
    ]
    kept = objects if source.namespace == target.namespace else free
    return netpol.reaches(kept, source, target, port=port)


def test_the_gateway_s_proxies_reach_every_maison_s_engines_on_their_port_alone(made: Made) -> None:
    for maison in MAISONS:
        for source in proxies(made):
            assert let_in(made.objects, source, made.pod(maison)), (maison, source)
            assert not let_in(made.objects, source, made.pod(maison), port=22)
            # Only engines stand behind the gateway.
            other = made.at(maison_namespace(maison), {"app": "trainer"})
            assert not let_in(made.objects, source, other)


def test_nobody_else_passes_for_a_proxy(made: Made) -> None:
    for maison in MAISONS:
        for source in strangers(made):
            assert not let_in(made.objects, source, made.pod(maison)), (maison, source)


def test_without_the_policy_the_proxies_of_two_clouds_are_shut_out(made: Made) -> None:
    """Broken once. Istio's stand in the platform's namespace, which each workload lets in for Prometheus."""
    planted = [one for one in copy.deepcopy(made.objects) if one["metadata"]["name"] != "gateway"]
    reached = {let_in(planted, one, made.pod("aurelia")) for one in proxies(made)}
    assert reached == {made.cloud == "azure"}


def test_the_platform_and_the_workloads_speak_of_one_port_one_gateway_and_one_namespace() -> None:
    """The command line keeps these names of its own."""
    assert (served.PORT, served.GATEWAY, served.SYSTEM_NAMESPACE, served.WORKLOAD, served.MAISON) == (
        names.ENGINE_PORT,
        names.GATEWAY,
        names.SYSTEM_NAMESPACE,
        names.LABEL_WORKLOAD,
        names.LABEL_MAISON,
    )
