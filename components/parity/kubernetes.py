"""What the objects that are installed in a cluster guarantee, on whatever cloud."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from components.parity import graph as g
from components.parity import serving

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.parity.graph import Fact, Graph, Inputs, Reader

PACKAGE = "kubernetes:"
_GPU = "requests.nvidia.com/gpu"
_ENFORCE = "pod-security.kubernetes.io/enforce"
_TENANT = "twain/maison"
# Levels that forbid privileged pods and host paths, so every way to a device but the device plugin.
_SAFE_LEVELS = ("baseline", "restricted")
_OPERATORS = ("kueue.x-k8s.io", "ray.io", "kubeflow.org", "leaderworkerset.x-k8s.io", "batch.volcano.sh")
# Charts that install one of them; a chart of another name may too, so it is counted as none.
_CHARTS = ("kueue", "kuberay-operator", "training-operator", "kubeflow-trainer", "lws", "volcano")
_EXPORTERS = ("dcgm-exporter",)


def _word(graph: Graph, fact: Fact, *, yes: str, no: str) -> str | None:
    """The word for a fact of the platform; None where nothing of a platform is in view."""
    return g.word(fact, yes=yes, no=no) if graph.has(PACKAGE) else None


def _kind(graph: Graph, group: str, kind: str) -> list[Inputs]:
    return graph.like(f"{PACKAGE}{group}/", kind)


def _listeners(graph: Graph) -> list[Any]:
    gateways = _kind(graph, "gateway.networking.k8s.io", "Gateway")
    return [one for gateway in gateways for one in g.listed(gateway, "spec", "listeners") or ()]


def _inference(graph: Graph) -> str | None:
    return _word(graph, bool(_listeners(graph)), yes="gateway-api", no="none")


def _tls(graph: Graph) -> str | None:
    facts = [g.is_(g.at(one, "protocol"), "HTTPS", "TLS") for one in _listeners(graph)]
    if graph.has(PACKAGE) and not facts:
        return g.NOT_APPLICABLE
    return _word(graph, g.every(facts), yes="required", no="plain")


def _gangs(graph: Graph) -> str | None:
    """A queue of Kueue that has a quota to give, or any of Volcano."""
    facts: list[Fact] = [bool(_kind(graph, "scheduling.volcano.sh", "Queue"))]
    for one in _kind(graph, "kueue.x-k8s.io", "ClusterQueue"):
        groups = g.listed(one, "spec", "resourceGroups")
        facts.append(None if groups is None else bool(groups))
    return _word(graph, g.some(facts), yes="queue", no="none")


def _operators(graph: Graph) -> str | None:
    """By its definitions, or by the chart that brings them."""
    kinds = _kind(graph, "apiextensions.k8s.io", "CustomResourceDefinition")
    facts = [g.is_(g.at(one, "spec", "group"), *_OPERATORS) for one in kinds]
    for one in _kind(graph, "helm.sh", "Release"):
        chart = g.at(one, "chart")
        facts.append(chart.rpartition("/")[2] in _CHARTS if isinstance(chart, str) else None)
    fact = g.some(facts)
    return _word(graph, fact, yes="installed", no="none")


def _scalers(graph: Graph) -> str | None:
    found = [*_kind(graph, "autoscaling", "HorizontalPodAutoscaler"), *_kind(graph, "keda.sh", "ScaledObject")]
    return _word(graph, bool(found), yes="by-metrics", no="none")


def _signals(graph: Graph) -> str | None:
    """The names of the metrics, which are inputs of the scaler and mean the same on each cloud."""
    found: set[str] = set()
    for one in _kind(graph, "autoscaling", "HorizontalPodAutoscaler"):
        for metric in g.listed(one, "spec", "metrics") or ():
            for part in ("resource", "pods", "object", "external"):
                name = g.at(metric, part, "name") or g.at(metric, part, "metric", "name")
                found |= {name} if isinstance(name, str) else set()
    for one in _kind(graph, "keda.sh", "ScaledObject"):
        for trigger in g.listed(one, "spec", "triggers") or ():
            name = g.at(trigger, "metadata", "metricName") or g.at(trigger, "type")
            found |= {name} if isinstance(name, str) else set()
    if not graph.has(PACKAGE):
        return None
    return "_".join(sorted(one.replace(":", ".") for one in found)) or "none"


def _exporter(graph: Graph) -> str | None:
    """An exporter of device metrics on every GPU node whose pods say that they are to be scraped."""
    facts: list[Fact] = []
    for one in _kind(graph, "apps", "DaemonSet"):
        containers = g.listed(one, "spec", "template", "spec", "containers")
        annotations = g.at(one, "spec", "template", "metadata", "annotations")
        images = [serving.image_of(container)[0] for container in containers or ()]
        if any(image in _EXPORTERS for image in images):
            facts.append(g.is_(g.at(annotations, "prometheus.io/scrape"), "true"))
    monitors = [*_kind(graph, "monitoring.coreos.com", "PodMonitor")]
    facts += [True] * bool(facts and monitors)
    return _word(graph, g.some(facts), yes="per-device", no="none")


def _scraped(graph: Graph) -> str | None:
    """A Prometheus that finds pods through the API server, or an operator's order to do so."""
    monitors = (("monitoring.coreos.com", "PodMonitor"), ("monitoring.googleapis.com", "PodMonitoring"))
    orders = [one for group, kind in monitors for one in _kind(graph, group, kind)]
    facts: list[Fact] = [bool(orders)]
    for one in _kind(graph, "core", "ConfigMap"):
        data = g.at(one, "data")
        for key, text in data.items() if isinstance(data, dict) else ():
            if key.endswith((".yml", ".yaml")) and isinstance(text, str) and "kubernetes_sd_configs" in text:
                facts.append("role: pod" in text or "role: endpoints" in text)
    return _word(graph, g.some(facts), yes="scraped", no="none")


