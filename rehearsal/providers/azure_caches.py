"""Azure Managed Redis (Redis Enterprise) as ARM enforces it: clusters, databases, who may log in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rehearsal.providers.azure_arm import child_of_group, location_of, resolve, system_data
from rehearsal.providers.azure_cluster import IDENTITY, identity_output
from rehearsal.providers.azure_images import key_problems
from rehearsal.providers.rules import matches, not_offered, one_of, strings
from rehearsal.providers.sdktypes import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.model import Call, TypeSpec

CLUSTER, DATABASE = "azure-native:redisenterprise:RedisEnterprise", "azure-native:redisenterprise:Database"
# The number is about the memory in GiB; 0 is half of one.
_BALANCED = (0, 1, 3, 5, 10, 20, 50, 100, 150, 250, 350, 500, 700, 1000)
_OTHERS = (10, 20, 50, 100, 150, 250, 350, 500, 700, 1000, 1500, 2000)
_SKUS = (
    *(f"Balanced_B{size}" for size in _BALANCED),
    *(f"MemoryOptimized_M{size}" for size in _OTHERS),
    *(f"ComputeOptimized_X{size}" for size in (3, 5, *_OTHERS[:10])),
    *(f"FlashOptimized_A{size}" for size in (250, 500, 700, 1000, 1500, 2000, 4500)),
)
# Without shards that clients would see, a database is as large as one node.
_LARGEST_WHOLE = 25
_KEY = "encryption.customerManagedKeyEncryption"
_VERSIONED = re.compile(r"https://[^/]+/keys/[^/]+/[0-9a-f]{32}")
_GUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


def _sku(call: Call) -> Iterator[Problem]:
    name = call.known("sku.name")
    if isinstance(name, str) and name not in _SKUS:
        older = name.startswith(("Enterprise_", "EnterpriseFlash_"))
        said = "is retired and takes no new clusters" if older else not_offered(name, _SKUS, what="SKU")
        yield Problem("sku.name", said)
    if call.get("sku.capacity") is not None:
        yield Problem("sku.capacity", "is for the Enterprise SKUs, which take no new clusters")


def _encryption(call: Call) -> Iterator[Problem]:
    if call.get(_KEY) is None:
        return
    url, path = call.known(f"{_KEY}.keyEncryptionKeyUrl"), f"{_KEY}.keyEncryptionKeyUrl"
    if url is None and call.get(path) is None:
        yield Problem(path, "is required by the API with a key of your own")
    if isinstance(url, str) and not _VERSIONED.fullmatch(url):
        yield Problem(path, f"{url!r} names no version, and the service takes a key with its version only")
    else:
        yield from key_problems(call, path, of="the cluster")
    user_path = f"{_KEY}.keyEncryptionKeyIdentity.userAssignedIdentityResourceId"
    if call.get(user_path) is None:
        yield Problem(user_path, "is required by the API with a key of your own")
    if call.get("identity") is None:
        yield Problem("identity", "is required by the API with a key of your own: the cluster reads the key by it")
    users = [one.lower() for one in strings(call.known("identity.userAssignedIdentities"))]
    user = call.text(user_path)
    if user and users and user.lower() not in users:
        yield Problem(user_path, f"{user!r} is none of the cluster's identities")


def _outputs(call: Call, id_: str) -> dict[str, Any]:
    identity = identity_output(call, id_)
    return {
        "hostName": f"{call.text('clusterName').lower()}.{location_of(call)}.redis.azure.net",
        "kind": "v2",
        "privateEndpointConnections": [],
        "provisioningState": "Succeeded",
        "redisVersion": "7.4",
        "redundancyMode": "ZR" if call.known("highAvailability") != "Disabled" else "None",
        "resourceState": "Running",
    } | ({"identity": identity} if identity else {})


def _shape(call: Call) -> Iterator[Problem]:
    cluster = resolve(call, CLUSTER, call.text("clusterName"))
    size = re.search(r"_[A-Z](\d+)$", str((cluster.inputs.get("sku") or {}).get("name")) if cluster else "")
    if size and call.known("clusteringPolicy") == "NoCluster" and int(size[1]) > _LARGEST_WHOLE:
        yield Problem("clusteringPolicy", f"NoCluster is for {_LARGEST_WHOLE} GiB at most, not {size[1]}")
    for path in ("persistence.aofFrequency", "persistence.rdbFrequency"):
        switch = path.replace("Frequency", "Enabled")
        if call.get(path) is not None and call.known(switch) is not True:
            yield Problem(path, f"is taken only when {switch} is true")
    if call.known("persistence.aofEnabled") is True and call.known("persistence.rdbEnabled") is True:
        yield Problem("persistence.rdbEnabled", "conflicts with persistence.aofEnabled: never set both")


CACHE_TYPES: tuple[TypeSpec, ...] = (
    child_of_group(
        CLUSTER,
        "Microsoft.Cache/redisEnterprise",
        "clusterName",
        outputs=_outputs,
        parents=(("identity.userAssignedIdentities[]", IDENTITY),),
        rules=(
            _sku,
            _encryption,
            one_of("publicNetworkAccess", ("Enabled", "Disabled")),
            one_of("highAvailability", ("Enabled", "Disabled")),
            one_of("minimumTlsVersion", ("1.2",)),
            one_of("identity.type", ("None", "SystemAssigned", "UserAssigned", "SystemAssigned, UserAssigned")),
            one_of(f"{_KEY}.keyEncryptionKeyIdentity.identityType", ("userAssignedIdentity",)),
            matches(
                "clusterName",
                r"(?=.{1,60}$)[A-Za-z0-9]+(-[A-Za-z0-9]+)*",
                "1 to 60 letters, digits and single -",
            ),
        ),
    ),
    child_of_group(
        DATABASE,
        "Microsoft.Cache/redisEnterprise/databases",
        "databaseName",
        inside=(("clusterName", CLUSTER),),
        outputs=lambda _call, _id: {
            "provisioningState": "Succeeded",
            "redisVersion": "7.4",
            "resourceState": "Running",
            "systemData": system_data(),
        },
        immutable=frozenset({"clusteringPolicy", "geoReplication.groupNickname", "modules", "port"}),
        located=False,
        rules=(
            _shape,
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
    child_of_group(
        "azure-native:redisenterprise:AccessPolicyAssignment",
        "Microsoft.Cache/redisEnterprise/databases/accessPolicyAssignments",
        "accessPolicyAssignmentName",
        inside=(("clusterName", CLUSTER), ("databaseName", DATABASE)),
        outputs=lambda _call, _id: {"provisioningState": "Succeeded"},
        immutable=frozenset({"accessPolicyName", "user"}),
        located=False,
        rules=(
            one_of("accessPolicyName", ("default",)),
            matches("accessPolicyAssignmentName", r"[A-Za-z0-9]{1,60}", "1 to 60 letters and digits"),
            matches("user.objectId", _GUID, "a principal's GUID"),
        ),
    ),
)
