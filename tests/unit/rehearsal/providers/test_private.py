"""How services of a cloud are joined to a private network, and what the emulated clouds refuse there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ADDRESS, CONNECTION = "gcp:compute/globalAddress:GlobalAddress", "gcp:servicenetworking/connection:Connection"
POLICY = "gcp:networkconnectivity/serviceConnectionPolicy:ServiceConnectionPolicy"
NETWORK, SUBNETWORK = "gcp:compute/network:Network", "gcp:compute/subnetwork:Subnetwork"
GROUP, VNET = "azure-native:resources:ResourceGroup", "azure-native:network:VirtualNetwork"
SUBNET, ENDPOINT = "azure-native:network:Subnet", "azure-native:network:PrivateEndpoint"
ZONE, LINK = "azure-native:privatedns:PrivateZone", "azure-native:privatedns:VirtualNetworkLink"
ACCOUNT = "azure-native:storage:StorageAccount"
ZONE_GROUP = "azure-native:network:PrivateDnsZoneGroup"


def reserved(network: str, **more: Any) -> dict[str, Any]:
    return {
        "name": "services",
        "purpose": "VPC_PEERING",
        "addressType": "INTERNAL",
        "network": network,
        "address": "10.65.128.0",
        "prefixLength": 20,
    } | more


def test_a_range_for_services_lies_beside_the_subnets_of_its_network(caller: Callable[[str], Any]) -> None:
    cloud = caller("gcp")
    network, _ = cloud.create(NETWORK, {"name": "net", "autoCreateSubnetworks": False})
    secondary = [{"rangeName": "pods", "ipCidrRange": "10.66.0.0/15"}]
    nodes = {"name": "nodes", "network": network, "ipCidrRange": "10.64.0.0/16", "region": "europe-west4"}
    cloud.create(SUBNETWORK, nodes | {"secondaryIpRanges": secondary}, "nodes")
    assert cloud.check(ADDRESS, reserved(network)) == []
    found = dict(cloud.check(ADDRESS, reserved(network, address="10.66.0.0")))
    assert "overlaps 10.66.0.0/15 of nodes" in found["address"]
    assert "host bits" in dict(cloud.check(ADDRESS, reserved(network, address="10.65.128.1")))["address"]
    bad = {"name": "s", "purpose": "VPC_PEERING", "addressType": "EXTERNAL"}
    assert {path for path, _ in cloud.check(ADDRESS, bad)} == {"addressType", "network", "prefixLength"}


def test_a_connection_needs_a_range_that_exists_and_a_policy_a_known_place(caller: Callable[[str], Any]) -> None:
    cloud = caller("gcp")
    network, _ = cloud.create(NETWORK, {"name": "net", "autoCreateSubnetworks": False})
    joined = {"network": network, "service": "servicenetworking.googleapis.com", "deletionPolicy": "ABANDON"}
    found = dict(cloud.check(CONNECTION, joined | {"reservedPeeringRanges": ["services"]}))
    assert found == {"reservedPeeringRanges[0]": "there is no reserved range 'services' in this project"}
    cloud.create(ADDRESS, reserved(network), "range")
    assert cloud.check(CONNECTION, joined | {"reservedPeeringRanges": ["services"]}) == []
    policy = {"name": "p", "location": "europe-west44", "network": network, "serviceClass": "gcp-memorystor"}
    assert {path for path, _ in cloud.check(POLICY, policy)} == {"location", "serviceClass", "pscConfig"}


def azure_subnets(cloud: Any) -> tuple[str, str]:
    cloud.create(GROUP, {"resourceGroupName": "rg", "location": "francecentral"}, "rg")
    space = {"addressPrefixes": ["10.72.0.0/16"]}
    vnet = {"virtualNetworkName": "vnet", "resourceGroupName": "rg", "addressSpace": space}
    cloud.create(VNET, vnet, "vnet")
    inside = {"resourceGroupName": "rg", "virtualNetworkName": "vnet"}
    plain, _ = cloud.create(SUBNET, inside | {"subnetName": "endpoints", "addressPrefix": "10.72.1.0/24"}, "one")
    delegated = {"delegations": [{"name": "d", "serviceName": "Microsoft.DBforPostgreSQL/flexibleServers"}]}
    own, _ = cloud.create(
        SUBNET, inside | {"subnetName": "database", "addressPrefix": "10.72.2.0/24"} | delegated, "two"
    )
    return plain, own


def endpoint(subnet: str, target: str, group: str) -> dict[str, Any]:
    connection = {"name": group, "privateLinkServiceId": target, "groupIds": [group]}
    return {
        "privateEndpointName": "pe",
        "resourceGroupName": "rg",
        "subnet": {"id": subnet},
        "privateLinkServiceConnections": [connection],
    }


def test_an_endpoint_needs_a_target_that_offers_its_group_and_a_subnet_that_is_not_delegated(
    caller: Callable[[str], Any],
) -> None:
    cloud = caller("azure-native")
    plain, own = azure_subnets(cloud)
    account = {"accountName": "weights1", "resourceGroupName": "rg", "kind": "StorageV2"}
    target, _ = cloud.create(ACCOUNT, account | {"sku": {"name": "Standard_ZRS"}}, "account")
    assert cloud.check(ENDPOINT, endpoint(plain, target, "blob")) == []
    (found,) = cloud.check(ENDPOINT, endpoint(plain, target, "vault"))
    assert "'vault' is none of its groups: blob" in found[1]
    (found,) = cloud.check(ENDPOINT, endpoint(own, target, "blob"))
    assert found == ("subnet.id", "database is delegated to a service and takes no private endpoint")
    group = target.partition("/providers/")[0]
    (found,) = cloud.check(ENDPOINT, endpoint(plain, f"{group}/providers/Microsoft.Storage/storageAccounts/no", "blob"))
    assert "there is no resource" in found[1]


def test_a_private_zone_lies_under_global_and_its_link_names_a_network(caller: Callable[[str], Any]) -> None:
    cloud = caller("azure-native")
    azure_subnets(cloud)
    zone = {"privateZoneName": "privatelink.azurecr.io", "resourceGroupName": "rg"}
    assert dict(cloud.check(ZONE, zone | {"location": "francecentral"})).keys() == {"location"}
    cloud.create(ZONE, zone | {"location": "Global"}, "zone")
    link = {"virtualNetworkLinkName": "l", "resourceGroupName": "rg", "privateZoneName": "privatelink.azurecr.io"}
    assert {path for path, _ in cloud.check(LINK, link | {"location": "Global"})} == {"virtualNetwork"}


def test_an_endpoint_writes_itself_into_a_zone_that_exists(caller: Callable[[str], Any]) -> None:
    cloud = caller("azure-native")
    subnet, _ = azure_subnets(cloud)
    files = {
        "accountName": "cellfiles",
        "resourceGroupName": "rg",
        "kind": "StorageV2",
        "sku": {"name": "Standard_ZRS"},
    }
    account, _ = cloud.create(ACCOUNT, files, "files")
    cloud.create(ENDPOINT, endpoint(subnet, account, "file"), "endpoint")
    named = {"privateZoneName": "privatelink.file.core.windows.net", "resourceGroupName": "rg"}
    zone, _ = cloud.create(ZONE, named | {"location": "Global"}, "zone")
    group = {"privateDnsZoneGroupName": "default", "privateEndpointName": "pe", "resourceGroupName": "rg"}
    lost = group | {"privateDnsZoneConfigs": [{"name": "file", "privateDnsZoneId": f"{zone}x"}]}
    assert [path for path, _ in cloud.check(ZONE_GROUP, lost)] == ["privateDnsZoneConfigs[0].privateDnsZoneId"]
    good = group | {"privateDnsZoneConfigs": [{"name": "file", "privateDnsZoneId": zone}]}
    made, outputs = cloud.create(ZONE_GROUP, good, "group")
    assert made.endswith("/privateEndpoints/pe/privateDnsZoneGroups/default")
    assert outputs["provisioningState"] == "Succeeded"


def test_a_zone_lies_in_no_region_so_that_it_is_billed_with_its_cell(caller: Callable[[str], Any]) -> None:
    cloud = caller("azure-native")
    azure_subnets(cloud)
    zone = {"privateZoneName": "privatelink.azurecr.io", "resourceGroupName": "rg", "location": "Global"}
    id_, _ = cloud.create(ZONE, zone, "zone")
    assert cloud.store.get_resource(id_).region == ""
    assert cloud.store.list_resources(type=VNET)[0].region == "francecentral"
