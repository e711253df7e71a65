"""What the emulated clouds refuse about shared files, logs, metrics and trails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rehearsal.providers.wire import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

ALI_KEY, ALI_FILES = "alicloud:kms/key:Key", "alicloud:nas/fileSystem:FileSystem"
VPC, SWITCH = "alicloud:vpc/network:Network", "alicloud:vpc/switch:Switch"
ACCESS_GROUP, ACCESS_RULE = "alicloud:nas/accessGroup:AccessGroup", "alicloud:nas/accessRule:AccessRule"
TARGET, PROJECT = "alicloud:nas/mountTarget:MountTarget", "alicloud:log/project:Project"
STORE, FLOWS = "alicloud:log/store:Store", "alicloud:vpc/flowLog:FlowLog"
TRAIL, WORKSPACE = "alicloud:actiontrail/trail:Trail", "alicloud:cms/workspace:Workspace"
PROMETHEUS = "alicloud:cms/prometheusInstance:PrometheusInstance"
NETWORK, CONNECTION = "gcp:compute/network:Network", "gcp:servicenetworking/connection:Connection"
ADDRESS, FILESTORE = "gcp:compute/globalAddress:GlobalAddress", "gcp:filestore/instance:Instance"
RING, KEY = "gcp:kms/keyRing:KeyRing", "gcp:kms/cryptoKey:CryptoKey"
LOG_BUCKET, SINK = "gcp:logging/projectBucketConfig:ProjectBucketConfig", "gcp:logging/projectSink:ProjectSink"
EXCLUSION, AUDIT = "gcp:logging/projectExclusion:ProjectExclusion", "gcp:projects/iAMAuditConfig:IAMAuditConfig"
GROUP, ACCOUNT = "azure-native:resources:ResourceGroup", "azure-native:storage:StorageAccount"
SHARE, SERVICE = "azure-native:storage:FileShare", "azure-native:storage:FileServiceProperties"
LOGS, METRICS = "azure-native:operationalinsights:Workspace", "azure-native:monitor:AzureMonitorWorkspace"
COLLECTOR, RULE = "azure-native:monitor:DataCollectionEndpoint", "azure-native:monitor:DataCollectionRule"
ASSOCIATION = "azure-native:monitor:DataCollectionRuleAssociation"
SCOPE, SCOPED = "azure-native:monitor:PrivateLinkScope", "azure-native:monitor:PrivateLinkScopedResource"
ACTIVITY = "azure-native:monitor:SubscriptionDiagnosticSetting"


def files(**more: Any) -> dict[str, Any]:
    return {
        "fileSystemType": "extreme",
        "protocolType": "NFS",
        "storageType": "standard",
        "capacity": 1024,
        "zoneId": "cn-shanghai-g",
        "encryptType": 2,
        "kmsKeyId": UNKNOWN,
    } | more


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"capacity": 99}, {"capacity"}),
        ({"capacity": 262_145}, {"capacity"}),
        ({"capacity": None, "zoneId": None}, {"capacity", "zoneId"}),
        ({"zoneId": "cn-shanghai-z"}, {"zoneId"}),
        ({"storageType": "Performance", "protocolType": "SMB"}, {"storageType", "protocolType"}),
        ({"kmsKeyId": None}, {"kmsKeyId"}),
        ({"encryptType": 1}, {"kmsKeyId"}),
        ({"encryptType": 3}, {"encryptType", "kmsKeyId"}),
        ({"fileSystemType": "standard", "storageType": "Capacity"}, {"encryptType"}),
        ({"recycleBin": {"status": "Enable"}}, {"recycleBin"}),
        ({"kmsKeyId": "key-of-nobody"}, {"kmsKeyId"}),
        ({"fileSystemType": "extrem"}, {"fileSystemType", "encryptType"}),
    ],
)
def test_a_file_system_has_the_settings_of_its_kind(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    inputs = {name: value for name, value in files(**change).items() if value is not None}
    assert {path for path, _ in caller("alicloud").check(ALI_FILES, inputs)} == paths


def ali_network(cloud: Any) -> tuple[str, str, str]:
    vpc, _ = cloud.create(VPC, {"vpcName": "vpc", "cidrBlock": "10.64.0.0/16"}, "vpc")
    switch = {"vpcId": vpc, "vswitchName": "sw", "cidrBlock": "10.64.0.0/20", "zoneId": "cn-shanghai-g"}
    near, _ = cloud.create(SWITCH, switch, "near")
    far, _ = cloud.create(SWITCH, switch | {"cidrBlock": "10.64.16.0/20", "zoneId": "cn-shanghai-b"}, "far")
    return vpc, near, far


def test_a_mount_target_lies_in_the_zone_of_its_files_and_names_a_group_of_their_kind(
    caller: Callable[[str], Any], refused: type[Exception]
) -> None:
    cloud = caller("alicloud")
    vpc, near, far = ali_network(cloud)
    key, _ = cloud.create(ALI_KEY, {"description": "k"}, "key")
    system, _ = cloud.create(ALI_FILES, files(kmsKeyId=key), "files")
    assert system.startswith("extreme-")
    group = {"accessGroupName": "cell-files", "accessGroupType": "Vpc"}
    cloud.create(ACCESS_GROUP, group | {"fileSystemType": "extreme"}, "group")
    cloud.create(ACCESS_GROUP, group | {"accessGroupName": "other-files", "fileSystemType": "standard"}, "other")
    target = {"fileSystemId": system, "accessGroupName": "cell-files", "networkType": "Vpc", "vpcId": vpc}
    assert cloud.check(TARGET, target | {"vswitchId": near}) == []
    found = dict(cloud.check(TARGET, target | {"vswitchId": far, "accessGroupName": "other-files"}))
    assert set(found) == {"vswitchId", "accessGroupName"}
    assert "lies in cn-shanghai-b" in found["vswitchId"]
    assert {path for path, _ in cloud.check(TARGET, target | {"accessGroupName": "none"})} == {
        "accessGroupName",
        "vswitchId",
    }
    made, outputs = cloud.create(TARGET, target | {"vswitchId": near}, "target")
    assert made == f"{system}:{outputs['mountTargetDomain']}"
    assert outputs["mountTargetDomain"].endswith(".cn-shanghai.extreme.nas.aliyuncs.com")
    with pytest.raises(refused, match="DependencyViolation"):
        cloud.delete(ALI_FILES, system)
    with pytest.raises(refused, match="cannot shrink to 512"):
        cloud.update(ALI_FILES, system, files(kmsKeyId=key, capacity=512), "files")
    assert cloud.update(ALI_FILES, system, files(kmsKeyId=key, capacity=2048), "files")["capacity"] == 2048


def test_who_may_mount_is_said_in_ranges_and_words_that_exist(caller: Callable[[str], Any]) -> None:
    cloud = caller("alicloud")
    cloud.create(ACCESS_GROUP, {"accessGroupName": "cell", "accessGroupType": "Vpc", "fileSystemType": "extreme"})
    rule = {"accessGroupName": "cell", "fileSystemType": "extreme", "sourceCidrIp": "10.64.0.0/16"}
    assert cloud.check(ACCESS_RULE, rule) == []
    bad = {"sourceCidrIp": "10.64.0.1/16", "rwAccessType": "RW", "userAccessType": "root", "priority": 101}
    assert {path for path, _ in cloud.check(ACCESS_RULE, rule | bad)} == set(bad)
    assert {path for path, _ in cloud.check(ACCESS_RULE, {"accessGroupName": "nobody"})} == {
        "accessGroupName",
        "sourceCidrIp",
    }


def test_flow_logs_and_trails_go_into_a_project_that_exists(caller: Callable[[str], Any]) -> None:
    cloud = caller("alicloud")
    vpc, _near, _far = ali_network(cloud)
    cloud.create(PROJECT, {"projectName": "cell-logs"}, "logs")
    flow = {"flowLogName": "f", "resourceType": "VPC", "resourceId": vpc, "trafficType": "All"}
    flow |= {"projectName": "cell-logs", "logStoreName": "flows"}
    assert dict(cloud.check(FLOWS, flow)) == {"logStoreName": "there is no store 'flows' in project 'cell-logs'"}
    cloud.create(STORE, {"projectName": "cell-logs", "logstoreName": "flows"}, "store")
    assert cloud.check(FLOWS, flow) == []
    wrong = {"resourceId": "vpc-none", "trafficType": "all", "aggregationInterval": "60"}
    assert {path for path, _ in cloud.check(FLOWS, flow | wrong)} == set(wrong)

    arn = "acs:log:cn-shanghai:1000000000000001:project/cell-logs"
    trail = {"trailName": "cell-trail", "trailRegion": "cn-shanghai", "slsProjectArn": arn, "eventRw": "All"}
    assert cloud.check(TRAIL, trail) == []
    for bad in ("cell-logs", arn.replace("cn-shanghai", "cn-beijing"), arn.replace("cell-logs", "none")):
        assert [path for path, _ in cloud.check(TRAIL, trail | {"slsProjectArn": bad})] == ["slsProjectArn"]
    short = {"trailName": "Trail", "trailRegion": "cn-shanghia", "eventRw": "Writes"}
    assert {path for path, _ in cloud.check(TRAIL, short)} == {"trailName", "trailRegion", "eventRw", "slsProjectArn"}


def test_two_cells_of_an_account_need_trails_of_two_names(
    caller: Callable[[str], Any], refused: type[Exception]
) -> None:
    cloud = caller("alicloud")
    cloud.create(PROJECT, {"projectName": "cell-logs"}, "logs")
    arn = "acs:log:cn-shanghai:1000000000000001:project/cell-logs"
    trail = {"trailName": "cell-trail", "trailRegion": "cn-shanghai", "slsProjectArn": arn}
    cloud.create(TRAIL, trail, "one")
    with pytest.raises(refused, match="exists already"):
        cloud.create(TRAIL, trail, "two")


def test_a_prometheus_instance_needs_a_workspace_and_a_length_that_is_sold(caller: Callable[[str], Any]) -> None:
    cloud = caller("alicloud")
    assert {path for path, _ in cloud.check(WORKSPACE, {"workspaceName": "Cell", "slsProject": "none"})} == {
        "workspaceName",
        "slsProject",
    }
    cloud.create(PROJECT, {"projectName": "cell-logs"}, "logs")
    workspace, _ = cloud.create(WORKSPACE, {"workspaceName": "cell-metrics", "slsProject": "cell-logs"}, "w")
    instance = {"prometheusInstanceName": "cell", "workspace": workspace, "storageDuration": 90}
    assert cloud.check(PROMETHEUS, instance) == []
    bad = {"workspace": "none", "storageDuration": 45, "archiveDuration": 30}
    assert {path for path, _ in cloud.check(PROMETHEUS, instance | bad)} == set(bad)


def filestore(network: str, key: str, **more: Any) -> dict[str, Any]:
    options = {"ipRanges": ["10.68.0.0/16"], "squashMode": "ROOT_SQUASH"}
    return {
        "name": "files",
        "location": "europe-west4",
        "tier": "REGIONAL",
        "protocol": "NFS_V4_1",
        "kmsKeyName": key,
        "fileShares": {"name": "weights", "capacityGb": 1024, "nfsExportOptions": [options]},
        "networks": [{"network": network, "modes": ["MODE_IPV4"], "connectMode": "PRIVATE_SERVICE_ACCESS"}],
    } | more


def gcp_network(cloud: Any) -> tuple[str, str]:
    network, _ = cloud.create(NETWORK, {"name": "net", "autoCreateSubnetworks": False}, "net")
    ring, _ = cloud.create(RING, {"name": "ring", "location": "europe-west4"}, "ring")
    key, _ = cloud.create(KEY, {"name": "key", "keyRing": ring}, "key")
    return network, key


def join(cloud: Any, network: str) -> None:
    reserved = {"name": "services", "purpose": "VPC_PEERING", "addressType": "INTERNAL", "network": network}
    cloud.create(ADDRESS, reserved | {"address": "10.65.128.0", "prefixLength": 20}, "range")
    peering = {"network": network, "service": "servicenetworking.googleapis.com"}
    cloud.create(CONNECTION, peering | {"reservedPeeringRanges": ["services"]}, "peering")


def test_filestore_needs_a_network_that_is_joined_to_the_services_and_a_key_of_its_region(
    caller: Callable[[str], Any],
) -> None:
    cloud = caller("gcp")
    network, key = gcp_network(cloud)
    assert dict(cloud.check(FILESTORE, filestore(network, key))) == {
        "networks[0].connectMode": "net is not joined to Google's services"
    }
    join(cloud, network)
    assert cloud.check(FILESTORE, filestore(network, key)) == []
    ring, _ = cloud.create(RING, {"name": "far", "location": "europe-west1"}, "far-ring")
    far, _ = cloud.create(KEY, {"name": "far", "keyRing": ring}, "far-key")
    assert [path for path, _ in cloud.check(FILESTORE, filestore(network, far))] == ["kmsKeyName"]
    _, outputs = cloud.create(FILESTORE, filestore(network, key), "files")
    assert outputs["networks"][0]["ipAddresses"][0].startswith("10.65.128.")


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({"location": "europe-west4-a"}, {"location"}),
        ({"location": None}, {"location"}),
        ({"tier": "REGIONL"}, {"tier", "protocol"}),
        ({"tier": "BASIC_HDD"}, {"protocol"}),
        ({"fileShares": {"name": "weights", "capacityGb": 99}}, {"fileShares.capacityGb"}),
        ({"fileShares": {"name": "weights", "capacityGb": 11_000}}, {"fileShares.capacityGb"}),
        ({"fileShares": {"name": "weights-of-the-cell", "capacityGb": 12_800}}, {"fileShares.name"}),
        (
            {"fileShares": {"name": "w", "capacityGb": 1024, "nfsExportOptions": [{"ipRanges": ["10.68.0.1/16"]}]}},
            {"fileShares.nfsExportOptions[0].ipRanges"},
        ),
        (
            {
                "fileShares": {
                    "name": "w",
                    "capacityGb": 1024,
                    "nfsExportOptions": [{"ipRanges": ["10.68.0.0/16"]}, {"ipRanges": ["10.68.7.0/24"], "anonUid": 1}],
                }
            },
            {"fileShares.nfsExportOptions[1].ipRanges", "fileShares.nfsExportOptions[1].squashMode"},
        ),
    ],
)
def test_filestore_takes_sizes_ranges_and_words_of_its_tier(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    cloud = caller("gcp")
    network, key = gcp_network(cloud)
    join(cloud, network)
    inputs = {name: value for name, value in filestore(network, key, **change).items() if value is not None}
    assert {path for path, _ in cloud.check(FILESTORE, inputs)} == paths


def test_protected_files_are_not_deleted(caller: Callable[[str], Any], refused: type[Exception]) -> None:
    cloud = caller("gcp")
    network, key = gcp_network(cloud)
    join(cloud, network)
    inputs = filestore(network, key, deletionProtectionEnabled=True)
    made, _ = cloud.create(FILESTORE, inputs, "files")
    with pytest.raises(refused, match="protected against deletion"):
        cloud.delete(FILESTORE, made, "files")
    cloud.update(FILESTORE, made, inputs | {"deletionProtectionEnabled": False}, "files")
    cloud.delete(FILESTORE, made, "files")


def test_a_sink_writes_to_a_log_bucket_that_exists(caller: Callable[[str], Any]) -> None:
    cloud = caller("gcp")
    bucket = {"project": "twain-test", "location": "europe-west4", "bucketId": "cell-logs", "retentionDays": 180}
    assert {
        path for path, _ in cloud.check(LOG_BUCKET, bucket | {"location": "europe-west44", "retentionDays": 4000})
    } == {"location", "retentionDays"}
    place = "logging.googleapis.com/projects/twain-test/locations/europe-west4/buckets/cell-logs"
    sink = {"name": "cell", "destination": place}
    assert [path for path, _ in cloud.check(SINK, sink)] == ["destination"]
    made, _ = cloud.create(LOG_BUCKET, bucket, "bucket")
    assert place.endswith(made)
    assert cloud.check(SINK, sink) == []
    assert [path for path, _ in cloud.check(SINK, sink | {"destination": made})] == ["destination"]


def test_a_project_takes_ten_exclusions_and_one_audit_configuration_of_a_service(
    caller: Callable[[str], Any], refused: type[Exception]
) -> None:
    cloud = caller("gcp")
    for index in range(10):
        cloud.create(EXCLUSION, {"name": f"cell-{index}", "filter": "x"}, f"cell-{index}")
    (problem,) = cloud.check(EXCLUSION, {"name": "cell-10", "filter": "x"}, "cell-10")
    assert "10 exclusions already" in problem[1]
    audit = {"project": "twain-test", "service": "storage.googleapis.com"}
    kinds = [{"logType": "DATA_READ"}]
    assert cloud.check(AUDIT, audit | {"auditLogConfigs": kinds}) == []
    wrong = [*kinds, {"logType": "DATA_READ"}, {"logType": "ADMIN_WRITE"}]
    assert [path for path, _ in cloud.check(AUDIT, audit | {"auditLogConfigs": wrong})] == [
        "auditLogConfigs[1].logType",
        "auditLogConfigs[2].logType",
    ]
    cloud.create(AUDIT, audit | {"auditLogConfigs": kinds}, "one")
    with pytest.raises(refused, match="exists already"):
        cloud.create(AUDIT, audit | {"auditLogConfigs": kinds}, "two")


def test_a_locked_log_bucket_is_never_deleted(caller: Callable[[str], Any], refused: type[Exception]) -> None:
    cloud = caller("gcp")
    bucket = {"project": "twain-test", "location": "europe-west4", "bucketId": "cell-logs", "locked": True}
    made, _ = cloud.create(LOG_BUCKET, bucket)
    with pytest.raises(refused, match="locked"):
        cloud.delete(LOG_BUCKET, made)


def account(**more: Any) -> dict[str, Any]:
    return {
        "accountName": "cellfiles",
        "resourceGroupName": "rg",
        "location": "francecentral",
        "kind": "FileStorage",
        "sku": {"name": "Premium_ZRS"},
        "enableHttpsTrafficOnly": False,
    } | more


def share(**more: Any) -> dict[str, Any]:
    named = {"shareName": "weights", "accountName": "cellfiles", "resourceGroupName": "rg"}
    return named | {"enabledProtocols": "NFS", "rootSquash": "RootSquash", "shareQuota": 1024} | more


def test_an_account_for_files_is_premium_and_one_without_tls_is_no_refusal(caller: Callable[[str], Any]) -> None:
    cloud = caller("azure-native")
    cloud.create(GROUP, {"resourceGroupName": "rg", "location": "francecentral"}, "rg")
    assert cloud.check(ACCOUNT, account()) == []
    assert cloud.check(ACCOUNT, account(kind="StorageV2", sku={"name": "Standard_ZRS"})) == []
    assert cloud.check(ACCOUNT, account(sku={"name": "StandardV2_ZRS"})) == []
    assert [path for path, _ in cloud.check(ACCOUNT, account(sku={"name": "Standard_ZRS"}))] == ["sku.name"]


def test_an_nfs_share_needs_a_premium_account_that_lets_it_speak(caller: Callable[[str], Any]) -> None:
    cloud = caller("azure-native")
    cloud.create(GROUP, {"resourceGroupName": "rg", "location": "francecentral"}, "rg")
    cloud.create(ACCOUNT, account(), "files")
    cloud.create(ACCOUNT, account(accountName="cellclosed", enableHttpsTrafficOnly=True), "closed")
    cloud.create(
        ACCOUNT,
        account(accountName="cellblobs", kind="StorageV2", sku={"name": "Standard_ZRS"}, enableHttpsTrafficOnly=True),
        "blobs",
    )
    assert cloud.check(SHARE, share()) == []
    assert {path for path, _ in cloud.check(SHARE, share(accountName="cellclosed"))} == {"enabledProtocols"}
    found = cloud.check(SHARE, share(accountName="cellblobs", accessTier="Premium"))
    assert sorted(path for path, _ in found) == ["accessTier", "enabledProtocols", "enabledProtocols"]
    assert {path for path, _ in cloud.check(SHARE, share(shareQuota=99, shareName="a--b", rootSquash="All"))} == {
        "shareQuota",
        "shareName",
        "rootSquash",
    }
    assert {path for path, _ in cloud.check(SHARE, share(enabledProtocols="SMB"))} == {"rootSquash"}
    service = {"accountName": "cellfiles", "resourceGroupName": "rg", "fileServicesName": "main"}
    kept = {"enabled": True, "days": 366}
    assert {path for path, _ in cloud.check(SERVICE, service | {"shareDeleteRetentionPolicy": kept})} == {
        "fileServicesName",
        "shareDeleteRetentionPolicy.days",
    }


def azure_metrics(cloud: Any) -> tuple[str, str]:
    cloud.create(GROUP, {"resourceGroupName": "rg", "location": "francecentral"}, "rg")
    inside = {"resourceGroupName": "rg", "location": "francecentral"}
    metrics, outputs = cloud.create(METRICS, inside | {"azureMonitorWorkspaceName": "cell-metrics"}, "metrics")
    query = outputs["metrics"]["prometheusQueryEndpoint"]
    assert query.startswith("https://cell-metrics-")
    assert query.endswith(".francecentral.prometheus.monitor.azure.com")
    collector, _ = cloud.create(COLLECTOR, inside | {"dataCollectionEndpointName": "cell-collector"}, "collector")
    return metrics, collector


def rule(metrics: str, collector: str, **more: Any) -> dict[str, Any]:
    stream = ["Microsoft-PrometheusMetrics"]
    return {
        "dataCollectionRuleName": "cell",
        "resourceGroupName": "rg",
        "location": "francecentral",
        "dataCollectionEndpointId": collector,
        "dataSources": {"prometheusForwarder": [{"name": "p", "streams": stream}]},
        "destinations": {"monitoringAccounts": [{"name": "m", "accountResourceId": metrics}]},
        "dataFlows": [{"streams": stream, "destinations": ["m"]}],
    } | more


def test_a_collection_rule_names_what_exists_and_what_it_says_itself(caller: Callable[[str], Any]) -> None:
    cloud = caller("azure-native")
    metrics, collector = azure_metrics(cloud)
    assert cloud.check(RULE, rule(metrics, collector)) == []
    assert [path for path, _ in cloud.check(RULE, rule(f"{metrics}x", collector))] == [
        "destinations.monitoringAccounts[0].accountResourceId"
    ]
    lost = rule(metrics, collector, dataFlows=[{"streams": [], "destinations": ["n"]}])
    assert [path for path, _ in cloud.check(RULE, lost)] == ["dataFlows[0].destinations"]
    misspelt = rule(metrics, collector, dataFlows=[{"streams": ["Microsoft-Prometheus"], "destinations": ["m"]}])
    assert [path for path, _ in cloud.check(RULE, misspelt)] == ["dataFlows[0].streams[0]"]
    alone = rule(metrics, collector)
    del alone["dataCollectionEndpointId"]
    assert [path for path, _ in cloud.check(RULE, alone)] == ["dataCollectionEndpointId"]
    away = rule(metrics, collector, location="swedencentral")
    assert [path for path, _ in cloud.check(RULE, away)] == ["dataCollectionEndpointId"]


def test_an_association_is_of_a_rule_or_of_the_endpoint_for_configuration(caller: Callable[[str], Any]) -> None:
    cloud = caller("azure-native")
    metrics, collector = azure_metrics(cloud)
    made, _ = cloud.create(RULE, rule(metrics, collector), "rule")
    mine = {"associationName": "cell", "resourceUri": metrics}
    assert cloud.check(ASSOCIATION, mine | {"dataCollectionRuleId": made}) == []
    endpoint = {"dataCollectionEndpointId": collector}
    assert [path for path, _ in cloud.check(ASSOCIATION, mine | endpoint)] == ["associationName"]
    assert cloud.check(ASSOCIATION, mine | endpoint | {"associationName": "configurationAccessEndpoint"}) == []
    assert [path for path, _ in cloud.check(ASSOCIATION, mine)] == ["dataCollectionRuleId"]
    nobody = {"resourceUri": f"{metrics}x", "dataCollectionRuleId": made}
    assert [path for path, _ in cloud.check(ASSOCIATION, mine | nobody)] == ["resourceUri"]


def test_a_private_scope_is_global_and_holds_workspaces_and_endpoints(caller: Callable[[str], Any]) -> None:
    cloud = caller("azure-native")
    metrics, collector = azure_metrics(cloud)
    modes = {"ingestionAccessMode": "PrivateOnly", "queryAccessMode": "PrivateOnly"}
    scope = {"scopeName": "cell", "resourceGroupName": "rg", "location": "global", "accessModeSettings": modes}
    assert cloud.check(SCOPE, scope) == []
    wrong = scope | {"location": "francecentral", "accessModeSettings": modes | {"queryAccessMode": "Closed"}}
    assert {path for path, _ in cloud.check(SCOPE, wrong)} == {"location", "accessModeSettings.queryAccessMode"}
    cloud.create(SCOPE, scope, "scope")
    linked = {"name": "it", "scopeName": "cell", "resourceGroupName": "rg"}
    assert cloud.check(SCOPED, linked | {"linkedResourceId": collector}) == []
    assert [path for path, _ in cloud.check(SCOPED, linked | {"linkedResourceId": metrics})] == ["linkedResourceId"]
    assert [path for path, _ in cloud.check(SCOPED, linked | {"linkedResourceId": f"{collector}x"})] == [
        "linkedResourceId"
    ]


def test_a_subscription_takes_five_settings_for_its_activity_log(caller: Callable[[str], Any]) -> None:
    cloud = caller("azure-native")
    cloud.create(GROUP, {"resourceGroupName": "rg", "location": "francecentral"}, "rg")
    workspace = {"workspaceName": "cell-logs", "resourceGroupName": "rg", "location": "francecentral"}
    logs, _ = cloud.create(LOGS, workspace, "logs")
    setting = {"workspaceId": logs, "logs": [{"category": "Administrative", "enabled": True}]}
    for index in range(5):
        cloud.create(ACTIVITY, setting | {"name": f"cell-{index}"}, f"cell-{index}")
    (problem,) = cloud.check(ACTIVITY, setting | {"name": "cell-5"}, "cell-5")
    assert "it takes 5" in problem[1]
    wrong = {"name": "cell-0", "logs": [{"category": "Admin", "enabled": True}]}
    assert {path for path, _ in cloud.check(ACTIVITY, wrong, "cell-0")} == {"workspaceId", "logs[0].category"}
