"""Copies that leave a region without naming another one, by the words that clouds have for them (RES-005, RES-024)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from components.policy import place_keys
from components.policy.model import Check, Subject, at, cloud_of, violation
from components.policy.places import leaves, region_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.policy.model import Violation

# Azure's words for data that are kept in a second region as well, however they are joined and in whatever case.
_GEO_WORDS: Final = frozenset(
    {
        *("geo", "geozone", "georedundant", "geozoneredundant", "readaccessgeoredundant", "readaccessgeozoneredundant"),
        *("geostorage", "grs", "gzrs", "ragrs", "ragzrs"),
    }
)
_GEO_SKU = re.compile(r"(?i)^(?:standard|premium)_(?:ra)?gz?rs$")
# Settings that are on or off.
_SWITCH = re.compile(
    r"(?i)(?:geo_?redundan|geobackup|cross_?region(?:al)?_?(?:restore|copy|backup|replication|storage))"
)
_ON: Final = frozenset({"enabled", "enable", "true", "on", "open"})
# Settings whose default is a copy in a second region: type -> path, and the values that are not.
_DEFAULTS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "azure-native:recoveryservices:Vault": (
        ("properties", "redundancySettings", "standardTierStorageRedundancy"),
        ("LocallyRedundant", "ZoneRedundant"),
    ),
    "azure-native:sql:Database": (("requestedBackupStorageRedundancy",), ("Local", "Zone")),
    "azure-native:sql:ManagedInstance": (("requestedBackupStorageRedundancy",), ("Local", "Zone")),
}
# Settings that must be there because, left out, a copy is kept in the several regions of a continent, or wherever
# somebody writes from.
_CHOSEN: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "gcp:compute/image:Image": (("storageLocations",),),
    "gcp:compute/machineImage:MachineImage": (("storageLocations",),),
    "gcp:compute/snapshot:Snapshot": (("storageLocations",),),
    "gcp:compute/resourcePolicy:ResourcePolicy": (
        ("snapshotSchedulePolicy", "snapshotProperties", "storageLocations"),
    ),
    "gcp:pubsub/topic:Topic": (("messageStoragePolicy", "allowedPersistenceRegions"),),
}
_JUDGED_BY_PLACES: Final = ("azure-native:storage:StorageAccount", "sku.name")
_FALSE: Final = (None, False, "", "false")


def _words(subject: Subject) -> Iterator[Violation]:
    """RES-005: a word or a switch that says: in a second region too."""
    azure = cloud_of(subject.type) == "azure"
    reason = "it copies data to another region."
    for path, key, value in leaves(subject):
        if value is True or (isinstance(value, str) and value.lower() in _ON):
            if _SWITCH.search(path):
                yield violation(subject, "RES-005", path, value, reason, allowed="off")
        elif azure and isinstance(value, str) and _is_geo(value) and not place_keys.is_word(path, key):
            if (subject.type, path) == _JUDGED_BY_PLACES:
                continue
            yield violation(subject, "RES-005", path, value, reason, allowed="a redundancy inside the region")


def _chosen(subject: Subject) -> Iterator[Violation]:
    """RES-003: regions that a cloud would choose, and that are several."""
    for path in _CHOSEN.get(subject.type, ()):
        # A policy that makes no snapshots needs no place for them.
        applies = len(path) < 3 or at(subject.inputs, path[0]) is not None
        if applies and at(subject.inputs, *path) in (None, "", []):
            reason = "left out, the cloud keeps a copy in several regions, or wherever somebody writes from."
            yield violation(subject, "RES-003", ".".join(path), "absent", reason)


def _periodic(subject: Subject) -> Iterator[Violation]:
    """RES-005: backups of Cosmos DB, which are in two regions unless somebody says otherwise."""
    if not subject.type.startswith(_COSMOS):
        return
    policy = subject.inputs.get("backupPolicy")
    kept = at(policy, "periodicModeProperties", "backupStorageRedundancy")
    path, allowed = "backupPolicy.periodicModeProperties.backupStorageRedundancy", "Local, Zone, or Continuous"
    if at(policy, "type") != "Continuous" and kept not in ("Local", "Zone"):
        reason = "left out, periodic backups are kept in a second region too."
        yield violation(subject, "RES-005", path, "absent" if kept is None else kept, reason, allowed=allowed)


def _is_geo(value: str) -> bool:
    return len(value) < 40 and (value.lower().replace("-", "") in _GEO_WORDS or _GEO_SKU.match(value) is not None)


def _defaults(subject: Subject) -> Iterator[Violation]:
    """RES-005: a setting that, left out, means a copy in a second region."""
    if subject.type not in _DEFAULTS:
        return
    path, good = _DEFAULTS[subject.type]
    value = at(subject.inputs, *path)
    named = isinstance(value, str) and (value.lower() in {one.lower() for one in good} or _is_geo(value))
    if not named:
        reason = "left out, or not known, it is a copy in another region."
        shown = "absent" if value is None else value
        yield violation(subject, "RES-005", ".".join(path), shown, reason, allowed=", ".join(good))


def _single(subject: Subject) -> Iterator[Violation]:
    """What one resource says in a way of its own."""
    inputs, kind = subject.inputs, subject.type
    enabled = inputs.get("enabled")
    if kind == "alicloud:oss/bucketTransferAcceleration:BucketTransferAcceleration" and enabled is not False:
        reason = "acceleration routes through access points outside the region."
        yield violation(subject, "RES-005", "enabled", enabled, reason, allowed="false")
    if kind == "gcp:sql/databaseInstance:DatabaseInstance":
        value = at(inputs, "replicationCluster", "failoverDrReplicaName")
        if value not in _FALSE:
            path, reason = (
                "replicationCluster.failoverDrReplicaName",
                "its data are copied to a replica of another region.",
            )
            yield violation(subject, "RES-005", path, value, reason, allowed="absent")
    if (
        kind == "gcp:bigquery/dataTransferConfig:DataTransferConfig"
        and inputs.get("dataSourceId") == "cross_region_copy"
    ):
        reason = "it exists to copy data sets between regions."
        yield violation(subject, "RES-005", "dataSourceId", "cross_region_copy", reason, allowed="another source")
    if kind == "gcp:spanner/instance:Instance":
        yield from _spanner(subject)


def _spanner(subject: Subject) -> Iterator[Violation]:
    """An instance of Spanner lies where its configuration says, and most configurations are several regions."""
    value = subject.inputs.get("config")
    region = value.rsplit("/", 1)[-1].removeprefix("regional-") if isinstance(value, str) else ""
    if region_of("gcp", region) not in subject.allowed:
        reason = "this configuration is not one single region of the world."
        yield violation(subject, "RES-002", "config", "absent" if value is None else value, reason)


_SINGLE: Final = (
    "alicloud:oss/bucketTransferAcceleration:BucketTransferAcceleration",
    "gcp:bigquery/dataTransferConfig:DataTransferConfig",
    "gcp:spanner/instance:Instance",
    "gcp:sql/databaseInstance:DatabaseInstance",
)
_COSMOS: Final = ("azure-native:documentdb:DatabaseAccount", "azure-native:cosmosdb:DatabaseAccount")
CHECKS: tuple[Check, ...] = (
    Check(rules=("RES-005",), run=_words),
    Check(rules=("RES-005",), run=_defaults, types=tuple(_DEFAULTS)),
    Check(rules=("RES-003",), run=_chosen, types=tuple(_CHOSEN)),
    Check(rules=("RES-005",), run=_periodic, types=_COSMOS),
    Check(rules=("RES-005", "RES-002"), run=_single, types=_SINGLE),
)
