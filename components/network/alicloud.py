"""VPC on Alibaba Cloud: one vSwitch per zone for nodes and one for pods (Terway gives pods VPC addresses), an enhanced
NAT gateway as the only way out.

Deliberately not set: IPv6, a classic link, secondary networks of other accounts. Limits: a vSwitch is /16 to /29 and
lies in one zone; service ranges must not overlap the VPC, so they are left out of its ranges.
"""

from __future__ import annotations

import pulumi
import pulumi_alicloud as alicloud

from components.network.contract import Network, NetworkInputs, NetworkOutputs


class AlicloudNetwork(Network):
    """A VPC with vSwitches and NAT."""

    def build(self, name: str, inputs: NetworkInputs) -> NetworkOutputs:
        """Declare the VPC."""
        place, plan = inputs.place, inputs.plan
        vpc = alicloud.vpc.Network(
            f"{name}-network",
            vpc_name=place.name("vpc"),
            cidr_block=plan.nodes,
            secondary_cidr_blocks=[plan.pods],
            enable_ipv6=False,
            tags=place.tags,
            opts=self.child(),
        )
        nodes = self._subnets(name, inputs, vpc, "nodes")
        pods = self._subnets(name, inputs, vpc, "pods")
        self._way_out(name, inputs, vpc, nodes + pods)
        return NetworkOutputs(
            scope=pulumi.Output.from_input(place.region),
            network_id=vpc.id,
            node_subnets=[subnet.id for subnet in nodes],
            pod_subnets=[subnet.id for subnet in pods],
            control_plane_subnet=pulumi.Output.from_input(""),
            # Databases, caches and file systems of this cloud sit in a vSwitch of the VPC like a node.
            service_network=vpc.id,
            endpoint_subnet=nodes[0].id,
            database_subnet=nodes[0].id,
        )

    def _subnets(
        self, name: str, inputs: NetworkInputs, vpc: alicloud.vpc.Network, part: str
    ) -> list[alicloud.vpc.Switch]:
        place = inputs.place
        ranges = inputs.plan.split(part, len(place.zones))
        return [
            alicloud.vpc.Switch(
                f"{name}-{part}-{index}",
                vswitch_name=place.name(f"{part}-{index}"),
                vpc_id=vpc.id,
                cidr_block=cidr,
                zone_id=zone,
                tags=place.tags,
                opts=self.child(),
            )
            for index, (zone, cidr) in enumerate(zip(place.zones, ranges, strict=True))
        ]

    def _way_out(
        self,
        name: str,
        inputs: NetworkInputs,
        vpc: alicloud.vpc.Network,
        subnets: list[alicloud.vpc.Switch],
    ) -> None:
        place = inputs.place
        nat = alicloud.vpc.NatGateway(
            f"{name}-nat",
            nat_gateway_name=place.name("nat"),
            vpc_id=vpc.id,
            vswitch_id=subnets[0].id,
            nat_type="Enhanced",
            network_type="internet",
            # Pay as you go, said aloud: the alternative buys months in advance.
            payment_type="PayAsYouGo",
            internet_charge_type="PayByLcu",
            deletion_protection=place.protect,
            tags=place.tags,
            opts=self.child(),
        )
        address = alicloud.ecs.EipAddress(
            f"{name}-nat-address",
            address_name=place.name("nat"),
            payment_type="PayAsYouGo",
            internet_charge_type="PayByTraffic",
            bandwidth="100",
            deletion_protection=place.protect,
            tags=place.tags,
            opts=self.child(),
        )
        attached = alicloud.ecs.EipAssociation(
            f"{name}-nat-address",
            allocation_id=address.id,
            instance_id=nat.id,
            instance_type="Nat",
            opts=self.child(),
        )
        for index, subnet in enumerate(subnets):
            alicloud.vpc.SnatEntry(
                f"{name}-snat-{index}",
                snat_entry_name=place.name(f"snat-{index}"),
                snat_table_id=nat.snat_table_ids,
                snat_ip=address.ip_address,
                source_vswitch_id=subnet.id,
                opts=self.child(depends_on=[attached]),
            )
