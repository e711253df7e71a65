"""What the emulated clouds refuse about alarms and about whom they tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rehearsal.providers.wire import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

CHANNEL = "gcp:monitoring/notificationChannel:NotificationChannel"
POLICY = "gcp:monitoring/alertPolicy:AlertPolicy"
GROUP, RULES = "azure-native:monitor:ActionGroup", "azure-native:alertsmanagement:PrometheusRuleGroup"
ACTIVITY, RESOURCES = "azure-native:monitor:ActivityLogAlert", "azure-native:resources:ResourceGroup"
CONTACTS, NOTIFY = (
    "alicloud:cms/alarmContactGroup:AlarmContactGroup",
    "alicloud:cms/eventNotifyPolicy:EventNotifyPolicy",
)
RULE, ALERT = "alicloud:cms/alertRuleV2:AlertRuleV2", "alicloud:sls/alert:Alert"
PROJECT, WORKSPACE = "alicloud:log/project:Project", "alicloud:cms/workspace:Workspace"
HOOK = "https://tells-1.europe-west4.run.app/a"
QUERY = {"query": "absent(up)", "duration": "600s", "evaluationInterval": "60s"}
LOGGED = {"displayName": "a", "conditionMatchedLog": {"filter": "x"}}


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"type": "carrier-pigeon"}, {"type"}),
        ({"labels": {}}, {"labels.url"}),
        ({"labels": {"url": "nowhere"}}, {"labels.url"}),
        ({"type": "webhook_basicauth"}, {"sensitiveLabels.password"}),
        ({"userLabels": {"Cell": "a"}}, {"userLabels.Cell"}),
    ],
)
def test_a_channel_has_the_labels_of_its_kind(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    inputs = {"project": "p-1", "displayName": "d", "type": "webhook_tokenauth", "labels": {"url": HOOK}} | change
    assert {path for path, _ in caller("gcp").check(CHANNEL, inputs)} == paths


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"combiner": "XOR"}, {"combiner"}),
        ({"severity": "LOUD"}, {"severity"}),
        ({"conditions": []}, {"conditions"}),
        ({"conditions": [{"displayName": "a"}]}, {"conditions[0]"}),
        (
            {"conditions": [{"displayName": "a", "conditionPrometheusQueryLanguage": QUERY | {"duration": "10m"}}]},
            {"conditions[0].conditionPrometheusQueryLanguage.duration"},
        ),
        (
            {"conditions": [{"displayName": "a", "conditionPrometheusQueryLanguage": QUERY | {"duration": "90s"}}]},
            set[str](),
        ),
        ({"conditions": [LOGGED]}, {"alertStrategy.notificationRateLimit.period"}),
        ({"conditions": [LOGGED], "alertStrategy": {"notificationRateLimit": {"period": "300s"}}}, set[str]()),
        (
            {"alertStrategy": {"notificationRateLimit": {"period": "300s"}}},
            {"alertStrategy.notificationRateLimit.period"},
        ),
        ({"notificationChannels": ["projects/p-1/notificationChannels/1"]}, {"notificationChannels[0]"}),
    ],
)
def test_a_policy_is_one_that_google_takes(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    condition = {"displayName": "a", "conditionPrometheusQueryLanguage": QUERY}
    inputs = {"project": "p-1", "displayName": "d", "combiner": "OR", "conditions": [condition]} | change
    assert {path for path, _ in caller("gcp").check(POLICY, inputs)} == paths


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"location": "francecentral"}, {"location"}),
        ({"groupShortName": "a name that is long"}, {"groupShortName"}),
        (
            {"webhookReceivers": [{"name": "A", "serviceUri": HOOK}, {"name": "a", "serviceUri": HOOK}]},
            {"webhookReceivers[1].name"},
        ),
        ({"webhookReceivers": [{"name": "a", "serviceUri": "here"}]}, {"webhookReceivers[0].serviceUri"}),
        (
            {"webhookReceivers": [{"name": "a", "serviceUri": HOOK, "useAadAuth": True}]},
            {"webhookReceivers[0].objectId"},
        ),
    ],
)
def test_an_action_group_lies_where_groups_are_and_names_each_receiver_once(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    azure = caller("azure-native")
    azure.create(RESOURCES, {"resourceGroupName": "rg", "location": "francecentral"}, "rg")
    inputs = {
        "resourceGroupName": "rg",
        "actionGroupName": "ag",
        "groupShortName": "twain",
        "location": "swedencentral",
        "webhookReceivers": [{"name": "a", "serviceUri": HOOK}],
    } | change
    assert {path for path, _ in azure.check(GROUP, inputs)} == paths


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"interval": "PT1S"}, {"interval"}),
        ({"rules": [{"expression": "up"}]}, {"rules[0]"}),
        ({"rules": [{"expression": "up", "alert": "a", "for": "10m"}]}, {"rules[0].for"}),
        (
            {"rules": [{"expression": "up", "alert": "a", "actions": [{"actionGroupId": "/subscriptions/x"}]}]},
            {"rules[0].actions[0]"},
        ),
        ({"scopes": ["/subscriptions/nobody"]}, {"scopes[0]"}),
    ],
)
def test_a_rule_group_asks_a_workspace_and_tells_a_group_that_are_there(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    azure = caller("azure-native")
    azure.create(RESOURCES, {"resourceGroupName": "rg", "location": "francecentral"}, "rg")
    inputs = {
        "resourceGroupName": "rg",
        "ruleGroupName": "rules",
        "location": "francecentral",
        "scopes": [UNKNOWN],
        "interval": "PT1M",
        "rules": [{"expression": "absent(up)", "alert": "a", "for": "PT10M"}],
    } | change
    assert {path for path, _ in azure.check(RULES, inputs)} == paths


@pytest.mark.parametrize(
    ("all_of", "paths"),
    [
        ([{"field": "category", "equals": "Administrative"}], set[str]()),
        ([{"field": "operationName", "equals": "a/b/write"}], {"condition.allOf"}),
        ([{"field": "category"}], {"condition.allOf[0]"}),
        (
            [{"field": "category", "equals": "Administrative"}, {"field": "weather", "equals": "rain"}],
            {"condition.allOf[1].field"},
        ),
    ],
)
def test_a_rule_on_the_activity_log_names_the_category_and_fields_that_there_are(
    caller: Callable[[str], Any], all_of: list[dict[str, Any]], paths: set[str]
) -> None:
    azure = caller("azure-native")
    azure.create(RESOURCES, {"resourceGroupName": "rg", "location": "francecentral"}, "rg")
    inputs = {
        "resourceGroupName": "rg",
        "activityLogAlertName": "audit",
        "location": "global",
        "scopes": ["/subscriptions/00000000-0000-0000-0000-000000000000"],
        "condition": {"allOf": all_of},
        "actions": {"actionGroups": []},
    }
    assert {path for path, _ in azure.check(ACTIVITY, inputs)} == paths


def ali(caller: Callable[[str], Any]) -> tuple[Any, str]:
    cloud = caller("alicloud")
    cloud.create(PROJECT, {"projectName": "logs-1"}, "logs")
    workspace, _ = cloud.create(WORKSPACE, {"workspaceName": "ws-1", "slsProject": "logs-1"}, "ws")
    return cloud, workspace


def rule(**more: Any) -> dict[str, Any]:
    return {
        "displayName": "silent",
        "workspace": "ws-1",
        "datasourceConfig": {"type": "PROMETHEUS", "instanceId": UNKNOWN, "regionId": "cn-shanghai"},
        "queryConfig": {"type": "PROMETHEUS_SINGLE_QUERY", "expr": "absent(up)"},
        "conditionConfig": {"type": "PROMETHEUS_SIMPLE_CONDITION", "severity": "CRITICAL"},
        "scheduleConfig": {"type": "FIXED", "intervalSecs": 60},
        "notifyConfig": {"type": "NOTIFY_POLICY", "notifyStrategies": [UNKNOWN]},
    } | more


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"queryConfig": {"type": "APM_MULTI_QUERY", "expr": "x"}}, {"queryConfig.type"}),
        ({"queryConfig": {"type": "PROMETHEUS_SINGLE_QUERY"}}, {"queryConfig.expr"}),
        ({"conditionConfig": {"type": "PROMETHEUS_SIMPLE_CONDITION", "severity": "P1"}}, {"conditionConfig.severity"}),
        (
            {"notifyConfig": {"type": "NOTIFY_POLICY", "notifyStrategies": ["nobody"]}},
            {"notifyConfig.notifyStrategies"},
        ),
        ({"notifyConfig": {"type": "DIRECT_NOTIFY"}}, {"notifyConfig.channels"}),
        (
            {"datasourceConfig": {"type": "PROMETHEUS", "instanceId": UNKNOWN, "regionId": "mars"}},
            {"datasourceConfig.regionId"},
        ),
    ],
)
def test_a_rule_s_source_query_and_condition_belong_together(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    cloud, _ = ali(caller)
    assert {path for path, _ in cloud.check(RULE, rule(**change))} == paths


@pytest.mark.parametrize(
    ("channel", "paths"),
    [
        ({"channelType": "GROUP", "receivers": ["desk"], "enabledSubChannels": ["WEBHOOK"]}, set[str]()),
        ({"channelType": "GROUP", "receivers": ["gone"], "enabledSubChannels": ["WEBHOOK"]}, {"receivers"}),
        ({"channelType": "GROUP", "receivers": ["desk"]}, {"enabledSubChannels"}),
        ({"channelType": "GROUP", "receivers": ["desk"], "enabledSubChannels": ["PIGEON"]}, {"enabledSubChannels"}),
        ({"channelType": "PIGEON", "receivers": ["desk"]}, {"channelType"}),
        ({"channelType": "DING", "receivers": []}, {"receivers"}),
    ],
)
def test_a_notification_policy_tells_groups_that_are_there_by_ways_that_there_are(
    caller: Callable[[str], Any], channel: dict[str, Any], paths: set[str]
) -> None:
    cloud, workspace = ali(caller)
    cloud.create(CONTACTS, {"alarmContactGroupName": "desk"}, "desk")
    inputs = {"name": "alarms", "workspace": workspace, "notifyStrategy": {"routes": [{"channels": [channel]}]}}
    found = {path.rpartition(".")[2] for path, _ in cloud.check(NOTIFY, inputs)}
    assert found == paths


@pytest.mark.parametrize(
    ("query", "schedule", "paths"),
    [
        ({"store": UNKNOWN}, {"type": "FixedRate", "interval": "1m"}, set[str]()),
        ({"store": "actiontrail_gone"}, {"type": "FixedRate", "interval": "1m"}, {"configuration.queryLists[0].store"}),
        ({"store": UNKNOWN}, {"type": "FixedRate"}, {"schedule.interval"}),
        ({"store": UNKNOWN}, {"type": "FixedRate", "interval": "often"}, {"schedule.interval"}),
    ],
)
def test_an_alert_on_logs_asks_a_store_that_is_there(
    caller: Callable[[str], Any], query: dict[str, Any], schedule: dict[str, Any], paths: set[str]
) -> None:
    cloud, _ = ali(caller)
    asked = {"storeType": "log", "project": "logs-1", "query": "*"} | query
    inputs = {
        "alertName": "audit",
        "displayName": "audit",
        "projectName": "logs-1",
        "schedule": schedule,
        "configuration": {"version": "2.0", "queryLists": [asked]},
    }
    assert {path for path, _ in cloud.check(ALERT, inputs)} == paths
