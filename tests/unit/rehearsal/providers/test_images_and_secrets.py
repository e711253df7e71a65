"""What the emulated clouds refuse about registries and about the secrets of workloads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

VPC, SWITCH = "alicloud:vpc/network:Network", "alicloud:vpc/switch:Switch"
ACR = "alicloud:cr/registryEnterpriseInstance:RegistryEnterpriseInstance"
NAMESPACE = "alicloud:cs/registryEnterpriseNamespace:RegistryEnterpriseNamespace"
LINK = "alicloud:cr/vpcEndpointLinkedVpc:VpcEndpointLinkedVpc"
RING, KEY = "gcp:kms/keyRing:KeyRing", "gcp:kms/cryptoKey:CryptoKey"
REPOSITORY = "gcp:artifactregistry/repository:Repository"
REPOSITORY_MEMBER = "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember"
SECRET = "gcp:secretmanager/regionalSecret:RegionalSecret"
SECRET_MEMBER = "gcp:secretmanager/regionalSecretIamMember:RegionalSecretIamMember"
GROUP, IDENTITY = "azure-native:resources:ResourceGroup", "azure-native:managedidentity:UserAssignedIdentity"
VAULT, VAULT_KEY = "azure-native:keyvault:Vault", "azure-native:keyvault:Key"
REGISTRY = "azure-native:containerregistry:Registry"


def instance(**more: Any) -> dict[str, Any]:
    return {
        "instanceName": "cell-cr",
        "instanceType": "Basic",
        "paymentType": "Subscription",
        "period": 12,
        "renewalStatus": "ManualRenewal",
    } | more


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"paymentType": "PayAsYouGo"}, {"paymentType"}),
        ({"period": None}, {"period"}),
        ({"period": 1}, {"period"}),
        ({"period": 24}, set[str]()),
        ({"renewalStatus": "AutoRenewal"}, {"renewPeriod"}),
        ({"renewalStatus": "AutoRenewal", "renewPeriod": 12}, set[str]()),
        ({"renewalStatus": "Never"}, {"renewalStatus"}),
        ({"instanceType": "Premium", "imageScanner": "Trivy"}, {"instanceType", "imageScanner"}),
        ({"namespaceQuota": 7, "repoQuota": 500}, {"namespaceQuota", "repoQuota"}),
        ({"defaultOssBucket": "false"}, {"customOssBucket"}),
        ({"defaultOssBucket": "true", "customOssBucket": "mine"}, {"customOssBucket"}),
        ({"instanceName": "Cell"}, {"instanceName"}),
        ({"instanceName": "c" * 31}, {"instanceName"}),
        ({"instanceName": None}, {"instanceName"}),
    ],
)
def test_an_instance_is_sold_in_advance_and_in_whole_steps(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    inputs = {name: value for name, value in instance(**change).items() if value is not None}
    assert {path for path, _ in caller("alicloud").check(ACR, inputs)} == paths


@pytest.mark.parametrize(
    "change", [{"renewalStatus": "AutoRenewal"}, {"renewPeriod": 12}, {"instanceName": "other-cr"}]
)
def test_another_renewal_is_another_instance(caller: Callable[[str], Any], change: dict[str, Any]) -> None:
    diff = caller("alicloud").diff(ACR, instance(), instance(**change))
    assert list(diff.replaces) == list(change)


def test_an_instance_holds_as_many_namespaces_as_were_bought(
    caller: Callable[[str], Any], refused: type[Exception]
) -> None:
    cloud = caller("alicloud")
    registry, outputs = cloud.create(ACR, instance(namespaceQuota=5), "registry")
    assert registry.startswith("cri-")
    assert [one["enable"] for one in outputs["instanceEndpoints"]] == [False]
    for number in range(20):
        one = {"instanceId": registry, "name": f"maison-{number}", "defaultVisibility": "PRIVATE"}
        assert cloud.create(NAMESPACE, one, f"n{number}")[0] == f"{registry}:maison-{number}"
    more = {"instanceId": registry, "name": "maison-20", "defaultVisibility": "PRIVATE"}
    with pytest.raises(refused, match="holds 20 namespaces"):
        cloud.create(NAMESPACE, more, "n20")
    # The last one is still itself when it is changed.
    cloud.update(NAMESPACE, f"{registry}:maison-19", more | {"name": "maison-19", "autoCreate": True}, "n19")
    cloud.delete(NAMESPACE, f"{registry}:maison-0", "n0")
    assert cloud.create(NAMESPACE, more, "n20")[0] == f"{registry}:maison-20"
    with pytest.raises(refused, match="DependencyViolation"):
        cloud.delete(ACR, registry, "registry")


def test_a_namespace_lies_in_an_instance_and_is_public_or_private(caller: Callable[[str], Any]) -> None:
    cloud = caller("alicloud")
    bad = {"instanceId": "cri-none", "name": "-x", "defaultVisibility": "SHARED"}
    assert {path for path, _ in cloud.check(NAMESPACE, bad)} == set(bad)


def test_a_registry_is_linked_to_a_network_by_a_subnet_of_it(
    caller: Callable[[str], Any], refused: type[Exception]
) -> None:
    cloud = caller("alicloud")
    registry, _ = cloud.create(ACR, instance(), "registry")
    mine, _ = cloud.create(VPC, {"vpcName": "vpc", "cidrBlock": "10.64.0.0/16"}, "vpc")
    other, _ = cloud.create(VPC, {"vpcName": "other", "cidrBlock": "10.80.0.0/16"}, "other")
    subnet = {"vpcId": mine, "vswitchName": "sw", "cidrBlock": "10.64.0.0/20", "zoneId": "cn-shanghai-g"}
    switch, _ = cloud.create(SWITCH, subnet, "switch")
    link = {"instanceId": registry, "moduleName": "Registry", "vpcId": mine, "vswitchId": switch}
    assert cloud.check(LINK, link) == []
    assert [path for path, _ in cloud.check(LINK, link | {"vpcId": other})] == ["vswitchId"]
    wrong = {"instanceId": "cri-none", "moduleName": "Images", "vpcId": "vpc-none", "vswitchId": "vsw-none"}
    assert {path for path, _ in cloud.check(LINK, wrong)} == set(wrong)
    assert cloud.create(LINK, link, "link")[0] == f"{registry}:{mine}:{switch}:Registry"
    with pytest.raises(refused, match="DependencyViolation"):
        cloud.delete(SWITCH, switch, "switch")


def gcp_key(cloud: Any, location: str = "europe-west4") -> str:
    ring, _ = cloud.create(RING, {"name": f"ring-{location}", "location": location}, f"ring-{location}")
    return cloud.create(KEY, {"name": "key", "keyRing": ring}, f"key-{location}")[0]


def repository(key: str, **more: Any) -> dict[str, Any]:
    return {
        "repositoryId": "cell-images",
        "location": "europe-west4",
        "format": "DOCKER",
        "mode": "STANDARD_REPOSITORY",
        "kmsKeyName": key,
        "dockerConfig": {"immutableTags": True},
    } | more


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"location": None}, {"location"}),
        ({"location": "europe-west4-a"}, {"location", "kmsKeyName"}),
        ({"location": "europe"}, {"kmsKeyName"}),
        ({"format": "OCI"}, {"format", "dockerConfig"}),
        ({"format": "PYTHON"}, {"dockerConfig"}),
        ({"mode": "REMOTE_REPOSITORY"}, {"remoteRepositoryConfig"}),
        ({"remoteRepositoryConfig": {"description": "hub"}}, {"remoteRepositoryConfig"}),
        ({"mode": "VIRTUAL_REPOSITORY"}, {"virtualRepositoryConfig"}),
        ({"vulnerabilityScanningConfig": {"enablementConfig": "ON"}}, {"vulnerabilityScanningConfig.enablementConfig"}),
        ({"deletionPolicy": "KEEP"}, {"deletionPolicy"}),
        ({"repositoryId": "Images"}, {"repositoryId"}),
        ({"kmsKeyName": "projects/p/locations/europe-west4/keyRings/r/cryptoKeys/none"}, {"kmsKeyName"}),
    ],
)
def test_a_repository_has_the_settings_of_its_mode_and_a_key_of_its_region(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    cloud = caller("gcp")
    inputs = {name: value for name, value in repository(gcp_key(cloud), **change).items() if value is not None}
    assert {path for path, _ in cloud.check(REPOSITORY, inputs)} == paths


def test_a_repository_tells_its_address_and_is_kept_while_it_is_protected(
    caller: Callable[[str], Any], refused: type[Exception]
) -> None:
    cloud = caller("gcp")
    key = gcp_key(cloud)
    made, outputs = cloud.create(REPOSITORY, repository(key, deletionPolicy="PREVENT"), "images")
    assert made == "projects/twain-test/locations/europe-west4/repositories/cell-images"
    assert outputs["registryUri"] == "europe-west4-docker.pkg.dev/twain-test/cell-images"
    grant = {"repository": made, "role": "roles/artifactregistry.reader", "member": "serviceAccount:n@p.example"}
    assert cloud.check(REPOSITORY_MEMBER, grant) == []
    assert [path for path, _ in cloud.check(REPOSITORY_MEMBER, grant | {"repository": f"{made}-none"})] == [
        "repository"
    ]
    assert [path for path, _ in cloud.check(REPOSITORY_MEMBER, grant | {"member": "nodes"})] == ["member"]
    with pytest.raises(refused, match="protected"):
        cloud.delete(REPOSITORY, made, "images")
    cloud.update(REPOSITORY, made, repository(key, deletionPolicy="DELETE"), "images")
    cloud.delete(REPOSITORY, made, "images")
    assert list(cloud.diff(REPOSITORY, repository(key), repository("other")).replaces) == ["kmsKeyName"]


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"location": "europe"}, {"location", "customerManagedEncryption.kmsKeyName"}),
        ({"location": "europe-west1"}, {"customerManagedEncryption.kmsKeyName"}),
        ({"versionDestroyTtl": "3600s"}, {"versionDestroyTtl"}),
        ({"versionDestroyTtl": "7d"}, {"versionDestroyTtl"}),
        ({"ttl": "90000s", "expireTime": "2030-01-01T00:00:00Z"}, {"expireTime"}),
        ({"rotation": {"rotationPeriod": "3600s"}}, {"topics"}),
        ({"secretId": "a.b"}, {"secretId"}),
    ],
)
def test_a_regional_secret_lies_in_one_region_with_its_key(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    cloud = caller("gcp")
    secret = {"secretId": "cell-aurelia", "location": "europe-west4", "versionDestroyTtl": "604800s"}
    secret |= {"customerManagedEncryption": {"kmsKeyName": gcp_key(cloud)}}
    assert {path for path, _ in cloud.check(SECRET, secret | change)} == paths


def test_a_protected_secret_is_kept_and_its_readers_name_one_that_is_there(
    caller: Callable[[str], Any], refused: type[Exception]
) -> None:
    cloud = caller("gcp")
    secret = {"secretId": "cell-aurelia", "location": "europe-west4", "deletionProtection": True}
    made, _ = cloud.create(SECRET, secret, "secret")
    assert made == "projects/twain-test/locations/europe-west4/secrets/cell-aurelia"
    grant = {"secretId": made, "location": "europe-west4", "role": "roles/secretmanager.secretAccessor"}
    grant |= {"member": "serviceAccount:infer@p.example"}
    assert cloud.check(SECRET_MEMBER, grant) == []
    assert [path for path, _ in cloud.check(SECRET_MEMBER, grant | {"secretId": "none"})] == ["secretId"]
    with pytest.raises(refused, match="protected"):
        cloud.delete(SECRET, made, "secret")


def azure_key(cloud: Any, *, location: str = "francecentral", purge: bool = True) -> tuple[str, str, str]:
    """An identity's id and client id, and the URI of a key."""
    cloud.create(GROUP, {"resourceGroupName": "rg", "location": "francecentral"}, "group")
    user = {"resourceName": "key-user", "resourceGroupName": "rg", "location": "francecentral"}
    identity, outputs = cloud.create(IDENTITY, user, "user")
    properties: dict[str, Any] = {"tenantId": outputs["tenantId"], "sku": {"family": "A", "name": "premium"}}
    properties |= {"enablePurgeProtection": True} if purge else {}
    vault = {"vaultName": "cell-kv", "resourceGroupName": "rg", "location": location, "properties": properties}
    cloud.create(VAULT, vault, "vault")
    key = {"keyName": "key", "vaultName": "cell-kv", "resourceGroupName": "rg", "properties": {"kty": "RSA"}}
    return identity, outputs["clientId"], cloud.create(VAULT_KEY, key, "key")[1]["keyUri"]


