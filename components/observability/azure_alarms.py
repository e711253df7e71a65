"""Alarms of Azure Monitor: an action group with the receivers, a Prometheus rule and a rule on the activity log.

The group lies in a region: a global one is stored and worked off in any. Only few regions have groups of their own, so
it may be another one of the world's than the cell's. The activity log belongs to the subscription and to no region, and
so does the rule that watches it. Deliberately not set: receivers that are persons, runbooks or other tools; a login to
the webhook (`use_aad_auth`), for which a person must make an application first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi_azure_native as azure

from components.clouds.alarms import home
from components.observability import alarms

if TYPE_CHECKING:
    from components.base import Component
    from components.observability.contract import ObservabilityInputs

_SETTINGS = "Microsoft.Insights/diagnosticSettings"


def declare(
    parent: Component, name: str, inputs: ObservabilityInputs, metrics: azure.monitor.AzureMonitorWorkspace
) -> None:
    """Declare the group and the rules, where the fleet names receivers for them."""
    place, group, monitor = inputs.place, inputs.network.scope, azure.monitor
    left_out = alarms.unwatched(place, audited=inputs.for_account)
    if len(left_out) == len(alarms.ALARMS):
        return
    told = monitor.ActionGroup(
        f"{name}-alarms",
        action_group_name=place.name("alarms"),
        group_short_name="twain",
        resource_group_name=group,
        location=home(place.cloud, place.region, place.cell.world.regions),
        enabled=True,
        webhook_receivers=[
            monitor.WebhookReceiverArgs(
                name=one.name, service_uri=one.url, use_aad_auth=False, use_common_alert_schema=True
            )
            for one in alarms.receivers(place)
        ],
        tags=place.tags,
        opts=parent.child(),
    )
    if alarms.SILENT not in left_out:
        _silent(parent, name, inputs, metrics, told)
    if alarms.AUDIT not in left_out:
        _audit(parent, name, inputs, told)


def _silent(
    parent: Component,
    name: str,
    inputs: ObservabilityInputs,
    metrics: azure.monitor.AzureMonitorWorkspace,
    told: azure.monitor.ActionGroup,
) -> None:
    place, rules = inputs.place, azure.alertsmanagement
    rules.PrometheusRuleGroup(
        f"{name}-{alarms.SILENT}",
        rule_group_name=place.name(alarms.SILENT),
        resource_group_name=inputs.network.scope,
        location=place.region,
        description=alarms.words(place, alarms.SILENT),
        scopes=[metrics.id],
        enabled=True,
        interval="PT1M",
        rules=[
            rules.PrometheusRuleArgs(
                alert="CellSilent",
                expression=alarms.silent(place),
                for_=f"PT{alarms.SILENT_S // 60}M",
                enabled=True,
                severity=0,
                annotations={"summary": alarms.words(place, alarms.SILENT)},
                actions=[rules.PrometheusRuleGroupActionArgs(action_group_id=told.id)],
                resolve_configuration=rules.PrometheusRuleResolveConfigurationArgs(
                    auto_resolved=True, time_to_resolve="PT10M"
                ),
            )
        ],
        tags=place.tags,
        opts=parent.child(),
    )


def _audit(parent: Component, name: str, inputs: ObservabilityInputs, told: azure.monitor.ActionGroup) -> None:
    """Whoever writes or deletes a diagnostic setting of the subscription or of a resource in it."""
    place, monitor = inputs.place, azure.monitor

    def either(field: str, *values: str) -> azure.monitor.AlertRuleAnyOfOrLeafConditionArgs:
        return monitor.AlertRuleAnyOfOrLeafConditionArgs(
            any_of=[monitor.AlertRuleLeafConditionArgs(field=field, equals=value) for value in values]
        )

    monitor.ActivityLogAlert(
        f"{name}-{alarms.AUDIT}",
        activity_log_alert_name=place.name(alarms.AUDIT),
        resource_group_name=inputs.network.scope,
        location="global",
        description=alarms.words(place, alarms.AUDIT),
        scopes=[inputs.network.network_id.apply(lambda id_: f"/subscriptions/{id_.split('/')[2]}")],
        condition=monitor.AlertRuleAllOfConditionArgs(
            all_of=[
                monitor.AlertRuleAnyOfOrLeafConditionArgs(field="category", equals="Administrative"),
                either("operationName", f"{_SETTINGS}/write", f"{_SETTINGS}/delete"),
            ]
        ),
        actions=monitor.ActionListArgs(action_groups=[monitor.ActionGroupArgs(action_group_id=told.id)]),
        enabled=True,
        tags=place.tags,
        opts=parent.child(),
    )
