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
_FROM_ANOTHER = ("PointInTimeRestore", "GeoRestore", "Replica", "ReviveDropped")
_MADE = ("Default", "Create", "Update", *_FROM_ANOTHER)


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


def _disk(call: Inputs) -> Iterator[Problem]:
    disk = call.known("storage.storageSizeGB")
    if isinstance(disk, int) and (call.text("storage.type") or "Premium_LRS") == "Premium_LRS" and disk not in _DISKS:
        yield Problem("storage.storageSizeGB", not_offered(disk, _DISKS, what="size of disk"))


def _is_new(call: Inputs) -> bool:
    """Whether the server is made anew; a replica and what is restored inherit the logins of what they are made of."""
    return call.known("createMode") in (None, "", "Default", "Create")


def _logins(call: Inputs) -> Iterator[Problem]:
    for path in ("administratorLogin", "administratorLoginPassword"):
        if call.get(path) is None and call.known("authConfig.passwordAuth") != "Disabled" and _is_new(call):
            yield Problem(path, "is required by the API while passwords are on")


def _directory(call: Inputs) -> Iterator[Problem]:
    directory = call.known("authConfig.activeDirectoryAuth") == "Enabled"
    if call.known("authConfig.passwordAuth") == "Disabled" and not directory:
        yield Problem("authConfig.activeDirectoryAuth", "one of passwordAuth and activeDirectoryAuth must be Enabled")


def _tenant(call: Inputs) -> Iterator[Problem]:
    directory = call.known("authConfig.activeDirectoryAuth") == "Enabled"
    if directory and call.get("authConfig.tenantId") is None:
        yield Problem("authConfig.tenantId", "is required by the API when identities of the directory log in")


def _source(call: Inputs) -> Iterator[Problem]:
    mode = call.known("createMode")
    if mode in _FROM_ANOTHER and call.get("sourceServerResourceId") is None:
        yield Problem("sourceServerResourceId", f"is required by the API with createMode {mode}")


def _setting(call: Inputs) -> Iterator[Problem]:
    name, value = call.text("configurationName"), call.known("value")
    allowed = _SETTINGS.get(name)
    if allowed and isinstance(value, str) and value not in allowed:
        yield Problem("value", not_offered(value, allowed, what="value"))


def _set(call: Inputs) -> Iterator[Problem]:
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
            shape(_size, _disk, fix="take a size of the tier, and a disk that is sold"),
            shape(
                *(_logins, _directory, _tenant, _source),
                fix="say who logs in: a login with its password, or identities of a tenant; or what it is made of",
            ),
            one_of("version", tuple(str(major) for major in range(11, 19))),
            one_of("createMode", _MADE),
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
        rules=(shape(_setting, _set, fix="give the value that the setting takes, and its source"),),
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
