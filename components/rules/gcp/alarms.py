"""Cloud Monitoring's channels and alert policies as its API enforces them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from components.rules.checks import matches, needs, not_offered, objects, one_of, present, shape
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

# The label that each kind of channel cannot do without.
_KINDS = {
    "email": "email_address",
    "google_chat": "space",
    "pagerduty": "",
    "pubsub": "topic",
    "slack": "channel_name",
    "sms": "number",
    "teams": "",
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
    passwords = ("sensitiveLabels.password", "labels.password")
    if kind == "webhook_basicauth" and all(call.get(path) is None for path in passwords):
        yield Problem("sensitiveLabels.password", "is required by the API for a channel of type webhook_basicauth")


def _hook(call: Inputs) -> Iterator[Problem]:
    url = call.known("labels.url")
    if isinstance(url, str) and not re.fullmatch(r"https?://[^\s/]+(/\S*)?", url):
        yield Problem("labels.url", f"{url!r} is no address of a webhook")


def _labelled(call: Inputs) -> Iterator[Problem]:
    for key in call.entries("userLabels"):
        if not _LABEL.fullmatch(key):
            yield Problem(f"userLabels.{key}", "a label begins with a letter and holds lower-case letters, digits, _ -")


def _number(call: Inputs) -> Iterator[Problem]:
    found = call.get("conditions")
    if isinstance(found, list) and not 1 <= len(found) <= 6:
        yield Problem("conditions", f"{len(found)} conditions; a policy takes one to six")


def _conditions(call: Inputs) -> Iterator[Problem]:
    def of(path: str, one: dict[str, Any]) -> Iterator[Problem]:
        given = [name for name in _CONDITIONS if present(one, name)]
        if len(given) != 1:
            yield Problem(path, f"exactly one of {', '.join(_CONDITIONS)} must be set, found {given}")

    yield from call.each("conditions", of)


def _timed(call: Inputs) -> Iterator[Problem]:
    """How long it must hold is any time from zero; how often it is asked goes by half minutes."""
    for key, step, least in (("duration", 1, 0), ("evaluationInterval", 30, 30)):

        def of(
            path: str, one: dict[str, Any], key: str = key, step: int = step, least: int = least
        ) -> Iterator[Problem]:
            condition = one.get("conditionPrometheusQueryLanguage")
            value = condition.get(key) if isinstance(condition, dict) else None
            if isinstance(value, str) and not _goes(value, step=step, least=least):
                said = "zero or more seconds" if step == 1 else f"a positive multiple of {step} seconds"
                place = f"{path}.conditionPrometheusQueryLanguage.{key}"
                yield Problem(place, f"{value!r} is not {said}, such as 600s")

        yield from call.each("conditions", of)


def _goes(value: str, *, step: int, least: int) -> bool:
    return bool(re.fullmatch(r"\d+s", value)) and int(value[:-1]) % step == 0 and int(value[:-1]) >= least


def _logged(call: Inputs) -> Iterator[Problem]:
    """A policy on logs stands alone and is told at most so often; no other is."""
    found = objects(call.known("conditions"))
    logged = any(present(one, "conditionMatchedLog") for one in found)
    if logged and len(found) > 1:
        yield Problem("conditions", "a policy on logs takes that one condition and no other")
    period = call.get("alertStrategy.notificationRateLimit.period")
    if logged and period is None:
        yield Problem("alertStrategy.notificationRateLimit.period", "is required by the API for a policy on logs")
    if found and not logged and period is not None:
        yield Problem("alertStrategy.notificationRateLimit.period", "is for policies on logs only")


def _few(call: Inputs) -> Iterator[Problem]:
    channels = call.get("notificationChannels")
    if isinstance(channels, list) and len(channels) > _CHANNELS:
        yield Problem("notificationChannels", f"{len(channels)} channels; a policy takes {_CHANNELS}")


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="gcp:monitoring/notificationChannel:NotificationChannel",
        # Its labels say where it tells; those that people give are `userLabels`.
        labelled=False,
        immutable=frozenset({"project"}),
        rules=(
            shape(_channel, fix="take a type of channel that there is, with the labels that it needs"),
            shape(_hook, fix="give an address that begins with http:// or https://"),
            shape(_labelled, fix="rename the label"),
            needs("type", "labels"),
            matches("displayName", r".{1,512}", "1 to 512 characters"),
        ),
    ),
    TypeRules(
        type_name="gcp:monitoring/alertPolicy:AlertPolicy",
        immutable=frozenset({"project"}),
        rules=(
            shape(
                _conditions,
                _number,
                _timed,
                _logged,
                fix="give one to six conditions of one kind each; one on logs stands alone, with a rate limit",
            ),
            shape(_few, fix=f"name {_CHANNELS} channels at most"),
            shape(_labelled, fix="rename the label"),
            one_of("combiner", ("AND", "OR", "AND_WITH_MATCHING_RESOURCE")),
            one_of("severity", ("CRITICAL", "ERROR", "WARNING")),
            matches("displayName", r".{1,512}", "1 to 512 characters"),
        ),
    ),
)
