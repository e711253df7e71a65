"""Azure Monitor: a workspace for metrics, the endpoint and the rule that bring the cluster's metrics there, private
links for both ways, diagnostic settings of the vault, and the subscription's activity log.

The Log Analytics workspace is the cluster's component's, whose audit log needs it. Nothing here has public access: the
cluster writes and people query through private endpoints (a scope for the collection endpoint and Log Analytics, one
of its own for the metrics). The activity log is set up once per subscription, by one cell. Deliberately not set: flow
logs (they hang from a network watcher, of which a subscription has one per region, made by Azure in a group of its
own), a customer's key for logs (needs a dedicated cluster of 100 GB a day), the private zones of log agents (none
runs).
"""

from __future__ import annotations

import pulumi
import pulumi_azure_native as azure

from components.network.azure_private import private_endpoint
from components.observability import alarms, azure_alarms, azure_writer
from components.observability.contract import Observability, ObservabilityInputs, ObservabilityOutputs

_STREAM = "Microsoft-PrometheusMetrics"
_ACTIVITY = ("Administrative", "Security", "Policy", "Alert", "ResourceHealth", "ServiceHealth")
# The name by which an agent finds the endpoint that it takes its configuration from; Azure refuses any other.
_CONFIGURATION = "configurationAccessEndpoint"


class AzureObservability(Observability):
    """A metrics workspace with its collection, and audit settings."""

    def build(self, name: str, inputs: ObservabilityInputs) -> ObservabilityOutputs:
        """Declare them."""
        place = inputs.place
        metrics = azure.monitor.AzureMonitorWorkspace(
            f"{name}-metrics",
            azure_monitor_workspace_name=place.name("metrics", limit=44),
            resource_group_name=inputs.network.scope,
            location=place.region,
            public_network_access="Disabled",
            tags=place.tags,
            opts=self.child(),
        )
        queries = private_endpoint(
            self, f"{name}-metrics", place=place, network=inputs.network, target=metrics.id, group="prometheusMetrics"
        )
        collector, rule = self._collect(name, inputs, metrics)
        self._private_scope(name, inputs, collector)
        self._audit(name, inputs)
        azure_alarms.declare(self, name, inputs, metrics)
        return ObservabilityOutputs(
            logs=inputs.cluster.logs,
            # The name leads to a private address only once the endpoint has written it into the zone.
            prometheus_query=pulumi.Output.all(
                metrics.metrics.apply(lambda found: str(found.prometheus_query_endpoint)), queries.id
            ).apply(lambda found: str(found[0])),
            unwatched=alarms.unwatched(place, audited=inputs.for_account),
            by_hand="",
            metrics_write=azure_writer.declare(self, name, inputs, collector=collector, rule=rule),
        )

    def _collect(
        self, name: str, inputs: ObservabilityInputs, metrics: azure.monitor.AzureMonitorWorkspace
    ) -> tuple[azure.monitor.DataCollectionEndpoint, azure.monitor.DataCollectionRule]:
        """How the cluster's metrics reach the workspace."""
        place, scope, monitor = inputs.place, inputs.network.scope, azure.monitor
        collector = monitor.DataCollectionEndpoint(
            f"{name}-metrics",
            data_collection_endpoint_name=place.name("metrics", limit=44),
            resource_group_name=scope,
            location=place.region,
            kind="Linux",
            network_acls=monitor.DataCollectionEndpointNetworkAclsArgs(public_network_access="Disabled"),
            tags=place.tags,
            opts=self.child(),
        )
        rule = monitor.DataCollectionRule(
            f"{name}-metrics",
            data_collection_rule_name=place.name("metrics", limit=44),
            resource_group_name=scope,
            location=place.region,
            kind="Linux",
            data_collection_endpoint_id=collector.id,
            data_sources=monitor.DataCollectionRuleDataSourcesArgs(
                prometheus_forwarder=[monitor.PrometheusForwarderDataSourceArgs(name="prometheus", streams=[_STREAM])]
            ),
            destinations=monitor.DataCollectionRuleDestinationsArgs(
                monitoring_accounts=[
                    monitor.MonitoringAccountDestinationArgs(name="metrics", account_resource_id=metrics.id)
                ]
            ),
            data_flows=[monitor.DataFlowArgs(streams=[_STREAM], destinations=["metrics"])],
            tags=place.tags,
            opts=self.child(),
        )
        monitor.DataCollectionRuleAssociation(
            f"{name}-metrics",
            association_name=place.name("metrics"),
            resource_uri=inputs.cluster.cluster_id,
            data_collection_rule_id=rule.id,
            opts=self.child(),
        )
        monitor.DataCollectionRuleAssociation(
            f"{name}-metrics-configuration",
            association_name=_CONFIGURATION,
            resource_uri=inputs.cluster.cluster_id,
            data_collection_endpoint_id=collector.id,
            opts=self.child(),
        )
        return collector, rule

    def _private_scope(
        self, name: str, inputs: ObservabilityInputs, collector: azure.monitor.DataCollectionEndpoint
    ) -> None:
        """The scope through which the cell's network reaches the collection endpoint and Log Analytics."""
        place, group, monitor = inputs.place, inputs.network.scope, azure.monitor
        scope = monitor.PrivateLinkScope(
            f"{name}-monitor",
            scope_name=place.name("monitor"),
            resource_group_name=group,
            location="global",
            access_mode_settings=monitor.AccessModeSettingsArgs(
                ingestion_access_mode="PrivateOnly", query_access_mode="PrivateOnly"
            ),
            tags=place.tags,
            opts=self.child(),
        )
        linked = [
            monitor.PrivateLinkScopedResource(
                f"{name}-monitor-{part}",
                name=part,
                scope_name=scope.name,
                resource_group_name=group,
                linked_resource_id=target,
                opts=self.child(),
            )
            for part, target in (("logs", inputs.cluster.logs), ("metrics", collector.id))
        ]
        target = pulumi.Output.all(scope.id, *[one.id for one in linked]).apply(lambda found: str(found[0]))
        private_endpoint(
            self, f"{name}-monitor", place=place, network=inputs.network, target=target, group="azuremonitor"
        )

    def _audit(self, name: str, inputs: ObservabilityInputs) -> None:
        place, monitor = inputs.place, azure.monitor
        monitor.DiagnosticSetting(
            f"{name}-audit-vault",
            name=place.name("vaultaudit"),
            resource_uri=inputs.key.vault_id,
            workspace_id=inputs.cluster.logs,
            logs=[monitor.DiagnosticsLogSettingsArgs(category="AuditEvent", enabled=True)],
            opts=self.child(),
        )
        if inputs.for_account:
            monitor.SubscriptionDiagnosticSetting(
                f"{name}-activity",
                name=place.name("activity"),
                workspace_id=inputs.cluster.logs,
                logs=[monitor.SubscriptionLogSettingsArgs(category=category, enabled=True) for category in _ACTIVITY],
                opts=self.child(),
            )
