"""What each type of resource is billed by: metered, free by nature, or chargeable without a price.

A type that neither table names is *unpriced*: it appears on a bill without a cost. So a new type can never slip
through as free.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

CURRENCY: Final = {"alicloud": "CNY", "gcp": "USD", "azure": "EUR"}


@dataclass(frozen=True, kw_only=True)
class Meter:
    """How one kind of thing is metered. An empty `sku` means: no price is known anywhere, the thing is unpriced.

    `code` is the billing item's code as the provider's export would have it.
    """

    sku: str
    unit: Literal["hour", "gb-month"]
    category: str
    subcategory: str
    service: str
    code: str
    gpu: bool = False


_CLUSTER: Final = ("Compute", "Containers")
_STORE: Final = ("Storage", "Object Storage")
_FILES: Final = ("Storage", "File Storage")
_NET: Final = ("Networking", "Network Infrastructure")
_LOGS: Final = ("Management and Governance", "Observability")
_CACHES: Final = ("Databases", "Caching")
_DATABASES: Final = ("Databases", "Relational Databases")
_IMAGES: Final = ("Compute", "Containers")
_AI: Final = ("AI and Machine Learning", "AI Platforms")
_KEYS: Final = ("Security", "Security Posture Management")


def _meter(
    sku: str, kind: tuple[str, str], service: str, code: str, unit: Literal["hour", "gb-month"] = "hour"
) -> Meter:
    return Meter(sku=sku, unit=unit, category=kind[0], subcategory=kind[1], service=service, code=code)


# (cloud, last part of the type token, or all of it where two end alike) -> meter.
# Prices: components/pricing/data/prices.csv.
METERS: Final[dict[tuple[str, str], Meter]] = {
    ("alicloud", "ManagedKubernetes"): _meter(
        "ack-pro-cluster-fee", _CLUSTER, "Container Service for Kubernetes", "cluster"
    ),
    ("alicloud", "Bucket"): _meter("oss-standard-lrs", _STORE, "Object Storage Service", "storage", "gb-month"),
    ("alicloud", "NatGateway"): _meter("", _NET, "NAT Gateway", "instance_rent"),
    ("alicloud", "EipAddress"): _meter("", _NET, "Elastic IP Address", "instance_rent"),
    ("alicloud", "Key"): _meter("", _KEYS, "Key Management Service", "key_rent"),
    # The charge for logs lies on the store, by volume; the project that holds it is free.
    ("alicloud", "Store"): _meter("", _LOGS, "Simple Log Service", "index_traffic"),
    ("alicloud", "FileSystem"): _meter("", _FILES, "File Storage NAS", "storage"),
    ("alicloud", "FlowLog"): _meter("", _LOGS, "Virtual Private Cloud", "flow_log"),
    ("alicloud", "alicloud:cms/workspace:Workspace"): _meter("", _LOGS, "CloudMonitor", "workspace"),
    ("alicloud", "PrometheusInstance"): _meter("", _LOGS, "CloudMonitor", "metric_write"),
    # What tells people is charged by what it asks or sends on most clouds; the catalogue has no public price of it.
    ("alicloud", "AlertRuleV2"): _meter("", _LOGS, "CloudMonitor", "alert_rule"),
    ("alicloud", "alicloud:sls/alert:Alert"): _meter("", _LOGS, "Simple Log Service", "alert"),
    ("gcp", "AlertPolicy"): _meter("", _LOGS, "Cloud Monitoring", "ALERT-CONDITION"),
    ("azure", "ActionGroup"): _meter("", _LOGS, "Azure Monitor", "webhook-notification"),
    ("alicloud", "RegistryEnterpriseInstance"): _meter("", _IMAGES, "Container Registry", "instance_subscription"),
    ("alicloud", "alicloud:rds/instance:Instance"): _meter("", _DATABASES, "ApsaraDB RDS", "instance_rent"),
    ("gcp", "DatabaseInstance"): _meter("", _DATABASES, "Cloud SQL", "REGIONAL-CPU-RAM"),
    ("azure", "Server"): _meter("", _DATABASES, "Azure Database for PostgreSQL", "general-purpose-compute"),
    ("alicloud", "TairInstance"): _meter("", _CACHES, "Tair", "instance_rent"),
    ("gcp", "gcp:memorystore/instance:Instance"): _meter("", _CACHES, "Memorystore for Valkey", "NODE-HOUR"),
    ("azure", "RedisEnterprise"): _meter("", _CACHES, "Azure Managed Redis", "balanced-instance"),
    # Not to be taken for the service of a project, which is free.
    ("alicloud", "alicloud:pai/service:Service"): _meter("", _AI, "Platform for AI", "eas_instance"),
    ("gcp", "AiEndpoint"): _meter("", _AI, "Vertex AI", "ONLINE-PREDICTION"),
    ("azure", "Deployment"): _meter("", _AI, "Azure AI services", "tokens"),
    ("gcp", "Repository"): _meter("", _IMAGES, "Artifact Registry", "STORAGE"),
    ("gcp", "RegionalSecret"): _meter("", _KEYS, "Secret Manager", "ACTIVE-SECRET-VERSION"),
    ("gcp", "gcp:filestore/instance:Instance"): _meter("", _FILES, "Cloud Filestore", "REGIONAL-CAPACITY"),
    ("gcp", "ProjectBucketConfig"): _meter("", _LOGS, "Cloud Logging", "LOG-STORAGE"),
    ("gcp", "Cluster"): _meter("gke-cluster-fee", _CLUSTER, "Kubernetes Engine", "B561-BFBD-1264"),
    ("gcp", "Bucket"): _meter("gcs-standard", _STORE, "Cloud Storage", "E653-0A40-3B69", "gb-month"),
    ("gcp", "RouterNat"): _meter("", _NET, "Networking", "NAT-GATEWAY-UPTIME"),
    ("gcp", "ManagedZone"): _meter("", _NET, "Cloud DNS", "ManagedZone"),
    ("gcp", "Address"): _meter("", _NET, "Networking", "EXTERNAL-IP"),
    ("gcp", "CryptoKey"): _meter("", _KEYS, "Cloud Key Management Service", "ACTIVE-KEY-VERSIONS"),
    ("azure", "ManagedCluster"): _meter("aks-standard-cluster-fee", _CLUSTER, "Azure Kubernetes Service", "uptime-sla"),
    ("azure", "StorageAccount"): _meter("blob-hot-lrs", _STORE, "Storage Accounts", "hot-lrs-data-stored", "gb-month"),
    ("azure", "FileShare"): _meter("", _FILES, "Storage Accounts", "premium-files-provisioned"),
    ("azure", "AzureMonitorWorkspace"): _meter("", _LOGS, "Azure Monitor", "metrics-ingestion"),
    ("azure", "Workspace"): _meter("", _LOGS, "Log Analytics", "data-ingestion"),
    ("azure", "NatGateway"): _meter("", _NET, "Virtual Network", "nat-gateway"),
    ("azure", "PublicIPAddress"): _meter("", _NET, "Virtual Network", "standard-static-ip"),
    ("azure", "PrivateEndpoint"): _meter("", _NET, "Virtual Network", "standard-private-endpoint"),
    ("azure", "PrivateZone"): _meter("", _NET, "Azure DNS", "private-zone"),
    ("azure", "Registry"): _meter("", _IMAGES, "Container Registry", "premium-registry-unit"),
    ("azure", "Key"): _meter("", _KEYS, "Key Vault", "key-operations"),
    ("azure", "Vault"): _meter("", _KEYS, "Key Vault", "vault-operations"),
}

_NODE_SERVICE: Final = {
    "alicloud": "Elastic Compute Service",
    "gcp": "Compute Engine",
    "azure": "Virtual Machines",
}
_NODE_CODE: Final = {"alicloud": "instance_type", "gcp": "INSTANCE-CORE-HOUR", "azure": "compute-hour"}

# Free by nature on every cloud: the charge, if any, lies on what they configure or contain.
FREE: Final = frozenset(
    {
        # networks and their rules
        "Firewall", "Network", "NetworkSecurityGroup", "Router", "SecurityGroup", "SecurityGroupRule", "SecurityRule",
        "Subnet", "Subnetwork", "Switch", "VirtualNetwork", "RouteTable", "SnatEntry", "EipAssociation",
        "ResourceGroup", "Connection", "GlobalAddress", "PrivateDnsZoneGroup", "ServiceConnectionPolicy",
        "VirtualNetworkLink", "RecordSet",
        # identities and grants
        "Account", "FederatedIdentityCredential", "IAMBinding", "IAMMember", "BucketIAMBinding", "BucketIAMMember",
        "CryptoKeyIAMBinding", "CryptoKeyIAMMember", "KeyIAMMember", "RegionalSecretIamMember",
        "RepositoryIamMember", "OidcProvider", "Policy", "PolicyAttachment",
        "RamPolicy", "RamRole", "Role", "RoleAssignment", "RolePolicyAttachment", "UserAssignedIdentity",
        # parts of what is billed as a whole, and settings
        "AgentPool", "Alias", "AutoscalingConfig", "BlobContainer", "BlobServiceProperties", "BucketAcl",
        "BucketHttpsConfig", "BucketLifecycle", "BucketLogging", "BucketObject", "BucketPolicy",
        "BucketPublicAccessBlock",
        "BucketServerSideEncryption", "BucketVersioning", "KeyRing", "MaintenanceConfiguration", "ManagementPolicy",
        "DiskEncryptionSet",
        "NodePool", "DiagnosticSetting", "ManagementLockByScope", "ManagementLockAtResourceGroupLevel", "Project",
        "Service", "ServiceIdentity", "AccessGroup", "AccessRule", "FileServiceProperties", "MountTarget",
        "KubernetesAddon", "RegistryEnterpriseNamespace", "VpcEndpointLinkedVpc",
        "AccessPolicyAssignment", "BackupPolicy", "Configuration", "Database", "User",
        # what collects and routes; the charge lies where it is kept
        "DataCollectionEndpoint", "DataCollectionRule", "DataCollectionRuleAssociation", "IAMAuditConfig",
        "PrivateLinkScope", "PrivateLinkScopedResource", "ProjectExclusion", "ProjectSink",
        "SubscriptionDiagnosticSetting", "Trail",
        # what watches and forbids
        "ActivityLogAlert", "AlarmContactGroup", "Budget", "EventNotifyPolicy", "NotificationChannel",
        "PrometheusRuleGroup", "ControlPolicy", "ControlPolicyAttachment", "PolicyAssignment",
        # an account or a workspace for models; the charge lies on what is served in it
        "WorkspaceWorkspace",
    }
)  # fmt: skip

_UNKNOWN: Final = Meter(sku="", unit="hour", category="Other", subcategory="Other (Other)", service="", code="unknown")


def of_resource(cloud: str, type_token: str) -> Meter | None:
    """The meter of a resource type, or None when it is free by nature. An unknown type gets a meter without a price."""
    name = type_token.rsplit(":", 1)[-1]
    exact = METERS.get((cloud, type_token))
    if exact is not None:
        return exact
    return None if name in FREE else METERS.get((cloud, name), _UNKNOWN)


def of_node(cloud: str, instance_type: str, *, gpu: bool) -> Meter:
    """The meter of a Node: its machine type by the hour."""
    return Meter(
        sku=instance_type,
        unit="hour",
        category="Compute",
        subcategory="Virtual Machines",
        service=_NODE_SERVICE[cloud],
        code=_NODE_CODE[cloud],
        gpu=gpu,
    )
