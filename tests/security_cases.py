"""What each rule after the CIS benchmarks refuses and the benign twin of it, per cloud, written down by hand.

A case changes one setting of a resource that is right in all others. Every enforcer is held against the same list.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from tests.residency_cases import CN_IMAGE, ROW_IMAGE, Case

ACK, ACK_POOL = "alicloud:cs/managedKubernetes:ManagedKubernetes", "alicloud:cs/nodePool:NodePool"
GKE, GKE_POOL = "gcp:container/cluster:Cluster", "gcp:container/nodePool:NodePool"
AKS, AKS_POOL = "azure-native:containerservice:ManagedCluster", "azure-native:containerservice:AgentPool"
ACR_EE = "alicloud:cr/registryEnterpriseInstance:RegistryEnterpriseInstance"
FLOWS, SUBNET = "alicloud:vpc/flowLog:FlowLog", "gcp:compute/subnetwork:Subnetwork"
ARTIFACTS, OSS = "gcp:artifactregistry/repository:Repository", "alicloud:oss/bucket:Bucket"
VAULT = "acs:kms:cn-shanghai:1:key/k"
KEY = "projects/p/locations/europe-west4/keyRings/r/cryptoKeys/k"
TERWAY = {"name": "terway-eniip", "config": '{"NetworkPolicy": "true"}'}
GCS, BLOBS = "gcp:storage/bucket:Bucket", "azure-native:storage:BlobServiceProperties"
DEPLOYMENT, ROLE = "kubernetes:apps/v1:Deployment", "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole"
BINDING, NAMESPACE = "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding", "kubernetes:core/v1:Namespace"

_BOOT = {"enableVTPM": True, "enableSecureBoot": True, "sshAccess": "Disabled"}
GOOD: dict[str, dict[str, Any]] = {
    ACK: {
        "slbInternetEnabled": False,
        "disableEncryption": False,
        "encryptionProviderKey": VAULT,
        "enableRrsa": True,
        "auditLogConfig": {"enabled": True},
        "controlPlaneLogComponents": ["apiserver", "kcm"],
        "addons": [TERWAY, {"name": "gateway-api"}],
    },
    ACK_POOL: {
        "systemDiskEncrypted": True,
        "systemDiskKmsKey": VAULT,
        "internetMaxBandwidthOut": 0,
        "instanceMetadataOptions": {"httpTokens": "required"},
        "management": {"autoRepair": True},
    },
    ACR_EE: {"imageScanner": "ACR"},
    OSS: {"serverSideEncryptionRule": {"kmsMasterKeyId": VAULT}, "versioning": {"status": "Enabled"}},
    GCS: {
        "location": "EUROPE-WEST4",
        "encryption": {"defaultKmsKeyName": KEY},
        "publicAccessPrevention": "enforced",
        "uniformBucketLevelAccess": True,
        "versioning": {"enabled": True},
    },
    BLOBS: {"isVersioningEnabled": True},
    FLOWS: {"status": "Active", "trafficType": "All"},
    GKE: {
        "location": "europe-west4",
        "databaseEncryption": {"state": "ENCRYPTED", "keyName": KEY},
        "privateClusterConfig": {"enablePrivateEndpoint": True, "enablePrivateNodes": True},
        "masterAuthorizedNetworksConfig": {
            "cidrBlocks": [{"cidrBlock": "10.68.0.0/14"}],
            "gcpPublicCidrsAccessEnabled": False,
        },
        "masterAuth": {"clientCertificateConfig": {"issueClientCertificate": False}},
        "enableLegacyAbac": False,
        "enableShieldedNodes": True,
        "enableIntranodeVisibility": True,
        "enableKubernetesAlpha": False,
        "networkingMode": "VPC_NATIVE",
        "datapathProvider": "ADVANCED_DATAPATH",
        "releaseChannel": {"channel": "REGULAR"},
        "loggingConfig": {"enableComponents": ["SYSTEM_COMPONENTS", "APISERVER"]},
        "workloadIdentityConfig": {"workloadPool": "p.svc.id.goog"},
    },
    GKE_POOL: {
        "location": "europe-west4",
        "networkConfig": {"enablePrivateNodes": True},
        "management": {"autoRepair": True, "autoUpgrade": True},
        "nodeConfig": {
            "bootDiskKmsKey": KEY,
            "imageType": "COS_CONTAINERD",
            "serviceAccount": "nodes@p.iam.gserviceaccount.com",
            "kubeletConfig": {"insecureKubeletReadonlyPortEnabled": "FALSE"},
            "metadata": {"disable-legacy-endpoints": "true"},
            "shieldedInstanceConfig": {"enableIntegrityMonitoring": True, "enableSecureBoot": True},
            "workloadMetadataConfig": {"mode": "GKE_METADATA"},
        },
    },
    SUBNET: {"region": "europe-west4", "logConfig": {"aggregationInterval": "INTERVAL_5_MIN"}},
    ARTIFACTS: {
        "location": "europe-west4",
        "kmsKeyName": KEY,
        "vulnerabilityScanningConfig": {"enablementConfig": "INHERITED"},
    },
    AKS: {
        "location": "francecentral",
        "publicNetworkAccess": "Disabled",
        "apiServerAccessProfile": {
            "enablePrivateCluster": True,
            "enablePrivateClusterPublicFQDN": False,
            "disableRunCommand": True,
        },
        "agentPoolProfiles": [{"enableNodePublicIP": False, "securityProfile": _BOOT}],
        "networkProfile": {"networkPolicy": "cilium"},
        "oidcIssuerProfile": {"enabled": True},
        "securityProfile": {"azureKeyVaultKms": {"enabled": True}, "workloadIdentity": {"enabled": True}},
        "disableLocalAccounts": True,
        "enableRBAC": True,
        "aadProfile": {"enableAzureRBAC": True},
        "autoUpgradeProfile": {"nodeOSUpgradeChannel": "NodeImage"},
        "diskEncryptionSetID": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/diskEncryptionSets/d",
    },
    AKS_POOL: {
        "enableNodePublicIP": False,
        "enableEncryptionAtHost": True,
        "securityProfile": _BOOT,
    },
}
# A key of Azure names no region, so that only a graph can say where it lies: see test_decide.py.
UNTRACED = {AKS: {"RES-004", "SEC-004"}}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One setting of a resource that is otherwise right, and the value that breaks a rule. None takes it away."""

    rule: str
    type: str
    path: str
    value: Any

    def case(self) -> Case:
        """As a case of the list that all enforcers are held against."""
        world = "cn" if self.type.startswith("alicloud:") else "row"
        good = GOOD[self.type]
        return Case(
            rule=self.rule, threat="", world=world, type=self.type, bad=put(good, self.path, self.value), good=good
        )


