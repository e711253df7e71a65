"""For each rule that is a type's own, inputs that break it, by type and the rule's name."""

from __future__ import annotations

from typing import Any

from components.rules.model import UNKNOWN_TEXT

_DAY = "2027-01-01T00:00:00Z"
_EXCLUSION = {"exclusionName": "n", "startTime": _DAY, "endTime": _DAY, "exclusionOptions": {"scope": "ALL"}}
_ELSEWHERE = "projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k"

WRONG: dict[tuple[str, str], dict[str, Any]] = {
    ("alicloud:resourcemanager/controlPolicy:ControlPolicy", "document"): {"policyDocument": "{"},
    ("alicloud:pai/workspaceWorkspace:WorkspaceWorkspace", "environments"): {"envTypes": ["dev"]},
    ("alicloud:pai/workspaceWorkspace:WorkspaceWorkspace", "described"): {"description": "d" * 81},
    ("alicloud:cms/eventNotifyPolicy:EventNotifyPolicy", "routes"): {
        "notifyStrategy": {"routes": [{"channels": [{"channelType": "GROUP", "receivers": ["desk"]}]}]}
    },
    ("alicloud:cms/alertRuleV2:AlertRuleV2", "parts"): {
        "datasourceConfig": {"type": "APM"},
        "queryConfig": {"type": "PROMETHEUS_SINGLE_QUERY"},
    },
    ("alicloud:cms/alertRuleV2:AlertRuleV2", "notified"): {
        "notifyConfig": {"type": "NOTIFY_POLICY", "notifyStrategies": ["a", "b"]}
    },
    ("alicloud:sls/alert:Alert", "queried"): {"configuration": {"queryLists": [{"query": "*"}] * 4}},
    ("alicloud:sls/alert:Alert", "scheduled"): {"schedule": {"type": "FixedRate", "interval": "often"}},
    ("alicloud:redis/tairInstance:TairInstance", "kind"): {"instanceType": "tair_rdb", "engineVersion": "4.0"},
    ("alicloud:redis/tairInstance:TairInstance", "payment"): {"paymentType": "PayAsYouGo", "autoRenew": "true"},
    ("alicloud:redis/tairInstance:TairInstance", "shape"): {"securityIps": "10.0.0.0/8,everywhere"},
    ("alicloud:cs/managedKubernetes:ManagedKubernetes", "vswitch ids"): {"vswitchIds": ["subnet-1"]},
    ("alicloud:cs/managedKubernetes:ManagedKubernetes", "vswitches"): {"vswitchIds": [UNKNOWN_TEXT] * 6},
    ("alicloud:cs/managedKubernetes:ManagedKubernetes", "encryption"): {"encryptionProviderKey": "key-1"},
    ("alicloud:cs/managedKubernetes:ManagedKubernetes", "network addon"): {"addons": [{"name": "terway-eniip"}]},
    ("alicloud:cs/nodePool:NodePool", "pool shape"): {"systemDiskSize": 10},
    ("alicloud:cs/nodePool:NodePool", "image"): {"imageType": "AliyunLinux3ContainerOptimised"},
    ("alicloud:rds/instance:Instance", "engine"): {"engine": "PostgreSQL", "forceEncryption": "1"},
    ("alicloud:rds/instance:Instance", "size"): {"instanceStorage": 22, "dbInstanceStorageType": "cloud_essd"},
    ("alicloud:rds/instance:Instance", "hosts"): {"sslAction": "Open", "pgHbaConfs": [{"type": "ssl"}]},
    ("alicloud:rds/instance:Instance", "shape"): {"instanceChargeType": "Prepaid"},
    ("alicloud:rds/backupPolicy:BackupPolicy", "backups"): {"preferredBackupPeriods": ["Monday"]},
    ("alicloud:nas/fileSystem:FileSystem", "shape"): {"fileSystemType": "extreme", "zoneId": "z"},
    ("alicloud:nas/fileSystem:FileSystem", "encryption"): {"encryptType": 1, "kmsKeyId": "key-1"},
    ("alicloud:nas/accessRule:AccessRule", "sources"): {"sourceCidrIp": "10.0.0.1/8"},
    ("alicloud:cr/registryEnterpriseInstance:RegistryEnterpriseInstance", "paid"): {"paymentType": "PayAsYouGo"},
    ("alicloud:cr/registryEnterpriseInstance:RegistryEnterpriseInstance", "stored"): {"defaultOssBucket": "false"},
    ("alicloud:cr/registryEnterpriseInstance:RegistryEnterpriseInstance", "steps of period"): {"period": 7},
    ("alicloud:cr/registryEnterpriseInstance:RegistryEnterpriseInstance", "steps of namespaceQuota"): {
        "namespaceQuota": 7
    },
    ("alicloud:cr/registryEnterpriseInstance:RegistryEnterpriseInstance", "steps of repoQuota"): {"repoQuota": 7},
    ("alicloud:ecs/securityGroupRule:SecurityGroupRule", "sg rule shape"): {"ipProtocol": "tcp", "portRange": "-1/-1"},
    ("alicloud:kms/key:Key", "rotation"): {"automaticRotation": "Enabled"},
    ("alicloud:kms/key:Key", "signing"): {"keySpec": "EC_P256", "keyUsage": "SIGN/VERIFY"},
    ("alicloud:oss/bucket:Bucket", "bucket tags"): {"tags": {f"k{number}": "v" for number in range(11)}},
    ("alicloud:oss/bucket:Bucket", "bucket encryption"): {
        "serverSideEncryptionRule": {"kmsMasterKeyId": "key-1", "sseAlgorithm": "AES256"}
    },
    ("alicloud:oss/bucketPolicy:BucketPolicy", "document"): {"policy": "[]"},
    ("alicloud:ram/role:Role", "document"): {},
    ("alicloud:ram/policy:Policy", "document"): {"policyDocument": '{"Version": "2"}'},
    ("azure-native:consumption:Budget", "scope"): {"scope": "subscription"},
    ("azure-native:consumption:Budget", "amount"): {"amount": 0},
    ("azure-native:consumption:Budget", "filter"): {"filter": {"and": [{"tags": {"name": "cell"}}]}},
    ("azure-native:consumption:Budget", "notifications"): {"notifications": {"a": {"threshold": 50}}},
    ("azure-native:authorization:PolicyAssignment", "scope"): {"scope": "/nowhere"},
    ("azure-native:authorization:PolicyAssignment", "assigned"): {"identity": {"type": "SystemAssigned"}},
    ("azure-native:cognitiveservices:Account", "closed"): {"properties": {"disableLocalAuth": True}},
    ("azure-native:cognitiveservices:Deployment", "sku"): {"sku": {"name": "Standard", "capacity": 0}},
    ("azure-native:monitor:ActionGroup", "place"): {"location": "francecentral"},
    ("azure-native:monitor:ActionGroup", "receivers"): {"webhookReceivers": [{"name": "A"}, {"name": "a"}]},
    ("azure-native:monitor:ActionGroup", "hooks"): {"webhookReceivers": [{"name": "a", "serviceUri": "here"}]},
    ("azure-native:alertsmanagement:PrometheusRuleGroup", "rule group"): {"rules": [{"alert": "a", "for": "10m"}]},
    ("azure-native:monitor:ActivityLogAlert", "conditions"): {
        "condition": {"allOf": [{"field": "level", "equals": "Error"}]}
    },
    ("azure-native:monitor:ActivityLogAlert", "few"): {"actions": {"actionGroups": [{"actionGroupId": "g"}] * 6}},
    ("azure-native:monitor:ActivityLogAlert", "scopes"): {"scopes": ["/nowhere"]},
    ("azure-native:redisenterprise:RedisEnterprise", "sku"): {"sku": {"name": "Enterprise_E10"}},
    ("azure-native:containerservice:ManagedCluster", "system pool"): {
        "agentPoolProfiles": [{"name": "p", "mode": "User", "vmSize": "s"}]
    },
    ("azure-native:containerservice:ManagedCluster", "cluster shape"): {"disableLocalAccounts": True},
    ("azure-native:containerservice:AgentPool", "agent pool"): {"vmSize": "s", "maxPods": 5},
    ("azure-native:containerservice:ManagedCluster", "image"): {"agentPoolProfiles": [{"osSKU": "CBLMariner"}]},
    ("azure-native:containerservice:ManagedCluster", "driver"): {
        "agentPoolProfiles": [{"gpuProfile": {"driver": "Latest"}}]
    },
    ("azure-native:containerservice:ManagedCluster", "replacing"): {
        "agentPoolProfiles": [{"upgradeSettings": {"maxSurge": "0"}}]
    },
    ("azure-native:containerservice:AgentPool", "image"): {"osSKU": "Windows2022", "osType": "Linux"},
    ("azure-native:containerservice:AgentPool", "driver"): {"gpuProfile": {"driver": "Latest"}},
    ("azure-native:containerservice:AgentPool", "replacing"): {"upgradeSettings": {"maxSurge": "one"}},
    ("azure-native:dbforpostgresql:Server", "size"): {"sku": {"name": "Standard_D2", "tier": "Burstable"}},
    ("azure-native:dbforpostgresql:Server", "logins"): {"administratorLogin": "a"},
    ("azure-native:dbforpostgresql:Configuration", "setting"): {"configurationName": "c", "value": "v"},
    ("azure-native:storage:ManagementPolicy", "rules"): {"policy": {"rules": [{"name": "a", "definition": {}}]}},
    ("azure-native:storage:FileShare", "squash"): {"rootSquash": "RootSquash", "enabledProtocols": "SMB"},
    ("azure-native:containerregistry:Registry", "sku"): {"sku": {"name": "Basic"}, "zoneRedundancy": "Enabled"},
    ("azure-native:containerregistry:Registry", "exported"): {"policies": {"exportPolicy": {"status": "disabled"}}},
    ("azure-native:monitor:DataCollectionRule", "rule shape"): {"dataFlows": [{"destinations": ["nowhere"]}]},
    ("azure-native:monitor:SubscriptionDiagnosticSetting", "categories"): {
        "workspaceId": "w",
        "logs": [{"category": "Weather"}],
    },
    ("azure-native:network:VirtualNetwork", "address space"): {"addressSpace": {"addressPrefixes": ["10.0.0.1/8"]}},
    ("azure-native:network:NetworkSecurityGroup", "rules"): {"securityRules": [{"priority": 99}]},
    ("azure-native:network:PublicIPAddress", "static"): {"sku": {"name": "Standard"}},
    ("azure-native:network:NatGateway", "one zone"): {"zones": ["1", "2"]},
    ("azure-native:network:Subnet", "subnet"): {"addressPrefix": "10.0.0.0/30"},
    ("azure-native:network:PrivateDnsZoneGroup", "linked zones"): {
        "privateDnsZoneConfigs": [{"privateDnsZoneId": "z"}]
    },
    ("azure-native:keyvault:Vault", "vault shape"): {"properties": {"softDeleteRetentionInDays": 91}},
    ("azure-native:keyvault:Key", "signing"): {"properties": {"kty": "EC", "keyOps": ["sign", "encrypt"]}},
    ("azure-native:storage:StorageAccount", "storage shape"): {
        "kind": "FileStorage",
        "sku": {"name": "Standard_LRS"},
    },
    ("azure-native:monitor:DiagnosticSetting", "diagnostic shape"): {"workspaceId": "w"},
    ("gcp:billing/budget:Budget", "account"): {"billingAccount": "12-34"},
    ("gcp:billing/budget:Budget", "amount"): {"amount": {"specifiedAmount": {"units": "many"}}},
    ("gcp:billing/budget:Budget", "thresholds"): {"thresholdRules": [{"thresholdPercent": -0.5}]},
    ("gcp:billing/budget:Budget", "filter"): {"budgetFilter": {"labels": {"a": "1", "b": "2"}}},
    ("gcp:billing/budget:Budget", "told"): {"allUpdatesRule": {"schemaVersion": "1.0"}},
    ("gcp:billing/budget:Budget", "display"): {"displayName": "d" * 61},
    ("gcp:orgpolicy/policy:Policy", "policy place"): {"parent": "folders/1", "name": "folders/2/policies/a.b"},
    ("gcp:vertex/aiEndpoint:AiEndpoint", "key place"): {
        "location": "europe-west4",
        "encryptionSpec": {"kmsKeyName": _ELSEWHERE},
    },
    ("gcp:vertex/aiEndpoint:AiEndpoint", "private"): {
        "privateServiceConnectConfig": {"enablePrivateServiceConnect": True},
        "dedicatedEndpointEnabled": True,
    },
    ("gcp:vertex/aiEndpoint:AiEndpoint", "display"): {"displayName": "d" * 129},
    ("gcp:monitoring/notificationChannel:NotificationChannel", "channel"): {"type": "email", "labels": {}},
    ("gcp:monitoring/notificationChannel:NotificationChannel", "hook"): {"labels": {"url": "nowhere"}},
    ("gcp:monitoring/notificationChannel:NotificationChannel", "labelled"): {"userLabels": {"Cell": "a"}},
    ("gcp:monitoring/alertPolicy:AlertPolicy", "conditions"): {"conditions": [{"displayName": "a"}]},
    ("gcp:monitoring/alertPolicy:AlertPolicy", "few"): {"notificationChannels": ["c"] * 17},
    ("gcp:monitoring/alertPolicy:AlertPolicy", "labelled"): {"userLabels": {"Cell": "a"}},
    ("gcp:dns/managedZone:ManagedZone", "visible"): {"visibility": "private"},
    ("gcp:dns/recordSet:RecordSet", "one source"): {},
    ("gcp:dns/recordSet:RecordSet", "data"): {"type": "CNAME", "rrdatas": ["a.", "b."]},
    ("gcp:memorystore/instance:Instance", "shape"): {"mode": "CLUSTER_DISABLED", "shardCount": 2},
    ("gcp:container/cluster:Cluster", "default pool"): {"removeDefaultNodePool": True},
    ("gcp:container/cluster:Cluster", "exclusions"): {"maintenancePolicy": {"maintenanceExclusions": [_EXCLUSION]}},
    ("gcp:container/nodePool:NodePool", "image"): {"nodeConfig": {"imageType": "COS"}},
    ("gcp:container/nodePool:NodePool", "sold on demand"): {"nodeConfig": {"machineType": "a3-highgpu-2g"}},
    ("gcp:container/nodePool:NodePool", "driver"): {
        "nodeConfig": {"guestAccelerators": [{"gpuDriverInstallationConfig": {"gpuDriverVersion": "570.172.08"}}]}
    },
    ("gcp:container/nodePool:NodePool", "replacing"): {"upgradeSettings": {"maxSurge": 0, "maxUnavailable": 0}},
    ("gcp:container/nodePool:NodePool", "scaling"): {"autoscaling": {"locationPolicy": "ANY"}},
    ("gcp:sql/databaseInstance:DatabaseInstance", "tier"): {
        "databaseVersion": "POSTGRES_17",
        "settings": {"edition": "ENTERPRISE", "tier": "db-custom-3-8192"},
    },
    ("gcp:sql/databaseInstance:DatabaseInstance", "disk"): {"settings": {"diskSize": 5}},
    ("gcp:sql/databaseInstance:DatabaseInstance", "flags"): {
        "settings": {"databaseFlags": [{"name": "cloudsql.iam_authentication", "value": "yes"}]}
    },
    ("gcp:filestore/instance:Instance", "size"): {"tier": "ENTERPRISE", "fileShares": {"capacityGb": 1100}},
    ("gcp:filestore/instance:Instance", "exports"): {
        "fileShares": {"nfsExportOptions": [{"ipRanges": ["10.0.0.0/8", "10.1.0.0/16"]}]}
    },
    ("gcp:filestore/instance:Instance", "key place"): {"location": "europe-west4", "kmsKeyName": _ELSEWHERE},
    ("gcp:filestore/instance:Instance", "protocol"): {"tier": "BASIC_HDD", "protocol": "NFS_V4_1"},
    ("gcp:artifactregistry/repository:Repository", "key place"): {
        "location": "europe-west4",
        "kmsKeyName": _ELSEWHERE,
    },
    ("gcp:artifactregistry/repository:Repository", "shape"): {"format": "NPM", "dockerConfig": {"immutableTags": True}},
    ("gcp:secretmanager/regionalSecret:RegionalSecret", "key place"): {
        "location": "europe-west4",
        "customerManagedEncryption": {"kmsKeyName": _ELSEWHERE},
    },
    ("gcp:secretmanager/regionalSecret:RegionalSecret", "rotated"): {"rotation": {"rotationPeriod": "86400s"}},
    ("gcp:secretmanager/regionalSecret:RegionalSecret", "seconds"): {"versionDestroyTtl": "10s"},
    ("gcp:projects/iAMAuditConfig:IAMAuditConfig", "kinds"): {"auditLogConfigs": [{"logType": "ALL"}]},
    ("gcp:compute/subnetwork:Subnetwork", "ranges"): {
        "secondaryIpRanges": [{"rangeName": "a", "ipCidrRange": "10.0.0.0/30"}]
    },
    ("gcp:compute/firewall:Firewall", "firewall shape"): {"direction": "INGRESS", "allows": [{"protocol": "all"}]},
    ("gcp:kms/cryptoKey:CryptoKey", "rotation"): {"rotationPeriod": "1d"},
    ("gcp:kms/cryptoKey:CryptoKey", "signing"): {"purpose": "ASYMMETRIC_SIGN", "rotationPeriod": "86400s"},
    ("gcp:storage/bucket:Bucket", "same place as key"): {
        "location": "europe-west4",
        "encryption": {"defaultKmsKeyName": _ELSEWHERE},
    },
}
