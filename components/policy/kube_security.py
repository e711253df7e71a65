"""Rules about what a pod may do and who may do what in a cluster (SEC-020 to SEC-025), after the CIS benchmarks.

In a cluster the namespaces' Pod Security holds most of it. These rules say it before anything is there, and of
manifests whose namespace nobody has labelled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from components.clouds.gateways import GATEWAY_API, PUBLIC_BY_DEFAULT
from components.policy import kube
from components.policy.model import ACCEPTED, UNKNOWN, Check, Subject, at, violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from components.policy.model import Violation

# The profiling counters of GPUs need SYS_ADMIN, and both of the agents there talk to the kubelet through its folders.
# It is the one namespace where `privileged` is let in, and nobody but the platform may write to it.
EXCEPTED: Final = "gpu-monitoring"
CAPABILITIES: Final = ("NET_BIND_SERVICE",)
HOST: Final = ("hostNetwork", "hostPID", "hostIPC")
MIGHTY: Final = ("SYS_ADMIN",)
FOLDERS: Final = ("/var/lib/kubelet/pod-resources", "/var/lib/kubelet/device-plugins")
_SYSTEM: Final = ("kube-system", "kube-public", "kube-node-lease")
_LEVELS: Final = ("restricted", "baseline")
_ENFORCE: Final = "pod-security.kubernetes.io/enforce"
# Groups that hold everybody, or that no rule of access holds back.
_EVERYBODY: Final = ("system:masters", "system:anonymous", "system:unauthenticated", "system:authenticated")
_GIVING: Final = ("bind", "escalate", "impersonate")
_READING: Final = ("get", "list", "watch")
_WRITING: Final = ("create", "update", "patch", "delete", "deletecollection")
# Who writes these leads traffic, or every request to the API, elsewhere.
_LEADING: Final = ("services/status", "validatingwebhookconfigurations", "mutatingwebhookconfigurations")
_SUBRESOURCES: Final = ("nodes/proxy", "serviceaccounts/token", "certificatesigningrequests/approval")


def _excepted(subject: Subject) -> bool:
    return at(subject.inputs, "metadata", "namespace") == EXCEPTED


def _host(subject: Subject) -> Iterator[Violation]:
    """SEC-020: what only the host itself may do."""
    reason = "it could reach the node, and with it every pod on it."
    for path, pod in kube.pods(subject):
        for key in HOST:
            if pod.get(key) not in (None, False):
                yield violation(subject, "SEC-020", f"{path}.{key}", pod.get(key), reason, allowed="false")
        for index, volume in enumerate(kube.items(pod.get("volumes"))):
            folder = at(volume, "hostPath", "path")
            if at(volume, "hostPath") is not None and not (_excepted(subject) and folder in FOLDERS):
                place = f"{path}.volumes[{index}].hostPath.path"
                yield violation(subject, "SEC-020", place, folder, reason, allowed="no folder of the host")
    for container in kube.containers(subject):
        security = container.body.get("securityContext")
        for key in ("privileged", "allowPrivilegeEscalation"):
            if at(security, key) not in (None, False):
                place = f"{container.path}.securityContext.{key}"
                yield violation(subject, "SEC-020", place, at(security, key), reason, allowed="false")
        allowed = (*CAPABILITIES, *(MIGHTY if _excepted(subject) else ()))
        added = at(security, "capabilities", "add")
        named = added if isinstance(added, list | tuple) else [] if added is None else [added]
        if any(one not in allowed for one in named):
            place = f"{container.path}.securityContext.capabilities.add"
            yield violation(subject, "SEC-020", place, added, reason, allowed=", ".join(allowed))


def _context(subject: Subject) -> Iterator[Violation]:
    """SEC-021: a pod says that it is held back, in each container or for all of them."""
    reason = "what is left out is what the container runtime likes, which is root with most of its rights."
    for container, pod in _with_pods(subject):
        own, whole = container.body.get("securityContext"), pod.get("securityContext")
        wanted: list[tuple[tuple[str, ...], tuple[object, ...], bool]] = [
            (("allowPrivilegeEscalation",), (False,), False),
            (("seccompProfile", "type"), ("RuntimeDefault", "Localhost"), True),
        ]
        if not _excepted(subject):
            wanted.append((("runAsNonRoot",), (True,), True))
        for path, right, inherited in wanted:
            value = at(own, *path)
            value = at(whole, *path) if value is None and inherited else value
            if value not in right:
                place = f"{container.path}.securityContext.{'.'.join(path)}"
                shown = "absent" if value is None else value
                yield violation(subject, "SEC-021", place, shown, reason, allowed=", ".join(map(str, right)))
        dropped = at(own, "capabilities", "drop")
        if not _excepted(subject) and "ALL" not in kube.strings(dropped):
            place = f"{container.path}.securityContext.capabilities.drop"
            yield violation(subject, "SEC-021", place, dropped or "absent", reason, allowed="ALL")


def _with_pods(subject: Subject) -> Iterator[tuple[kube.Container, Mapping[str, Any]]]:
    for path, pod in kube.pods(subject):
        for container in kube.containers(subject):
            if container.path.startswith((f"{path}.containers[", f"{path}.initContainers[")) or not path:
                yield container, pod


def _rights(subject: Subject) -> Iterator[Violation]:
    """SEC-022: rights without an end."""
    group, kind = kube.kind_of(subject.type)
    if group != "rbac.authorization.k8s.io":
        return
    if kind in {"Role", "ClusterRole"}:
        for index, rule in enumerate(kube.items(subject.inputs.get("rules"))):
            yield from _rule(subject, f"rules[{index}]", rule)
    if kind.endswith("Binding"):
        if at(subject.inputs, "roleRef", "name") == "cluster-admin":
            reason = "it may do everything everywhere, and so may whoever gets hold of it."
            yield violation(subject, "SEC-022", "roleRef.name", "cluster-admin", reason, allowed="a role of its own")
        for index, one in enumerate(kube.items(subject.inputs.get("subjects"))):
            if at(one, "name") in _EVERYBODY:
                reason = "everybody is in this group, or nothing holds it back."
                path = f"subjects[{index}].name"
                yield violation(subject, "SEC-022", path, at(one, "name"), reason, allowed="a group of your own")


def _rule(subject: Subject, path: str, rule: Any) -> Iterator[Violation]:
    verbs, resources = kube.strings(at(rule, "verbs")), kube.strings(at(rule, "resources"))
    for key in ("apiGroups", "resources", "verbs"):
        value = at(rule, key)
        if value is UNKNOWN or "*" in kube.strings(value):
            yield violation(
                subject, "SEC-022", f"{path}.{key}", value, "it takes in what comes later.", allowed="names"
            )
    for verb in _GIVING:
        if verb in verbs:
            reason = "with it somebody gives rights to themselves."
            yield violation(subject, "SEC-022", f"{path}.verbs", verb, reason, allowed="without it")
    for resource in _SUBRESOURCES:
        if resource in resources:
            reason = "it is a way past what the rules of access say."
            yield violation(subject, "SEC-022", f"{path}.resources", resource, reason, allowed="without it")
    for resource in _LEADING:
        if resource in resources and set(verbs) & set(_WRITING):
            reason = "who writes it leads traffic, or every request to the API, elsewhere."
            yield violation(subject, "SEC-022", f"{path}.resources", resource, reason, allowed="without it")
    if "secrets" in resources and set(verbs) & set(_READING) and not kube.items(at(rule, "resourceNames")):
        reason = "it reads every secret there is, and those to come."
        yield violation(subject, "SEC-022", f"{path}.resources", "secrets", reason, allowed="secrets by their names")


def _accounts(subject: Subject) -> Iterator[Violation]:
    """SEC-023: the account that every pod has unless it names its own, and the namespace that is nobody's."""
    _, kind = kube.kind_of(subject.type)
    found = kube.pods(subject) if kind in kube.WORKLOADS else []
    if found and at(subject.inputs, "metadata", "namespace") in (None, "", "default"):
        reason = "in it everybody's pods lie together, and no quota or policy is about one of them."
        value = at(subject.inputs, "metadata", "namespace") or "absent"
        yield violation(subject, "SEC-023", "metadata.namespace", value, reason, allowed="a namespace of its own")
    for path, pod in found:
        account, mounted = pod.get("serviceAccountName"), pod.get("automountServiceAccountToken")
        if account in (None, "", "default") and mounted is not False:
            reason = "the token of the default account would lie in the pod."
            place = f"{path}.automountServiceAccountToken"
            shown = "absent" if mounted is None else mounted
            yield violation(subject, "SEC-023", place, shown, reason, allowed="false, or an account of its own")


