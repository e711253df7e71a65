"""What the emulated clouds refuse about keys of disks, lifecycles of stores, and upgrades that nobody asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.rehearsal.providers.test_images_and_secrets import azure_key

if TYPE_CHECKING:
    from collections.abc import Callable

DISKS, LIFECYCLE = "azure-native:compute:DiskEncryptionSet", "azure-native:storage:ManagementPolicy"
ACCOUNT = "azure-native:storage:StorageAccount"
GKE = "gcp:container/cluster:Cluster"


def disks(identity: str, key: str, **more: Any) -> dict[str, Any]:
    return {
        "diskEncryptionSetName": "cell-disks",
        "resourceGroupName": "rg",
        "location": "francecentral",
        "encryptionType": "EncryptionAtRestWithCustomerKey",
        "identity": {"type": "UserAssigned", "userAssignedIdentities": [identity]},
        "activeKey": {"keyUrl": key},
    } | more


def test_disks_are_encrypted_with_a_version_of_a_key_that_is_kept(caller: Callable[[str], Any]) -> None:
    cloud = caller("azure-native")
    identity, _, key = azure_key(cloud)
    version = f"{key}/0123456789abcdef0123456789abcdef"
    assert cloud.check(DISKS, disks(identity, version)) == []
    made, _ = cloud.create(DISKS, disks(identity, version), "disks")
    assert made.endswith("/providers/Microsoft.Compute/diskEncryptionSets/cell-disks")
    for changed, path in (
        ({"activeKey": {"keyUrl": key}}, "activeKey.keyUrl"),
        ({"activeKey": {"keyUrl": "https://none.vault.azure.net/keys/key/1"}}, "activeKey.keyUrl"),
        ({"encryptionType": "None"}, "encryptionType"),
        ({"diskEncryptionSetName": "a b"}, "diskEncryptionSetName"),
    ):
        assert [one for one, _ in cloud.check(DISKS, disks(identity, version) | changed)] == [path]


def test_a_vault_that_can_be_purged_keeps_no_key_of_disks(caller: Callable[[str], Any]) -> None:
    cloud = caller("azure-native")
    identity, _, key = azure_key(cloud, purge=False)
    assert [path for path, _ in cloud.check(DISKS, disks(identity, f"{key}/1"))] == ["activeKey.keyUrl"]


def rule(name: str = "old", **more: Any) -> dict[str, Any]:
    actions = {"version": {"delete": {"daysAfterCreationGreaterThan": 30}}}
    definition = {"actions": actions, "filters": {"blobTypes": ["blockBlob"]}}
    return {"name": name, "type": "Lifecycle", "enabled": True, "definition": definition | more}


@pytest.mark.parametrize(
    ("rules", "paths"),
    [
        ([rule()], []),
        ([rule(), rule()], ["policy.rules[1].name"]),
        ([rule(filters={"blobTypes": ["pageBlob"]})], ["policy.rules[0].definition.filters.blobTypes"]),
        ([rule(actions={})], ["policy.rules[0].definition.actions"]),
    ],
)
def test_a_lifecycle_has_named_rules_that_do_something(
    caller: Callable[[str], Any], rules: list[dict[str, Any]], paths: list[str]
) -> None:
    cloud = caller("azure-native")
    azure_key(cloud)
    account = {"accountName": "cellweights", "resourceGroupName": "rg", "location": "francecentral"}
    cloud.create(ACCOUNT, account | {"kind": "StorageV2", "sku": {"name": "Standard_ZRS"}}, "account")
    policy = {"accountName": "cellweights", "resourceGroupName": "rg", "managementPolicyName": "default"}
    assert [path for path, _ in cloud.check(LIFECYCLE, policy | {"policy": {"rules": rules}})] == paths
    other = policy | {"managementPolicyName": "own", "policy": {"rules": [rule()]}}
    assert [path for path, _ in cloud.check(LIFECYCLE, other)] == ["managementPolicyName"]


@pytest.mark.parametrize(
    ("exclusion", "path"),
    [
        ({"exclusionOptions": {"scope": "NO_MINOR_UPGRADES", "endTimeBehavior": "UNTIL_END_OF_SUPPORT"}}, ""),
        ({"exclusionOptions": {"scope": "NO_MINOR_UPGRADES"}}, "endTime"),
        ({"exclusionOptions": {"scope": "NOTHING"}, "endTime": "2026-02-01T00:00:00Z"}, "exclusionOptions.scope"),
        (
            {"exclusionOptions": {"scope": "NO_UPGRADES", "endTimeBehavior": "UNTIL_END_OF_SUPPORT"}},
            "exclusionOptions.endTimeBehavior",
        ),
    ],
)
def test_an_exclusion_of_upgrades_has_one_end_and_a_known_scope(
    caller: Callable[[str], Any], exclusion: dict[str, Any], path: str
) -> None:
    one = {"exclusionName": "x", "startTime": "2026-01-01T00:00:00Z", **exclusion}
    inputs = {"name": "cell", "releaseChannel": {"channel": "STABLE"}}
    inputs |= {"maintenancePolicy": {"maintenanceExclusions": [one]}}
    wrong = {found for found, _ in caller("gcp").check(GKE, inputs) if found.startswith("maintenancePolicy")}
    assert wrong == ({f"maintenancePolicy.maintenanceExclusions[0].{path}"} if path else set())
