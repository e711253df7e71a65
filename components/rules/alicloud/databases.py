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
    one_of,
    shape,
    strings,
)
from components.rules.model import Check, Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ENGINES = ("MySQL", "SQLServer", "PostgreSQL", "MariaDB")
_SQL_SERVER = (
    *("2008r2", "08r2_ent_ha", "2012", "2012_ent_ha", "2012_std_ha", "2012_web", "2014_std_ha", "2016_ent_ha"),
    *("2016_std_ha", "2016_web", "2017_std_ha", "2017_ent", "2019_std_ha", "2019_ent", "2022_web", "2022_std_ha"),
    *("2022_ent", "2025_std", "2025_ent", "2016_std_sl", "2017_std_sl", "2019_std_sl"),
)
_VERSIONS = {
    "MySQL": ("5.5", "5.6", "5.7", "8.0", "8.4"),
    "SQLServer": _SQL_SERVER,
    "PostgreSQL": tuple(f"{major}.0" for major in range(10, 19)),
    "MariaDB": ("10.3", "10.6"),
}
_ALL_VERSIONS = tuple(dict.fromkeys(version for versions in _VERSIONS.values() for version in versions))


_CATEGORIES = (
    *("Basic", "HighAvailability", "AlwaysOn", "Finance", "cluster"),
    *("serverless_basic", "serverless_ha", "serverless_standard"),
)
_SMALLEST = {"cloud_essd": 20, "cloud_essd2": 500, "cloud_essd3": 1500, "general_essd": 10}
_DISKS = (*_SMALLEST, "cloud_ssd", "local_ssd")


_LARGEST, _STEP = 64_000, 5
_METHODS = (*("trust", "reject", "scram-sha-256", "md5", "password", "gss", "sspi", "ldap", "radius", "cert", "pam"),)


_DAYS = frozenset({"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"})


def _engine(call: Inputs) -> Iterator[Problem]:
    if call.known("engine") == "PostgreSQL" and call.get("forceEncryption") is not None:
        yield Problem("forceEncryption", "is for MySQL and SQL Server; PostgreSQL asks for TLS by hostssl rules")


def _version(call: Inputs) -> Iterator[Problem]:
    engine, version = call.text("engine"), call.known("engineVersion")
    # What no engine has is told by the list of all.
    if engine in _VERSIONS and version in _ALL_VERSIONS and version not in _VERSIONS[engine]:
        yield Problem("engineVersion", not_offered(version, _VERSIONS[engine], what="version", where=engine))


def _size(call: Inputs) -> Iterator[Problem]:
    """The least of what the disk is sold in; what no disk is sold in is wrong whatever it is."""
    size, disk = call.known("instanceStorage"), call.get("dbInstanceStorageType")
    if not isinstance(size, int):
        return
    sure = isinstance(disk, str)
    local = 5 if disk in (None, "local_ssd") else 20
    smallest = _SMALLEST.get(disk, local) if sure else min(*_SMALLEST.values(), 5)
    if not smallest <= size <= _LARGEST:
        said = disk if sure else "the disk"
        yield Problem("instanceStorage", f"{said} takes {smallest} to {_LARGEST} GB, not {size}")
    elif size % _STEP:
        yield Problem("instanceStorage", f"{size} is no multiple of {_STEP}")


def _of_hosts(check: Callable[[str, dict[str, Any]], Iterator[Problem]]) -> Check:
    return lambda call: call.each("pgHbaConfs", check)


def _kind(path: str, row: dict[str, Any]) -> Iterator[Problem]:
    if row.get("type") not in ("host", "hostssl", "hostnossl"):
        yield Problem(f"{path}.type", f"{row.get('type')!r} is none of host, hostssl, hostnossl")


def _method(path: str, row: dict[str, Any]) -> Iterator[Problem]:
    if row.get("method") not in _METHODS:
        yield Problem(f"{path}.method", f"{row.get('method')!r} is none of {', '.join(_METHODS)}")


def _address(path: str, row: dict[str, Any]) -> Iterator[Problem]:
    yield from _ranges(f"{path}.address", [row.get("address")])


def _sealed(call: Inputs) -> Iterator[Problem]:
    def of(path: str, row: dict[str, Any]) -> Iterator[Problem]:
        if row.get("type") == "hostssl" and call.known("sslAction") != "Open":
            yield Problem(f"{path}.type", "hostssl is taken only when sslAction is Open")

    yield from call.each("pgHbaConfs", of)


