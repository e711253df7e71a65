"""Azure resource groups and networking as ARM enforces them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.checks import networks, overlap_problems, strings
from components.rules.model import Problem
from rehearsal.providers.azure_arm import (
    GROUP,
    answered,
    child_of_group,
    location_of,
    location_rule,
    resolve,
    subscription,
    zone_problems,
)
from rehearsal.providers.model import Call, Made, TypeSpec
from rehearsal.providers.rules import derived

if TYPE_CHECKING:
    from collections.abc import Iterator

VNET, SUBNET = "azure-native:network:VirtualNetwork", "azure-native:network:Subnet"
NSG, NAT, PUBLIC_IP = (
    "azure-native:network:NetworkSecurityGroup",
    "azure-native:network:NatGateway",
    "azure-native:network:PublicIPAddress",
)


def _group_place(call: Call) -> Iterator[Problem]:
    if not location_of(call):
        yield Problem("location", "is required: neither the resource group nor the provider names one")


def _group_outputs(call: Call, _id: str) -> dict[str, Any]:
    name = call.text("resourceGroupName")
    return answered(call, "Microsoft.Resources/resourceGroups", name) | {
        "properties": {"provisioningState": "Succeeded"}
    }


def _subnet_place(call: Call) -> Iterator[Problem]:
    block = call.text("addressPrefix")
    vnet = resolve(call, VNET, call.text("virtualNetworkName"))
    if vnet is None or not block:
        return
    space = strings(vnet.inputs.get("addressSpace", {}).get("addressPrefixes"))
    for mine in networks([block]):
        if not any(mine.subnet_of(whole) for whole in networks(space)):
            yield Problem("addressPrefix", f"{block} does not lie inside {', '.join(space)} of {vnet.name}")
    siblings = {
        other.name: str(other.inputs.get("addressPrefix"))
        for other in call.store.list_resources(type=SUBNET)
        if other.id.lower().startswith(f"{vnet.id.lower()}/") and other.urn != call.urn
    }
    yield from overlap_problems("addressPrefix", block, siblings)


def _nat_zones(call: Call) -> Iterator[Problem]:
    zones = strings(call.known("zones"))
    yield from zone_problems("zones", zones, region=location_of(call))


def _ip_shape(call: Call) -> Iterator[Problem]:
    yield from zone_problems("zones", strings(call.known("zones")), region=location_of(call))


def _public_ip(_call: Call, id_: str) -> dict[str, Any]:
    # 198.51.100.0/24 is set aside for documentation: an address that nobody has.
    return {
        "ipAddress": f"198.51.100.{sum(id_.encode()) % 254 + 1}",
        "provisioningState": "Succeeded",
        "resourceGuid": derived(id_, "guid"),
    }


def _done(_call: Call, id_: str) -> dict[str, Any]:
    return {"provisioningState": "Succeeded", "resourceGuid": derived(id_, "guid")}


NETWORK_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=GROUP,
        make=lambda call: Made(
            id=f"/subscriptions/{subscription(call)}/resourceGroups/{call.text('resourceGroupName')}",
            region=location_of(call),
        ),
        key=lambda call: f"{subscription(call)}/{call.text('resourceGroupName')}".lower(),
        outputs=_group_outputs,
        planned=lambda call: {"name": call.text("resourceGroupName"), "location": location_of(call)},
        rules=(
            location_rule,
            _group_place,
        ),
    ),
    child_of_group(
        VNET,
        "Microsoft.Network/virtualNetworks",
        "virtualNetworkName",
        outputs=_done,
    ),
    child_of_group(
        NSG,
        "Microsoft.Network/networkSecurityGroups",
        "networkSecurityGroupName",
        outputs=_done,
    ),
    child_of_group(
        PUBLIC_IP,
        "Microsoft.Network/publicIPAddresses",
        "publicIpAddressName",
        outputs=_public_ip,
        rules=(_ip_shape,),
    ),
    child_of_group(
        NAT,
        "Microsoft.Network/natGateways",
        "natGatewayName",
        outputs=_done,
        parents=(("publicIpAddresses[].id", PUBLIC_IP),),
        rules=(_nat_zones,),
    ),
    child_of_group(
        SUBNET,
        "Microsoft.Network/virtualNetworks/subnets",
        "subnetName",
        inside=(("virtualNetworkName", VNET),),
        outputs=lambda _call, _id: {"provisioningState": "Succeeded"},
        parents=(("natGateway.id", NAT), ("networkSecurityGroup.id", NSG)),
        located=False,
        rules=(_subnet_place,),
    ),
)
