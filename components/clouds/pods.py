"""Facts about how a pod comes to its cloud identity: the annotation of its service account, and the labels without
which the cloud's webhook leaves the pod alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class PodIdentity:
    """`annotation` of the service account; labels that its namespace, and each pod that is to have it, must carry."""

    annotation: str
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    pod_labels: Mapping[str, str] = field(default_factory=dict)


# The service account of a maison's namespace that its cloud identity trusts.
SERVICE_ACCOUNT = "inference"

POD_IDENTITY: dict[str, PodIdentity] = {
    "alicloud": PodIdentity(
        annotation="pod-identity.alibabacloud.com/role-name",
        namespace_labels={"pod-identity.alibabacloud.com/injection": "on"},
    ),
    "gcp": PodIdentity(annotation="iam.gke.io/gcp-service-account"),
    "azure": PodIdentity(
        annotation="azure.workload.identity/client-id", pod_labels={"azure.workload.identity/use": "true"}
    ),
}


@dataclass(frozen=True, kw_only=True)
class Way:
    """A range that a pod comes to by one TCP port; `without` are parts of it that it does not."""

    cidr: str
    port: int
    without: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Writes:
    """How a pod writes to the cloud's managed Prometheus: the ways to it and to its login, whether that is a key, and
    the features of Prometheus without which it does not send all that the cloud asks for.
    """

    ways: tuple[Way, ...]
    keyed: bool = False
    features: tuple[str, ...] = ()


# What no cloud service answers from: private networks, the machine's own, the links'.
_INSIDE = ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
# Sources: the vendors' pages, August 2026. A policy knows addresses and no names, so where a cloud publishes no range
# of its login (Microsoft Entra, Google's APIs by their public name) the way is to everything outside, by TLS alone.
_OUTSIDE = Way(cidr="0.0.0.0/0", port=443, without=_INSIDE)
WRITES_TO: dict[str, Writes] = {
    # Services of a region answer inside every VPC of it in this range.
    "alicloud": Writes(ways=(Way(cidr="100.64.0.0/10", port=443),), keyed=True),
    # The metadata server tells who the pod is.
    "gcp": Writes(
        ways=(_OUTSIDE, Way(cidr="169.254.169.254/32", port=80), Way(cidr="169.254.169.252/32", port=988)),
        # Types and starts of series, which Google asks for.
        features=("metadata-wal-records", "st-storage", "st-synthesis"),
    ),
    # The endpoint itself is a private address of the cell; outside lies the login.
    "azure": Writes(ways=(_OUTSIDE,)),
}
