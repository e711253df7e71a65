"""Rules about custom resources: those of known projects by what their fields mean, all others by the names of fields
that mean an address everywhere.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from components.policy import hosts, kube, kube_texts, told
from components.policy.model import Check, Subject, at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.policy.model import Violation

# Fields that hold an address, in small letters and without the marks between words.
_ADDRESSES = frozenset(
    {
        *("url", "uri", "endpoint", "endpoints", "server", "servers", "address", "addresses", "host", "brokers"),
        *("serverurl", "serveraddress", "serveraddresses", "bootstrapservers"),
        *("repourl", "proxyurl", "apiurl", "webhookurl"),
    }
)
# Parts that are judged by rules of their own, or that hold what is no address of this cluster's traffic.
_LEFT = frozenset(
    {"containers", "initContainers", "ephemeralContainers", "openAPIV3Schema", "description", "annotations", "labels"}
)
# What names a place outside for certain: a URL, an address, or a name with dots. A mere word may be anything.
_PLACE = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]{0,20}://.*|(?:[^@\s]*@)?(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{1,63}\.?(?::[0-9]+)?(?:/.*)?",
    re.DOTALL,
)
# Every address of the machine itself: what listens there.
_LISTENS = re.compile(r"(?:[a-z]+://)?(?:0\.0\.0\.0|\[::\])(?::[0-9]+)?/?")
_URI_OF_NO_HOST = ("spiffe://", "pvc://", "projects/", "arn:", "urn:")
_METRICS, _TRACES, _ROUTED, _FETCHED = "RES-014", "RES-017", "RES-028", "RES-023"
# Projects by what their addresses are for: a rule, and whether things are fetched from there rather than sent.
_GROUPS: dict[str, tuple[str, bool]] = {
    "monitoring.coreos.com": (_METRICS, False),
    "operator.victoriametrics.com": (_METRICS, False),
    "keda.sh": (_METRICS, False),
    "grafana.integreatly.org": (_METRICS, False),
    "opentelemetry.io": (_TRACES, False),
    "fluentbit.fluent.io": (_TRACES, False),
    "logging.banzaicloud.io": (_TRACES, False),
    "source.toolkit.fluxcd.io": (_FETCHED, True),
    "cert-manager.io": (_ROUTED, True),
}
# Fields that things are fetched from, whatever the project.
_SOURCES = frozenset({"repourl"})
# Judged by rules of their own, field by field.
_OWN_GROUPS = frozenset({"velero.io", "cilium.io", "serving.kserve.io", "helm.sh", "route.openshift.io", "twain.io"})
_OWN_KINDS = frozenset({"AlertmanagerConfig", "ServiceEntry", "Backend", "GrafanaDatasource", "MultiKueueCluster"})
_OWN_FIELDS = {
    "monitoring.coreos.com": frozenset({"remoteWrite", "remoteRead", "staticConfigs"}),
    # Values of charts, which are judged as such.
    "helm.toolkit.fluxcd.io": frozenset({"values"}),
    "argoproj.io": frozenset({"valuesObject"}),
    # Names and addresses by which callers come in.
    "getambassador.io": frozenset({"host"}),
    "kafka.strimzi.io": frozenset({"host"}),
    "metallb.io": frozenset({"addresses"}),
}
# How Git writes a repository that is reached by SSH.
_BY_SSH = re.compile(r"[^@/\s]+@(?P<host>[^:/\s]+):(?P<path>[^0-9].*)", re.DOTALL)
_OWN_COLLECTOR = frozenset({"config"})


def is_custom(group: str) -> bool:
    """Whether a group is of a project of its own and not of Kubernetes itself."""
    return "." in group and not group.endswith(".k8s.io") and group != "k8s.io"


def addresses(subject: Subject) -> Iterator[Violation]:
    """Addresses in custom resources, by the rule of what the project does with them; of unknown projects RES-028."""
    group, kind = kube.kind_of(subject.type)
    if not is_custom(group) or group in _OWN_GROUPS or kind in _OWN_KINDS:
        return
    rule, fetched = _GROUPS.get(group, (_ROUTED, False))
    own = _OWN_FIELDS.get(group, frozenset[str]())
    if (group, kind) == ("opentelemetry.io", "OpenTelemetryCollector"):
        own = _OWN_COLLECTOR
    for path, key, value in _addresses(subject.inputs.get("spec"), "spec", own):
        source = fetched or key in _SOURCES
        named = _FETCHED if key in _SOURCES else rule
        pattern = kube.sources(subject) if source else kube.receivers(subject)
        yield from kube.sent(subject, named, path, value, pattern=pattern)


def _addresses(value: Any, path: str, own: frozenset[str]) -> Iterator[tuple[str, str, str]]:
    """(path, field, value) of what names a place outside the object."""
    for key, inner in kube.pairs(value):
        if key in _LEFT or key in own:
            continue
        place, small = f"{path}.{key}", re.sub(r"[._-]", "", key).lower()
        if small in _ADDRESSES or (small.endswith(_ENDS if own is _TRIGGER else _SUFFIXES) and not told.is_own(key)):
            listed = inner if isinstance(inner, list | tuple) else [inner]
            for one in listed:
                for part in hosts.items_of(one) if isinstance(one, str) and len(one) <= hosts.LONGEST else [one]:
                    git = _BY_SSH.fullmatch(part) if isinstance(part, str) else None
                    named = f"ssh://{git['host']}/{git['path']}" if git else part
                    named = named.removeprefix("jdbc:") if isinstance(named, str) else named
                    if _is_place(named):
                        yield place, small, named
        yield from _addresses(inner, place, _TRIGGER if key == "triggers" else own)
    if isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _addresses(inner, f"{path}[{index}]", own)


# What a name of several words ends in that means an address; a mere `host` is part of many others.
_SUFFIXES = ("url", "uri", "endpoint", "endpoints", "server", "servers", "apiserver", "brokers", "connectionstring")
# Settings of a trigger of an autoscaler are free words; their ends say what they are.
_TRIGGER = frozenset({"authenticationRef"})
_ENDS = ("url", "endpoint", "address", "addresses", "servers", "brokers", "host", "hosts")


def _is_place(value: object) -> bool:
    if not isinstance(value, str) or value.startswith(_URI_OF_NO_HOST) or _LISTENS.fullmatch(value):
        return False
    return len(value) > hosts.LONGEST_ITEM or _PLACE.fullmatch(value) is not None


def telemetry(subject: Subject) -> Iterator[Violation]:
    """RES-014: custom resources that say where metrics and alerts go, or what a board reads."""
    group, kind = kube.kind_of(subject.type)
    spec = subject.inputs.get("spec")
    if group == "monitoring.coreos.com":
        for key in ("remoteWrite", "remoteRead"):
            for index, one in enumerate(kube.items(at(spec, key))):
                yield from kube.sent(subject, "RES-014", f"spec.{key}[{index}].url", at(one, "url"))
        for index, one in enumerate(kube.items(at(spec, "staticConfigs"))):
            for number, target in enumerate(kube.items(at(one, "targets"))):
                path = f"spec.staticConfigs[{index}].targets[{number}]"
                yield from kube.sent(subject, "RES-014", path, target)
    if kind == "GrafanaDatasource":
        yield from kube.sent(subject, "RES-014", "spec.datasource.url", at(spec, "datasource", "url"))
    if (group, kind) == ("monitoring.coreos.com", "AlertmanagerConfig"):
        for index, one in enumerate(kube.items(at(spec, "receivers"))):
            yield from kube_texts.receiver(subject, f"spec.receivers[{index}]", _snake(one))


def _snake(value: Any) -> Any:
    """A mapping with the keys that Alertmanager's own file has."""
    if isinstance(value, list | tuple):
        return [_snake(inner) for inner in value]
    if not hasattr(value, "items"):
        return value
    return {re.sub(r"(?<=[a-z])([A-Z]+)", r"_\1", key).lower(): _snake(inner) for key, inner in kube.pairs(value)}


CHECKS: tuple[Check, ...] = (
    Check(rules=("RES-014",), run=telemetry),
    Check(rules=("RES-028", "RES-014", "RES-017", "RES-023"), run=addresses),
)
