"""The address plan of a cell: how its one range is cut, the same on every cloud. Pure arithmetic.

Second half: pods. First quarter: nodes. Second quarter: services at its start, in its third part the addresses of the
cloud's own services, and at its end, from the last backwards: the control plane, the proxies of an internal gateway,
private endpoints, the database. A /14 gives 131,072 pod addresses, 65,536 for nodes, 4,096 for services.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from components.clouds.addresses import pods_of

# Services never need more than a /20, and GKE and AKS refuse a range shorter than /12 anyway.
_SERVICES_PREFIX = 20
# The smallest that GKE takes for a control plane and AKS for an API server subnet.
_CONTROL_PLANE_PREFIX = 28
# GKE's internal gateway recommends a /23 and takes a /26 at the smallest; a /24 fits the smallest cell too. The same
# for private endpoints (one address each) and for a database's own subnet (Azure takes a /28 at the smallest).
_PART_PREFIX = 24
# What GCP hands to its own services: a /24 for each kind of service and region, several kinds in a cell.
_MANAGED_PREFIX = 20


# What the ranges of pods and services are called where a cloud wants them named.
PODS_RANGE, SERVICES_RANGE = "pods", "services"


@dataclass(frozen=True, kw_only=True)
class AddressPlan:
    """Ranges as CIDR text that never overlap. `managed` is for services that the cloud runs in a network of its own,
    `endpoints` for the private addresses of those that it runs elsewhere.
    """

    nodes: str
    pods: str
    services: str
    managed: str
    database: str
    endpoints: str
    proxies: str
    control_plane: str

    @classmethod
    def of(cls, cidr: str) -> AddressPlan:
        """Cut a cell's range (a /18 or larger)."""
        whole = ipaddress.IPv4Network(cidr)
        first, second, _, _ = whole.subnets(prefixlen_diff=2)
        pods = pods_of(cidr)
        services = next(second.subnets(new_prefix=max(_SERVICES_PREFIX, second.prefixlen + 1)))
        last = int(second.broadcast_address) - 2 ** (32 - _CONTROL_PLANE_PREFIX) + 1
        control_plane = ipaddress.IPv4Network((last, _CONTROL_PLANE_PREFIX))
        *_, database, endpoints, proxies, _ = second.subnets(new_prefix=_PART_PREFIX)
        third = list(second.subnets(prefixlen_diff=2))[2]
        managed = next(third.subnets(new_prefix=max(_MANAGED_PREFIX, third.prefixlen)))
        return cls(
            nodes=str(first),
            pods=str(pods),
            services=str(services),
            managed=str(managed),
            database=str(database),
            endpoints=str(endpoints),
            proxies=str(proxies),
            control_plane=str(control_plane),
        )

    def split(self, part: str, count: int) -> list[str]:
        """`nodes` or `pods` in at least `count` equal parts, one per zone; a zone's subnet is /16 at the largest."""
        network = ipaddress.IPv4Network(getattr(self, part))
        bits = max((count - 1).bit_length(), 16 - network.prefixlen)
        return [str(subnet) for subnet in list(network.subnets(prefixlen_diff=bits))[:count]]
