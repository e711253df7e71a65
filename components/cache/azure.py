"""Azure Managed Redis (Redis Enterprise): a cluster with one database, reached by a private endpoint and by nothing
else.

The older Azure Cache for Redis takes no new instances. Access keys are off: each maison's workload identity logs in,
and nobody else. `EnterpriseCluster` hides the shards, so that clients need to know nothing of clustering. The
key is named with its version, because the service takes no other: a rotated one is taken up when the program runs again
after a refresh. Deliberately not set: zones (the service spreads a cluster of these SKUs by itself where the region has
zones), persistence, modules, geo-replication. Limits: one port, 10000; clustering, modules and port cannot be changed;
about a fifth of the memory is the service's own.
"""

from __future__ import annotations

import pulumi
import pulumi_azure_native as azure

from components.cache.contract import Cache, CacheInputs, CacheOutputs
from components.clouds.sizes import cache_class
from components.network.azure_private import private_endpoint

# The only names that the service takes for a database and for a policy.
_DATABASE, _POLICY = "default", "default"
_PORT = 10_000


class AzureCache(Cache):
    """A cluster with one database."""

    def build(self, name: str, inputs: CacheInputs) -> CacheOutputs:
        """Declare the cluster, the database, who may log in and the endpoint."""
        place, scope, redis = inputs.place, inputs.network.scope, azure.redisenterprise
        cluster = self._cluster(name, inputs)
        database = redis.Database(
            f"{name}-cache",
            database_name=_DATABASE,
            cluster_name=cluster.name,
            resource_group_name=scope,
            port=_PORT,
            client_protocol="Encrypted",
            clustering_policy="EnterpriseCluster",
            access_keys_authentication="Disabled",
            defer_upgrade="NotDeferred",
            opts=self.child(),
        )
        users = {
            maison: self._login(f"{name}-cache-{maison}", maison, inputs, cluster, database)
            for maison in inputs.identity.principals
        }
        endpoint = private_endpoint(
            self,
            f"{name}-cache",
            place=place,
            network=inputs.network,
            target=cluster.id,
            group="redisEnterprise",
        )
        if place.protect:
            azure.authorization.ManagementLockByScope(
                f"{name}-cache",
                lock_name=place.name("cache"),
                scope=cluster.id,
                level="CanNotDelete",
                notes="twain: deletion protection of the cell's cache",
                opts=self.child(),
            )
        # The name resolves to the private address only once the endpoint has written it into the zone.
        return CacheOutputs(
            cache_id=pulumi.Output.all(cluster.id, database.id).apply(lambda found: str(found[0])),
            host=pulumi.Output.all(cluster.host_name, endpoint.id).apply(lambda found: str(found[0])),
            port=pulumi.Output.from_input(str(_PORT)),
            users=users,
        )

    def _login(
        self,
        name: str,
        maison: str,
        inputs: CacheInputs,
        cluster: azure.redisenterprise.RedisEnterprise,
        database: azure.redisenterprise.Database,
    ) -> pulumi.Output[str]:
        """The name by which a maison's identity logs in, once it may."""
        redis, principal = azure.redisenterprise, inputs.identity.principals[maison]
        login = redis.AccessPolicyAssignment(
            name,
            # Letters and digits only, so a maison's own name would not do.
            access_policy_assignment_name=inputs.place.uuid(f"cache-{maison}").replace("-", ""),
            access_policy_name=_POLICY,
            cluster_name=cluster.name,
            database_name=database.name,
            resource_group_name=inputs.network.scope,
            user=redis.AccessPolicyAssignmentPropertiesUserArgs(object_id=principal),
            opts=self.child(),
        )
        return pulumi.Output.all(principal, login.id).apply(lambda found: str(found[0]))

    def _cluster(self, name: str, inputs: CacheInputs) -> azure.redisenterprise.RedisEnterprise:
        place, redis = inputs.place, azure.redisenterprise
        return redis.RedisEnterprise(
            f"{name}-cache",
            cluster_name=place.global_name("cache", limit=60),
            resource_group_name=inputs.network.scope,
            location=place.region,
            sku=redis.SkuArgs(name=cache_class("azure", place.cell.template.cache.size)),
            high_availability="Enabled",
            public_network_access="Disabled",
            minimum_tls_version=redis.TlsVersion.TLS_VERSION_1_2,
            identity=redis.ManagedServiceIdentityArgs(type="UserAssigned", user_assigned_identities=[inputs.key.user]),
            encryption=redis.ClusterPropertiesEncryptionArgs(
                customer_managed_key_encryption=redis.ClusterPropertiesCustomerManagedKeyEncryptionArgs(
                    key_encryption_key_url=inputs.key.key_id,
                    key_encryption_key_identity=redis.ClusterPropertiesKeyEncryptionKeyIdentityArgs(
                        identity_type="userAssignedIdentity",
                        user_assigned_identity_resource_id=inputs.key.user,
                    ),
                )
            ),
            tags=place.tags,
            opts=self.child(),
        )
