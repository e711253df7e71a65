"""Alarms of Cloud Monitor on Alibaba Cloud: a group of contacts, a policy that tells it, a rule on the cell's
Prometheus instance and one on the trail's log store.

No resource of the provider holds the address of a webhook, so a person adds the receivers to the group, and the group
is empty until then; who is in it is left alone afterwards. Open until a real account was asked: whether the policy of a
workspace sees what a rule of the log service fires (`subscribe_legacy_event`), and how a condition on PromQL is called
(the provider's list and its example differ; the example's form is used).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi_alicloud as alicloud

from components.observability import alarms

if TYPE_CHECKING:
    import pulumi

    from components.base import Component
    from components.observability.contract import ObservabilityInputs

# What is done to a trail, as ActionTrail records it of itself.
_CHANGED = ("DeleteTrail", "StopLogging", "UpdateTrail")
_CRITICAL = 10
BY_HAND = "add the receivers to the group {group} in the Cloud Monitor console, as contacts with a webhook"


def declare(
    parent: Component,
    name: str,
    inputs: ObservabilityInputs,
    *,
    workspace: alicloud.cms.Workspace,
    metrics: alicloud.cms.PrometheusInstance,
    trail: alicloud.actiontrail.Trail,
) -> str:
    """Declare group, policy and rules, where the fleet names receivers for them. Returns what is left to a person."""
    place, cms = inputs.place, alicloud.cms
    left_out = alarms.unwatched(place)
    if len(left_out) == len(alarms.ALARMS):
        return ""
    group = cms.AlarmContactGroup(
        f"{name}-alarms",
        alarm_contact_group_name=place.name("alarms"),
        describe=f"Who is told of cell {place.cell.cell.name}",
        enable_subscribed=False,
        opts=parent.child(ignore_changes=["contacts"]),
    )
    policy = cms.EventNotifyPolicy(
        f"{name}-alarms",
        workspace=workspace.id,
        name=place.name("alarms"),
        description=f"Alarms of cell {place.cell.cell.name}",
        enabled=True,
        subscription=cms.EventNotifyPolicySubscriptionArgs(subscribe_legacy_event=True),
        notify_strategy=cms.EventNotifyPolicyNotifyStrategyArgs(
            ignore_restored_notification=False,
            routes=[
                cms.EventNotifyPolicyNotifyStrategyRouteArgs(
                    channels=[
                        cms.EventNotifyPolicyNotifyStrategyRouteChannelArgs(
                            channel_type="GROUP",
                            receivers=[group.alarm_contact_group_name],
                            enabled_sub_channels=["WEBHOOK"],
                        )
                    ]
                )
            ],
        ),
        response_plan=cms.EventNotifyPolicyResponsePlanArgs(
            repeat_notify_setting=cms.EventNotifyPolicyResponsePlanRepeatNotifySettingArgs(
                end_incident_state="resolved", repeat_interval=alarms.REPEAT_S // 60
            )
        ),
        opts=parent.child(),
    )
    if alarms.SILENT not in left_out:
        _silent(parent, name, inputs, workspace=workspace, metrics=metrics.id, policy=policy.uuid)
    if alarms.AUDIT not in left_out:
        _audit(parent, name, inputs, trail=trail)
    return BY_HAND.format(group=place.name("alarms"))


def _silent(
    parent: Component,
    name: str,
    inputs: ObservabilityInputs,
    *,
    workspace: alicloud.cms.Workspace,
    metrics: pulumi.Output[str],
    policy: pulumi.Output[str],
) -> None:
    place, cms = inputs.place, alicloud.cms
    cms.AlertRuleV2(
        f"{name}-{alarms.SILENT}",
        display_name=place.name(alarms.SILENT),
        content_template=alarms.words(place, alarms.SILENT),
        workspace=workspace.id,
        enabled=True,
        datasource_config=cms.AlertRuleV2DatasourceConfigArgs(
            type="PROMETHEUS", instance_id=metrics, region_id=place.region
        ),
        query_config=cms.AlertRuleV2QueryConfigArgs(
            type="PROMETHEUS_SINGLE_QUERY", expr=alarms.silent(place), enable_data_complete_check=False
        ),
        condition_config=cms.AlertRuleV2ConditionConfigArgs(
            type="PROMETHEUS_SIMPLE_CONDITION", severity="CRITICAL", duration_secs=alarms.SILENT_S
        ),
        schedule_config=cms.AlertRuleV2ScheduleConfigArgs(type="FIXED", interval_secs=60),
        notify_config=cms.AlertRuleV2NotifyConfigArgs(type="NOTIFY_POLICY", notify_strategies=[policy]),
        action_integration_config=cms.AlertRuleV2ActionIntegrationConfigArgs(enabled=False),
        arms_integration_config=cms.AlertRuleV2ArmsIntegrationConfigArgs(enabled=False),
        labels=place.tags,
        opts=parent.child(),
    )


def _audit(parent: Component, name: str, inputs: ObservabilityInputs, *, trail: alicloud.actiontrail.Trail) -> None:
    place, sls = inputs.place, alicloud.sls
    operations = " or ".join(f'event.eventName: "{one}"' for one in _CHANGED)
    sls.Alert(
        f"{name}-{alarms.AUDIT}",
        alert_name=place.name(alarms.AUDIT),
        display_name=place.name(alarms.AUDIT),
        description=alarms.words(place, alarms.AUDIT),
        project_name=inputs.cluster.logs,
        status="ENABLED",
        schedule=sls.AlertScheduleArgs(type="FixedRate", interval="1m", delay=10, run_immdiately=True),
        configuration=sls.AlertConfigurationArgs(
            version="2.0",
            type="default",
            query_lists=[
                sls.AlertConfigurationQueryListArgs(
                    query=f'event.serviceName: "Actiontrail" and ({operations})',
                    # The service makes this store, and calls it so.
                    store=trail.trail_name.apply(lambda own: f"actiontrail_{own}"),
                    store_type="log",
                    project=inputs.cluster.logs,
                    region=place.region,
                    time_span_type="Relative",
                    start="-5m",
                    end="now",
                    power_sql_mode="disable",
                )
            ],
            group_configuration=sls.AlertConfigurationGroupConfigurationArgs(type="no_group"),
            severity_configurations=[
                sls.AlertConfigurationSeverityConfigurationArgs(
                    severity=_CRITICAL,
                    eval_condition=sls.AlertConfigurationSeverityConfigurationEvalConditionArgs(
                        condition="", count_condition="__count__ > 0"
                    ),
                )
            ],
            sink_cms=sls.AlertConfigurationSinkCmsArgs(enabled=True),
            sink_alerthub=sls.AlertConfigurationSinkAlerthubArgs(enabled=False),
            no_data_fire=False,
            send_resolved=False,
            threshold=1,
        ),
        opts=parent.child(),
    )
