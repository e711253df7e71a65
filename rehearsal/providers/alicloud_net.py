"""Alibaba Cloud networking as its API enforces it: VPC, vSwitch, NAT gateway, EIP, SNAT, security groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.providers.facts import ALICLOUD_ZONES
from rehearsal.providers.model import Call, Made, TypeSpec
from rehearsal.providers.rules import (
    between,
    cidr,
    exactly_one,
    matches,
    needs,
    networks,
    not_offered,
    one_of,
    overlap_problems,
    token,
)
from rehearsal.providers.sdktypes import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VPC, VSWITCH = "alicloud:vpc/network:Network", "alicloud:vpc/switch:Switch"
NAT, EIP = "alicloud:vpc/natGateway:NatGateway", "alicloud:ecs/eipAddress:EipAddress"
SECURITY_GROUP = "alicloud:ecs/securityGroup:SecurityGroup"
# 1 to 128 characters that do not begin like a URL; what the console accepts for nearly everything with a display name.
NAME_PATTERN = r"(?!https?://)[a-zA-Z\u4e00-\u9fff][\w.:-]{0,127}"
NAME_WORDS = "1 to 128 letters, digits, . _ : -, beginning with a letter and not with http"


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


def tag_rules(call: Call) -> Iterator[Problem]:
    """At most 20 tags; no reserved prefixes."""
    tags = call.known("tags")
    if not isinstance(tags, dict):
        return
    if len(tags) > 20:
        yield Problem("tags", f"{len(tags)} tags; a resource takes 20")
    for key in tags:
        if key.lower().startswith(("aliyun", "acs:", "http://", "https://")) or not 1 <= len(key) <= 128:
            yield Problem(
                f"tags.{key}", "is no valid tag key: 1 to 128 characters, not beginning with aliyun, acs: or http"
            )


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


def _sg_rule_shape(call: Call) -> Iterator[Problem]:
    protocol, ports = call.known("ipProtocol"), call.known("portRange")
    if protocol in ("tcp", "udp") and ports == "-1/-1":
        yield Problem("portRange", f"-1/-1 is for icmp, gre and all; {protocol} needs a range such as 443/443")
    targets = ("cidrIp", "sourceSecurityGroupId", "prefixListId", "ipv6CidrIp")
    if all(call.get(name) is None for name in targets):
        yield Problem("cidrIp", f"one of {', '.join(targets)} is required by the API")


_TAGGED = (tag_rules,)
NETWORK_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=VPC,
        name="vpcName",
        make=with_prefix("vpc"),
        key=by_urn,
        outputs=_vpc_outputs,
        planned=lambda call: {"name": call.text("vpcName")},
        immutable=frozenset({"ipv6CidrBlock", "isDefault", "userCidrs"}),
        rules=(
            *_TAGGED,
            needs("cidrBlock"),
            cidr("cidrBlock", shortest=8, longest=24),
            matches("vpcName", NAME_PATTERN, NAME_WORDS),
        ),
    ),
    TypeSpec(
        type_name=VSWITCH,
        name="vswitchName",
        make=with_prefix("vsw"),
        key=by_urn,
        outputs=_vswitch_outputs,
        immutable=frozenset({"availabilityZone", "cidrBlock", "isDefault", "vpcId", "zoneId"}),
        parents=(("vpcId", VPC),),
        rules=(
            *_TAGGED,
            needs("vpcId", "cidrBlock", "zoneId"),
            cidr("cidrBlock", shortest=16, longest=29),
            matches("vswitchName", NAME_PATTERN, NAME_WORDS),
            _vswitch_place,
        ),
    ),
    TypeSpec(
        type_name=NAT,
        name="natGatewayName",
        make=with_prefix("ngw"),
        key=by_urn,
        outputs=_nat_outputs,
        immutable=frozenset(
            {"accessMode", "instanceChargeType", "internetChargeType", "paymentType", "vpcId", "networkType"}
        ),
        parents=(("vpcId", VPC), ("vswitchId", VSWITCH)),
        rules=(
            *_TAGGED,
            needs("vswitchId", "natType", "paymentType"),
            one_of("natType", ("Enhanced",)),
            one_of("paymentType", ("PayAsYouGo", "Subscription")),
            one_of("internetChargeType", ("PayByLcu", "PayBySpec")),
            one_of("networkType", ("internet", "intranet")),
            matches("natGatewayName", NAME_PATTERN, NAME_WORDS),
            _nat_place,
        ),
    ),
    TypeSpec(
        type_name=EIP,
        name="addressName",
        make=with_prefix("eip"),
        key=by_urn,
        outputs=_eip_outputs,
        immutable=frozenset(
            {"internetChargeType", "paymentType", "instanceChargeType", "isp", "netmode", "zone", "ipAddress"}
        ),
        rules=(
            *_TAGGED,
            one_of("paymentType", ("PayAsYouGo", "Subscription")),
            one_of("internetChargeType", ("PayByTraffic", "PayByBandwidth")),
            matches("addressName", NAME_PATTERN, NAME_WORDS),
        ),
    ),
    TypeSpec(
        type_name="alicloud:ecs/eipAssociation:EipAssociation",
        make=lambda call: Made(id=f"{call.text('allocationId')}:{call.text('instanceId')}", region=region_of(call)),
        # An address serves one instance.
        key=lambda call: call.text("allocationId"),
        outputs=lambda _call, _id: {},
        immutable=frozenset({"allocationId", "instanceId", "instanceType", "privateIpAddress", "vpcId"}),
        parents=(("allocationId", EIP), ("instanceId", NAT)),
        rules=(one_of("instanceType", ("Nat", "EcsInstance", "SlbInstance", "NetworkInterface", "HaVip")),),
    ),
    TypeSpec(
        type_name="alicloud:vpc/snatEntry:SnatEntry",
        make=lambda call: Made(id=f"{call.text('snatTableId')}:snat-uf6{token(18)}", region=region_of(call)),
        key=lambda call: f"{call.text('snatTableId')}|{call.text('sourceCidr')}{call.text('sourceVswitchId')}",
        outputs=lambda _call, id_: {"snatEntryId": id_.split(":", 1)[1], "status": "Available"},
        immutable=frozenset({"snatTableId", "sourceCidr", "sourceVswitchId"}),
        parents=(("snatTableId", NAT), ("sourceVswitchId", VSWITCH)),
        rules=(exactly_one("sourceCidr", "sourceVswitchId"),),
    ),
    TypeSpec(
        type_name=SECURITY_GROUP,
        name="securityGroupName",
        make=with_prefix("sg"),
        key=by_urn,
        outputs=lambda call, _id: {"createTime": _now(call), "name": call.text("securityGroupName")},
        immutable=frozenset({"securityGroupType", "vpcId"}),
        parents=(("vpcId", VPC),),
        rules=(
            *_TAGGED,
            needs("vpcId"),
            one_of("securityGroupType", ("normal", "enterprise")),
            one_of("innerAccessPolicy", ("Accept", "Drop")),
            matches("securityGroupName", NAME_PATTERN, NAME_WORDS),
        ),
    ),
    TypeSpec(
        type_name="alicloud:ecs/securityGroupRule:SecurityGroupRule",
        make=lambda call: Made(id=f"{call.text('securityGroupId')}:sgr-uf6{token(18)}", region=region_of(call)),
        key=by_urn,
        outputs=lambda _call, id_: {"securityGroupRuleId": id_.split(":", 1)[1]},
        immutable=frozenset(
            {
                "cidrIp",
                "ipProtocol",
                "ipv6CidrIp",
                "nicType",
                "policy",
                "portRange",
                "prefixListId",
                "priority",
                "securityGroupId",
                "sourceGroupOwnerAccount",
                "sourceSecurityGroupId",
                "type",
            }
        ),
        parents=(("securityGroupId", SECURITY_GROUP),),
        rules=(
            one_of("type", ("ingress", "egress")),
            one_of("ipProtocol", ("tcp", "udp", "icmp", "gre", "all")),
            one_of("policy", ("accept", "drop")),
            between("priority", 1, 100),
            matches("portRange", r"-1/-1|\d{1,5}/\d{1,5}", "a range such as 443/443, or -1/-1"),
            _sg_rule_shape,
        ),
    ),
)