def _environment(subject: Subject) -> Iterator[Violation]:
    """SEC-024: a variable is read by every process of the container, and printed by many."""
    reason = "a variable is handed to every process and often printed; a file is not."
    for container in kube.containers(subject):
        for index, entry in enumerate(kube.items(container.body.get("env"))):
            if at(entry, "valueFrom", "secretKeyRef") is not None:
                place = f"{container.path}.env[{index}].valueFrom.secretKeyRef"
                yield violation(subject, "SEC-024", place, "a secret", reason, allowed="a mounted file")
        for index, entry in enumerate(kube.items(container.body.get("envFrom"))):
            if at(entry, "secretRef") is not None:
                place = f"{container.path}.envFrom[{index}].secretRef"
                yield violation(subject, "SEC-024", place, "a secret", reason, allowed="a mounted file")


def _namespaces(subject: Subject) -> Iterator[Violation]:
    """SEC-025: the API server enforces Pod Security where a namespace says which."""
    if kube.kind_of(subject.type) != ("", "Namespace"):
        return
    name, level = at(subject.inputs, "metadata", "name"), at(subject.inputs, "metadata", "labels", _ENFORCE)
    if name in (*_SYSTEM, EXCEPTED) or level in _LEVELS or level is ACCEPTED:
        return
    reason = "without it the API server lets in privileged pods."
    path = f"metadata.labels[{_ENFORCE}]"
    yield violation(subject, "SEC-025", path, level or "absent", reason, allowed=", ".join(_LEVELS))


