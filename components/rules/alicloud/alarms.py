"""Alibaba Cloud's groups of contacts, notification policies and alert rules as their APIs enforce them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from components.rules.checks import between, matches, needs, not_offered, one_of, present, shape, strings
from components.rules.model import Check, Inputs, Problem, TypeRules, raw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CHANNELS = ("CONTACT", "DING", "DING_COOL_APP", "DUTY", "FEISHU", "GROUP", "SLACK", "TEAMS", "WEIXIN")
_WAYS = ("DING", "EMAIL", "FEISHU", "SMS", "VOICE", "WEBHOOK", "WEIXIN")
_BY_PERSON = frozenset({"CONTACT", "DUTY", "GROUP"})
_SEVERITIES = ("CRITICAL", "ERROR", "INFO", "WARNING")
_QUERIES = 3
# What a source is asked by, and how it is judged: the three belong together.
_SOURCES = {
    "PROMETHEUS": ("PROMETHEUS_SINGLE_QUERY", "PROMETHEUS_SIMPLE_CONDITION"),
    "UMODEL": ("UMODEL_METRICSET_QUERY", "UMODEL_METRICSET_CONDITION"),
    "APM": ("APM_MULTI_QUERY", "APM_SIMPLE_CONDITION"),
    "CLOUD_MONITORING": ("CLOUD_MONITORING_QUERY", "CLOUD_MONITORING_CONDITION"),
}


def _of_channels(check: Callable[[str, dict[str, Any]], Iterator[Problem]]) -> Check:
    """Each channel of each route apart."""

    def of(path: str, route: dict[str, Any]) -> Iterator[Problem]:
        for place, channel in enumerate(raw(route.get("channels"))):
            if isinstance(channel, dict):
                yield from check(f"{path}.channels[{place}]", channel)

    return lambda call: call.each("notifyStrategy.routes", of)


def _channel(path: str, channel: dict[str, Any]) -> Iterator[Problem]:
    kind = channel.get("channelType")
    if isinstance(kind, str) and kind not in _CHANNELS:
        yield Problem(f"{path}.channelType", not_offered(kind, _CHANNELS, what="channel"))
    if kind in _BY_PERSON and not present(channel, "enabledSubChannels"):
        yield Problem(f"{path}.enabledSubChannels", f"is required by the API for {kind}")


def _receivers(path: str, channel: dict[str, Any]) -> Iterator[Problem]:
    if channel.get("receivers") == []:
        yield Problem(f"{path}.receivers", "must name somebody")


def _ways(path: str, channel: dict[str, Any]) -> Iterator[Problem]:
    for way in strings(channel.get("enabledSubChannels")):
        if way not in _WAYS:
            yield Problem(f"{path}.enabledSubChannels", not_offered(way, _WAYS, what="way"))


def _source(call: Inputs) -> Iterator[Problem]:
    source = call.known("datasourceConfig.type")
    if isinstance(source, str) and source not in _SOURCES:
        yield Problem("datasourceConfig.type", not_offered(source, _SOURCES, what="source"))


def _parts(place: int) -> Check:
    path = ("queryConfig.type", "conditionConfig.type")[place]

    def check(call: Inputs) -> Iterator[Problem]:
        source, given = call.text("datasourceConfig.type"), call.known(path)
        if source in _SOURCES and isinstance(given, str) and given != _SOURCES[source][place]:
            yield Problem(path, f"{given!r} does not go with {source}; use {_SOURCES[source][place]}")

    return check


def _asked(call: Inputs) -> Iterator[Problem]:
    if call.known("datasourceConfig.type") == "PROMETHEUS":
        for path in ("datasourceConfig.instanceId", "queryConfig.expr"):
            if call.get(path) is None:
                yield Problem(path, "is required by the API for PROMETHEUS")


def _notified(call: Inputs) -> Iterator[Problem]:
    kind = call.known("notifyConfig.type")
    policies = call.get("notifyConfig.notifyStrategies")
    if kind == "NOTIFY_POLICY" and isinstance(policies, list) and len(policies) != 1:
        yield Problem("notifyConfig.notifyStrategies", f"{len(policies)} policies; a rule takes one")
    if kind == "DIRECT_NOTIFY" and call.get("notifyConfig.channels") is None:
        yield Problem("notifyConfig.channels", "is required by the API for DIRECT_NOTIFY")


def _queried(call: Inputs) -> Iterator[Problem]:
    queries = call.get("configuration.queryLists")
    if isinstance(queries, list) and len(queries) > _QUERIES:
        yield Problem("configuration.queryLists", f"{len(queries)} queries; an alert takes three")


def _scheduled(call: Inputs) -> Iterator[Problem]:
    if call.known("schedule.type") == "FixedRate" and call.get("schedule.interval") is None:
        yield Problem("schedule.interval", "is required by the API for FixedRate")


def _interval(call: Inputs) -> Iterator[Problem]:
    interval = call.known("schedule.interval")
    if isinstance(interval, str) and not re.fullmatch(r"[1-9]\d*[smhd]", interval):
        yield Problem("schedule.interval", f"{interval!r} is no length of time such as 1m")


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="alicloud:cms/alarmContactGroup:AlarmContactGroup",
        name="alarmContactGroupName",
        immutable=frozenset({"alarmContactGroupName"}),
        rules=(matches("alarmContactGroupName", r".{2,40}", "2 to 40 characters"),),
    ),
    TypeRules(
        type_name="alicloud:cms/eventNotifyPolicy:EventNotifyPolicy",
        name="name",
        immutable=frozenset({"workspace"}),
        rules=(
            shape(
                *map(_of_channels, (_channel, _receivers, _ways)),
                name="routes",
                fix="name who is told, by a channel and in ways that there are",
            ),
            needs("workspace", "notifyStrategy"),
        ),
    ),
    TypeRules(
        type_name="alicloud:cms/alertRuleV2:AlertRuleV2",
        name="displayName",
        renamed=True,
        immutable=frozenset(
            {
                "actionIntegrationConfig",
                "armsIntegrationConfig",
                "conditionConfig.aggregate",
                "conditionConfig.compareLists",
                "conditionConfig.durationSecs",
                "conditionConfig.operator",
                "conditionConfig.relation",
                "conditionConfig.severity",
                "conditionConfig.threshold",
                "conditionConfig.thresholdLists",
                "conditionConfig.type",
                "conditionConfig.yoyTimeUnit",
                "conditionConfig.yoyTimeValue",
                "datasourceConfig.instanceId",
                "datasourceConfig.regionId",
                "datasourceConfig.type",
                "notifyConfig",
                "queryConfig.enableDataCompleteCheck",
                "queryConfig.entityDomain",
                "queryConfig.entityFields",
                "queryConfig.entityFilters",
                "queryConfig.entityType",
                "queryConfig.expr",
                "queryConfig.filterLists",
                "queryConfig.labelFilters",
                "queryConfig.measureLists",
                "queryConfig.metric",
                "queryConfig.metricSet",
                "queryConfig.serviceIdLists",
                "queryConfig.type",
                "scheduleConfig",
                "workspace",
            }
        ),
        rules=(
            shape(
                *(_source, _parts(0), _parts(1), _asked),
                name="parts",
                fix="take the query and the condition that go with the source",
            ),
            shape(_notified, fix="name one notification policy, or the channels that are told directly"),
            needs("workspace", "datasourceConfig", "queryConfig", "conditionConfig", "scheduleConfig", "notifyConfig"),
            one_of("conditionConfig.severity", _SEVERITIES),
            one_of("scheduleConfig.type", ("CRON", "FIXED")),
            one_of("notifyConfig.type", ("DIRECT_NOTIFY", "NOTIFY_POLICY")),
        ),
    ),
    TypeRules(
        type_name="alicloud:sls/alert:Alert",
        name="alertName",
        immutable=frozenset({"alertName", "projectName"}),
        rules=(
            shape(_queried, fix=f"ask {_QUERIES} queries at most"),
            shape(_scheduled, _interval, fix="give an interval such as 1m"),
            between("configuration.noDataSeverity", 2, 10),
            one_of("status", ("DISABLED", "ENABLED")),
            one_of("schedule.type", ("Cron", "DayRun", "FixedRate", "Hourly", "Weekly")),
            matches("alertName", r"[a-zA-Z][\w-]{1,63}", "2 to 64 letters, digits, _ and -, a letter first"),
        ),
    ),
)
