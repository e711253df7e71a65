"""Alibaba Cloud networking as its API enforces it: VPC, vSwitch, NAT gateway, EIP, SNAT, security groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.rules.checks import (
    between,
    cidr,
    exactly_one,
    matches,
    needs,
    one_of,
    shape,
)
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

# 1 to 128 characters that do not begin like a URL; what the console accepts for nearly everything with a display name.
NAME_PATTERN = r"(?!https?://)[a-zA-Z\u4e00-\u9fff][\w.:-]{0,127}"
NAME_WORDS = "1 to 128 letters, digits, . _ : -, beginning with a letter and not with http"


def _tag_rules(call: Inputs) -> Iterator[Problem]:
    """At most 20 tags; no reserved prefixes."""
    tags = call.entries("tags")
    if len(tags) > 20:
        yield Problem("tags", f"{len(tags)} tags; a resource takes 20")
    for key in tags:
        if key.lower().startswith(("aliyun", "acs:", "http://", "https://")) or not 1 <= len(key) <= 128:
            yield Problem(
                f"tags.{key}", "is no valid tag key: 1 to 128 characters, not beginning with aliyun, acs: or http"
            )


TAGS = shape(_tag_rules, kind="labels", fix="shorten or rename it; of what the fleet names: fleet, world, cell")


def _ports(call: Inputs) -> Iterator[Problem]:
    protocol = call.known("ipProtocol")
    if protocol in ("tcp", "udp") and call.known("portRange") == "-1/-1":
        yield Problem("portRange", f"-1/-1 is for icmp, icmpv6, gre and all; {protocol} needs a range such as 443/443")


def _peer(call: Inputs) -> Iterator[Problem]:
    targets = ("cidrIp", "sourceSecurityGroupId", "prefixListId", "ipv6CidrIp")
    if all(call.get(name) is None for name in targets):
        yield Problem("cidrIp", f"one of {', '.join(targets)} is required by the API")


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="alicloud:vpc/network:Network",
        name="vpcName",
        renamed=True,
        immutable=frozenset({"ipv6CidrBlock", "isDefault", "userCidrs"}),
        rules=(
            TAGS,
            needs("cidrBlock"),
            cidr("cidrBlock", shortest=8, longest=28, shared=False),
            matches("vpcName", NAME_PATTERN, NAME_WORDS),
        ),
    ),
    TypeRules(
        type_name="alicloud:vpc/switch:Switch",
        name="vswitchName",
        renamed=True,
        immutable=frozenset({"availabilityZone", "cidrBlock", "isDefault", "vpcId", "zoneId"}),
        rules=(
            TAGS,
            needs("vpcId", "cidrBlock", "zoneId"),
            cidr("cidrBlock", shortest=16, longest=29, shared=False),
            matches("vswitchName", NAME_PATTERN, NAME_WORDS),
        ),
    ),
    TypeRules(
        type_name="alicloud:vpc/natGateway:NatGateway",
        name="natGatewayName",
        renamed=True,
        immutable=frozenset(
            {"accessMode", "instanceChargeType", "internetChargeType", "paymentType", "privateLinkEnabled", "vpcId"}
        ),
        rules=(
            TAGS,
            needs("vswitchId", "natType", "paymentType"),
            one_of("natType", ("Enhanced",)),
            one_of("paymentType", ("PayAsYouGo", "Subscription")),
            one_of("internetChargeType", ("PayByLcu",)),
            one_of("networkType", ("internet", "intranet")),
            matches("natGatewayName", NAME_PATTERN, NAME_WORDS),
        ),
    ),
    TypeRules(
        type_name="alicloud:ecs/eipAddress:EipAddress",
        name="addressName",
        renamed=True,
        immutable=frozenset(
            {
                "allocationId",
                "highDefinitionMonitorLogStatus",
                "instanceChargeType",
                "internetChargeType",
                "ipAddress",
                "isp",
                "netmode",
                "paymentType",
                "publicIpAddressPoolId",
                "securityProtectionTypes",
                "zone",
            }
        ),
        rules=(
            TAGS,
            one_of("paymentType", ("PayAsYouGo", "Subscription")),
            one_of("internetChargeType", ("PayByTraffic", "PayByBandwidth")),
            matches("addressName", NAME_PATTERN, NAME_WORDS),
        ),
    ),
    TypeRules(
        type_name="alicloud:ecs/eipAssociation:EipAssociation",
        immutable=frozenset({"allocationId", "instanceId", "instanceType", "privateIpAddress", "vpcId"}),
        rules=(
            one_of("instanceType", ("Nat", "EcsInstance", "SlbInstance", "NetworkInterface", "HaVip", "IpAddress")),
        ),
    ),
    TypeRules(
        type_name="alicloud:vpc/snatEntry:SnatEntry",
        immutable=frozenset({"snatTableId", "sourceCidr", "sourceVswitchId"}),
        rules=(exactly_one("sourceCidr", "sourceVswitchId"),),
    ),
    TypeRules(
        type_name="alicloud:ecs/securityGroup:SecurityGroup",
        name="securityGroupName",
        renamed=True,
        immutable=frozenset({"securityGroupType", "vpcId"}),
        rules=(
            TAGS,
            needs("vpcId"),
            one_of("securityGroupType", ("normal", "enterprise")),
            one_of("innerAccessPolicy", ("Accept", "Drop")),
            matches("securityGroupName", NAME_PATTERN, NAME_WORDS),
        ),
    ),
    TypeRules(
        type_name="alicloud:ecs/securityGroupRule:SecurityGroupRule",
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
        rules=(
            one_of("type", ("ingress", "egress")),
            one_of("ipProtocol", ("tcp", "udp", "icmp", "icmpv6", "gre", "all")),
            one_of("policy", ("accept", "drop")),
            between("priority", 1, 100),
            matches("portRange", r"-1/-1|\d{1,5}/\d{1,5}", "a range such as 443/443, or -1/-1"),
            shape(
                _ports, _peer, name="sg rule shape", fix="give tcp and udp a range of ports, and name the other side"
            ),
        ),
    ),
)
