"""Cloud Monitoring's channels and alert policies as its API enforces them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from components.rules.checks import matches, needs, not_offered, objects, one_of, shape
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

# The label that each kind of channel cannot do without.
_KINDS = {
    "email": "email_address",
    "pagerduty": "",
    "pubsub": "topic",
    "slack": "channel_name",
    "sms": "number",
    "webhook_basicauth": "url",
    "webhook_tokenauth": "url",
}
_CONDITIONS = (
    "conditionAbsent",
    "conditionMatchedLog",
    "conditionMonitoringQueryLanguage",
    "conditionPrometheusQueryLanguage",
    "conditionSql",
    "conditionThreshold",
)
_CHANNELS = 16
_LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}")


def _channel(call: Inputs) -> Iterator[Problem]:
    kind = call.known("type")
    if isinstance(kind, str) and kind not in _KINDS:
        yield Problem("type", not_offered(kind, _KINDS, what="type of channel"))
        return
    needed = _KINDS.get(str(kind), "")
    if needed and call.get("labels") is not None and call.get(f"labels.{needed}") is None:
        yield Problem(f"labels.{needed}", f"is required by the API for a channel of type {kind}")
    if kind == "webhook_basicauth" and call.get("sensitiveLabels.password") is None:
        yield Problem("sensitiveLabels.password", "is required by the API for a channel of type webhook_basicauth")


def _hook(call: Inputs) -> Iterator[Problem]:
    url = call.known("labels.url")
    if isinstance(url, str) and not re.fullmatch(r"https?://[^\s/]+(/\S*)?", url):
        yield Problem("labels.url", f"{url!r} is no address of a webhook")


def _labelled(call: Inputs) -> Iterator[Problem]:
    labels = call.known("userLabels")
    for key in labels if isinstance(labels, dict) else ():
        if not _LABEL.fullmatch(key):
            yield Problem(f"userLabels.{key}", "a label begins with a letter and holds lower-case letters, digits, _ -")


def _conditions(call: Inputs) -> Iterator[Problem]:
    found = objects(call.known("conditions"))
    if isinstance(call.known("conditions"), list) and not 1 <= len(found) <= 6:
        yield Problem("conditions", f"{len(found)} conditions; a policy takes one to six")
    logged = 0
    for index, one in enumerate(found):
        given = [name for name in _CONDITIONS if one.get(name) is not None]
        logged += "conditionMatchedLog" in given
        if len(given) != 1:
            yield Problem(f"conditions[{index}]", f"exactly one of {', '.join(_CONDITIONS)} must be set, found {given}")
        yield from _timed(f"conditions[{index}].conditionPrometheusQueryLanguage", one)
    if logged and len(found) > 1:
        yield Problem("conditions", "a policy on logs takes that one condition and no other")
    period = call.get("alertStrategy.notificationRateLimit.period")
    if logged and period is None:
        yield Problem("alertStrategy.notificationRateLimit.period", "is required by the API for a policy on logs")
    if found and not logged and period is not None:
        yield Problem("alertStrategy.notificationRateLimit.period", "is for policies on logs only")


def _timed(path: str, one: dict[str, Any]) -> Iterator[Problem]:
    condition = one.get("conditionPrometheusQueryLanguage")
    if not isinstance(condition, dict):
        return
    for key, step in (("duration", 60), ("evaluationInterval", 30)):
        value = condition.get(key)
        if isinstance(value, str) and not (re.fullmatch(r"\d+s", value) and int(value[:-1]) % step == 0):
            yield Problem(f"{path}.{key}", f"{value!r} is no multiple of {step} seconds, such as 600s")


def _few(call: Inputs) -> Iterator[Problem]:
    channels = call.known("notificationChannels")
    if isinstance(channels, list) and len(channels) > _CHANNELS:
        yield Problem("notificationChannels", f"{len(channels)} channels; a policy takes {_CHANNELS}")


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="gcp:monitoring/notificationChannel:NotificationChannel",
        # Its labels say where it tells; those that people give are `userLabels`.
        labelled=False,
        immutable=frozenset({"project"}),
        rules=(
            shape(_channel),
            shape(_hook),
            shape(_labelled),
            needs("type", "labels"),
            matches("displayName", r".{1,512}", "1 to 512 characters"),
        ),
    ),
    TypeRules(
        type_name="gcp:monitoring/alertPolicy:AlertPolicy",
        immutable=frozenset({"project"}),
        rules=(
            shape(_conditions),
            shape(_few),
            shape(_labelled),
            one_of("combiner", ("AND", "OR", "AND_WITH_MATCHING_RESOURCE")),
            one_of("severity", ("CRITICAL", "ERROR", "WARNING")),
            matches("displayName", r".{1,512}", "1 to 512 characters"),
        ),
    ),
)
