"""What the emulated clouds refuse about caches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rehearsal.providers.wire import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

VPC, SWITCH = "alicloud:vpc/network:Network", "alicloud:vpc/switch:Switch"
TAIR = "alicloud:redis/tairInstance:TairInstance"
NETWORK, SUBNETWORK = "gcp:compute/network:Network", "gcp:compute/subnetwork:Subnetwork"
POLICY = "gcp:networkconnectivity/serviceConnectionPolicy:ServiceConnectionPolicy"
RING, KEY = "gcp:kms/keyRing:KeyRing", "gcp:kms/cryptoKey:CryptoKey"
VALKEY = "gcp:memorystore/instance:Instance"
GROUP, IDENTITY = "azure-native:resources:ResourceGroup", "azure-native:managedidentity:UserAssignedIdentity"
VAULT, VAULT_KEY = "azure-native:keyvault:Vault", "azure-native:keyvault:Key"
CLUSTER, DATABASE = "azure-native:redisenterprise:RedisEnterprise", "azure-native:redisenterprise:Database"
LOGIN, LOCK = "azure-native:redisenterprise:AccessPolicyAssignment", "azure-native:authorization:ManagementLockByScope"
ENDPOINT, SUBNET = "azure-native:network:PrivateEndpoint", "azure-native:network:Subnet"


def given(inputs: dict[str, Any]) -> dict[str, Any]:
    """Without what is None, so that a change may take something away."""
    return {name: value for name, value in inputs.items() if value is not None}


def tair(**more: Any) -> dict[str, Any]:
    return {
        "tairInstanceName": "cell-cache",
        "instanceType": "tair_rdb",
        "instanceClass": "tair.rdb.4g",
        "engineVersion": "7.0",
        "nodeType": "MASTER_SLAVE",
        "shardCount": 1,
        "paymentType": "PayAsYouGo",
        "vpcId": UNKNOWN,
        "vswitchId": UNKNOWN,
        "zoneId": "cn-shanghai-g",
        "secondaryZoneId": "cn-shanghai-b",
        "vpcAuthMode": "Open",
        "sslEnabled": "Enable",
        "securityIps": "10.64.0.0/16,10.66.0.0/15",
    } | more


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"paymentType": None}, {"period"}),
        ({"paymentType": "Subscription"}, {"period"}),
        ({"paymentType": "Subscription", "period": 10}, {"period"}),
        ({"paymentType": "Subscription", "period": 12}, set[str]()),
        ({"period": 12}, {"period"}),
        ({"autoRenew": "true"}, {"autoRenew"}),
        ({"paymentType": "Postpaid"}, {"paymentType"}),
        ({"instanceType": "redis"}, {"instanceType"}),
        ({"instanceClass": "redis.master.small.default"}, {"instanceClass"}),
        ({"instanceClass": "tair.rdb.5g"}, {"instanceClass"}),
        ({"engineVersion": "7.2"}, {"engineVersion"}),
        ({"storageSizeGb": 20}, {"storageSizeGb"}),
        ({"zoneId": "cn-hongkong-b"}, {"zoneId"}),
        ({"secondaryZoneId": "cn-shanghai-z"}, {"secondaryZoneId"}),
        ({"secondaryZoneId": "cn-shanghai-g"}, {"secondaryZoneId"}),
        ({"vpcId": "vpc-none", "vswitchId": "vsw-none"}, {"vpcId", "vswitchId"}),
        ({"nodeType": "STAND_ALONE"}, {"sslEnabled", "secondaryZoneId"}),
        ({"nodeType": "master"}, {"nodeType"}),
        ({"sslEnabled": "true"}, {"sslEnabled"}),
        ({"vpcAuthMode": "On"}, {"vpcAuthMode"}),
        ({"encryptionKey": "key-x"}, {"encryptionKey"}),
        ({"securityIps": "10.64.0.0/16,everywhere"}, {"securityIps"}),
        ({"password": "short"}, {"password"}),
        ({"port": 80}, {"port"}),
        ({"shardCount": 33}, {"shardCount"}),
        ({"maintainStartTime": "2:00"}, {"maintainStartTime"}),
    ],
)
def test_an_instance_of_tair_has_the_settings_of_its_kind_and_is_not_sold_in_advance_unasked(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    assert {path for path, _ in caller("alicloud").check(TAIR, given(tair(**change)))} == paths


def test_an_instance_of_tair_lies_in_a_subnet_of_its_zone(
    caller: Callable[[str], Any], refused: type[Exception]
) -> None:
    cloud = caller("alicloud")
    vpc, _ = cloud.create(VPC, {"vpcName": "vpc", "cidrBlock": "10.64.0.0/16"}, "vpc")
    switch = {"vpcId": vpc, "vswitchName": "sw", "cidrBlock": "10.64.0.0/20", "zoneId": "cn-shanghai-g"}
    near, _ = cloud.create(SWITCH, switch, "near")
    far, _ = cloud.create(SWITCH, switch | {"cidrBlock": "10.64.16.0/20", "zoneId": "cn-shanghai-b"}, "far")
    wanted = tair(vpcId=vpc, vswitchId=near)
    assert cloud.check(TAIR, wanted) == []
    assert [path for path, _ in cloud.check(TAIR, wanted | {"vswitchId": far})] == ["vswitchId"]
    made, outputs = cloud.create(TAIR, wanted, "cache")
    assert (outputs["connectionDomain"], outputs["port"]) == (f"{made}.redis.rds.aliyuncs.com", 6379)
    with pytest.raises(refused, match="DependencyViolation"):
        cloud.delete(SWITCH, near, "near")
    assert list(cloud.diff(TAIR, wanted, wanted | {"secondaryZoneId": "cn-shanghai-e"}).replaces) == ["secondaryZoneId"]


def valkey(network: Any = UNKNOWN, key: Any = UNKNOWN, **more: Any) -> dict[str, Any]:
    return {
        "instanceId": "cell-cache",
        "location": "europe-west4",
        "mode": "CLUSTER_DISABLED",
        "shardCount": 1,
        "replicaCount": 1,
        "nodeType": "STANDARD_SMALL",
        "engineVersion": "VALKEY_8_0",
        "kmsKey": key,
        "authorizationMode": "IAM_AUTH",
        "transitEncryptionMode": "SERVER_AUTHENTICATION",
        "serverCaMode": "GOOGLE_MANAGED_PER_INSTANCE_CA",
        "zoneDistributionConfig": {"mode": "MULTI_ZONE"},
        "desiredAutoCreatedEndpoints": [{"network": network, "projectId": "twain-test"}],
    } | more


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"instanceId": "abc"}, {"instanceId"}),
        ({"instanceId": "Cell"}, {"instanceId"}),
        ({"location": "europe-west4-a"}, {"location"}),
        ({"mode": "STANDALONE"}, {"mode"}),
        ({"shardCount": 3}, {"shardCount"}),
        ({"mode": "CLUSTER", "shardCount": 3}, set[str]()),
        ({"replicaCount": 6}, {"replicaCount"}),
        ({"nodeType": "standard-small"}, {"nodeType"}),
        ({"engineVersion": "8.0"}, {"engineVersion"}),
        ({"authorizationMode": "IAM"}, {"authorizationMode"}),
        ({"transitEncryptionMode": "TRANSIT_ENCRYPTION_DISABLED"}, {"serverCaMode"}),
        ({"transitEncryptionMode": "TLS"}, {"transitEncryptionMode", "serverCaMode"}),
        ({"serverCaMode": "CUSTOMER_MANAGED_CAS_CA"}, {"serverCaPool"}),
        ({"zoneDistributionConfig": {"mode": "SINGLE_ZONE"}}, {"zoneDistributionConfig.zone"}),
        (
            {"zoneDistributionConfig": {"mode": "MULTI_ZONE", "zone": "europe-west4-a"}},
            {"zoneDistributionConfig.zone"},
        ),
        ({"desiredAutoCreatedEndpoints": None}, {"desiredAutoCreatedEndpoints"}),
        (
            {"desiredPscAutoConnections": [{"network": UNKNOWN, "projectId": "p"}]},
            {"desiredPscAutoConnections"},
        ),
        ({"persistenceConfig": {"mode": "DISK"}}, {"persistenceConfig.mode"}),
        ({"labels": {"Team": "x"}}, {"labels.Team"}),
    ],
)
def test_an_instance_of_memorystore_has_the_settings_of_its_mode(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    assert {path for path, _ in caller("gcp").check(VALKEY, given(valkey(**change)))} == paths


def gcp_key(cloud: Any, location: str = "europe-west4") -> str:
    ring, _ = cloud.create(RING, {"name": f"ring-{location}", "location": location}, f"ring-{location}")
    return cloud.create(KEY, {"name": "key", "keyRing": ring}, f"key-{location}")[0]


def test_memorystore_needs_a_policy_of_the_network_and_a_key_of_its_region(
    caller: Callable[[str], Any], refused: type[Exception]
) -> None:
    cloud = caller("gcp")
    network, _ = cloud.create(NETWORK, {"name": "net", "autoCreateSubnetworks": False}, "net")
    nodes = {"name": "nodes", "network": network, "region": "europe-west4", "ipCidrRange": "10.68.0.0/16"}
    subnet, _ = cloud.create(SUBNETWORK, nodes, "nodes")
    key = gcp_key(cloud)
    (problem,) = cloud.check(VALKEY, valkey(network, key))
    assert problem[0] == "desiredAutoCreatedEndpoints[0].network"
    assert "no policy for gcp-memorystore" in problem[1]
    policy = {"name": "endpoints", "location": "europe-west4", "network": network, "serviceClass": "gcp-memorystore"}
    cloud.create(POLICY, policy | {"pscConfig": {"subnetworks": [subnet]}}, "endpoints")
    assert cloud.check(VALKEY, valkey(network, key)) == []
    far = gcp_key(cloud, "europe-west1")
    assert [path for path, _ in cloud.check(VALKEY, valkey(network, far))] == ["kmsKey"]
    made, outputs = cloud.create(VALKEY, valkey(network, key, deletionProtectionEnabled=True), "cache")
    assert made == "projects/twain-test/locations/europe-west4/instances/cell-cache"
    found = {
        one["pscAutoConnection"]["connectionType"]: one["pscAutoConnection"]["ipAddress"]
        for one in outputs["endpoints"][0]["connections"]
    }
    assert set(found) == {"CONNECTION_TYPE_PRIMARY", "CONNECTION_TYPE_READER"}
    assert all(address.startswith("10.68.") for address in found.values())
    assert len(set(found.values())) == 2
    with pytest.raises(refused, match="protected"):
        cloud.delete(VALKEY, made, "cache")
    cloud.update(VALKEY, made, valkey(network, key), "cache")
    with pytest.raises(refused, match="DependencyViolation"):
        cloud.delete(NETWORK, network, "net")
    cloud.delete(VALKEY, made, "cache")


def azure_ground(cloud: Any, *, location: str = "francecentral", purge: bool = True) -> tuple[str, str]:
    """An identity's id and the URI of a key with its version."""
    cloud.create(GROUP, {"resourceGroupName": "rg", "location": "francecentral"}, "rg")
    inside = {"resourceGroupName": "rg", "location": "francecentral"}
    user, outputs = cloud.create(IDENTITY, inside | {"resourceName": "key-user"}, "user")
    properties: dict[str, Any] = {"tenantId": outputs["tenantId"], "sku": {"family": "A", "name": "premium"}}
    properties |= {"enablePurgeProtection": True} if purge else {}
    vault = inside | {"vaultName": "cell-kv", "location": location, "properties": properties}
    cloud.create(VAULT, vault, "vault")
    key = {"keyName": "key", "vaultName": "cell-kv", "resourceGroupName": "rg", "properties": {"kty": "RSA"}}
    return user, cloud.create(VAULT_KEY, key, "key")[1]["keyUriWithVersion"]


