"""Private endpoints on Azure: how a service that Azure runs gets an address in the cell's network, and a name there.

Four resources per service, always the same: a private zone, its link to the VNet, the endpoint, and the group that
writes the endpoint's address into the zone. A zone is visible in the VNets that it is linked to and lies in no region.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_azure_native as azure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.base import Component, Place
    from components.network.contract import NetworkOutputs

# The name that the service's own host name resolves through, by the group of the endpoint.
# https://learn.microsoft.com/azure/private-link/private-endpoint-dns, global cloud, August 2026.
ZONES = {
    "account": "privatelink.cognitiveservices.azure.com",
    "azuremonitor": "privatelink.monitor.azure.com",
    "blob": "privatelink.blob.core.windows.net",
    "file": "privatelink.file.core.windows.net",
    "prometheusMetrics": "privatelink.{region}.prometheus.monitor.azure.com",
    "redisEnterprise": "privatelink.redis.azure.net",
    "registry": "privatelink.azurecr.io",
    "vault": "privatelink.vaultcore.azure.net",
}


def private_endpoint(
    component: Component[Any, Any], name: str, *, place: Place, network: NetworkOutputs, target: pulumi.Output[str],
    group: str, more_zones: Mapping[str, str] | None = None,
) -> azure.network.PrivateDnsZoneGroup:  # fmt: skip
    """Declare the endpoint of `target` for its `group` (a key of ZONES) as children of `component`. `more_zones` are
    zones by a word of ours, for a service that answers under several names.

    `name` is the logical name; physical names follow from it. What needs the service's private name waits for the
    answer. Raises KeyError for a group without a known zone.
    """
    purpose = f"{name.removeprefix(place.cell.cell.name).strip('-') or component.kind.lower()}-endpoint"
    first = ZONES[group].format(region=place.region)
    zones = {group.lower(): private_zone(component, name, zone=first, place=place, network=network)}
    for word, zone in (more_zones or {}).items():
        zones[word] = private_zone(component, f"{name}-{word}", zone=zone, place=place, network=network)
    endpoint = azure.network.PrivateEndpoint(
        f"{name}-endpoint",
        private_endpoint_name=place.name(purpose),
        custom_network_interface_name=place.name(f"{purpose}-nic"),
        resource_group_name=network.scope,
        location=place.region,
        subnet=azure.network.SubnetArgs(id=network.endpoint_subnet),
        private_link_service_connections=[
            azure.network.PrivateLinkServiceConnectionArgs(
                name=group, private_link_service_id=target, group_ids=[group]
            )
        ],
        tags=place.tags,
        opts=component.child(),
    )
    return azure.network.PrivateDnsZoneGroup(
        f"{name}-endpoint",
        private_dns_zone_group_name="default",
        private_endpoint_name=endpoint.name,
        resource_group_name=network.scope,
        private_dns_zone_configs=[
            azure.network.PrivateDnsZoneConfigArgs(name=word, private_dns_zone_id=one.id) for word, one in zones.items()
        ],
        opts=component.child(),
    )


def private_zone(
    component: Component[Any, Any], name: str, *, zone: str, place: Place, network: NetworkOutputs
) -> azure.privatedns.PrivateZone:
    """Declare a private zone and its link to the cell's VNet; nothing registers itself in it."""
    return _zone_and_link(component, name, zone=zone, place=place, network=network)[0]


def linked_zone(
    component: Component[Any, Any], name: str, *, zone: str, place: Place, network: NetworkOutputs
) -> pulumi.Output[str]:
    """The same; gives the zone's id once the link is there, for services that look for it on creation."""
    made, link = _zone_and_link(component, name, zone=zone, place=place, network=network)
    return pulumi.Output.all(made.id, link.id).apply(lambda found: str(found[0]))


def _zone_and_link(
    component: Component[Any, Any], name: str, *, zone: str, place: Place, network: NetworkOutputs
) -> tuple[azure.privatedns.PrivateZone, azure.privatedns.VirtualNetworkLink]:
    made = azure.privatedns.PrivateZone(
        f"{name}-zone",
        private_zone_name=zone,
        resource_group_name=network.scope,
        location="Global",
        tags=place.tags,
        opts=component.child(),
    )
    link = azure.privatedns.VirtualNetworkLink(
        f"{name}-zone",
        virtual_network_link_name=place.name("link"),
        private_zone_name=made.name,
        resource_group_name=network.scope,
        location="Global",
        registration_enabled=False,
        virtual_network=azure.privatedns.SubResourceArgs(id=network.network_id),
        tags=place.tags,
        opts=component.child(),
    )
    return made, link
