"""What the inputs of Google Cloud's resources guarantee."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.parity import graph as g
from components.parity.gcp_pools import CLUSTER, autopilot, is_gpu, nodes, pools
from components.parity.pools import of_clusters, of_gpu_pools

if TYPE_CHECKING:
    from components.parity.graph import Fact, Graph, Reader

_BUCKET, _SQL = "gcp:storage/bucket:Bucket", "gcp:sql/databaseInstance:DatabaseInstance"
_DAY_S = 86_400


def _images(graph: Graph) -> str | None:
    """Held where an exclusion without an end keeps node upgrades away."""
    facts: list[Fact] = []
    for one in graph.all(CLUSTER):
        policy = g.at(one, "maintenancePolicy")
        if policy is None:
            facts.append(True)
            continue
        kept = g.listed(policy, "maintenanceExclusions")
        scopes = [g.at(exclusion, "exclusionOptions", "scope") for exclusion in kept or ()]
        held = g.some(g.is_(scope, "NO_MINOR_OR_NODE_UPGRADES", "NO_UPGRADES") for scope in scopes)
        facts.append(None if kept is None or held is None else not held)
    return _cluster(graph, *facts, yes="automatic", no="held")


def _driver(graph: Graph) -> str | None:
    """The channel that every accelerator of the pools is told, in the fleet's words."""
    told = {"DEFAULT": "stable", "LATEST": "newest", "INSTALLATION_DISABLED": "none"}
    found: list[str | None] = []
    declared = nodes(graph)
    for pool in (one for one in declared.rows if is_gpu(one) is True):
        accelerators = g.listed(pool, "nodeConfig", "guestAccelerators")
        # A machine that has its accelerators built in need not say so.
        for one in [g.HIDDEN] if accelerators is None else accelerators or [{}]:
            word = g.at(one, "gpuDriverInstallationConfig", "gpuDriverVersion")
            # Without a word GKE installs its default driver since 1.30.
            found.append("stable" if word is None else told.get(str(word)))
    return g.drivers(found, seen=bool(graph.all(CLUSTER)), whole=not declared.unread)


def _cluster(graph: Graph, *facts: Fact, yes: str, no: str) -> str | None:
    return g.word(g.every(facts), yes=yes, no=no) if graph.all(CLUSTER) else None


def _in(graph: Graph, *facts: Fact, yes: str, no: str) -> str | None:
    return g.resources_in(facts, seen=bool(graph.all(CLUSTER)), yes=yes, no=no)


def _api(graph: Graph) -> str | None:
    facts: list[Fact] = []
    for one in graph.all(CLUSTER):
        facts.append(g.is_(g.at(one, "privateClusterConfig", "enablePrivateEndpoint"), True))
        outside = g.at(one, "controlPlaneEndpointsConfig", "dnsEndpointConfig", "allowExternalTraffic")
        facts.append(g.is_(outside, None, False))
    return _cluster(graph, *facts, yes="private", no="public")


def _secrets(graph: Graph) -> str | None:
    facts = [
        fact
        for one in graph.all(CLUSTER)
        for fact in (
            g.is_(g.at(one, "databaseEncryption", "state"), "ENCRYPTED"),
            g.given(g.at(one, "databaseEncryption", "keyName")),
        )
    ]
    return _cluster(graph, *facts, yes="customer-key", no="cloud-key")


