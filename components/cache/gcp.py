"""Memorystore for Valkey on GCP: one shard with a replica in another zone, clustering off, reached by endpoints that
the network's policy for such services makes.

Identities log in as the user `default` with a token; each maison's workload identity may, and nobody else. Deliberately
not set: persistence and backups (a cache), ACL policies, replication into another region, an engine's settings. Limits:
zones are the service's choice among the region's; network, mode, key, TLS and logins cannot be changed; clients must
trust the instance's own authority.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_gcp as gcp

from components.cache.contract import Cache, CacheInputs, CacheOutputs
from components.clouds.sizes import cache_class

if TYPE_CHECKING:
    from collections.abc import Sequence

_VERSION = "VALKEY_8_0"
_PRIMARY = "CONNECTION_TYPE_PRIMARY"


def _primary(endpoints: Sequence[gcp.memorystore.outputs.InstanceEndpoint]) -> str:
    """The address that takes writes; the other endpoint is the readers'."""
    for endpoint in endpoints:
        for connection in endpoint.connections or ():
            made = connection.psc_auto_connection
            if made is not None and made.connection_type == _PRIMARY:
                return str(made.ip_address or "")
    return ""


class GcpCache(Cache):
    """A Valkey instance."""

    def build(self, name: str, inputs: CacheInputs) -> CacheOutputs:
        """Declare the instance and who may log in."""
        place, store = inputs.place, gcp.memorystore
        cache = store.Instance(
            f"{name}-cache",
            instance_id=place.name("cache"),
            location=place.region,
            mode="CLUSTER_DISABLED",
            shard_count=1,
            replica_count=1,
            node_type=cache_class("gcp", place.cell.template.cache.size),
            engine_version=_VERSION,
            kms_key=inputs.key.key_id,
            authorization_mode="IAM_AUTH",
            transit_encryption_mode="SERVER_AUTHENTICATION",
            server_ca_mode="GOOGLE_MANAGED_PER_INSTANCE_CA",
            persistence_config=store.InstancePersistenceConfigArgs(mode="DISABLED"),
            zone_distribution_config=store.InstanceZoneDistributionConfigArgs(mode="MULTI_ZONE"),
            desired_auto_created_endpoints=[
                store.InstanceDesiredAutoCreatedEndpointArgs(
                    network=inputs.network.service_network, project_id=inputs.network.scope
                )
            ],
            deletion_protection_enabled=place.protect,
            deletion_policy="DELETE",
            labels=place.tags,
            opts=self.child(),
        )
        logins = {
            maison: self._login(f"{name}-cache-{maison}", principal, inputs)
            for maison, principal in inputs.identity.principals.items()
        }
        return CacheOutputs(
            cache_id=cache.id,
            host=cache.endpoints.apply(_primary),
            port=pulumi.Output.from_input("6379"),
            # The service has one user; the token says who it is.
            users={maison: granted.id.apply(lambda _: "default") for maison, granted in logins.items()},
        )

    def _login(self, name: str, principal: pulumi.Output[str], inputs: CacheInputs) -> gcp.projects.IAMMember:
        place = inputs.place
        return gcp.projects.IAMMember(
            name,
            project=inputs.network.scope,
            role="roles/memorystore.dbConnectionUser",
            member=principal.apply(lambda email: f"serviceAccount:{email}"),
            condition=gcp.projects.IAMMemberConditionArgs(
                title=place.name("cache"),
                description="The cache of the identity's own cell",
                expression=inputs.network.scope.apply(
                    lambda project: (
                        f'resource.name == "projects/{project}/locations/{place.region}'
                        f'/instances/{place.name("cache")}"'
                    )
                ),
            ),
            opts=self.child(),
        )