def _name_of(space: Inputs) -> str:
    return str(g.at(space, "metadata", "name"))


def _spaces(graph: Graph) -> list[Inputs]:
    return _kind(graph, "core", "Namespace")


def _tenants(graph: Graph) -> list[Inputs]:
    """The namespaces that belong to a tenant: those with our label; where nobody labels, those with a GPU quota."""
    labelled = [one for one in _spaces(graph) if g.at(one, "metadata", "labels", _TENANT)]
    if labelled:
        return labelled
    metered = {g.at(quota, "metadata", "namespace") for quota in _quotas(graph)}
    return [one for one in _spaces(graph) if _name_of(one) in metered]


def _quotas(graph: Graph) -> list[Inputs]:
    return [one for one in _kind(graph, "core", "ResourceQuota") if g.at(one, "spec", "hard", _GPU) is not None]


def _devices(graph: Graph) -> str | None:
    tenants = _tenants(graph)
    facts = [g.is_(g.at(one, "metadata", "labels", _ENFORCE), *_SAFE_LEVELS) for one in tenants]
    if graph.has(PACKAGE) and not tenants:
        return g.NOT_APPLICABLE
    return _word(graph, g.every(facts), yes="isolated", no="open")


def _denied(graph: Graph, space: str, *, strict: bool = False) -> Fact:
    """Whether a policy of a namespace selects all its pods, for both directions, and none opens all of them to
    everybody: policies add up. With `strict` none opens any of its pods to everybody.
    """
    denies: list[Fact] = []
    opens: list[Fact] = []
    for policy in _kind(graph, "networking.k8s.io", "NetworkPolicy"):
        if g.at(policy, "metadata", "namespace") != space:
            continue
        spec = g.at(policy, "spec")
        types, selector = g.listed(spec, "policyTypes"), g.at(spec, "podSelector")
        all_pods = isinstance(selector, dict) and not selector
        denies.append(None if types is None else all_pods and {"Ingress", "Egress"} <= set(types))
        opens.append(not ((all_pods or strict) and _wide(spec)))
    return g.every([g.some(denies), *opens])


