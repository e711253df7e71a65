"""Azure private endpoints and private DNS as ARM enforces them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.checks import objects
from components.rules.model import Problem
from rehearsal.providers.azure_arm import child_of_group, resolve
from rehearsal.providers.azure_net import SUBNET, VNET
from rehearsal.providers.rules import derived

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.model import Call, TypeSpec

ENDPOINT, ZONE = "azure-native:network:PrivateEndpoint", "azure-native:privatedns:PrivateZone"
LINK = "azure-native:privatedns:VirtualNetworkLink"
# What a target offers to endpoints, by its resource provider and type.
_GROUPS = {
    "microsoft.cache/redisenterprise": {"redisEnterprise"},
    "microsoft.cognitiveservices/accounts": {"account"},
    "microsoft.containerregistry/registries": {"registry"},
    "microsoft.insights/privatelinkscopes": {"azuremonitor"},
    "microsoft.keyvault/vaults": {"vault"},
    "microsoft.monitor/accounts": {"prometheusMetrics"},
    "microsoft.storage/storageaccounts": {"blob", "file", "queue", "table", "dfs", "web"},
}


def _kind_of(id_: str) -> str:
    parts = id_.lower().partition("/providers/")[2].split("/")
    return "/".join(parts[:2])


def _connections(call: Call) -> Iterator[Problem]:
    connections = objects(call.known("privateLinkServiceConnections"))
    for index, connection in enumerate(connections):
        path = f"privateLinkServiceConnections[{index}]"
        target, groups = connection.get("privateLinkServiceId"), connection.get("groupIds")
        if not isinstance(target, str):
            if target is None:
                yield Problem(f"{path}.privateLinkServiceId", "is required by the API")
            continue
        if resolve(call, "*", target) is None:
            yield Problem(f"{path}.privateLinkServiceId", f"there is no resource {target!r}")
        offered = _GROUPS.get(_kind_of(target))
        if offered is None:
            yield Problem(f"{path}.privateLinkServiceId", f"{_kind_of(target) or target!r} takes no private endpoint")
            continue
        for group in groups if isinstance(groups, list) else []:
            if group not in offered:
                yield Problem(f"{path}.groupIds", f"{group!r} is none of its groups: {', '.join(sorted(offered))}")


def _delegated(call: Call) -> Iterator[Problem]:
    subnet = resolve(call, SUBNET, call.text("subnet.id"))
    if subnet is not None and objects(subnet.inputs.get("delegations")):
        yield Problem("subnet.id", f"{subnet.name} is delegated to a service and takes no private endpoint")


def _endpoint_outputs(call: Call, id_: str) -> dict[str, Any]:
    name = call.text("customNetworkInterfaceName") or f"{call.text('privateEndpointName')}.nic"
    return {
        "provisioningState": "Succeeded",
        "networkInterfaces": [{"id": f"{id_.rsplit('/', 2)[0]}/networkInterfaces/{name}"}],
    }


PRIVATE_TYPES: tuple[TypeSpec, ...] = (
    child_of_group(
        ZONE,
        "Microsoft.Network/privateDnsZones",
        "privateZoneName",
        outputs=lambda call, id_: {
            "internalId": derived(id_, "zone"),
            "location": "global",
            "maxNumberOfRecordSets": 25000,
            "numberOfRecordSets": 1,
            "provisioningState": "Succeeded",
        },
        located=False,
    ),
    child_of_group(
        LINK,
        "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
        "virtualNetworkLinkName",
        inside=(("privateZoneName", ZONE),),
        outputs=lambda call, _id: {
            "location": "global",
            "provisioningState": "Succeeded",
            "virtualNetworkLinkState": "Completed",
        },
        parents=(("virtualNetwork.id", VNET),),
        located=False,
    ),
    child_of_group(
        ENDPOINT,
        "Microsoft.Network/privateEndpoints",
        "privateEndpointName",
        outputs=_endpoint_outputs,
        parents=(("subnet.id", SUBNET),),
        rules=(
            _connections,
            _delegated,
        ),
    ),
    child_of_group(
        "azure-native:network:PrivateDnsZoneGroup",
        "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
        "privateDnsZoneGroupName",
        inside=(("privateEndpointName", ENDPOINT),),
        outputs=lambda call, _id: {"provisioningState": "Succeeded"},
        parents=(("privateDnsZoneConfigs[].privateDnsZoneId", ZONE),),
        located=False,
        typed=False,
    ),
)
