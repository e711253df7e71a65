"""Memorystore for Valkey as its API enforces it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from components.rules.checks import (
    between,
    conflicts,
    matches,
    one_of,
    shape,
)
from components.rules.gcp.net import LABELS
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

_MODES = ("CLUSTER", "CLUSTER_DISABLED")
_NODES = (
    *("SHARED_CORE_NANO", "CUSTOM_PICO", "CUSTOM_MICRO", "CUSTOM_MINI", "STANDARD_SMALL", "STANDARD_LARGE"),
    *("HIGHCPU_MEDIUM", "HIGHMEM_MEDIUM", "HIGHMEM_XLARGE", "HIGHMEM_2XLARGE"),
)


_VERSIONS = ("VALKEY_7_2", "VALKEY_8_0", "VALKEY_9_0")
_AUTHORITIES = ("GOOGLE_MANAGED_PER_INSTANCE_CA", "GOOGLE_MANAGED_SHARED_CA", "CUSTOMER_MANAGED_CAS_CA")


def _shards(call: Inputs) -> Iterator[Problem]:
    shards = call.known("shardCount")
    if call.known("mode") == "CLUSTER_DISABLED" and isinstance(shards, int) and shards != 1:
        yield Problem("shardCount", f"must be 1 when mode is CLUSTER_DISABLED, not {shards}")


def _spread(call: Inputs) -> Iterator[Problem]:
    spread, zone = call.known("zoneDistributionConfig.mode"), call.get("zoneDistributionConfig.zone")
    if spread == "SINGLE_ZONE" and zone is None:
        yield Problem("zoneDistributionConfig.zone", "is required by the API when the mode is SINGLE_ZONE")
    if spread != "SINGLE_ZONE" and zone is not None:
        yield Problem("zoneDistributionConfig.zone", "is for mode SINGLE_ZONE; otherwise the service chooses")


def _authority(call: Inputs) -> Iterator[Problem]:
    own = call.known("serverCaMode") == "CUSTOMER_MANAGED_CAS_CA"
    if own and call.get("serverCaPool") is None:
        yield Problem("serverCaPool", "is required by the API with an authority of your own")


def _encrypted(call: Inputs) -> Iterator[Problem]:
    if call.get("serverCaMode") is not None and call.known("transitEncryptionMode") != "SERVER_AUTHENTICATION":
        yield Problem("serverCaMode", "is taken only with transitEncryptionMode SERVER_AUTHENTICATION")


def _kept(call: Inputs) -> Iterator[Problem]:
    kept = call.known("automatedBackupConfig.retention")
    if isinstance(kept, str) and not re.fullmatch(r"\d+s", kept):
        yield Problem("automatedBackupConfig.retention", f"{kept!r} must be seconds with an s")


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="gcp:memorystore/instance:Instance",
        name="instanceId",
        immutable=frozenset(
            {
                "authorizationMode",
                "desiredAutoCreatedEndpoints#",
                "desiredPscAutoConnections#",
                "gcsSource",
                "kmsKey",
                "location",
                "managedBackupSource",
                "mode",
                "project",
                "serverCaMode",
                "serverCaPool",
                "transitEncryptionMode",
                "zoneDistributionConfig.zone",
            }
        ),
        rules=(
            LABELS,
            shape(
                _shards,
                _spread,
                _authority,
                _encrypted,
                _kept,
                name="shape",
                fix="set what belongs together: the mode and its shards, the zone, the authority, seconds with an s",
            ),
            conflicts("desiredAutoCreatedEndpoints", "desiredPscAutoConnections"),
            between("replicaCount", 0, 5),
            between("shardCount", 1, 250),
            one_of("mode", _MODES),
            one_of("nodeType", _NODES),
            one_of("engineVersion", _VERSIONS),
            one_of("authorizationMode", ("AUTH_DISABLED", "IAM_AUTH", "TOKEN_AUTH")),
            one_of("transitEncryptionMode", ("TRANSIT_ENCRYPTION_DISABLED", "SERVER_AUTHENTICATION")),
            one_of("serverCaMode", _AUTHORITIES),
            one_of("zoneDistributionConfig.mode", ("MULTI_ZONE", "SINGLE_ZONE")),
            one_of("persistenceConfig.mode", ("DISABLED", "RDB", "AOF")),
            one_of("deletionPolicy", ("ABANDON", "DELETE", "PREVENT")),
            matches(
                "instanceId",
                r"[a-z0-9][a-z0-9-]{2,61}[a-z0-9]",
                "4 to 63 lower-case letters, digits and -, beginning with a letter or digit",
            ),
        ),
    ),
)
