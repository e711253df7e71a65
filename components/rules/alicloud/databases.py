"""RDS for PostgreSQL on Alibaba Cloud as its API enforces it: instances, backup policies, databases."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from components.rules.alicloud.net import TAGS
from components.rules.checks import (
    between,
    conflicts,
    matches,
    not_offered,
    objects,
    one_of,
    shape,
    strings,
)
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENGINES = ("MySQL", "SQLServer", "PostgreSQL", "MariaDB")
_VERSIONS = tuple(f"{major}.0" for major in range(10, 19))


_CATEGORIES = ("Basic", "HighAvailability", "cluster", "serverless_basic", "serverless_ha", "serverless_standard")
_SMALLEST = {"cloud_essd": 20, "cloud_essd2": 500, "cloud_essd3": 1500, "general_essd": 10}
_DISKS = (*_SMALLEST, "cloud_ssd", "local_ssd")


_LARGEST, _STEP = 64_000, 5
_METHODS = (*("trust", "reject", "scram-sha-256", "md5", "password", "gss", "sspi", "ldap", "radius", "cert", "pam"),)


_DAYS = frozenset({"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"})


def _engine(call: Inputs) -> Iterator[Problem]:
    if call.known("engine") == "PostgreSQL" and call.get("forceEncryption") is not None:
        yield Problem("forceEncryption", "is for MySQL and SQL Server; PostgreSQL asks for TLS by hostssl rules")


def _size(call: Inputs) -> Iterator[Problem]:
    disk, size = call.text("dbInstanceStorageType"), call.known("instanceStorage")
    if not isinstance(size, int):
        return
    smallest = _SMALLEST.get(disk, 20)
    if not smallest <= size <= _LARGEST:
        yield Problem("instanceStorage", f"{disk or 'the disk'} takes {smallest} to {_LARGEST} GB, not {size}")
    elif size % _STEP:
        yield Problem("instanceStorage", f"{size} is no multiple of {_STEP}")


def _hosts(call: Inputs) -> Iterator[Problem]:
    seen: set[Any] = set()
    for index, row in enumerate(objects(call.known("pgHbaConfs"))):
        path = f"pgHbaConfs[{index}]"
        if row.get("type") not in ("host", "hostssl", "hostnossl"):
            yield Problem(f"{path}.type", f"{row.get('type')!r} is none of host, hostssl, hostnossl")
        if row.get("type") == "hostssl" and call.known("sslAction") != "Open":
            yield Problem(f"{path}.type", "hostssl is taken only when sslAction is Open")
        if row.get("method") not in _METHODS:
            yield Problem(f"{path}.method", f"{row.get('method')!r} is none of {', '.join(_METHODS)}")
        priority = row.get("priorityId")
        if isinstance(priority, int) and (priority in seen or not 0 <= priority <= 10_000):
            yield Problem(f"{path}.priorityId", f"{priority} is used twice, or lies outside 0 to 10000")
        seen.add(priority)
        yield from _ranges(f"{path}.address", [row.get("address")])


def _ranges(path: str, values: list[Any]) -> Iterator[Problem]:
    for value in values:
        if isinstance(value, str):
            try:
                ipaddress.IPv4Network(value, strict=False)
            except ValueError as error:
                yield Problem(path, f"{value!r} is no IPv4 range: {error}")


def _shape(call: Inputs) -> Iterator[Problem]:
    charge = call.text("instanceChargeType") or "Postpaid"
    if charge == "Prepaid" and call.get("period") is None:
        yield Problem("period", "is required by the API when instanceChargeType is Prepaid")
    if charge == "Prepaid" and call.known("deletionProtection") is True:
        yield Problem("deletionProtection", "is taken only when instanceChargeType is Postpaid or Serverless")
    if call.known("sslAction") == "Open" and call.known("dbInstanceStorageType") == "local_ssd":
        yield Problem("sslAction", "is for cloud disks only with PostgreSQL")
    if call.known("storageAutoScale") == "Enable" and call.get("storageUpperBound") is None:
        yield Problem("storageUpperBound", "is required by the API when storageAutoScale is Enable")
    yield from _ranges("securityIps", strings(call.known("securityIps")))


def _backups(call: Inputs) -> Iterator[Problem]:
    days = strings(call.known("preferredBackupPeriods"))
    for index, day in enumerate(days):
        if day not in _DAYS:
            yield Problem(f"preferredBackupPeriods[{index}]", not_offered(day, _DAYS, what="day"))
    if call.known("preferredBackupPeriods") is not None and len(set(days)) < 2:
        yield Problem("preferredBackupPeriods", "at least two days a week are needed")
    kept, logs = call.known("backupRetentionPeriod"), call.known("logBackupRetentionPeriod")
    if isinstance(kept, int) and isinstance(logs, int) and logs > kept:
        # The real provider would quietly ask for the smaller one, and show a difference for ever.
        yield Problem("logBackupRetentionPeriod", f"is {logs}, above backupRetentionPeriod ({kept})")
    time = call.text("preferredBackupTime")
    if time and not _an_hour(time):
        yield Problem("preferredBackupTime", f"{time!r} is no whole hour such as 02:00Z-03:00Z")


def _an_hour(text: str) -> bool:
    found = re.fullmatch(r"(\d\d):00Z-(\d\d):00Z", text)
    return bool(found) and (int(found[1]) + 1) % 24 == int(found[2])


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="alicloud:rds/instance:Instance",
        immutable=frozenset({"engine", "dbTimeZone", "vpcId", "vswitchId", "zoneId", "zoneIdSlaveA", "zoneIdSlaveB"}),
        rules=(
            TAGS,
            shape(_engine),
            shape(_size),
            shape(_hosts),
            shape(_shape),
            one_of("engine", _ENGINES),
            one_of("engineVersion", _VERSIONS),
            one_of("category", _CATEGORIES),
            one_of("dbInstanceStorageType", _DISKS),
            one_of("instanceChargeType", ("Postpaid", "Prepaid", "Serverless")),
            one_of("sslAction", ("Open", "Close", "Update")),
            one_of("caType", ("aliyun", "custom")),
            one_of("haConfig", ("Auto", "Manual")),
            one_of("storageAutoScale", ("Enable", "Disable")),
            one_of("sqlCollectorStatus", ("Enabled", "Disabled")),
            one_of("autoUpgradeMinorVersion", ("Auto", "Manual")),
            matches("maintainTime", r"\d\d:\d\dZ-\d\d:\d\dZ", "a window such as 02:00Z-03:00Z"),
            matches("instanceName", r"(?!https?://).{2,256}", "2 to 256 characters"),
        ),
    ),
    TypeRules(
        type_name="alicloud:rds/backupPolicy:BackupPolicy",
        immutable=frozenset({"instanceId"}),
        rules=(
            shape(_backups),
            between("backupRetentionPeriod", 7, 730),
            between("logBackupRetentionPeriod", 7, 730),
            one_of("highSpaceUsageProtection", ("Enable", "Disable")),
        ),
    ),
    TypeRules(
        type_name="alicloud:rds/database:Database",
        name="dataBaseName",
        immutable=frozenset({"characterSet", "instanceId", "name"}),
        rules=(
            conflicts("dataBaseName", "name"),
            matches("dataBaseName", r"[a-z][a-z0-9_-]{0,62}[a-z0-9]", "2 to 64 lower-case letters, digits, _ and -"),
            matches("characterSet", r"[A-Z0-9_]+(,[\w.@-]+,[\w.@-]+)?", "a set such as UTF8,C,en_US.utf8"),
        ),
    ),
)
