"""Filestore on GCP, tier REGIONAL (copies in three zones), in the network of Google's own services that is peered with
the cell's.

NFS 4.1: it needs one port and no call back from the server, which the cell's firewall would refuse. Deliberately not
set: a standby in another region (`initial_replication`), directory services, performance settings beyond the tier's.
Limits: 1,024 to 102,400 GiB (100 in some regions, not relied on), above 10,240 in steps of 2,560; key, network and tier
cannot be changed; the key must lie in the same region.
"""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from components.file_share.contract import FileShare, FileShareInputs, FileShareOutputs

# At most 16 characters.
_SHARE = "weights"


class GcpFileShare(FileShare):
    """A Filestore instance with one share."""

    def build(self, name: str, inputs: FileShareInputs) -> FileShareOutputs:
        """Declare the instance."""
        place, plan, files = inputs.place, inputs.plan, gcp.filestore
        instance = files.Instance(
            f"{name}-files",
            name=place.name("files"),
            location=place.region,
            tier="REGIONAL",
            protocol="NFS_V4_1",
            description=f"Weights of cell {place.cell.cell.name}",
            kms_key_name=self._usable_key(name, inputs),
            file_shares=files.InstanceFileSharesArgs(
                name=_SHARE,
                capacity_gb=place.cell.template.file_share.size_gib,
                nfs_export_options=[
                    files.InstanceFileSharesNfsExportOptionArgs(
                        ip_ranges=[plan.nodes, plan.pods],
                        access_mode="READ_WRITE",
                        squash_mode="ROOT_SQUASH",
                    )
                ],
            ),
            networks=[
                files.InstanceNetworkArgs(
                    network=inputs.network.service_network,
                    modes=["MODE_IPV4"],
                    connect_mode="PRIVATE_SERVICE_ACCESS",
                )
            ],
            deletion_protection_enabled=place.protect,
            deletion_protection_reason="twain: the cell's weights" if place.protect else None,
            labels=place.tags,
            opts=self.child(),
        )
        return FileShareOutputs(
            share_id=instance.id,
            server=instance.networks.apply(lambda found: str((found[0].ip_addresses or [""])[0])),
            path=pulumi.Output.from_input(f"/{_SHARE}"),
            version="4.1",
        )

    def _usable_key(self, name: str, inputs: FileShareInputs) -> pulumi.Output[str]:
        """The key, once Filestore's own account may use it."""
        agent = gcp.projects.ServiceIdentity(
            f"{name}-files-agent",
            project=inputs.network.scope,
            service="file.googleapis.com",
            opts=self.child(),
        )
        grant = gcp.kms.CryptoKeyIAMMember(
            f"{name}-key-files",
            crypto_key_id=inputs.key.key_id,
            role="roles/cloudkms.cryptoKeyEncrypterDecrypter",
            member=agent.email.apply(lambda email: f"serviceAccount:{email}"),
            opts=self.child(),
        )
        return pulumi.Output.all(inputs.key.key_id, grant.id).apply(lambda found: str(found[0]))
