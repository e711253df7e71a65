"""Rules about configuration that stands as text in ConfigMaps and Secrets: where Prometheus writes, where collectors
send, whom the cluster asks for names.

A text is judged by what it says, however it is written: as YAML or JSON, quoted, indented, encoded. One that looks like
the configuration of a program that sends things and cannot be read is refused.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

from components.policy import hosts, kube, kube_collectors, kube_pods
from components.policy.model import UNKNOWN, Check, Subject, at, violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.policy.model import Violation

MAX_TEXT = 512 * 1024
_DEEP = 100
# The objects that hold texts for others.
TYPES = ("kubernetes:core/v1:ConfigMap", "kubernetes:core/v1:Secret")
# Parts of configurations that say where something goes.
_METRICS = ("remote_write", "remote_read", "scrape_configs", "datasources", "tracing", "alerting", "receivers")
_LOGS = ("exporters", "pipeline", "clients", "sinks")
_WORDS = {"RES-014": _METRICS, "RES-017": _LOGS}
# Of these a text that cannot be read is refused; the others are words of many other things.
_TELLING = frozenset({*_METRICS, "exporters"}) - {"tracing"}
# Names of files that are the configuration of such a program: what they hold must be known.
_KNOWN = re.compile(
    r"(?i)(?:^|[./_-])(?:prometheus|alertmanager|otel|collector|fluent-?bit|fluent|grafana|vector|promtail)[\w.-]*\.(?:ya?ml|conf|toml|json)$|^Corefile$"
)
_COREFILE = re.compile(r"^[ \t]*(?:forward|proxy)[ \t]+\S+[ \t]+(?P<to>[^{\n]+)", re.MULTILINE)
_REWRITE = re.compile(
    r"(?m)^[ \t]*rewrite[ \t]+(?:(?:stop|continue)[ \t]+\{?[ \t]*)?name[ \t]+(?:\w+[ \t]+)?\S+[ \t]+(?P<to>\S+)"
)
_HOSTS = re.compile(r"(?m)^[ \t]*(?P<to>[0-9]{1,3}(?:\.[0-9]{1,3}){3})[ \t]+[A-Za-z]")
# Where a receiver of Alertmanager says whom it tells. One that says none of them tells its vendor.
_TELLS = ("url", "api_url", "webhook_url", "smarthost", "site_url")


def texts(subject: Subject) -> list[tuple[str, str, Any]]:
    """(path, key, text) of what a ConfigMap or a Secret holds, decoded where it is encoded."""
    if not subject.type.startswith(TYPES):
        return []
    kind = kube.kind_of(subject.type)[1]
    if "texts" not in subject.memo:
        subject.memo["texts"] = [
            (f"{part}[{key}]", key, decoded(value) if coded and isinstance(value, str) else value)
            for part, coded in (("data", kind == "Secret"), ("stringData", False), ("binaryData", True))
            for key, value in kube.pairs(subject.inputs.get(part))
        ]
    return subject.memo["texts"]


def decoded(value: str) -> str | None:
    """The text that base64 stands for; None for what is no text."""
    try:
        return base64.b64decode("".join(value.split()), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None


def untraced(subject: Subject) -> Iterator[Violation]:
    """RES-004: the configuration of a program that sends things is not known yet."""
    for path, key, value in texts(subject):
        if value is UNKNOWN and _KNOWN.search(key):
            yield violation(subject, "RES-004", path, value, "where it sends to cannot be traced to a judged resource.")


def metrics(subject: Subject) -> Iterator[Violation]:
    """RES-014: Prometheus writing, reading, alerting or federating elsewhere; boards that read elsewhere."""
    for path, document in _documents(subject, "RES-014"):
        if not hasattr(document, "get"):
            yield document
            continue
        yield from measured(subject, path, document)


def measured(subject: Subject, path: str, document: Any) -> Iterator[Violation]:
    """RES-014: what the parts of one configuration of Prometheus, Alertmanager or Grafana send to."""
    for key in ("remote_write", "remote_read", "remoteWrite", "remoteRead"):
        for index, one in enumerate(kube.items(at(document, key))):
            yield from _client(subject, f"{path}: {key}[{index}]", one)
    for index, job in enumerate(kube.items(at(document, "scrape_configs"))):
        yield from _client(subject, f"{path}: scrape_configs[{index}]", job)
    yield from kube.sent(subject, "RES-014", f"{path}: tracing.endpoint", at(document, "tracing", "endpoint"))
    for index, one in enumerate(kube.items(at(document, "datasources"))):
        yield from kube.sent(subject, "RES-014", f"{path}: datasources[{index}].url", at(one, "url"))
    for index, one in enumerate(kube.items(at(document, "alerting", "alertmanagers"))):
        yield from _client(subject, f"{path}: alerting.alertmanagers[{index}]", one)
    for key, value in kube.pairs(at(document, "global")):
        if key.endswith(("_url", "_smarthost")):
            yield from kube.sent(subject, "RES-014", f"{path}: global.{key}", value)
    for index, one in enumerate(kube.items(at(document, "receivers"))):
        yield from receiver(subject, f"{path}: receivers[{index}]", one)


def _client(subject: Subject, path: str, one: Any) -> Iterator[Violation]:
    """What Prometheus speaks to: targets, those who tell it of targets, proxies, whoever gives it tokens."""
    for listed in kube.items(at(one, "static_configs")):
        for target in kube.items(at(listed, "targets")):
            yield from kube.sent(subject, "RES-014", f"{path}.static_configs.targets", target)
    for key in ("url", "proxy_url"):
        yield from kube.sent(subject, "RES-014", f"{path}.{key}", at(one, key))
    yield from kube.sent(subject, "RES-014", f"{path}.oauth2.token_url", at(one, "oauth2", "token_url"))
    for kind, found in kube.pairs(one):
        for index, told in enumerate(kube.items(found) if kind.endswith("_sd_configs") else ()):
            for key in ("url", "server", "api_server", "host", "endpoint"):
                # The service's own API is found inside the cluster when nothing is said.
                yield from kube.sent(subject, "RES-014", f"{path}.{kind}[{index}].{key}", at(told, key) or None)


def receiver(subject: Subject, path: str, one: Any) -> Iterator[Violation]:
    """RES-014: whom a receiver of Alertmanager tells."""
    for kind, configs in kube.pairs(one):
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
    for path, document in _documents(subject, "RES-017"):
        if not hasattr(document, "get"):
            yield document
            continue
        yield from kube_collectors.configured(subject, path, document)
    for path, _, text in texts(subject):
        if isinstance(text, str) and len(text) <= MAX_TEXT:
            yield from kube_collectors.written(subject, path, text)
    if kube.kind_of(subject.type) == ("opentelemetry.io", "OpenTelemetryCollector"):
        config = at(subject.inputs, "spec", "config")
        if isinstance(config, str):
            config = next(iter(_read(config, "") or ()), None)
        yield from kube_collectors.configured(subject, "spec.config", config)


def values(subject: Subject, value: Any, path: str) -> Iterator[Violation]:
    """RES-014 and RES-017: configurations anywhere in the values of a chart."""
    if hasattr(value, "items"):
        yield from measured(subject, path, value)
        yield from kube_collectors.configured(subject, path, value)
    for key, inner in kube.pairs(value):
        yield from values(subject, inner, f"{path}.{key}")
    if isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from values(subject, inner, f"{path}[{index}]")
    elif isinstance(value, str) and "\n" in value and any(word in value for word in (*_METRICS, *_LOGS)):
        for document in _read(value, "") or ():
            yield from values(subject, document, path)
        yield from kube_collectors.written(subject, path, value[:MAX_TEXT])


def resolvers(subject: Subject) -> Iterator[Violation]:
    """RES-026: whom the cluster asks for names."""
    for path, key, text in texts(subject):
        if not isinstance(text, str):
            continue
        if key == "Corefile" or key.endswith(".server") or re.search(r"(?m)^\S*:53\s*{", text):
            for found in _COREFILE.finditer(text):
                for server in found["to"].split():
                    name = server.split("://", 1)[-1]
                    yield from kube.sent(subject, "RES-026", path, name, pattern=kube.sources(subject))
            yield from _answers(subject, path, text)
        if key in ("upstreamNameservers", "stubDomains"):
            for document in _read(text, ".any") or ():
                listed = document.values() if hasattr(document, "values") else [document]
                for server in [one for part in listed for one in kube.items(part)]:
                    yield from kube.sent(subject, "RES-026", path, server, pattern=kube.sources(subject))


def _answers(subject: Subject, path: str, text: str) -> Iterator[Violation]:
    """RES-026: names that the cluster's resolver answers with a place elsewhere."""
    for found in _REWRITE.finditer(text):
        to = re.sub(r"^(?:\{\d\}\.?)+", "", found["to"]).rstrip(".")
        if to and not to.startswith(("(", "/")):
            yield from kube.sent(subject, "RES-026", path, to)
    for found in _HOSTS.finditer(text):
        yield from kube.sent(subject, "RES-026", path, found["to"])


