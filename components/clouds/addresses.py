"""Which part of a cell's range the pods have, on every cloud."""

from __future__ import annotations

import ipaddress


def pods_of(cidr: str) -> ipaddress.IPv4Network:
    """The second half."""
    return list(ipaddress.IPv4Network(cidr).subnets(prefixlen_diff=1))[1]
