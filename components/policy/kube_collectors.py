"""Where collectors of logs and traces send: OpenTelemetry, Fluent Bit, Fluentd, Promtail, Vector.

What sends to its vendor unless it is told otherwise needs an address, as a receiver of alerts does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from components.policy import kube
from components.policy.model import Subject, at, violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.policy.model import Violation

_ADDRESS = re.compile(
    r"(?i)^(?:[a-z_]*_)?(?:endpoints?|urls?|uri|dsn|brokers|bootstrap_servers|site|hosts?|hostnames?|address(?:es)?)$"
)
# Parts of settings that hold names of other things.
_OTHER = frozenset({"headers", "tls", "auth", "labels", "resource_to_telemetry_conversion", "attributes", "metadata"})
_LISTENS = re.compile(r"(?:[a-z+]+://)?(?:0\.0\.0\.0|\[::\]|)(?::[0-9]+)?/?")
# Outputs that go to their vendor's own service when no address stands beside them. Those of Google and of Azure go to
# the account that they run in.
_VENDORS = re.compile(
    r"(?i)^(?:datadog(?:_\w+)?|aws\w*|amazon\w*|s3|cloudwatch\w*|kinesis\w*|firehose|new_?relic\w*|nrlogs|logdna|mezmo"
    r"|sumologic\w*|logzio|coralogix|sentry|honeycomb\w*|logicmonitor|instana|dynatrace|splunk_?cloud\w*|axiom"
    r"|appsignal|sematext\w*|papertrail|signalfx|lightstep|slack|td|loggly|chronicle|keen|databend)$"
)
_OF_ROW = re.compile(r"(?i)^(?:google\w*|gcp_\w+|stackdriver|bigquery|azure\w*)$")
_LOCAL = frozenset({"debug", "logging", "nop", "file", "prometheus", "forward", "count", "spanmetrics"})
_REASON = "it names no address: it goes wherever the vendor's own service is."
_OF_CONTAINER = re.compile(r"\$\{(?:env:)?[A-Za-z_][A-Za-z0-9_]*(?::?-(?P<instead>[^{}]*))?\}")
_BLOCK = re.compile(r"(?im)^[ \t]*\[(?P<kind>[A-Z_]+)\][ \t]*$")
_MATCH = re.compile(r"(?is)<match\b[^>\n]*>(?P<body>.*?)</match>")
_PAIR = re.compile(r"(?m)^[ \t]*(?P<key>@?[A-Za-z_.]+)[ \t]+(?P<value>\S.*?)[ \t\r]*$")


def configured(subject: Subject, path: str, document: Any) -> Iterator[Violation]:
    """RES-017: what the parts of one configuration send to."""
    whole = bool(kube.pairs(at(document, "service", "pipelines")))
    yield from exporters(subject, f"{path}: exporters", at(document, "exporters"), whole=whole)
    for name, settings in kube.pairs(at(document, "sinks")):
        if isinstance(at(settings, "type"), str):
            place = f"{path}: sinks.{name}"
            yield from output(subject, place, str(at(settings, "type")), settings, own="address")
    # Clients are persons and programs elsewhere; Promtail's stand beside what it reads, or push.
    reads = at(document, "scrape_configs") is not None or at(document, "positions") is not None
    for index, one in enumerate(kube.items(at(document, "clients"))):
        if reads or str(at(one, "url")).rstrip("/").endswith("/push"):
            yield from kube.sent(subject, "RES-017", f"{path}: clients[{index}].url", at(one, "url"))
    for index, one in enumerate(kube.items(at(document, "pipeline", "outputs"))):
        lowered = {key.lower(): value for key, value in kube.pairs(one)}
        place = f"{path}: pipeline.outputs[{index}]"
        yield from output(subject, place, str(lowered.get("name", "")), lowered)


def exporters(subject: Subject, path: str, value: Any, *, whole: bool) -> Iterator[Violation]:
    """RES-017: the exporters of an OpenTelemetry collector. `whole` for a configuration that is surely one: there
    whatever is not known to stay needs an address.
    """
    for name, settings in kube.pairs(value):
        kind = name.partition("/")[0]
        # A Prometheus exporter is one that others come to: its endpoint is its own address.
        own = "endpoint" if kind == "prometheus" else None
        needs = whole and kind not in _LOCAL
        yield from output(subject, f"{path}.{name}", kind, settings, own=own, needs=needs)


def output(
    subject: Subject, path: str, kind: str, settings: Any, *, own: str | None = None, needs: bool = False
) -> Iterator[Violation]:
    """RES-017 of one output."""
    found = list(_addresses(settings))
    for place, value in found:
        listens = isinstance(value, str) and _LISTENS.fullmatch(value) is not None
        if not (listens or (place == own and kind.startswith("prometheus") and "://" not in str(value))):
            yield from kube.sent(subject, "RES-017", f"{path}.{place}", _filled(value))
    told = any(value not in (None, "") for _, value in found)
    vendor = _VENDORS.match(kind) is not None
    abroad = _OF_ROW.match(kind) is not None and subject.world != "row"
    service = at(settings, "resolver", "k8s", "service") is not None
    if not told and not service and (vendor or abroad or (needs and _OF_ROW.match(kind) is None)):
        yield violation(subject, "RES-017", path, kind, _REASON, allowed=kube.allowed_hosts(subject))


def _filled(value: Any) -> Any:
    """An address with the variables of its collector's own container taken as places of the cell: what a variable says
    is judged where it is set. What stands in for one that is not set is an address like any other.
    """
    return _OF_CONTAINER.sub(lambda one: one["instead"] or "localhost", value) if isinstance(value, str) else value


def _addresses(settings: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in kube.pairs(settings):
        place = f"{path}.{key}" if path else key
        if key in _OTHER:
            continue
        if _ADDRESS.match(key) and not kube.pairs(value):
            for one in value if isinstance(value, list | tuple) else [value]:
                if not kube.pairs(one):
                    yield place, one
                yield from _addresses(one, place)
        else:
            yield from _addresses(value, place)
    if isinstance(settings, list | tuple):
        for one in settings:
            yield from _addresses(one, path)


def written(subject: Subject, path: str, text: str) -> Iterator[Violation]:
    """RES-017: the outputs of Fluent Bit's and Fluentd's own languages."""
    marks = list(_BLOCK.finditer(text))
    ends = [*(mark.start() for mark in marks), len(text)][1:]
    for mark, end in zip(marks, ends, strict=False):
        if mark["kind"].upper() in ("OUTPUT", "NODE"):
            yield from _block(subject, path, text[mark.end() : end])
    for found in _MATCH.finditer(text):
        yield from _block(subject, path, found["body"])


def _block(subject: Subject, path: str, body: str) -> Iterator[Violation]:
    settings: list[tuple[str, str]] = [(one["key"].lower(), one["value"]) for one in _PAIR.finditer(body)]
    named = [(key, value) for key, value in settings if key in _WRITTEN]
    for key, value in named:
        yield from kube.sent(subject, "RES-017", f"{path} {key}", _filled(value.strip("\"'")))
    kinds = [value for key, value in settings if key in ("name", "@type")]
    for kind in kinds:
        abroad = _OF_ROW.match(kind) is not None and subject.world != "row"
        if not named and (_VENDORS.match(kind) or abroad):
            yield violation(subject, "RES-017", path, kind, _REASON, allowed=kube.allowed_hosts(subject))


_WRITTEN = frozenset({"host", "hosts", "endpoint", "uri", "url", "brokers", "proxy", "s3_endpoint"})
