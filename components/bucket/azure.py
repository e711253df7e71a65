"""Storage account and container on Azure, zone-redundant in one region: Entra only, the cell's key, no public access,
reached by a private endpoint alone.

Deliberately not set: any geo-redundant SKU, shared keys, cross-tenant replication.
"""

from __future__ import annotations

import pulumi
import pulumi_azure_native as azure

from components.bucket.contract import Bucket, BucketInputs, BucketOutputs
from components.clouds.accounts import key_parts
from components.network.azure_private import private_endpoint


def _old_versions_go(days: int) -> azure.storage.ManagementPolicySchemaArgs:
    """Deletion of versions and snapshots that are older than `days`. Without it a version is kept for ever."""
    storage = azure.storage
    old = storage.DateAfterCreationArgs(days_after_creation_greater_than=days)
    return storage.ManagementPolicySchemaArgs(
        rules=[
            storage.ManagementPolicyRuleArgs(
                name="noncurrent",
                type=storage.RuleType.LIFECYCLE,
                enabled=True,
                definition=storage.ManagementPolicyDefinitionArgs(
                    filters=storage.ManagementPolicyFilterArgs(blob_types=["blockBlob"]),
                    actions=storage.ManagementPolicyActionArgs(
                        version=storage.ManagementPolicyVersionArgs(delete=old),
                        snapshot=storage.ManagementPolicySnapShotArgs(delete=old),
                    ),
                ),
            )
        ]
    )


class AzureBucket(Bucket):
    """A storage account with a container of the cell's own and one per part."""

    def build(self, name: str, inputs: BucketInputs) -> BucketOutputs:
        """Declare the account, its blob service and the containers."""
        place, spec, storage = inputs.place, inputs.place.cell.template.bucket, azure.storage
        account = storage.StorageAccount(
            f"{name}-{inputs.purpose}",
            account_name=place.global_name(inputs.purpose, limit=24, dashes=False),
            resource_group_name=inputs.scope,
            location=place.region,
            kind="StorageV2",
            sku=storage.SkuArgs(name="Standard_ZRS"),
            access_tier="Hot",
            minimum_tls_version="TLS1_2",
            enable_https_traffic_only=True,
            allow_blob_public_access=False,
            allow_shared_key_access=False,
            allow_cross_tenant_replication=False,
            default_to_o_auth_authentication=True,
            is_local_user_enabled=False,
            is_sftp_enabled=False,
            enable_nfs_v3=False,
            public_network_access="Disabled",
            network_rule_set=storage.NetworkRuleSetArgs(default_action="Deny", bypass="None"),
            identity=storage.IdentityArgs(type="UserAssigned", user_assigned_identities=[inputs.key.user]),
            encryption=storage.EncryptionArgs(
                key_source="Microsoft.Keyvault",
                require_infrastructure_encryption=True,
                key_vault_properties=storage.KeyVaultPropertiesArgs(
                    key_vault_uri=inputs.key.key_id.apply(lambda uri: key_parts(uri)[0]),
                    key_name=inputs.key.key_id.apply(lambda uri: key_parts(uri)[1]),
                ),
                encryption_identity=storage.EncryptionIdentityArgs(encryption_user_assigned_identity=inputs.key.user),
                services=storage.EncryptionServicesArgs(
                    blob=storage.EncryptionServiceArgs(enabled=True, key_type="Account")
                ),
            ),
            tags=place.tags,
            opts=self.child(),
        )
        service = storage.BlobServiceProperties(
            f"{name}-{inputs.purpose}",
            blob_services_name="default",
            account_name=account.name,
            resource_group_name=inputs.scope,
            is_versioning_enabled=spec.versioning,
            delete_retention_policy=storage.DeleteRetentionPolicyArgs(enabled=True, days=spec.noncurrent_days),
            container_delete_retention_policy=storage.DeleteRetentionPolicyArgs(
                enabled=True, days=spec.noncurrent_days
            ),
            opts=self.child(),
        )
        storage.ManagementPolicy(
            f"{name}-{inputs.purpose}",
            # The service takes no other name.
            management_policy_name="default",
            account_name=account.name,
            resource_group_name=inputs.scope,
            policy=_old_versions_go(spec.noncurrent_days),
            opts=self.child(depends_on=[service]),
        )
        container = self._container(f"{name}-{inputs.purpose}", inputs.purpose, account, inputs)
        parts = {
            part: self._container(f"{name}-{inputs.purpose}-{part}", part, account, inputs) for part in inputs.parts
        }
        private_endpoint(
            self,
            f"{name}-{inputs.purpose}",
            place=place,
            network=inputs.network,
            target=account.id,
            group="blob",
        )
        if place.protect:
            azure.authorization.ManagementLockByScope(
                f"{name}-{inputs.purpose}",
                lock_name=place.name(inputs.purpose),
                scope=account.id,
                level="CanNotDelete",
                notes="twain: deletion protection of the cell's weights",
                opts=self.child(),
            )
        return BucketOutputs(
            bucket_name=container.name,
            url=pulumi.Output.concat("az://", account.name, "/", container.name),
            bucket_id=container.id,
            part_ids={part: found.id for part, found in parts.items()},
            part_urls={
                part: pulumi.Output.concat("az://", account.name, "/", found.name) for part, found in parts.items()
            },
        )

    def _container(
        self, name: str, called: str, account: azure.storage.StorageAccount, inputs: BucketInputs
    ) -> azure.storage.BlobContainer:
        return azure.storage.BlobContainer(
            name,
            container_name=called,
            account_name=account.name,
            resource_group_name=inputs.scope,
            public_access=azure.storage.PublicAccess.NONE,
            opts=self.child(),
        )
