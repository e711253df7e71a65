"""One body over three clouds: what the database and the cache of a cell promise."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from components.network.plan import AddressPlan
from components.spec.load import load_fleet
from tests.contract.cells import CELLS, FLEET, MAISONS, Infra, Made
from tests.contract.cells import spec as declared
from tests.contract.test_cell import CACHES, DATABASES, key_that_encrypts

if TYPE_CHECKING:
    from pathlib import Path

GCP_NETWORK = "gcp:compute/network:Network"
SETTING = "azure-native:dbforpostgresql:Configuration"


def test_the_database_stands_in_two_zones_is_private_and_takes_encrypted_connections_only(
    cell: Made, cloud: str
) -> None:
    recorder = cell[0]
    inputs = recorder.one(DATABASES[cloud]).said
    plan = AddressPlan.of(load_fleet(FLEET).cell(CELLS[cloud]).cidr)
    if cloud == "alicloud":
        zones = [inputs["zoneId"], inputs["zoneIdSlaveA"]]
        assert inputs["category"] == "HighAvailability"
        # A subnet in each of the zones, in their order.
        switches = {one.id: one.said for one in recorder.of("alicloud:vpc/switch:Switch")}
        assert [switches[one]["zoneId"] for one in inputs["vswitchId"].split(",")] == zones
        assert (inputs["sslAction"], inputs["instanceChargeType"]) == ("Open", "Postpaid")
        assert {row["type"] for row in inputs["pgHbaConfs"]} == {"hostssl"}
        assert [row["address"] for row in inputs["pgHbaConfs"]] == inputs["securityIps"] == [plan.nodes, plan.pods]
        assert inputs["encryptionKey"] == key_that_encrypts(recorder, cloud).id
    elif cloud == "gcp":
        settings = inputs["settings"]
        zones = [settings["locationPreference"]["zone"], settings["locationPreference"]["secondaryZone"]]
        assert settings["availabilityType"] == "REGIONAL"
        address = settings["ipConfiguration"]
        assert (address["ipv4Enabled"], address["sslMode"]) == (False, "ENCRYPTED_ONLY")
        assert address["privateNetwork"] == recorder.one(GCP_NETWORK).id
        assert inputs["encryptionKeyName"] == key_that_encrypts(recorder, cloud).id
    else:
        zones = [inputs["availabilityZone"], inputs["highAvailability"]["standbyAvailabilityZone"]]
        assert inputs["highAvailability"]["mode"] == "ZoneRedundant"
        assert inputs["network"]["publicNetworkAccess"] == "Disabled"
        assert inputs["network"]["delegatedSubnetResourceId"] in {
            one.id for one in recorder.of("azure-native:network:Subnet") if one.inputs["subnetName"] == "database"
        }
        wanted = {one.inputs["configurationName"]: one.inputs["value"] for one in recorder.of(SETTING)}
        assert wanted["require_secure_transport"] == "on"
        assert wanted["ssl_min_protocol_version"] == "TLSv1.2"
        # Without a version, so that a rotated key is taken up.
        key = inputs["dataEncryption"]["primaryKeyURI"]
        assert re.fullmatch(r"https://[a-z0-9-]+\.vault\.azure\.net/keys/[a-z0-9-]+", key)
        assert list(inputs["identity"]["userAssignedIdentities"]) == [
            inputs["dataEncryption"]["primaryUserAssignedIdentityId"]
        ]
    assert len(set(zones)) == 2


def test_nobody_logs_in_to_the_database_with_a_password_of_the_program(cell: Made, cloud: str) -> None:
    recorder, outputs = cell
    text = json.dumps([row for row in recorder.graph() if "database" in row[1]])
    assert not re.search(r'"[a-zA-Z]*password[a-zA-Z]*": "(?!Disabled)', text, re.IGNORECASE)
    if cloud == "alicloud":
        assert not recorder.of("alicloud:rds/rdsAccount:RdsAccount")
        assert not recorder.of("alicloud:rds/account:Account")
    if cloud == "gcp":
        users = [user.inputs for user in recorder.of("gcp:sql/user:User")]
        assert {user["type"] for user in users} == {"CLOUD_IAM_SERVICE_ACCOUNT"}
        assert sorted(user["name"] for user in users) == sorted(outputs["database"]["users"].values())
        assert all(user["name"].endswith(".iam") for user in users)
        grants = [
            one.inputs
            for one in recorder.of("gcp:projects/iAMMember:IAMMember")
            if one.inputs["role"] == "roles/cloudsql.instanceUser"
        ]
        assert len({grant["member"] for grant in grants}) == len(users) == len(MAISONS)
        name = recorder.one(DATABASES[cloud]).inputs["name"]
        assert all(f"/instances/{name}" in grant["condition"]["expression"] for grant in grants)
    if cloud == "azure":
        login = recorder.one(DATABASES[cloud]).inputs["authConfig"]
        assert (login["passwordAuth"], login["activeDirectoryAuth"]) == ("Disabled", "Enabled")
        assert login["tenantId"]
    assert set(outputs["database"]["users"]) == (MAISONS if cloud == "gcp" else set())


@pytest.mark.parametrize("days", [7, 20])
def test_the_database_is_of_the_size_and_keeps_its_backups_as_the_fleet_says(
    cloud: str, tmp_path: Path, days: int, infra: Infra
) -> None:
    path = tmp_path / "fleet.yaml"
    wanted = f'    database: {{size: db-4, storage_gib: 256, version: "16", backup_days: {days}}}\n    protect:'
    path.write_text(FLEET.read_text(encoding="utf-8").replace("    protect:", wanted), encoding="utf-8")
    recorder, _ = infra(cloud, path)
    inputs = recorder.one(DATABASES[cloud]).said
    if cloud == "alicloud":
        # Disks come in steps of five.
        size = (inputs["instanceType"], inputs["instanceStorage"], inputs["engineVersion"])
        assert size == ("pg.n4.4c.2m", 260, "16.0")
        policy = recorder.one("alicloud:rds/backupPolicy:BackupPolicy").inputs
        assert (policy["backupRetentionPeriod"], policy["logBackupRetentionPeriod"]) == (days, days)
        assert len(policy["preferredBackupPeriods"]) == 7
    elif cloud == "gcp":
        settings = inputs["settings"]
        size = (settings["tier"], settings["diskSize"], inputs["databaseVersion"])
        assert size == ("db-custom-4-16384", 256, "POSTGRES_16")
        backups = settings["backupConfiguration"]
        assert backups["backupRetentionSettings"]["retainedBackups"] == days
        assert (backups["pointInTimeRecoveryEnabled"], backups["transactionLogRetentionDays"]) == (True, 7)
        assert backups["location"] == declared(cloud).cell.region
    else:
        size = (inputs["sku"]["name"], inputs["storage"]["storageSizeGB"], inputs["version"])
        assert size == ("Standard_D4ds_v5", 256, "16")
        assert inputs["backup"] == {"backupRetentionDays": days, "geoRedundantBackup": "Disabled"}


def test_the_cache_has_a_replica_is_private_and_asks_for_tls_and_a_login(cell: Made, cloud: str) -> None:
    recorder = cell[0]
    inputs = recorder.one(CACHES[cloud]).said
    if cloud == "alicloud":
        # Left out, the service would sell months in advance.
        assert inputs["paymentType"] == "PayAsYouGo"
        assert (inputs["sslEnabled"], inputs["vpcAuthMode"], inputs["nodeType"]) == ("Enable", "Open", "MASTER_SLAVE")
        assert inputs["zoneId"] != inputs["secondaryZoneId"]
        plan = AddressPlan.of(load_fleet(FLEET).cell(CELLS[cloud]).cidr)
        assert inputs["securityIps"] == f"{plan.nodes},{plan.pods}"
    elif cloud == "gcp":
        modes = (inputs["transitEncryptionMode"], inputs["authorizationMode"], inputs["replicaCount"])
        assert modes == ("SERVER_AUTHENTICATION", "IAM_AUTH", 1)
        assert inputs["zoneDistributionConfig"] == {"mode": "MULTI_ZONE"}
        assert inputs["kmsKey"] == key_that_encrypts(recorder, cloud).id
        (endpoint,) = inputs["desiredAutoCreatedEndpoints"]
        assert endpoint["network"] == recorder.one(GCP_NETWORK).id
    else:
        assert (inputs["publicNetworkAccess"], inputs["highAvailability"]) == ("Disabled", "Enabled")
        assert inputs["minimumTlsVersion"] == "1.2"
        # With a version: the service takes no key without one.
        key = inputs["encryption"]["customerManagedKeyEncryption"]["keyEncryptionKeyUrl"]
        assert re.fullmatch(r"https://[a-z0-9-]+\.vault\.azure\.net/keys/[a-z0-9-]+/[0-9a-f]{32}", key)
        database = recorder.one("azure-native:redisenterprise:Database").inputs
        assert (database["clientProtocol"], database["accessKeysAuthentication"]) == ("Encrypted", "Disabled")


def test_the_workloads_and_nobody_else_log_in_to_the_cache_and_without_a_password_of_the_program(
    cell: Made, cloud: str
) -> None:
    recorder, outputs = cell
    users = outputs["cache"]["users"]
    assert set(users) == (set() if cloud == "alicloud" else MAISONS)
    if cloud == "alicloud":
        assert "password" not in recorder.one(CACHES[cloud]).inputs
    if cloud == "gcp":
        grants = [
            one.inputs
            for one in recorder.of("gcp:projects/iAMMember:IAMMember")
            if one.inputs["role"] == "roles/memorystore.dbConnectionUser"
        ]
        assert len({grant["member"] for grant in grants}) == len(grants) == len(MAISONS)
        instance = recorder.one(CACHES[cloud])
        place = f'/locations/{declared(cloud).cell.region}/instances/{instance.inputs["instanceId"]}"'
        assert all(grant["condition"]["expression"].endswith(place) for grant in grants)
        assert set(users.values()) == {"default"}
        # The endpoint that takes writes, not the readers'.
        writing = [
            one["pscAutoConnection"]["ipAddress"]
            for endpoint in instance.outputs["endpoints"]
            for one in endpoint["connections"]
            if one["pscAutoConnection"]["connectionType"] == "CONNECTION_TYPE_PRIMARY"
        ]
        assert writing == [outputs["cache"]["host"]]
    if cloud == "azure":
        logins = [one.inputs for one in recorder.of("azure-native:redisenterprise:AccessPolicyAssignment")]
        assert {login["databaseName"] for login in logins} == {"default"}
        assert sorted(login["user"]["objectId"] for login in logins) == sorted(users.values())
        assert len(set(users.values())) == len(MAISONS)


@pytest.mark.parametrize(
    ("size", "classes"),
    [
        ("cache-8", {"alicloud": "tair.rdb.8g", "gcp": "HIGHMEM_MEDIUM", "azure": "Balanced_B10"}),
        ("cache-32", {"alicloud": "tair.rdb.32g", "gcp": "HIGHMEM_XLARGE", "azure": "Balanced_B50"}),
    ],
)
def test_the_cache_is_of_the_size_that_the_fleet_says(
    cloud: str, tmp_path: Path, size: str, classes: dict[str, str], infra: Infra
) -> None:
    path = tmp_path / "fleet.yaml"
    wanted = f"    cache: {{size: {size}}}\n    protect:"
    path.write_text(FLEET.read_text(encoding="utf-8").replace("    protect:", wanted), encoding="utf-8")
    inputs = infra(cloud, path)[0].one(CACHES[cloud]).said
    found = {"alicloud": inputs.get("instanceClass"), "gcp": inputs.get("nodeType"), "azure": inputs.get("sku")}[cloud]
    assert found == ({"name": classes[cloud]} if cloud == "azure" else classes[cloud])