def put(inputs: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with another value at a path; None takes the key away."""
    changed = copy.deepcopy(inputs)
    *steps, last = path.split(".")
    held: Any = changed
    for step in steps:
        held = held[int(step)] if step.isdigit() else held[step]
    if value is None:
        del held[last]
    else:
        held[last] = value
    return changed


def _faults(rule: str, *rows: tuple[str, str, Any]) -> list[Fault]:
    return [Fault(rule=rule, type=kind, path=path, value=value) for kind, path, value in rows]


FAULTS: list[Fault] = [
    *_faults("SEC-001", (ACK, "slbInternetEnabled", True), (GKE, "privateClusterConfig.enablePrivateEndpoint", False),
             (AKS, "apiServerAccessProfile.enablePrivateCluster", False)),
    *_faults("SEC-004", (ACK, "encryptionProviderKey", None), (GKE, "databaseEncryption.state", "DECRYPTED"),
             (AKS, "securityProfile.azureKeyVaultKms.enabled", False), (AKS_POOL, "enableEncryptionAtHost", None)),
    *_faults("SEC-009", (ACK_POOL, "internetMaxBandwidthOut", 5), (ACK_POOL, "internetMaxBandwidthOut", None),
             (GKE, "privateClusterConfig.enablePrivateNodes", False),
             (GKE_POOL, "networkConfig.enablePrivateNodes", None), (AKS_POOL, "enableNodePublicIP", True),
             (AKS, "agentPoolProfiles.0.enableNodePublicIP", None)),
    *_faults("SEC-010", (GKE, "masterAuthorizedNetworksConfig", None),
             (GKE, "masterAuthorizedNetworksConfig.cidrBlocks.0.cidrBlock", "0.0.0.0/0"),
             (GKE, "masterAuthorizedNetworksConfig.gcpPublicCidrsAccessEnabled", True),
             (AKS, "publicNetworkAccess", "Enabled"), (AKS, "apiServerAccessProfile.disableRunCommand", None)),
    *_faults("SEC-011", (ACK_POOL, "systemDiskKmsKey", None), (GKE_POOL, "nodeConfig.bootDiskKmsKey", None),
             (AKS, "diskEncryptionSetID", None)),
    *_faults("SEC-012", (ACK, "addons", [{"name": "flannel"}]), (ACK, "addons", None),
             (ACK, "addons.0.config", '{"NetworkPolicy": "false"}'), (GKE, "datapathProvider", "LEGACY_DATAPATH"),
             (AKS, "networkProfile.networkPolicy", "none")),
    *_faults("SEC-013", (ACK, "enableRrsa", False), (GKE, "workloadIdentityConfig", None),
             (GKE_POOL, "nodeConfig.serviceAccount", "1-compute@developer.gserviceaccount.com"),
             (GKE_POOL, "nodeConfig.serviceAccount", None),
             (GKE_POOL, "nodeConfig.workloadMetadataConfig.mode", "GCE_METADATA"),
             (AKS, "oidcIssuerProfile", None), (AKS, "securityProfile.workloadIdentity.enabled", False)),
    *_faults("SEC-014", (ACK, "clientKey", "key.pem"), (GKE, "enableLegacyAbac", True),
             (GKE, "masterAuth.clientCertificateConfig.issueClientCertificate", True),
             (AKS, "disableLocalAccounts", False), (AKS, "enableRBAC", None), (AKS, "aadProfile", None)),
    *_faults("SEC-015", (ACK, "auditLogConfig.enabled", False), (ACK, "controlPlaneLogComponents", ["kcm"]),
             (GKE, "loggingConfig.enableComponents", ["SYSTEM_COMPONENTS"])),
    *_faults("SEC-016", (ACK_POOL, "instanceMetadataOptions.httpTokens", "optional"),
             (ACK_POOL, "management.autoRepair", False), (GKE, "enableShieldedNodes", False),
             (GKE, "releaseChannel.channel", "UNSPECIFIED"), (GKE_POOL, "nodeConfig.imageType", "UBUNTU_CONTAINERD"),
             (GKE_POOL, "management.autoRepair", False), (GKE_POOL, "management.autoUpgrade", None),
             (GKE_POOL, "nodeConfig.shieldedInstanceConfig.enableSecureBoot", False),
             (GKE_POOL, "nodeConfig.shieldedInstanceConfig.enableIntegrityMonitoring", None),
             (GKE_POOL, "nodeConfig.kubeletConfig", None), (GKE_POOL, "nodeConfig.metadata", None),
             (AKS, "autoUpgradeProfile.nodeOSUpgradeChannel", "Unmanaged"),
             (AKS, "agentPoolProfiles.0.securityProfile.sshAccess", "LocalUser"),
             (AKS, "agentPoolProfiles.0.securityProfile.enableSecureBoot", False),
             (AKS_POOL, "securityProfile.enableSecureBoot", None),
             (AKS_POOL, "securityProfile.enableSecureBoot", False),
             (AKS_POOL, "securityProfile.enableVTPM", None), (AKS_POOL, "securityProfile.sshAccess", None)),
    *_faults("SEC-017", (ACR_EE, "imageScanner", None),
             (ARTIFACTS, "vulnerabilityScanningConfig.enablementConfig", "DISABLED")),
    *_faults("SEC-018", (FLOWS, "status", "Inactive"), (FLOWS, "trafficType", "Drop"), (SUBNET, "logConfig", None),
             (GKE, "enableIntranodeVisibility", None), (GKE, "networkingMode", "ROUTES")),
    *_faults("SEC-026", (OSS, "versioning", None), (GCS, "versioning.enabled", False),
             (BLOBS, "isVersioningEnabled", None)),
    *_faults("SEC-019", (ACK, "addons", [TERWAY, {"name": "kubernetes-dashboard"}]),
             (GKE, "enableKubernetesAlpha", True), (AKS, "addonProfiles", {"kubeDashboard": {"enabled": True}})),
]  # fmt: skip


def deployment(world: str, *, pod: dict[str, Any] | None = None, **container: Any) -> dict[str, Any]:
    """A Deployment that keeps every rule, but for what is named."""
    held = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    app = {"name": "app", "image": CN_IMAGE if world == "cn" else ROW_IMAGE, "securityContext": held, **container}
    spec = {
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [app],
        **(pod or {}),
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "app", "namespace": "maison-a"},
        "spec": {"selector": {"matchLabels": {"app": "a"}},
                 "template": {"metadata": {"labels": {"app": "a"}}, "spec": spec}},
    }  # fmt: skip


def named(kind: str, **rest: Any) -> dict[str, Any]:
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": "x"}, **rest}


def namespace(**labels: str) -> dict[str, Any]:
    found = {f"pod-security.kubernetes.io/{key}": value for key, value in labels.items()}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "maison-a", "labels": found}}


def rule(**parts: list[str]) -> dict[str, Any]:
    return named("ClusterRole", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], **parts}])


def bound(role: str, group: str) -> dict[str, Any]:
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
    return named("ClusterRoleBinding", subjects=[subject], roleRef=ref)


def _inside(world: str) -> list[tuple[str, str, dict[str, Any]]]:
    mighty = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}}
    socket = {"name": "s", "hostPath": {"path": "/var/run"}}
    secret = {"name": "K", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
    return [
        ("SEC-020", DEPLOYMENT, deployment(world, securityContext={"privileged": True})),
        ("SEC-020", DEPLOYMENT, deployment(world, securityContext=mighty)),
        ("SEC-020", DEPLOYMENT, deployment(world, pod={"hostNetwork": True})),
        ("SEC-020", DEPLOYMENT, deployment(world, pod={"hostPID": True})),
        ("SEC-020", DEPLOYMENT, deployment(world, pod={"volumes": [socket]})),
        ("SEC-021", DEPLOYMENT, deployment(world, securityContext={})),
        ("SEC-021", DEPLOYMENT, deployment(world, pod={"securityContext": {"runAsNonRoot": True}})),
        ("SEC-021", DEPLOYMENT, deployment(world, pod={"securityContext": {"seccompProfile": {"type": "Localhost"}}})),
        ("SEC-022", ROLE, rule(verbs=["*"])),
        ("SEC-022", ROLE, rule(resources=["secrets"], verbs=["list"])),
        ("SEC-022", ROLE, rule(resources=["clusterroles"], verbs=["escalate"])),
        ("SEC-022", ROLE, rule(resources=["nodes/proxy"])),
        ("SEC-022", ROLE, rule(resources=["mutatingwebhookconfigurations"], verbs=["patch"])),
        ("SEC-022", BINDING, bound("cluster-admin", "engineers")),
        ("SEC-022", BINDING, bound("view", "system:authenticated")),
        ("SEC-023", DEPLOYMENT, put(deployment(world), "metadata.namespace", "default")),
        ("SEC-023", DEPLOYMENT, deployment(world, pod={"automountServiceAccountToken": True})),
        ("SEC-024", DEPLOYMENT, deployment(world, env=[secret])),
        ("SEC-024", DEPLOYMENT, deployment(world, envFrom=[{"secretRef": {"name": "s"}}])),
        ("SEC-025", NAMESPACE, namespace(enforce="privileged")),
        ("SEC-025", NAMESPACE, namespace(warn="restricted")),
    ]


def _twin(kind: str, world: str) -> dict[str, Any]:
    return {
        DEPLOYMENT: deployment(world),
        ROLE: rule(),
        BINDING: bound("view", "engineers"),
        NAMESPACE: namespace(enforce="baseline"),
    }[kind]


CASES: list[Case] = [
    *(fault.case() for fault in FAULTS),
    *(
        Case(rule=found, threat="", world=world, type=kind, admission=found == "SEC-020", bad=bad,
             good=_twin(kind, world))
        for world in ("cn", "row")
        for found, kind, bad in _inside(world)
    ),
    # What a scanner demands, these rules refuse.
    Case(rule="RES-005", threat="", world="cn", type=OSS, good=GOOD[OSS] | {"transferAcceleration": {"enabled": False}},
         bad=GOOD[OSS] | {"transferAcceleration": {"enabled": True}}),
]  # fmt: skip
