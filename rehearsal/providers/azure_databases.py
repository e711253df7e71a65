"""Flexible servers of Azure Database for PostgreSQL as ARM enforces them: servers, settings, databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.providers.azure_arm import child_of_group, location_of, resolve, system_data, zone_problems
from rehearsal.providers.azure_cluster import IDENTITY
from rehearsal.providers.azure_images import identity_given, key_problems
from rehearsal.providers.azure_net import SUBNET
from rehearsal.providers.azure_private import LINK, ZONE
from rehearsal.providers.model import CloudRefusalError
from rehearsal.providers.rules import between, matches, not_offered, objects, one_of
from rehearsal.providers.sdktypes import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rehearsal.providers.model import Call, TypeSpec

SERVER = "azure-native:dbforpostgresql:Server"
_DELEGATED = "Microsoft.DBforPostgreSQL/flexibleServers"
_ENDING = ".postgres.database.azure.com"
_DISKS = (32, 64, 128, 256, 512, 1024, 2048, 4095, 4096, 8192, 16_384, 32_767)
# Tier -> how the names of its sizes begin; the cheapest has no standby.
_TIERS = {"Burstable": ("Standard_B",), "GeneralPurpose": ("Standard_D",), "MemoryOptimized": ("Standard_E",)}
_MODES = ("Disabled", "SameZone", "ZoneRedundant")
# What may be set here, and to what; None: any text.
_SETTINGS: dict[str, tuple[str, ...] | None] = {
    "require_secure_transport": ("on", "off"),
    "ssl_min_protocol_version": ("TLSv1.2", "TLSv1.3"),
    "ssl_max_protocol_version": ("TLSv1.2", "TLSv1.3"),
    "azure.extensions": None,
    "max_connections": None,
    "log_connections": ("on", "off"),
    "log_disconnections": ("on", "off"),
}


def _size(call: Call) -> Iterator[Problem]:
    name, tier = call.text("sku.name"), call.text("sku.tier")
    if tier in _TIERS and name and not name.startswith(_TIERS[tier]):
        yield Problem("sku.name", f"{name} is no size of tier {tier}")
    disk = call.known("storage.storageSizeGB")
    if isinstance(disk, int) and (call.text("storage.type") or "Premium_LRS") == "Premium_LRS" and disk not in _DISKS:
        yield Problem("storage.storageSizeGB", not_offered(disk, _DISKS, what="size of disk"))


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


def _logins(call: Call) -> Iterator[Problem]:
    passwords = call.known("authConfig.passwordAuth") != "Disabled"
    if passwords and call.get("administratorLogin") is None:
        yield Problem("administratorLogin", "is required by the API while passwords are on")
    if passwords and call.get("administratorLoginPassword") is None:
        yield Problem("administratorLoginPassword", "is required by the API while passwords are on")
    directory = call.known("authConfig.activeDirectoryAuth") == "Enabled"
    if not passwords and not directory:
        yield Problem("authConfig.activeDirectoryAuth", "one of passwordAuth and activeDirectoryAuth must be Enabled")
    if directory and call.get("authConfig.tenantId") is None:
        yield Problem("authConfig.tenantId", "is required by the API when identities of the directory log in")


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


def _setting(call: Call) -> Iterator[Problem]:
    name, value = call.text("configurationName"), call.known("value")
    if name and name not in _SETTINGS:
        yield Problem("configurationName", not_offered(name, _SETTINGS, what="setting"))
        return
    allowed = _SETTINGS.get(name)
    if allowed and isinstance(value, str) and value not in allowed:
        yield Problem("value", not_offered(value, allowed, what="value"))
    for path in ("value", "source"):
        if call.get(path) is None:
            yield Problem(path, "is required to change a setting")


def _forgotten(_resource: Any, _call: Call) -> None:
    # A setting is never deleted; it stays as it was last set until the server goes.
    return


DATABASE_TYPES: tuple[TypeSpec, ...] = (
    child_of_group(
        SERVER,
        "Microsoft.DBforPostgreSQL/flexibleServers",
        "serverName",
        outputs=_server_outputs,
        immutable=frozenset(
            {"administratorLogin", "availabilityZone", "backup.geoRedundantBackup", "createMode"}
            | {"dataEncryption.type", "network.delegatedSubnetResourceId", "storage.type"}
        ),
        parents=(("network.delegatedSubnetResourceId", SUBNET), ("network.privateDnsZoneArmResourceId", ZONE)),
        rules=(
            _size,
            _zones,
            _network,
            _encryption,
            _logins,
            one_of("version", tuple(str(major) for major in range(11, 19))),
            one_of("createMode", ("Default", "Create", "Update", "PointInTimeRestore", "Replica", "ReviveDropped")),
            one_of("sku.tier", tuple(_TIERS)),
            one_of("storage.type", ("Premium_LRS", "PremiumV2_LRS", "UltraSSD_LRS")),
            one_of("storage.autoGrow", ("Enabled", "Disabled")),
            one_of("highAvailability.mode", _MODES),
            one_of("network.publicNetworkAccess", ("Enabled", "Disabled")),
            one_of("backup.geoRedundantBackup", ("Enabled", "Disabled")),
            one_of("dataEncryption.type", ("AzureKeyVault", "SystemManaged", "SystemAssigned")),
            one_of("identity.type", ("None", "UserAssigned", "SystemAssigned", "SystemAssigned,UserAssigned")),
            between("backup.backupRetentionDays", 7, 35),
            between("maintenanceWindow.dayOfWeek", 0, 6),
            between("maintenanceWindow.startHour", 0, 23),
            matches(
                "serverName",
                r"(?=.{3,63}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?",
                "3 to 63 lower-case letters, digits and -",
            ),
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
        immutable=frozenset({"charset", "collation"}),
        located=False,
        rules=(
            matches("databaseName", r"[a-zA-Z_][\w-]{0,62}", "1 to 63 letters, digits, _ and -"),
            matches("charset", r"[a-zA-Z]+\w*", "a set such as UTF8"),
            matches("collation", r"[a-zA-Z-]+([. ]|\w)*", "a collation such as en_US.utf8"),
        ),
    ),
)
