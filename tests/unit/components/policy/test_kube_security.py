"""What the rules on pods and on rights let through, one step beside what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from components.policy import kube_security
from components.policy.model import Subject

ROLE, SPACE = "kubernetes:rbac.authorization.k8s.io/v1:Role", "kubernetes:core/v1:Namespace"
POD = "kubernetes:core/v1:Pod"


def told(kind: str, inputs: dict[str, Any]) -> list[tuple[str, str]]:
    subject = Subject(type=kind, name="x", inputs=inputs, world="row", allowed=frozenset({"europe-west4"}))
    return [(one.rule, one.property) for check in kube_security.CHECKS for one in check.run(subject)]


def mounting(folder: str, namespace: str) -> dict[str, Any]:
    held = {"allowPrivilegeEscalation": False, "runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}}
    held["seccompProfile"] = {"type": "RuntimeDefault"}
    spec = {"serviceAccountName": "own", "volumes": [{"name": "v", "hostPath": {"path": folder}}]}
    spec["containers"] = [{"name": "c", "image": "x", "securityContext": held}]
    return {"metadata": {"namespace": namespace}, "spec": spec}


@pytest.mark.parametrize(
    ("namespace", "folder", "refused"),
    [
        ("gpu-monitoring", "/var/lib/kubelet/pod-resources", False),
        ("gpu-monitoring", "/var/lib/kubelet/device-plugins", False),
        ("gpu-monitoring", "/var/lib/kubelet", True),
        ("gpu-monitoring", "/", True),
        ("aurelia", "/var/lib/kubelet/pod-resources", True),
    ],
)
def test_the_excepted_namespace_has_two_folders_and_no_other(namespace: str, folder: str, refused: bool) -> None:
    expected = [("SEC-020", "spec.volumes[0].hostPath.path")] if refused else []
    assert told(POD, mounting(folder, namespace)) == expected


@pytest.mark.parametrize("verb", ["get", "list", "watch"])
@pytest.mark.parametrize("names", [None, [], ["gateway-keys"]])
def test_a_role_reads_secrets_by_their_names_only(verb: str, names: list[str] | None) -> None:
    rule: dict[str, Any] = {"apiGroups": [""], "resources": ["secrets"], "verbs": [verb]}
    rule |= {} if names is None else {"resourceNames": names}
    assert told(ROLE, {"rules": [rule]}) == ([] if names else [("SEC-022", "rules[0].resources")])


@pytest.mark.parametrize(
    ("name", "level", "refused"),
    [
        ("aurelia", "restricted", False),
        ("aurelia", "baseline", False),
        ("aurelia", "privileged", True),
        ("aurelia", None, True),
        ("gpu-monitoring", "privileged", False),
        ("kube-system", None, False),
    ],
)
def test_a_namespace_says_a_level_that_holds_something_back(name: str, level: str | None, refused: bool) -> None:
    labels = {} if level is None else {"pod-security.kubernetes.io/enforce": level}
    expected = [("SEC-025", "metadata.labels[pod-security.kubernetes.io/enforce]")] if refused else []
    assert told(SPACE, {"metadata": {"name": name, "labels": labels}}) == expected


GATEWAY = "kubernetes:gateway.networking.k8s.io/v1:Gateway"
AZURE = {"service.beta.kubernetes.io/azure-load-balancer-internal": "true"}
ALICLOUD = {"service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type": "intranet"}


@pytest.mark.parametrize(
    ("kind", "named", "notes", "refused"),
    [
        (GATEWAY, "istio", None, True),
        (GATEWAY, "istio", {}, True),
        (GATEWAY, "istio", {next(iter(AZURE)): "false"}, True),
        (GATEWAY, "istio", AZURE, False),
        (GATEWAY, "ack-gateway", None, True),
        (GATEWAY, "ack-gateway", ALICLOUD, False),
        # The class itself says where its address is, or who answers makes no balancer that we know.
        (GATEWAY, "gke-l7-rilb", None, False),
        (GATEWAY, "cilium", None, False),
        ("kubernetes:networking.istio.io/v1:Gateway", "istio", None, False),
    ],
)
def test_a_gateway_whose_controller_makes_a_public_balancer_says_that_it_shall_not(
    kind: str, named: str, notes: dict[str, str] | None, refused: bool
) -> None:
    spec: dict[str, Any] = {"gatewayClassName": named}
    spec |= {} if notes is None else {"infrastructure": {"annotations": notes}}
    expected = [("SEC-003", "spec.infrastructure.annotations")] if refused else []
    assert told(kind, {"spec": spec}) == expected
