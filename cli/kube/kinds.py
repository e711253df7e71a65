"""Where objects of the kinds that we use live in the API: literal, so that no discovery call is made."""

from __future__ import annotations

from typing import Any

from cli import errors

# (apiVersion, kind) -> (plural, namespaced)
_KINDS: dict[tuple[str, str], tuple[str, bool]] = {
    ("v1", "Namespace"): ("namespaces", False),
    ("v1", "Node"): ("nodes", False),
    ("v1", "Pod"): ("pods", True),
    ("v1", "Secret"): ("secrets", True),
    ("v1", "Service"): ("services", True),
    ("v1", "ConfigMap"): ("configmaps", True),
    ("v1", "ServiceAccount"): ("serviceaccounts", True),
    ("v1", "Event"): ("events", True),
    ("v1", "ResourceQuota"): ("resourcequotas", True),
    ("apps/v1", "Deployment"): ("deployments", True),
    ("apps/v1", "ReplicaSet"): ("replicasets", True),
    ("apps/v1", "DaemonSet"): ("daemonsets", True),
    ("batch/v1", "Job"): ("jobs", True),
    ("policy/v1", "PodDisruptionBudget"): ("poddisruptionbudgets", True),
    ("networking.k8s.io/v1", "NetworkPolicy"): ("networkpolicies", True),
    ("rbac.authorization.k8s.io/v1", "Role"): ("roles", True),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): ("rolebindings", True),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): ("clusterroles", False),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): ("clusterrolebindings", False),
    ("coordination.k8s.io/v1", "Lease"): ("leases", True),
    ("gateway.networking.k8s.io/v1", "Gateway"): ("gateways", True),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): ("httproutes", True),
    ("inference.networking.k8s.io/v1", "InferencePool"): ("inferencepools", True),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"): ("validatingadmissionpolicies", False),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding"): (
        "validatingadmissionpolicybindings",
        False,
    ),
}


def collection(api_version: str, kind: str, namespace: str | None = None) -> str:
    """The path of a collection; of all namespaces when none is given. Raises UsageError for a kind we do not use."""
    try:
        plural, namespaced = _KINDS[(api_version, kind)]
    except KeyError:
        message = f"this client does not know {kind} of {api_version}."
        raise errors.UsageError(message, id="KUBE-KIND") from None
    root = f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"
    place = f"/namespaces/{_segment(namespace)}" if namespaced and namespace else ""
    return f"{root}{place}/{plural}"


def path(api_version: str, kind: str, name: str, namespace: str | None = None) -> str:
    """The path of one object."""
    return f"{collection(api_version, kind, namespace)}/{_segment(name)}"


def path_of(manifest: dict[str, Any]) -> str:
    """The path of the object that a manifest describes."""
    metadata = manifest["metadata"]
    return path(manifest["apiVersion"], manifest["kind"], metadata["name"], metadata.get("namespace"))


def _segment(name: str) -> str:
    """A name as one path segment: it comes from files and answers, so it must not walk."""
    if not name or "/" in name or name in {".", ".."} or not name.isprintable():
        message = f"{name!r} is no object name."
        raise errors.UsageError(message, id="KUBE-NAME")
    return name
