"""What a resource graph guarantees: read from inputs, cloud by cloud, into the words of the capability list.

A graph is a list of resources, either as `pulumi stack export` writes them or as (type, name, inputs). A setting that
is absent counts as the cloud's default, which is never the safe one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components.clouds import gpu
from components.parity.capabilities import NOT_APPLICABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Row = Mapping[str, Any] | tuple[str, str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Resources by type: (logical name, inputs)."""

    by_type: Mapping[str, list[tuple[str, Mapping[str, Any]]]]

    @classmethod
    def of(cls, resources: Iterable[Row]) -> Graph:
        """A graph out of exported resources or of (type, name, inputs). What is marked for deletion is left out."""
        found: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
        for row in resources:
            if isinstance(row, tuple):
                kind, name, inputs = row
            elif row.get("delete"):
                continue
            else:
                kind, name = str(row.get("type", "")), str(row.get("urn", "")).rsplit("::", 1)[-1]
                inputs = row.get("inputs") or {}
            found.setdefault(kind, []).append((name, inputs))
        return cls(by_type=found)

    def all(self, kind: str) -> list[Mapping[str, Any]]:
        """The inputs of every resource of a type."""
        return [inputs for _, inputs in self.by_type.get(kind, [])]

    def first(self, kind: str) -> Mapping[str, Any] | None:
        """The inputs of the first resource of a type."""
        return next(iter(self.all(kind)), None)


@dataclass(frozen=True, kw_only=True)
class Pool:
    """A GPU pool as declared to a cloud. `minimum` is None when nothing scales it."""

    machine: str
    gpus: int | None
    minimum: int | None


def guarantees(resources: Iterable[Row], cloud: str) -> dict[str, str | None]:
    """Capability id to value. None is `unknown`: the graph does not hold the resource that would tell. Pure."""
    graph = Graph.of(resources)
    read = _READERS[cloud]
    pools = read.pools(graph)
    return {
        "kubernetes.minor": read.minor(graph),
        "api.private": read.api(graph),
        "secrets.encryption": read.secrets(graph),
        "gpu.class": _classes(cloud, pools),
        "gpu.scale_from_zero": _from_zero(pools, engine=read.engine(graph)),
        "bucket.public_access": read.bucket(graph),
    }


def _classes(cloud: str, pools: list[Pool]) -> str | None:
    """The class that each machine meets by the facts: a label may say what it likes."""
    if not pools:
        return NOT_APPLICABLE
    found: list[str] = []
    for pool in pools:
        facts = next((one for one in gpu.MACHINES.get(cloud, ()) if one.instance_type == pool.machine), None)
        if facts is None:
            return None
        found.append(f"{facts.gpu_class}/{pool.gpus if pool.gpus is not None else facts.gpus}")
    return "_".join(sorted(found))


def _from_zero(pools: list[Pool], *, engine: bool) -> str:
    if not pools:
        return NOT_APPLICABLE
    return "yes" if engine and all(pool.minimum == 0 for pool in pools) else "no"


def _at(value: Any, *path: str) -> Any:
    for step in path:
        value = value.get(step) if hasattr(value, "get") else None
    return value


def _minor(version: Any) -> str | None:
    return ".".join(version.split(".")[:2]) if isinstance(version, str) and version.count(".") else None


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


@dataclass(frozen=True, kw_only=True)
class _Reader:
    minor: Callable[[Graph], str | None]
    api: Callable[[Graph], str | None]
    secrets: Callable[[Graph], str | None]
    bucket: Callable[[Graph], str | None]
    pools: Callable[[Graph], list[Pool]]
    engine: Callable[[Graph], bool]


_ALI_CLUSTER, _ALI_POOL = "alicloud:cs/managedKubernetes:ManagedKubernetes", "alicloud:cs/nodePool:NodePool"
_GCP_CLUSTER, _GCP_POOL = "gcp:container/cluster:Cluster", "gcp:container/nodePool:NodePool"
_AZ_CLUSTER, _AZ_POOL = "azure-native:containerservice:ManagedCluster", "azure-native:containerservice:AgentPool"


def _cluster(kind: str, judge: Callable[[Mapping[str, Any]], str | None]) -> Callable[[Graph], str | None]:
    def read(graph: Graph) -> str | None:
        cluster = graph.first(kind)
        return None if cluster is None else judge(cluster)

    return read


def _word(*, good: bool, yes: str, no: str) -> str:
    return yes if good else no


def _ali_pools(graph: Graph) -> list[Pool]:
    found: list[Pool] = []
    for pool in graph.all(_ALI_POOL):
        if _at(pool, "scalingConfig", "type") != "gpu":
            continue
        machines = pool.get("instanceTypes") or [""]
        scaled = _at(pool, "scalingConfig", "enable") is True
        minimum = _whole(_at(pool, "scalingConfig", "minSize")) if scaled else None
        found.append(Pool(machine=str(machines[0]), gpus=None, minimum=minimum))
    return found


