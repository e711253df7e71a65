"""RDS for PostgreSQL on Alibaba Cloud as its API enforces it: instances, backup policies, databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.checks import not_offered
from components.rules.model import Problem
from rehearsal.providers.alicloud_cluster import KEY
from rehearsal.providers.alicloud_net import VPC, VSWITCH, by_urn, region_of
from rehearsal.providers.alicloud_rest import ROLE
from rehearsal.providers.facts import ALICLOUD_ZONES
from rehearsal.providers.model import Call, CloudRefusalError, Made, TypeSpec
from rehearsal.providers.rules import token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.store import Resource

INSTANCE = "alicloud:rds/instance:Instance"


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


def _instance_of(call: Call) -> str:
    return call.text("instanceId")


# With a standby; the end says how many nodes.
_CLASSES = {
    "HighAvailability": (
        *(f"pg.n2.{cpus}c.2m" for cpus in (1, 2, 4, 8)),
        *(f"pg.n4.{cpus}c.2m" for cpus in (2, 4, 6, 8, 12)),
        *("pg.x4.large.2c", "pg.x4.xlarge.2c", "pg.x4.2xlarge.2c", "pg.x8.medium.2c", "pg.x8.large.2c"),
    ),
    "Basic": ("pg.n2.1c.1m", "pg.n2.2c.1m", "pg.n4.2c.1m", "pg.n2.4c.1m", "pg.n4.4c.1m", "pg.n4.8c.1m"),
}


def _emulated(call: Call) -> Iterator[Problem]:
    engine = call.known("engine")
    if engine in ("MySQL", "SQLServer", "MariaDB"):
        yield Problem("engine", "is not emulated here")
    category, kind = call.text("category") or "Basic", call.known("instanceType")
    if isinstance(kind, str) and category in _CLASSES and kind not in _CLASSES[category]:
        yield Problem("instanceType", not_offered(kind, _CLASSES[category], what="instance type", where=category))


DATABASE_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=INSTANCE,
        make=lambda call: Made(id=f"pgm-uf6{token(14)}", region=region_of(call), zone=call.text("zoneId")),
        key=by_urn,
        outputs=_instance_outputs,
        removal=_kept,
        parents=(("vpcId", VPC),),
        rules=(
            _zones,
            _encryption,
            _emulated,
        ),
    ),
    TypeSpec(
        type_name="alicloud:rds/backupPolicy:BackupPolicy",
        make=lambda call: Made(id=_instance_of(call), region=region_of(call)),
        key=_instance_of,
        outputs=lambda _call, _id: {},
        parents=(("instanceId", INSTANCE),),
    ),
    TypeSpec(
        type_name="alicloud:rds/database:Database",
        make=lambda call: Made(id=f"{_instance_of(call)}:{call.text('dataBaseName')}", region=region_of(call)),
        key=lambda call: f"{_instance_of(call)}:{call.text('dataBaseName')}",
        outputs=lambda _call, _id: {"status": "Running"},
        parents=(("instanceId", INSTANCE),),
    ),
)
