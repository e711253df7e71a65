"""Tair on Alibaba Cloud, memory-optimised, in the standard architecture: a primary and a replica in two zones, in the
VPC.

Pay as you go is said aloud, because the service's default buys months in advance. A password is asked for
(`vpc_auth_mode`), and none is set: nobody logs in until a person has set one. Deliberately not set: a password (it
would lie in the state), encryption of its files with a key (`tde_status`: taken only after creation, and never given up
again), a public address, a distributed instance. The service takes a backup each day and keeps it in the region.
Limits: 1 to 64 GiB; zones and VPC cannot be changed, nor the zones while TLS is on. Open until a real account was
asked: whether TLS is taken in the call that creates the instance, and whether plain connections inside the VPC are
refused once it is on; clients must ask for it.
"""

from __future__ import annotations

import pulumi_alicloud as alicloud

from components.cache.contract import Cache, CacheInputs, CacheOutputs
from components.clouds.sizes import cache_class

# Night in Shanghai.
_FROM, _TO = "20:00Z", "22:00Z"


class AlicloudCache(Cache):
    """A Tair instance."""

    def build(self, name: str, inputs: CacheInputs) -> CacheOutputs:
        """Declare the instance."""
        place, plan = inputs.place, inputs.plan
        cache = alicloud.redis.TairInstance(
            f"{name}-cache",
            tair_instance_name=place.name("cache"),
            instance_type="tair_rdb",
            instance_class=cache_class("alicloud", place.cell.template.cache.size),
            engine_version="7.0",
            node_type="MASTER_SLAVE",
            shard_count=1,
            payment_type="PayAsYouGo",
            vpc_id=inputs.network.service_network,
            vswitch_id=inputs.network.node_subnets[0],
            zone_id=place.zones[0],
            secondary_zone_id=place.zones[1],
            port=6379,
            vpc_auth_mode="Open",
            ssl_enabled="Enable",
            # One text, not a list.
            security_ips=f"{plan.nodes},{plan.pods}",
            modify_mode="Cover",
            maintain_start_time=_FROM,
            maintain_end_time=_TO,
            tags=place.tags,
            opts=self.child(protect=place.protect or None),
        )
        return CacheOutputs(
            cache_id=cache.id,
            host=cache.connection_domain,
            port=cache.port.apply(str),
            users={},
        )
