"""Rules about what leads traffic of a cluster elsewhere: services, routes, redirects, webhooks, other clusters; and
about what lets pods out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from components.policy import hosts, kube
from components.policy.model import ACCEPTED, UNKNOWN, Check, Subject, at, violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.policy.model import Violation

# Ranges that no internet route leads to.
PRIVATE_RANGE = (
    r"^(?:10\.[0-9.]+/(?:[89]|[12][0-9]|3[0-2])|192\.168\.[0-9.]+/(?:1[6-9]|2[0-9]|3[0-2])"
    r"|172\.(?:1[6-9]|2[0-9]|3[01])\.[0-9.]+/(?:1[2-9]|2[0-9]|3[0-2])|127\.[0-9.]+/(?:[89]|[12][0-9]|3[0-2])"
    r"|169\.254\.[0-9.]+/(?:1[6-9]|2[0-9]|3[0-2])|100\.(?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.[0-9.]+/(?:1[0-9]|2[0-9]|3[0-2])"
    r"|(?i:f[cd][0-9a-f]{2}:[0-9a-f:]*)/(?:[89]|[1-9][0-9]|1[01][0-9]|12[0-8]))$"
)
WEBHOOKS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
# What an ingress controller does beside routing: whom it asks, and where it sends a caller or a copy.
_LEADS = ("/permanent-redirect", "/temporal-redirect", "/auth-url", "/auth-signin", "/mirror-target", "/mirror-host")
# The name by which the caller came, in the words of nginx.
_CALLED = re.compile(r"\$\{?(?:best_http_host|http_host|host|server_name)\b\}?")
# Kinds whose only purpose is to lead work or traffic to other clusters.
_ELSEWHERE = {
    ("kueue.x-k8s.io", "MultiKueueCluster"): "it hands jobs to another cluster.",
    ("multicluster.x-k8s.io", "ServiceExport"): "other clusters of its set would answer for it, and it for them.",
    ("multicluster.x-k8s.io", "ServiceImport"): "other clusters of its set would answer for it.",
    ("net.gke.io", "ServiceExport"): "other clusters of its fleet would answer for it, and it for them.",
    ("net.gke.io", "ServiceImport"): "other clusters of its fleet would answer for it.",
    ("networking.gke.io", "MultiClusterIngress"): "clusters of other regions would answer.",
    ("networking.gke.io", "MultiClusterService"): "clusters of other regions would answer.",
}
# Annotations by which a Service is one with those of its name in other clusters.
_SHARED = ("service.cilium.io/global", "io.cilium/global-service", "service.cilium.io/shared")
# Classes of gateways and ingresses that Google answers for all over the world.
_WORLDWIDE = re.compile(r"^(?:gke-l7-(?:gxlb|global-|cross-regional-).*|gce)$")
_OTHERS = frozenset({"crd.projectcalico.org", "projectcalico.org", "policy.networking.k8s.io"})
_WORLD = frozenset({"world", "world-ipv4", "world-ipv6", "all"})


def routes(subject: Subject) -> Iterator[Violation]:
    """RES-028: names and addresses outside that traffic of the cluster is sent to."""
    group, kind = kube.kind_of(subject.type)
    inputs = subject.inputs
    if kind == "Service" and at(inputs, "spec", "type") == "ExternalName":
        yield from kube.sent(subject, "RES-028", "spec.externalName", at(inputs, "spec", "externalName"))
    if kind == "EndpointSlice":
        for index, endpoint in enumerate(kube.items(inputs.get("endpoints"))):
            for number, address in enumerate(kube.items(at(endpoint, "addresses"))):
                yield from kube.sent(subject, "RES-028", f"endpoints[{index}].addresses[{number}]", address)
    if kind == "Endpoints":
        for index, part in enumerate(kube.items(inputs.get("subsets"))):
            for number, one in enumerate(kube.items(at(part, "addresses"))):
                yield from kube.sent(subject, "RES-028", f"subsets[{index}].addresses[{number}].ip", at(one, "ip"))
    if (group, kind) in _ELSEWHERE:
        yield violation(subject, "RES-028", "kind", kind, _ELSEWHERE[group, kind], allowed="what stays in this cluster")
    for key in _SHARED if kind == "Service" else ():
        value = at(inputs, "metadata", "annotations", key)
        if value not in (None, "false", False):
            reason = "services of this name in other clusters would answer for it."
            place = f"metadata.annotations[{key}]"
            yield violation(subject, "RES-028", place, value, reason, allowed="without the annotation")
    yield from _redirects(subject, kind)
    yield from _entries(subject, kind)


def _redirects(subject: Subject, kind: str) -> Iterator[Violation]:
    spec = subject.inputs.get("spec")
    if kind in {"HTTPRoute", "GRPCRoute"}:
        for index, rule in enumerate(kube.items(at(spec, "rules"))):
            for number, one in enumerate(kube.items(at(rule, "filters"))):
                path = f"spec.rules[{index}].filters[{number}].requestRedirect.hostname"
                yield from kube.sent(subject, "RES-028", path, at(one, "requestRedirect", "hostname"))
            for number, one in enumerate(kube.items(at(rule, "backendRefs"))):
                if at(one, "kind") == "Hostname":
                    path = f"spec.rules[{index}].backendRefs[{number}].name"
                    yield from kube.sent(subject, "RES-028", path, at(one, "name"))
    if kind == "Ingress":
        for key, value in kube.pairs(at(subject.inputs, "metadata", "annotations")):
            if key.endswith(_LEADS):
                named = _CALLED.sub("localhost", value) if isinstance(value, str) else value
                yield from kube.sent(subject, "RES-028", f"metadata.annotations[{key}]", named)


def _entries(subject: Subject, kind: str) -> Iterator[Violation]:
    spec = subject.inputs.get("spec")
    if kind == "ServiceEntry":
        for key in ("hosts", "addresses"):
            for index, name in enumerate(kube.items(at(spec, key))):
                if not (isinstance(name, str) and hosts.compiled(PRIVATE_RANGE).match(name)):
                    yield from kube.sent(subject, "RES-028", f"spec.{key}[{index}]", name)
        for index, one in enumerate(kube.items(at(spec, "endpoints"))):
            yield from kube.sent(subject, "RES-028", f"spec.endpoints[{index}].address", at(one, "address"))
    if kind == "Backend":
        for index, one in enumerate(kube.items(at(spec, "endpoints"))):
            path = f"spec.endpoints[{index}]"
            yield from kube.sent(subject, "RES-028", f"{path}.fqdn.hostname", at(one, "fqdn", "hostname"))
            yield from kube.sent(subject, "RES-028", f"{path}.ip.address", at(one, "ip", "address"))


def entries(subject: Subject) -> Iterator[Violation]:
    """RES-025: gateways that the whole world comes in by."""
    _, kind = kube.kind_of(subject.type)
    spec = subject.inputs.get("spec")
    named: dict[str, Any] = {}
    if kind == "Gateway":
        named = {"spec.gatewayClassName": at(spec, "gatewayClassName")}
    elif kind == "Ingress":
        key = "kubernetes.io/ingress.class"
        said = at(subject.inputs, "metadata", "annotations", key)
        named = {"spec.ingressClassName": at(spec, "ingressClassName"), f"metadata.annotations[{key}]": said}
    for path, value in named.items():
        if isinstance(value, str) and _WORLDWIDE.match(value):
            reason = "Google answers for it at every one of its edges, wherever a caller is."
            yield violation(subject, "RES-025", path, value, reason, allowed="a regional class")


def webhooks(subject: Subject) -> Iterator[Violation]:
    """RES-028: whom the API server itself asks, with the whole object in its hands."""
    _, kind = kube.kind_of(subject.type)
    if kind in WEBHOOKS:
        for index, one in enumerate(kube.items(subject.inputs.get("webhooks"))):
            path = f"webhooks[{index}].clientConfig.url"
            yield from kube.sent(subject, "RES-028", path, at(one, "clientConfig", "url"))
    if kind == "CustomResourceDefinition":
        path = ("spec", "conversion", "webhook", "clientConfig", "url")
        yield from kube.sent(subject, "RES-028", ".".join(path), at(subject.inputs, *path))


def egress(subject: Subject) -> Iterator[Violation]:
    """RES-033: in China no way out to everywhere."""
    group, kind = kube.kind_of(subject.type)
    if subject.world != "cn":
        return
    if group == "cilium.io" and kind in {"CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"}:
        yield from _cilium(subject)
    if group in _OTHERS:
        yield from _other(subject)
    if (group, kind) != ("networking.k8s.io", "NetworkPolicy"):
        return
    for index, rule in enumerate(kube.items(at(subject.inputs, "spec", "egress"))):
        path = f"spec.egress[{index}].to"
        peers = at(rule, "to")
        if peers is ACCEPTED:
            continue
        if peers is UNKNOWN or not kube.items(peers):
            yield _open(subject, path, peers or "absent", "a rule without peers lets out to every address.")
        for number, peer in enumerate(kube.items(peers)):
            yield from _range(subject, f"{path}[{number}].ipBlock.cidr", at(peer, "ipBlock", "cidr"))


def _other(subject: Subject) -> Iterator[Violation]:
    """Policies of Calico, and those of administrators: what a rule does stands in it."""
    for index, rule in enumerate(kube.items(at(subject.inputs, "spec", "egress"))):
        if at(rule, "action") not in ("Allow", "Pass", "Accept"):
            continue
        path, to = f"spec.egress[{index}]", at(rule, "destination")
        peers = at(rule, "to")
        if to is None and peers is None:
            yield _open(subject, path, "absent", "a rule without peers lets out to every address.")
        for number, cidr in enumerate(kube.items(at(to, "nets"))):
            yield from _range(subject, f"{path}.destination.nets[{number}]", cidr)
        for number, name in enumerate(kube.items(at(to, "domains"))):
            place = f"{path}.destination.domains[{number}]"
            yield from kube.sent(subject, "RES-033", place, name, pattern=kube.sources(subject))
        for number, peer in enumerate(kube.items(peers)):
            for place, cidr in enumerate(kube.items(at(peer, "networks"))):
                yield from _range(subject, f"{path}.to[{number}].networks[{place}]", cidr)
            for place, name in enumerate(kube.items(at(peer, "domainNames"))):
                where = f"{path}.to[{number}].domainNames[{place}]"
                yield from kube.sent(subject, "RES-033", where, name, pattern=kube.sources(subject))


def _open(subject: Subject, path: str, value: object, reason: str) -> Violation:
    return violation(subject, "RES-033", path, value, reason, allowed="private ranges, namespaces")


def _range(subject: Subject, path: str, cidr: Any) -> Iterator[Violation]:
    if cidr is None or cidr is ACCEPTED:
        return
    if not isinstance(cidr, str) or not hosts.compiled(PRIVATE_RANGE).fullmatch(cidr):
        yield _open(subject, path, cidr, "it holds addresses of the internet, and those may lie anywhere.")


def _cilium(subject: Subject) -> Iterator[Violation]:
    listed = [("spec", subject.inputs.get("spec"))]
    listed += [(f"specs[{number}]", one) for number, one in enumerate(kube.items(subject.inputs.get("specs")))]
    for place, spec in listed:
        for index, rule in enumerate(kube.items(at(spec, "egress"))):
            yield from _cilium_rule(subject, f"{place}.egress[{index}]", rule)


def _cilium_rule(subject: Subject, path: str, rule: Any) -> Iterator[Violation]:
    # A rule of ports alone lets out to every address; one that says nothing lets out to none.
    if not any(key.startswith("to") and key != "toPorts" for key, _ in kube.pairs(rule)) and at(rule, "toPorts"):
        yield _open(subject, path, "toPorts", "a rule without peers lets out to every address.")
    for number, one in enumerate(kube.items(at(rule, "toEntities"))):
        if one in _WORLD:
            yield _open(subject, f"{path}.toEntities[{number}]", one, "it is every address of the internet.")
    for number, cidr in enumerate(kube.items(at(rule, "toCIDR"))):
        single = isinstance(cidr, str) and "/" not in cidr
        yield from _range(subject, f"{path}.toCIDR[{number}]", f"{cidr}/32" if single and ":" not in cidr else cidr)
    for number, one in enumerate(kube.items(at(rule, "toCIDRSet"))):
        yield from _range(subject, f"{path}.toCIDRSet[{number}].cidr", at(one, "cidr"))
    for number, one in enumerate(kube.items(at(rule, "toFQDNs"))):
        for key in ("matchName", "matchPattern"):
            place = f"{path}.toFQDNs[{number}].{key}"
            yield from kube.sent(subject, "RES-033", place, at(one, key), pattern=kube.sources(subject))


CHECKS: tuple[Check, ...] = (
    Check(rules=("RES-028",), run=routes),
    Check(rules=("RES-025",), run=entries),
    Check(rules=("RES-028",), run=webhooks),
    Check(rules=("RES-033",), run=egress),
)
