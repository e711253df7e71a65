"""What the inputs of Alibaba Cloud's resources guarantee."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from components.clouds.gateways import ALICLOUD_CONTROLLER
from components.parity import graph as g
from components.parity.pools import Pool, Pools, of_clusters, of_gpu_pools

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.parity.graph import Fact, Graph, Inputs, Reader

CLUSTER, POOL = "alicloud:cs/managedKubernetes:ManagedKubernetes", "alicloud:cs/nodePool:NodePool"
_ENGINE = "alicloud:cs/autoscalingConfig:AutoscalingConfig"
_HIDDEN_POOL: Final[Inputs] = {
    "systemDiskEncrypted": g.HIDDEN,
    "systemDiskKmsKey": g.HIDDEN,
    "internetMaxBandwidthOut": g.HIDDEN,
    "instanceMetadataOptions": g.HIDDEN,
    "management": g.HIDDEN,
}
_BUCKET = "alicloud:oss/bucket:Bucket"
_BLOCK = "alicloud:oss/bucketPublicAccessBlock:BucketPublicAccessBlock"
_RDS, _BACKUP = "alicloud:rds/instance:Instance", "alicloud:rds/backupPolicy:BackupPolicy"
_SHARING, _TAINT = "ack.node.gpu.schedule", "nvidia.com/gpu"
# Machines with NVIDIA devices: elastic, bare metal, shared, virtual.
_FAMILY = re.compile(r"ecs\.(ebm|s|v)?gn\d")
_DRIVER = "ack.aliyun.com/nvidia-driver-version"


def pools(graph: Graph) -> Pools:
    """The pools that scale with GPUs or have machines with them, and the cluster-wide engine that scales them."""
    engines = graph.all(_ENGINE)
    return Pools(
        cloud="alicloud",
        pools=[_pool(one) for one in graph.all(POOL) if _is_gpu(one) is True],
        seen=bool(graph.all(CLUSTER)),
        engine=g.some(g.is_(engine.get("scaleDownEnabled"), True) for engine in engines),
        from_zero=g.some(g.is_(engine.get("scaleUpFromZero"), True) for engine in engines),
        unread=unread(graph),
    )


def unread(graph: Graph) -> tuple[str, ...]:
    """Why a cell may have GPU pools that it does not declare."""
    found = [why for cluster in graph.all(CLUSTER) for why in _makes_nodes(cluster)]
    if any(_is_gpu(one) is None for one in graph.all(POOL)):
        found.append("the machines of a pool cannot be read (instanceTypes)")
    return tuple(dict.fromkeys(found))


def _makes_nodes(cluster: Inputs) -> Iterator[str]:
    if g.is_(g.at(cluster, "autoMode", "enabled"), True) is not False:
        yield "the cluster makes nodes by itself (autoMode.enabled)"
    if g.is_(cluster.get("profile"), "Serverless", "Acs") is not False:
        yield "a cluster of this profile has no pools that are declared (profile)"


def _is_gpu(pool: Inputs) -> Fact:
    machines = g.listed(pool, "instanceTypes")
    if g.at(pool, "scalingConfig", "type") == "gpu":
        return True
    if machines is None:
        return None
    return g.some(None if g.readable(one) is g.HIDDEN else bool(_FAMILY.match(str(one))) for one in machines)


def _nodes_of(graph: Graph) -> list[Inputs]:
    """All pools, and one that cannot be read for the nodes that a cluster makes by itself."""
    unseen = [_HIDDEN_POOL for cluster in graph.all(CLUSTER) if any(_makes_nodes(cluster))]
    return [*graph.all(POOL), *unseen[:1]]


def _pool(pool: Inputs) -> Pool:
    machines = g.listed(pool, "instanceTypes")
    labels, taints = g.listed(pool, "labels"), g.listed(pool, "taints")
    scaled = g.is_(g.at(pool, "scalingConfig", "enable"), True)
    modes = [g.at(one, "value") for one in labels or () if g.at(one, "key") == _SHARING]
    return Pool(
        machine=str(machines[0]) if machines else None,
        scaled=scaled,
        minimum=g.whole(g.at(pool, "scalingConfig", "minSize")) if scaled else None,
        exclusive=None if labels is None else g.every(g.is_(mode, "default") for mode in modes),
        tainted=None if taints is None else g.some(g.is_(g.at(one, "key"), _TAINT) for one in taints),
    )


def _images(graph: Graph) -> str | None:
    """Held where no pool is patched. The whole cell is as good as its pool that is not."""
    patched = [g.is_(g.at(one, "management", "autoVulFix"), True) for one in _nodes_of(graph)]
    return _cluster(graph, *patched, yes="automatic", no="held")


def _driver(graph: Graph) -> str | None:
    """The version that a pool's label names; without the label the cloud's own choice."""
    found: list[str | None] = []
    for pool in (one for one in graph.all(POOL) if _is_gpu(one) is True):
        labels = g.listed(pool, "labels")
        named = [g.at(one, "value") for one in labels or () if g.at(one, "key") == _DRIVER]
        word = named[0] if named else "stable"
        found.append(None if labels is None else str(word))
    return g.drivers(found, seen=bool(graph.all(CLUSTER)), whole=not unread(graph))


def _cluster(graph: Graph, *facts: Fact, yes: str, no: str) -> str | None:
    return g.word(g.every(facts), yes=yes, no=no) if graph.all(CLUSTER) else None


def _api(graph: Graph) -> str | None:
    facts = [g.is_(one.get("slbInternetEnabled"), False) for one in graph.all(CLUSTER)]
    return _cluster(graph, *facts, yes="private", no="public")


def _secrets(graph: Graph) -> str | None:
    facts = [
        fact
        for one in graph.all(CLUSTER)
        for fact in (g.given(one.get("encryptionProviderKey")), g.is_(one.get("disableEncryption"), False))
    ]
    return _cluster(graph, *facts, yes="customer-key", no="cloud-key")


def _rotation(graph: Graph) -> str | None:
    # What signs is kept as it is, so that what it signed can be verified for years.
    keys = [key for key in graph.all("alicloud:kms/key:Key") if key.get("keyUsage") != "SIGN/VERIFY"]
    if any(g.is_(key.get("automaticRotation"), "Enabled") is False for key in keys):
        return "none"
    found = (g.at(key, "rotationInterval") for key in keys)
    return g.days((int(one[:-1]) if isinstance(one, str) and one[:-1].isdigit() else None for one in found),
                  longest=True)  # fmt: skip


def _disks(graph: Graph) -> str | None:
    facts = [
        fact
        for pool in _nodes_of(graph)
        for fact in (g.is_(pool.get("systemDiskEncrypted"), True), g.given(pool.get("systemDiskKmsKey")))
    ]
    return g.resources_in(facts, seen=bool(graph.all(CLUSTER)), yes="customer-key", no="cloud-key")


def _nodes(graph: Graph) -> str | None:
    facts = [g.is_(pool.get("internetMaxBandwidthOut"), 0, 0.0) for pool in _nodes_of(graph)]
    return g.resources_in(facts, seen=bool(graph.all(CLUSTER)), yes="private", no="public")


def _metadata(graph: Graph) -> str | None:
    facts = [g.is_(g.at(pool, "instanceMetadataOptions", "httpTokens"), "required") for pool in _nodes_of(graph)]
    return g.resources_in(facts, seen=bool(graph.all(CLUSTER)), yes="guarded", no="open")


def _public(graph: Graph) -> str | None:
    buckets, blocks = graph.all(_BUCKET), graph.all(_BLOCK)
    blocked = [g.is_(block.get("blockPublicAccess"), True) for block in blocks]
    facts = [*blocked, *(g.is_(bucket.get("acl"), None, "private") for bucket in buckets)]
    # A block names its bucket by an output: fewer blocks than buckets leave one open.
    enough = len(blocks) >= len(buckets)
    return g.resources_in([*facts, enough] if buckets else [], seen=bool(graph.all(CLUSTER)),
                          yes="blocked", no="possible")  # fmt: skip


def _buckets(graph: Graph) -> str | None:
    facts = [
        g.every(
            (
                g.is_(g.at(bucket, "serverSideEncryptionRule", "sseAlgorithm"), "KMS"),
                g.given(g.at(bucket, "serverSideEncryptionRule", "kmsMasterKeyId")),
            )
        )
        for bucket in graph.all(_BUCKET)
    ]
    return g.resources_in(facts, seen=bool(graph.all(CLUSTER)), yes="customer-key", no="cloud-key")


def _versions(graph: Graph) -> str | None:
    facts = [g.is_(g.at(bucket, "versioning", "status"), "Enabled") for bucket in graph.all(_BUCKET)]
    return g.resources_in(facts, seen=bool(graph.all(CLUSTER)), yes="on", no="off")


def _files(graph: Graph) -> str | None:
    facts = [
        g.every((g.is_(one.get("encryptType"), 2, 2.0), g.given(one.get("kmsKeyId"))))
        for one in graph.all("alicloud:nas/fileSystem:FileSystem")
    ]
    return g.resources_in(facts, seen=bool(graph.all(CLUSTER)), yes="customer-key", no="cloud-key")


def _registry(graph: Graph) -> str | None:
    # The registry's layers lie in a bucket: its own, or one of ours that our key encrypts.
    facts = [
        g.every((g.given(one.get("customOssBucket")), _buckets(graph) == "customer-key"))
        for one in graph.all("alicloud:cr/registryEnterpriseInstance:RegistryEnterpriseInstance")
    ]
    return g.resources_in(facts, seen=bool(graph.all(CLUSTER)), yes="customer-key", no="cloud-key")


def _database(graph: Graph, *facts: Fact, yes: str, no: str) -> str | None:
    return g.resources_in(facts, seen=bool(graph.all(CLUSTER)), yes=yes, no=no)


def _zones(graph: Graph) -> str | None:
    facts = [
        g.every((g.is_(one.get("category"), "HighAvailability", "cluster"), g.given(one.get("zoneIdSlaveA"))))
        for one in graph.all(_RDS)
    ]
    return _database(graph, *facts, yes="two-zones", no="one-zone")


def _backup(graph: Graph) -> str | None:
    databases, policies = graph.all(_RDS), graph.all(_BACKUP)
    if not databases:
        return _database(graph, yes="", no="")
    if len(policies) < len(databases):
        return "none"
    return g.days(g.whole(g.at(one, "backupRetentionPeriod")) for one in policies)


def _database_key(graph: Graph) -> str | None:
    facts = [g.given(one.get("encryptionKey")) for one in graph.all(_RDS)]
    return _database(graph, *facts, yes="customer-key", no="cloud-key")


def _database_tls(graph: Graph) -> str | None:
    facts = [g.is_(one.get("sslAction"), "Open", "Update") for one in graph.all(_RDS)]
    return _database(graph, *facts, yes="required", no="optional")


def _cache_tls(graph: Graph) -> str | None:
    facts = [g.is_(one.get("sslEnabled"), "Enable") for one in graph.all("alicloud:redis/tairInstance:TairInstance")]
    return _database(graph, *facts, yes="required", no="optional")


def _network(graph: Graph) -> str | None:
    facts: list[Fact] = []
    for cluster in graph.all(CLUSTER):
        addons = g.listed(cluster, "addons")
        configs = [str(g.at(one, "config") or "") for one in addons or () if "terway" in str(g.at(one, "name"))]
        facts.append(
            None if addons is None else any('"NetworkPolicy":"true"' in one.replace(" ", "") for one in configs)
        )
    return _cluster(graph, *facts, yes="enforced", no="ignored")


def _retention(graph: Graph) -> str | None:
    stores = graph.all("alicloud:log/store:Store")
    if not stores:
        return g.resources_in([], seen=bool(graph.all(CLUSTER)), yes="", no="")
    return g.days(g.whole(g.at(one, "retentionPeriod")) for one in stores)


def _metrics(graph: Graph) -> str | None:
    instances = graph.all("alicloud:cms/prometheusInstance:PrometheusInstance")
    kept = [(g.whole(g.at(one, "storageDuration")) or 0) > 0 for one in instances]
    return _cluster(graph, g.some(kept), yes="on", no="off")


def _alarm(graph: Graph) -> str | None:
    asked = [g.at(one, "queryConfig", "expr") for one in graph.all("alicloud:cms/alertRuleV2:AlertRuleV2")]
    return _cluster(graph, g.some(g.misses(one) for one in asked), yes="told", no="none")


def _identity(graph: Graph) -> str | None:
    facts = [g.is_(one.get("enableRrsa"), True) for one in graph.all(CLUSTER)]
    return _cluster(graph, *facts, yes="federated", no="none")


def _audit(graph: Graph) -> str | None:
    facts = [g.is_(g.at(one, "auditLogConfig", "enabled"), True) for one in graph.all(CLUSTER)]
    return _cluster(graph, *facts, yes="on", no="off")


def _gateway(graph: Graph) -> str | None:
    """A component that was installed by itself; a cluster's list of components counts as well."""
    names = [one.get("name") for one in graph.all("alicloud:cs/kubernetesAddon:KubernetesAddon")]
    for cluster in graph.all(CLUSTER):
        names += [g.at(one, "name") for one in g.listed(cluster, "addons") or ()]
    return _cluster(graph, g.some(g.is_(name, ALICLOUD_CONTROLLER) for name in names), yes="declared", no="none")