def variables(rule: str) -> Check:
    """The check of one rule about destinations in what pods take their environment from as a whole."""

    def run(subject: Subject) -> Iterator[Violation]:
        for path, key, value in texts(subject):
            for named, of in kube_pods.ruled(key) if isinstance(value, str) else ():
                if named == rule:
                    pattern = kube.sources(subject) if of == kube_pods.FETCHED else kube.receivers(subject)
                    yield from kube.sent(subject, rule, path, value, pattern=pattern)

    return Check(rules=(rule,), run=run, types=TYPES)


def _documents(subject: Subject, rule: str) -> Iterator[tuple[str, Any]]:
    """(path, mapping) of each text that may say something about a rule; a violation where it cannot be read."""
    words = _WORDS[rule]
    for path, key, text in texts(subject):
        if not isinstance(text, str) or not ("\\" in text or any(word in text for word in words)):
            continue
        found = parsed(subject, text, key)
        if found is not None:
            yield from ((path, one) for one in found if isinstance(one, dict))
            continue
        indented = r"[ \t]*" if _KNOWN.search(key) else ""
        said = [word for word in words if word in _TELLING or indented]
        if re.search(rf"(?m)^{indented}[\"']?(?:{'|'.join(said) or '(?!)'})[\"']?[ \t]*:", text):
            reason = (
                "it is the configuration of a program that sends things, and cannot be read as YAML without aliases."
            )
            yield path, violation(subject, rule, path, "(unreadable)", reason, allowed="plain YAML")


