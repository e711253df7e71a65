"""Key Vault on Azure: an RBAC vault with purge protection, one RSA key and the identity that may use it, and
one key that signs: on P-256, as a vault knows no Ed25519.

Purge protection cannot be switched off again and keeps the vault's name for its days of retention. Deliberately not
set: access policies (RBAC only). The tenant is that of the identity, so that no look-up is needed.
"""

from __future__ import annotations

import pulumi
import pulumi_azure_native as azure

from components.clouds.accounts import role_definition
from components.key.contract import Key, KeyInputs, KeyOutputs

# The limits of the service.
_KEPT_DAYS, _SHORTEST_DAYS = 90, 7


class AzureKey(Key):
    """A vault with a key that encrypts and one that signs."""

    def build(self, name: str, inputs: KeyInputs) -> KeyOutputs:
        """Declare the vault, the key and the identity."""
        place = inputs.place
        user = azure.managedidentity.UserAssignedIdentity(
            f"{name}-key-user",
            resource_name_=place.name("key-user"),
            resource_group_name=inputs.scope,
            location=place.region,
            tags=place.tags,
            opts=self.child(),
        )
        vault = azure.keyvault.Vault(
            f"{name}-vault",
            vault_name=place.global_name("kv", limit=24),
            resource_group_name=inputs.scope,
            location=place.region,
            properties=azure.keyvault.VaultPropertiesArgs(
                tenant_id=user.tenant_id,
                sku=azure.keyvault.SkuArgs(family="A", name=azure.keyvault.SkuName.PREMIUM),
                enable_rbac_authorization=True,
                enable_soft_delete=True,
                soft_delete_retention_in_days=_KEPT_DAYS if place.protect else _SHORTEST_DAYS,
                enable_purge_protection=True,
                enabled_for_deployment=False,
                enabled_for_template_deployment=False,
                enabled_for_disk_encryption=False,
                public_network_access="Disabled",
                network_acls=azure.keyvault.NetworkRuleSetArgs(bypass="AzureServices", default_action="Deny"),
            ),
            tags=place.tags,
            # Azure takes the days at the vault's birth and never again, also where protection is lifted later.
            opts=self.child(ignore_changes=["properties.softDeleteRetentionInDays"]),
        )
        key = azure.keyvault.Key(
            f"{name}-key",
            key_name=place.name("key"),
            vault_name=vault.name,
            resource_group_name=inputs.scope,
            properties=azure.keyvault.KeyPropertiesArgs(
                kty="RSA",
                key_size=3072,
                key_ops=["encrypt", "decrypt", "wrapKey", "unwrapKey"],
                attributes=azure.keyvault.KeyAttributesArgs(enabled=True, exportable=False),
                rotation_policy=azure.keyvault.RotationPolicyArgs(
                    attributes=azure.keyvault.KeyRotationPolicyAttributesArgs(expiry_time="P2Y"),
                    lifetime_actions=[
                        azure.keyvault.LifetimeActionArgs(
                            action=azure.keyvault.ActionArgs(type=azure.keyvault.KeyRotationPolicyActionType.ROTATE),
                            trigger=azure.keyvault.TriggerArgs(time_after_create="P1Y"),
                        )
                    ],
                ),
            ),
            tags=place.tags,
            opts=self.child(),
        )
        signer = azure.keyvault.Key(
            f"{name}-signing",
            key_name=place.name("signing"),
            vault_name=vault.name,
            resource_group_name=inputs.scope,
            properties=azure.keyvault.KeyPropertiesArgs(
                kty="EC",
                curve_name=azure.keyvault.JsonWebKeyCurveName.P_256,
                key_ops=["sign", "verify"],
                attributes=azure.keyvault.KeyAttributesArgs(enabled=True, exportable=False),
            ),
            tags=place.tags,
            opts=self.child(),
        )
        grant = azure.authorization.RoleAssignment(
            f"{name}-key-user",
            role_assignment_name=place.uuid("key-user"),
            scope=vault.id,
            principal_id=user.principal_id,
            principal_type="ServicePrincipal",
            role_definition_id=vault.id.apply(
                lambda id_: role_definition(id_, "Key Vault Crypto Service Encryption User")
            ),
            opts=self.child(),
        )
        # Whoever takes the user waits for its grant: an identity without it cannot use the key.
        granted = pulumi.Output.all(user.id, grant.id).apply(lambda found: str(found[0]))
        return KeyOutputs(
            key_id=key.key_uri_with_version,
            vault_id=vault.id,
            user=granted,
            user_client=user.client_id,
            tenant=user.tenant_id,
            signer=signer.key_uri_with_version,
        )
