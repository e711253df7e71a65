"""Cloud SQL for PostgreSQL on GCP, edition Enterprise, REGIONAL: a standby in a second zone, no public address, in the
network of Google's own services that is peered with the cell's.

The cloud's identities log in: each maison's workload identity is a user of the instance and has no right in it until
somebody grants one in SQL. The built-in `postgres` user has no password, so it cannot log in until it is given one.
Deliberately not set: a root password, a final backup beyond the retained ones, replicas, the API that runs SQL from
outside the network. Limits: whatever is in the VPC reaches the address, there is no list of ranges for private
addresses; logs for going back to a second are kept seven days at most in this edition; a deleted instance keeps its
name taken for about a week; key, region and name cannot be changed; the disk cannot shrink.
"""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from components.clouds.sizes import database_class, database_disk
from components.database.contract import DATABASE, Database, DatabaseInputs, DatabaseOutputs

_LOG_DAYS = 7
_SUFFIX = ".gserviceaccount.com"


class GcpDatabase(Database):
    """An instance with one database and a user for each maison."""

    def build(self, name: str, inputs: DatabaseInputs) -> DatabaseOutputs:
        """Declare the instance."""
        place = inputs.place
        instance = gcp.sql.DatabaseInstance(
            f"{name}-database",
            name=place.name("database"),
            region=place.region,
            database_version=f"POSTGRES_{place.cell.template.database.version}",
            instance_type="CLOUD_SQL_INSTANCE",
            encryption_key_name=inputs.key.key_id,
            settings=self._settings(inputs),
            # Two flags: the provider's and the cloud's own.
            deletion_protection=place.protect,
            deletion_policy="DELETE",
            opts=self.child(),
        )
        database = gcp.sql.Database(
            f"{name}-database",
            name=DATABASE,
            instance=instance.name,
            charset="UTF8",
            collation="en_US.UTF8",
            deletion_policy="PREVENT" if place.protect else "DELETE",
            opts=self.child(),
        )
        users = {
            maison: self._user(f"{name}-database-{maison}", principal, inputs, instance).name
            for maison, principal in inputs.identity.principals.items()
        }
        return DatabaseOutputs(
            database_id=pulumi.Output.all(instance.id, database.id).apply(lambda found: str(found[0])),
            host=instance.private_ip_address,
            port=pulumi.Output.from_input("5432"),
            name=DATABASE,
            users=users,
        )

    def _settings(self, inputs: DatabaseInputs) -> gcp.sql.DatabaseInstanceSettingsArgs:
        place, spec, sql = inputs.place, inputs.place.cell.template.database, gcp.sql
        return sql.DatabaseInstanceSettingsArgs(
            tier=database_class("gcp", spec.size),
            # Left out, newer versions take the dearer edition, which has no custom tiers.
            edition="ENTERPRISE",
            availability_type="REGIONAL",
            location_preference=sql.DatabaseInstanceSettingsLocationPreferenceArgs(
                zone=place.zones[0], secondary_zone=place.zones[1]
            ),
            disk_type="PD_SSD",
            disk_size=database_disk("gcp", spec.storage_gib),
            disk_autoresize=False,
            pricing_plan="PER_USE",
            activation_policy="ALWAYS",
            ip_configuration=sql.DatabaseInstanceSettingsIpConfigurationArgs(
                ipv4_enabled=False,
                private_network=inputs.network.service_network,
                enable_private_path_for_google_cloud_services=False,
                ssl_mode="ENCRYPTED_ONLY",
                server_ca_mode="GOOGLE_MANAGED_INTERNAL_CA",
            ),
            data_api_access="DISALLOW_DATA_API",
            backup_configuration=sql.DatabaseInstanceSettingsBackupConfigurationArgs(
                enabled=True,
                # Left out, backups go to the nearest multi-region.
                location=place.region,
                start_time="01:00",
                point_in_time_recovery_enabled=True,
                transaction_log_retention_days=min(spec.backup_days, _LOG_DAYS),
                backup_retention_settings=sql.DatabaseInstanceSettingsBackupConfigurationBackupRetentionSettingsArgs(
                    retained_backups=spec.backup_days, retention_unit="COUNT"
                ),
            ),
            retain_backups_on_delete=place.protect,
            database_flags=[
                sql.DatabaseInstanceSettingsDatabaseFlagArgs(name="cloudsql.iam_authentication", value="on")
            ],
            maintenance_window=sql.DatabaseInstanceSettingsMaintenanceWindowArgs(day=7, hour=3, update_track="stable"),
            deletion_protection_enabled=place.protect,
            user_labels=place.tags,
        )

    def _user(
        self, name: str, principal: pulumi.Output[str], inputs: DatabaseInputs, instance: gcp.sql.DatabaseInstance
    ) -> gcp.sql.User:
        """A workload identity as a user, and its right to log in to this instance."""
        where = pulumi.Output.all(inputs.network.scope, instance.name)
        gcp.projects.IAMMember(
            name,
            project=inputs.network.scope,
            role="roles/cloudsql.instanceUser",
            member=principal.apply(lambda email: f"serviceAccount:{email}"),
            condition=gcp.projects.IAMMemberConditionArgs(
                title=inputs.place.name("database"),
                description="The database of the identity's own cell",
                expression=where.apply(
                    lambda found: (
                        f'resource.name == "projects/{found[0]}/instances/{found[1]}"'
                        ' && resource.service == "sqladmin.googleapis.com"'
                    )
                ),
            ),
            opts=self.child(),
        )
        return gcp.sql.User(
            name,
            # The service knows an account by its address without the end that all of them have.
            name=principal.apply(lambda email: email.removesuffix(_SUFFIX)),
            instance=instance.name,
            type="CLOUD_IAM_SERVICE_ACCOUNT",
            # A user that owns something in the database cannot be deleted; it goes with the instance.
            deletion_policy="ABANDON",
            opts=self.child(),
        )
