"""Each rule refuses what it is for, says everything a reader needs, and lets the good value pass."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.policy.model import ACCEPTED, UNKNOWN, Subject
from components.policy.rules import judge
from tests import security_cases

CN = frozenset({"cn-shanghai", "cn-beijing"})
ROW = frozenset({"europe-west4", "francecentral"})
VSWITCH = "alicloud:vpc/switch:Switch"
GCS, ACCOUNT = "gcp:storage/bucket:Bucket", "azure-native:storage:StorageAccount"
GKE, AKS = "gcp:container/cluster:Cluster", "azure-native:containerservice:ManagedCluster"
ACK = "alicloud:cs/managedKubernetes:ManagedKubernetes"
NAS, NAS_RULE = "alicloud:nas/fileSystem:FileSystem", "alicloud:nas/accessRule:AccessRule"
FILESTORE, SINK = "gcp:filestore/instance:Instance", "gcp:logging/projectSink:ProjectSink"
TRAIL, LOG_BUCKET = "alicloud:actiontrail/trail:Trail", "gcp:logging/projectBucketConfig:ProjectBucketConfig"
METRICS, SCOPE = "azure-native:monitor:AzureMonitorWorkspace", "azure-native:monitor:PrivateLinkScope"
COLLECTOR = "azure-native:monitor:DataCollectionEndpoint"
ACR, ARTIFACTS = "azure-native:containerregistry:Registry", "gcp:artifactregistry/repository:Repository"
SECRET = "gcp:secretmanager/regionalSecret:RegionalSecret"
NAMESPACE = "alicloud:cs/registryEnterpriseNamespace:RegistryEnterpriseNamespace"
RDS, SQL = "alicloud:rds/instance:Instance", "gcp:sql/databaseInstance:DatabaseInstance"
FLEXIBLE = "azure-native:dbforpostgresql:Server"
TAIR, VALKEY = "alicloud:redis/tairInstance:TairInstance", "gcp:memorystore/instance:Instance"
REDIS, REDIS_DATABASE = "azure-native:redisenterprise:RedisEnterprise", "azure-native:redisenterprise:Database"
HOST = {"type": "hostssl", "method": "md5", "address": "10.64.0.0/16"}
SETTINGS = {
    "ipConfiguration": {"ipv4Enabled": False, "sslMode": "ENCRYPTED_ONLY"},
    "dataApiAccess": "DISALLOW_DATA_API",
    "locationPreference": {"zone": "europe-west4-a", "secondaryZone": "europe-west4-b"},
    "backupConfiguration": {"location": "europe-west4"},
}
GOOD: dict[str, dict[str, Any]] = {
    TAIR: {
        "zoneId": "cn-shanghai-l",
        "secondaryZoneId": "cn-shanghai-m",
        "vpcAuthMode": "Open",
        "sslEnabled": "Enable",
        "securityIps": "10.64.0.0/16,10.66.0.0/15",
    },
    VALKEY: {
        "location": "europe-west4",
        "authorizationMode": "IAM_AUTH",
        "transitEncryptionMode": "SERVER_AUTHENTICATION",
        "kmsKey": ACCEPTED,
    },
    REDIS: {
        "location": "francecentral",
        "publicNetworkAccess": "Disabled",
        "minimumTlsVersion": "1.2",
        "encryption": {"customerManagedKeyEncryption": {"keyEncryptionKeyUrl": ACCEPTED}},
    },
    REDIS_DATABASE: {"accessKeysAuthentication": "Disabled", "clientProtocol": "Encrypted"},
    RDS: {
        "zoneId": "cn-shanghai-l",
        "zoneIdSlaveA": "cn-shanghai-m",
        "encryptionKey": ACCEPTED,
        "sslAction": "Open",
        "securityIps": ["10.64.0.0/16"],
        "pgHbaConfs": [HOST],
    },
    SQL: {"region": "europe-west4", "encryptionKeyName": ACCEPTED, "settings": SETTINGS},
    FLEXIBLE: {
        "location": "francecentral",
        "createMode": "Create",
        "availabilityZone": "1",
        "highAvailability": {"standbyAvailabilityZone": "2"},
        "network": {"publicNetworkAccess": "Disabled"},
        "dataEncryption": {"primaryKeyURI": ACCEPTED},
        "backup": {"geoRedundantBackup": "Disabled"},
    },
    "azure-native:dbforpostgresql:Configuration": {"configurationName": "require_secure_transport", "value": "on"},
    ACR: {
        "location": "francecentral",
        "adminUserEnabled": False,
        "anonymousPullEnabled": False,
        "publicNetworkAccess": "Disabled",
        "policies": {"exportPolicy": {"status": "disabled"}},
        "encryption": {"keyVaultProperties": {"keyIdentifier": ACCEPTED}},
    },
    ARTIFACTS: {**security_cases.GOOD[ARTIFACTS], "kmsKeyName": ACCEPTED},
    SECRET: {"location": "europe-west4", "customerManagedEncryption": {"kmsKeyName": ACCEPTED}},
    NAMESPACE: {"defaultVisibility": "PRIVATE"},
    "alicloud:cs/registryEnterpriseRepo:RegistryEnterpriseRepo": {"repoType": "PRIVATE"},
    NAS: {"zoneId": "cn-shanghai-l", "encryptType": 2, "kmsKeyId": ACCEPTED},
    NAS_RULE: {"sourceCidrIp": "10.64.0.0/16"},
    "alicloud:nas/mountTarget:MountTarget": {"networkType": "Vpc"},
    "alicloud:log/store:Store": {"enableWebTracking": False},
    "alicloud:cms/prometheusInstance:PrometheusInstance": {"enableAuthFreeRead": False, "enableAuthFreeWrite": False},
    TRAIL: {"trailRegion": "cn-shanghai", "slsProjectArn": "acs:log:cn-shanghai:1:project/logs"},
    FILESTORE: {
        "location": "europe-west4",
        "kmsKeyName": "projects/p/locations/europe-west4/keyRings/r/cryptoKeys/k",
        "fileShares": {"nfsExportOptions": [{"ipRanges": ["10.68.0.0/16"]}]},
    },
    LOG_BUCKET: {"location": "europe-west4"},
    SINK: {"destination": "logging.googleapis.com/projects/p/locations/europe-west4/buckets/b"},
    METRICS: {"location": "francecentral", "publicNetworkAccess": "Disabled"},
    COLLECTOR: {"location": "francecentral", "networkAcls": {"publicNetworkAccess": "Disabled"}},
    SCOPE: {
        "location": "global",
        "accessModeSettings": {"ingestionAccessMode": "PrivateOnly", "queryAccessMode": "PrivateOnly"},
    },
    "azure-native:operationalinsights:Workspace": {
        "location": "francecentral",
        "publicNetworkAccessForIngestion": "Disabled",
        "publicNetworkAccessForQuery": "Disabled",
    },
    GCS: {
        "location": "europe-west4",
        "publicAccessPrevention": "enforced",
        "uniformBucketLevelAccess": True,
        "encryption": {"defaultKmsKeyName": ACCEPTED},
        "versioning": {"enabled": True},
    },
    ACCOUNT: {
        "location": "francecentral",
        "sku": {"name": "Standard_ZRS"},
        "allowBlobPublicAccess": False,
        "publicNetworkAccess": "Disabled",
        "enableHttpsTrafficOnly": True,
        "encryption": {"keyVaultProperties": {"keyName": ACCEPTED}},
    },
    ACK: {**security_cases.GOOD[security_cases.ACK], "encryptionProviderKey": ACCEPTED},
    GKE: {
        **security_cases.GOOD[security_cases.GKE],
        "nodeLocations": ["europe-west4-a", "europe-west4-b"],
        "databaseEncryption": {"state": "ENCRYPTED", "keyName": ACCEPTED},
    },
    AKS: {
        **security_cases.GOOD[security_cases.AKS],
        "securityProfile": {
            "azureKeyVaultKms": {"enabled": True, "keyId": ACCEPTED},
            "workloadIdentity": {"enabled": True},
        },
    },
    VSWITCH: {"zoneId": "cn-shanghai-l"},
    "alicloud:oss/bucket:Bucket": {
        "serverSideEncryptionRule": {"kmsMasterKeyId": ACCEPTED},
        "transferAcceleration": {"enabled": False},
        "versioning": {"status": "Enabled"},
    },
    "alicloud:oss/bucketPublicAccessBlock:BucketPublicAccessBlock": {"blockPublicAccess": True},
    "alicloud:ecs/eipAssociation:EipAssociation": {"instanceType": "Nat"},
}


def subject(kind: str, inputs: dict[str, Any], *, provider: Literal["placed", "none"] = "placed") -> Subject:
    cn = kind.startswith("alicloud:") or kind.endswith(":alicloud")
    return Subject(
        type=kind,
        name="thing",
        inputs=inputs,
        world="cn" if cn else "row",
        allowed=CN if cn else ROW,
        provider=provider,
    )


def rules(kind: str, inputs: dict[str, Any]) -> list[tuple[str, str]]:
    return [(found.rule, found.property) for found in judge(subject(kind, inputs))]


@pytest.mark.parametrize("kind", GOOD)
def test_a_resource_as_our_components_declare_it_passes(kind: str) -> None:
    assert rules(kind, GOOD[kind]) == []


@pytest.mark.parametrize(
    ("kind", "inputs", "expected"),
    [
        (VSWITCH, {"zoneId": "cn-hongkong-b"}, ("RES-001", "zoneId")),
        (VSWITCH, {"zoneId": "ap-southeast-1a"}, ("RES-001", "zoneId")),
        (VSWITCH, {"zoneId": "cn-hangzhou-k"}, ("RES-001", "zoneId")),
        (VSWITCH, {"zoneId": "cn-wuhan-lr-a"}, ("RES-002", "zoneId")),
        (VSWITCH, {"zoneId": "cn-shanghai-MAZ1(a,b)"}, ("RES-002", "zoneId")),
        (VSWITCH, {"zoneId": None}, ("RES-003", "zoneId")),
        (VSWITCH, {"zoneId": ""}, ("RES-003", "zoneId")),
        (VSWITCH, {"zoneId": UNKNOWN}, ("RES-004", "zoneId")),
        (VSWITCH, {"zoneId": 7}, ("RES-004", "zoneId")),
        (GCS, {"location": "EU"}, ("RES-002", "location")),
        (GCS, {"location": "eu"}, ("RES-002", "location")),
        (GCS, {"location": "EUR4"}, ("RES-002", "location")),
        (GCS, {"location": "global"}, ("RES-002", "location")),
        (GCS, {"location": "us-central1"}, ("RES-001", "location")),
        (GCS, {"location": "cn-shanghai"}, ("RES-002", "location")),
        (
            GCS,
            {"customPlacementConfig": {"dataLocations": ["EUROPE-WEST4", "US-EAST1"]}},
            ("RES-005", "customPlacementConfig"),
        ),
        (
            GCS,
            {"encryption": {"defaultKmsKeyName": "projects/p/locations/us/keyRings/r/cryptoKeys/k"}},
            ("RES-002", "encryption.defaultKmsKeyName"),
        ),
        (GKE, {"nodeLocations": ["europe-west4-a", "us-east4-a"]}, ("RES-001", "nodeLocations[1]")),
        (NAS, {"zoneId": None}, ("RES-003", "zoneId")),
        (NAS, {"kmsKeyId": None}, ("SEC-004", "kmsKeyId")),
        (NAS, {"encryptType": 1}, ("SEC-004", "encryptType")),
        (NAS_RULE, {"sourceCidrIp": "0.0.0.0/0"}, ("SEC-003", "sourceCidrIp")),
        (NAS_RULE, {"ipv6SourceCidrIp": "::/0"}, ("SEC-003", "ipv6SourceCidrIp")),
        ("alicloud:nas/mountTarget:MountTarget", {"networkType": "Classic"}, ("SEC-002", "networkType")),
        ("alicloud:log/store:Store", {"enableWebTracking": None}, ("SEC-002", "enableWebTracking")),
        (
            "alicloud:cms/prometheusInstance:PrometheusInstance",
            {"enableAuthFreeRead": True},
            ("SEC-002", "enableAuthFreeRead"),
        ),
        (TRAIL, {"trailRegion": None}, ("RES-003", "trailRegion")),
        (TRAIL, {"trailRegion": "All"}, ("RES-002", "trailRegion")),
        (TRAIL, {"slsProjectArn": "acs:log:eu-central-1:1:project/logs"}, ("RES-001", "slsProjectArn")),
        (FILESTORE, {"location": None}, ("RES-003", "location")),
        (FILESTORE, {"kmsKeyName": None}, ("SEC-004", "kmsKeyName")),
        (FILESTORE, {"fileShares": {"name": "w"}}, ("SEC-003", "fileShares.nfsExportOptions")),
        (FILESTORE, {"fileShares": {"nfsExportOptions": [{}]}}, ("SEC-003", "fileShares.nfsExportOptions")),
        (FILESTORE, {"fileShares": {"nfsExportOptions": 3}}, ("SEC-003", "fileShares.nfsExportOptions")),
        (
            FILESTORE,
            {"fileShares": {"nfsExportOptions": [{"ipRanges": ["10.68.0.0/16", "0.0.0.0/0"]}]}},
            ("SEC-003", "fileShares.nfsExportOptions[0].ipRanges"),
        ),
        (FILESTORE, {"initialReplication": {"role": "ACTIVE"}}, ("RES-005", "initialReplication")),
        (LOG_BUCKET, {"location": "global"}, ("RES-002", "location")),
        (SINK, {"destination": "storage.googleapis.com/a-bucket"}, ("RES-005", "destination")),
        (
            SINK,
            {"destination": "logging.googleapis.com/projects/p/locations/us-east4/buckets/b"},
            ("RES-001", "destination"),
        ),
        (METRICS, {"publicNetworkAccess": None}, ("SEC-002", "publicNetworkAccess")),
        (METRICS, {"location": None}, ("RES-003", "location")),
        (COLLECTOR, {"networkAcls": None}, ("SEC-002", "networkAcls.publicNetworkAccess")),
        (SCOPE, {"accessModeSettings": {}}, ("SEC-002", "accessModeSettings.queryAccessMode")),
        (
            "azure-native:operationalinsights:Workspace",
            {"publicNetworkAccessForQuery": "Enabled"},
            ("SEC-002", "publicNetworkAccessForQuery"),
        ),
        ("azure-native:monitor:DataCollectionRule", {"location": "eastus"}, ("RES-001", "location")),
        (ACCOUNT, {"enableHttpsTrafficOnly": False}, ("SEC-006", "enableHttpsTrafficOnly")),
        (ACCOUNT, {"enableHttpsTrafficOnly": None}, ("SEC-006", "enableHttpsTrafficOnly")),
        (ACCOUNT, {"location": "China East 2"}, ("RES-002", "location")),
        (ACCOUNT, {"location": None}, ("RES-003", "location")),
        (ACCOUNT, {"sku": {"name": "Standard_GRS"}}, ("RES-005", "sku.name")),
        (ACCOUNT, {"sku": {"name": "Standard_RAGZRS"}}, ("RES-005", "sku.name")),
        (
            "alicloud:oss/bucket:Bucket",
            {"transferAcceleration": {"enabled": True}},
            ("RES-005", "transferAcceleration.enabled"),
        ),
        ("pulumi:providers:alicloud", {"region": "ap-southeast-1"}, ("RES-001", "region")),
        ("pulumi:providers:alicloud", {}, ("RES-003", "region")),
        (
            "alicloud:oss/bucketReplication:BucketReplication",
            {"destination": {"location": "oss-eu-central-1"}},
            ("RES-001", "destination.location"),
        ),
        ("alicloud:vpc/peerConnection:PeerConnection", {"acceptingRegionId": "eu-central-1"}, ("RES-006", "type")),
        ("alicloud:cen/instance:Instance", {}, ("RES-006", "type")),
        ("azure-native:network:VirtualNetworkPeering", {}, ("RES-006", "type")),
        ("alicloud:log/ossExport:OssExport", {"role": "acs:oss:eu-central-1:123:bucket"}, ("RES-001", "role")),
        (ACK, {"slbInternetEnabled": True}, ("SEC-001", "slbInternetEnabled")),
        (ACK, {"slbInternetEnabled": None}, ("SEC-001", "slbInternetEnabled")),
        (ACK, {"encryptionProviderKey": None}, ("SEC-004", "encryptionProviderKey")),
        (ACK, {"disableEncryption": True}, ("SEC-004", "disableEncryption")),
        (
            GKE,
            {"privateClusterConfig": {"enablePrivateNodes": True}},
            ("SEC-001", "privateClusterConfig.enablePrivateEndpoint"),
        ),
        (
            GKE,
            {"controlPlaneEndpointsConfig": {"dnsEndpointConfig": {"allowExternalTraffic": True}}},
            ("SEC-001", "controlPlaneEndpointsConfig.dnsEndpointConfig.allowExternalTraffic"),
        ),
        (
            AKS,
            {"apiServerAccessProfile": {"enablePrivateCluster": True}},
            ("SEC-001", "apiServerAccessProfile.enablePrivateClusterPublicFQDN"),
        ),
        (GCS, {"publicAccessPrevention": "inherited"}, ("SEC-002", "publicAccessPrevention")),
        (GCS, {"uniformBucketLevelAccess": "true"}, ("SEC-002", "uniformBucketLevelAccess")),
        (ACCOUNT, {"allowBlobPublicAccess": True}, ("SEC-002", "allowBlobPublicAccess")),
        (ACCOUNT, {"allowBlobPublicAccess": 0}, ("SEC-002", "allowBlobPublicAccess")),
        (ACCOUNT, {"publicNetworkAccess": "Enabled"}, ("SEC-002", "publicNetworkAccess")),
        ("azure-native:storage:BlobContainer", {"publicAccess": "Blob"}, ("SEC-002", "publicAccess")),
        ("alicloud:oss/bucket:Bucket", {"acl": "public-read"}, ("SEC-002", "acl")),
        (
            "alicloud:oss/bucketPublicAccessBlock:BucketPublicAccessBlock",
            {"blockPublicAccess": False},
            ("SEC-002", "blockPublicAccess"),
        ),
        ("gcp:storage/bucketIAMMember:BucketIAMMember", {"member": "allUsers"}, ("SEC-002", "member")),
        (
            "gcp:compute/firewall:Firewall",
            {"allows": [{"protocol": "tcp"}], "sourceRanges": ["0.0.0.0/0"]},
            ("SEC-003", "sourceRanges"),
        ),
        (
            "alicloud:ecs/securityGroupRule:SecurityGroupRule",
            {"type": "ingress", "cidrIp": "0.0.0.0/0"},
            ("SEC-003", "cidrIp"),
        ),
        (
            "azure-native:network:NetworkSecurityGroup",
            {
                "location": "francecentral",
                "securityRules": [{"direction": "Inbound", "access": "Allow", "sourceAddressPrefix": "Internet"}],
            },
            ("SEC-003", "securityRules[0].sourceAddressPrefix"),
        ),
        (ACR, {"location": None}, ("RES-003", "location")),
        (ACR, {"location": "eastus"}, ("RES-001", "location")),
        (ACR, {"adminUserEnabled": None}, ("SEC-002", "adminUserEnabled")),
        (ACR, {"anonymousPullEnabled": True}, ("SEC-002", "anonymousPullEnabled")),
        (ACR, {"publicNetworkAccess": "Enabled"}, ("SEC-002", "publicNetworkAccess")),
        (ACR, {"encryption": None}, ("SEC-004", "encryption.keyVaultProperties.keyIdentifier")),
        (ACR, {"policies": {}}, ("RES-005", "policies.exportPolicy.status")),
        (
            "azure-native:containerregistry:Replication",
            {"location": "francecentral"},
            ("RES-005", "location"),
        ),
        ("azure-native:containerregistry:ExportPipeline", {}, ("RES-005", "type")),
        ("azure-native:containerregistry:ConnectedRegistry", {}, ("RES-005", "type")),
        (
            "alicloud:cs/registryEnterpriseSyncRule:RegistryEnterpriseSyncRule",
            {"targetRegionId": "cn-shanghai"},
            ("RES-005", "targetRegionId"),
        ),
        (ARTIFACTS, {"location": None}, ("RES-003", "location")),
        (ARTIFACTS, {"location": "europe"}, ("RES-002", "location")),
        (ARTIFACTS, {"kmsKeyName": None}, ("SEC-004", "kmsKeyName")),
        (
            "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember",
            {"member": "allUsers"},
            ("SEC-002", "member"),
        ),
        (
            "gcp:secretmanager/regionalSecretIamMember:RegionalSecretIamMember",
            {"member": "allAuthenticatedUsers"},
            ("SEC-002", "member"),
        ),
        (SECRET, {"location": None}, ("RES-003", "location")),
        (SECRET, {"location": "us-east4"}, ("RES-001", "location")),
        (SECRET, {"customerManagedEncryption": None}, ("SEC-004", "customerManagedEncryption.kmsKeyName")),
        (
            SECRET,
            {"customerManagedEncryption": {"kmsKeyName": "projects/p/locations/us/keyRings/r/cryptoKeys/k"}},
            ("RES-002", "customerManagedEncryption.kmsKeyName"),
        ),
        ("gcp:secretmanager/secret:Secret", {}, ("RES-005", "replication")),
        (NAMESPACE, {"defaultVisibility": "PUBLIC"}, ("SEC-002", "defaultVisibility")),
        (NAMESPACE, {"defaultVisibility": None}, ("SEC-002", "defaultVisibility")),
        (
            "alicloud:cs/registryEnterpriseRepo:RegistryEnterpriseRepo",
            {"repoType": "PUBLIC"},
            ("SEC-002", "repoType"),
        ),
        ("alicloud:cr/internetEndpoint:InternetEndpoint", {}, ("SEC-005", "type")),
        (
            "alicloud:ram/policy:Policy",
            {"policyDocument": "acs:kms:eu-central-1:*:secret/x"},
            ("RES-001", "policyDocument"),
        ),
        ("alicloud:ecs/eipAssociation:EipAssociation", {"instanceType": "EcsInstance"}, ("SEC-005", "instanceType")),
        (RDS, {"zoneId": None}, ("RES-003", "zoneId")),
        (RDS, {"zoneIdSlaveA": "cn-hongkong-b"}, ("RES-001", "zoneIdSlaveA")),
        (RDS, {"encryptionKey": None}, ("SEC-004", "encryptionKey")),
        (RDS, {"encryptionKey": "ServiceKey"}, ("SEC-004", "encryptionKey")),
        (RDS, {"encryptionKey": "disabled"}, ("SEC-004", "encryptionKey")),
        (RDS, {"sslAction": "Close"}, ("SEC-007", "sslAction")),
        (RDS, {"sslAction": None}, ("SEC-007", "sslAction")),
        (RDS, {"pgHbaConfs": None}, ("SEC-007", "pgHbaConfs")),
        (RDS, {"pgHbaConfs": "all"}, ("SEC-007", "pgHbaConfs")),
        (RDS, {"pgHbaConfs": [HOST, HOST | {"type": "host"}]}, ("SEC-007", "pgHbaConfs[1].type")),
        (RDS, {"pgHbaConfs": [HOST | {"method": "trust"}]}, ("SEC-002", "pgHbaConfs[0].method")),
        (RDS, {"pgHbaConfs": [HOST | {"address": "0.0.0.0/0"}]}, ("SEC-003", "pgHbaConfs[0].address")),
        (RDS, {"securityIps": ["10.64.0.0/16", "0.0.0.0/0"]}, ("SEC-003", "securityIps")),
        ("alicloud:rds/connection:Connection", {}, ("SEC-005", "type")),
        (
            "alicloud:rds/rdsInstanceCrossBackupPolicy:RdsInstanceCrossBackupPolicy",
            {"crossBackupRegion": "cn-hangzhou"},
            ("RES-005", "crossBackupRegion"),
        ),
        ("alicloud:rds/ddrInstance:DdrInstance", {}, ("RES-005", "type")),
        (SQL, {"region": None}, ("RES-003", "region")),
        (SQL, {"encryptionKeyName": None}, ("SEC-004", "encryptionKeyName")),
        (
            SQL,
            {"settings": SETTINGS | {"ipConfiguration": {"ipv4Enabled": True, "sslMode": "ENCRYPTED_ONLY"}}},
            ("SEC-002", "settings.ipConfiguration.ipv4Enabled"),
        ),
        (
            SQL,
            {"settings": SETTINGS | {"ipConfiguration": {"ipv4Enabled": False}}},
            ("SEC-007", "settings.ipConfiguration.sslMode"),
        ),
        (
            SQL,
            {"settings": SETTINGS | {"ipConfiguration": {"authorizedNetworks": [{"value": "0.0.0.0/0"}]}}},
            ("SEC-003", "settings.ipConfiguration.authorizedNetworks[0].value"),
        ),
        (SQL, {"settings": SETTINGS | {"dataApiAccess": None}}, ("SEC-002", "settings.dataApiAccess")),
        (
            SQL,
            {"settings": SETTINGS | {"backupConfiguration": {"enabled": True}}},
            ("RES-005", "settings.backupConfiguration.location"),
        ),
        (
            SQL,
            {"settings": SETTINGS | {"backupConfiguration": {"location": "eu"}}},
            ("RES-002", "settings.backupConfiguration.location"),
        ),
        (
            SQL,
            {"settings": SETTINGS | {"locationPreference": {"secondaryZone": "europe-west1-b"}}},
            ("RES-001", "settings.locationPreference.secondaryZone"),
        ),
        (FLEXIBLE, {"location": None}, ("RES-003", "location")),
        (FLEXIBLE, {"network": {}}, ("SEC-002", "network.publicNetworkAccess")),
        (FLEXIBLE, {"dataEncryption": {}}, ("SEC-004", "dataEncryption.primaryKeyURI")),
        (FLEXIBLE, {"backup": {"geoRedundantBackup": "Enabled"}}, ("RES-005", "backup.geoRedundantBackup")),
        (FLEXIBLE, {"createMode": "GeoRestore"}, ("RES-005", "createMode")),
        (
            FLEXIBLE,
            {"highAvailability": {"standbyAvailabilityZone": "cn-shanghai-l"}},
            ("RES-002", "highAvailability.standbyAvailabilityZone"),
        ),
        ("azure-native:dbforpostgresql:Configuration", {"value": "off"}, ("SEC-007", "value")),
        ("azure-native:dbforpostgresql:Configuration", {"value": None}, ("SEC-007", "value")),
        ("azure-native:dbforpostgresql:FirewallRule", {}, ("SEC-002", "type")),
        (TAIR, {"zoneId": None}, ("RES-003", "zoneId")),
        (TAIR, {"secondaryZoneId": "cn-hongkong-b"}, ("RES-001", "secondaryZoneId")),
        (TAIR, {"vpcAuthMode": "Close"}, ("SEC-002", "vpcAuthMode")),
        (TAIR, {"vpcAuthMode": None}, ("SEC-002", "vpcAuthMode")),
        (TAIR, {"sslEnabled": None}, ("SEC-007", "sslEnabled")),
        (TAIR, {"securityIps": "10.64.0.0/16,0.0.0.0/0"}, ("SEC-003", "securityIps")),
        (TAIR, {"globalInstanceId": "true"}, ("RES-005", "globalInstanceId")),
        ("alicloud:kvstore/connection:Connection", {}, ("SEC-005", "type")),
        (VALKEY, {"location": None}, ("RES-003", "location")),
        (VALKEY, {"location": "us-east4"}, ("RES-001", "location")),
        (VALKEY, {"authorizationMode": "AUTH_DISABLED"}, ("SEC-002", "authorizationMode")),
        (VALKEY, {"transitEncryptionMode": None}, ("SEC-007", "transitEncryptionMode")),
        (VALKEY, {"kmsKey": None}, ("SEC-004", "kmsKey")),
        (
            VALKEY,
            {"crossInstanceReplicationConfig": {"instanceRole": "PRIMARY"}},
            ("RES-005", "crossInstanceReplicationConfig"),
        ),
        (REDIS, {"location": None}, ("RES-003", "location")),
        (REDIS, {"publicNetworkAccess": "Enabled"}, ("SEC-002", "publicNetworkAccess")),
        (REDIS, {"minimumTlsVersion": None}, ("SEC-007", "minimumTlsVersion")),
        (REDIS, {"encryption": {}}, ("SEC-004", "encryption.customerManagedKeyEncryption.keyEncryptionKeyUrl")),
        (REDIS_DATABASE, {"accessKeysAuthentication": None}, ("SEC-002", "accessKeysAuthentication")),
        (REDIS_DATABASE, {"clientProtocol": "Plaintext"}, ("SEC-007", "clientProtocol")),
        (REDIS_DATABASE, {"geoReplication": {"groupNickname": "g"}}, ("RES-005", "geoReplication")),
    ],
)
def test_a_rule_refuses_what_it_is_for(kind: str, inputs: dict[str, Any], expected: tuple[str, str]) -> None:
    assert expected in rules(kind, {**GOOD.get(kind, {}), **inputs})


def test_an_account_for_files_may_do_without_tls() -> None:
    assert rules(ACCOUNT, GOOD[ACCOUNT] | {"kind": "FileStorage", "enableHttpsTrafficOnly": False}) == []


def test_a_rule_that_denies_the_whole_internet_is_no_opening() -> None:
    assert (
        rules("gcp:compute/firewall:Firewall", {"denies": [{"protocol": "all"}], "sourceRanges": ["0.0.0.0/0"]}) == []
    )


def test_a_zone_number_of_azure_says_nothing_about_a_region() -> None:
    inputs = {"location": "francecentral", "zones": ["1"]}
    assert rules("azure-native:network:PublicIPAddress", inputs) == []
    assert rules("azure-native:network:PublicIPAddress", {**inputs, "zones": ["cn-shanghai"]}) == [
        ("RES-002", "zones[0]")
    ]


def test_a_resource_without_a_provider_of_its_own_is_refused() -> None:
    (found,) = judge(subject(VSWITCH, GOOD[VSWITCH], provider="none"))
    assert (found.rule, found.property) == ("RES-003", "provider")


def test_kubernetes_objects_and_components_have_no_place_to_judge() -> None:
    for kind in ("kubernetes:core/v1:ConfigMap", "twain:index:Network", "pulumi:pulumi:StackReference"):
        assert rules(kind, {"region": "anywhere"}) == []


def test_a_violation_says_rule_resource_property_value_allowed_set_and_reason() -> None:
    (found,) = judge(subject(VSWITCH, {"zoneId": "cn-hongkong-b"}))
    text = str(found)
    for part in ("RES-001", VSWITCH, "'thing'", "zoneId", "cn-hongkong-b", "cn-beijing, cn-shanghai", "world row"):
        assert part in text


def test_all_violations_of_a_resource_are_told_at_once() -> None:
    found = rules(GCS, {"location": "EU"})
    assert [rule for rule, _ in found] == ["RES-002", "SEC-002", "SEC-002", "SEC-004", "SEC-026"]


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.just(UNKNOWN) | st.just(ACCEPTED),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(
    [
        *("location", "zones", "sku", "encryption", "securityRules", "nodeLocations", "allows", "member", "acl"),
        *("settings", "pgHbaConfs", "securityIps", "network", "backup", "encryptionKey", "createMode"),
    ]
)


@given(
    st.sampled_from([*GOOD, "azure-native:network:NetworkSecurityGroup"]), st.dictionaries(keys, json_like, max_size=4)
)
def test_no_shape_of_inputs_makes_a_rule_fail_itself(kind: str, inputs: dict[str, Any]) -> None:
    for found in judge(subject(kind, inputs)):
        assert str(found)


@given(st.text(min_size=1, max_size=30))
def test_no_text_but_a_known_region_passes_as_a_place(text: str) -> None:
    found = rules("azure-native:resources:ResourceGroup", {"location": text})
    assert (found == []) == (text.lower().replace(" ", "") == "francecentral")
