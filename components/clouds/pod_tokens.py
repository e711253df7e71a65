"""Where a pod trades what its cluster gave it for a token of its cloud: ranges and ports that a network policy names.

On GKE with Dataplane V2 the metadata server of the node answers, on a link-local address, and gives a pod the identity
of its own account only (https://cloud.google.com/kubernetes-engine/docs/how-to/network-policy). Microsoft Entra answers
on public addresses, published as id 56 of
https://learn.microsoft.com/en-us/microsoft-365/enterprise/urls-and-ip-address-ranges: whoever signs in to Azure comes
there, and no private address leads to it. Alibaba Cloud's STS has a name inside a VPC (`sts-vpc.<region>`) and no range
that is published; the block of the region's internal services is the least that holds it. Read in public pages and
other people's policies (November 2026), asked of no account.
"""

from __future__ import annotations

from dataclasses import dataclass

from components.clouds.buckets import ALICLOUD_SERVICES


@dataclass(frozen=True, kw_only=True)
class Way:
    """Ranges of addresses, with the TCP ports that are meant there."""

    ranges: tuple[str, ...]
    ports: tuple[int, ...]


WAYS: dict[str, Way] = {
    "alicloud": Way(ranges=ALICLOUD_SERVICES, ports=(443,)),
    "gcp": Way(ranges=("169.254.169.254/32",), ports=(80, 8080)),
    "azure": Way(ranges=("20.20.32.0/19", "20.190.128.0/18", "20.231.128.0/19", "40.126.0.0/18"), ports=(443,)),
}
