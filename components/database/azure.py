"""Flexible server of Azure Database for PostgreSQL, zone-redundant: a standby in a second zone, in a subnet of the
cell's network that is delegated to it, with a private name.

Passwords are off: only identities of the directory log in, and a person names the first administrator, who then lets
the others in. The key is named without its version, so that a rotated one is taken up. `vector` is on the list of
extensions that may be created, because elsewhere no list asks. Deliberately not set: an administrator's login and
password, firewall rules (none with a subnet of its own), copies of the backups in another region. Limits: disks of the
sizes that Azure sells only, which cannot shrink; key mode, subnet, zone and the redundancy of backups cannot be changed
later; settings are changed one at a time. The vendor advises a vault that keeps the deleted for 90 days, which a
protected cell's does.
"""

from __future__ import annotations

import pulumi
import pulumi_azure_native as azure

from components.clouds.accounts import key_parts
from components.clouds.sizes import database_class, database_disk
from components.database.contract import DATABASE, Database, DatabaseInputs, DatabaseOutputs
from components.network.azure_private import linked_zone

# One after the other: the server refuses two changes at a time.
_SETTINGS = (
    ("require_secure_transport", "on"),
    ("ssl_min_protocol_version", "TLSv1.2"),
    ("azure.extensions", "VECTOR"),
)


def _newest(key_uri: str) -> str:
    vault, key = key_parts(key_uri)
    return f"{vault}/keys/{key}"


class AzureDatabase(Database):
    """A server with one database."""

    def build(self, name: str, inputs: DatabaseInputs) -> DatabaseOutputs:
        """Declare the server, its settings and the database."""
        place, scope, postgresql = inputs.place, inputs.network.scope, azure.dbforpostgresql
        server = self._server(name, inputs)
        before: list[pulumi.Resource] = []
        for setting, value in _SETTINGS:
            done = postgresql.Configuration(
                f"{name}-database-{setting.replace('_', '-').replace('.', '-')}",
                configuration_name=setting,
                server_name=server.name,
                resource_group_name=scope,
                source="user-override",
                value=value,
                opts=self.child(depends_on=before),
            )
            before = [done]
        database = postgresql.Database(
            f"{name}-database",
            database_name=DATABASE,
            server_name=server.name,
            resource_group_name=scope,
            charset="UTF8",
            collation="en_US.utf8",
            opts=self.child(depends_on=before),
        )
        if place.protect:
            azure.authorization.ManagementLockByScope(
                f"{name}-database",
                lock_name=place.name("database"),
                scope=server.id,
                level="CanNotDelete",
                notes="twain: deletion protection of the cell's database",
                opts=self.child(),
            )
        return DatabaseOutputs(
            database_id=pulumi.Output.all(server.id, database.id).apply(lambda found: str(found[0])),
            host=server.fully_qualified_domain_name,
            port=pulumi.Output.from_input("5432"),
            name=DATABASE,
            users={},
        )

    def _server(self, name: str, inputs: DatabaseInputs) -> azure.dbforpostgresql.Server:
        place, spec, postgresql = inputs.place, inputs.place.cell.template.database, azure.dbforpostgresql
        # The service asks for this ending, and for a name that is not the server's own.
        zone = linked_zone(
            self,
            f"{name}-database",
            zone=f"{place.name('database')}.private.postgres.database.azure.com",
            place=place,
            network=inputs.network,
        )
        return postgresql.Server(
            f"{name}-database",
            server_name=place.global_name("database"),
            resource_group_name=inputs.network.scope,
            location=place.region,
            create_mode="Create",
            version=spec.version,
            sku=postgresql.SkuArgs(name=database_class("azure", spec.size), tier="GeneralPurpose"),
            storage=postgresql.StorageArgs(
                type="Premium_LRS",
                storage_size_gb=database_disk("azure", spec.storage_gib),
                auto_grow="Disabled",
            ),
            availability_zone=place.zones[0],
            high_availability=postgresql.HighAvailabilityArgs(
                mode="ZoneRedundant", standby_availability_zone=place.zones[1]
            ),
            network=postgresql.NetworkArgs(
                delegated_subnet_resource_id=inputs.network.database_subnet,
                private_dns_zone_arm_resource_id=zone,
                public_network_access="Disabled",
            ),
            auth_config=postgresql.AuthConfigArgs(
                active_directory_auth=postgresql.MicrosoftEntraAuth.ENABLED,
                password_auth=postgresql.PasswordBasedAuth.DISABLED,
                tenant_id=inputs.key.tenant,
            ),
            backup=postgresql.BackupArgs(backup_retention_days=spec.backup_days, geo_redundant_backup="Disabled"),
            identity=postgresql.UserAssignedIdentityArgs(
                type="UserAssigned",
                user_assigned_identities=inputs.key.user.apply(lambda user: {user: postgresql.UserIdentityArgs()}),
            ),
            data_encryption=postgresql.DataEncryptionArgs(
                type="AzureKeyVault",
                primary_key_uri=inputs.key.key_id.apply(_newest),
                primary_user_assigned_identity_id=inputs.key.user,
            ),
            maintenance_window=postgresql.MaintenanceWindowArgs(
                custom_window="Enabled", day_of_week=0, start_hour=3, start_minute=0
            ),
            tags=place.tags,
            opts=self.child(),
        )
