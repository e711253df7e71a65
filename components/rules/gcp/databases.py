"""Cloud SQL for PostgreSQL as its API enforces it: instances, databases, users."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from components.rules.checks import (
    between,
    matches,
    one_of,
    shape,
)
from components.rules.model import Inputs, Problem, TypeRules, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

_VERSIONS = (
    *("POSTGRES_9_6", *(f"POSTGRES_{major}" for major in range(10, 19))),
    *("MYSQL_5_6", "MYSQL_5_7", "MYSQL_8_0", "MYSQL_8_4"),
    *(f"SQLSERVER_{year}_{kind}" for year in (2017, 2019, 2022, 2025) for kind in ("STANDARD", "ENTERPRISE")),
    *(f"SQLSERVER_{year}_{kind}" for year in (2017, 2019, 2022, 2025) for kind in ("EXPRESS", "WEB")),
)
_EDITIONS = ("ENTERPRISE", "ENTERPRISE_PLUS")


_SHARED = re.compile(r"db-(f1-micro|g1-small|n1-(standard|highmem)-\d+)")
_CUSTOM = re.compile(r"db-custom-(\d+)-(\d+)")


_DEAR = re.compile(r"db-(perf-optimized-[NC]-\d+|(c4a|n4|c4)-[a-z]+-\d+)")
# Of a custom tier: memory for each CPU, and all of it, in MiB.
_LEAST_PER_CPU, _MOST_PER_CPU, _LEAST, _STEP = 922, 6656, 3840, 256
_MOST_DISK = 65_536
_USERS = (
    *("BUILT_IN", "CLOUD_IAM_USER", "CLOUD_IAM_SERVICE_ACCOUNT", "CLOUD_IAM_GROUP", "CLOUD_IAM_GROUP_USER"),
    *("CLOUD_IAM_GROUP_SERVICE_ACCOUNT", "CLOUD_IAM_WORKFORCE_IDENTITY", "ENTRAID_USER"),
)


def edition_of(call: Inputs) -> str:
    newest = re.fullmatch(r"POSTGRES_(1[6-9])", call.text("databaseVersion"))
    return call.text("settings.edition") or ("ENTERPRISE_PLUS" if newest else "ENTERPRISE")


def _tier(call: Inputs) -> Iterator[Problem]:
    tier, edition = call.known("settings.tier"), edition_of(call)
    if not isinstance(tier, str):
        return
    custom = _CUSTOM.fullmatch(tier)
    if edition == "ENTERPRISE_PLUS" and not _DEAR.fullmatch(tier):
        yield Problem("settings.tier", f"Invalid Tier ({tier}) for (ENTERPRISE_PLUS); custom tiers need ENTERPRISE")
    elif edition == "ENTERPRISE" and custom is None and not _SHARED.fullmatch(tier):
        yield Problem("settings.tier", f"{tier!r} is no tier of ENTERPRISE: db-custom-CPUS-MEMORY or a shared one")


def _sized(call: Inputs) -> Iterator[Problem]:
    custom = _CUSTOM.fullmatch(call.text("settings.tier"))
    if custom is not None:
        yield from _custom(int(custom[1]), int(custom[2]))


def _custom(cpus: int, memory: int) -> Iterator[Problem]:
    if cpus != 1 and (cpus % 2 or not 2 <= cpus <= 96):
        yield Problem("settings.tier", f"{cpus} CPUs; one, or an even number up to 96")
    elif memory % _STEP or memory < _LEAST:
        yield Problem("settings.tier", f"{memory} MiB; at least {_LEAST}, in steps of {_STEP}")
    elif not _LEAST_PER_CPU * cpus <= memory <= _MOST_PER_CPU * cpus:
        yield Problem("settings.tier", f"{memory} MiB for {cpus} CPUs; 0.9 to 6.5 GiB each")


def _disk(call: Inputs) -> Iterator[Problem]:
    size, kind = call.known("settings.diskSize"), call.text("settings.diskType") or "PD_SSD"
    least = 20 if kind == "HYPERDISK_BALANCED" else 10
    if isinstance(size, int) and not least <= size <= _MOST_DISK:
        yield Problem("settings.diskSize", f"must lie between {least} and {_MOST_DISK}, not {size}")


def _any_disk(call: Inputs) -> Iterator[Problem]:
    size = call.known("settings.diskSize")
    if isinstance(call.get("settings.diskType"), Unknown) and isinstance(size, int) and not 10 <= size <= _MOST_DISK:
        yield Problem("settings.diskSize", f"must lie between 10 and {_MOST_DISK} whatever its kind, not {size}")


def _flags(call: Inputs) -> Iterator[Problem]:
    def of(path: str, flag: dict[str, Any]) -> Iterator[Problem]:
        if flag.get("name") == "cloudsql.iam_authentication" and flag.get("value") not in ("on", "off"):
            yield Problem(f"{path}.value", "must be on or off")

    yield from call.each("settings.databaseFlags", of)


def _user_labels(call: Inputs) -> Iterator[Problem]:
    for key, value in call.entries("settings.userLabels").items():
        right = isinstance(value, Unknown) or re.fullmatch(r"[a-z0-9_-]{0,63}", str(value))
        if not re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", key) or not right:
            yield Problem(f"settings.userLabels.{key}", f"{key}={value} is no valid label")


_POLICY = one_of("deletionPolicy", ("ABANDON", "DELETE", "PREVENT"))
TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="gcp:sql/databaseInstance:DatabaseInstance",
        name="name",
        immutable=frozenset(
            {
                "encryptionKeyName",
                "project",
                "region",
                "replicaConfiguration.caCertificate",
                "replicaConfiguration.clientCertificate",
                "replicaConfiguration.clientKey",
                "replicaConfiguration.connectRetryInterval",
                "replicaConfiguration.dumpFilePath",
                "replicaConfiguration.failoverTarget",
                "replicaConfiguration.masterHeartbeatPeriod",
                "replicaConfiguration.password",
                "replicaConfiguration.sslCipher",
                "replicaConfiguration.username",
                "replicaConfiguration.verifyServerCertificate",
                "settings.collation",
            }
        ),
        rules=(
            shape(_tier, _sized, fix="take a tier of the edition: db-custom-CPUS-MEMORY or db-perf-optimized-N-CPUS"),
            shape(_disk, _any_disk, fix="take a size that the kind of disk has"),
            shape(
                _flags, _user_labels, fix="switch the flag on or off; labels take lower-case letters, digits, _ and -"
            ),
            one_of("databaseVersion", _VERSIONS),
            _POLICY,
            one_of("settings.edition", _EDITIONS),
            one_of("settings.availabilityType", ("REGIONAL", "ZONAL")),
            one_of("settings.diskType", ("PD_SSD", "PD_HDD", "HYPERDISK_BALANCED")),
            one_of("settings.pricingPlan", ("PER_USE",)),
            one_of("settings.dataApiAccess", ("ALLOW_DATA_API", "DISALLOW_DATA_API")),
            one_of(
                "settings.ipConfiguration.sslMode",
                ("ALLOW_UNENCRYPTED_AND_ENCRYPTED", "ENCRYPTED_ONLY", "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"),
            ),
            between("settings.backupConfiguration.backupRetentionSettings.retainedBackups", 1, 365),
            between("settings.maintenanceWindow.day", 1, 7),
            between("settings.maintenanceWindow.hour", 0, 23),
            matches("name", r"[a-z]([-a-z0-9]{0,95}[a-z0-9])?", "lower-case letters, digits and -, 97 at most"),
        ),
    ),
    TypeRules(
        type_name="gcp:sql/database:Database",
        name="name",
        immutable=frozenset({"instance", "project"}),
        rules=(
            _POLICY,
            # PostgreSQL takes the first of each, MySQL and SQL Server have many.
            matches("charset", r"UTF8|[a-z][a-z0-9]{2,15}", "a set such as UTF8"),
            matches("collation", r"en_US\.UTF8|[A-Za-z][A-Za-z0-9]*_\w+", "a collation such as en_US.UTF8"),
        ),
    ),
    TypeRules(
        type_name="gcp:sql/user:User",
        name="name",
        immutable=frozenset({"host", "instance", "project", "type"}),
        rules=(
            _POLICY,
            one_of("type", _USERS),
        ),
    ),
)
