"""Container Registry on Azure, Premium: Entra only, the cell's key, spread over zones, reached by a private endpoint.

A part is the first segment of an image's path: the service has no namespaces. Images cannot be exported to a registry
elsewhere, and trusted services of Azure do not pass the closed door either. Deliberately not set: replications,
retention of untagged manifests (they may still run by their digest), content trust (not to be had with a key of one's
own), soft delete (a preview). Limits: the key is chosen at creation and never given up; tags can be moved unless each
is locked. Open until a real account was asked: the vault is closed to the public, and whether the service gets
through with an assigned identity is not known; the registry's own would be there no sooner than the registry.
"""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_azure_native as azure

from components.clouds.accounts import key_parts, role_definition
from components.container_registry.contract import (
    ContainerRegistry,
    ContainerRegistryInputs,
    ContainerRegistryOutputs,
)
from components.network.azure_private import private_endpoint


def _without_version(key_uri: str) -> str:
    """The key in whatever version is the newest, so that a rotated key is taken up."""
    vault, key = key_parts(key_uri)
    return f"{vault}/keys/{key}"


class AzureContainerRegistry(ContainerRegistry):
    """A registry."""

    def build(self, name: str, inputs: ContainerRegistryInputs) -> ContainerRegistryOutputs:
        """Declare the registry, its endpoint and who may pull."""
        place = inputs.place
        registry = self._registry(name, inputs)
        endpoint = private_endpoint(
            self,
            f"{name}-registry",
            place=place,
            network=inputs.network,
            target=registry.id,
            group="registry",
        )
        azure.authorization.RoleAssignment(
            f"{name}-registry-nodes",
            role_assignment_name=place.uuid("registry-nodes"),
            scope=registry.id,
            principal_id=inputs.cluster.node_identity,
            principal_type="ServicePrincipal",
            role_definition_id=registry.id.apply(lambda id_: role_definition(id_, "AcrPull")),
            opts=self.child(),
        )
        if place.protect:
            azure.authorization.ManagementLockByScope(
                f"{name}-registry",
                lock_name=place.name("registry"),
                scope=registry.id,
                level="CanNotDelete",
                notes="twain: deletion protection of the cell's registry",
                opts=self.child(),
            )
        reached = pulumi.Output.all(registry.login_server, endpoint.id).apply(lambda found: str(found[0]))
        return ContainerRegistryOutputs(registry_id=registry.id, address=reached)

    def _registry(self, name: str, inputs: ContainerRegistryInputs) -> azure.containerregistry.Registry:
        place, service = inputs.place, azure.containerregistry
        nobody: dict[str, Any] = {}
        return service.Registry(
            f"{name}-registry",
            registry_name=place.global_name("cr", limit=50, dashes=False),
            resource_group_name=inputs.network.scope,
            location=place.region,
            sku=service.SkuArgs(name="Premium"),
            admin_user_enabled=False,
            anonymous_pull_enabled=False,
            public_network_access="Disabled",
            network_rule_set=service.NetworkRuleSetArgs(default_action="Deny"),
            network_rule_bypass_options="None",
            # Layers come from names of the registry itself, not from storage accounts that others share.
            data_endpoint_enabled=True,
            zone_redundancy="Enabled",
            policies=service.PoliciesArgs(export_policy=service.ExportPolicyArgs(status="disabled")),
            identity=service.IdentityPropertiesArgs(
                type=service.ResourceIdentityType.USER_ASSIGNED,
                user_assigned_identities=inputs.key.user.apply(lambda id_: {id_: nobody}),
            ),
            encryption=service.EncryptionPropertyArgs(
                status="enabled",
                key_vault_properties=service.KeyVaultPropertiesArgs(
                    identity=inputs.key.user_client, key_identifier=inputs.key.key_id.apply(_without_version)
                ),
            ),
            tags=place.tags,
            opts=self.child(),
        )
