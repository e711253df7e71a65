"""Azure Managed Redis (Redis Enterprise) as ARM enforces it: clusters, databases, who may log in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from components.rules.azure.caches import KEY_URL
from components.rules.checks import strings
from components.rules.model import Problem
from rehearsal.providers.azure_arm import child_of_group, location_of, resolve, system_data
from rehearsal.providers.azure_cluster import IDENTITY, identity_output
from rehearsal.providers.azure_images import key_problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.model import Call, TypeSpec

CLUSTER, DATABASE = "azure-native:redisenterprise:RedisEnterprise", "azure-native:redisenterprise:Database"
# Without shards that clients would see, a database is as large as one node.
_LARGEST_WHOLE = 25
_VERSIONED = re.compile(r"https://[^/]+/keys/[^/]+/[0-9a-f]{32}")


def _encryption(call: Call) -> Iterator[Problem]:
    if call.get(KEY_URL) is None:
        return
    url, path = call.known(f"{KEY_URL}.keyEncryptionKeyUrl"), f"{KEY_URL}.keyEncryptionKeyUrl"
    if url is None and call.get(path) is None:
        yield Problem(path, "is required by the API with a key of your own")
    if isinstance(url, str) and not _VERSIONED.fullmatch(url):
        yield Problem(path, f"{url!r} names no version, and the service takes a key with its version only")
    else:
        yield from key_problems(call, path, of="the cluster")
    user_path = f"{KEY_URL}.keyEncryptionKeyIdentity.userAssignedIdentityResourceId"
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
        rules=(_encryption,),
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
        located=False,
        rules=(_shape,),
    ),
    child_of_group(
        "azure-native:redisenterprise:AccessPolicyAssignment",
        "Microsoft.Cache/redisEnterprise/databases/accessPolicyAssignments",
        "accessPolicyAssignmentName",
        inside=(("clusterName", CLUSTER), ("databaseName", DATABASE)),
        outputs=lambda _call, _id: {"provisioningState": "Succeeded"},
        located=False,
    ),
)