def _read(text: str, key: str) -> list[Any] | None:
    """What a text holds as YAML, JSON or TOML; None for what cannot be read."""
    import yaml

    if len(text) > MAX_TEXT:
        return None
    try:
        if key.endswith(".toml"):
            return [tomllib.loads(text)]
        if text.lstrip()[:1] in ("{", "["):
            try:
                return [json.loads(text)]
            except ValueError:
                pass
        if ("*" in text or _may_be_deep(text)) and not _is_plain(text):
            return None
        return list(yaml.load_all(text, Loader=yaml.CSafeLoader))
    except (yaml.YAMLError, RecursionError, ValueError):
        return None


def _may_be_deep(text: str) -> bool:
    """Whether a text could be nested so deep that the reader itself would fall over: every level needs a mark."""
    if text.count("[") + text.count("{") > _DEEP:
        return True
    return any(
        line.count("- ") + line.count("? ") + len(line) - len(line.lstrip()) > _DEEP for line in text.split("\n")
    )


def _is_plain(text: str) -> bool:
    """Whether a text holds no alias, and nothing that is nested deeper than any settings are."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            return False
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            depth += 1
            if depth > _DEEP:
                return False
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            depth -= 1
    return True


def parsed(subject: Subject, text: str, key: str) -> list[Any] | None:
    """What a text of a subject holds, read once for all checks."""
    known = f"parsed {key} {id(text)}"
    if known not in subject.memo:
        # The text is kept beside it, so that no other can have its place.
        subject.memo[known] = (text, _read(text, key))
    return subject.memo[known][1]


def read(text: str) -> list[Any] | None:
    """What a text holds as YAML or JSON; None for what cannot be read."""
    return _read(text, "")


CHECKS: tuple[Check, ...] = (
    Check(rules=("RES-004",), run=untraced, types=TYPES),
    Check(rules=("RES-014",), run=metrics, types=TYPES),
    Check(rules=("RES-017",), run=collectors, types=(*TYPES, "kubernetes:opentelemetry.io/")),
    Check(rules=("RES-026",), run=resolvers, types=TYPES),
    *(variables(rule) for rule in dict.fromkeys(rule for rule, _, _ in kube_pods.ENV)),
)

__all__ = ["CHECKS", "TYPES", "hosts", "parsed", "read", "receiver", "texts", "values"]
