"""Rules about how a cluster, its nodes, its registry and its buckets are set (SEC-009 to SEC-019, SEC-026), after the
CIS benchmarks of GKE, AKS and ACK. Which paragraph each stands for is in `components.policy.benchmarks`.

A setting that is absent counts as the cloud's default, which is never safe. What is not known yet is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from components.policy.model import ACCEPTED, UNKNOWN, Check, Subject, Violation, at, violation

if TYPE_CHECKING:
    from collections.abc import Iterator

ACK: Final = "alicloud:cs/managedKubernetes:ManagedKubernetes"
ACK_POOL: Final = "alicloud:cs/nodePool:NodePool"
GKE: Final = "gcp:container/cluster:Cluster"
GKE_POOL: Final = "gcp:container/nodePool:NodePool"
AKS: Final = "azure-native:containerservice:ManagedCluster"
AKS_POOL: Final = "azure-native:containerservice:AgentPool"
_OPEN: Final = frozenset({"0.0.0.0/0", "::/0"})

# Type -> (rule, path, the values that are right).
_MUST: Final[dict[str, tuple[tuple[str, tuple[str, ...], tuple[object, ...]], ...]]] = {
    ACK: (
        ("SEC-013", ("enableRrsa",), (True,)),
        ("SEC-015", ("auditLogConfig", "enabled"), (True,)),
    ),
    ACK_POOL: (
        ("SEC-009", ("internetMaxBandwidthOut",), (0,)),
        ("SEC-016", ("instanceMetadataOptions", "httpTokens"), ("required",)),
        ("SEC-016", ("management", "autoRepair"), (True,)),
    ),
    "alicloud:cr/registryEnterpriseInstance:RegistryEnterpriseInstance": (
        ("SEC-017", ("imageScanner",), ("ACR", "SAS")),
    ),
    "alicloud:oss/bucket:Bucket": (("SEC-026", ("versioning", "status"), ("Enabled",)),),
    "gcp:storage/bucket:Bucket": (("SEC-026", ("versioning", "enabled"), (True,)),),
    "azure-native:storage:BlobServiceProperties": (("SEC-026", ("isVersioningEnabled",), (True,)),),
    "alicloud:vpc/flowLog:FlowLog": (
        ("SEC-018", ("status",), ("Active",)),
        ("SEC-018", ("trafficType",), ("All",)),
    ),
    GKE: (
        ("SEC-009", ("privateClusterConfig", "enablePrivateNodes"), (True,)),
        ("SEC-010", ("masterAuthorizedNetworksConfig", "gcpPublicCidrsAccessEnabled"), (False,)),
        ("SEC-014", ("enableLegacyAbac",), (False,)),
        ("SEC-014", ("masterAuth", "clientCertificateConfig", "issueClientCertificate"), (False,)),
        ("SEC-016", ("enableShieldedNodes",), (True,)),
        ("SEC-016", ("releaseChannel", "channel"), ("RAPID", "REGULAR", "STABLE", "EXTENDED")),
        ("SEC-018", ("enableIntranodeVisibility",), (True,)),
        ("SEC-018", ("networkingMode",), ("VPC_NATIVE",)),
        ("SEC-019", ("enableKubernetesAlpha",), (False,)),
    ),
    GKE_POOL: (
        ("SEC-009", ("networkConfig", "enablePrivateNodes"), (True,)),
        ("SEC-013", ("nodeConfig", "workloadMetadataConfig", "mode"), ("GKE_METADATA",)),
        ("SEC-016", ("nodeConfig", "imageType"), ("COS_CONTAINERD",)),
        ("SEC-016", ("management", "autoRepair"), (True,)),
        ("SEC-016", ("management", "autoUpgrade"), (True,)),
        ("SEC-016", ("nodeConfig", "shieldedInstanceConfig", "enableIntegrityMonitoring"), (True,)),
        ("SEC-016", ("nodeConfig", "shieldedInstanceConfig", "enableSecureBoot"), (True,)),
        ("SEC-016", ("nodeConfig", "kubeletConfig", "insecureKubeletReadonlyPortEnabled"), ("FALSE",)),
        ("SEC-016", ("nodeConfig", "metadata", "disable-legacy-endpoints"), ("true",)),
    ),
    "gcp:artifactregistry/repository:Repository": (
        ("SEC-017", ("vulnerabilityScanningConfig", "enablementConfig"), ("INHERITED",)),
    ),
    AKS: (
        ("SEC-010", ("publicNetworkAccess",), ("Disabled",)),
        ("SEC-010", ("apiServerAccessProfile", "disableRunCommand"), (True,)),
        ("SEC-012", ("networkProfile", "networkPolicy"), ("azure", "calico", "cilium")),
        ("SEC-013", ("oidcIssuerProfile", "enabled"), (True,)),
        ("SEC-013", ("securityProfile", "workloadIdentity", "enabled"), (True,)),
        ("SEC-014", ("disableLocalAccounts",), (True,)),
        ("SEC-014", ("enableRBAC",), (True,)),
        ("SEC-014", ("aadProfile", "enableAzureRBAC"), (True,)),
        ("SEC-016", ("autoUpgradeProfile", "nodeOSUpgradeChannel"), ("NodeImage", "SecurityPatch")),
    ),
    AKS_POOL: (
        ("SEC-009", ("enableNodePublicIP",), (False,)),
        ("SEC-016", ("securityProfile", "enableVTPM"), (True,)),
        ("SEC-016", ("securityProfile", "sshAccess"), ("Disabled",)),
    ),
}
# Type -> (rule, path, what must stand there).
_NAMED: Final[dict[str, tuple[tuple[str, tuple[str, ...], str], ...]]] = {
    ACK_POOL: (("SEC-011", ("systemDiskKmsKey",), "the cell's key"),),
    GKE: (("SEC-013", ("workloadIdentityConfig", "workloadPool"), "the project's pool"),),
    GKE_POOL: (
        ("SEC-011", ("nodeConfig", "bootDiskKmsKey"), "the cell's key"),
        ("SEC-013", ("nodeConfig", "serviceAccount"), "an account made for the nodes"),
    ),
    AKS: (("SEC-011", ("diskEncryptionSetID",), "the cell's disk encryption set"),),
}
_REASONS: Final = {
    "SEC-009": "a node with an address of its own is reached past the gateway and leaves past the NAT.",
    "SEC-010": "who holds a credential could use it from anywhere.",
    "SEC-011": "what stands on a node's disk could be read by whoever gets the disk.",
    "SEC-012": "without an engine network policies are stored and hold nobody back.",
    "SEC-013": "pods would act as the node, or need keys that live long.",
    "SEC-014": "it lets in past the cloud's own identities, and nobody can take it back.",
    "SEC-015": "nobody could say afterwards who did what.",
    "SEC-016": "a node would run what nobody verified, or stay as it is when a fault is known.",
    "SEC-017": "known faults in images would stay unseen.",
    "SEC-018": "nobody could say afterwards who spoke to whom.",
    "SEC-026": "what is overwritten or deleted would be gone.",
    "SEC-019": "it is not made for production: no upgrades, no repair, or a way in.",
}
_DEFAULT_ACCOUNTS: Final = ("default", "-compute@developer.gserviceaccount.com")
_FLOWS: Final = ("INTERVAL_5_SEC", "INTERVAL_30_SEC", "INTERVAL_1_MIN", "INTERVAL_5_MIN", "INTERVAL_10_MIN")
_GPU_SIZE: Final = re.compile(r"standard_n[cdgv]", re.IGNORECASE)
# Confidential machines, and those of Arm (a `p` among the features behind the number).
_NO_BOOT_SIZE: Final = re.compile(r"standard_((dc|ec|ncc)[a-z]*\d|[a-z]+\d+[a-z]*p[a-z]*_v\d)", re.IGNORECASE)


def _must(subject: Subject) -> Iterator[Violation]:
    for rule, path, right in _MUST.get(subject.type, ()):
        yield from _one_of(subject, rule, path, right)
    for rule, path, wanted in _NAMED.get(subject.type, ()):
        value = at(subject.inputs, *path)
        if value is not ACCEPTED and not (isinstance(value, str) and value):
            yield _found(subject, rule, ".".join(path), value, wanted)


def _one_of(subject: Subject, rule: str, path: tuple[str, ...], right: tuple[object, ...]) -> Iterator[Violation]:
    value = at(subject.inputs, *path)
    if not any(value == one and isinstance(value, bool) is isinstance(one, bool) for one in right):
        yield _found(subject, rule, ".".join(path), value, ", ".join(_text(one) for one in right))


def _pools(subject: Subject) -> Iterator[Violation]:
    """AKS describes its first pools inside the cluster."""
    pools = subject.inputs.get("agentPoolProfiles")
    if subject.type == AKS and pools is UNKNOWN:
        yield _found(subject, "SEC-009", "agentPoolProfiles", pools, "pools without addresses")
    for index, pool in enumerate(pools if subject.type == AKS and isinstance(pools, list | tuple) else ()):
        path = f"agentPoolProfiles[{index}]"
        if at(pool, "enableNodePublicIP") is not False:
            yield _found(subject, "SEC-009", f"{path}.enableNodePublicIP", at(pool, "enableNodePublicIP"), "false")
        for key, wanted in (("enableVTPM", True), ("sshAccess", "Disabled")):
            value = at(pool, "securityProfile", key)
            if value != wanted:
                yield _found(subject, "SEC-016", f"{path}.securityProfile.{key}", value, _text(wanted))
        yield from _secure_boot(subject, pool, f"{path}.")


def _inside(subject: Subject) -> Iterator[Violation]:
    """GKE may have its pools inside the cluster, too, and has one of its own unless that is taken away."""
    inputs = subject.inputs
    if subject.type != GKE or inputs.get("enableAutopilot") is True:
        return
    pools = inputs.get("nodePools")
    if pools is UNKNOWN:
        yield _found(subject, "SEC-016", "nodePools", pools, "pools that are known")
    listed: list[Any] = list(pools) if isinstance(pools, list | tuple) else []
    for index, pool in enumerate(listed):
        known = dict(pool) if isinstance(pool, Mapping) else {}
        private = at(inputs, "privateClusterConfig", "enablePrivateNodes")
        # What a pool does not say about its addresses it has from its cluster.
        if at(known, "networkConfig", "enablePrivateNodes") is None and private is not None:
            known["networkConfig"] = {"enablePrivateNodes": private}
        yield from _as_pool(subject, known, f"nodePools[{index}].")
    made = {"initialNodeCount", "nodeConfig"} & set(inputs)
    if not listed and pools is not UNKNOWN and made and inputs.get("removeDefaultNodePool") is not True:
        found = _as_pool(subject, {"nodeConfig": inputs.get("nodeConfig")}, "")
        # Of the default pool the cluster says its nodes only.
        yield from (one for one in found if one.property.startswith("nodeConfig"))


def _as_pool(subject: Subject, pool: Mapping[str, Any], path: str) -> Iterator[Violation]:
    inside = replace(subject, type=GKE_POOL, inputs=pool)
    whose = f"{subject.type} {subject.name!r}"
    for found in (*_must(inside), *_accounts(inside)):
        yield replace(found, resource=whose, property=f"{path}{found.property}")


def _boot(subject: Subject) -> Iterator[Violation]:
    if subject.type == AKS_POOL:
        yield from _secure_boot(subject, subject.inputs, "")


def _secure_boot(subject: Subject, pool: Any, path: str) -> Iterator[Violation]:
    """Secure boot of an AKS pool, unless the cloud cannot have it there."""
    value = at(pool, "securityProfile", "enableSecureBoot")
    if value is not True and not _boots_unsigned(pool):
        yield _found(subject, "SEC-016", f"{path}securityProfile.enableSecureBoot", value, "true")


def _boots_unsigned(pool: Any) -> bool:
    """Whether AKS has no secure boot for a pool: with GPUs whose driver AKS installs, which is not signed for it; of
    Windows, FIPS, Arm64, sandboxed pods, confidential machines, or without a scale set. Source: learn.microsoft.com,
    "Trusted launch for Azure Kubernetes Service", limitations, 2025-07-15. What is not known yet is none of these.
    """
    size = at(pool, "vmSize")
    size = size if isinstance(size, str) else ""
    gpus = _GPU_SIZE.match(size) is not None and at(pool, "gpuProfile", "driver") in (None, "Install")
    runtime = at(pool, "workloadRuntime")
    other = at(pool, "osType") == "Windows" or at(pool, "enableFIPS") is True
    other = other or at(pool, "type") in ("AvailabilitySet", "VirtualMachines")
    return gpus or other or (isinstance(runtime, str) and "Kata" in runtime) or _NO_BOOT_SIZE.match(size) is not None


def _reach(subject: Subject) -> Iterator[Violation]:
    """GKE: without a list of networks, or with an open one, everybody may ask."""
    path = "masterAuthorizedNetworksConfig.cidrBlocks"
    blocks = at(subject.inputs, *path.split("."))
    if subject.type != GKE:
        return
    if not isinstance(blocks, list | tuple) or not blocks:
        yield _found(subject, "SEC-010", path, blocks, "ranges of the cell")
        return
    for index, block in enumerate(blocks):
        value = at(block, "cidrBlock")
        if not isinstance(value, str) or value in _OPEN:
            yield _found(subject, "SEC-010", f"{path}[{index}].cidrBlock", value, "a range of the cell")


def _network_policy(subject: Subject) -> Iterator[Violation]:
    inputs = subject.inputs
    calico = at(inputs, "networkPolicy", "enabled") is True
    if subject.type == GKE and inputs.get("datapathProvider") != "ADVANCED_DATAPATH" and not calico:
        yield _found(subject, "SEC-012", "datapathProvider", inputs.get("datapathProvider"), "ADVANCED_DATAPATH")
    if subject.type == ACK and not _terway(inputs.get("addons")):
        yield _found(
            subject, "SEC-012", "addons", "no terway with NetworkPolicy", 'terway-eniip, NetworkPolicy: "true"'
        )


def _terway(addons: Any) -> bool:
    for addon in addons if isinstance(addons, list | tuple) else ():
        config = at(addon, "config")
        if str(at(addon, "name")).startswith("terway") and isinstance(config, str):
            try:
                return str(at(json.loads(config), "NetworkPolicy")).lower() == "true"
            except ValueError:
                return False
    return False


def _accounts(subject: Subject) -> Iterator[Violation]:
    """The default account of a project may do nearly everything; certificates written out live for years."""
    account = at(subject.inputs, "nodeConfig", "serviceAccount")
    if subject.type == GKE_POOL and isinstance(account, str) and account.endswith(_DEFAULT_ACCOUNTS):
        yield _found(subject, "SEC-013", "nodeConfig.serviceAccount", account, "an account made for the nodes")
    for key in ("clientCert", "clientKey", "kubeConfig") if subject.type == ACK else ():
        if subject.inputs.get(key) is not None:
            yield _found(subject, "SEC-014", key, "a file", "absent: credentials of an hour by ack-ram-tool")


def _logs(subject: Subject) -> Iterator[Violation]:
    wanted = {GKE: ("loggingConfig.enableComponents", "APISERVER"), ACK: ("controlPlaneLogComponents", "apiserver")}
    if subject.type in wanted:
        path, component = wanted[subject.type]
        value = at(subject.inputs, *path.split("."))
        if not isinstance(value, list | tuple) or component not in value:
            yield _found(subject, "SEC-015", path, value, f"{component} among them")


def _flows(subject: Subject) -> Iterator[Violation]:
    inputs = subject.inputs
    # A subnet for the proxies of load balancers has no flow log of its own: the cloud refuses one.
    if subject.type == "gcp:compute/subnetwork:Subnetwork" and inputs.get("purpose") in (None, "PRIVATE"):
        yield from _one_of(subject, "SEC-018", ("logConfig", "aggregationInterval"), _FLOWS)


def _boards(subject: Subject) -> Iterator[Violation]:
    inputs = subject.inputs
    board = at(inputs, "addonProfiles", "kubeDashboard", "enabled")
    board = UNKNOWN if inputs.get("addonProfiles") is UNKNOWN else board
    if subject.type == AKS and board not in (None, False):
        yield _found(subject, "SEC-019", "addonProfiles.kubeDashboard.enabled", board, "false")
    if subject.type == ACK:
        addons = inputs.get("addons")
        for index, addon in enumerate(addons if isinstance(addons, list | tuple) else ()):
            if "dashboard" in str(at(addon, "name")) and at(addon, "disabled") is not True:
                yield _found(subject, "SEC-019", f"addons[{index}].name", at(addon, "name"), "no dashboard")


def _found(subject: Subject, rule: str, path: str, value: object, allowed: str) -> Violation:
    shown = "absent" if value is None else _text(value)
    return violation(subject, rule, path, shown, _REASONS[rule], allowed=allowed)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else value if isinstance(value, str) else repr(value)


CHECKS: Final = (
    Check(
        rules=(
            *("SEC-016", "SEC-009", "SEC-010", "SEC-011", "SEC-012", "SEC-013", "SEC-014", "SEC-015", "SEC-017"),
            *("SEC-018", "SEC-019", "SEC-026"),
        ),
        run=_must,
        types=(*_MUST, *_NAMED),
    ),
    Check(rules=("SEC-009", "SEC-016"), run=_pools, types=(AKS,)),
    Check(rules=("SEC-016",), run=_boot, types=(AKS_POOL,)),
    Check(rules=("SEC-009", "SEC-011", "SEC-013", "SEC-016"), run=_inside, types=(GKE,)),
    Check(rules=("SEC-010",), run=_reach, types=(GKE,)),
    Check(rules=("SEC-012",), run=_network_policy, types=(GKE, ACK)),
    Check(rules=("SEC-013", "SEC-014"), run=_accounts, types=(GKE_POOL, ACK)),
    Check(rules=("SEC-015",), run=_logs, types=(GKE, ACK)),
    Check(rules=("SEC-018",), run=_flows, types=("gcp:compute/subnetwork:Subnetwork",)),
    Check(rules=("SEC-019",), run=_boards, types=(AKS, ACK)),
)
