"""RES-004 for what holds a judged value and is itself not known: nobody can say what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from components.policy.model import UNKNOWN, Check, Subject, violation
from components.policy.places import leaves

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.policy.model import Violation

# Keys of the clouds' resources whose value is a group or a list in which rules look for places and copies.
_OF_CLOUDS: Final = frozenset(
    {
        *("additionalLocations", "backup", "backupConfiguration", "backupPolicy", "centralizeConfig"),
        *("crossInstanceReplicationConfig", "customPlacementConfig", "databaseEncryption", "encryption"),
        *("featureSettings", "geoDataReplication", "geoReplication", "initialReplication", "locationPreference"),
        *("messageStoragePolicy", "multiRegionSettings", "policies", "properties", "publishingProfile", "pushConfig"),
        *("redundancySettings", "replicas", "replication", "replicationCluster", "replicationConfiguration"),
        *("rules", "secondaryConfig", "securityProfile", "serverSideEncryptionRule", "settings", "sku"),
        *("snapshotProperties", "snapshotSchedulePolicy", "storageSettings", "stretchedClusterConfig"),
        *("targetExtendedLocations", "transferAcceleration", "userManaged"),
        *(
            "containers",
            "env",
            "envs",
            "environmentVariables",
            "environmentVars",
            "notificationLists",
            "targets",
            "template",
            "webhookReceivers",
        ),
    }
)
# Keys of Kubernetes objects in which rules look for what runs, where it comes from and whom it may reach.
_OF_OBJECTS: Final = frozenset(
    {
        *("args", "command", "containers", "data", "egress", "env", "envFrom", "ephemeralContainers"),
        *("initContainers", "jobTemplate", "metadata", "remoteWrite", "repositoryOpts", "spec", "template"),
        *("values", "volumes"),
    }
)
# What these hold is a secret by its nature, shown to nobody; who may have it is another rule's.
_SECRETS: Final = ("kubernetes:core/v1:Secret", "azure-native:keyvault:Secret", "alicloud:kms/secret:Secret")


def unknown_holders(subject: Subject) -> Iterator[Violation]:
    """RES-004: a group or a list that rules look into and that is not known."""
    if subject.type.startswith(_SECRETS):
        return
    keys = _OF_OBJECTS if subject.type.startswith("kubernetes:") else _OF_CLOUDS
    for path, key, value in leaves(subject):
        if value is UNKNOWN and key in keys:
            reason = "nobody can say what it holds: it comes from nothing that was judged."
            yield violation(subject, "RES-004", path, UNKNOWN, reason, allowed="what was judged, or the value itself")


CHECKS: tuple[Check, ...] = (Check(rules=("RES-004",), run=unknown_holders),)
