"""The emulated Alibaba Cloud: the provider's entry, and what its account refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.providers.alicloud_account import ACCOUNT_TYPES
from rehearsal.providers.alicloud_ai import AI_TYPES
from rehearsal.providers.alicloud_alarms import ALARM_TYPES
from rehearsal.providers.alicloud_caches import CACHE_TYPES
from rehearsal.providers.alicloud_cluster import CLUSTER_TYPES
from rehearsal.providers.alicloud_components import COMPONENT_TYPES
from rehearsal.providers.alicloud_databases import DATABASE_TYPES
from rehearsal.providers.alicloud_files import ACCESS_GROUP, FILE_TYPES
from rehearsal.providers.alicloud_images import IMAGE_TYPES
from rehearsal.providers.alicloud_logs import LOG_TYPES
from rehearsal.providers.alicloud_net import NETWORK_TYPES
from rehearsal.providers.alicloud_rest import OTHER_TYPES
from rehearsal.providers.facts import ALICLOUD_ZONES
from rehearsal.providers.framework import CloudProvider
from rehearsal.providers.model import Call, Cloud
from rehearsal.providers.rules import not_offered
from rehearsal.providers.sdktypes import Problem
from rehearsal.providers.serving import serve, world_dir

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rehearsal.providers.store import Resource

_BY_NAME = frozenset({"alicloud:log/project:Project", "alicloud:oss/bucket:Bucket", ACCESS_GROUP})


def resolve(call: Call, type_: str, value: str) -> Resource | None:
    """Resources are referred to by id; projects and buckets have their name as id."""
    if type_ in _BY_NAME:
        return next(iter(call.store.find_by_name(type_, value)), None)
    if type_ == "alicloud:vpc/natGateway:NatGateway" and value.startswith("stb-"):
        nats = call.store.list_resources(type=type_)
        return next((nat for nat in nats if nat.outputs.get("snatTableIds") == value), None)
    return call.store.get_resource(value, type=type_)


def check_config(config: Mapping[str, Any]) -> Iterator[Problem]:
    """A region must be named: the real provider would silently take cn-beijing."""
    region = config.get("region")
    if region is None:
        yield Problem("region", "is required here: left out, the provider would choose cn-beijing by itself")
    elif isinstance(region, str) and region not in ALICLOUD_ZONES:
        yield Problem("region", not_offered(region, ALICLOUD_ZONES, what="region"))


def _stock_out(call: Call) -> str:
    types = ", ".join(map(str, call.known("instanceTypes") or [])) or call.type_name
    return f"OperationDenied.NoStock: {types} is sold out in the zones that were asked for"


CLOUD = Cloud(
    name="alicloud",
    package="alicloud",
    types={
        spec.type_name: spec
        for spec in (
            *NETWORK_TYPES,
            *CLUSTER_TYPES,
            *COMPONENT_TYPES,
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
