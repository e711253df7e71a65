"""Alibaba Cloud's groups of contacts, notification policies and alert rules as their APIs enforce them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rehearsal.providers.alicloud_cluster import LOG_PROJECT
from rehearsal.providers.alicloud_logs import WORKSPACE
from rehearsal.providers.alicloud_net import region_of
from rehearsal.providers.facts import ALICLOUD_ZONES
from rehearsal.providers.model import Call, Made, TypeSpec
from rehearsal.providers.rules import between, derived, matches, needs, not_offered, objects, one_of, strings
from rehearsal.providers.sdktypes import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUP = "alicloud:cms/alarmContactGroup:AlarmContactGroup"
POLICY = "alicloud:cms/eventNotifyPolicy:EventNotifyPolicy"
RULE, ALERT = "alicloud:cms/alertRuleV2:AlertRuleV2", "alicloud:sls/alert:Alert"
PROMETHEUS = "alicloud:cms/prometheusInstance:PrometheusInstance"
_TRAIL = "alicloud:actiontrail/trail:Trail"
_STORE = "alicloud:log/store:Store"
_CHANNELS = ("CONTACT", "DING", "DING_COOL_APP", "DUTY", "FEISHU", "GROUP", "SLACK", "TEAMS", "WEIXIN")
_WAYS = ("DING", "EMAIL", "FEISHU", "SMS", "VOICE", "WEBHOOK", "WEIXIN")
_BY_PERSON = frozenset({"CONTACT", "DUTY", "GROUP"})
_SEVERITIES = ("CRITICAL", "ERROR", "INFO", "WARNING")
# What a source is asked by, and how it is judged: the three belong together.
_SOURCES = {
    "PROMETHEUS": ("PROMETHEUS_SINGLE_QUERY", "PROMETHEUS_SIMPLE_CONDITION"),
    "UMODEL": ("UMODEL_METRICSET_QUERY", "UMODEL_METRICSET_CONDITION"),
    "APM": ("APM_MULTI_QUERY", "APM_SIMPLE_CONDITION"),
    "CLOUD_MONITORING": ("CLOUD_MONITORING_QUERY", "CLOUD_MONITORING_CONDITION"),
}


def _routes(call: Call) -> Iterator[Problem]:
    for index, route in enumerate(objects(call.known("notifyStrategy.routes"))):
        for place, channel in enumerate(objects(route.get("channels"))):
            path = f"notifyStrategy.routes[{index}].channels[{place}]"
            kind = channel.get("channelType")
            if isinstance(kind, str) and kind not in _CHANNELS:
                yield Problem(f"{path}.channelType", not_offered(kind, _CHANNELS, what="channel"))
            if channel.get("receivers") == []:
                yield Problem(f"{path}.receivers", "must name somebody")
            ways = strings(channel.get("enabledSubChannels"))
            if kind in _BY_PERSON and channel.get("enabledSubChannels") is None:
                yield Problem(f"{path}.enabledSubChannels", f"is required by the API for {kind}")
            for way in ways:
                if way not in _WAYS:
                    yield Problem(f"{path}.enabledSubChannels", not_offered(way, _WAYS, what="way"))
            for name in strings(channel.get("receivers")) if kind == "GROUP" else ():
                if call.store.get_resource(name, type=GROUP) is None and not call.will_exist(GROUP, name):
                    yield Problem(f"{path}.receivers", f"there is no contact group {name!r}")


def _parts(call: Call) -> Iterator[Problem]:
    source = call.known("datasourceConfig.type")
    if not isinstance(source, str):
        return
    if source not in _SOURCES:
        yield Problem("datasourceConfig.type", not_offered(source, _SOURCES, what="source"))
        return
    for path, wanted in zip(("queryConfig.type", "conditionConfig.type"), _SOURCES[source], strict=True):
        given = call.known(path)
        if isinstance(given, str) and given != wanted:
            yield Problem(path, f"{given!r} does not go with {source}; use {wanted}")
    if source == "PROMETHEUS":
        for path in ("datasourceConfig.instanceId", "queryConfig.expr"):
            if call.get(path) is None:
                yield Problem(path, "is required by the API for PROMETHEUS")
    region = call.known("datasourceConfig.regionId")
    if isinstance(region, str) and region not in ALICLOUD_ZONES:
        yield Problem("datasourceConfig.regionId", not_offered(region, ALICLOUD_ZONES, what="region"))


def _notified(call: Call) -> Iterator[Problem]:
    kind = call.known("notifyConfig.type")
    policies = call.known("notifyConfig.notifyStrategies")
    if kind == "NOTIFY_POLICY" and isinstance(policies, list) and len(policies) != 1:
        yield Problem("notifyConfig.notifyStrategies", f"{len(policies)} policies; a rule takes one")
    known = {str(one.outputs.get("uuid")) for one in call.store.list_resources(type=POLICY)}
    for policy in strings(policies):
        if policy not in known:
            yield Problem("notifyConfig.notifyStrategies", f"there is no notification policy {policy!r}")
    if kind == "DIRECT_NOTIFY" and call.get("notifyConfig.channels") is None:
        yield Problem("notifyConfig.channels", "is required by the API for DIRECT_NOTIFY")


def _queried(call: Call) -> Iterator[Problem]:
    queries = objects(call.known("configuration.queryLists"))
    if call.get("configuration.queryLists") is not None and len(queries) > 3:
        yield Problem("configuration.queryLists", f"{len(queries)} queries; an alert takes three")
    for index, query in enumerate(queries):
        path = f"configuration.queryLists[{index}]"
        store, project = query.get("store"), query.get("project")
        if query.get("storeType") == "log" and isinstance(store, str) and isinstance(project, str):
            trail = store.removeprefix("actiontrail_")
            there = call.store.get_resource(f"{project}:{store}", type=_STORE) is not None
            # A trail makes its own store, as part of it.
            made = store != trail and (
                call.store.get_resource(trail, type=_TRAIL) is not None or call.will_exist(_TRAIL, trail)
            )
            if not there and not made:
                yield Problem(f"{path}.store", f"there is no store {store!r} in project {project!r}")
        region = query.get("region")
        if isinstance(region, str) and region not in ALICLOUD_ZONES:
            yield Problem(f"{path}.region", not_offered(region, ALICLOUD_ZONES, what="region"))


def _scheduled(call: Call) -> Iterator[Problem]:
    interval = call.known("schedule.interval")
    if call.known("schedule.type") == "FixedRate" and call.get("schedule.interval") is None:
        yield Problem("schedule.interval", "is required by the API for FixedRate")
    if isinstance(interval, str) and not re.fullmatch(r"[1-9]\d*[smhd]", interval):
        yield Problem("schedule.interval", f"{interval!r} is no length of time such as 1m")


ALARM_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=GROUP,
        name="alarmContactGroupName",
        make=lambda call: Made(id=call.text("alarmContactGroupName")),
        key=lambda call: call.text("alarmContactGroupName"),
        outputs=lambda _call, _id: {},
        planned=lambda call: {"alarmContactGroupName": call.text("alarmContactGroupName")},
        immutable=frozenset({"alarmContactGroupName"}),
        rules=(matches("alarmContactGroupName", r".{2,40}", "2 to 40 characters"),),
    ),
    TypeSpec(
        type_name=POLICY,
        name="name",
        make=lambda call: Made(id=f"{derived(call.urn, 'policy')}:{call.text('workspace')}", region=region_of(call)),
        key=lambda call: f"{call.text('workspace')}/{call.text('name')}",
        outputs=lambda _call, id_: {"uuid": id_.partition(":")[0], "version": 1},
        immutable=frozenset({"workspace"}),
        parents=(("workspace", WORKSPACE),),
        rules=(_routes, needs("workspace", "notifyStrategy")),
    ),
    TypeSpec(
        type_name=RULE,
        name="displayName",
        make=lambda call: Made(id=derived(call.urn, "rule"), region=region_of(call)),
        key=lambda call: f"{call.text('workspace')}/{call.text('displayName')}",
        outputs=lambda _call, id_: {"alertRuleV2Id": id_, "status": "OK"},
        immutable=frozenset({"workspace", "datasourceConfig"}),
        parents=(("workspace", WORKSPACE), ("datasourceConfig.instanceId", PROMETHEUS)),
        rules=(
            _parts,
            _notified,
            needs("workspace", "datasourceConfig", "queryConfig", "conditionConfig", "scheduleConfig", "notifyConfig"),
            one_of("conditionConfig.severity", _SEVERITIES),
            one_of("scheduleConfig.type", ("CRON", "FIXED")),
            one_of("notifyConfig.type", ("DIRECT_NOTIFY", "NOTIFY_POLICY")),
        ),
    ),
    TypeSpec(
        type_name=ALERT,
        name="alertName",
        make=lambda call: Made(id=f"{call.text('projectName')}:{call.text('alertName')}", region=region_of(call)),
        key=lambda call: f"{call.text('projectName')}:{call.text('alertName')}",
        outputs=lambda _call, _id: {"createTime": 0},
        immutable=frozenset({"alertName", "projectName"}),
        parents=(("projectName", LOG_PROJECT),),
        rules=(
            _queried,
            _scheduled,
            between("configuration.noDataSeverity", 2, 10),
            one_of("status", ("DISABLED", "ENABLED")),
            one_of("schedule.type", ("Cron", "DayRun", "FixedRate", "Hourly", "Weekly")),
            matches("alertName", r"[a-zA-Z][\w-]{1,63}", "2 to 64 letters, digits, _ and -, a letter first"),
        ),
    ),
)