def _rotation(graph: Graph) -> str | None:
    # What signs is kept as it is, so that what it signed can be verified for years.
    keys = [key for key in graph.all("gcp:kms/cryptoKey:CryptoKey") if key.get("purpose") != "ASYMMETRIC_SIGN"]
    found = [g.at(key, "rotationPeriod") for key in keys]
    if None in found:
        return "none"
    seconds = [str(one).removesuffix("s") for one in found]
    return g.days((int(one) // _DAY_S if one.isdigit() else None for one in seconds), longest=True)


def _disks(graph: Graph) -> str | None:
    configs = [g.at(pool, "nodeConfig") for pool in nodes(graph).rows]
    facts = [None if one is g.HIDDEN else g.given(g.at(one, "bootDiskKmsKey")) for one in configs]
    return _in(graph, *facts, yes="customer-key", no="cloud-key")


def _nodes(graph: Graph) -> str | None:
    facts = [g.is_(g.at(pool, "networkConfig", "enablePrivateNodes"), True) for pool in nodes(graph).rows]
    return _in(graph, *facts, yes="private", no="public")


def _metadata(graph: Graph) -> str | None:
    facts = [
        g.is_(g.at(pool, "nodeConfig", "workloadMetadataConfig", "mode"), "GKE_METADATA") for pool in nodes(graph).rows
    ]
    return _in(graph, *facts, yes="guarded", no="open")


def _public(graph: Graph) -> str | None:
    facts = [
        g.every(
            (g.is_(one.get("publicAccessPrevention"), "enforced"), g.is_(one.get("uniformBucketLevelAccess"), True))
        )
        for one in graph.all(_BUCKET)
    ]
    return _in(graph, *facts, yes="blocked", no="possible")


def _buckets(graph: Graph) -> str | None:
    facts = [g.given(g.at(one, "encryption", "defaultKmsKeyName")) for one in graph.all(_BUCKET)]
    return _in(graph, *facts, yes="customer-key", no="cloud-key")


def _versions(graph: Graph) -> str | None:
    facts = [g.is_(g.at(one, "versioning", "enabled"), True) for one in graph.all(_BUCKET)]
    return _in(graph, *facts, yes="on", no="off")


def _files(graph: Graph) -> str | None:
    facts = [g.given(one.get("kmsKeyName")) for one in graph.all("gcp:filestore/instance:Instance")]
    return _in(graph, *facts, yes="customer-key", no="cloud-key")


def _registry(graph: Graph) -> str | None:
    facts = [g.given(one.get("kmsKeyName")) for one in graph.all("gcp:artifactregistry/repository:Repository")]
    return _in(graph, *facts, yes="customer-key", no="cloud-key")


def _zones(graph: Graph) -> str | None:
    facts = [g.is_(g.at(one, "settings", "availabilityType"), "REGIONAL") for one in graph.all(_SQL)]
    return _in(graph, *facts, yes="two-zones", no="one-zone")


def _backup(graph: Graph) -> str | None:
    databases = graph.all(_SQL)
    if not databases:
        return _in(graph, yes="", no="")
    settings = [g.at(one, "settings", "backupConfiguration") for one in databases]
    if any(g.is_(g.at(one, "enabled"), True) is False for one in settings):
        return "none"
    # Kept are so many backups, one a day.
    return g.days(g.whole(g.at(one, "backupRetentionSettings", "retainedBackups")) for one in settings)


def _database_key(graph: Graph) -> str | None:
    return _in(graph, *[g.given(one.get("encryptionKeyName")) for one in graph.all(_SQL)],
               yes="customer-key", no="cloud-key")  # fmt: skip


def _database_tls(graph: Graph) -> str | None:
    strict = ("ENCRYPTED_ONLY", "TRUSTED_CLIENT_CERTIFICATE_REQUIRED")
    facts = [g.is_(g.at(one, "settings", "ipConfiguration", "sslMode"), *strict) for one in graph.all(_SQL)]
    return _in(graph, *facts, yes="required", no="optional")


def _cache_tls(graph: Graph) -> str | None:
    valkey = [
        g.is_(one.get("transitEncryptionMode"), "SERVER_AUTHENTICATION")
        for one in graph.all("gcp:memorystore/instance:Instance", "gcp:redis/instance:Instance")
    ]
    return _in(graph, *valkey, yes="required", no="optional")


def _identity(graph: Graph) -> str | None:
    # Autopilot has it whatever is said, and so its engine of network policies.
    facts = [
        g.some((g.given(g.at(one, "workloadIdentityConfig", "workloadPool")), autopilot(one)))
        for one in graph.all(CLUSTER)
    ]
    return _cluster(graph, *facts, yes="federated", no="none")


def _network(graph: Graph) -> str | None:
    facts = [
        g.some(
            (
                g.is_(one.get("datapathProvider"), "ADVANCED_DATAPATH"),
                g.is_(g.at(one, "networkPolicy", "enabled"), True),
                autopilot(one),
            )
        )
        for one in graph.all(CLUSTER)
    ]
    return _cluster(graph, *facts, yes="enforced", no="ignored")


def _audit(graph: Graph) -> str | None:
    facts: list[Fact] = []
    for one in graph.all(CLUSTER):
        components = g.listed(one, "loggingConfig", "enableComponents")
        facts.append(None if components is None else "APISERVER" in components)
    return _cluster(graph, *facts, yes="on", no="off")


def _retention(graph: Graph) -> str | None:
    places = graph.all("gcp:logging/projectBucketConfig:ProjectBucketConfig")
    if not places:
        return _in(graph, yes="", no="")
    return g.days(g.whole(g.at(one, "retentionDays")) for one in places)


def _metrics(graph: Graph) -> str | None:
    facts = [g.is_(g.at(one, "monitoringConfig", "managedPrometheus", "enabled"), True) for one in graph.all(CLUSTER)]
    return _cluster(graph, *facts, yes="on", no="off")


def _gateway(graph: Graph) -> str | None:
    facts = [
        g.is_(g.at(one, "gatewayApiConfig", "channel"), "CHANNEL_STANDARD", "CHANNEL_EXPERIMENTAL")
        for one in graph.all(CLUSTER)
    ]
    return _cluster(graph, *facts, yes="declared", no="none")


def _protected(graph: Graph) -> str | None:
    facts = [g.is_(one.get("deletionProtection"), True) for one in graph.all(CLUSTER)]
    return _cluster(graph, *facts, yes="engine", no="none")


def _alarm(graph: Graph) -> str | None:
    found = [g.listed(one, "conditions") for one in graph.all("gcp:monitoring/alertPolicy:AlertPolicy")]
    asked = [g.at(one, "conditionPrometheusQueryLanguage", "query") for several in found for one in several or ()]
    facts: list[Fact] = [*(g.misses(one) for one in asked), *(None for several in found if several is None)]
    return _cluster(graph, g.some(facts), yes="told", no="none")


def _budget(graph: Graph) -> str | None:
    return _cluster(graph, bool(graph.all("gcp:billing/budget:Budget")), yes="alerting", no="none")


def _versions_of_clusters(graph: Graph) -> list[object]:
    return [one.get("minMasterVersion") for one in graph.all(CLUSTER)]


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
    "alarm.silent": _alarm,
    "budget.alert": _budget,
}
