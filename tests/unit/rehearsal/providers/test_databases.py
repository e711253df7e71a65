"""What the emulated clouds refuse about databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rehearsal.providers.wire import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

VPC, SWITCH = "alicloud:vpc/network:Network", "alicloud:vpc/switch:Switch"
ALI_KEY, ROLE = "alicloud:kms/key:Key", "alicloud:ram/role:Role"
RDS, POLICY = "alicloud:rds/instance:Instance", "alicloud:rds/backupPolicy:BackupPolicy"
RDS_DATABASE = "alicloud:rds/database:Database"
NETWORK, ADDRESS = "gcp:compute/network:Network", "gcp:compute/globalAddress:GlobalAddress"
CONNECTION = "gcp:servicenetworking/connection:Connection"
RING, KEY = "gcp:kms/keyRing:KeyRing", "gcp:kms/cryptoKey:CryptoKey"
SQL, SQL_DATABASE = "gcp:sql/databaseInstance:DatabaseInstance", "gcp:sql/database:Database"
USER = "gcp:sql/user:User"
GROUP, VNET = "azure-native:resources:ResourceGroup", "azure-native:network:VirtualNetwork"
SUBNET, ZONE = "azure-native:network:Subnet", "azure-native:privatedns:PrivateZone"
LINK, IDENTITY = "azure-native:privatedns:VirtualNetworkLink", "azure-native:managedidentity:UserAssignedIdentity"
VAULT, VAULT_KEY = "azure-native:keyvault:Vault", "azure-native:keyvault:Key"
SERVER, SETTING = "azure-native:dbforpostgresql:Server", "azure-native:dbforpostgresql:Configuration"
AZURE_DATABASE, LOCK = "azure-native:dbforpostgresql:Database", "azure-native:authorization:ManagementLockByScope"
TRUST = '{"Version": "1", "Statement": [{"Action": "sts:AssumeRole", "Effect": "Allow"}]}'


def given(inputs: dict[str, Any]) -> dict[str, Any]:
    """Without what is None, so that a change may take something away."""
    return {name: value for name, value in inputs.items() if value is not None}


def instance(**more: Any) -> dict[str, Any]:
    hosts = {"type": "hostssl", "database": "all", "user": "all", "address": "10.64.0.0/16", "method": "md5"}
    return {
        "instanceName": "cell-database",
        "engine": "PostgreSQL",
        "engineVersion": "17.0",
        "category": "HighAvailability",
        "instanceType": "pg.n4.2c.2m",
        "instanceStorage": 130,
        "dbInstanceStorageType": "cloud_essd",
        "instanceChargeType": "Postpaid",
        "zoneId": "cn-shanghai-g",
        "zoneIdSlaveA": "cn-shanghai-b",
        "vswitchId": UNKNOWN,
        "encryptionKey": UNKNOWN,
        "roleArn": UNKNOWN,
        "sslAction": "Open",
        "pgHbaConfs": [hosts | {"priorityId": 0}],
        "securityIps": ["10.64.0.0/16"],
    } | more


def host(**more: Any) -> dict[str, Any]:
    row = {"type": "hostssl", "database": "all", "user": "all", "address": "10.64.0.0/16", "method": "md5"}
    return row | {"priorityId": 0} | more


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"engine": "Postgres"}, {"engine"}),
        ({"engine": "MySQL"}, {"engine", "engineVersion"}),
        ({"engineVersion": "17"}, {"engineVersion"}),
        ({"forceEncryption": 1}, {"forceEncryption"}),
        ({"instanceType": "pg.n4.2c.1m"}, {"instanceType"}),
        ({"instanceType": "rds.pg.s1.small"}, {"instanceType"}),
        ({"instanceStorage": 128}, {"instanceStorage"}),
        ({"instanceStorage": 15}, {"instanceStorage"}),
        ({"dbInstanceStorageType": "cloud_essd2"}, {"instanceStorage"}),
        ({"dbInstanceStorageType": "local_ssd"}, {"encryptionKey", "sslAction"}),
        ({"dbInstanceStorageType": "essd"}, {"dbInstanceStorageType"}),
        ({"category": "HA"}, {"category"}),
        ({"zoneIdSlaveA": None}, {"zoneIdSlaveA"}),
        ({"zoneId": "cn-hongkong-b"}, {"zoneId"}),
        ({"zoneIdSlaveA": "cn-shanghai-z"}, {"zoneIdSlaveA"}),
        ({"category": "Basic", "instanceType": "pg.n4.2c.1m"}, {"zoneIdSlaveA"}),
        ({"roleArn": None}, {"roleArn"}),
        ({"encryptionKey": "ServiceKey", "roleArn": None}, set[str]()),
        ({"encryptionKey": "key-of-nobody"}, {"encryptionKey"}),
        ({"roleArn": "acs:ram::1:role/nobody"}, {"roleArn"}),
        ({"vswitchId": "vsw-none,vsw-neither"}, {"vswitchId"}),
        ({"instanceChargeType": "Prepaid"}, {"period"}),
        ({"instanceChargeType": "Prepaid", "period": 1, "deletionProtection": True}, {"deletionProtection"}),
        ({"instanceChargeType": "PayAsYouGo"}, {"instanceChargeType"}),
        ({"sslAction": "Close"}, {"pgHbaConfs[0].type"}),
        ({"sslAction": "On"}, {"sslAction", "pgHbaConfs[0].type"}),
        ({"pgHbaConfs": [host(type="ssl")]}, {"pgHbaConfs[0].type"}),
        ({"pgHbaConfs": [host(method="sha")]}, {"pgHbaConfs[0].method"}),
        ({"pgHbaConfs": [host(), host()]}, {"pgHbaConfs[1].priorityId"}),
        ({"pgHbaConfs": [host(address="everywhere")]}, {"pgHbaConfs[0].address"}),
        ({"securityIps": ["10.64.0.0/33"]}, {"securityIps"}),
        ({"storageAutoScale": "Enable"}, {"storageUpperBound"}),
        ({"storageAutoScale": "On"}, {"storageAutoScale"}),
        ({"maintainTime": "at night"}, {"maintainTime"}),
        ({"instanceName": "http://x"}, {"instanceName"}),
    ],
)
def test_an_instance_has_the_settings_of_its_edition(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    found = caller("alicloud").check(RDS, given(instance(**change)))
    assert {path for path, _ in found} == paths


def ali_ground(cloud: Any) -> dict[str, str]:
    """A VPC with subnets in two zones, a key, and the role that uses it."""
    vpc, _ = cloud.create(VPC, {"vpcName": "vpc", "cidrBlock": "10.64.0.0/16"}, "vpc")
    switch = {"vpcId": vpc, "vswitchName": "sw", "cidrBlock": "10.64.0.0/20", "zoneId": "cn-shanghai-g"}
    near, _ = cloud.create(SWITCH, switch, "near")
    far, _ = cloud.create(SWITCH, switch | {"cidrBlock": "10.64.16.0/20", "zoneId": "cn-shanghai-b"}, "far")
    key, _ = cloud.create(ALI_KEY, {"description": "k"}, "key")
    _, role = cloud.create(ROLE, {"roleName": "database-key", "assumeRolePolicyDocument": TRUST}, "role")
    return {"vpcId": vpc, "near": near, "far": far, "encryptionKey": key, "roleArn": role["arn"]}


def test_an_instance_lies_in_the_subnets_of_its_zones_and_is_kept_while_it_is_protected(
    caller: Callable[[str], Any], refused: type[Exception]
) -> None:
    cloud = caller("alicloud")
    ground = ali_ground(cloud)
    near, far = ground.pop("near"), ground.pop("far")
    wanted = instance(**ground, vswitchId=f"{near},{far}", deletionProtection=True)
    assert cloud.check(RDS, wanted) == []
    (problem,) = cloud.check(RDS, wanted | {"vswitchId": f"{far},{near}"})
    assert problem[0] == "vswitchId"
    assert "the subnets lie in cn-shanghai-b, cn-shanghai-g" in problem[1]
    other, _ = cloud.create(VPC, {"vpcName": "other", "cidrBlock": "10.80.0.0/16"}, "other")
    assert {path for path, _ in cloud.check(RDS, wanted | {"vpcId": other})} == {"vswitchId"}
    made, outputs = cloud.create(RDS, wanted, "database")
    assert made.startswith("pgm-")
    assert (outputs["connectionString"], outputs["port"]) == (f"{made}.pg.rds.aliyuncs.com", "5432")
    with pytest.raises(refused, match="cannot shrink to 100"):
        cloud.update(RDS, made, wanted | {"instanceStorage": 100}, "database")
    with pytest.raises(refused, match="protected"):
        cloud.delete(RDS, made, "database")
    cloud.update(RDS, made, wanted | {"deletionProtection": False, "instanceStorage": 200}, "database")
    cloud.delete(RDS, made, "database")


@pytest.mark.parametrize("change", [{"zoneId": "cn-shanghai-b"}, {"zoneIdSlaveA": "cn-shanghai-e"}, {"engine": "x"}])
def test_another_zone_is_another_instance(caller: Callable[[str], Any], change: dict[str, Any]) -> None:
    known = instance(vswitchId="vsw-a,vsw-b")
    assert list(caller("alicloud").diff(RDS, known, known | change).replaces) == list(change)


def test_backups_are_kept_at_least_a_week_and_their_logs_no_longer_than_they(caller: Callable[[str], Any]) -> None:
    cloud = caller("alicloud")
    ground = ali_ground(cloud)
    subnets = f"{ground.pop('near')},{ground.pop('far')}"
    made, _ = cloud.create(RDS, instance(**ground, vswitchId=subnets), "database")
    policy: dict[str, Any] = {"instanceId": made, "backupRetentionPeriod": 14, "logBackupRetentionPeriod": 14}
    policy |= {"preferredBackupPeriods": ["Monday", "Friday"], "preferredBackupTime": "23:00Z-00:00Z"}
    assert cloud.check(POLICY, policy) == []
    for change, paths in (
        ({"backupRetentionPeriod": 6}, {"backupRetentionPeriod", "logBackupRetentionPeriod"}),
        ({"logBackupRetentionPeriod": 15}, {"logBackupRetentionPeriod"}),
        ({"preferredBackupPeriods": ["Monday"]}, {"preferredBackupPeriods"}),
        ({"preferredBackupPeriods": ["Monday", "Someday"]}, {"preferredBackupPeriods[1]"}),
        ({"preferredBackupTime": "02:30Z-03:30Z"}, {"preferredBackupTime"}),
        ({"instanceId": "pgm-none"}, {"instanceId"}),
    ):
        assert {path for path, _ in cloud.check(POLICY, policy | change)} == paths, change
    database = {"instanceId": made, "dataBaseName": "twain", "characterSet": "UTF8,en_US.utf8,en_US.utf8"}
    assert cloud.check(RDS_DATABASE, database) == []
    assert cloud.create(RDS_DATABASE, database, "twain")[0] == f"{made}:twain"
    bad = {"dataBaseName": "Twain", "characterSet": "utf 8"}
    assert {path for path, _ in cloud.check(RDS_DATABASE, database | bad)} == set(bad)


def sql(network: Any = UNKNOWN, key: Any = UNKNOWN, **settings: Any) -> dict[str, Any]:
    backups = {
        "enabled": True,
        "pointInTimeRecoveryEnabled": True,
        "location": "europe-west4",
        "startTime": "01:00",
        "transactionLogRetentionDays": 7,
        "backupRetentionSettings": {"retainedBackups": 7},
    }
    plain: dict[str, Any] = {
        "tier": "db-custom-2-8192",
        "edition": "ENTERPRISE",
        "availabilityType": "REGIONAL",
        "locationPreference": {"zone": "europe-west4-a", "secondaryZone": "europe-west4-b"},
        "diskType": "PD_SSD",
        "diskSize": 128,
        "ipConfiguration": {"ipv4Enabled": False, "privateNetwork": network, "sslMode": "ENCRYPTED_ONLY"},
        "backupConfiguration": backups | settings.pop("backups", {}),
        "databaseFlags": [{"name": "cloudsql.iam_authentication", "value": "on"}],
    }
    return {
        "name": "cell-database",
        "region": "europe-west4",
        "databaseVersion": "POSTGRES_17",
        "encryptionKeyName": key,
        "deletionProtection": False,
        "settings": given(plain | settings),
    }


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"tier": "db-custom-3-8192"}, {"tier"}),
        ({"tier": "db-custom-2-8000"}, {"tier"}),
        ({"tier": "db-custom-8-4096"}, {"tier"}),
        ({"tier": "db-custom-2-16384"}, {"tier"}),
        ({"tier": "db-standard-2"}, {"tier"}),
        ({"edition": None}, {"tier"}),
        ({"edition": "ENTERPRISE_PLUS", "tier": "db-perf-optimized-N-2"}, set[str]()),
        ({"edition": "PREMIUM"}, {"edition"}),
        ({"availabilityType": "ZONAL"}, {"locationPreference.secondaryZone"}),
        ({"availabilityType": "GLOBAL"}, {"availabilityType", "locationPreference.secondaryZone"}),
        ({"locationPreference": {"zone": "europe-west1-b"}}, {"locationPreference.zone"}),
        (
            {"locationPreference": {"zone": "europe-west4-a", "secondaryZone": "europe-west4-a"}},
            {"locationPreference.secondaryZone"},
        ),
        ({"diskSize": 9}, {"diskSize"}),
        ({"diskType": "PD_BALANCED"}, {"diskType"}),
        ({"ipConfiguration": {"ipv4Enabled": False}}, {"ipConfiguration.privateNetwork"}),
        ({"ipConfiguration": {"ipv4Enabled": True, "sslMode": "REQUIRED"}}, {"ipConfiguration.sslMode"}),
        ({"backups": {"enabled": False}}, {"backupConfiguration.enabled"}),
        ({"backups": {"pointInTimeRecoveryEnabled": False}}, {"backupConfiguration.pointInTimeRecoveryEnabled"}),
        ({"backups": {"transactionLogRetentionDays": 14}}, {"backupConfiguration.transactionLogRetentionDays"}),
        ({"backups": {"location": "europe"}}, {"backupConfiguration.location"}),
        ({"backups": {"startTime": "1:00"}}, {"backupConfiguration.startTime"}),
        ({"backups": {"binaryLogEnabled": True}}, {"backupConfiguration.binaryLogEnabled"}),
        (
            {"backups": {"backupRetentionSettings": {"retainedBackups": 400}}},
            {"backupConfiguration.backupRetentionSettings.retainedBackups"},
        ),
        ({"dataApiAccess": "YES"}, {"dataApiAccess"}),
        ({"userLabels": {"Team": "x"}}, {"userLabels.Team"}),
        (
            {"databaseFlags": [{"name": "cloudsql.iam_authentication", "value": "true"}]},
            {"databaseFlags[0].value"},
        ),
    ],
)
def test_an_instance_of_cloud_sql_has_the_settings_of_its_edition(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    found = caller("gcp").check(SQL, sql(**change))
    assert {path for path, _ in found} == {f"settings.{path}" for path in paths}


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({"databaseVersion": "POSTGRES_19"}, {"databaseVersion"}),
        ({"region": "europe-west99"}, {"region", "settings.locationPreference.zone"}),
        ({"name": "Cell"}, {"name"}),
        ({"deletionPolicy": "KEEP"}, {"deletionPolicy"}),
    ],
)
def test_an_instance_of_cloud_sql_has_a_name_a_version_and_a_region(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    inputs = sql(locationPreference={"zone": "europe-west4-a"}) | change
    assert {path for path, _ in caller("gcp").check(SQL, inputs)} == paths


def gcp_key(cloud: Any, location: str = "europe-west4") -> str:
    ring, _ = cloud.create(RING, {"name": f"ring-{location}", "location": location}, f"ring-{location}")
    return cloud.create(KEY, {"name": "key", "keyRing": ring}, f"key-{location}")[0]


def test_cloud_sql_needs_a_network_joined_to_the_services_and_a_key_of_its_region(
    caller: Callable[[str], Any], refused: type[Exception]
) -> None:
    cloud = caller("gcp")
    network, _ = cloud.create(NETWORK, {"name": "net", "autoCreateSubnetworks": False}, "net")
    key = gcp_key(cloud)
    (problem,) = cloud.check(SQL, sql(network, key))
    assert problem == ("settings.ipConfiguration.privateNetwork", "net is not joined to Google's services")
    reserved = {"name": "services", "purpose": "VPC_PEERING", "addressType": "INTERNAL", "network": network}
    cloud.create(ADDRESS, reserved | {"address": "10.65.128.0", "prefixLength": 20}, "range")
    peering = {"network": network, "service": "servicenetworking.googleapis.com"}
    cloud.create(CONNECTION, peering | {"reservedPeeringRanges": ["services"]}, "peering")
    assert cloud.check(SQL, sql(network, key)) == []
    far = gcp_key(cloud, "europe-west1")
    assert [path for path, _ in cloud.check(SQL, sql(network, far))] == ["encryptionKeyName"]
    made, outputs = cloud.create(SQL, sql(network, key), "database")
    assert outputs["privateIpAddress"].startswith("10.65.129.")
    assert outputs["connectionName"] == "twain-test:europe-west4:cell-database"
    smaller = sql(network, key, diskSize=64)
    with pytest.raises(refused, match="cannot shrink to 64"):
        cloud.update(SQL, made, smaller, "database")
    with pytest.raises(refused, match="DependencyViolation"):
        cloud.delete(KEY, key, "key-europe-west4")


@pytest.mark.parametrize(
    "flags",
    [{"deletionProtection": True}, {"deletionProtection": None}, {"settings": {"deletionProtectionEnabled": True}}],
)
def test_either_flag_keeps_an_instance(
    caller: Callable[[str], Any], refused: type[Exception], flags: dict[str, Any]
) -> None:
    cloud = caller("gcp")
    key = gcp_key(cloud)
    wanted = sql(None, key, ipConfiguration={"ipv4Enabled": True})
    settings = wanted["settings"] | flags.pop("settings", {})
    made, _ = cloud.create(SQL, given(wanted | {"settings": settings} | flags), "database")
    with pytest.raises(refused, match="protected"):
        cloud.delete(SQL, made, "database")
    cloud.update(SQL, made, wanted, "database")
    cloud.delete(SQL, made, "database")


def test_an_identity_logs_in_without_a_password_where_the_instance_lets_identities_in(
    caller: Callable[[str], Any], refused: type[Exception]
) -> None:
    cloud = caller("gcp")
    key = gcp_key(cloud)
    open_ = {"ipv4Enabled": True}
    cloud.create(SQL, sql(None, key, ipConfiguration=open_), "database")
    closed = sql(None, key, ipConfiguration=open_, databaseFlags=None) | {"name": "cell-closed"}
    cloud.create(SQL, closed, "closed")
    user = {"instance": "cell-database", "name": "infer@p.iam", "type": "CLOUD_IAM_SERVICE_ACCOUNT"}
    assert cloud.check(USER, user) == []
    whole = "infer@p.iam.gserviceaccount.com"
    for change, paths in (
        ({"name": whole}, {"name"}),
        ({"password": "x"}, {"password"}),
        ({"host": "10.0.0.1"}, {"host"}),
        ({"type": "BUILT_IN"}, {"password"}),
        ({"type": "IAM"}, {"type"}),
        ({"instance": "cell-closed"}, {"type"}),
        ({"instance": "none"}, {"instance"}),
    ):
        assert {path for path, _ in cloud.check(USER, user | change)} == paths, change
    database = {"instance": "cell-database", "name": "twain", "charset": "UTF8", "collation": "en_US.UTF8"}
    assert cloud.check(SQL_DATABASE, database) == []
    bad = {"charset": "LATIN1", "collation": "C"}
    assert {path for path, _ in cloud.check(SQL_DATABASE, database | bad)} == set(bad)
    made, _ = cloud.create(SQL_DATABASE, database | {"deletionPolicy": "PREVENT"}, "twain")
    with pytest.raises(refused, match="protected"):
        cloud.delete(SQL_DATABASE, made, "twain")


def azure_ground(cloud: Any, *, linked: bool = True) -> dict[str, str]:
    """A delegated subnet and another, a private zone, an identity, the URI of a key."""
    inside = {"resourceGroupName": "rg", "location": "francecentral"}
    cloud.create(GROUP, inside, "rg")
    space = {"addressPrefixes": ["10.72.0.0/16"]}
    vnet, _ = cloud.create(VNET, inside | {"virtualNetworkName": "vnet", "addressSpace": space}, "vnet")
    subnet = {"resourceGroupName": "rg", "virtualNetworkName": "vnet"}
    service = {"name": "database", "serviceName": "Microsoft.DBforPostgreSQL/flexibleServers"}
    own = subnet | {"subnetName": "database", "addressPrefix": "10.72.0.0/24", "delegations": [service]}
    mine, _ = cloud.create(SUBNET, own, "database")
    plain, _ = cloud.create(SUBNET, subnet | {"subnetName": "plain", "addressPrefix": "10.72.1.0/24"}, "plain")
    name = "cell.private.postgres.database.azure.com"
    zone_inputs = {"resourceGroupName": "rg", "location": "Global", "privateZoneName": name}
    zone, _ = cloud.create(ZONE, zone_inputs, "zone")
    link = {"virtualNetworkLinkName": "link", "virtualNetwork": {"id": vnet}, "registrationEnabled": False}
    if linked:
        cloud.create(LINK, zone_inputs | link, "link")
    user, outputs = cloud.create(IDENTITY, inside | {"resourceName": "key-user"}, "user")
    properties: dict[str, Any] = {"tenantId": outputs["tenantId"], "sku": {"family": "A", "name": "premium"}}
    properties |= {"enablePurgeProtection": True}
    cloud.create(VAULT, inside | {"vaultName": "cell-kv", "properties": properties}, "vault")
    key = {"keyName": "key", "vaultName": "cell-kv", "resourceGroupName": "rg", "properties": {"kty": "RSA"}}
    uri = cloud.create(VAULT_KEY, key, "key")[1]["keyUri"]
    return {"subnet": mine, "plain": plain, "zone": zone, "user": user, "key": uri}


def server(ground: dict[str, str], **more: Any) -> dict[str, Any]:
    subnet = {"delegatedSubnetResourceId": ground["subnet"], "privateDnsZoneArmResourceId": ground["zone"]}
    return {
        "serverName": "cell-database",
        "resourceGroupName": "rg",
        "location": "francecentral",
        "createMode": "Create",
        "version": "17",
        "sku": {"name": "Standard_D2ds_v5", "tier": "GeneralPurpose"},
        "storage": {"type": "Premium_LRS", "storageSizeGB": 128, "autoGrow": "Disabled"},
        "availabilityZone": "1",
        "highAvailability": {"mode": "ZoneRedundant", "standbyAvailabilityZone": "2"},
        "network": subnet | {"publicNetworkAccess": "Disabled"},
        "authConfig": {"activeDirectoryAuth": "Enabled", "passwordAuth": "Disabled", "tenantId": "t"},
        "backup": {"backupRetentionDays": 7, "geoRedundantBackup": "Disabled"},
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {ground["user"]: {}}},
        "dataEncryption": {
            "type": "AzureKeyVault",
            "primaryKeyURI": ground["key"],
            "primaryUserAssignedIdentityId": ground["user"],
        },
    } | more


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"serverName": "Cell"}, {"serverName"}),
        ({"serverName": "ab"}, {"serverName"}),
        ({"version": "19"}, {"version"}),
        ({"location": "mars"}, {"location", "dataEncryption.primaryKeyURI"}),
        ({"location": "swedencentral"}, {"dataEncryption.primaryKeyURI"}),
        ({"sku": {"name": "Standard_D2ds_v5", "tier": "MemoryOptimized"}}, {"sku.name"}),
        ({"sku": {"name": "Standard_B2s", "tier": "Burstable"}}, {"highAvailability.mode"}),
        ({"storage": {"storageSizeGB": 100}}, {"storage.storageSizeGB"}),
        ({"availabilityZone": "4"}, {"availabilityZone"}),
        ({"availabilityZone": "2"}, {"highAvailability.standbyAvailabilityZone"}),
        ({"highAvailability": {"mode": "Zonal"}}, {"highAvailability.mode"}),
        (
            {"highAvailability": {"mode": "SameZone", "standbyAvailabilityZone": "2"}},
            {"highAvailability.standbyAvailabilityZone"},
        ),
        ({"backup": {"backupRetentionDays": 6}}, {"backup.backupRetentionDays"}),
        ({"backup": {"geoRedundantBackup": "On"}}, {"backup.geoRedundantBackup"}),
        (
            {"authConfig": {"activeDirectoryAuth": "Enabled", "passwordAuth": "Disabled"}},
            {"authConfig.tenantId"},
        ),
        (
            {"authConfig": {"activeDirectoryAuth": "Disabled", "passwordAuth": "Disabled"}},
            {"authConfig.activeDirectoryAuth"},
        ),
        ({"authConfig": None}, {"administratorLogin", "administratorLoginPassword"}),
        ({"identity": None}, {"identity"}),
        (
            {"dataEncryption": {"type": "AzureKeyVault"}},
            {"dataEncryption.primaryKeyURI", "dataEncryption.primaryUserAssignedIdentityId"},
        ),
        ({"maintenanceWindow": {"dayOfWeek": 7, "startHour": 24}}, {"maintenanceWindow.dayOfWeek"}
         | {"maintenanceWindow.startHour"}),
    ],
)  # fmt: skip
def test_a_server_has_the_settings_of_its_tier(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    cloud = caller("azure-native")
    inputs = given(server(azure_ground(cloud)) | change)
    assert {path for path, _ in cloud.check(SERVER, inputs)} == paths


def test_a_server_lies_in_a_subnet_that_is_delegated_to_it_and_has_a_private_name(
    caller: Callable[[str], Any], refused: type[Exception]
) -> None:
    cloud = caller("azure-native")
    ground = azure_ground(cloud)
    wanted = server(ground)
    network = wanted["network"]
    for change, paths in (
        ({"delegatedSubnetResourceId": ground["plain"]}, {"network.delegatedSubnetResourceId"}),
        ({"delegatedSubnetResourceId": f"{ground['subnet']}x"}, {"network.delegatedSubnetResourceId"}),
        ({"publicNetworkAccess": "Enabled"}, {"network.publicNetworkAccess"}),
        ({"privateDnsZoneArmResourceId": None}, {"network.privateDnsZoneArmResourceId"}),
        ({"delegatedSubnetResourceId": None}, {"network.delegatedSubnetResourceId"}),
    ):
        changed = wanted | {"network": given(network | change)}
        assert {path for path, _ in cloud.check(SERVER, changed)} == paths, change
    made, outputs = cloud.create(SERVER, wanted, "database")
    assert made.endswith("/providers/Microsoft.DBforPostgreSQL/flexibleServers/cell-database")
    assert outputs["fullyQualifiedDomainName"] == "cell-database.postgres.database.azure.com"
    assert list(outputs["identity"]["userAssignedIdentities"]) == [ground["user"]]
    storage = {"type": "Premium_LRS", "storageSizeGB": 64}
    with pytest.raises(refused, match="cannot shrink to 64"):
        cloud.update(SERVER, made, wanted | {"storage": storage}, "database")
    with pytest.raises(refused, match="DependencyViolation"):
        cloud.delete(SUBNET, ground["subnet"], "database")
    cloud.create(LOCK, {"lockName": "l", "scope": made, "level": "CanNotDelete"}, "lock")
    with pytest.raises(refused, match="ScopeLocked"):
        cloud.delete(SERVER, made, "database")


def test_a_private_zone_is_linked_before_a_server_takes_its_name_from_it(caller: Callable[[str], Any]) -> None:
    cloud = caller("azure-native")
    ground = azure_ground(cloud, linked=False)
    (problem,) = cloud.check(SERVER, server(ground))
    assert problem[0] == "network.privateDnsZoneArmResourceId"
    assert "not linked" in problem[1]
    (named, _linked) = cloud.check(SERVER, server(ground, serverName="cell.private"))[:2]
    assert named[0] in {"network.privateDnsZoneArmResourceId", "serverName"}
    other = {"resourceGroupName": "rg", "location": "Global", "privateZoneName": "cell.example.com"}
    elsewhere, _ = cloud.create(ZONE, other, "elsewhere")
    found = cloud.check(SERVER, server(ground | {"zone": elsewhere}))
    assert "does not end in .postgres.database.azure.com" in found[0][1]


def test_a_setting_is_one_that_the_server_has_and_stays_as_it_was_set(caller: Callable[[str], Any]) -> None:
    cloud = caller("azure-native")
    cloud.create(SERVER, server(azure_ground(cloud)), "database")
    setting = {"serverName": "cell-database", "resourceGroupName": "rg", "source": "user-override"}
    tls = setting | {"configurationName": "require_secure_transport", "value": "on"}
    assert cloud.check(SETTING, tls) == []
    assert {path for path, _ in cloud.check(SETTING, tls | {"value": "true"})} == {"value"}
    assert {path for path, _ in cloud.check(SETTING, tls | {"configurationName": "ssl"})} == {"configurationName"}
    assert {path for path, _ in cloud.check(SETTING, tls | {"serverName": "none"})} == {"serverName"}
    assert {path for path, _ in cloud.check(SETTING, given(tls | {"source": None, "value": None}))} == {
        "source",
        "value",
    }
    made, _ = cloud.create(SETTING, tls, "tls")
    cloud.delete(SETTING, made, "tls")
    database = {"databaseName": "twain", "serverName": "cell-database", "resourceGroupName": "rg"}
    assert cloud.check(AZURE_DATABASE, database | {"charset": "UTF8", "collation": "en_US.utf8"}) == []
    bad = {"databaseName": "1st", "charset": "8", "collation": "?"}
    assert {path for path, _ in cloud.check(AZURE_DATABASE, database | bad)} == set(bad)
