"""Azure Managed Redis (Redis Enterprise) as ARM enforces it: clusters, databases, who may log in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.rules.azure.arm import in_group
from components.rules.checks import (
    matches,
    not_offered,
    one_of,
    shape,
)
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

# The number is about the memory in GiB; 0 is half of one.
_BALANCED = (0, 1, 3, 5, 10, 20, 50, 100, 150, 250, 350, 500, 700, 1000)
_OTHERS = (10, 20, 50, 100, 150, 250, 350, 500, 700, 1000, 1500, 2000)


_SKUS = (
    *(f"Balanced_B{size}" for size in _BALANCED),
    *(f"MemoryOptimized_M{size}" for size in _OTHERS),
    *(f"ComputeOptimized_X{size}" for size in (3, 5, *_OTHERS[:9])),
    *(f"FlashOptimized_A{size}" for size in (250, 500, 700, 1000, 1500, 2000, 4500)),
)


KEY_URL = "encryption.customerManagedKeyEncryption"
_GUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


def _sku(call: Inputs) -> Iterator[Problem]:
    name = call.known("sku.name")
    if isinstance(name, str) and name not in _SKUS:
        older = name.startswith(("Enterprise_", "EnterpriseFlash_"))
        said = "is retired and takes no new clusters" if older else not_offered(name, _SKUS, what="SKU")
        yield Problem("sku.name", said)


def _capacity(call: Inputs) -> Iterator[Problem]:
    if call.get("sku.capacity") is not None:
        yield Problem("sku.capacity", "is for the Enterprise SKUs, which take no new clusters")


TYPES: tuple[TypeRules, ...] = (
    in_group(
        "azure-native:redisenterprise:RedisEnterprise",
        "clusterName",
        rules=(
            shape(_sku, _capacity, fix="take a SKU that is offered, and no capacity"),
            one_of("publicNetworkAccess", ("Enabled", "Disabled")),
            one_of("highAvailability", ("Enabled", "Disabled")),
            one_of("minimumTlsVersion", ("1.2",)),
            one_of("identity.type", ("None", "SystemAssigned", "UserAssigned", "SystemAssigned, UserAssigned")),
            one_of(
                f"{KEY_URL}.keyEncryptionKeyIdentity.identityType", ("userAssignedIdentity", "systemAssignedIdentity")
            ),
            matches(
                "clusterName",
                r"(?=.{1,60}$)[A-Za-z0-9]+(-[A-Za-z0-9]+)*",
                "1 to 60 letters, digits and single -",
            ),
        ),
    ),
    in_group(
        "azure-native:redisenterprise:Database",
        "databaseName",
        inside=("clusterName",),
        immutable=frozenset({"clusteringPolicy", "geoReplication.groupNickname", "modules", "port"}),
        located=False,
        rules=(
            one_of("databaseName", ("default",)),
            one_of("port", (10_000,)),
            one_of("clientProtocol", ("Encrypted", "Plaintext")),
            one_of("clusteringPolicy", ("EnterpriseCluster", "OSSCluster", "NoCluster")),
            one_of("accessKeysAuthentication", ("Enabled", "Disabled")),
            one_of("deferUpgrade", ("Deferred", "NotDeferred")),
            one_of(
                "evictionPolicy",
                (
                    *("AllKeysLFU", "AllKeysLRU", "AllKeysRandom", "NoEviction"),
                    *("VolatileLFU", "VolatileLRU", "VolatileRandom", "VolatileTTL"),
                ),
            ),
        ),
    ),
    in_group(
        "azure-native:redisenterprise:AccessPolicyAssignment",
        "accessPolicyAssignmentName",
        inside=("clusterName", "databaseName"),
        immutable=frozenset({"accessPolicyName", "user"}),
        located=False,
        rules=(
            one_of("accessPolicyName", ("default",)),
            matches("accessPolicyAssignmentName", r"[A-Za-z0-9]{1,60}", "1 to 60 letters and digits"),
            matches("user.objectId", _GUID, "a principal's GUID"),
        ),
    ),
)
