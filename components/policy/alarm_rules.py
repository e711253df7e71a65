"""Rules about the clouds' own alerting: whom it tells (RES-014), and what a fleet may ask of it.

A cloud calls from outside the cells' network, so what it can call is an endpoint of the world's regions. A receiver of
another kind (a person's mail or telephone, a chat, a pager) names no place that could be judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.clouds.alarms import HOMES, home
from components.clouds.pods import WRITES_TO
from components.errors import Problem
from components.policy import hosts, kube
from components.policy.model import Check, Subject, at, violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.policy.model import Violation
    from components.spec.model import Cell, Fleet, Receiver, World

_CHANNEL = "gcp:monitoring/notificationChannel:NotificationChannel"
_GROUP = "azure-native:monitor:ActionGroup"
# Where one of these names an address, by type: each path to an address, through lists by their name.
_ADDRESSES: dict[str, tuple[tuple[str, ...], ...]] = {
    _CHANNEL: (("labels", "url"),),
    _GROUP: (("webhookReceivers", "serviceUri"),),
    "alicloud:arms/alertContact:AlertContact": (("dingRobotWebhookUrl",),),
    "alicloud:arms/alertRobot:AlertRobot": (("robotAddr",),),
    "alicloud:cms/alarm:Alarm": (("webhook",),),
    "alicloud:cms/alarmContact:AlarmContact": (("channelsDingWebHook",),),
    "alicloud:cms/eventRule:EventRule": (("webhookParameters", "url"),),
    "alicloud:cms/groupMetricRule:GroupMetricRule": (("webhook",),),
    "alicloud:log/alert:Alert": (("notificationLists", "serviceUri"),),
}
# Kinds of receivers that name no place: a queue and a function of the account lie where the account's own things lie.
_CHANNEL_KINDS = ("webhook_tokenauth", "webhook_basicauth", "pubsub")
_ELSEWHERE = (
    "armRoleReceivers",
    "azureAppPushReceivers",
    "emailReceivers",
    "incidentReceivers",
    "itsmReceivers",
    "logicAppReceivers",
    "smsReceivers",
    "voiceReceivers",
)
_PERSONS = {
    "alicloud:arms/alertContact:AlertContact": ("email", "phoneNum"),
    "alicloud:cms/alarmContact:AlarmContact": ("channelsAliim", "channelsMail", "channelsSms"),
}
_NOWHERE = "nobody can say where the message goes: it names a person or somebody's service, and no address."


def told(subject: Subject) -> Iterator[Violation]:
    """RES-014: whom a cloud's own alerting tells."""
    for path in _ADDRESSES.get(subject.type, ()):
        for place, value in _found(subject.inputs, path):
            yield from kube.sent(subject, "RES-014", place, value)
    kind = at(subject.inputs, "type")
    if subject.type == _CHANNEL and kind not in _CHANNEL_KINDS:
        yield violation(subject, "RES-014", "type", kind, _NOWHERE, allowed=", ".join(_CHANNEL_KINDS))
    for key in _ELSEWHERE if subject.type == _GROUP else _PERSONS.get(subject.type, ()):
        if subject.inputs.get(key):
            yield violation(subject, "RES-014", key, key, _NOWHERE, allowed="a webhook inside the world")


def _found(value: Any, path: tuple[str, ...], where: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, list | tuple):
        for index, one in enumerate(value):
            yield from _found(one, path, f"{where}[{index}]")
    elif not path:
        yield where, value
    else:
        yield from _found(at(value, path[0]), path[1:], f"{where}.{path[0]}".lstrip("."))


CHECKS: tuple[Check, ...] = (Check(rules=("RES-014",), run=told, types=tuple(sorted({*_ADDRESSES, *_PERSONS}))),)


def called(fleet: Fleet, world: World, path: str) -> Iterator[Problem]:
    """A receiver that the clouds tell is one that they can reach, and each cloud of the world can tell it."""
    for index, one in enumerate(world.alerts):
        if "cloud" not in one.told_by:
            continue
        where = f"spec.worlds.{world.name}.alerts[{index}]"
        for field, message, value, fix in _asked(one):
            text = f"receiver {one.name} is told by the clouds, and {message}"
            yield Problem(
                code="SPEC-ALERT", path=path, where=f"{where}.{field}", line=0, message=text, value=value, fix=fix
            )
        for cell in fleet.cells_of(world.name):
            if not home(cell.cloud, cell.region, world.regions):
                homes = ", ".join(HOMES[cell.cloud])
                text = (
                    f"receiver {one.name}: {cell.cloud} tells people from {homes}, none of them a region of the world."
                )
                yield Problem(
                    code="SPEC-ALERT", path=path, where=f"{where}.told_by", line=0, message=text, value="cloud",
                    fix=f"add one of them to worlds.{world.name}.regions, or take cloud out for cell {cell.name}",
                )  # fmt: skip


def managed(fleet: Fleet, cell: Cell, path: str, where: str) -> Iterator[Problem]:
    """A managed Prometheus whose address no resource tells is named, and it lies in the cell's own region."""
    own = cell.overrides.alicloud if cell.overrides else None
    url, place = own.metrics_write if own else "", f"{where}.overrides.{cell.cloud}.metrics_write"
    asked = fleet.resolved(cell.name).template.observability.metrics == "managed"
    if asked and WRITES_TO[cell.cloud].keyed and not url:
        yield Problem(
            code="SPEC-METRICS", path=path, where=place, line=0, value="",
            message=f"cell {cell.name}: no resource of {cell.cloud} tells where its managed Prometheus is written to.",
            fix="bring the cell up with observability.metrics: cell, then name the address that its console shows",
        )  # fmt: skip
    if url and not hosts.compiled(hosts.destination(hosts.receivers(cell.world, frozenset({cell.region})))).match(url):
        yield Problem(
            code="RES-014", path=path, where=place, line=0, value=url,
            message=f"cell {cell.name}: metrics are written there, and {hosts.why(hosts.host_of(url), cell.world)}",
            fix=f"use the endpoint of {cell.region}",
        )  # fmt: skip


def _asked(one: Receiver) -> Iterator[tuple[str, str, str, str]]:
    host = hosts.host_of(one.url)
    if not one.url.startswith("https://"):
        yield "url", "they call from outside: without TLS anybody on the way reads it.", one.url, "use https://"
    if hosts.is_private(host):
        message = f"they call from outside the cells' network, where nothing leads to {host}."
        yield "url", message, one.url, "name an endpoint of the world's regions, or told_by: [cell]"
    if one.token:
        message = "its token would lie in the state: no cloud takes it from a secret."
        yield "token", message, "true", "take token out, or name a receiver of its own for the clouds"
    if "page" not in one.severities:
        message = "all that they tell is a page."
        yield "severities", message, ", ".join(one.severities), "add page"
