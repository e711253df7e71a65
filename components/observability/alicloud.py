"""Simple Log Service, Cloud Monitor 2.0 and ActionTrail on Alibaba Cloud.

The log project is the cluster's, which cannot be made without it. Here: flow logs of the VPC and the trail into that
project, and a workspace on top of it with a Prometheus instance. A trail is per cell, so cells that share an account do
not collide (the service limits how many an account may have); it records this region's events.

Deliberately not set: a trail of the whole organisation; the role that writes (the service's own is used);
`arms.Environment`, which would make a second Prometheus beside this one. So this one waits for whoever writes to it:
the cell's own Prometheus does not yet. Limits: the trail makes its log store itself and with its own retention; events
of services without a region (RAM) go where the account says, which is not told here; the instance's URL is told to a
look-up only.
"""

from __future__ import annotations

import pulumi
import pulumi_alicloud as alicloud

from components.observability import alarms, alicloud_alarms
from components.observability.contract import MetricsWrite, Observability, ObservabilityInputs, ObservabilityOutputs

# The one length that every way of being billed for metrics takes, besides 180.
_METRIC_DAYS = 90
_FLOW_INTERVAL_MIN = "10"


def _account(arn: str) -> str:
    """The account's number, out of an ARN of something that lies in it."""
    return arn.split(":")[3]


class AlicloudObservability(Observability):
    """Flow logs, a trail and a Prometheus instance."""

    def build(self, name: str, inputs: ObservabilityInputs) -> ObservabilityOutputs:
        """Declare them."""
        place, project = inputs.place, inputs.cluster.logs
        self._flows(name, inputs)
        trail = alicloud.actiontrail.Trail(
            f"{name}-trail",
            trail_name=place.name("trail", limit=36),
            trail_region=place.region,
            sls_project_arn=pulumi.Output.all(inputs.cluster.principal, project).apply(
                lambda found: f"acs:log:{place.region}:{_account(found[0])}:project/{found[1]}"
            ),
            event_rw="All",
            is_organization_trail=False,
            status="Enable",
            opts=self.child(),
        )
        workspace = alicloud.cms.Workspace(
            f"{name}-metrics",
            workspace_name=place.global_name("metrics"),
            sls_project=project,
            description=f"Metrics of cell {place.cell.cell.name}",
            opts=self.child(),
        )
        metrics = alicloud.cms.PrometheusInstance(
            f"{name}-metrics",
            prometheus_instance_name=place.name("metrics"),
            workspace=workspace.id,
            storage_duration=_METRIC_DAYS,
            enable_auth_free_read=False,
            enable_auth_free_write=False,
            opts=self.child(),
        )
        by_hand = alicloud_alarms.declare(self, name, inputs, workspace=workspace, metrics=metrics, trail=trail)
        return ObservabilityOutputs(
            logs=project,
            prometheus_query=pulumi.Output.from_input(""),
            unwatched=alarms.unwatched(place),
            by_hand=by_hand,
            metrics_write=self._write(inputs),
        )

    def _write(self, inputs: ObservabilityInputs) -> MetricsWrite:
        """An access key is the one login that the service takes; a person puts it into the cell's secret store."""
        cell = inputs.place.cell
        if cell.template.observability.metrics != "managed":
            return {}
        own = cell.cell.overrides
        url = own.alicloud.metrics_write if own and own.alicloud else ""
        nothing = pulumi.Output.from_input("")
        # The service speaks no HTTP/2.
        target = pulumi.Output.from_input({"url": url, "enable_http2": False})
        return MetricsWrite(target=target, binding=nothing, keyed=True)

    def _flows(self, name: str, inputs: ObservabilityInputs) -> None:
        place = inputs.place
        store = alicloud.log.Store(
            f"{name}-flows",
            logstore_name="flows",
            project_name=inputs.cluster.logs,
            retention_period=place.cell.template.observability.log_days,
            auto_split=True,
            max_split_shard_count=16,
            enable_web_tracking=False,
            opts=self.child(),
        )
        alicloud.vpc.FlowLog(
            f"{name}-flows",
            flow_log_name=place.name("flows"),
            resource_type="VPC",
            resource_id=inputs.network.network_id,
            traffic_type="All",
            traffic_paths=["all"],
            aggregation_interval=_FLOW_INTERVAL_MIN,
            project_name=inputs.cluster.logs,
            log_store_name=store.logstore_name,
            status="Active",
            tags=place.tags,
            opts=self.child(),
        )