def encryption(user: str, key: str) -> dict[str, Any]:
    identity = {"identityType": "userAssignedIdentity", "userAssignedIdentityResourceId": user}
    own = {"keyEncryptionKeyUrl": key, "keyEncryptionKeyIdentity": identity}
    return {"customerManagedKeyEncryption": given(own)}


def cluster(user: str, key: str, **more: Any) -> dict[str, Any]:
    return {
        "clusterName": "cell-cache",
        "resourceGroupName": "rg",
        "location": "francecentral",
        "sku": {"name": "Balanced_B5"},
        "highAvailability": "Enabled",
        "publicNetworkAccess": "Disabled",
        "minimumTlsVersion": "1.2",
        "identity": {"type": "UserAssigned", "userAssignedIdentities": [user]},
        "encryption": encryption(user, key),
    } | more


OWN = "encryption.customerManagedKeyEncryption"


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"clusterName": "cell--cache"}, {"clusterName"}),
        ({"clusterName": "c" * 61}, {"clusterName"}),
        ({"sku": {"name": "Balanced_B7"}}, {"sku.name"}),
        ({"sku": {"name": "Enterprise_E10", "capacity": 2}}, {"sku.name", "sku.capacity"}),
        ({"publicNetworkAccess": "Off"}, {"publicNetworkAccess"}),
        ({"publicNetworkAccess": None}, {"publicNetworkAccess"}),
        ({"minimumTlsVersion": "1.0"}, {"minimumTlsVersion"}),
        ({"highAvailability": "On"}, {"highAvailability"}),
        ({"identity": None}, {"identity"}),
        (
            {"identity": {"type": "UserAssigned", "userAssignedIdentities": ["/subscriptions/s/other"]}},
            {"identity.userAssignedIdentities[0]", f"{OWN}.keyEncryptionKeyIdentity.userAssignedIdentityResourceId"},
        ),
        ({"location": "swedencentral"}, {f"{OWN}.keyEncryptionKeyUrl"}),
    ],
)
def test_a_cluster_has_the_settings_of_its_sku(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    cloud = caller("azure-native")
    inputs = given(cluster(*azure_ground(cloud)) | change)
    assert {path for path, _ in cloud.check(CLUSTER, inputs)} == paths


def test_a_cluster_s_key_has_a_version_is_near_and_kept(caller: Callable[[str], Any]) -> None:
    cloud = caller("azure-native")
    user, key = azure_ground(cloud, purge=False)
    path = f"{OWN}.keyEncryptionKeyUrl"
    (problem,) = cloud.check(CLUSTER, cluster(user, key))
    assert problem[0] == path
    assert "no purge protection" in problem[1]
    plain = key.rsplit("/", 1)[0]
    (problem,) = cloud.check(CLUSTER, cluster(user, key, encryption=encryption(user, plain)))
    assert problem[0] == path
    assert "names no version" in problem[1]
    none = {"customerManagedKeyEncryption": {}}
    assert {path for path, _ in cloud.check(CLUSTER, cluster(user, key, encryption=none))} == {
        path,
        f"{OWN}.keyEncryptionKeyIdentity.userAssignedIdentityResourceId",
    }


def test_a_cluster_has_one_database_and_lets_in_whom_its_policy_names(
    caller: Callable[[str], Any], refused: type[Exception]
) -> None:
    cloud = caller("azure-native")
    made, outputs = cloud.create(CLUSTER, cluster(*azure_ground(cloud), sku={"name": "Balanced_B50"}), "cache")
    assert made.endswith("/providers/Microsoft.Cache/redisEnterprise/cell-cache")
    assert outputs["hostName"] == "cell-cache.francecentral.redis.azure.net"
    database: dict[str, Any] = {"databaseName": "default", "clusterName": "cell-cache", "resourceGroupName": "rg"}
    database |= {"port": 10_000, "clientProtocol": "Encrypted", "clusteringPolicy": "EnterpriseCluster"}
    assert cloud.check(DATABASE, database) == []
    for change, paths in (
        ({"databaseName": "cache"}, {"databaseName"}),
        ({"port": 6379}, {"port"}),
        ({"clientProtocol": "TLS"}, {"clientProtocol"}),
        ({"clusteringPolicy": "NoCluster"}, {"clusteringPolicy"}),
        ({"accessKeysAuthentication": "Off"}, {"accessKeysAuthentication"}),
        ({"evictionPolicy": "volatile-lru"}, {"evictionPolicy"}),
        ({"persistence": {"rdbFrequency": "1h"}}, {"persistence.rdbFrequency"}),
        ({"persistence": {"aofEnabled": True, "rdbEnabled": True}}, {"persistence.rdbEnabled"}),
        ({"clusterName": "none"}, {"clusterName"}),
    ):
        assert {path for path, _ in cloud.check(DATABASE, database | change)} == paths, change
    assert list(cloud.diff(DATABASE, database, database | {"clusteringPolicy": "OSSCluster"}).replaces) == [
        "clusteringPolicy"
    ]
    cloud.create(DATABASE, database, "database")
    login = {"accessPolicyAssignmentName": "workloads", "accessPolicyName": "default", "resourceGroupName": "rg"}
    login |= {"clusterName": "cell-cache", "databaseName": "default"}
    login |= {"user": {"objectId": "11111111-2222-3333-4444-555555555555"}}
    assert cloud.check(LOGIN, login) == []
    bad = {"accessPolicyAssignmentName": "the-workloads", "accessPolicyName": "reader", "user": {"objectId": "me"}}
    assert {path for path, _ in cloud.check(LOGIN, login | bad)} == {*bad} - {"user"} | {"user.objectId"}
    assert {path for path, _ in cloud.check(LOGIN, login | {"databaseName": "other"})} == {"databaseName"}
    cloud.create(LOGIN, login, "login")
    with pytest.raises(refused, match="DependencyViolation"):
        cloud.delete(CLUSTER, made, "cache")
    cloud.create(LOCK, {"lockName": "l", "scope": made, "level": "CanNotDelete"}, "lock")
    with pytest.raises(refused, match="ScopeLocked"):
        cloud.delete(CLUSTER, made, "cache")


def test_a_cluster_takes_a_private_endpoint_of_its_own_group(caller: Callable[[str], Any]) -> None:
    cloud = caller("azure-native")
    made, _ = cloud.create(CLUSTER, cluster(*azure_ground(cloud)), "cache")
    inside = {"resourceGroupName": "rg", "location": "francecentral"}
    space = {"addressPrefixes": ["10.72.0.0/16"]}
    cloud.create(
        "azure-native:network:VirtualNetwork", inside | {"virtualNetworkName": "v", "addressSpace": space}, "v"
    )
    named = {"resourceGroupName": "rg", "virtualNetworkName": "v", "subnetName": "e", "addressPrefix": "10.72.0.0/24"}
    subnet, _ = cloud.create(SUBNET, named, "e")

    def endpoint(group: str) -> dict[str, Any]:
        link = {"name": "it", "privateLinkServiceId": made, "groupIds": [group]}
        own = {"privateEndpointName": "cache", "subnet": {"id": subnet}, "privateLinkServiceConnections": [link]}
        return inside | own

    assert cloud.check(ENDPOINT, endpoint("redisEnterprise")) == []
    assert [path for path, _ in cloud.check(ENDPOINT, endpoint("redis"))] == [
        "privateLinkServiceConnections[0].groupIds"
    ]
