"""Cloud SQL for PostgreSQL as its API enforces it: instances, databases, users."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from components.rules.checks import not_offered, objects
from components.rules.gcp.databases import edition_of
from components.rules.model import Problem
from rehearsal.providers.facts import GCP_ZONES
from rehearsal.providers.gcp_net import NETWORK, find, named, project_of, region_rule
from rehearsal.providers.gcp_private import CONNECTION
from rehearsal.providers.gcp_rest import KEY
from rehearsal.providers.model import Call, CloudRefusalError, Made, TypeSpec
from rehearsal.providers.rules import derived

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.store import Resource

INSTANCE = "gcp:sql/databaseInstance:DatabaseInstance"


def region_of(call: Call) -> str:
    """The instance's region, else the provider's."""
    return call.text("region") or str(call.config.get("region") or "")


def _network(call: Call) -> Iterator[Problem]:
    path = "settings.ipConfiguration"
    private, public = call.get(f"{path}.privateNetwork"), call.known(f"{path}.ipv4Enabled")
    if private is None and public is False and call.get(f"{path}.pscConfigs") is None:
        yield Problem(f"{path}.privateNetwork", "at least one of ipv4Enabled and privateNetwork is needed")
    named_ = call.text(f"{path}.privateNetwork")
    network = find(call, NETWORK, named_) if named_ else None
    if named_ and network is None:
        yield Problem(f"{path}.privateNetwork", f"there is no network {named_!r}")
    elif network is not None:
        connections = call.store.list_resources(type=CONNECTION)
        if not any(find(call, NETWORK, str(one.inputs.get("network"))) == network for one in connections):
            yield Problem(f"{path}.privateNetwork", f"{network.name} is not joined to Google's services")


def _zones(call: Call) -> Iterator[Problem]:
    offered = GCP_ZONES.get(region_of(call), ())
    path = "settings.locationPreference"
    for name in ("zone", "secondaryZone"):
        zone = call.known(f"{path}.{name}")
        if isinstance(zone, str) and zone not in offered:
            yield Problem(f"{path}.{name}", not_offered(zone, offered, what="zone", where=region_of(call)))
    second = call.known(f"{path}.secondaryZone")
    if second is not None and call.known("settings.availabilityType") != "REGIONAL":
        yield Problem(f"{path}.secondaryZone", "only an instance that is REGIONAL has a second zone")
    if second is not None and second == call.known(f"{path}.zone"):
        yield Problem(f"{path}.secondaryZone", f"must be another zone than {second}")


def _backups(call: Call) -> Iterator[Problem]:
    path = "settings.backupConfiguration"
    if call.known("settings.availabilityType") == "REGIONAL":
        for name in ("enabled", "pointInTimeRecoveryEnabled"):
            if call.known(f"{path}.{name}") is not True:
                yield Problem(f"{path}.{name}", "must be true when the instance is REGIONAL")
    if call.get(f"{path}.binaryLogEnabled") is not None:
        yield Problem(f"{path}.binaryLogEnabled", "is for MySQL only")
    place = call.known(f"{path}.location")
    if isinstance(place, str) and place not in GCP_ZONES and place not in ("eu", "us", "asia"):
        yield Problem(f"{path}.location", not_offered(place, GCP_ZONES, what="location"))
    days, most = call.known(f"{path}.transactionLogRetentionDays"), 35 if edition_of(call) == "ENTERPRISE_PLUS" else 7
    if isinstance(days, int) and not 1 <= days <= most:
        yield Problem(f"{path}.transactionLogRetentionDays", f"must lie between 1 and {most} in this edition")
    time = call.known(f"{path}.startTime")
    if isinstance(time, str) and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", time):
        yield Problem(f"{path}.startTime", f"{time!r} is no time such as 03:00")


def _key_place(call: Call) -> Iterator[Problem]:
    key = call.known("encryptionKeyName")
    if isinstance(key, str) and "/locations/" in key:
        where = key.split("/locations/", 1)[1].split("/", 1)[0]
        if where != region_of(call):
            reason = f"the key lies in {where}, the instance in {region_of(call)}: they must be the same"
            yield Problem("encryptionKeyName", reason)


def _id(call: Call) -> str:
    # The provider's id is the bare name; projects are kept apart by ours.
    return call.text("name")


def _instance_outputs(call: Call, id_: str) -> dict[str, Any]:
    before = call.store.get_resource(id_, type=INSTANCE)
    was = (before.inputs.get("settings") or {}).get("diskSize") if before else None
    now = call.known("settings.diskSize")
    if isinstance(was, int) and isinstance(now, int) and now < was:
        message = f"{id_} has a disk of {was} GB and cannot shrink to {now}"
        raise CloudRefusalError(message)
    private = _address(call, id_)
    return {
        "connectionName": f"{project_of(call)}:{region_of(call)}:{id_}",
        "privateIpAddress": private,
        "firstIpAddress": private,
        "publicIpAddress": "",
        "ipAddresses": [{"ipAddress": private, "type": "PRIVATE", "timeToRetire": ""}] if private else [],
        "selfLink": f"https://sqladmin.googleapis.com/sql/v1beta4/projects/{project_of(call)}/instances/{id_}",
        "serviceAccountEmailAddress": f"p{sum(id_.encode()) * 7919}@gcp-sa-cloud-sql.iam.gserviceaccount.com",
        "project": project_of(call),
        "region": region_of(call),
    }


def _address(call: Call, id_: str) -> str:
    """An address of the range that the network keeps for Google's services; which one is the service's affair."""
    network = find(call, NETWORK, call.text("settings.ipConfiguration.privateNetwork"))
    if network is None:
        return ""
    tail = int(derived(id_, "address")[:2], 16) % 250 + 2
    held = call.store.list_resources(type="gcp:compute/globalAddress:GlobalAddress")
    mine = [one for one in held if find(call, NETWORK, str(one.inputs.get("network"))) == network]
    first, second, third, _ = str(mine[0].inputs.get("address") if mine else "10.255.0.0").split(".")
    # Each kind of service has a /24 of its own; the first is for files.
    return f"{first}.{second}.{int(third) + 1}.{tail}"


def _kept(resource: Resource, _call: Call) -> None:
    settings = resource.inputs.get("settings") or {}
    if resource.inputs.get("deletionProtection") is not False or settings.get("deletionProtectionEnabled") is True:
        message = (
            f"{resource.id} is protected against deletion; set deletion_protection and"
            " settings.deletion_protection_enabled to false and bring that up first"
        )
        raise CloudRefusalError(message)


def _kept_part(resource: Resource, _call: Call) -> None:
    if resource.inputs.get("deletionPolicy") == "PREVENT":
        message = f"{resource.id} is protected against deletion; lift that and bring it up first"
        raise CloudRefusalError(message)


def _user(call: Call) -> Iterator[Problem]:
    kind, name = call.text("type") or "BUILT_IN", call.known("name")
    password = call.get("password") is not None or call.get("passwordWo") is not None
    if kind == "BUILT_IN" and not password:
        yield Problem("password", "is required by the API for a built-in user of PostgreSQL")
    if kind != "BUILT_IN" and password:
        yield Problem("password", f"is not for a user of type {kind}")
    if call.get("host") is not None:
        yield Problem("host", "is for MySQL only")
    if kind == "CLOUD_IAM_SERVICE_ACCOUNT" and isinstance(name, str) and not name.endswith(".iam"):
        yield Problem("name", f"{name!r}: an account's address without .gserviceaccount.com is needed")
    instance = next(iter(call.store.find_by_name(INSTANCE, call.text("instance"))), None)
    if instance is not None and kind.startswith("CLOUD_IAM"):
        flags = objects((instance.inputs.get("settings") or {}).get("databaseFlags"))
        if {"name": "cloudsql.iam_authentication", "value": "on"} not in flags:
            yield Problem("type", f"{instance.name} lets no identities log in: cloudsql.iam_authentication is not on")


def _part_id(kind: str) -> Any:
    return lambda call: f"projects/{project_of(call)}/instances/{call.text('instance')}/{kind}/{call.text('name')}"


_DATABASE, _USER = _part_id("databases"), _part_id("users")
DATABASE_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=INSTANCE,
        make=named(_id, region=region_of),
        key=lambda call: f"{project_of(call)}/{call.text('name')}",
        outputs=_instance_outputs,
        planned=lambda call: {"name": call.text("name")},
        removal=_kept,
        parents=(("settings.ipConfiguration.privateNetwork", NETWORK), ("encryptionKeyName", KEY)),
        rules=(
            region_rule,
            _network,
            _zones,
            _backups,
            _key_place,
        ),
    ),
    TypeSpec(
        type_name="gcp:sql/database:Database",
        make=lambda call: Made(id=_DATABASE(call)),
        key=_DATABASE,
        outputs=lambda call, id_: {
            "project": project_of(call),
            "selfLink": f"https://sqladmin.googleapis.com/sql/v1beta4/{id_}",
        },
        planned=lambda call: {"name": call.text("name")},
        removal=_kept_part,
        parents=(("instance", INSTANCE),),
    ),
    TypeSpec(
        type_name="gcp:sql/user:User",
        make=lambda call: Made(id=_USER(call)),
        key=_USER,
        outputs=lambda call, _id: {"project": project_of(call)},
        planned=lambda call: {"name": call.text("name")},
        removal=_kept_part,
        parents=(("instance", INSTANCE),),
        rules=(_user,),
    ),
)