def registry(identity: str, client: str, key: str, **more: Any) -> dict[str, Any]:
    return {
        "registryName": "cellcr",
        "resourceGroupName": "rg",
        "location": "francecentral",
        "sku": {"name": "Premium"},
        "publicNetworkAccess": "Disabled",
        "dataEndpointEnabled": True,
        "zoneRedundancy": "Enabled",
        "policies": {"exportPolicy": {"status": "disabled"}},
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}},
        "encryption": {"status": "enabled", "keyVaultProperties": {"identity": client, "keyIdentifier": key}},
    } | more


def test_a_registry_answers_with_its_names_and_its_identity(caller: Callable[[str], Any]) -> None:
    cloud = caller("azure-native")
    identity, client, key = azure_key(cloud)
    assert cloud.check(REGISTRY, registry(identity, client, key)) == []
    made, outputs = cloud.create(REGISTRY, registry(identity, client, key), "registry")
    assert made.endswith("/providers/Microsoft.ContainerRegistry/registries/cellcr")
    assert outputs["loginServer"] == "cellcr.azurecr.io"
    assert outputs["dataEndpointHostNames"] == ["cellcr.francecentral.data.azurecr.io"]
    assert outputs["identity"]["userAssignedIdentities"][identity]["clientId"] == client


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({"sku": {"name": "Standard"}}, {"publicNetworkAccess", "zoneRedundancy", "dataEndpointEnabled"}
         | {"encryption.status", "policies.exportPolicy.status"}),
        ({"publicNetworkAccess": "Enabled"}, {"policies.exportPolicy.status"}),
        ({"sku": {"name": "Deluxe"}, "zoneRedundancy": "On"}, {"sku.name", "zoneRedundancy"}),
        ({"networkRuleBypassOptions": "All"}, {"networkRuleBypassOptions"}),
        ({"identity": None}, {"identity"}),
        ({"encryption": {"status": "enabled"}},
         {"encryption.keyVaultProperties.identity", "encryption.keyVaultProperties.keyIdentifier"}),
        ({"policies": {"trustPolicy": {"status": "enabled"}}}, {"policies.trustPolicy.status"}),
        ({"registryName": "cell-cr"}, {"registryName"}),
        ({"registryName": "cr"}, {"registryName"}),
        ({"location": "mars"}, {"location"}),
    ],
)  # fmt: skip
def test_a_registry_has_the_settings_of_its_sku(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    cloud = caller("azure-native")
    wanted = registry(*azure_key(cloud)) | change
    found = {path for path, _ in cloud.check(REGISTRY, {k: v for k, v in wanted.items() if v is not None})}
    # What lies elsewhere than its key is told about the key too.
    assert found - ({"encryption.keyVaultProperties.keyIdentifier"} if "location" in change else set()) == paths


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({}, {"identity": "00000000-0000-0000-0000-000000000000"}),
        ({}, {"keyIdentifier": "https://other-kv.vault.azure.net/keys/key"}),
        ({"location": "westeurope"}, {}),
        ({"purge": False}, {}),
    ],
)
def test_a_registry_s_key_is_there_near_kept_and_read_by_an_identity_of_the_registry(
    caller: Callable[[str], Any], more: dict[str, Any], wrong: dict[str, str]
) -> None:
    cloud = caller("azure-native")
    identity, client, key = azure_key(cloud, **more)
    inputs = registry(identity, client, key)
    inputs["encryption"]["keyVaultProperties"] |= wrong
    (found,) = [path for path, _ in cloud.check(REGISTRY, inputs)]
    assert found == f"encryption.keyVaultProperties.{'identity' if 'identity' in wrong else 'keyIdentifier'}"


def test_a_registry_names_identities_that_are_there(caller: Callable[[str], Any]) -> None:
    cloud = caller("azure-native")
    _identity, client, key = azure_key(cloud)
    nobody = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/nobody"
    found = [path for path, _ in cloud.check(REGISTRY, registry(nobody, client, key))]
    assert found == ["identity.userAssignedIdentities"]
