"""Rules about configuration that stands as text in ConfigMaps and Secrets: where Prometheus writes, where collectors
send, whom the cluster asks for names.

A text is judged when it looks like the configuration of a program that is known to send things. One that looks like it
and cannot be read is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from components.policy import hosts, kube
from components.policy.model import UNKNOWN, Check, Subject, at, violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.policy.model import Violation

MAX_TEXT = 512 * 1024
_METRICS = ("remote_write:", "remote_read:", "scrape_configs:", "datasources:")
# Names of files that are the configuration of such a program: what they hold must be known.
_KNOWN = re.compile(
    r"(?i)(?:^|[./_-])(?:prometheus|alertmanager|otel|collector|fluent-?bit|fluent|grafana|vector)[\w.-]*\.(?:ya?ml|conf|toml)$|^Corefile$"
)
_COREFILE = re.compile(r"^\s*(?:forward|proxy)\s+\S+\s+(?P<to>[^{\n]+)", re.MULTILINE)
_FLUENT_HOST = re.compile(r"^\s*(?:host|endpoint|uri|url)\s+(?P<to>\S+)\s*$", re.MULTILINE | re.IGNORECASE)
# Where a receiver of Alertmanager says whom it tells. One that says none of them tells its vendor.
_TELLS = ("url", "api_url", "webhook_url", "smarthost", "site_url")
_SENDS = ("url", "endpoint", "traces_endpoint", "metrics_endpoint", "logs_endpoint", "dsn")


def texts(subject: Subject) -> Iterator[tuple[str, str, Any]]:
    """(path, key, text) of what a ConfigMap, or a Secret in plain text, holds."""
    if kube.kind_of(subject.type)[1] not in {"ConfigMap", "Secret"}:
        return
    for part in ("data", "stringData"):
        for key, value in kube.pairs(subject.inputs.get(part)):
            yield f"{part}[{key}]", key, value


def untraced(subject: Subject) -> Iterator[Violation]:
    """RES-004: the configuration of a program that sends things is not known yet."""
    for path, key, value in texts(subject):
        if value is UNKNOWN and _KNOWN.search(key):
            yield violation(subject, "RES-004", path, value, "where it sends to cannot be traced to a judged resource.")


def metrics(subject: Subject) -> Iterator[Violation]:
    """RES-014: Prometheus writing, reading or federating elsewhere; boards that read elsewhere."""
    for path, document in _documents(subject, _METRICS, "RES-014"):
        if not hasattr(document, "get"):
            yield document
            continue
        for key in ("remote_write", "remote_read"):
            for index, one in enumerate(kube.items(document.get(key))):
                url = at(one, "url")
                yield from kube.sent(subject, "RES-014", f"{path}: {key}[{index}].url", url)
        for index, job in enumerate(kube.items(document.get("scrape_configs"))):
            listed = at(job, "static_configs")
            for one in kube.items(listed):
                for target in kube.items(at(one, "targets")):
                    place = f"{path}: scrape_configs[{index}].static_configs.targets"
                    yield from kube.sent(subject, "RES-014", place, target)
        for index, one in enumerate(kube.items(document.get("datasources"))):
            url = at(one, "url")
            yield from kube.sent(subject, "RES-014", f"{path}: datasources[{index}].url", url)


def alerts(subject: Subject) -> Iterator[Violation]:
    """RES-014: whom Prometheus hands its alerts to, and whom Alertmanager tells."""
    for path, document in _documents(subject, ("alerting:", "receivers:"), "RES-014"):
        if not hasattr(document, "get"):
            yield document
            continue
        for index, one in enumerate(kube.items(at(document, "alerting", "alertmanagers"))):
            for listed in kube.items(at(one, "static_configs")):
                for target in kube.items(at(listed, "targets")):
                    place = f"{path}: alerting.alertmanagers[{index}].static_configs.targets"
                    yield from kube.sent(subject, "RES-014", place, target)
        for key, value in kube.pairs(at(document, "global")):
            if key.endswith(("_url", "_smarthost")):
                yield from kube.sent(subject, "RES-014", f"{path}: global.{key}", value)
        for index, one in enumerate(kube.items(document.get("receivers"))):
            yield from _receiver(subject, f"{path}: receivers[{index}]", one)


def _receiver(subject: Subject, path: str, receiver: Any) -> Iterator[Violation]:
    for kind, configs in kube.pairs(receiver):
        for index, settings in enumerate(kube.items(configs) if kind.endswith("_configs") else ()):
            place = f"{path}.{kind}[{index}]"
            named = {key: value for key, value in kube.pairs(settings) if key in _TELLS}
            for key, value in named.items():
                yield from kube.sent(subject, "RES-014", f"{place}.{key}", value)
            proxy = at(settings, "http_config", "proxy_url")
            yield from kube.sent(subject, "RES-014", f"{place}.http_config.proxy_url", proxy)
            if not named:
                reason = "it names no address, or keeps it in a file: it goes wherever the vendor's own service is."
                yield violation(subject, "RES-014", place, kind, reason, allowed=kube.allowed_hosts(subject))


def collectors(subject: Subject) -> Iterator[Violation]:
    """RES-017: collectors of logs and traces."""
    for path, document in _documents(subject, ("exporters:",), "RES-017"):
        if not hasattr(document, "get"):
            yield document
            continue
        yield from _exporters(subject, f"{path}: exporters", document.get("exporters"))
    for path, _, text in texts(subject):
        if isinstance(text, str) and re.search(r"(?im)^\s*(?:\[OUTPUT\]|<match\b)", text):
            for found in _FLUENT_HOST.finditer(text):
                yield from kube.sent(subject, "RES-017", path, found["to"])
    if kube.kind_of(subject.type) == ("opentelemetry.io", "OpenTelemetryCollector"):
        exporters = at(subject.inputs, "spec", "config", "exporters")
        yield from _exporters(subject, "spec.config.exporters", exporters)


def _exporters(subject: Subject, path: str, value: Any) -> Iterator[Violation]:
    for name, settings in kube.pairs(value):
        for key in _SENDS:
            # A Prometheus exporter is one that others come to: its endpoint is its own address.
            found = at(settings, key)
            own = name.startswith("prometheus") and key == "endpoint" and "://" not in str(found)
            if found is not None and not own:
                yield from kube.sent(subject, "RES-017", f"{path}.{name}.{key}", found)


def resolvers(subject: Subject) -> Iterator[Violation]:
    """RES-026: whom the cluster asks for names."""
    for path, key, text in texts(subject):
        if isinstance(text, str) and (
            key == "Corefile" or key.endswith(".server") or re.search(r"(?m)^\S*:53\s*{", text)
        ):
            for found in _COREFILE.finditer(text):
                for server in found["to"].split():
                    name = server.split("://", 1)[-1]
                    yield from kube.sent(subject, "RES-026", path, name, pattern=kube.sources(subject))


def _documents(subject: Subject, marks: tuple[str, ...], rule: str) -> Iterator[tuple[str, Any]]:
    """(path, document) of each text with one of these keys at its left margin; a violation where it cannot be read."""
    for path, _, text in texts(subject):
        if not isinstance(text, str) or not any(re.search(rf"(?m)^{mark}", text) for mark in marks):
            continue
        document = _read(text)
        if document is None:
            reason = (
                "it is the configuration of a program that sends things, and cannot be read as YAML without aliases."
            )
            yield path, violation(subject, rule, path, "(unreadable)", reason, allowed="plain YAML")
        else:
            yield path, document


def _read(text: str) -> Any:
    import yaml

    if len(text) > MAX_TEXT:
        return None
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.CSafeLoader)):
            return None
        found = yaml.load(text, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    return found if isinstance(found, dict) else None


CHECKS: tuple[Check, ...] = (
    Check(rules=("RES-004",), run=untraced),
    Check(rules=("RES-014",), run=metrics),
    Check(rules=("RES-014",), run=alerts),
    Check(rules=("RES-017",), run=collectors),
    Check(rules=("RES-026",), run=resolvers),
)

__all__ = ["CHECKS", "hosts", "texts"]
