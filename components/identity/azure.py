"""Workload identity on Azure: a managed identity with one federated credential per namespace (20 at most)."""

from __future__ import annotations

import pulumi_azure_native as azure

from components.clouds.accounts import role_definition
from components.errors import NotSupportedError
from components.identity.contract import Identity, IdentityInputs, IdentityOutputs

_MOST_CREDENTIALS = 20


class AzureIdentity(Identity):
    """A user-assigned identity for pods."""

    def build(self, name: str, inputs: IdentityInputs) -> IdentityOutputs:
        """Declare the identity, its federations (chained: Azure refuses parallel ones) and its one grant."""
        place = inputs.place
        if len(inputs.namespaces) > _MOST_CREDENTIALS:
            message = (
                f"cell {place.cell.cell.name} serves {len(inputs.namespaces)} maisons, but an identity of this cloud"
                f" trusts at most {_MOST_CREDENTIALS} service accounts: give the cell fewer maisons"
            )
            raise NotSupportedError(message)
        identity = azure.managedidentity.UserAssignedIdentity(
            f"{name}-inference",
            resource_name_=place.name("inference"),
            resource_group_name=inputs.scope,
            location=place.region,
            tags=place.tags,
            opts=self.child(),
        )
        before: list[azure.managedidentity.FederatedIdentityCredential] = []
        for space in inputs.namespaces:
            credential = azure.managedidentity.FederatedIdentityCredential(
                f"{name}-inference-{space}",
                federated_identity_credential_resource_name=space,
                resource_name_=identity.name,
                resource_group_name=inputs.scope,
                issuer=inputs.cluster.issuer,
                subject=f"system:serviceaccount:{space}:{inputs.service_account}",
                audiences=["api://AzureADTokenExchange"],
                opts=self.child(depends_on=before),
            )
            before = [credential]
        azure.authorization.RoleAssignment(
            f"{name}-inference",
            role_assignment_name=place.uuid("inference"),
            scope=inputs.bucket.bucket_id,
            principal_id=identity.principal_id,
            principal_type="ServicePrincipal",
            role_definition_id=inputs.bucket.bucket_id.apply(
                lambda id_: role_definition(id_, "Storage Blob Data Reader")
            ),
            opts=self.child(),
        )
        return IdentityOutputs(
            identity_id=identity.id,
            principal=identity.principal_id,
            annotation="azure.workload.identity/client-id",
            annotation_value=identity.client_id,
        )