# What says to a cloud that a balancer stands inside the network.
_INTERNAL: Final = {
    "networking.gke.io/load-balancer-type": "internal",
    "cloud.google.com/load-balancer-type": "internal",
    "service.beta.kubernetes.io/azure-load-balancer-internal": "true",
    "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type": "intranet",
}


def _gateways(subject: Subject) -> Iterator[Violation]:
    """SEC-003: so has a Gateway whose controller makes a balancer for it."""
    spec = subject.inputs.get("spec")
    named = at(spec, "gatewayClassName")
    if (
        kube.kind_of(subject.type) != (GATEWAY_API, "Gateway")
        or not isinstance(named, str)
        or named not in PUBLIC_BY_DEFAULT
    ):
        return
    notes = at(spec, "infrastructure", "annotations")
    said = [(at(notes, key), word) for key, word in _INTERNAL.items()]
    if not any(value is ACCEPTED or str(value).lower() == word for value, word in said):
        reason = "its controller would make a balancer with a public address that everybody may call."
        allowed = "the cloud's annotation for an internal balancer"
        yield violation(subject, "SEC-003", "spec.infrastructure.annotations", "absent", reason, allowed=allowed)


def _balancers(subject: Subject) -> Iterator[Violation]:
    """SEC-003: a balancer has a public address unless it is told otherwise."""
    spec = subject.inputs.get("spec")
    if kube.kind_of(subject.type) != ("", "Service") or at(spec, "type") != "LoadBalancer":
        return
    notes = at(subject.inputs, "metadata", "annotations")
    named = [(at(notes, key), word) for key, word in _INTERNAL.items()]
    ranges = kube.items(at(spec, "loadBalancerSourceRanges"))
    if any(value is ACCEPTED or str(value).lower() == word for value, word in named):
        return
    if not ranges or any(one is UNKNOWN or str(one).endswith("/0") for one in ranges):
        reason = "the cloud would give it a public address that everybody may call."
        allowed = "an internal balancer, or loadBalancerSourceRanges"
        yield violation(subject, "SEC-003", "spec.type", "LoadBalancer", reason, allowed=allowed)


CHECKS: tuple[Check, ...] = (
    Check(rules=("SEC-003",), run=_balancers),
    Check(rules=("SEC-003",), run=_gateways),
    Check(rules=("SEC-020",), run=_host),
    Check(rules=("SEC-021",), run=_context),
    Check(rules=("SEC-022",), run=_rights),
    Check(rules=("SEC-023",), run=_accounts),
    Check(rules=("SEC-024",), run=_environment),
    Check(rules=("SEC-025",), run=_namespaces),
)
