"""RDS for PostgreSQL on Alibaba Cloud as its API enforces it: instances, backup policies, databases."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from rehearsal.providers.alicloud_cluster import KEY
from rehearsal.providers.alicloud_net import VPC, VSWITCH, by_urn, region_of, tag_rules
from rehearsal.providers.alicloud_rest import ROLE
from rehearsal.providers.facts import ALICLOUD_ZONES
from rehearsal.providers.model import Call, CloudRefusalError, Made, TypeSpec
from rehearsal.providers.rules import between, conflicts, matches, not_offered, objects, one_of, strings, token
from rehearsal.providers.sdktypes import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.store import Resource

INSTANCE = "alicloud:rds/instance:Instance"
# The engine that is emulated; the others of the service are refused by name.
_ENGINE, _ENGINES = "PostgreSQL", ("MySQL", "SQLServer", "PostgreSQL", "MariaDB")
_VERSIONS = tuple(f"{major}.0" for major in range(10, 19))
_CATEGORIES = ("Basic", "HighAvailability", "cluster", "serverless_basic", "serverless_ha", "serverless_standard")
# With a standby; the end says how many nodes.
_CLASSES = {
    "HighAvailability": (
        *(f"pg.n2.{cpus}c.2m" for cpus in (1, 2, 4, 8)),
        *(f"pg.n4.{cpus}c.2m" for cpus in (2, 4, 6, 8, 12)),
        *("pg.x4.large.2c", "pg.x4.xlarge.2c", "pg.x4.2xlarge.2c", "pg.x8.medium.2c", "pg.x8.large.2c"),
    ),
    "Basic": ("pg.n2.1c.1m", "pg.n2.2c.1m", "pg.n4.2c.1m", "pg.n2.4c.1m", "pg.n4.4c.1m", "pg.n4.8c.1m"),
}
_SMALLEST = {"cloud_essd": 20, "cloud_essd2": 500, "cloud_essd3": 1500, "general_essd": 10}
_DISKS = (*_SMALLEST, "cloud_ssd", "local_ssd")
_LARGEST, _STEP = 64_000, 5
_METHODS = (*("trust", "reject", "scram-sha-256", "md5", "password", "gss", "sspi", "ldap", "radius", "cert", "pam"),)
_DAYS = frozenset({"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"})


def _engine(call: Call) -> Iterator[Problem]:
    engine = call.known("engine")
    if isinstance(engine, str) and engine != _ENGINE:
        said = "is not emulated here" if engine in _ENGINES else not_offered(engine, _ENGINES, what="engine")
        yield Problem("engine", said)
    if call.get("forceEncryption") is not None:
        yield Problem("forceEncryption", "is for MySQL and SQL Server; PostgreSQL asks for TLS by hostssl rules")


def _size(call: Call) -> Iterator[Problem]:
    category, kind, disk = (
        call.text("category") or "Basic",
        call.known("instanceType"),
        call.text("dbInstanceStorageType"),
    )
    if isinstance(kind, str) and category in _CLASSES and kind not in _CLASSES[category]:
        yield Problem("instanceType", not_offered(kind, _CLASSES[category], what="instance type", where=category))
    size = call.known("instanceStorage")
    if not isinstance(size, int):
        return
    smallest = _SMALLEST.get(disk, 20)
    if not smallest <= size <= _LARGEST:
        yield Problem("instanceStorage", f"{disk or 'the disk'} takes {smallest} to {_LARGEST} GB, not {size}")
    elif size % _STEP:
        yield Problem("instanceStorage", f"{size} is no multiple of {_STEP}")


def _zones(call: Call) -> Iterator[Problem]:
    offered = ALICLOUD_ZONES.get(region_of(call), ())
    for path in ("zoneId", "zoneIdSlaveA", "zoneIdSlaveB"):
        zone = call.known(path)
        if isinstance(zone, str) and zone not in offered:
            yield Problem(path, not_offered(zone, offered, what="zone", where=region_of(call)))
    if call.known("category") == "Basic" and call.get("zoneIdSlaveA") is not None:
        yield Problem("zoneIdSlaveA", "an instance of category Basic has no standby")
    if call.known("category") == "HighAvailability" and call.get("zoneIdSlaveA") is None:
        yield Problem("zoneIdSlaveA", "is required by the API for a standby")
    wanted = [zone for path in ("zoneId", "zoneIdSlaveA") if isinstance(zone := call.known(path), str)]
    yield from _subnets(call, wanted)


def _subnets(call: Call, zones: list[str]) -> Iterator[Problem]:
    """The subnets come as one text with commas, in the order of the zones."""
    text = call.text("vswitchId")
    if not text:
        return
    found = [call.store.get_resource(one, type=VSWITCH) for one in text.split(",")]
    for one, subnet in zip(text.split(","), found, strict=True):
        if subnet is None:
            yield Problem("vswitchId", f"names {one!r}, and there is no such Switch in this account")
        elif isinstance(vpc := call.known("vpcId"), str) and subnet.inputs.get("vpcId") != vpc:
            yield Problem("vswitchId", f"{subnet.id} belongs to {subnet.inputs.get('vpcId')}, not to {vpc}")
    lie = [subnet.zone for subnet in found if subnet is not None]
    if len(lie) == len(found) and lie != zones[: len(lie)]:
        yield Problem("vswitchId", f"the subnets lie in {', '.join(lie)}, the instance in {', '.join(zones)}")


def _encryption(call: Call) -> Iterator[Problem]:
    key = call.get("encryptionKey")
    if key is None:
        return
    own = call.known("encryptionKey") not in ("ServiceKey", "disabled")
    if own and call.get("roleArn") is None:
        yield Problem("roleArn", "is required by the API with a key of your own: the instance uses the key by it")
    if call.known("dbInstanceStorageType") == "local_ssd":
        yield Problem("encryptionKey", "is for cloud disks only, not local_ssd")
    named = call.text("encryptionKey")
    if own and named and call.store.get_resource(named, type=KEY) is None:
        yield Problem("encryptionKey", f"there is no key {named!r} in {region_of(call)}")
    arn = call.text("roleArn")
    if arn and not any(role.outputs.get("arn") == arn for role in call.store.list_resources(type=ROLE)):
        yield Problem("roleArn", f"there is no role {arn!r} in this account")


def _hosts(call: Call) -> Iterator[Problem]:
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


def _shape(call: Call) -> Iterator[Problem]:
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


def _instance_outputs(call: Call, id_: str) -> dict[str, Any]:
    before = call.store.get_resource(id_, type=INSTANCE)
    was, now = before.inputs.get("instanceStorage") if before else None, call.known("instanceStorage")
    if isinstance(was, int) and isinstance(now, int) and now < was:
        message = f"{id_} has {was} GB and cannot shrink to {now} on this path"
        raise CloudRefusalError(message)
    return {
        "connectionString": f"{id_}.pg.rds.aliyuncs.com",
        "port": call.text("port") or "5432",
        "dbInstanceType": "Primary",
        "sslStatus": "Yes" if call.known("sslAction") == "Open" else "No",
        "status": "Running",
    }


def _kept(resource: Resource, _call: Call) -> None:
    if resource.inputs.get("deletionProtection") is True:
        message = f"{resource.id} is protected against deletion; set deletion_protection to false first"
        raise CloudRefusalError(message)


def _backups(call: Call) -> Iterator[Problem]:
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


def _instance_of(call: Call) -> str:
    return call.text("instanceId")


DATABASE_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=INSTANCE,
        make=lambda call: Made(id=f"pgm-uf6{token(14)}", region=region_of(call), zone=call.text("zoneId")),
        key=by_urn,
        outputs=_instance_outputs,
        removal=_kept,
        immutable=frozenset({"engine", "dbTimeZone", "vpcId", "vswitchId", "zoneId", "zoneIdSlaveA", "zoneIdSlaveB"}),
        parents=(("vpcId", VPC),),
        rules=(
            tag_rules,
            _engine,
            _size,
            _zones,
            _encryption,
            _hosts,
            _shape,
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
    TypeSpec(
        type_name="alicloud:rds/backupPolicy:BackupPolicy",
        make=lambda call: Made(id=_instance_of(call), region=region_of(call)),
        key=_instance_of,
        outputs=lambda _call, _id: {},
        immutable=frozenset({"instanceId"}),
        parents=(("instanceId", INSTANCE),),
        rules=(
            _backups,
            between("backupRetentionPeriod", 7, 730),
            between("logBackupRetentionPeriod", 7, 730),
            one_of("highSpaceUsageProtection", ("Enable", "Disable")),
        ),
    ),
    TypeSpec(
        type_name="alicloud:rds/database:Database",
        name="dataBaseName",
        make=lambda call: Made(id=f"{_instance_of(call)}:{call.text('dataBaseName')}", region=region_of(call)),
        key=lambda call: f"{_instance_of(call)}:{call.text('dataBaseName')}",
        outputs=lambda _call, _id: {"status": "Running"},
        immutable=frozenset({"characterSet", "instanceId", "name"}),
        parents=(("instanceId", INSTANCE),),
        rules=(
            conflicts("dataBaseName", "name"),
            matches("dataBaseName", r"[a-z][a-z0-9_-]{0,62}[a-z0-9]", "2 to 64 lower-case letters, digits, _ and -"),
            matches("characterSet", r"[A-Z0-9_]+(,[\w.@-]+,[\w.@-]+)?", "a set such as UTF8,C,en_US.utf8"),
        ),
    ),
)
