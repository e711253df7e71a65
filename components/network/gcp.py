"""VPC on GCP: one regional subnet with secondary ranges for pods and services, one for the proxies of the internal
gateway, Cloud NAT as the only way out, a peering with the network of Google's own services, a policy for those that
come as endpoints, and a private zone by which the name of Cloud Storage leads to Google's private address.

Deliberately not set: firewall rules that open anything; GKE adds the ones that its control plane needs. Limits: ranges
cannot be changed later; VPC, subnet and firewall carry no labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_gcp as gcp

from components.clouds import buckets
from components.clouds.accounts import gcp_project
from components.network.contract import Network, NetworkInputs, NetworkOutputs
from components.network.plan import PODS_RANGE, SERVICES_RANGE

if TYPE_CHECKING:
    from components.base import Place

_STORAGE = "storage.googleapis.com."


def _project(place: Place) -> str:
    overrides = place.cell.cell.overrides
    declared = overrides.gcp.project if overrides and overrides.gcp else ""
    return gcp_project(declared, fleet=place.fleet, world=place.cell.cell.world)


class GcpNetwork(Network):
    """A VPC with one subnet and NAT."""

    def build(self, name: str, inputs: NetworkInputs) -> NetworkOutputs:
        """Declare the VPC."""
        place, plan = inputs.place, inputs.plan
        vpc = gcp.compute.Network(
            f"{name}-network",
            name=place.name("vpc"),
            auto_create_subnetworks=False,
            routing_mode="REGIONAL",
            delete_default_routes_on_create=False,
            opts=self.child(),
        )
        subnet = gcp.compute.Subnetwork(
            f"{name}-nodes-0",
            name=place.name("nodes"),
            network=vpc.id,
            region=place.region,
            ip_cidr_range=plan.nodes,
            secondary_ip_ranges=[
                gcp.compute.SubnetworkSecondaryIpRangeArgs(range_name=PODS_RANGE, ip_cidr_range=plan.pods),
                gcp.compute.SubnetworkSecondaryIpRangeArgs(range_name=SERVICES_RANGE, ip_cidr_range=plan.services),
            ],
            private_ip_google_access=True,
            stack_type="IPV4_ONLY",
            log_config=gcp.compute.SubnetworkLogConfigArgs(
                aggregation_interval="INTERVAL_5_MIN", flow_sampling=0.5, metadata="INCLUDE_ALL_METADATA"
            ),
            opts=self.child(),
        )
        self._proxies(name, inputs, vpc)
        services = self._services(name, inputs, vpc, subnet)
        self._way_out(name, inputs, vpc)
        self._storage(name, inputs, vpc)
        gcp.compute.Firewall(
            f"{name}-deny-ingress",
            name=place.name("deny-ingress"),
            network=vpc.id,
            direction="INGRESS",
            # Above the implied rule (65535) so that every refusal is logged; below everything that GKE adds (1000).
            priority=65_000,
            source_ranges=["0.0.0.0/0"],
            denies=[gcp.compute.FirewallDenyArgs(protocol="all")],
            destination_ranges=[plan.nodes, plan.pods],
            log_config=gcp.compute.FirewallLogConfigArgs(metadata="INCLUDE_ALL_METADATA"),
            opts=self.child(),
        )
        return NetworkOutputs(
            scope=pulumi.Output.from_input(_project(place)),
            network_id=vpc.id,
            node_subnets=[subnet.id],
            pod_subnets=[],
            control_plane_subnet=pulumi.Output.from_input(""),
            service_network=services,
            endpoint_subnet=subnet.id,
            database_subnet=subnet.id,
        )

    def _services(
        self, name: str, inputs: NetworkInputs, vpc: gcp.compute.Network, subnet: gcp.compute.Subnetwork
    ) -> pulumi.Output[str]:
        """The id of the VPC, once services such as Cloud SQL (peered) and Memorystore (endpoints) can be joined."""
        place, plan = inputs.place, inputs.plan
        address, _, length = plan.managed.partition("/")
        managed = gcp.compute.GlobalAddress(
            f"{name}-services",
            name=place.name("services"),
            network=vpc.id,
            purpose="VPC_PEERING",
            address_type="INTERNAL",
            address=address,
            prefix_length=int(length),
            opts=self.child(),
        )
        peered = gcp.servicenetworking.Connection(
            f"{name}-services",
            network=vpc.id,
            service="servicenetworking.googleapis.com",
            reserved_peering_ranges=[managed.name],
            # The services keep the peering for days after the last of them is gone; a destroyed cell leaves it behind.
            deletion_policy="ABANDON",
            opts=self.child(),
        )
        endpoints = gcp.networkconnectivity.ServiceConnectionPolicy(
            f"{name}-services",
            name=place.name("endpoints"),
            location=place.region,
            network=vpc.id,
            service_class="gcp-memorystore",
            psc_config=gcp.networkconnectivity.ServiceConnectionPolicyPscConfigArgs(subnetworks=[subnet.id]),
            labels=place.tags,
            opts=self.child(),
        )
        return pulumi.Output.all(vpc.id, peered.id, endpoints.id).apply(lambda found: str(found[0]))

    def _proxies(self, name: str, inputs: NetworkInputs, vpc: gcp.compute.Network) -> None:
        """The internal gateway answers from proxies of the cloud; they live in a subnet of their own and reach the
        pods.
        """
        place, plan = inputs.place, inputs.plan
        gcp.compute.Subnetwork(
            f"{name}-proxies",
            name=place.name("proxies"),
            network=vpc.id,
            region=place.region,
            ip_cidr_range=plan.proxies,
            purpose="REGIONAL_MANAGED_PROXY",
            role="ACTIVE",
            opts=self.child(),
        )
        gcp.compute.Firewall(
            f"{name}-proxies",
            name=place.name("proxies"),
            network=vpc.id,
            direction="INGRESS",
            priority=1000,
            source_ranges=[plan.proxies],
            allows=[gcp.compute.FirewallAllowArgs(protocol="tcp")],
            log_config=gcp.compute.FirewallLogConfigArgs(metadata="EXCLUDE_ALL_METADATA"),
            opts=self.child(),
        )

    def _storage(self, name: str, inputs: NetworkInputs, vpc: gcp.compute.Network) -> None:
        """In this network Cloud Storage is found at private.googleapis.com only: a range small enough to be named in a
        policy. The default route leads there, and Private Google Access lets nodes without a public address use it.
        """
        place = inputs.place
        zone = gcp.dns.ManagedZone(
            f"{name}-storage",
            name=place.name("storage"),
            dns_name=_STORAGE,
            description="Cloud Storage at private.googleapis.com",
            visibility="private",
            private_visibility_config=gcp.dns.ManagedZonePrivateVisibilityConfigArgs(
                networks=[gcp.dns.ManagedZonePrivateVisibilityConfigNetworkArgs(network_url=vpc.id)]
            ),
            force_destroy=not place.protect,
            labels=place.tags,
            opts=self.child(),
        )
        # A bucket is asked for by its own name under that one too.
        for word, of, rrdatas in (
            ("storage", "A", list(buckets.GOOGLE_ADDRESSES)),
            ("storage-buckets", "CNAME", [_STORAGE]),
        ):
            gcp.dns.RecordSet(
                f"{name}-{word}",
                managed_zone=zone.name,
                name=_STORAGE if of == "A" else f"*.{_STORAGE}",
                type=of,
                ttl=300,
                rrdatas=rrdatas,
                opts=self.child(),
            )

    def _way_out(self, name: str, inputs: NetworkInputs, vpc: gcp.compute.Network) -> None:
        place = inputs.place
        router = gcp.compute.Router(
            f"{name}-nat", name=place.name("router"), network=vpc.id, region=place.region, opts=self.child()
        )
        gcp.compute.RouterNat(
            f"{name}-nat",
            name=place.name("nat"),
            router=router.name,
            region=place.region,
            nat_ip_allocate_option="AUTO_ONLY",
            source_subnetwork_ip_ranges_to_nat="ALL_SUBNETWORKS_ALL_IP_RANGES",
            log_config=gcp.compute.RouterNatLogConfigArgs(enable=True, filter="ERRORS_ONLY"),
            opts=self.child(),
        )
