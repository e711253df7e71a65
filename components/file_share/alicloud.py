"""Extreme NAS on Alibaba Cloud: the kind of NAS that takes a customer's key (`encrypt_type` 2); general-purpose NAS is
documented to take only a key of the service's own.

Its price: NFS version 3 only, and all copies lie in one zone, the first of the cell. Weights are in the bucket too, so
a lost zone costs time and no data. Pay as you go is the API's only way here. Deliberately not set: `vpc_id` and
`vswitch_id` of the file system (of no effect on this kind; the mount target has them), recycle bin and NFS ACLs
(general-purpose only). Limits: 100 to 262,144 GiB; kind, zone and key cannot be changed; not every zone offers it, and
which do is not among our facts; a deleted file system is gone at once, so the engine protects it.
"""

from __future__ import annotations

import pulumi
import pulumi_alicloud as alicloud

from components.file_share.contract import FileShare, FileShareInputs, FileShareOutputs

_KIND = "extreme"
_CUSTOMER_KEY = 2
# Extreme NAS always exports this one path.
_PATH = "/share"


class AlicloudFileShare(FileShare):
    """A file system with one mount target and the group of who may mount."""

    def build(self, name: str, inputs: FileShareInputs) -> FileShareOutputs:
        """Declare the file system."""
        place = inputs.place
        files = alicloud.nas.FileSystem(
            f"{name}-files",
            description=place.name("files"),
            file_system_type=_KIND,
            protocol_type="NFS",
            storage_type="standard",
            capacity=place.cell.template.file_share.size_gib,
            zone_id=place.zones[0],
            encrypt_type=_CUSTOMER_KEY,
            kms_key_id=inputs.key.key_id,
            tags=place.tags,
            opts=self.child(protect=place.protect or None),
        )
        group, rules = self._who_may_mount(name, inputs)
        target = alicloud.nas.MountTarget(
            f"{name}-files",
            file_system_id=files.id,
            access_group_name=group.access_group_name,
            network_type="Vpc",
            vpc_id=inputs.network.service_network,
            # The subnet of the file system's own zone.
            vswitch_id=inputs.network.node_subnets[0],
            dual_stack=False,
            status="Active",
            opts=self.child(depends_on=rules),
        )
        return FileShareOutputs(
            share_id=files.id,
            server=target.mount_target_domain,
            path=pulumi.Output.from_input(_PATH),
            version="3",
        )

    def _who_may_mount(
        self, name: str, inputs: FileShareInputs
    ) -> tuple[alicloud.nas.AccessGroup, list[pulumi.Resource]]:
        """A group with two rules; without any rule nobody could mount."""
        place, plan = inputs.place, inputs.plan
        group = alicloud.nas.AccessGroup(
            f"{name}-files",
            access_group_name=place.name("files"),
            access_group_type="Vpc",
            file_system_type=_KIND,
            description=f"Nodes and pods of cell {place.cell.cell.name}",
            opts=self.child(),
        )
        rules: list[pulumi.Resource] = [
            alicloud.nas.AccessRule(
                f"{name}-files-{part}",
                access_group_name=group.access_group_name,
                file_system_type=_KIND,
                source_cidr_ip=cidr,
                rw_access_type="RDWR",
                user_access_type="root_squash",
                priority=priority,
                opts=self.child(),
            )
            for priority, (part, cidr) in enumerate((("nodes", plan.nodes), ("pods", plan.pods)), start=1)
        ]
        return group, rules
