"""What the emulated clouds refuse about their AI platforms."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

VPC, SWITCH, GROUP = (
    "alicloud:vpc/network:Network",
    "alicloud:vpc/switch:Switch",
    "alicloud:ecs/securityGroup:SecurityGroup",
)
WORKSPACE, SERVICE = "alicloud:pai/workspaceWorkspace:WorkspaceWorkspace", "alicloud:pai/service:Service"
RING, KEY, ENDPOINT = "gcp:kms/keyRing:KeyRing", "gcp:kms/cryptoKey:CryptoKey", "gcp:vertex/aiEndpoint:AiEndpoint"
RESOURCES, IDENTITY = "azure-native:resources:ResourceGroup", "azure-native:managedidentity:UserAssignedIdentity"
VAULT, VAULT_KEY = "azure-native:keyvault:Vault", "azure-native:keyvault:Key"
ACCOUNT, DEPLOYMENT = "azure-native:cognitiveservices:Account", "azure-native:cognitiveservices:Deployment"


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"workspaceName": "cell-ai"}, {"workspaceName"}),
        ({"workspaceName": "c" * 24}, {"workspaceName"}),
        ({"envTypes": ["dev"]}, {"envTypes"}),
        ({"envTypes": ["dev", "prod"]}, set[str]()),
        ({"description": "d" * 81}, {"description"}),
    ],
)
def test_a_workspace_has_a_short_name_and_one_of_two_modes(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    good = {"workspaceName": "cell_ai", "description": "models", "envTypes": ["prod"]}
    assert {path for path, _ in caller("alicloud").check(WORKSPACE, good | change)} == paths


def alicloud_world(cloud: Any) -> dict[str, Any]:
    workspace, _ = cloud.create(WORKSPACE, {"workspaceName": "cell_ai", "description": "m", "envTypes": ["prod"]}, "w")
    vpc, _ = cloud.create(VPC, {"vpcName": "vpc", "cidrBlock": "10.64.0.0/16"}, "vpc")
    subnet = {"vpcId": vpc, "vswitchName": "sw", "cidrBlock": "10.64.0.0/20", "zoneId": "cn-shanghai-g"}
    switch, _ = cloud.create(SWITCH, subnet, "switch")
    group, _ = cloud.create(GROUP, {"securityGroupName": "ai", "vpcId": vpc}, "group")
    return {
        "workspace": workspace,
        "document": {
            "metadata": {"name": "cell_ai", "instance": 1, "workspace_id": workspace},
            "cloud": {
                "computing": {"instances": [{"type": "ecs.gn7i-c8g1.2xlarge"}]},
                "networking": {"vpc_id": vpc, "vswitch_id": switch, "security_group_id": group},
            },
            "containers": [{"image": "registry/platform/m:1", "port": 8000}],
        },
    }


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({}, ""),
        ({"metadata": {"name": "Cell-AI"}}, "metadata.name"),
        ({"metadata": {"name": "cell_ai", "instance": "two"}}, "metadata.instance"),
        ({"containers": []}, "containers with an image"),
        ({"containers": [{"port": 8000}]}, "needs an image"),
        ({"cloud": {}}, "needs cloud.computing.instances"),
        ({"cloud": {"computing": {"instances": [{"type": "ecs.none"}]}}}, "no machine type"),
        (
            {"cloud": {"computing": {"instances": [{"type": "ecs.g7.large"}]}, "networking": {"vpc_id": "vpc-none"}}},
            "vpc_id names 'vpc-none'",
        ),
    ],
)
def test_a_service_s_document_is_read_by_the_platform(
    caller: Callable[[str], Any], change: dict[str, Any], match: str
) -> None:
    cloud = caller("alicloud")
    world = alicloud_world(cloud)
    inputs = {"workspaceId": world["workspace"], "serviceConfig": json.dumps(world["document"] | change)}
    reasons = [reason for path, reason in cloud.check(SERVICE, inputs) if path == "serviceConfig"]
    assert any(match in reason for reason in reasons) if match else reasons == []
    assert [path for path, _ in cloud.check(SERVICE, {"workspaceId": "1", "serviceConfig": "["})] == [
        "serviceConfig",
        "workspaceId",
    ]


def test_a_workspace_with_a_service_stays(caller: Callable[[str], Any], refused: type[Exception]) -> None:
    cloud = caller("alicloud")
    world = alicloud_world(cloud)
    inputs = {"workspaceId": world["workspace"], "serviceConfig": json.dumps(world["document"])}
    id_, outputs = cloud.create(SERVICE, inputs, "service")
    assert (id_, outputs["status"]) == ("cell_ai", "Running")
    with pytest.raises(refused, match="DependencyViolation"):
        cloud.delete(WORKSPACE, world["workspace"], "w")


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"name": "cell-ai"}, {"name"}),
        ({"name": "0123"}, {"name"}),
        ({"name": "1" * 11}, {"name"}),
        ({"location": "global"}, {"location", "region", "encryptionSpec.kmsKeyName"}),
        ({"region": "europe-west1"}, {"region"}),
        ({"location": "europe-west1", "region": "europe-west1"}, {"encryptionSpec.kmsKeyName"}),
        ({"encryptionSpec": {"kmsKeyName": "projects/p/locations/europe-west4/keyRings/r/cryptoKeys/none"}},
         {"encryptionSpec.kmsKeyName"}),
        ({"network": "projects/1/global/networks/n"}, {"privateServiceConnectConfig"}),
        ({"dedicatedEndpointEnabled": True}, {"dedicatedEndpointEnabled"}),
        ({"displayName": "d" * 129, "deletionPolicy": "KEEP"}, {"displayName", "deletionPolicy"}),
    ],
)  # fmt: skip
def test_an_endpoint_is_a_number_in_one_region_and_private_in_one_way(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    cloud = caller("gcp")
    ring, _ = cloud.create(RING, {"name": "ring", "location": "europe-west4"}, "ring")
    key, _ = cloud.create(KEY, {"name": "key", "keyRing": ring}, "key")
    good = {
        "name": "1234567890",
        "displayName": "cell-ai",
        "location": "europe-west4",
        "region": "europe-west4",
        "encryptionSpec": {"kmsKeyName": key},
        "privateServiceConnectConfig": {"enablePrivateServiceConnect": True},
    }
    assert {path for path, _ in cloud.check(ENDPOINT, good | change)} == paths


def azure_world(cloud: Any, *, bits: int = 2048) -> dict[str, Any]:
    cloud.create(RESOURCES, {"resourceGroupName": "rg", "location": "francecentral"}, "rg")
    inside = {"resourceGroupName": "rg", "location": "francecentral"}
    user, of_user = cloud.create(IDENTITY, inside | {"resourceName": "user"}, "user")
    properties = {
        "tenantId": of_user["tenantId"],
        "sku": {"family": "A", "name": "premium"},
        "enablePurgeProtection": True,
    }
    cloud.create(VAULT, inside | {"vaultName": "cell-kv", "properties": properties}, "vault")
    key = {"resourceGroupName": "rg", "vaultName": "cell-kv", "keyName": "ai", "properties": {"keySize": bits}}
    _, of_key = cloud.create(VAULT_KEY, key, "key")
    return inside | {
        "accountName": "cell-ai",
        "kind": "AIServices",
        "sku": {"name": "S0"},
        "identity": {"type": "UserAssigned", "userAssignedIdentities": [user]},
        "properties": {
            "customSubDomainName": "cell-ai",
            "disableLocalAuth": True,
            "publicNetworkAccess": "Disabled",
            "restrictOutboundNetworkAccess": True,
            "encryption": {
                "keySource": "Microsoft.KeyVault",
                "keyVaultProperties": {
                    "identityClientId": of_user["clientId"],
                    "keyName": "ai",
                    "keyVaultUri": "https://cell-kv.vault.azure.net",
                    "keyVersion": of_key["keyUriWithVersion"].rsplit("/", 1)[-1],
                },
            },
        },
    }


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"kind": "Everything"}, {"kind"}),
        ({"sku": {"name": "S9"}}, {"sku.name"}),
        ({"accountName": "a"}, {"accountName"}),
        ({"identity": None}, {"identity"}),
        (
            {"identity": {"type": "UserAssigned", "userAssignedIdentities": ["/subscriptions/s/nobody"]}},
            {"identity.userAssignedIdentities"},
        ),
        ({"properties.customSubDomainName": None}, {"properties.customSubDomainName"}),
        (
            {"properties.restrictOutboundNetworkAccess": None, "properties.allowedFqdnList": ["example.org"]},
            {"properties.allowedFqdnList"},
        ),
        ({"key.keyVersion": None}, {"properties.encryption.keyVaultProperties.keyVersion"}),
        ({"key.keyName": "none"}, {"properties.encryption.keyVaultProperties.keyName"}),
        ({"key.identityClientId": "x"}, {"properties.encryption.keyVaultProperties.identityClientId"}),
        ({"location": "swedencentral"}, {"properties.encryption.keyVaultProperties.keyVaultUri"}),
    ],
)
def test_an_account_reads_its_key_by_an_identity_and_closed_it_needs_a_name(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    cloud = caller("azure-native")
    inputs = azure_world(cloud)
    for path, value in change.items():
        head, _, tail = path.partition(".")
        place = {
            "properties": inputs["properties"],
            "key": inputs["properties"]["encryption"]["keyVaultProperties"],
        }.get(head if tail else "", inputs)
        if value is None:
            del place[tail or head]
        else:
            place[tail or head] = value
    assert {path for path, _ in cloud.check(ACCOUNT, inputs)} == paths


def test_an_account_takes_a_key_of_one_size_only(caller: Callable[[str], Any]) -> None:
    cloud = caller("azure-native")
    (problem,) = cloud.check(ACCOUNT, azure_world(cloud, bits=3072))
    assert problem[0] == "properties.encryption.keyVaultProperties.keyName"
    assert "2048" in problem[1]


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"sku": {"name": "GlobalStandard", "capacity": 1}}, set[str]()),
        ({"sku": {"name": "Regional"}}, {"sku.name"}),
        ({"sku": {"name": "Standard", "capacity": 351}}, {"sku.capacity"}),
        (
            {"properties": {"model": {"format": "OpenAI", "name": "text-embedding-3-large"}}},
            {"properties.model.version"},
        ),
        (
            {"properties": {"model": {"format": "OpenAI", "name": "text-embedding-3-large", "version": "2"}}},
            {"properties.model.version"},
        ),
        ({"properties": {"model": {"format": "Us", "name": "none", "version": "1"}}}, {"properties.model.name"}),
        (
            {"properties": {"model": {"format": "OpenAI", "name": "gpt-4.1-mini", "version": "2025-04-14"}}},
            {"properties.model.name"},
        ),
        ({"accountName": "none"}, {"accountName"}),
    ],
)
def test_a_model_is_deployed_where_its_region_has_it(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    cloud = caller("azure-native")
    cloud.create(ACCOUNT, azure_world(cloud), "account")
    good = {
        "resourceGroupName": "rg",
        "accountName": "cell-ai",
        "deploymentName": "embeddings",
        "sku": {"name": "Standard", "capacity": 1},
        "properties": {"model": {"format": "OpenAI", "name": "text-embedding-3-large", "version": "1"}},
    }
    assert {path for path, _ in cloud.check(DEPLOYMENT, good | change)} == paths


def test_an_account_with_a_deployment_stays(caller: Callable[[str], Any], refused: type[Exception]) -> None:
    cloud = caller("azure-native")
    account, outputs = cloud.create(ACCOUNT, azure_world(cloud), "account")
    assert outputs["properties"]["endpoint"] == "https://cell-ai.cognitiveservices.azure.com/"
    served = {
        "resourceGroupName": "rg",
        "accountName": "cell-ai",
        "deploymentName": "embeddings",
        "sku": {"name": "Standard", "capacity": 1},
        "properties": {"model": {"format": "OpenAI", "name": "text-embedding-3-large", "version": "1"}},
    }
    cloud.create(DEPLOYMENT, served, "served")
    with pytest.raises(refused):
        cloud.delete(ACCOUNT, account, "account")
