"""Resource group and VNet on Azure: subnets for nodes, for the API server, for private endpoints and for the database;
pods live in an overlay.

The resource group is declared here because everything of the cell lies in it. Subnets are chained: Azure refuses two
changes of one VNet at a time. Deliberately not set: a default way out (`default_outbound_access`), peerings.
"""

from __future__ import annotations

import pulumi_azure_native as azure

from components.network.contract import Network, NetworkInputs, NetworkOutputs

_CLUSTER_SERVICE = "Microsoft.ContainerService/managedClusters"
_DATABASE_SERVICE = "Microsoft.DBforPostgreSQL/flexibleServers"


class AzureNetwork(Network):
    """A resource group with a VNet, NAT and a security group."""

    def build(self, name: str, inputs: NetworkInputs) -> NetworkOutputs:
        """Declare the resource group and the VNet."""
        place, plan = inputs.place, inputs.plan
        group = azure.resources.ResourceGroup(
            f"{name}-group",
            resource_group_name=place.name("rg"),
            location=place.region,
            tags=place.tags,
            opts=self.child(),
        )
        vnet = azure.network.VirtualNetwork(
            f"{name}-network",
            virtual_network_name=place.name("vnet"),
            resource_group_name=group.name,
            location=place.region,
            address_space=azure.network.AddressSpaceArgs(
                address_prefixes=[plan.nodes, plan.database, plan.endpoints, plan.control_plane]
            ),
            enable_ddos_protection=False,
            tags=place.tags,
            opts=self.child(),
        )
        nat = self._way_out(name, inputs, group)
        guard = self._security_group(name, inputs, group)
        nodes = azure.network.Subnet(
            f"{name}-nodes-0",
            subnet_name="nodes",
            resource_group_name=group.name,
            virtual_network_name=vnet.name,
            address_prefix=plan.nodes,
            nat_gateway=azure.network.SubResourceArgs(id=nat.id),
            network_security_group=azure.network.NetworkSecurityGroupArgs(id=guard.id),
            default_outbound_access=False,
            private_endpoint_network_policies="Enabled",
            opts=self.child(),
        )
        control_plane = azure.network.Subnet(
            f"{name}-control-plane",
            subnet_name="control-plane",
            resource_group_name=group.name,
            virtual_network_name=vnet.name,
            address_prefix=plan.control_plane,
            private_endpoint_network_policies="Enabled",
            delegations=[azure.network.DelegationArgs(name="managed-cluster", service_name=_CLUSTER_SERVICE)],
            default_outbound_access=False,
            opts=self.child(depends_on=[nodes]),
        )
        endpoints = azure.network.Subnet(
            f"{name}-endpoints",
            subnet_name="endpoints",
            resource_group_name=group.name,
            virtual_network_name=vnet.name,
            address_prefix=plan.endpoints,
            network_security_group=azure.network.NetworkSecurityGroupArgs(id=guard.id),
            private_endpoint_network_policies="Enabled",
            default_outbound_access=False,
            opts=self.child(depends_on=[control_plane]),
        )
        database = azure.network.Subnet(
            f"{name}-database",
            subnet_name="database",
            resource_group_name=group.name,
            virtual_network_name=vnet.name,
            address_prefix=plan.database,
            network_security_group=azure.network.NetworkSecurityGroupArgs(id=guard.id),
            private_endpoint_network_policies="Enabled",
            delegations=[azure.network.DelegationArgs(name="database", service_name=_DATABASE_SERVICE)],
            default_outbound_access=False,
            opts=self.child(depends_on=[endpoints]),
        )
        return NetworkOutputs(
            scope=group.name,
            network_id=vnet.id,
            node_subnets=[nodes.id],
            pod_subnets=[],
            control_plane_subnet=control_plane.id,
            service_network=vnet.id,
            endpoint_subnet=endpoints.id,
            database_subnet=database.id,
        )

    def _way_out(
        self, name: str, inputs: NetworkInputs, group: azure.resources.ResourceGroup
    ) -> azure.network.NatGateway:
        place = inputs.place
        # A NAT gateway of this kind lives in one zone; its address must be in the same.
        zone = list(place.zones[:1])
        address = azure.network.PublicIPAddress(
            f"{name}-nat-address",
            public_ip_address_name=place.name("nat"),
            resource_group_name=group.name,
            location=place.region,
            sku=azure.network.PublicIPAddressSkuArgs(name="Standard", tier="Regional"),
            public_ip_allocation_method="Static",
            public_ip_address_version="IPv4",
            zones=zone,
            tags=place.tags,
            opts=self.child(),
        )
        return azure.network.NatGateway(
            f"{name}-nat",
            nat_gateway_name=place.name("nat"),
            resource_group_name=group.name,
            location=place.region,
            sku=azure.network.NatGatewaySkuArgs(name="Standard"),
            idle_timeout_in_minutes=10,
            public_ip_addresses=[azure.network.SubResourceArgs(id=address.id)],
            zones=zone,
            tags=place.tags,
            opts=self.child(),
        )

    def _security_group(
        self, name: str, inputs: NetworkInputs, group: azure.resources.ResourceGroup
    ) -> azure.network.NetworkSecurityGroup:
        place = inputs.place
        return azure.network.NetworkSecurityGroup(
            f"{name}-deny-ingress",
            network_security_group_name=place.name("nsg"),
            resource_group_name=group.name,
            location=place.region,
            security_rules=[
                azure.network.SecurityRuleArgs(
                    name="deny-internet",
                    priority=4000,
                    direction="Inbound",
                    access="Deny",
                    protocol="*",
                    source_address_prefix="Internet",
                    source_port_range="*",
                    destination_address_prefix="*",
                    destination_port_range="*",
                )
            ],
            tags=place.tags,
            opts=self.child(),
        )
