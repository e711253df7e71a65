"""Resources without a fault of types that the cells of the rehearsal do not have: those that tell people."""

from __future__ import annotations

from typing import Any

_HOOK = "https://tells-1.europe-west4.run.app/a"
_GROUP = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/microsoft.insights/actionGroups/a"
)
_QUERY = {"query": "absent(up)", "duration": "600s", "evaluationInterval": "60s", "labels": {"severity": "page"}}

RIGHT: list[tuple[str, dict[str, Any]]] = [
    ("alicloud:cms/alarmContactGroup:AlarmContactGroup", {"alarmContactGroupName": "desk", "describe": "who is told"}),
    (
        "alicloud:cms/eventNotifyPolicy:EventNotifyPolicy",
        {
            "name": "alarms",
            "workspace": "ws-1",
            "notifyStrategy": {
                "routes": [
                    {
                        "severities": ["CRITICAL"],
                        "channels": [
                            {"channelType": "GROUP", "receivers": ["desk"], "enabledSubChannels": ["WEBHOOK"]},
                            {"channelType": "DING", "receivers": ["robot"]},
                        ],
                    }
                ]
            },
        },
    ),
    (
        "alicloud:cms/alertRuleV2:AlertRuleV2",
        {
            "displayName": "silent",
            "workspace": "ws-1",
            "datasourceConfig": {"type": "PROMETHEUS", "instanceId": "prom-1", "regionId": "cn-shanghai"},
            "queryConfig": {"type": "PROMETHEUS_SINGLE_QUERY", "expr": "absent(up)"},
            "conditionConfig": {"type": "PROMETHEUS_SIMPLE_CONDITION", "severity": "CRITICAL"},
            "scheduleConfig": {"type": "FIXED", "intervalSecs": 60},
            "notifyConfig": {"type": "NOTIFY_POLICY", "notifyStrategies": ["policy-1"]},
        },
    ),
    (
        "alicloud:sls/alert:Alert",
        {
            "alertName": "audit",
            "displayName": "audit",
            "projectName": "logs-1",
            "status": "ENABLED",
            "schedule": {"type": "FixedRate", "interval": "1m"},
            "configuration": {
                "version": "2.0",
                "noDataSeverity": 6,
                "queryLists": [{"storeType": "log", "project": "logs-1", "store": "audit", "query": "*"}],
            },
        },
    ),
    (
        "azure-native:monitor:ActionGroup",
        {
            "resourceGroupName": "rg",
            "actionGroupName": "ag",
            "groupShortName": "twain",
            "location": "swedencentral",
            "webhookReceivers": [
                {"name": "a", "serviceUri": _HOOK, "useAadAuth": True, "objectId": "o"},
                {"name": "b", "serviceUri": _HOOK},
            ],
        },
    ),
    (
        "azure-native:alertsmanagement:PrometheusRuleGroup",
        {
            "resourceGroupName": "rg",
            "ruleGroupName": "rules",
            "location": "francecentral",
            "scopes": ["/subscriptions/s/resourceGroups/rg/providers/microsoft.monitor/accounts/metrics"],
            "interval": "PT1M",
            "rules": [
                {
                    "alert": "a",
                    "expression": "absent(up)",
                    "for": "PT10M",
                    "severity": 1,
                    "resolveConfiguration": {"autoResolved": True, "timeToResolve": "PT5M"},
                    "actions": [{"actionGroupId": _GROUP}],
                },
                {"record": "b", "expression": "sum(up)"},
            ],
        },
    ),
    (
        "azure-native:monitor:ActivityLogAlert",
        {
            "resourceGroupName": "rg",
            "activityLogAlertName": "audit",
            "location": "global",
            "scopes": ["/subscriptions/00000000-0000-0000-0000-000000000000"],
            "condition": {
                "allOf": [
                    {"field": "category", "equals": "Administrative"},
                    {
                        "anyOf": [
                            {"field": "operationName", "equals": "a/write"},
                            {"field": "level", "containsAny": ["x"]},
                        ]
                    },
                ]
            },
            "actions": {"actionGroups": [{"actionGroupId": _GROUP}]},
        },
    ),
    (
        "gcp:monitoring/notificationChannel:NotificationChannel",
        {
            "project": "p-1",
            "displayName": "desk",
            "type": "webhook_basicauth",
            "labels": {"url": _HOOK, "username": "twain"},
            "sensitiveLabels": {"password": "x"},
            "userLabels": {"cell": "a"},
        },
    ),
    (
        "gcp:monitoring/alertPolicy:AlertPolicy",
        {
            "project": "p-1",
            "displayName": "silent",
            "combiner": "OR",
            "severity": "CRITICAL",
            "conditions": [{"displayName": "a", "conditionMatchedLog": {"filter": "x"}}],
            "alertStrategy": {"notificationRateLimit": {"period": "300s"}},
            "notificationChannels": ["projects/p-1/notificationChannels/1"],
            "userLabels": {"cell": "a"},
        },
    ),
    (
        "gcp:monitoring/alertPolicy:AlertPolicy",
        {
            "project": "p-1",
            "displayName": "silent",
            "combiner": "OR",
            "conditions": [{"displayName": "a", "conditionPrometheusQueryLanguage": _QUERY}],
        },
    ),
]
