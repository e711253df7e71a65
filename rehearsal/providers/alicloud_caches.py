"""Tair on Alibaba Cloud as its API enforces it."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from rehearsal.providers.alicloud_net import VPC, VSWITCH, by_urn, region_of, tag_rules
from rehearsal.providers.facts import ALICLOUD_ZONES
from rehearsal.providers.model import Call, Made, TypeSpec
from rehearsal.providers.rules import between, matches, not_offered, one_of, token
from rehearsal.providers.sdktypes import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

TAIR = "alicloud:redis/tairInstance:TairInstance"
_SIZES = (1, 2, 4, 8, 16, 24, 32, 64)
_CLASSES = {
    "tair_rdb": (*(f"tair.rdb.{size}g" for size in _SIZES), *(f"tair.rdb.with.proxy.{size}g" for size in _SIZES)),
    "tair_scm": tuple(f"tair.scm.standard.{size}m.{4 * size}d" for size in (1, 2, 4, 8, 16)),
    "tair_essd": tuple(f"tair.essd.standard.{size}xlarge" for size in ("", 2, 4, 8, 13)),
}
_VERSIONS = {"tair_rdb": ("5.0", "6.0", "7.0"), "tair_scm": ("1.0",), "tair_essd": ("1.0", "2.0")}
_MONTHS = (*range(1, 10), 12, 24, 36, 60)
_TIME = r"([01]\d|2[0-3]):[0-5]\dZ"


def _kind(call: Call) -> Iterator[Problem]:
    kind = call.text("instanceType")
    if kind not in _CLASSES:
        return
    for path, allowed in (("instanceClass", _CLASSES[kind]), ("engineVersion", _VERSIONS[kind])):
        value = call.known(path)
        if isinstance(value, str) and value not in allowed:
            yield Problem(path, not_offered(value, allowed, what="value", where=kind))
    for path in ("storagePerformanceLevel", "storageSizeGb"):
        if kind != "tair_essd" and call.get(path) is not None:
            yield Problem(path, f"is for tair_essd only, not {kind}")


def _payment(call: Call) -> Iterator[Problem]:
    # Left out, the service sells months in advance.
    chosen = call.text("paymentType") or "Subscription"
    period = call.known("period")
    if chosen == "Subscription" and call.get("period") is None:
        yield Problem(
            "period", "is required by the API when paymentType is Subscription, which is what it is when absent"
        )
    if isinstance(period, int) and period not in _MONTHS:
        yield Problem("period", f"{period} is no number of months that is sold")
    if chosen == "PayAsYouGo":
        for path in ("autoRenew", "autoRenewPeriod", "period"):
            if call.get(path) is not None:
                yield Problem(path, "is for paymentType Subscription only")


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


def _shape(call: Call) -> Iterator[Problem]:
    alone = call.known("nodeType") in ("STAND_ALONE", "single")
    if alone and call.known("sslEnabled") == "Enable":
        yield Problem("sslEnabled", "is for an instance with a replica")
    if alone and call.get("secondaryZoneId") is not None:
        yield Problem("secondaryZoneId", "is for an instance with a replica")
    for path in ("encryptionKey", "encryptionName", "roleArn"):
        if call.get(path) is not None and call.get("tdeStatus") is None:
            yield Problem(path, "is taken only together with tdeStatus")
    for index, value in enumerate(call.text("securityIps").split(",") if call.text("securityIps") else []):
        try:
            ipaddress.IPv4Network(value, strict=False)
        except ValueError as error:
            yield Problem("securityIps", f"part {index + 1}, {value!r}, is no IPv4 range: {error}")


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
        immutable=frozenset(
            {"instanceType", "port", "secondaryZoneId", "storagePerformanceLevel", "storageSizeGb"}
            | {"vpcId", "vswitchId", "zoneId"}
        ),
        parents=(("vpcId", VPC), ("vswitchId", VSWITCH)),
        rules=(
            tag_rules,
            _kind,
            _payment,
            _place,
            _shape,
            one_of("instanceType", tuple(_CLASSES)),
            one_of("paymentType", ("Subscription", "PayAsYouGo")),
            one_of("nodeType", ("MASTER_SLAVE", "STAND_ALONE", "double", "single")),
            one_of("sslEnabled", ("Enable", "Disable", "Update")),
            one_of("vpcAuthMode", ("Open", "Close")),
            one_of("modifyMode", ("Cover", "Append", "Delete")),
            between("shardCount", 1, 32),
            between("port", 1024, 65_535),
            matches("maintainStartTime", _TIME, "a time such as 02:00Z"),
            matches("maintainEndTime", _TIME, "a time such as 06:00Z"),
            matches("password", r"[\w!@#$%^&*()+=-]{8,32}", "8 to 32 letters, digits and !@#$%^&*()_+-="),
        ),
    ),
)
