"""Alibaba Cloud networking as its API enforces it: VPC, vSwitch, NAT gateway, EIP, SNAT, security groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.checks import (
    networks,
    not_offered,
    overlap_problems,
)
from components.rules.model import Problem
from rehearsal.providers.facts import ALICLOUD_ZONES
from rehearsal.providers.model import Call, Made, TypeSpec
from rehearsal.providers.rules import token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VPC, VSWITCH = "alicloud:vpc/network:Network", "alicloud:vpc/switch:Switch"
NAT, EIP = "alicloud:vpc/natGateway:NatGateway", "alicloud:ecs/eipAddress:EipAddress"
SECURITY_GROUP = "alicloud:ecs/securityGroup:SecurityGroup"


def region_of(call: Call) -> str:
    """The provider's region: this cloud's resources do not name theirs."""
    value = call.config.get("region")
    return value if isinstance(value, str) else ""


def with_prefix(prefix: str) -> Callable[[Call], Made]:
    """Ids such as `vpc-…` in the provider's region."""

    def make(call: Call) -> Made:
        return Made(id=f"{prefix}-uf6{token(18)}", region=region_of(call), zone=call.text("zoneId"))

    return make


def by_urn(call: Call) -> str:
    """Names are no identity on this cloud: two VPCs may share one. The declaration is."""
    return call.urn


def _vswitch_place(call: Call) -> Iterator[Problem]:
    zone, region = call.known("zoneId"), region_of(call)
    if isinstance(zone, str) and region and zone not in ALICLOUD_ZONES.get(region, ()):
        yield Problem("zoneId", not_offered(zone, ALICLOUD_ZONES.get(region, ()), what="zone", where=region))
    block, vpc = call.known("cidrBlock"), call.store.get_resource(call.text("vpcId"), type=VPC)
    if not isinstance(block, str) or vpc is None:
        return
    ranges = [vpc.inputs.get("cidrBlock"), *vpc.inputs.get("secondaryCidrBlocks", [])]
    for mine in networks([block]):
        if not any(mine.subnet_of(whole) for whole in networks(ranges)):
            yield Problem("cidrBlock", f"{block} does not lie inside {', '.join(map(str, ranges))} of {vpc.id}")
    siblings = {
        other.id: str(other.inputs.get("cidrBlock"))
        for other in call.store.list_resources(type=VSWITCH)
        if other.inputs.get("vpcId") == vpc.id and other.urn != call.urn
    }
    yield from overlap_problems("cidrBlock", block, siblings)


def _nat_place(call: Call) -> Iterator[Problem]:
    vswitch = call.store.get_resource(call.text("vswitchId"), type=VSWITCH)
    vpc = call.known("vpcId")
    if vswitch is not None and isinstance(vpc, str) and vswitch.inputs.get("vpcId") != vpc:
        yield Problem("vswitchId", f"{vswitch.id} belongs to {vswitch.inputs.get('vpcId')}, not to {vpc}")


def _now(call: Call) -> str:
    import datetime

    del call
    return datetime.datetime.now(tz=datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _vpc_outputs(call: Call, id_: str) -> dict[str, Any]:
    tail = id_.removeprefix("vpc-")
    return {
        "createTime": _now(call),
        "regionId": region_of(call),
        "routeTableId": f"vtb-{tail}",
        "routerId": f"vrt-{tail}",
        "routerTableId": f"vtb-{tail}",
        "status": "Available",
        "name": call.text("vpcName"),
    }


def _vswitch_outputs(call: Call, _id: str) -> dict[str, Any]:
    return {"createTime": _now(call), "status": "Available", "name": call.text("vswitchName")}


def _nat_outputs(call: Call, id_: str) -> dict[str, Any]:
    tail = id_.removeprefix("ngw-")
    return {
        "snatTableIds": f"stb-{tail}",
        "forwardTableIds": f"ftb-{tail}",
        "status": "Available",
        "name": call.text("natGatewayName"),
    }


def _eip_outputs(call: Call, id_: str) -> dict[str, Any]:
    # 203.0.113.0/24 is set aside for documentation: an address that nobody has.
    last = sum(id_.encode()) % 254 + 1
    return {
        "ipAddress": f"203.0.113.{last}",
        "status": "Available",
        "createTime": _now(call),
        "name": call.text("addressName"),
    }


NETWORK_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=VPC,
        make=with_prefix("vpc"),
        key=by_urn,
        outputs=_vpc_outputs,
        planned=lambda call: {"name": call.text("vpcName")},
    ),
    TypeSpec(
        type_name=VSWITCH,
        make=with_prefix("vsw"),
        key=by_urn,
        outputs=_vswitch_outputs,
        parents=(("vpcId", VPC),),
        rules=(_vswitch_place,),
    ),
    TypeSpec(
        type_name=NAT,
        make=with_prefix("ngw"),
        key=by_urn,
        outputs=_nat_outputs,
        parents=(("vpcId", VPC), ("vswitchId", VSWITCH)),
        rules=(_nat_place,),
    ),
    TypeSpec(
        type_name=EIP,
        make=with_prefix("eip"),
        key=by_urn,
        outputs=_eip_outputs,
    ),
    TypeSpec(
        type_name="alicloud:ecs/eipAssociation:EipAssociation",
        make=lambda call: Made(id=f"{call.text('allocationId')}:{call.text('instanceId')}", region=region_of(call)),
        # An address serves one instance.
        key=lambda call: call.text("allocationId"),
        outputs=lambda _call, _id: {},
        parents=(("allocationId", EIP), ("instanceId", NAT)),
    ),
    TypeSpec(
        type_name="alicloud:vpc/snatEntry:SnatEntry",
        make=lambda call: Made(id=f"{call.text('snatTableId')}:snat-uf6{token(18)}", region=region_of(call)),
        key=lambda call: f"{call.text('snatTableId')}|{call.text('sourceCidr')}{call.text('sourceVswitchId')}",
        outputs=lambda _call, id_: {"snatEntryId": id_.split(":", 1)[1], "status": "Available"},
        parents=(("snatTableId", NAT), ("sourceVswitchId", VSWITCH)),
    ),
    TypeSpec(
        type_name=SECURITY_GROUP,
        make=with_prefix("sg"),
        key=by_urn,
        outputs=lambda call, _id: {"createTime": _now(call), "name": call.text("securityGroupName")},
        parents=(("vpcId", VPC),),
    ),
    TypeSpec(
        type_name="alicloud:ecs/securityGroupRule:SecurityGroupRule",
        make=lambda call: Made(id=f"{call.text('securityGroupId')}:sgr-uf6{token(18)}", region=region_of(call)),
        key=by_urn,
        outputs=lambda _call, id_: {"securityGroupRuleId": id_.split(":", 1)[1]},
        parents=(("securityGroupId", SECURITY_GROUP),),
    ),
)