def _ranked(call: Inputs) -> Iterator[Problem]:
    seen: set[int] = set()

    def of(path: str, row: dict[str, Any]) -> Iterator[Problem]:
        priority = row.get("priorityId")
        if isinstance(priority, int):
            if priority in seen or not 0 <= priority <= 10_000:
                yield Problem(f"{path}.priorityId", f"{priority} is used twice, or lies outside 0 to 10000")
            seen.add(priority)

    yield from call.each("pgHbaConfs", of)


def _ranges(path: str, values: list[Any]) -> Iterator[Problem]:
    for value in values:
        if isinstance(value, str):
            try:
                ipaddress.IPv4Network(value, strict=False)
            except ValueError as error:
                yield Problem(path, f"{value!r} is no IPv4 range: {error}")


def _prepaid(call: Inputs) -> Iterator[Problem]:
    charge = call.text("instanceChargeType") or "Postpaid"
    if charge == "Prepaid" and call.get("period") is None:
        yield Problem("period", "is required by the API when instanceChargeType is Prepaid")
    if charge == "Prepaid" and call.get("deletionProtection") is True:
        yield Problem("deletionProtection", "is taken only when instanceChargeType is Postpaid or Serverless")


def _on_disk(call: Inputs) -> Iterator[Problem]:
    if call.known("sslAction") == "Open" and call.known("dbInstanceStorageType") == "local_ssd":
        yield Problem("sslAction", "is for cloud disks only with PostgreSQL")


def _growing(call: Inputs) -> Iterator[Problem]:
    if call.known("storageAutoScale") == "Enable" and call.get("storageUpperBound") is None:
        yield Problem("storageUpperBound", "is required by the API when storageAutoScale is Enable")


def _let_in(call: Inputs) -> Iterator[Problem]:
    yield from _ranges("securityIps", [value for _path, value in call.texts("securityIps")])


def _days(call: Inputs) -> Iterator[Problem]:
    for path, day in call.texts("preferredBackupPeriods"):
        if day not in _DAYS:
            yield Problem(path, not_offered(day, _DAYS, what="day"))


def _two_days(call: Inputs) -> Iterator[Problem]:
    days = strings(call.known("preferredBackupPeriods"))
    if call.known("preferredBackupPeriods") is not None and len(set(days)) < 2:
        yield Problem("preferredBackupPeriods", "at least two days a week are needed")


def _logs(call: Inputs) -> Iterator[Problem]:
    kept, logs = call.known("backupRetentionPeriod"), call.known("logBackupRetentionPeriod")
    if isinstance(kept, int) and isinstance(logs, int) and logs > kept:
        # The real provider would quietly ask for the smaller one, and show a difference for ever.
        yield Problem("logBackupRetentionPeriod", f"is {logs}, above backupRetentionPeriod ({kept})")


def _hour(call: Inputs) -> Iterator[Problem]:
    time = call.text("preferredBackupTime")
    if time and not _an_hour(time):
        yield Problem("preferredBackupTime", f"{time!r} is no whole hour such as 02:00Z-03:00Z")


def _an_hour(text: str) -> bool:
    found = re.fullmatch(r"(\d\d):00Z-(\d\d):00Z", text)
    return bool(found) and (int(found[1]) + 1) % 24 == int(found[2])


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="alicloud:rds/instance:Instance",
        immutable=frozenset(
            {"babelfishConfigs", "dbTimeZone", "engine", "vpcId", "vswitchId", "zoneId", "zoneIdSlaveA", "zoneIdSlaveB"}
        ),
        rules=(
            TAGS,
            shape(_engine, _version, fix="take a version of the engine, and what it has"),
            shape(_size, fix=f"take a size that the disk is sold in, a multiple of {_STEP}"),
            shape(
                *(*map(_of_hosts, (_kind, _method, _address)), _sealed, _ranked),
                name="hosts",
                fix="give each row a type, a method, an IPv4 range and its own priority; hostssl needs sslAction Open",
            ),
            shape(
                *(_prepaid, _on_disk, _growing, _let_in),
                name="shape",
                fix="set what the setting needs beside it, and IPv4 ranges",
            ),
            one_of("engine", _ENGINES),
            one_of("engineVersion", _ALL_VERSIONS),
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
            shape(
                *(_days, _two_days, _logs, _hour),
                name="backups",
                fix="take two days a week or more at a whole hour, and keep logs no longer than backups",
            ),
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
