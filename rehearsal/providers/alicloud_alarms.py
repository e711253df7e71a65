"""Alibaba Cloud's groups of contacts, notification policies and alert rules as their APIs enforce them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.rules.checks import not_offered, objects, strings
from components.rules.model import Problem
from rehearsal.providers.alicloud_cluster import LOG_PROJECT
from rehearsal.providers.alicloud_logs import WORKSPACE
from rehearsal.providers.alicloud_net import region_of
from rehearsal.providers.facts import ALICLOUD_ZONES
from rehearsal.providers.model import Call, Made, TypeSpec
from rehearsal.providers.rules import derived

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUP = "alicloud:cms/alarmContactGroup:AlarmContactGroup"
POLICY = "alicloud:cms/eventNotifyPolicy:EventNotifyPolicy"
RULE, ALERT = "alicloud:cms/alertRuleV2:AlertRuleV2", "alicloud:sls/alert:Alert"
PROMETHEUS = "alicloud:cms/prometheusInstance:PrometheusInstance"
_TRAIL = "alicloud:actiontrail/trail:Trail"
_STORE = "alicloud:log/store:Store"


def _groups(call: Call) -> Iterator[Problem]:
    for index, route in enumerate(objects(call.known("notifyStrategy.routes"))):
        for place, channel in enumerate(objects(route.get("channels"))):
            path = f"notifyStrategy.routes[{index}].channels[{place}].receivers"
            for name in strings(channel.get("receivers")) if channel.get("channelType") == "GROUP" else ():
                if call.store.get_resource(name, type=GROUP) is None and not call.will_exist(GROUP, name):
                    yield Problem(path, f"there is no contact group {name!r}")


def _region(call: Call) -> Iterator[Problem]:
    region = call.known("datasourceConfig.regionId")
    if isinstance(region, str) and region not in ALICLOUD_ZONES:
        yield Problem("datasourceConfig.regionId", not_offered(region, ALICLOUD_ZONES, what="region"))


def _notified(call: Call) -> Iterator[Problem]:
    known = {str(one.outputs.get("uuid")) for one in call.store.list_resources(type=POLICY)}
    for policy in strings(call.known("notifyConfig.notifyStrategies")):
        if policy not in known:
            yield Problem("notifyConfig.notifyStrategies", f"there is no notification policy {policy!r}")


def _queried(call: Call) -> Iterator[Problem]:
    for index, query in enumerate(objects(call.known("configuration.queryLists"))):
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


ALARM_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=GROUP,
        make=lambda call: Made(id=call.text("alarmContactGroupName")),
        key=lambda call: call.text("alarmContactGroupName"),
        outputs=lambda _call, _id: {},
        planned=lambda call: {"alarmContactGroupName": call.text("alarmContactGroupName")},
    ),
    TypeSpec(
        type_name=POLICY,
        make=lambda call: Made(id=f"{derived(call.urn, 'policy')}:{call.text('workspace')}", region=region_of(call)),
        key=lambda call: f"{call.text('workspace')}/{call.text('name')}",
        outputs=lambda _call, id_: {"uuid": id_.partition(":")[0], "version": 1},
        parents=(("workspace", WORKSPACE),),
        rules=(_groups,),
    ),
    TypeSpec(
        type_name=RULE,
        make=lambda call: Made(id=derived(call.urn, "rule"), region=region_of(call)),
        key=lambda call: f"{call.text('workspace')}/{call.text('displayName')}",
        outputs=lambda _call, id_: {"alertRuleV2Id": id_, "status": "OK"},
        parents=(("workspace", WORKSPACE), ("datasourceConfig.instanceId", PROMETHEUS)),
        rules=(_region, _notified),
    ),
    TypeSpec(
        type_name=ALERT,
        make=lambda call: Made(id=f"{call.text('projectName')}:{call.text('alertName')}", region=region_of(call)),
        key=lambda call: f"{call.text('projectName')}:{call.text('alertName')}",
        outputs=lambda _call, _id: {"createTime": 0},
        parents=(("projectName", LOG_PROJECT),),
        rules=(_queried,),
    ),
)