def _protected(graph: Graph) -> str | None:
    facts = [g.is_(one.get("deletionProtection"), True) for one in graph.all(CLUSTER)]
    return _cluster(graph, *facts, yes="cloud", no="none")


def _versions_of_clusters(graph: Graph) -> list[object]:
    return [one.get("version") for one in graph.all(CLUSTER)]


READERS: dict[str, Reader] = {
    **of_clusters(pools, _versions_of_clusters),
    "api.private": _api,
    "secrets.encryption": _secrets,
    "keys.rotation": _rotation,
    "disks.encryption": _disks,
    "nodes.private": _nodes,
    "nodes.metadata": _metadata,
    "nodes.images": _images,
    "gpu.driver": _driver,
    **of_gpu_pools(pools),
    "bucket.public_access": _public,
    "bucket.encryption": _buckets,
    "bucket.versioning": _versions,
    "files.encryption": _files,
    "registry.encryption": _registry,
    "database.availability": _zones,
    "database.backup": _backup,
    "database.encryption": _database_key,
    "database.tls": _database_tls,
    "cache.tls": _cache_tls,
    "identity.keyless": _identity,
    "network.policy": _network,
    "audit.log": _audit,
    "log.retention": _retention,
    "metrics.managed": _metrics,
    "deletion.protection": _protected,
    "gateway.controller": _gateway,
    # No resource of the provider can be one, so a cluster in view has none.
    "alarm.silent": _alarm,
    "budget.alert": lambda graph: "none" if graph.all(CLUSTER) else None,
}
