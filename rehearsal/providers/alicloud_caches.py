"""Tair on Alibaba Cloud as its API enforces it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.checks import not_offered
from components.rules.model import Problem
from rehearsal.providers.alicloud_net import VPC, VSWITCH, by_urn, region_of
from rehearsal.providers.facts import ALICLOUD_ZONES
from rehearsal.providers.model import Call, Made, TypeSpec
from rehearsal.providers.rules import token

if TYPE_CHECKING:
    from collections.abc import Iterator

TAIR = "alicloud:redis/tairInstance:TairInstance"


def _place(call: Call) -> Iterator[Problem]:
    offered = ALICLOUD_ZONES.get(region_of(call), ())
    for path in ("zoneId", "secondaryZoneId"):
        zone = call.known(path)
        if isinstance(zone, str) and zone not in offered:
            yield Problem(path, not_offered(zone, offered, what="zone", where=region_of(call)))
    if call.get("secondaryZoneId") is not None and call.known("secondaryZoneId") == call.known("zoneId"):
        yield Problem("secondaryZoneId", f"must be another zone than {call.text('zoneId')}")
    subnet = call.store.get_resource(call.text("vswitchId"), type=VSWITCH)
    if subnet is None:
        return
    vpc, zone = call.known("vpcId"), call.known("zoneId")
    if isinstance(vpc, str) and subnet.inputs.get("vpcId") != vpc:
        yield Problem("vswitchId", f"{subnet.id} belongs to {subnet.inputs.get('vpcId')}, not to {vpc}")
    if isinstance(zone, str) and subnet.zone != zone:
        yield Problem("vswitchId", f"{subnet.id} lies in {subnet.zone}, the instance in {zone}")


def _outputs(call: Call, id_: str) -> dict[str, Any]:
    return {
        "architectureType": "standard",
        "connectionDomain": f"{id_}.redis.rds.aliyuncs.com",
        "maxConnections": 30_000,
        "networkType": "VPC",
        "port": call.known("port") or 6379,
        "regionId": region_of(call),
        "status": "Normal",
        "tairInstanceId": id_,
    }


CACHE_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=TAIR,
        make=lambda call: Made(id=f"r-uf6{token(14)}", region=region_of(call), zone=call.text("zoneId")),
        key=by_urn,
        outputs=_outputs,
        parents=(("vpcId", VPC), ("vswitchId", VSWITCH)),
        rules=(_place,),
    ),
)