def _wide(spec: Any) -> bool:
    """Whether a rule of a policy lets everybody in, or out to everywhere."""
    rules = [(rule, "from") for rule in g.listed(spec, "ingress") or ()]
    rules += [(rule, "to") for rule in g.listed(spec, "egress") or ()]
    return any(not (peers := g.listed(rule, side) or ()) or any(map(_everybody, peers)) for rule, side in rules)


def _everybody(peer: Any) -> bool:
    block, spaces, pods = (g.at(peer, key) for key in ("ipBlock", "namespaceSelector", "podSelector"))
    if block is not None:
        # Half of all addresses is as good as all of them.
        return str(g.at(block, "cidr")).rpartition("/")[2] in {"0", "1"}
    return isinstance(spaces, dict) and not spaces and not pods


def _default_deny(graph: Graph) -> str | None:
    spaces = _spaces(graph)
    if graph.has(PACKAGE) and not spaces:
        return g.NOT_APPLICABLE
    return _word(graph, g.every(_denied(graph, _name_of(one)) for one in spaces), yes="every-namespace", no="some")


def _isolation(graph: Graph) -> str | None:
    tenants = _tenants(graph)
    if graph.has(PACKAGE) and not tenants:
        return g.NOT_APPLICABLE
    bound = _groups(graph)
    metered = {g.at(quota, "metadata", "namespace") for quota in _quotas(graph)}
    facts: list[Fact] = []
    for one in tenants:
        name = _name_of(one)
        others = {group for space, groups in bound.items() if space != name for group in groups}
        own = bound.get(name, set())
        facts.append(g.is_(g.at(one, "metadata", "labels", _ENFORCE), "restricted"))
        facts.append(_denied(graph, name, strict=True))
        facts.append(name in metered and bool(own) and not own & others)
    return _word(graph, g.every(facts), yes="isolated", no="partial")


def _groups(graph: Graph) -> dict[str, set[str]]:
    """Who is bound in each tenant's namespace. Those who operate the whole cluster are left out: they are no tenant."""
    spaces = {_name_of(one) for one in _tenants(graph)}
    whole = _kind(graph, "rbac.authorization.k8s.io", "ClusterRoleBinding")
    operators = {name for binding in whole for name in _bound(binding)}
    found: dict[str, set[str]] = {}
    for binding in _kind(graph, "rbac.authorization.k8s.io", "RoleBinding"):
        space = str(g.at(binding, "metadata", "namespace"))
        if space in spaces:
            found.setdefault(space, set()).update(_bound(binding) - operators)
    return found


def _bound(binding: Mapping[str, Any]) -> set[str]:
    subjects = g.listed(binding, "subjects") or ()
    return {f"{g.at(one, 'kind')}/{g.at(one, 'name')}" for one in subjects}


def _quota_table(graph: Graph) -> str | None:
    table = {
        str(g.at(one, "metadata", "namespace")): g.whole(g.at(one, "spec", "hard", _GPU)) for one in _quotas(graph)
    }
    if not graph.has(PACKAGE) or None in table.values():
        return None
    if not table:
        return g.NOT_APPLICABLE
    digest = hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()[:8]
    return f"{len(table)}-tenants/{sum(one or 0 for one in table.values())}-gpus/{digest}"


READERS: dict[str, Reader] = {
    "ai_inference": _inference,
    "gang_scheduling": _gangs,
    "pod_autoscaling": _scalers,
    "accelerator_metrics": _exporter,
    "ai_service_metrics": _scraped,
    "secure_accelerator_access": _devices,
    "robust_controller": _operators,
    "network.default_deny": _default_deny,
    "gateway.tls": _tls,
    "tenant.isolation": _isolation,
    "tenant.quotas": _quota_table,
    "autoscaler.signals": _signals,
}
