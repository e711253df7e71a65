"""Who writes the cell's metrics to the Azure Monitor workspace, and where: by the cell's own collection endpoint, whose
name leads to a private address, into its own rule, which is the one thing that the writer has a right on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_azure_native as azure

from components.clouds.accounts import role_definition
from components.observability.contract import MetricsWrite

if TYPE_CHECKING:
    from components.base import Component
    from components.observability.contract import ObservabilityInputs

_STREAM = "Microsoft-PrometheusMetrics"
_API_VERSION = "2023-04-24"


def declare(
    parent: Component,
    name: str,
    inputs: ObservabilityInputs,
    *,
    collector: azure.monitor.DataCollectionEndpoint,
    rule: azure.monitor.DataCollectionRule,
) -> MetricsWrite:
    """Declare the identity that writes, its federation and its one grant, where the fleet wants metrics managed."""
    place, scope = inputs.place, inputs.network.scope
    if place.cell.template.observability.metrics != "managed":
        return {}
    user = azure.managedidentity.UserAssignedIdentity(
        f"{name}-writer",
        resource_name_=place.name("metrics", limit=64),
        resource_group_name=scope,
        location=place.region,
        tags=place.tags,
        opts=parent.child(),
    )
    azure.managedidentity.FederatedIdentityCredential(
        f"{name}-writer",
        federated_identity_credential_resource_name="prometheus",
        resource_name_=user.name,
        resource_group_name=scope,
        issuer=inputs.cluster.issuer,
        subject=f"system:serviceaccount:{inputs.writer.replace('/', ':')}",
        audiences=["api://AzureADTokenExchange"],
        opts=parent.child(),
    )
    azure.authorization.RoleAssignment(
        f"{name}-writer",
        role_assignment_name=place.uuid("metrics/writer"),
        scope=rule.id,
        principal_id=user.principal_id,
        principal_type="ServicePrincipal",
        role_definition_id=rule.id.apply(lambda id_: role_definition(id_, "Monitoring Metrics Publisher")),
        opts=parent.child(),
    )
    endpoint = collector.metrics_ingestion.apply(lambda found: str(found.endpoint) if found else "")
    return MetricsWrite(
        target=pulumi.Output.all(endpoint, rule.immutable_id, user.client_id, user.tenant_id).apply(
            lambda found: target(*(str(one) for one in found))
        ),
        binding=user.client_id,
        keyed=False,
    )


def target(endpoint: str, rule: str, client: str, tenant: str) -> dict[str, Any]:
    """The item of `remote_write`. Pure."""
    return {
        "url": f"{endpoint}/dataCollectionRules/{rule}/streams/{_STREAM}/api/v1/write?api-version={_API_VERSION}",
        "azuread": {"cloud": "AzurePublic", "workload_identity": {"client_id": client, "tenant_id": tenant}},
    }
