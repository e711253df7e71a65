"""Alarms of Cloud Monitoring: a channel per receiver, and a policy per alarm.

A project's audit configuration is part of its access policy, and its sinks and log buckets are its logging's: whoever
changes one of them is told of by the project's own admin-activity log, which nobody can switch off. Deliberately not
set: channels of persons (mail, SMS), a token in the address. Open until a real account was asked: whether the metric of
a cell that was never up yet may be named in a policy (its check is switched off).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi_gcp as gcp

from components.observability import alarms

if TYPE_CHECKING:
    from components.base import Component
    from components.observability.contract import ObservabilityInputs

_CONFIG = "google.logging.v2.ConfigServiceV2."
_CHANGED = ("DeleteBucket", "DeleteSink", "UpdateBucket", "UpdateSink", "CreateExclusion", "UpdateExclusion")
_AUDIT = (
    'protoPayload.serviceName=("logging.googleapis.com" OR "cloudresourcemanager.googleapis.com") AND ('
    + " OR ".join(f'protoPayload.methodName="{_CONFIG}{one}"' for one in _CHANGED)
    + ' OR (protoPayload.methodName="SetIamPolicy" AND protoPayload.serviceData.policyDelta.auditConfigDeltas:*))'
)


def declare(parent: Component, name: str, inputs: ObservabilityInputs) -> None:
    """Declare the channels and the policies, where the fleet names receivers for them."""
    place, project, monitoring = inputs.place, inputs.network.scope, gcp.monitoring
    left_out = alarms.unwatched(place, audited=inputs.for_account)
    if len(left_out) == len(alarms.ALARMS):
        return
    channels = [
        monitoring.NotificationChannel(
            f"{name}-alarms-{one.name}",
            project=project,
            display_name=f"{place.name('alarms', limit=60)} {one.name}",
            type="webhook_tokenauth",
            labels={"url": one.url},
            enabled=True,
            force_delete=False,
            user_labels=place.tags,
            opts=parent.child(),
        )
        for one in alarms.receivers(place)
    ]
    conditions = {
        alarms.SILENT: monitoring.AlertPolicyConditionArgs(
            display_name="no metric arrives",
            condition_prometheus_query_language=monitoring.AlertPolicyConditionConditionPrometheusQueryLanguageArgs(
                query=alarms.silent(place),
                duration=f"{alarms.SILENT_S}s",
                evaluation_interval="60s",
                disable_metric_validation=True,
            ),
        ),
        alarms.AUDIT: monitoring.AlertPolicyConditionArgs(
            display_name="the audit trail is changed",
            condition_matched_log=monitoring.AlertPolicyConditionConditionMatchedLogArgs(filter=_AUDIT),
        ),
    }
    for alarm in (one for one in alarms.ALARMS if one not in left_out):
        limit = monitoring.AlertPolicyAlertStrategyNotificationRateLimitArgs(period=f"{alarms.REPEAT_S}s")
        monitoring.AlertPolicy(
            f"{name}-{alarm}",
            project=project,
            display_name=place.name(alarm, limit=60),
            combiner="OR",
            conditions=[conditions[alarm]],
            notification_channels=[channel.name for channel in channels],
            alert_strategy=monitoring.AlertPolicyAlertStrategyArgs(
                auto_close="86400s",
                # Google takes a limit for what is found in logs, and for nothing else.
                notification_rate_limit=limit if alarm == alarms.AUDIT else None,
            ),
            documentation=monitoring.AlertPolicyDocumentationArgs(
                content=alarms.words(place, alarm), mime_type="text/markdown"
            ),
            enabled=True,
            severity="CRITICAL",
            user_labels=place.tags,
            opts=parent.child(),
        )
