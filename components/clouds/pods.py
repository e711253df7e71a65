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
