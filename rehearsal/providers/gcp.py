"""The emulated Google Cloud: the provider's entry, and what its project refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.providers.facts import GCP_ZONES
from rehearsal.providers.framework import CloudProvider
from rehearsal.providers.gcp_account import ACCOUNT_TYPES
from rehearsal.providers.gcp_ai import AI_TYPES
from rehearsal.providers.gcp_alarms import ALARM_TYPES
from rehearsal.providers.gcp_caches import CACHE_TYPES
from rehearsal.providers.gcp_cluster import CLUSTER, CLUSTER_TYPES, find_cluster
from rehearsal.providers.gcp_databases import DATABASE_TYPES
from rehearsal.providers.gcp_dns import DNS_TYPES
from rehearsal.providers.gcp_files import FILE_TYPES
from rehearsal.providers.gcp_images import IMAGE_TYPES
from rehearsal.providers.gcp_logs import LOG_TYPES
from rehearsal.providers.gcp_net import NETWORK_TYPES, find
from rehearsal.providers.gcp_private import PRIVATE_TYPES
from rehearsal.providers.gcp_rest import ACCOUNT, OTHER_TYPES
from rehearsal.providers.model import Call, Cloud
from rehearsal.providers.rules import not_offered
from rehearsal.providers.sdktypes import Problem
from rehearsal.providers.serving import serve, world_dir

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rehearsal.providers.store import Resource


def resolve(call: Call, type_: str, value: str) -> Resource | None:
    """By id, self link or bare name, as this cloud's API accepts all three."""
    if type_ == CLUSTER:
        return find_cluster(call, value)
    if type_ == ACCOUNT and "/" not in value:
        return next(
            (item for item in call.store.list_resources(type=ACCOUNT) if item.outputs.get("email") == value), None
        )
    return find(call, type_, value)


def check_config(config: Mapping[str, Any]) -> Iterator[Problem]:
    """A project must be named, and a region must exist."""
    if config.get("project") is None:
        yield Problem("project", "is required: left out, the provider would take one from the machine's environment")
    region = config.get("region")
    if isinstance(region, str) and region not in GCP_ZONES:
        yield Problem("region", not_offered(region, GCP_ZONES, what="region"))


def _stock_out(call: Call) -> str:
    kind = call.text("nodeConfig.machineType") or call.type_name
    return f"ZONE_RESOURCE_POOL_EXHAUSTED: the zones asked for do not have enough resources for {kind}"


CLOUD = Cloud(
    name="gcp",
    package="gcp",
    types={
        spec.type_name: spec
        for spec in (
            *NETWORK_TYPES,
            *PRIVATE_TYPES,
            *DNS_TYPES,
            *CLUSTER_TYPES,
            *OTHER_TYPES,
            *FILE_TYPES,
            *LOG_TYPES,
            *ALARM_TYPES,
            *IMAGE_TYPES,
            *DATABASE_TYPES,
            *CACHE_TYPES,
            *ACCOUNT_TYPES,
            *AI_TYPES,
        )
    },
    resolve=resolve,
    check_config=check_config,
    stock_out_message=_stock_out,
)


def main() -> int:
    """Serve until the engine stops us."""
    provider = CloudProvider(CLOUD, world_dir=world_dir())
    return serve(provider, cancelled=provider.cancelled)
