"""Who implements the Gateway API on each cloud, and which of its definitions come with the cluster. Facts of November
2026, with where they were read; none was asked of an account.

alicloud  two components: `gateway-api` brings the definitions, and Gateway with Inference Extension (Envoy Gateway)
          brings the controller, its class and InferencePool. Alibaba Cloud, ACK, "Gateway with Inference Extension".
          The name by which the second is installed stands in its page's address and in its conformance report, not in
          a list of components: `twain check` asks the account for that list. Its proxies are pods in the controller's
          own namespace, with the labels by which Envoy Gateway says whose they are ("Customize EnvoyProxy").
gcp       a channel of the cluster brings the controller, its classes and the definitions, InferencePool from 1.34 on.
          The class of a regional internal load balancer takes its address from the proxy-only subnet. llm-d, "Install
          CRDs"; Google Cloud, "Deploying Gateways". Its proxies reach pods from that subnet, and health checks come
          from two ranges of Google ("Firewall rules for load balancers").
azure     the mesh add-on (istiod) brings the controller and makes its class once the definitions are there; of
          definitions it brings none. The API version of the installed SDK (2025-09-01) has neither the managed
          definitions (`ingressProfile.gatewayAPI`) nor application routing by Gateway API, which are newer; the
          platform layer brings them. Its proxies are pods beside the Gateway, in the platform's namespace. Microsoft,
          "Install Managed Gateway API CRDs", "Istio ingress with the Kubernetes Gateway API", "Istio-based service
          mesh add-on: support policy".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

GATEWAY_API: Final = "gateway.networking.k8s.io"
INFERENCE: Final = "inference.networking.k8s.io"
GROUPS: Final = (GATEWAY_API, INFERENCE)

ALICLOUD_DEFINITIONS: Final = "gateway-api"
ALICLOUD_CONTROLLER: Final = "ack-gateway-with-inference-extension"
GCP_CHANNEL: Final = "CHANNEL_STANDARD"
# The control plane's revision. 1.31 to 1.36 of Kubernetes are compatible with it or the one before. A revision lives
# for some seven months; the next one is two steps in `overrides.azure.mesh_revisions`: both, then the new one.
AZURE_REVISIONS: Final = ("asm-1-30",)


@dataclass(frozen=True, kw_only=True)
class Implementation:
    """A cloud's implementation. `gateway_class` is what a Gateway asks for. `internal` are the annotations of a
    Gateway's infrastructure that give it an address inside the network, where the class alone does not. `brings` maps
    an API group to the first Kubernetes minor in which the cluster's own inputs bring its definitions. `owner_labels`
    are the two labels, a Gateway's name and its namespace, of proxies that are pods outside its namespace. `checks` are
    the ranges from which health checks come, where proxies are no pods and answer from the network's proxy-only subnet.
    """

    gateway_class: str
    internal: Mapping[str, str] = field(default_factory=dict)
    brings: Mapping[str, str] = field(default_factory=dict)
    owner_labels: tuple[str, str] | None = None
    checks: tuple[str, ...] = ()


IMPLEMENTATIONS: Final[Mapping[str, Implementation]] = {
    "alicloud": Implementation(
        gateway_class="ack-gateway",
        internal={"service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type": "intranet"},
        brings={GATEWAY_API: "1.0", INFERENCE: "1.0"},
        owner_labels=("gateway.envoyproxy.io/owning-gateway-name", "gateway.envoyproxy.io/owning-gateway-namespace"),
    ),
    "gcp": Implementation(
        gateway_class="gke-l7-rilb",
        brings={GATEWAY_API: "1.0", INFERENCE: "1.34"},
        checks=("35.191.0.0/16", "130.211.0.0/22"),
    ),
    "azure": Implementation(
        gateway_class="istio", internal={"service.beta.kubernetes.io/azure-load-balancer-internal": "true"}
    ),
}
# Classes whose controller makes a balancer with a public address unless it is told otherwise.
PUBLIC_BY_DEFAULT: Final = frozenset(one.gateway_class for one in IMPLEMENTATIONS.values() if one.internal)


def _order(minor: str) -> tuple[int, ...]:
    return tuple(int(part) for part in minor.split("."))


def brought(cloud: str, minor: str) -> tuple[str, ...]:
    """The API groups whose definitions come with a cluster of a minor on a cloud, as we declare it."""
    found = IMPLEMENTATIONS[cloud].brings
    return tuple(group for group in GROUPS if group in found and _order(minor) >= _order(found[group]))


def missing(cloud: str, minor: str) -> tuple[str, ...]:
    """The API groups whose definitions the platform layer has to bring."""
    return tuple(group for group in GROUPS if group not in brought(cloud, minor))
