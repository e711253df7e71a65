"""What holds data or keys, by type, and what keeps it from being deleted. Pure: from types and states only.

A store is protected twice: in the engine's state, so that no run deletes or replaces it, and by its cloud where the
cloud can. Both are lifted in a step of its own, never by the run that destroys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STORES: Final[Mapping[str, str]] = {
    "alicloud:cr/registryEnterpriseInstance:RegistryEnterpriseInstance": "registry",
    "alicloud:cs/managedKubernetes:ManagedKubernetes": "cluster",
    "alicloud:kms/key:Key": "key",
    "alicloud:kms/secret:Secret": "secret",
    "alicloud:kvstore/instance:Instance": "cache",
    "alicloud:log/project:Project": "logs",
    "alicloud:nas/fileSystem:FileSystem": "file store",
    "alicloud:oss/bucket:Bucket": "bucket",
    "alicloud:rds/instance:Instance": "database",
    "alicloud:redis/tairInstance:TairInstance": "cache",
    "azure-native:cache:Redis": "cache",
    "azure-native:containerregistry:Registry": "registry",
    "azure-native:containerservice:ManagedCluster": "cluster",
    "azure-native:dbforpostgresql:Server": "database",
    "azure-native:keyvault:Key": "key",
    "azure-native:keyvault:Vault": "key",
    "azure-native:operationalinsights:Workspace": "logs",
    "azure-native:redisenterprise:RedisEnterprise": "cache",
    "azure-native:storage:BlobContainer": "bucket",
    "azure-native:storage:FileShare": "file store",
    "azure-native:storage:StorageAccount": "bucket",
    "gcp:artifactregistry/repository:Repository": "registry",
    "gcp:container/cluster:Cluster": "cluster",
    "gcp:filestore/instance:Instance": "file store",
    "gcp:kms/cryptoKey:CryptoKey": "key",
    "gcp:logging/projectBucketConfig:ProjectBucketConfig": "logs",
    "gcp:memorystore/instance:Instance": "cache",
    "gcp:redis/instance:Instance": "cache",
    "gcp:secretmanager/regionalSecret:RegionalSecret": "secret",
    "gcp:sql/databaseInstance:DatabaseInstance": "database",
    "gcp:storage/bucket:Bucket": "bucket",
}
LOCK: Final = "azure-native:authorization:ManagementLockByScope"

# Inputs by which clouds keep a resource from being deleted, and the values that do.
_FLAGS: Final[Mapping[str, tuple[Any, ...]]] = {
    "deletionProtection": (True, "Enabled"),
    "deletionProtectionEnabled": (True,),
    "deletionPolicy": ("PREVENT",),
    "forceDestroy": (False,),
}


def is_store(type_: str) -> bool:
    """Whether a resource of this type holds data or keys."""
    return type_ in STORES


def held_by(resource: Mapping[str, Any]) -> str | None:
    """What keeps a resource of a state from being deleted; None where nothing does."""
    inputs = resource.get("inputs") or {}
    if resource.get("type") == LOCK:
        return f"a lock on {str(inputs.get('scope')).rsplit('/', 1)[-1]}"
    if resource.get("protect"):
        return "protected in the state"
    for name, values in _FLAGS.items():
        # `1 == True`: a flag is compared with its type.
        if any(type(inputs.get(name)) is type(value) and inputs[name] == value for value in values if name in inputs):
            return f"{name} is {inputs[name]}"
    return None


def held(resources: Sequence[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], str]]:
    """What cannot be deleted now, stores first, each with what keeps it."""
    found = [(resource, why) for resource in resources if (why := held_by(resource)) is not None]
    return sorted(found, key=lambda one: (not is_store(one[0]["type"]), one[0]["urn"]))


def stores(resources: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The resources of a state that hold data or keys."""
    return [resource for resource in resources if is_store(resource["type"])]


def told(resource: Mapping[str, Any], why: str | None = None) -> str:
    """A resource for a person: what it is, its name, its id, and what keeps it."""
    kind = "lock" if resource["type"] == LOCK else STORES.get(resource["type"], resource["type"].rsplit(":", 1)[-1])
    name = resource["urn"].rsplit("::", 1)[-1]
    return f"{kind} {name} ({resource.get('id') or 'no id'}{f'; {why}' if why else ''})"
