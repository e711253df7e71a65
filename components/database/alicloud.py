"""RDS for PostgreSQL on Alibaba Cloud, high-availability edition: a primary and a standby in two zones, cloud disks
with the cell's key, in the VPC.

The service takes the key in the name of a role; ours may use this one key and nothing else. TLS is switched on by
`ssl_action` and required by the host rules, because `force_encryption` is not for this engine. `md5` there also takes
passwords that are stored as SCRAM. Deliberately not set: accounts (the password would lie in the state: a person makes
them), a public connection, SQL audit (billed by volume), a copy of the backups elsewhere, TDE (the disk is encrypted).
Limits: disks of 20 GiB and more in steps of 5, which cannot shrink here; instances of these types share CPUs, and
their disks' speed is not promised; zones, network and character set cannot be changed. Backups go with the instance.
Open until a real account was asked: whether the first rules of a new instance give way to ours at once.
"""

from __future__ import annotations

import json

import pulumi
import pulumi_alicloud as alicloud

from components.clouds.sizes import database_class, database_disk
from components.database.contract import DATABASE, Database, DatabaseInputs, DatabaseOutputs

_EVERY_DAY = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# Night in Shanghai.
_BACKUP, _MAINTENANCE = "18:00Z-19:00Z", "20:00Z-21:00Z"


def _trust() -> str:
    statement = {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": ["rds.aliyuncs.com"]}}
    return json.dumps({"Version": "1", "Statement": [statement]})


def _may_encrypt(region: str, key: str) -> str:
    """The service marks the key that it uses with a tag, so it may do that too."""
    actions = ("DescribeKey", "Encrypt", "Decrypt", "GenerateDataKey", "TagResource", "UntagResource")
    resource = f"acs:kms:{region}:*:key/{key}"
    own = {"Action": [f"kms:{action}" for action in actions], "Effect": "Allow", "Resource": [resource]}
    look = {"Action": ["kms:List*"], "Effect": "Allow", "Resource": ["*"]}
    return json.dumps({"Version": "1", "Statement": [own, look]})


class AlicloudDatabase(Database):
    """An instance with its backup policy, one database, and the role that uses the key."""

    def build(self, name: str, inputs: DatabaseInputs) -> DatabaseOutputs:
        """Declare the instance."""
        place, spec = inputs.place, inputs.place.cell.template.database
        instance = self._instance(name, inputs, self._role(name, inputs))
        alicloud.rds.BackupPolicy(
            f"{name}-database",
            instance_id=instance.id,
            preferred_backup_periods=list(_EVERY_DAY),
            preferred_backup_time=_BACKUP,
            backup_retention_period=spec.backup_days,
            enable_backup_log=True,
            log_backup_retention_period=spec.backup_days,
            high_space_usage_protection="Enable",
            opts=self.child(),
        )
        database = alicloud.rds.Database(
            f"{name}-database",
            instance_id=instance.id,
            data_base_name=DATABASE,
            character_set="UTF8,en_US.utf8,en_US.utf8",
            description=f"Database of cell {place.cell.cell.name}",
            opts=self.child(),
        )
        return DatabaseOutputs(
            database_id=pulumi.Output.all(instance.id, database.id).apply(lambda found: str(found[0])),
            host=instance.connection_string,
            port=instance.port,
            name=DATABASE,
            users={},
        )

    def _instance(self, name: str, inputs: DatabaseInputs, role: pulumi.Output[str]) -> alicloud.rds.Instance:
        place, plan, spec = inputs.place, inputs.plan, inputs.place.cell.template.database
        return alicloud.rds.Instance(
            f"{name}-database",
            instance_name=place.name("database"),
            engine="PostgreSQL",
            engine_version=f"{spec.version}.0",
            category="HighAvailability",
            instance_type=database_class("alicloud", spec.size),
            instance_storage=database_disk("alicloud", spec.storage_gib),
            db_instance_storage_type="cloud_essd",
            storage_auto_scale="Disable",
            # Pay as you go, said aloud: the alternative buys months in advance.
            instance_charge_type="Postpaid",
            zone_id=place.zones[0],
            zone_id_slave_a=place.zones[1],
            vpc_id=inputs.network.service_network,
            # The subnets of the two zones, in their order, as one text.
            vswitch_id=pulumi.Output.all(*inputs.network.node_subnets[:2]).apply(",".join),
            ha_config="Auto",
            encryption_key=inputs.key.key_id,
            role_arn=role,
            ssl_action="Open",
            ca_type="aliyun",
            pg_hba_confs=[
                alicloud.rds.InstancePgHbaConfArgs(
                    type="hostssl", database="all", user="all", address=cidr, method="md5", priority_id=priority
                )
                for priority, cidr in enumerate((plan.nodes, plan.pods))
            ],
            security_ips=[plan.nodes, plan.pods],
            sql_collector_status="Disabled",
            auto_upgrade_minor_version="Auto",
            maintain_time=_MAINTENANCE,
            deletion_protection=place.protect,
            tags=place.tags,
            opts=self.child(),
        )

    def _role(self, name: str, inputs: DatabaseInputs) -> pulumi.Output[str]:
        """The role's ARN, once it may use the key."""
        place = inputs.place
        role = alicloud.ram.Role(
            f"{name}-database-key",
            role_name=place.name("database-key", limit=64),
            description=f"The database of cell {place.cell.cell.name} and the cell's key",
            assume_role_policy_document=_trust(),
            max_session_duration=3600,
            force=True,
            tags=place.tags,
            opts=self.child(),
        )
        policy = alicloud.ram.Policy(
            f"{name}-database-key",
            policy_name=place.name("database-key", limit=128),
            description="Encrypt the database's disks with the cell's key",
            policy_document=inputs.key.key_id.apply(lambda key: _may_encrypt(place.region, key)),
            force=True,
            opts=self.child(),
        )
        granted = alicloud.ram.RolePolicyAttachment(
            f"{name}-database-key",
            role_name=role.role_name,
            policy_name=policy.policy_name,
            policy_type="Custom",
            opts=self.child(),
        )
        return pulumi.Output.all(role.arn, granted.id).apply(lambda found: str(found[0]))
