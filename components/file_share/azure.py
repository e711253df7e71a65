"""Premium file share on Azure, zone-redundant in one region: NFS 4.1, the cell's key, reached by a private endpoint and
by nothing else.

`enable_https_traffic_only` is off because it would refuse NFS, which has no TLS of its own. That is safe here and only
here: the account has no public access and denies every network, so that the one way in is the private endpoint in the
cell's network, and the account holds a file share and nothing that is spoken to over HTTP. Shared keys are off; NFS
needs none. Who may mount is decided by reaching the endpoint: the share itself has no list of ranges on this cloud, so
the plan's ranges are those of the subnets that can. Deliberately not set: SMB settings (no SMB share), a geo-redundant
SKU. Limits: 100 to 102,400 GiB; protocol and kind cannot be changed.
"""

from __future__ import annotations

import pulumi
import pulumi_azure_native as azure

from components.clouds.accounts import key_parts
from components.file_share.contract import FileShare, FileShareInputs, FileShareOutputs
from components.network.azure_private import private_endpoint

_SHARE = "weights"
_KEPT_DAYS = 14


class AzureFileShare(FileShare):
    """A storage account with one NFS share and its private endpoint."""

    def build(self, name: str, inputs: FileShareInputs) -> FileShareOutputs:
        """Declare the account, its file service, the share and the endpoint."""
        place, scope, storage = inputs.place, inputs.network.scope, azure.storage
        account = self._account(name, inputs)
        service = storage.FileServiceProperties(
            f"{name}-files",
            file_services_name="default",
            account_name=account.name,
            resource_group_name=scope,
            share_delete_retention_policy=storage.DeleteRetentionPolicyArgs(enabled=True, days=_KEPT_DAYS),
            opts=self.child(),
        )
        share = storage.FileShare(
            f"{name}-files",
            share_name=_SHARE,
            account_name=account.name,
            resource_group_name=scope,
            enabled_protocols="NFS",
            root_squash="RootSquash",
            access_tier="Premium",
            share_quota=place.cell.template.file_share.size_gib,
            opts=self.child(depends_on=[service]),
        )
        if place.protect:
            azure.authorization.ManagementLockByScope(
                f"{name}-files",
                lock_name=place.name("files"),
                scope=account.id,
                level="CanNotDelete",
                notes="twain: deletion protection of the cell's shared files",
                opts=self.child(),
            )
        endpoint = private_endpoint(
            self, f"{name}-files", place=place, network=inputs.network, target=account.id, group="file"
        )
        # The name resolves to the private address only once the endpoint has written it into the zone.
        return FileShareOutputs(
            share_id=share.id,
            server=pulumi.Output.all(account.name, endpoint.id).apply(
                lambda found: f"{found[0]}.file.core.windows.net"
            ),
            path=pulumi.Output.concat("/", account.name, "/", share.name),
            version="4.1",
        )

    def _account(self, name: str, inputs: FileShareInputs) -> azure.storage.StorageAccount:
        place, storage = inputs.place, azure.storage
        return storage.StorageAccount(
            f"{name}-files",
            account_name=place.global_name("files", limit=24, dashes=False),
            resource_group_name=inputs.network.scope,
            location=place.region,
            kind="FileStorage",
            sku=storage.SkuArgs(name="Premium_ZRS"),
            minimum_tls_version="TLS1_2",
            enable_https_traffic_only=False,
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
                    file=storage.EncryptionServiceArgs(enabled=True, key_type="Account")
                ),
            ),
            tags=place.tags,
            opts=self.child(),
        )
