"""Differences to plant: for each input that a capability is read from, a value of it that changes the guarantee.

`expected` is all that changes. The inputs `beside` the one that counts are set with it. A seed with `new` puts a
resource in instead, and resources of the types `also`: for what no component makes yet; those of the types `without` go
first, where it stands in for them. A value that is a function makes the new one of the old.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.unit.components.parity import plans

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, kw_only=True)
class Seed:
    """One difference on one cloud: the input (`TYPE PATH`) and what it is set to."""

    cloud: str
    read: str
    value: Any
    expected: dict[str, str | None]
    where: Callable[[dict[str, Any]], bool] | None = None
    new: bool = False
    beside: dict[str, Any] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @property
    def type(self) -> str:
        """The type of the resource that is changed."""
        return self.read.partition(" ")[0]

    def plant(self, rows: plans.Rows) -> None:
        """Change the plan."""
        token, _, path = self.read.partition(" ")
        for other in self.without:
            plans.drop(rows, other)
        for other in self.also:
            plans.add(rows, other, {})
        if self.new:
            inputs: dict[str, Any] = copy.deepcopy(self.beside)
            place = inputs
            *around, last = path.split(".")
            for step in around:
                place = place.setdefault(step, {})
            place[last] = self.value
            plans.add(rows, token, inputs)
        else:
            for other, value in {**self.beside, path: self.value}.items():
                plans.put(rows, token, other, value, where=self.where)

    def __str__(self) -> str:
        return f"{self.cloud}-{self.read.partition(':')[2].replace(' ', '-')}-{next(iter(self.expected))}"


def _gpu(pool: dict[str, Any]) -> bool:
    return "gpu80g" in str(pool.get("nodePoolName") or pool.get("name"))


ALI_CLUSTER, ALI_POOL = "alicloud:cs/managedKubernetes:ManagedKubernetes", "alicloud:cs/nodePool:NodePool"
ALI_SCALER = "alicloud:cs/autoscalingConfig:AutoscalingConfig"
GCP_CLUSTER, GCP_POOL = "gcp:container/cluster:Cluster", "gcp:container/nodePool:NodePool"
AZ_CLUSTER, AZ_POOL = "azure-native:containerservice:ManagedCluster", "azure-native:containerservice:AgentPool"
RDS, SQL, SERVER = (
    "alicloud:rds/instance:Instance",
    "gcp:sql/databaseInstance:DatabaseInstance",
    "azure-native:dbforpostgresql:Server",
)


def _ali(read: str, value: Any, **expected: Any) -> Seed:
    return _seed("alicloud", read, value, expected)


def _gcp(read: str, value: Any, **expected: Any) -> Seed:
    return _seed("gcp", read, value, expected)


def _az(read: str, value: Any, **expected: Any) -> Seed:
    return _seed("azure", read, value, expected)


def _seed(cloud: str, read: str, value: Any, expected: dict[str, Any]) -> Seed:
    new, where = expected.pop("new", False), expected.pop("where", None)
    beside, also, without = expected.pop("beside", {}), expected.pop("also", ()), expected.pop("without", ())
    changed = {name.replace("__", "."): word for name, word in expected.items()}
    return Seed(
        cloud=cloud, read=read, value=value, expected=changed, new=new, where=where, beside=beside, also=also,
        without=without,
    )  # fmt: skip


_NO_DATABASE = {
    "database__availability": "one-zone",
    "database__backup": "none",
    "database__encryption": "cloud-key",
    "database__tls": "optional",
}
_NAP = {"name": "terway-eniip", "config": '{"NetworkPolicy": "false"}'}
_LABEL = [{"key": "ack.node.gpu.schedule", "value": "cgpu"}]
_ACCELERATOR = {"count": 1, "type": "nvidia-a100-80gb"}
# The engine's mark of a value that is not known yet.
UNKNOWN_NODES = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_OF_GPUS = ("cluster_autoscaling", "gpu__class", "gpu__rate", "gpu__scale_from_zero", "gpu__sharing", "gpu__taint",
            "gpu__driver")  # fmt: skip
_UNSEEN_ALI = dict.fromkeys(
    (*_OF_GPUS, "nodes__metadata", "nodes__private", "nodes__images", "disks__encryption"), None
)
_INSIDE_GCP: dict[str, Any] = {
    "name": "inside",
    "nodeCount": 1,
    "nodeConfig": {
        "machineType": "a3-highgpu-2g",
        "guestAccelerators": [{"count": 2, "type": "nvidia-h100-80gb",
                               "gpuSharingConfig": {"gpuSharingStrategy": "TIME_SHARING"},
                               "gpuDriverInstallationConfig": {"gpuDriverVersion": "LATEST"}}],
    },
}  # fmt: skip
_WORSE_GCP = {
    "cluster_autoscaling": "none", "gpu__scale_from_zero": "no", "gpu__class": "gpu-80g-fp8/2/nvlink_gpu-80g/1",
    "gpu__rate": "gpu-80g-fp8/least-7000_gpu-80g/least-3000", "gpu__sharing": "shared", "gpu__taint": "open",
    "gpu__driver": "newest_stable", "nodes__metadata": "open", "disks__encryption": "cloud-key",
}  # fmt: skip
_INSIDE_AZ = {
    "name": "inside", "mode": "User", "count": 2, "vmSize": "standard_nd96isr_h200_v5", "gpuInstanceProfile": "MIG1g",
    "gpuProfile": {"driver": "None"},
}  # fmt: skip

ALICLOUD = (
    _ali(f"{ALI_CLUSTER} version", "1.33.9-aliyun.1", kubernetes__minor="1.33", dra_support="none"),
    _ali(f"{ALI_CLUSTER} slbInternetEnabled", True, api__private="public"),
    _ali(f"{ALI_CLUSTER} encryptionProviderKey", "", secrets__encryption="cloud-key"),
    _ali(f"{ALI_CLUSTER} disableEncryption", True, secrets__encryption="cloud-key"),
    _ali(f"{ALI_CLUSTER} enableRrsa", False, identity__keyless="none"),
    _ali(f"{ALI_CLUSTER} addons", [_NAP], network__policy="ignored"),
    _ali(f"{ALI_CLUSTER} auditLogConfig.enabled", False, audit__log="off"),
    _ali("alicloud:cs/kubernetesAddon:KubernetesAddon name", "csi-plugin", gateway__controller="none"),
    _ali(f"{ALI_CLUSTER} deletionProtection", True, deletion__protection="cloud"),
    _ali(f"{ALI_CLUSTER} autoMode.enabled", True, **_UNSEEN_ALI),
    _ali(f"{ALI_CLUSTER} profile", "Acs", **_UNSEEN_ALI),
    _ali(f"{ALI_POOL} scalingConfig.enable", False, where=_gpu, cluster_autoscaling="none", gpu__scale_from_zero="no"),
    _ali(f"{ALI_POOL} scalingConfig", {"type": "gpu", "enable": True, "minSize": 1}, where=_gpu,
         gpu__scale_from_zero="no"),
    _ali(f"{ALI_SCALER} scaleDownEnabled", False, cluster_autoscaling="none", gpu__scale_from_zero="no"),
    _ali(f"{ALI_SCALER} scaleUpFromZero", False, gpu__scale_from_zero="no"),
    _ali(f"{ALI_POOL} systemDiskEncrypted", False, disks__encryption="cloud-key"),
    _ali(f"{ALI_POOL} systemDiskKmsKey", "", disks__encryption="cloud-key"),
    _ali(f"{ALI_POOL} internetMaxBandwidthOut", 10, nodes__private="public"),
    _ali(f"{ALI_POOL} instanceMetadataOptions.httpTokens", "optional", nodes__metadata="open"),
    _ali(f"{ALI_POOL} instanceTypes", ["ecs.gn7i-c16g1.4xlarge"], where=_gpu, gpu__class="gpu-24g/1", gpu__rate=None),
    _ali(f"{ALI_POOL} management.autoVulFix", False, nodes__images="held"),
    _ali(f"{ALI_POOL} labels", [{"key": "ack.aliyun.com/nvidia-driver-version", "value": "570.172.08"}], where=_gpu,
         gpu__driver="570.172.08"),
    _ali(f"{ALI_POOL} labels", _LABEL, where=_gpu, gpu__sharing="shared"),
    _ali(f"{ALI_POOL} taints", [], where=_gpu, gpu__taint="open"),
    _ali("alicloud:kms/key:Key automaticRotation", "Disabled", keys__rotation="none"),
    _ali("alicloud:kms/key:Key rotationInterval", "730d", keys__rotation="730d"),
    _ali("alicloud:oss/bucketPublicAccessBlock:BucketPublicAccessBlock blockPublicAccess", False,
         bucket__public_access="possible"),
    _ali("alicloud:oss/bucket:Bucket acl", "public-read", bucket__public_access="possible"),
    _ali("alicloud:oss/bucket:Bucket serverSideEncryptionRule", {"sseAlgorithm": "AES256"},
         bucket__encryption="cloud-key"),
    _ali("alicloud:oss/bucket:Bucket versioning.status", "Suspended", bucket__versioning="off"),
    _ali("alicloud:nas/fileSystem:FileSystem encryptType", 1, files__encryption="cloud-key"),
    _ali("alicloud:nas/fileSystem:FileSystem kmsKeyId", "", files__encryption="cloud-key"),
    _ali("alicloud:log/store:Store retentionPeriod", 30, log__retention="30d"),
    _ali("alicloud:cms/prometheusInstance:PrometheusInstance storageDuration", 0, metrics__managed="off"),
    # What no component makes yet.
    _ali("alicloud:cr/registryEnterpriseInstance:RegistryEnterpriseInstance customOssBucket", "ours",
         registry__encryption="customer-key"),
    # Beside the one that is there: the weakest counts.
    _ali(f"{RDS} category", "Basic", new=True, **_NO_DATABASE),
    _ali(f"{RDS} category", "Basic", database__availability="one-zone"),
    _ali(f"{RDS} zoneIdSlaveA", "", database__availability="one-zone"),
    _ali("alicloud:rds/backupPolicy:BackupPolicy backupRetentionPeriod", 30, database__backup="30d"),
    _ali(f"{RDS} encryptionKey", "", database__encryption="cloud-key"),
    _ali(f"{RDS} sslAction", "Close", database__tls="optional"),
    _ali("alicloud:redis/tairInstance:TairInstance sslEnabled", "Disable", cache__tls="optional"),
    # What the fleet of the plans does not ask for.
    _ali("alicloud:cms/alertRuleV2:AlertRuleV2 queryConfig.expr", 'absent(up{cell="one"})', new=True,
         alarm__silent="told"),
)  # fmt: skip

GCP = (
    _gcp(f"{GCP_CLUSTER} minMasterVersion", "1.33", kubernetes__minor="1.33", dra_support="none"),
    _gcp(f"{GCP_CLUSTER} privateClusterConfig.enablePrivateEndpoint", False, api__private="public"),
    _gcp(f"{GCP_CLUSTER} controlPlaneEndpointsConfig.dnsEndpointConfig.allowExternalTraffic", True,
         api__private="public"),
    _gcp(f"{GCP_CLUSTER} databaseEncryption.state", "DECRYPTED", secrets__encryption="cloud-key"),
    _gcp(f"{GCP_CLUSTER} databaseEncryption.keyName", "", secrets__encryption="cloud-key"),
    _gcp(f"{GCP_CLUSTER} workloadIdentityConfig.workloadPool", "", identity__keyless="none"),
    _gcp(f"{GCP_CLUSTER} datapathProvider", "LEGACY_DATAPATH", network__policy="ignored"),
    _gcp(f"{GCP_CLUSTER} loggingConfig.enableComponents", ["SYSTEM_COMPONENTS"], audit__log="off"),
    _gcp(f"{GCP_CLUSTER} monitoringConfig.managedPrometheus.enabled", False, metrics__managed="off"),
    _gcp(f"{GCP_CLUSTER} gatewayApiConfig.channel", "CHANNEL_DISABLED", gateway__controller="none"),
    _gcp(f"{GCP_CLUSTER} deletionProtection", True, deletion__protection="engine"),
    _gcp(f"{GCP_POOL} autoscaling", None, where=_gpu, cluster_autoscaling="none", gpu__scale_from_zero="no"),
    _gcp(f"{GCP_POOL} nodeConfig.bootDiskKmsKey", "", disks__encryption="cloud-key"),
    _gcp(f"{GCP_POOL} networkConfig.enablePrivateNodes", False, nodes__private="public"),
    _gcp(f"{GCP_POOL} nodeConfig.workloadMetadataConfig.mode", "GCE_METADATA", nodes__metadata="open"),
    _gcp(f"{GCP_POOL} nodeConfig.machineType", "a3-highgpu-2g", where=_gpu, gpu__class="gpu-80g-fp8/1",
         gpu__rate="gpu-80g-fp8/least-7000"),
    _gcp(f"{GCP_POOL} nodeConfig.guestAccelerators",
         [{**_ACCELERATOR, "gpuSharingConfig": {"gpuSharingStrategy": "TIME_SHARING"}}], where=_gpu,
         gpu__sharing="shared"),
    _gcp(f"{GCP_POOL} nodeConfig.guestAccelerators", [{**_ACCELERATOR, "count": 2}], where=_gpu,
         gpu__class="gpu-80g/2/none"),
    _gcp(f"{GCP_POOL} nodeConfig.guestAccelerators", [], beside={"nodeConfig.machineType": "n2-standard-8"},
         where=_gpu, **dict.fromkeys(_OF_GPUS, "n/a")),
    # Pools inside the cluster's own resource, and those that the cloud makes by itself.
    _gcp(f"{GCP_CLUSTER} nodePools", [_INSIDE_GCP], **_WORSE_GCP),
    _gcp(f"{GCP_CLUSTER} nodePools", [UNKNOWN_NODES], **dict.fromkeys(_OF_GPUS), nodes__metadata=None,
         nodes__private=None, disks__encryption=None),
    _gcp(f"{GCP_CLUSTER} nodeConfig", _INSIDE_GCP["nodeConfig"], beside={"removeDefaultNodePool": False},
         **_WORSE_GCP),
    _gcp(f"{GCP_CLUSTER} privateClusterConfig.enablePrivateNodes", False, nodes__private="public",
         nodes__metadata="open", disks__encryption="cloud-key", beside={"nodePools": [{"name": "plain"}]}),
    _gcp(f"{GCP_CLUSTER} enableAutopilot", True, **dict.fromkeys(_OF_GPUS), disks__encryption="cloud-key"),
    _gcp(f"{GCP_CLUSTER} clusterAutoscaling",
         {"enabled": True, "resourceLimits": [{"resourceType": "cpu", "maximum": 64},
                                              {"resourceType": "nvidia-l4", "maximum": 4}]},
         **dict.fromkeys(_OF_GPUS), disks__encryption="cloud-key", nodes__metadata=None),
    _gcp(f"{GCP_POOL} nodeConfig.guestAccelerators",
         [{**_ACCELERATOR, "gpuDriverInstallationConfig": {"gpuDriverVersion": "LATEST"}}], where=_gpu,
         gpu__driver="newest"),
    _gcp(f"{GCP_CLUSTER} maintenancePolicy.maintenanceExclusions",
         [{"exclusionOptions": {"scope": "NO_MINOR_OR_NODE_UPGRADES"}}], nodes__images="held"),
    _gcp(f"{GCP_POOL} nodeConfig.taints", [], where=_gpu, gpu__taint="open"),
    _gcp("gcp:kms/cryptoKey:CryptoKey rotationPeriod", "7776000s", keys__rotation="90d"),
    _gcp("gcp:storage/bucket:Bucket publicAccessPrevention", "inherited", bucket__public_access="possible"),
    _gcp("gcp:storage/bucket:Bucket uniformBucketLevelAccess", False, bucket__public_access="possible"),
    _gcp("gcp:storage/bucket:Bucket encryption", None, bucket__encryption="cloud-key"),
    _gcp("gcp:storage/bucket:Bucket versioning.enabled", False, bucket__versioning="off"),
    _gcp("gcp:filestore/instance:Instance kmsKeyName", "", files__encryption="cloud-key"),
    _gcp("gcp:artifactregistry/repository:Repository kmsKeyName", "", registry__encryption="cloud-key"),
    _gcp("gcp:logging/projectBucketConfig:ProjectBucketConfig retentionDays", 30, log__retention="30d"),
    # Beside the one that is there: the weakest counts.
    _gcp(f"{SQL} settings.availabilityType", "ZONAL", new=True, **_NO_DATABASE),
    _gcp(f"{SQL} settings.availabilityType", "ZONAL", database__availability="one-zone"),
    _gcp(f"{SQL} settings.backupConfiguration",
         {"enabled": True, "backupRetentionSettings": {"retainedBackups": 30}}, database__backup="30d"),
    _gcp(f"{SQL} encryptionKeyName", "", database__encryption="cloud-key"),
    _gcp(f"{SQL} settings.ipConfiguration.sslMode", "ALLOW_UNENCRYPTED_AND_ENCRYPTED", database__tls="optional"),
    _gcp("gcp:memorystore/instance:Instance transitEncryptionMode", "TRANSIT_ENCRYPTION_DISABLED",
         cache__tls="optional"),
    # What the fleet of the plans does not ask for.
    _gcp("gcp:monitoring/alertPolicy:AlertPolicy conditions",
         [{"conditionPrometheusQueryLanguage": {"query": 'absent(up{cell="one"})'}}], new=True, alarm__silent="told"),
    _gcp("gcp:billing/budget:Budget amount", {"specifiedAmount": {"units": "1"}}, new=True, budget__alert="alerting"),
)  # fmt: skip

_GROUP = "/subscriptions/0/resourceGroups/g/providers/Microsoft.ContainerService"
AZURE = (
    _az(f"{AZ_CLUSTER} kubernetesVersion", "1.33", kubernetes__minor="1.33", dra_support="none"),
    _az(f"{AZ_CLUSTER} apiServerAccessProfile.enablePrivateCluster", False, api__private="public"),
    _az(f"{AZ_CLUSTER} apiServerAccessProfile.enablePrivateClusterPublicFQDN", True, api__private="public"),
    _az(f"{AZ_CLUSTER} securityProfile.azureKeyVaultKms.enabled", False, secrets__encryption="cloud-key"),
    _az(f"{AZ_CLUSTER} securityProfile.azureKeyVaultKms.keyId", "", secrets__encryption="cloud-key"),
    _az(f"{AZ_CLUSTER} oidcIssuerProfile.enabled", False, identity__keyless="none"),
    _az(f"{AZ_CLUSTER} securityProfile.workloadIdentity.enabled", False, identity__keyless="none"),
    _az(f"{AZ_CLUSTER} networkProfile.networkPolicy", "none", network__policy="ignored"),
    _az(f"{AZ_CLUSTER} azureMonitorProfile.metrics.enabled", False, metrics__managed="off"),
    _az(f"{AZ_CLUSTER} agentPoolProfiles", [{"enableNodePublicIP": True}], nodes__private="public"),
    _az(f"{AZ_CLUSTER} agentPoolProfiles", [_INSIDE_AZ], cluster_autoscaling="none", gpu__scale_from_zero="no",
        gpu__class="gpu-140g-fp8/8/nvlink_gpu-80g/1", gpu__sharing="shared", gpu__taint="open",
        gpu__driver="none_stable"),
    _az(f"{AZ_CLUSTER} agentPoolProfiles", UNKNOWN_NODES, **dict.fromkeys(_OF_GPUS), nodes__private=None),
    _az(f"{AZ_CLUSTER} nodeProvisioningProfile.mode", "Auto", **dict.fromkeys(_OF_GPUS), nodes__private=None),
    _az(f"{AZ_CLUSTER} sku.name", "Automatic", **dict.fromkeys(_OF_GPUS), nodes__private=None),
    _az(f"{AZ_CLUSTER} autoUpgradeProfile.nodeOSUpgradeChannel", "None", nodes__images="held"),
    _az(f"{AZ_POOL} gpuProfile.driver", "None", gpu__driver="none"),
    _az(f"{AZ_POOL} enableNodePublicIP", True, nodes__private="public"),
    _az(f"{AZ_POOL} enableAutoScaling", False, cluster_autoscaling="none", gpu__scale_from_zero="no"),
    _az(f"{AZ_POOL} minCount", 1, gpu__scale_from_zero="no"),
    _az(f"{AZ_POOL} vmSize", "Standard_ND96isr_H200_v5", gpu__class="gpu-140g-fp8/8/nvlink",
        gpu__rate="gpu-140g-fp8/least-8000"),
    _az(f"{AZ_POOL} gpuInstanceProfile", "MIG1g", gpu__sharing="shared"),
    _az(f"{AZ_POOL} nodeTaints", [], gpu__taint="open"),
    _az("azure-native:keyvault:Key properties.rotationPolicy", {}, keys__rotation="none"),
    _az("azure-native:storage:StorageAccount allowBlobPublicAccess", True, bucket__public_access="possible"),
    _az("azure-native:storage:BlobContainer publicAccess", "Blob", bucket__public_access="possible"),
    _az("azure-native:storage:StorageAccount encryption.keySource", "Microsoft.Storage",
        bucket__encryption="cloud-key", files__encryption="cloud-key"),
    _az("azure-native:storage:BlobServiceProperties isVersioningEnabled", False, bucket__versioning="off"),
    _az("azure-native:containerregistry:Registry encryption.status", "disabled", registry__encryption="cloud-key"),
    _az("azure-native:monitor:DiagnosticSetting logs", [{"category": "kube-audit", "enabled": False}],
        audit__log="off"),
    _az("azure-native:operationalinsights:Workspace retentionInDays", 30, log__retention="30d"),
    # What no component makes yet.
    _az(f"{AZ_CLUSTER} diskEncryptionSetID", "", disks__encryption="cloud-key"),
    _az(f"{SERVER} highAvailability.mode", "Disabled", database__availability="one-zone"),
    _az(f"{SERVER} backup.backupRetentionDays", 30, database__backup="30d"),
    _az("azure-native:dbforpostgresql:Configuration value", "off", new=True, also=(SERVER,),
        beside={"configurationName": "require_secure_transport"}, database__availability="one-zone",
        database__encryption="cloud-key", database__tls="optional"),
    _az(f"{SERVER} dataEncryption", {"type": "SystemManaged"}, database__encryption="cloud-key"),
    _az("azure-native:dbforpostgresql:Configuration value", "off",
        where=lambda one: one["configurationName"] == "require_secure_transport", database__tls="optional"),
    _az(f"{AZ_CLUSTER} serviceMeshProfile.mode", "Disabled", gateway__controller="none"),
    _az("azure-native:authorization:ManagementLockByScope level", "CanNotDelete", new=True,
        beside={"scope": f"{_GROUP}/managedClusters/one"}, deletion__protection="cloud"),
    _az("azure-native:redisenterprise:Database clientProtocol", "Plaintext", cache__tls="optional"),
    _az("azure-native:alertsmanagement:PrometheusRuleGroup rules", [{"expression": 'absent(up{cell="one"})'}],
        new=True, alarm__silent="told"),
    _az("azure-native:consumption:Budget amount", 1, new=True, budget__alert="alerting"),
)  # fmt: skip

_SPACE, _POLICY = "kubernetes:core/v1:Namespace", "kubernetes:networking.k8s.io/v1:NetworkPolicy"
_QUOTA, _BINDING = "kubernetes:core/v1:ResourceQuota", "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding"
_DEPLOYMENT = "kubernetes:apps/v1:Deployment"
_LISTENERS = "kubernetes:gateway.networking.k8s.io/v1:Gateway spec.listeners"


def _in(space: str) -> Callable[[dict[str, Any]], bool]:
    return lambda one: space in (one["metadata"]["name"], one["metadata"].get("namespace"))


def _kube(read: str, value: Any, **expected: Any) -> tuple[Seed, ...]:
    return tuple(_seed(cloud, read, value, dict(expected)) for cloud in plans.CELLS)


_QUEUE, _RELEASE = "kubernetes:kueue.x-k8s.io/v1beta2:ClusterQueue", "kubernetes:helm.sh/v3:Release"
_DENY_OFF = {"network__default_deny": "some", "tenant__isolation": "partial"}
_TABLE = "2-tenants/12-gpus"
_TEMPLATE = f"{_DEPLOYMENT} spec.template"
_SERVED = _in("advisor")


def _container(**changes: Any) -> Callable[[Any], Any]:
    """The template with another image or other arguments of its engine."""

    def change(template: Any) -> Any:
        new = copy.deepcopy(template)
        for key, made in changes.items():
            new["spec"]["containers"][0][key] = made(new["spec"]["containers"][0][key])
        return new

    return change


def _volumes(template: Any) -> Any:
    new = copy.deepcopy(template)
    for one in new["spec"]["volumes"]:
        if "image" in one:
            one["image"]["reference"] = one["image"]["reference"].partition("@")[0] + f"@sha256:{'0' * 64}"
    return new


KUBERNETES = (
    *_kube(_LISTENERS, [{"name": "http", "port": 80, "protocol": "HTTP"}], gateway__tls="plain"),
    *_kube(_LISTENERS, [], gateway__tls="n/a", ai_inference="none"),
    *_kube(f"{_QUEUE} spec.resourceGroups", [], gang_scheduling="none"),
    *_kube("kubernetes:scheduling.volcano.sh/v1beta1:Queue kind", "Queue", new=True, without=(_QUEUE,),
           gang_scheduling="queue"),
    *_kube("kubernetes:autoscaling/v2:HorizontalPodAutoscaler spec.metrics",
           [{"type": "Pods", "pods": {"metric": {"name": "vllm:num_requests_waiting"}}}], new=True,
           pod_autoscaling="by-metrics", autoscaler__signals="vllm.num_requests_waiting"),
    *_kube("kubernetes:keda.sh/v1alpha1:ScaledObject spec.triggers",
           [{"type": "prometheus", "metadata": {"metricName": "queue"}}], new=True,
           pod_autoscaling="by-metrics", autoscaler__signals="queue"),
    *_kube("kubernetes:apps/v1:DaemonSet spec.template", {}, accelerator_metrics="none"),
    *_kube("kubernetes:core/v1:ConfigMap data", {}, ai_service_metrics="none"),
    *_kube("kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition spec.group", "ray.io", new=True,
           without=(_RELEASE,), robust_controller="installed"),
    *_kube(f"{_RELEASE} chart", "oci://example.com/charts/keda", robust_controller="none"),
    *_kube(f"{_SPACE} metadata.labels", {"twain/maison": "aurelia"}, where=_in("maison-aurelia"),
           secure_accelerator_access="open", tenant__isolation="partial"),
    *_kube(f"{_POLICY} spec", {"podSelector": {}, "policyTypes": ["Ingress"]}, where=_in("maison-calisto"),
           **_DENY_OFF),
    *_kube(f"{_QUOTA} spec.hard", {"requests.nvidia.com/gpu": "6"}, tenant__quotas=f"{_TABLE}/c8149150"),
    *_kube(f"{_QUOTA} spec.hard", {}, where=_in("maison-calisto"), tenant__quotas="1-tenants/8-gpus/a5cd6f68",
           tenant__isolation="partial"),
    *_kube(_TEMPLATE, _container(image=lambda image: image.replace(":v0.33.0", ":v0.32.0")), where=_SERVED,
           engine__version="vllm-openai/v0.32.0"),
    *_kube(_TEMPLATE, _container(image=lambda image: image.partition("@")[0]), where=_SERVED,
           image__digest="unpinned"),
    *_kube(_TEMPLATE, _container(args=lambda args: [*args, "--enforce-eager"]), where=_SERVED,
           engine__arguments="88cba66dac58"),
    *_kube(_TEMPLATE, _volumes, where=_SERVED, model__weights=f"sha256/{'0' * 64}"),
    *_kube(_TEMPLATE, _container(args=lambda args: [one.replace("32768", "8192") for one in args]), where=_SERVED,
           model__contract="8192/e2e-10s-0.95_ttft-1s-0.95"),
    *_kube(f"{_DEPLOYMENT} metadata.annotations", {}, where=_SERVED, model__contract="32768/no-slo"),
    *_kube(f"{_BINDING} subjects", [{"kind": "Group", "name": "everybody"}], tenant__isolation="partial"),
)  # fmt: skip
SEEDS = (*ALICLOUD, *GCP, *AZURE, *KUBERNETES)
