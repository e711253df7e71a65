"""A cell's private network: subnets for nodes and pods in each zone, one controlled way out, no way in."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.base import Component, Place

if TYPE_CHECKING:
    import pulumi

    from components.network.plan import AddressPlan


@dataclass(frozen=True, kw_only=True)
class NetworkInputs:
    """The place, and how the cell's range is cut."""

    place: Place
    plan: AddressPlan


@dataclass(frozen=True, kw_only=True)
class NetworkOutputs:
    """`scope` is what the cloud groups a cell's resources by (a resource group, a project, else the region).

    `node_subnets` and `pod_subnets` follow the order of the zones; where pods take no addresses from the network
    `pod_subnets` is empty. `control_plane_subnet` is empty where the cloud makes its own.

    For the cloud's own services (databases, caches, registries): `service_network` is the network's id, told only when
    such services can take addresses in it; `endpoint_subnet` is where their private addresses lie; `database_subnet` is
    the one that the database has to itself, and the same as `endpoint_subnet` where no cloud rule asks for one.
    """

    scope: pulumi.Output[str]
    network_id: pulumi.Output[str]
    node_subnets: list[pulumi.Output[str]]
    pod_subnets: list[pulumi.Output[str]]
    control_plane_subnet: pulumi.Output[str]
    service_network: pulumi.Output[str]
    endpoint_subnet: pulumi.Output[str]
    database_subnet: pulumi.Output[str]


class Network(Component[NetworkInputs, NetworkOutputs]):
    """A private network.

    Seconds to minutes to create; ranges cannot be changed afterwards, so a changed `cidr` replaces the cell. Nothing in
    it has a public address but the way out.
    """

    kind = "Network"

    @abstractmethod
    def build(self, name: str, inputs: NetworkInputs) -> NetworkOutputs:
        """Declare the network."""