def _ali_bucket(graph: Graph) -> str | None:
    buckets = graph.all("alicloud:oss/bucket:Bucket")
    blocks = graph.all("alicloud:oss/bucketPublicAccessBlock:BucketPublicAccessBlock")
    if not buckets:
        return None
    blocked = sum(block.get("blockPublicAccess") is True for block in blocks) >= len(buckets)
    plain = all(bucket.get("acl") in (None, "private") for bucket in buckets)
    return _word(good=blocked and plain, yes="blocked", no="possible")


def _gcp_pools(graph: Graph) -> list[Pool]:
    found: list[Pool] = []
    for pool in graph.all(_GCP_POOL):
        accelerators = _at(pool, "nodeConfig", "guestAccelerators") or []
        if not accelerators:
            continue
        scaling = pool.get("autoscaling") or {}
        minimum = scaling.get("totalMinNodeCount", scaling.get("minNodeCount", 0)) if scaling else None
        machine = str(_at(pool, "nodeConfig", "machineType") or "")
        found.append(Pool(machine=machine, gpus=_whole(accelerators[0].get("count")), minimum=_whole(minimum)))
    return found


def _gcp_private(cluster: Mapping[str, Any]) -> str:
    private = _at(cluster, "privateClusterConfig", "enablePrivateEndpoint") is True
    outside = _at(cluster, "controlPlaneEndpointsConfig", "dnsEndpointConfig", "allowExternalTraffic") is True
    return _word(good=private and not outside, yes="private", no="public")


def _gcp_bucket(graph: Graph) -> str | None:
    buckets = graph.all("gcp:storage/bucket:Bucket")
    good = all(
        bucket.get("publicAccessPrevention") == "enforced" and bucket.get("uniformBucketLevelAccess") is True
        for bucket in buckets
    )
    return _word(good=good, yes="blocked", no="possible") if buckets else None


def _az_pools(graph: Graph) -> list[Pool]:
    found: list[Pool] = []
    for pool in graph.all(_AZ_POOL):
        if not (pool.get("gpuProfile") or _at(pool, "nodeLabels", "twain/gpu-class")):
            continue
        scaled = pool.get("enableAutoScaling") is True
        minimum = _whole(pool.get("minCount")) if scaled else None
        found.append(Pool(machine=str(pool.get("vmSize") or ""), gpus=None, minimum=minimum))
    return found


def _az_private(cluster: Mapping[str, Any]) -> str:
    access = cluster.get("apiServerAccessProfile") or {}
    good = access.get("enablePrivateCluster") is True and access.get("enablePrivateClusterPublicFQDN") is False
    return _word(good=good, yes="private", no="public")


def _az_bucket(graph: Graph) -> str | None:
    accounts = graph.all("azure-native:storage:StorageAccount")
    containers = graph.all("azure-native:storage:BlobContainer")
    good = all(account.get("allowBlobPublicAccess") is False for account in accounts) and all(
        container.get("publicAccess") in (None, "None") for container in containers
    )
    return _word(good=good, yes="blocked", no="possible") if accounts else None


def _customer_key(*, good: bool) -> str:
    return _word(good=good, yes="customer-key", no="cloud-key")


_READERS: dict[str, _Reader] = {
    "alicloud": _Reader(
        minor=_cluster(_ALI_CLUSTER, lambda cluster: _minor(cluster.get("version"))),
        api=_cluster(
            _ALI_CLUSTER,
            lambda cluster: _word(good=cluster.get("slbInternetEnabled") is False, yes="private", no="public"),
        ),
        secrets=_cluster(
            _ALI_CLUSTER,
            lambda cluster: _customer_key(
                good=bool(cluster.get("encryptionProviderKey")) and cluster.get("disableEncryption") is False
            ),
        ),
        bucket=_ali_bucket,
        pools=_ali_pools,
        engine=lambda graph: any(
            engine.get("scaleUpFromZero") is True
            for engine in graph.all("alicloud:cs/autoscalingConfig:AutoscalingConfig")
        ),
    ),
    "gcp": _Reader(
        minor=_cluster(_GCP_CLUSTER, lambda cluster: _minor(cluster.get("minMasterVersion"))),
        api=_cluster(_GCP_CLUSTER, _gcp_private),
        secrets=_cluster(
            _GCP_CLUSTER,
            lambda cluster: _customer_key(
                good=_at(cluster, "databaseEncryption", "state") == "ENCRYPTED"
                and bool(_at(cluster, "databaseEncryption", "keyName"))
            ),
        ),
        bucket=_gcp_bucket,
        pools=_gcp_pools,
        engine=lambda _: True,
    ),
    "azure": _Reader(
        minor=_cluster(_AZ_CLUSTER, lambda cluster: _minor(cluster.get("kubernetesVersion"))),
        api=_cluster(_AZ_CLUSTER, _az_private),
        secrets=_cluster(
            _AZ_CLUSTER,
            lambda cluster: _customer_key(
                good=_at(cluster, "securityProfile", "azureKeyVaultKms", "enabled") is True
                and bool(_at(cluster, "securityProfile", "azureKeyVaultKms", "keyId"))
            ),
        ),
        bucket=_az_bucket,
        pools=_az_pools,
        engine=lambda _: True,
    ),
}
