"""What the inputs of Azure's resources guarantee."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from components.parity import graph as g
from components.parity.azure_pools import CLUSTER, is_gpu, nodes, pools
from components.parity.pools import of_clusters, of_gpu_pools

if TYPE_CHECKING:
    from collections.abc import Iterable

    from components.parity.graph import Fact, Graph, Inputs, Reader

_ACCOUNT, _CONTAINER = "azure-native:storage:StorageAccount", "azure-native:storage:BlobContainer"
_SHARE, _BLOBS = "azure-native:storage:FileShare", "azure-native:storage:BlobServiceProperties"
_SERVER, _SETTING = "azure-native:dbforpostgresql:Server", "azure-native:dbforpostgresql:Configuration"
_DRIVERS = {"Install": "stable", "None": "none"}
_PERIOD = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?")


def _images(graph: Graph) -> str | None:
    # Without a word the cloud's default is to bring new images.
    channels = [g.at(one, "autoUpgradeProfile", "nodeOSUpgradeChannel") for one in graph.all(CLUSTER)]
    brought = [g.is_(one, None, "NodeImage", "SecurityPatch") for one in channels]
    return _cluster(graph, *brought, yes="automatic", no="held")


def _driver(graph: Graph) -> str | None:
    found: list[str | None] = []
    declared = nodes(graph)
    for pool in (one for one in declared.rows if is_gpu(one) is True):
        word = g.at(pool, "gpuProfile", "driver")
        # Without a word AKS installs it.
        found.append("stable" if word is None else _DRIVERS.get(str(word)))
    return g.drivers(found, seen=bool(graph.all(CLUSTER)), whole=not declared.unread)


def _cluster(graph: Graph, *facts: Fact, yes: str, no: str) -> str | None:
    return g.word(g.every(facts), yes=yes, no=no) if graph.all(CLUSTER) else None


def _in(graph: Graph, *facts: Fact, yes: str, no: str) -> str | None:
    return g.resources_in(facts, seen=bool(graph.all(CLUSTER)), yes=yes, no=no)


def _api(graph: Graph) -> str | None:
    facts: list[Fact] = []
    for one in graph.all(CLUSTER):
        facts.append(g.is_(g.at(one, "apiServerAccessProfile", "enablePrivateCluster"), True))
        facts.append(g.is_(g.at(one, "apiServerAccessProfile", "enablePrivateClusterPublicFQDN"), False))
    return _cluster(graph, *facts, yes="private", no="public")


def _secrets(graph: Graph) -> str | None:
    facts: list[Fact] = []
    for one in graph.all(CLUSTER):
        facts.append(g.is_(g.at(one, "securityProfile", "azureKeyVaultKms", "enabled"), True))
        facts.append(g.given(g.at(one, "securityProfile", "azureKeyVaultKms", "keyId")))
    return _cluster(graph, *facts, yes="customer-key", no="cloud-key")


def _rotation(graph: Graph) -> str | None:
    found: list[int | None] = []
    for key in graph.all("azure-native:keyvault:Key"):
        # What signs is kept as it is, so that what it signed can be verified for years.
        if g.at(key, "properties", "kty") in {"EC", "EC-HSM"}:
            continue
        actions = g.listed(key, "properties", "rotationPolicy", "lifetimeActions")
        after = [g.at(one, "trigger", "timeAfterCreate") for one in actions or ()
                 if g.is_(g.at(one, "action", "type"), "rotate", "Rotate")]  # fmt: skip
        if actions is not None and not after:
            return "none"
        found.append(_period(after[0]) if after else None)
    return g.days(found, longest=True)


def _period(text: object) -> int | None:
    match = _PERIOD.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    years, months, single = (int(part or 0) for part in match.groups())
    return years * 365 + months * 30 + single


def _disks(graph: Graph) -> str | None:
    facts = [g.given(one.get("diskEncryptionSetID")) for one in graph.all(CLUSTER)]
    return _cluster(graph, *facts, yes="customer-key", no="cloud-key")


def _nodes(graph: Graph) -> str | None:
    facts = [g.is_(g.at(pool, "enableNodePublicIP"), None, False) for pool in nodes(graph).rows]
    return _in(graph, *facts, yes="private", no="public")


def _accounts(graph: Graph, kind: str) -> list[Inputs]:
    """The storage accounts that hold something of a kind. One that cannot be told apart counts as all of them."""
    names = [g.at(one, "accountName") for one in graph.all(kind)]
    if any(not isinstance(name, str) for name in names):
        return graph.all(_ACCOUNT)
    return [one for one in graph.all(_ACCOUNT) if g.at(one, "accountName") in {*names, g.HIDDEN}]


def _public(graph: Graph) -> str | None:
    facts = [
        *(g.is_(one.get("allowBlobPublicAccess"), False) for one in graph.all(_ACCOUNT)),
        *(g.is_(one.get("publicAccess"), None, "None") for one in graph.all(_CONTAINER)),
    ]
    return _in(graph, *(facts if graph.all(_ACCOUNT) else ()), yes="blocked", no="possible")


def _keyed(accounts: Iterable[Inputs]) -> list[Fact]:
    return [
        g.every(
            (
                g.is_(g.at(one, "encryption", "keySource"), "Microsoft.Keyvault"),
                g.given(g.at(one, "encryption", "keyVaultProperties")),
            )
        )
        for one in accounts
    ]


def _buckets(graph: Graph) -> str | None:
    return _in(graph, *_keyed(_accounts(graph, _CONTAINER)), yes="customer-key", no="cloud-key")


def _files(graph: Graph) -> str | None:
    return _in(graph, *_keyed(_accounts(graph, _SHARE)), yes="customer-key", no="cloud-key")


def _versions(graph: Graph) -> str | None:
    accounts, services = _accounts(graph, _CONTAINER), graph.all(_BLOBS)
    facts: list[Fact] = [g.is_(one.get("isVersioningEnabled"), True) for one in services]
    # Where the names are not known yet, an account for files alone holds no container.
    holding = {id(one) for one in accounts if one.get("kind") != "FileStorage"}
    if len(services) < len(holding) and len(services) < len(graph.all(_CONTAINER)):
        facts.append(False)
    return _in(graph, *(facts if accounts else ()), yes="on", no="off")


def _registry(graph: Graph) -> str | None:
    facts = [
        g.is_(g.at(one, "encryption", "status"), "enabled")
        for one in graph.all("azure-native:containerregistry:Registry")
    ]
    return _in(graph, *facts, yes="customer-key", no="cloud-key")


def _zones(graph: Graph) -> str | None:
    facts = [g.is_(g.at(one, "highAvailability", "mode"), "ZoneRedundant") for one in graph.all(_SERVER)]
    return _in(graph, *facts, yes="two-zones", no="one-zone")


def _backup(graph: Graph) -> str | None:
    servers = graph.all(_SERVER)
    if not servers:
        return _in(graph, yes="", no="")
    # Absent, the cloud keeps backups for seven days.
    kept = [g.at(one, "backup", "backupRetentionDays") for one in servers]
    return g.days(7 if one is None else g.whole(one) for one in kept)


def _database_key(graph: Graph) -> str | None:
    facts = [
        g.every(
            (
                g.is_(g.at(one, "dataEncryption", "type"), "AzureKeyVault"),
                g.given(g.at(one, "dataEncryption", "primaryKeyURI")),
            )
        )
        for one in graph.all(_SERVER)
    ]
    return _in(graph, *facts, yes="customer-key", no="cloud-key")


def _database_tls(graph: Graph) -> str | None:
    # On by default: a server takes plain connections only when a setting says so.
    off = [
        g.is_(one.get("value"), "on", "ON", "On")
        for one in graph.all(_SETTING)
        if g.at(one, "configurationName") == "require_secure_transport"
    ]
    return _in(graph, *((True, *off) if graph.all(_SERVER) else ()), yes="required", no="optional")


def _cache_tls(graph: Graph) -> str | None:
    facts = [
        g.is_(one.get("clientProtocol"), None, "Encrypted")
        for one in graph.all("azure-native:redisenterprise:Database")
    ]
    return _in(graph, *facts, yes="required", no="optional")


def _identity(graph: Graph) -> str | None:
    facts: list[Fact] = []
    for one in graph.all(CLUSTER):
        facts.append(g.is_(g.at(one, "oidcIssuerProfile", "enabled"), True))
        facts.append(g.is_(g.at(one, "securityProfile", "workloadIdentity", "enabled"), True))
    return _cluster(graph, *facts, yes="federated", no="none")


def _network(graph: Graph) -> str | None:
    facts = [g.is_(g.at(one, "networkProfile", "networkPolicy"), "cilium", "calico", "azure")
             for one in graph.all(CLUSTER)]  # fmt: skip
    return _cluster(graph, *facts, yes="enforced", no="ignored")


def _audit(graph: Graph) -> str | None:
    logs = [g.listed(one, "logs") for one in graph.all("azure-native:monitor:DiagnosticSetting")]
    facts = [None if own is None else g.some(_is_audit(log) for log in own) for own in logs]
    return _cluster(graph, g.some(facts), yes="on", no="off")


def _is_audit(log: Any) -> Fact:
    audit = g.is_(g.at(log, "category"), "kube-audit", "kube-audit-admin")
    return g.every((audit, g.is_(g.at(log, "enabled"), True)))


def _retention(graph: Graph) -> str | None:
    places = graph.all("azure-native:operationalinsights:Workspace")
    if not places:
        return _in(graph, yes="", no="")
    return g.days(g.whole(g.at(one, "retentionInDays")) for one in places)


def _metrics(graph: Graph) -> str | None:
    facts = [g.is_(g.at(one, "azureMonitorProfile", "metrics", "enabled"), True) for one in graph.all(CLUSTER)]
    return _cluster(graph, *facts, yes="on", no="off")


def _gateway(graph: Graph) -> str | None:
    facts = [g.is_(g.at(one, "serviceMeshProfile", "mode"), "Istio") for one in graph.all(CLUSTER)]
    return _cluster(graph, *facts, yes="declared", no="none")


def _protected(graph: Graph) -> str | None:
    """A lock on the cluster. What a lock is on stands in its scope, which in a plan of what is not there is unknown."""
    locks = graph.like("azure-native:authorization", "ManagementLockByScope")
    facts: list[Fact] = []
    for lock in locks:
        scope = g.at(lock, "scope")
        about = None if scope is g.HIDDEN else "/managedclusters/" in str(scope).lower()
        facts.append(g.every((about, g.is_(lock.get("level"), "CanNotDelete", "ReadOnly"))))
    return _cluster(graph, g.some(facts), yes="cloud", no="none")


def _alarm(graph: Graph) -> str | None:
    groups = graph.all("azure-native:alertsmanagement:PrometheusRuleGroup")
    found = [g.listed(one, "rules") for one in groups]
    asked = [g.at(one, "expression") for several in found for one in several or ()]
    facts: list[Fact] = [*(g.misses(one) for one in asked), *(None for several in found if several is None)]
    return _cluster(graph, g.some(facts), yes="told", no="none")


def _budget(graph: Graph) -> str | None:
    found = graph.all("azure-native:consumption:Budget", "azure-native:costmanagement:Budget")
    return _cluster(graph, bool(found), yes="alerting", no="none")


def _versions_of_clusters(graph: Graph) -> list[object]:
    return [one.get("kubernetesVersion") for one in graph.all(CLUSTER)]


READERS: dict[str, Reader] = {
    **of_clusters(pools, _versions_of_clusters),
    "api.private": _api,
    "secrets.encryption": _secrets,
    "keys.rotation": _rotation,
    "disks.encryption": _disks,
    "nodes.private": _nodes,
    # The provider has no field for it: every cluster of this cloud is open, until a network policy closes it.
    "nodes.metadata": lambda graph: "open" if graph.all(CLUSTER) else None,
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
