"""Workload identity on Azure: one managed identity per maison with one federated credential.

Each reads its maison's own container and those of the datasets that name it: a whole container is a scope of the role,
so no condition on names is needed.
"""

from __future__ import annotations

import pulumi_azure_native as azure

from components.base import maison_tag
from components.clouds.accounts import role_definition
from components.clouds.pods import POD_IDENTITY
from components.identity.contract import Identity, IdentityInputs, IdentityOutputs


class AzureIdentity(Identity):
    """User-assigned identities for pods."""

    def build(self, name: str, inputs: IdentityInputs) -> IdentityOutputs:
        """Declare for each maison an identity, its federation and its one grant."""
        users = {
            maison: self._user(f"{name}-inference-{maison}", maison, space, inputs)
            for maison, space in inputs.namespaces.items()
        }
        return IdentityOutputs(
            identities={maison: user.id for maison, user in users.items()},
            principals={maison: user.principal_id for maison, user in users.items()},
            annotation=POD_IDENTITY["azure"].annotation,
            annotation_values={maison: user.client_id for maison, user in users.items()},
        )

    def _user(
        self, name: str, maison: str, space: str, inputs: IdentityInputs
    ) -> azure.managedidentity.UserAssignedIdentity:
        place, container = inputs.place, inputs.bucket.part_ids[space]
        user = azure.managedidentity.UserAssignedIdentity(
            name,
            resource_name_=place.name(f"infer-{maison}", limit=64),
            resource_group_name=inputs.scope,
            location=place.region,
            tags=place.tags | maison_tag(maison),
            opts=self.child(),
        )
        azure.managedidentity.FederatedIdentityCredential(
            name,
            federated_identity_credential_resource_name=space,
            resource_name_=user.name,
            resource_group_name=inputs.scope,
            issuer=inputs.cluster.issuer,
            subject=f"system:serviceaccount:{space}:{inputs.service_account}",
            audiences=["api://AzureADTokenExchange"],
            opts=self.child(),
        )
        azure.authorization.RoleAssignment(
            name,
            role_assignment_name=place.uuid(f"inference-{maison}"),
            scope=container,
            principal_id=user.principal_id,
            principal_type="ServicePrincipal",
            role_definition_id=container.apply(lambda id_: role_definition(id_, "Storage Blob Data Reader")),
            opts=self.child(),
        )
        for dataset, part in inputs.datasets.get(maison, {}).items():
            shared = inputs.bucket.part_ids[part]
            azure.authorization.RoleAssignment(
                f"{name}.{dataset}",
                # No name holds a slash, so no two pairs make the same.
                role_assignment_name=place.uuid(f"dataset/{dataset}/{maison}"),
                scope=shared,
                principal_id=user.principal_id,
                principal_type="ServicePrincipal",
                role_definition_id=shared.apply(lambda id_: role_definition(id_, "Storage Blob Data Reader")),
                opts=self.child(),
            )
        return user
