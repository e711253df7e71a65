"""What a cloud's API accepts as a name: pattern by resource type and property.

Sources: the providers' own validators and the vendors' pages, as of August 2026; where neither says, the narrowest form
that all of them take.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class NameRule:
    """A name must match the whole of `pattern`. `worldwide`: unique among all customers of the cloud."""

    pattern: re.Pattern[str]
    worldwide: bool = False


def _rule(pattern: str, *, worldwide: bool = False) -> NameRule:
    return NameRule(pattern=re.compile(pattern), worldwide=worldwide)


_ALI_NAME = _rule(r"(?!https?://)[a-zA-Z][\w.:-]{0,127}")
_GCP_NAME = _rule(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_GCP_CLUSTER = _rule(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")
_GCP_ACCOUNT = _rule(r"[a-z]([-a-z0-9]{4,28}[a-z0-9])")
# The narrowest of three: a collection endpoint takes 44 characters.
_AZ_MONITOR = _rule(r"[a-zA-Z0-9]([a-zA-Z0-9-]{1,42}[a-zA-Z0-9])")
_AZ_NETWORK = _rule(r"[a-zA-Z0-9]([\w.-]{0,78}\w)?")

NAME_RULES: dict[tuple[str, str], NameRule] = {
    ("alicloud:vpc/network:Network", "vpcName"): _ALI_NAME,
    ("alicloud:vpc/switch:Switch", "vswitchName"): _ALI_NAME,
    ("alicloud:vpc/natGateway:NatGateway", "natGatewayName"): _ALI_NAME,
    ("alicloud:ecs/eipAddress:EipAddress", "addressName"): _ALI_NAME,
    ("alicloud:cs/managedKubernetes:ManagedKubernetes", "name"): _rule(r"[a-zA-Z0-9][\w-]{0,62}"),
    ("alicloud:cs/nodePool:NodePool", "nodePoolName"): _rule(r"[\w-]{1,63}"),
    ("alicloud:kms/alias:Alias", "aliasName"): _rule(r"alias/[\w/-]{1,255}"),
    ("alicloud:resourcemanager/controlPolicy:ControlPolicy", "controlPolicyName"): _rule(r"[a-zA-Z0-9-]{1,128}"),
    ("alicloud:actiontrail/trail:Trail", "trailName"): _rule(r"[a-z][a-z0-9_-]{5,35}"),
    ("alicloud:cms/prometheusInstance:PrometheusInstance", "prometheusInstanceName"): _rule(r"[a-zA-Z][\w.-]{0,127}"),
    ("alicloud:cms/workspace:Workspace", "workspaceName"): _rule(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", worldwide=True),
    ("alicloud:nas/accessGroup:AccessGroup", "accessGroupName"): _rule(r"[a-zA-Z][\w-]{2,63}"),
    ("alicloud:nas/fileSystem:FileSystem", "description"): _rule(r"(?!https?://)[a-zA-Z][\w:-]{1,127}"),
    ("alicloud:cr/registryEnterpriseInstance:RegistryEnterpriseInstance", "instanceName"): _rule(
        r"[a-z0-9][a-z0-9-]{1,28}[a-z0-9]", worldwide=True
    ),
    ("alicloud:cs/registryEnterpriseNamespace:RegistryEnterpriseNamespace", "name"): _rule(
        r"[a-z0-9][a-z0-9_.-]{0,118}[a-z0-9]"
    ),
    ("alicloud:vpc/flowLog:FlowLog", "flowLogName"): _ALI_NAME,
    ("alicloud:log/project:Project", "projectName"): _rule(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", worldwide=True),
    ("alicloud:oss/bucket:Bucket", "bucket"): _rule(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", worldwide=True),
    ("alicloud:ram/role:Role", "roleName"): _rule(r"[a-zA-Z0-9.-]{1,64}"),
    ("alicloud:ram/policy:Policy", "policyName"): _rule(r"[a-zA-Z0-9-]{1,128}"),
    ("gcp:compute/network:Network", "name"): _GCP_NAME,
    ("gcp:compute/subnetwork:Subnetwork", "name"): _GCP_NAME,
    ("gcp:compute/router:Router", "name"): _GCP_NAME,
    ("gcp:compute/routerNat:RouterNat", "name"): _GCP_NAME,
    ("gcp:compute/firewall:Firewall", "name"): _GCP_NAME,
    ("gcp:compute/globalAddress:GlobalAddress", "name"): _GCP_NAME,
    ("gcp:dns/managedZone:ManagedZone", "name"): _GCP_NAME,
    ("gcp:networkconnectivity/serviceConnectionPolicy:ServiceConnectionPolicy", "name"): _GCP_NAME,
    ("gcp:filestore/instance:Instance", "name"): _GCP_NAME,
    ("gcp:logging/projectBucketConfig:ProjectBucketConfig", "bucketId"): _rule(r"[a-zA-Z0-9][\w.-]{0,99}"),
    ("gcp:logging/projectExclusion:ProjectExclusion", "name"): _rule(r"[a-zA-Z0-9][\w.-]{0,99}"),
    ("gcp:logging/projectSink:ProjectSink", "name"): _rule(r"[a-zA-Z0-9][\w.-]{0,99}"),
    ("gcp:artifactregistry/repository:Repository", "repositoryId"): _GCP_NAME,
    ("gcp:secretmanager/regionalSecret:RegionalSecret", "secretId"): _rule(r"[\w-]{1,255}"),
    ("alicloud:redis/tairInstance:TairInstance", "tairInstanceName"): _ALI_NAME,
    ("alicloud:rds/instance:Instance", "instanceName"): _rule(r"(?!https?://).{2,256}"),
    ("alicloud:rds/database:Database", "dataBaseName"): _rule(r"[a-z][a-z0-9_-]{0,62}[a-z0-9]"),
    ("gcp:memorystore/instance:Instance", "instanceId"): _rule(r"[a-z0-9][a-z0-9-]{2,61}[a-z0-9]"),
    # Together with the project 98 characters at most.
    ("gcp:sql/databaseInstance:DatabaseInstance", "name"): _rule(r"[a-z]([-a-z0-9]{0,65}[a-z0-9])?"),
    ("alicloud:pai/workspaceWorkspace:WorkspaceWorkspace", "workspaceName"): _rule(r"[a-zA-Z]\w{2,22}"),
    ("gcp:vertex/aiEndpoint:AiEndpoint", "name"): _rule(r"[1-9]\d{0,9}"),
    ("gcp:billing/budget:Budget", "displayName"): _rule(r".{1,60}"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "displayName"): _rule(r".{1,512}"),
    ("gcp:monitoring/notificationChannel:NotificationChannel", "displayName"): _rule(r".{1,512}"),
    ("alicloud:cms/alarmContactGroup:AlarmContactGroup", "alarmContactGroupName"): _rule(r".{2,40}"),
    ("alicloud:sls/alert:Alert", "alertName"): _rule(r"[a-zA-Z][\w-]{1,63}"),
    ("gcp:container/cluster:Cluster", "name"): _GCP_CLUSTER,
    ("gcp:container/nodePool:NodePool", "name"): _GCP_CLUSTER,
    ("gcp:kms/keyRing:KeyRing", "name"): _rule(r"[\w-]{1,63}"),
    ("gcp:kms/cryptoKey:CryptoKey", "name"): _rule(r"[\w-]{1,63}"),
    ("gcp:serviceaccount/account:Account", "accountId"): _GCP_ACCOUNT,
    ("gcp:storage/bucket:Bucket", "name"): _rule(
        r"(?!goog)(?!.*google)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", worldwide=True
    ),
    ("azure-native:resources:ResourceGroup", "resourceGroupName"): _rule(r"[\w.()-]{0,89}[\w()-]"),
    ("azure-native:network:VirtualNetwork", "virtualNetworkName"): _rule(r"[a-zA-Z0-9][\w.-]{0,62}\w"),
    ("azure-native:network:Subnet", "subnetName"): _AZ_NETWORK,
    ("azure-native:network:NatGateway", "natGatewayName"): _AZ_NETWORK,
    ("azure-native:network:PublicIPAddress", "publicIpAddressName"): _AZ_NETWORK,
    ("azure-native:network:NetworkSecurityGroup", "networkSecurityGroupName"): _AZ_NETWORK,
    ("azure-native:network:PrivateEndpoint", "privateEndpointName"): _AZ_NETWORK,
    ("azure-native:privatedns:VirtualNetworkLink", "virtualNetworkLinkName"): _AZ_NETWORK,
    ("azure-native:keyvault:Vault", "vaultName"): _rule(
        r"(?!.*--)[a-zA-Z][a-zA-Z0-9-]{1,22}[a-zA-Z0-9]", worldwide=True
    ),
    ("azure-native:keyvault:Key", "keyName"): _rule(r"[a-zA-Z0-9-]{1,127}"),
    ("azure-native:managedidentity:UserAssignedIdentity", "resourceName"): _rule(r"[a-zA-Z0-9][\w-]{2,127}"),
    ("azure-native:containerservice:ManagedCluster", "resourceName"): _rule(r"[a-zA-Z0-9]([-\w]{0,61}[a-zA-Z0-9])?"),
    ("azure-native:containerservice:ManagedCluster", "dnsPrefix"): _rule(
        r"[a-zA-Z0-9]([-a-zA-Z0-9]{0,52}[a-zA-Z0-9])?"
    ),
    ("azure-native:containerservice:ManagedCluster", "nodeResourceGroup"): _rule(r"[\w.()-]{0,79}[\w()-]"),
    ("azure-native:containerservice:AgentPool", "agentPoolName"): _rule(r"[a-z][a-z0-9]{0,11}"),
    ("azure-native:authorization:PolicyAssignment", "policyAssignmentName"): _rule(r"[\w-]{1,24}"),
    ("azure-native:cognitiveservices:Account", "accountName"): _rule(
        r"[a-zA-Z0-9][a-zA-Z0-9-]{1,62}[a-zA-Z0-9]", worldwide=True
    ),
    ("azure-native:cognitiveservices:Deployment", "deploymentName"): _rule(r"[a-zA-Z0-9][\w.-]{1,63}"),
    ("azure-native:consumption:Budget", "budgetName"): _rule(r"[\w-]{1,63}"),
    ("azure-native:compute:DiskEncryptionSet", "diskEncryptionSetName"): _rule(r"[\w-]{1,80}"),
    ("azure-native:containerregistry:Registry", "registryName"): _rule(r"[a-zA-Z0-9]{5,50}", worldwide=True),
    ("azure-native:dbforpostgresql:Server", "serverName"): _rule(
        r"(?=.{3,63}$)[a-z0-9]([a-z0-9-]+[a-z0-9])?", worldwide=True
    ),
    ("azure-native:dbforpostgresql:Database", "databaseName"): _rule(r"[a-zA-Z_][\w-]{0,62}"),
    ("azure-native:redisenterprise:RedisEnterprise", "clusterName"): _rule(
        r"(?=.{1,60}$)[A-Za-z0-9]+(-[A-Za-z0-9]+)*", worldwide=True
    ),
    ("azure-native:redisenterprise:AccessPolicyAssignment", "accessPolicyAssignmentName"): _rule(r"[A-Za-z0-9]{1,60}"),
    ("azure-native:privatedns:PrivateZone", "privateZoneName"): _rule(
        r"(?=.{3,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)+"
    ),
    ("azure-native:storage:StorageAccount", "accountName"): _rule(r"[a-z0-9]{3,24}", worldwide=True),
    ("azure-native:storage:BlobContainer", "containerName"): _rule(r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"),
    ("azure-native:storage:FileShare", "shareName"): _rule(r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"),
    ("azure-native:alertsmanagement:PrometheusRuleGroup", "ruleGroupName"): _rule(r"[^#<>%&:\\?/{}*]{1,260}"),
    ("azure-native:monitor:ActionGroup", "actionGroupName"): _rule(r"[^/&%\\?\x00-\x1f]{1,260}"),
    ("azure-native:monitor:ActivityLogAlert", "activityLogAlertName"): _rule(r"[^<>*%&:\\?+/#]{1,260}"),
    ("azure-native:monitor:AzureMonitorWorkspace", "azureMonitorWorkspaceName"): _AZ_MONITOR,
    ("azure-native:monitor:DataCollectionEndpoint", "dataCollectionEndpointName"): _AZ_MONITOR,
    ("azure-native:monitor:DataCollectionRule", "dataCollectionRuleName"): _AZ_MONITOR,
    ("azure-native:monitor:PrivateLinkScope", "scopeName"): _AZ_NETWORK,
    ("azure-native:operationalinsights:Workspace", "workspaceName"): _rule(r"[a-zA-Z0-9][a-zA-Z0-9-]{2,61}[a-zA-Z0-9]"),
}
