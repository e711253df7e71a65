"""Flexible servers of Azure Database for PostgreSQL as ARM enforces them: servers, settings, databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.rules.azure.arm import in_group
from components.rules.checks import (
    between,
    matches,
    not_offered,
    one_of,
    shape,
)
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

_DISKS = (32, 64, 128, 256, 512, 1024, 2048, 4095, 4096, 8192, 16_384, 32_767)
# Tier -> how the names of its sizes begin; the cheapest has no standby.
_TIERS = {"Burstable": ("Standard_B",), "GeneralPurpose": ("Standard_D",), "MemoryOptimized": ("Standard_E",)}
_MODES = ("Disabled", "SameZone", "ZoneRedundant")


# Settings that take one of a few words; those that take any text are not listed.
_SETTINGS: dict[str, tuple[str, ...]] = {
    "require_secure_transport": ("on", "off"),
    "ssl_min_protocol_version": ("TLSv1.2", "TLSv1.3"),
    "ssl_max_protocol_version": ("TLSv1.2", "TLSv1.3"),
    "log_connections": ("on", "off"),
    "log_disconnections": ("on", "off"),
}


def _size(call: Inputs) -> Iterator[Problem]:
    name, tier = call.text("sku.name"), call.text("sku.tier")
    if tier in _TIERS and name and not name.startswith(_TIERS[tier]):
        yield Problem("sku.name", f"{name} is no size of tier {tier}")
    disk = call.known("storage.storageSizeGB")
    if isinstance(disk, int) and (call.text("storage.type") or "Premium_LRS") == "Premium_LRS" and disk not in _DISKS:
        yield Problem("storage.storageSizeGB", not_offered(disk, _DISKS, what="size of disk"))


def _logins(call: Inputs) -> Iterator[Problem]:
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


def _setting(call: Inputs) -> Iterator[Problem]:
    name, value = call.text("configurationName"), call.known("value")
    allowed = _SETTINGS.get(name)
    if allowed and isinstance(value, str) and value not in allowed:
        yield Problem("value", not_offered(value, allowed, what="value"))
    for path in ("value", "source"):
        if call.get(path) is None:
            yield Problem(path, "is required to change a setting")


TYPES: tuple[TypeRules, ...] = (
    in_group(
        "azure-native:dbforpostgresql:Server",
        "serverName",
        immutable=frozenset(
            {"administratorLogin", "availabilityZone", "backup.geoRedundantBackup", "createMode"}
            | {"dataEncryption.type", "network.delegatedSubnetResourceId", "storage.type"}
        ),
        rules=(
            shape(_size),
            shape(_logins),
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
    in_group(
        "azure-native:dbforpostgresql:Configuration",
        "configurationName",
        inside=("serverName",),
        located=False,
        rules=(shape(_setting),),
    ),
    in_group(
        "azure-native:dbforpostgresql:Database",
        "databaseName",
        inside=("serverName",),
        immutable=frozenset({"charset", "collation"}),
        located=False,
        rules=(
            matches("databaseName", r"[a-zA-Z_][\w-]{0,62}", "1 to 63 letters, digits, _ and -"),
            matches("charset", r"[a-zA-Z]+\w*", "a set such as UTF8"),
            matches("collation", r"[a-zA-Z-]+([. ]|\w)*", "a collation such as en_US.utf8"),
        ),
    ),
)
