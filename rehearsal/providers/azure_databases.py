"""Flexible servers of Azure Database for PostgreSQL as ARM enforces them: servers, settings, databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.checks import not_offered, objects
from components.rules.model import Problem
from rehearsal.providers.azure_arm import child_of_group, location_of, resolve, system_data, zone_problems
from rehearsal.providers.azure_cluster import IDENTITY
from rehearsal.providers.azure_images import identity_given, key_problems
from rehearsal.providers.azure_net import SUBNET
from rehearsal.providers.azure_private import LINK, ZONE
from rehearsal.providers.model import CloudRefusalError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rehearsal.providers.model import Call, TypeSpec

SERVER = "azure-native:dbforpostgresql:Server"
_DELEGATED = "Microsoft.DBforPostgreSQL/flexibleServers"
_ENDING = ".postgres.database.azure.com"


def _zones(call: Call) -> Iterator[Problem]:
    mode, region = call.known("highAvailability.mode"), location_of(call)
    for path in ("availabilityZone", "highAvailability.standbyAvailabilityZone"):
        zone = call.known(path)
        yield from (
            Problem(path, one.reason)
            for one in zone_problems(path, [zone] if isinstance(zone, str) else [], region=region)
        )
    if mode in ("SameZone", "ZoneRedundant") and call.known("sku.tier") == "Burstable":
        yield Problem("highAvailability.mode", "tier Burstable has no standby")
    primary, standby = call.known("availabilityZone"), call.known("highAvailability.standbyAvailabilityZone")
    if mode == "ZoneRedundant" and primary is not None and primary == standby:
        yield Problem("highAvailability.standbyAvailabilityZone", f"must be another zone than {primary}")
    if mode == "SameZone" and None not in (primary, standby) and primary != standby:
        yield Problem("highAvailability.standbyAvailabilityZone", f"must be zone {primary} too when mode is SameZone")


def _network(call: Call) -> Iterator[Problem]:
    subnet, zone = call.get("network.delegatedSubnetResourceId"), call.get("network.privateDnsZoneArmResourceId")
    if subnet is not None and zone is None:
        yield Problem("network.privateDnsZoneArmResourceId", "is required by the API with a subnet of its own")
    if subnet is None and zone is not None:
        yield Problem("network.delegatedSubnetResourceId", "is required by the API with a private zone")
    if subnet is not None and call.known("network.publicNetworkAccess") == "Enabled":
        yield Problem("network.publicNetworkAccess", "a server in a subnet of its own has no public access")
    found = resolve(call, SUBNET, call.text("network.delegatedSubnetResourceId"))
    if found is not None:
        services = {one.get("serviceName") for one in objects(found.inputs.get("delegations"))}
        if services != {_DELEGATED}:
            yield Problem("network.delegatedSubnetResourceId", f"{found.name} is not delegated to {_DELEGATED}")
    yield from _private_name(call)


def _private_name(call: Call) -> Iterator[Problem]:
    path = "network.privateDnsZoneArmResourceId"
    zone = resolve(call, ZONE, call.text(path))
    if zone is None:
        return
    if not zone.name.endswith(_ENDING):
        yield Problem(path, f"{zone.name} does not end in {_ENDING}")
    if zone.name == f"{call.text('serverName')}{_ENDING}":
        yield Problem(path, f"{zone.name} is the server's own name; a zone in its group needs another")
    if not any(str(link.inputs.get("privateZoneName")) == zone.name for link in call.store.list_resources(type=LINK)):
        yield Problem(path, f"{zone.name} is not linked to a network yet")


def _users(call: Call) -> Mapping[str, Any]:
    users = call.known("identity.userAssignedIdentities")
    return users if isinstance(users, dict) else {}


def _encryption(call: Call) -> Iterator[Problem]:
    if call.known("dataEncryption.type") != "AzureKeyVault":
        return
    for path in ("dataEncryption.primaryKeyURI", "dataEncryption.primaryUserAssignedIdentityId"):
        if call.get(path) is None:
            yield Problem(path, "is required by the API with a key of your own")
    if call.get("identity") is None:
        yield Problem("identity", "is required by the API with a key of your own, in the same call")
    user, known = call.text("dataEncryption.primaryUserAssignedIdentityId"), {one.lower() for one in _users(call)}
    if user and known and user.lower() not in known:
        yield Problem("dataEncryption.primaryUserAssignedIdentityId", f"{user!r} is none of the server's identities")
    for one in _users(call):
        if resolve(call, IDENTITY, one) is None:
            yield Problem("identity.userAssignedIdentities", f"there is no identity {one!r}")
    yield from key_problems(call, "dataEncryption.primaryKeyURI", of="the server")


def _server_outputs(call: Call, id_: str) -> dict[str, Any]:
    before = call.store.get_resource(id_, type=SERVER)
    was = (before.inputs.get("storage") or {}).get("storageSizeGB") if before else None
    now = call.known("storage.storageSizeGB")
    if isinstance(was, int) and isinstance(now, int) and now < was:
        message = f"{id_} has a disk of {was} GB and cannot shrink to {now}"
        raise CloudRefusalError(message)
    identity = identity_given(call)
    return {
        "fullyQualifiedDomainName": f"{call.text('serverName')}{_ENDING}",
        "minorVersion": "4",
        "replicaCapacity": 5,
        "state": "Ready",
        "privateEndpointConnections": [],
        "systemData": system_data(),
    } | ({"identity": identity} if identity else {})


def _forgotten(_resource: Any, _call: Call) -> None:
    # A setting is never deleted; it stays as it was last set until the server goes.
    return


# The settings that are emulated.
_SETTINGS = (
    *("require_secure_transport", "ssl_min_protocol_version", "ssl_max_protocol_version", "azure.extensions"),
    *("max_connections", "log_connections", "log_disconnections"),
)


def _setting(call: Call) -> Iterator[Problem]:
    name = call.text("configurationName")
    if name and name not in _SETTINGS:
        yield Problem("configurationName", not_offered(name, _SETTINGS, what="setting"))


DATABASE_TYPES: tuple[TypeSpec, ...] = (
    child_of_group(
        SERVER,
        "Microsoft.DBforPostgreSQL/flexibleServers",
        "serverName",
        outputs=_server_outputs,
        parents=(("network.delegatedSubnetResourceId", SUBNET), ("network.privateDnsZoneArmResourceId", ZONE)),
        rules=(
            _zones,
            _network,
            _encryption,
        ),
    ),
    child_of_group(
        "azure-native:dbforpostgresql:Configuration",
        "Microsoft.DBforPostgreSQL/flexibleServers/configurations",
        "configurationName",
        inside=(("serverName", SERVER),),
        outputs=lambda _call, _id: {"isReadOnly": False, "isConfigPendingRestart": False, "systemData": system_data()},
        located=False,
        removal=_forgotten,
        rules=(_setting,),
    ),
    child_of_group(
        "azure-native:dbforpostgresql:Database",
        "Microsoft.DBforPostgreSQL/flexibleServers/databases",
        "databaseName",
        inside=(("serverName", SERVER),),
        outputs=lambda _call, _id: {"systemData": system_data()},
        located=False,
    ),
)
