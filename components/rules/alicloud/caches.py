"""Tair on Alibaba Cloud as its API enforces it."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from components.rules.alicloud.net import TAGS
from components.rules.checks import (
    between,
    matches,
    not_offered,
    one_of,
    shape,
)
from components.rules.model import Check, Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SIZES = (1, 2, 4, 8, 16, 24, 32, 64)
_CLASSES = {
    "tair_rdb": (*(f"tair.rdb.{size}g" for size in _SIZES), *(f"tair.rdb.with.proxy.{size}g" for size in _SIZES)),
    "tair_scm": tuple(f"tair.scm.standard.{size}m.{4 * size}d" for size in (1, 2, 4, 8, 16)),
    "tair_essd": tuple(f"tair.essd.standard.{size}xlarge" for size in ("", 2, 4, 8, 13)),
}


_VERSIONS = {"tair_rdb": ("5.0", "6.0", "7.0"), "tair_scm": ("1.0",), "tair_essd": ("1.0", "2.0")}
_MONTHS = (*range(1, 10), 12, 24, 36, 60)


_TIME = r"([01]\d|2[0-3]):[0-5]\dZ"


def _fits(path: str, allowed: Mapping[str, tuple[str, ...]]) -> Check:
    def check(call: Inputs) -> Iterator[Problem]:
        kind, value = call.text("instanceType"), call.known(path)
        if kind in allowed and isinstance(value, str) and value not in allowed[kind]:
            yield Problem(path, not_offered(value, allowed[kind], what="value", where=kind))

    return check


def _disks(call: Inputs) -> Iterator[Problem]:
    kind = call.text("instanceType")
    for path in ("storagePerformanceLevel", "storageSizeGb"):
        if kind in _CLASSES and kind != "tair_essd" and call.get(path) is not None:
            yield Problem(path, f"is for tair_essd only, not {kind}")


def _payment(call: Inputs) -> Iterator[Problem]:
    # Left out, the service sells months in advance.
    chosen = call.text("paymentType") or "Subscription"
    if chosen == "Subscription" and call.get("period") is None:
        yield Problem(
            "period", "is required by the API when paymentType is Subscription, which is what it is when absent"
        )
    if chosen == "PayAsYouGo":
        for path in ("autoRenew", "autoRenewPeriod", "period"):
            if call.get(path) is not None:
                yield Problem(path, "is for paymentType Subscription only")


def _period(call: Inputs) -> Iterator[Problem]:
    period = call.known("period")
    if isinstance(period, int) and period not in _MONTHS:
        yield Problem("period", f"{period} is no number of months that is sold")


def _alone(call: Inputs) -> Iterator[Problem]:
    alone = call.known("nodeType") in ("STAND_ALONE", "single")
    if alone and call.get("sslEnabled") == "Enable":
        yield Problem("sslEnabled", "is for an instance with a replica")
    if alone and call.get("secondaryZoneId") is not None:
        yield Problem("secondaryZoneId", "is for an instance with a replica")


def _encrypted(call: Inputs) -> Iterator[Problem]:
    for path in ("encryptionKey", "encryptionName", "roleArn"):
        if call.get(path) is not None and call.get("tdeStatus") is None:
            yield Problem(path, "is taken only together with tdeStatus")


def _let_in(call: Inputs) -> Iterator[Problem]:
    for index, value in enumerate(call.text("securityIps").split(",") if call.text("securityIps") else []):
        try:
            ipaddress.IPv4Network(value, strict=False)
        except ValueError as error:
            yield Problem("securityIps", f"part {index + 1}, {value!r}, is no IPv4 range: {error}")


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="alicloud:redis/tairInstance:TairInstance",
        immutable=frozenset(
            {"instanceType", "port", "secondaryZoneId", "storagePerformanceLevel", "storageSizeGb"}
            | {"vpcId", "vswitchId", "zoneId"}
        ),
        rules=(
            TAGS,
            shape(
                *(_fits("instanceClass", _CLASSES), _fits("engineVersion", _VERSIONS), _disks),
                name="kind",
                fix="take a class and a version of the kind of instance",
            ),
            shape(_payment, _period, fix="pay as you go without a period, or for a number of months that is sold"),
            shape(
                *(_alone, _encrypted, _let_in),
                name="shape",
                fix="take a replica, tdeStatus with its key, and IPv4 ranges with commas between them",
            ),
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
