"""How a cell's range is cut."""

from __future__ import annotations

import dataclasses
import ipaddress
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from components.network.plan import AddressPlan

cells = st.integers(12, 18).flatmap(
    lambda prefix: st.integers(0, 2 ** (prefix - 8) - 1).map(
        lambda number: str(ipaddress.IPv4Network((0x0A000000 + number * 2 ** (32 - prefix), prefix)))
    )
)


@given(cells)
def test_the_parts_lie_in_the_cell_and_never_overlap(cidr: str) -> None:
    plan = AddressPlan.of(cidr)
    parts = [ipaddress.IPv4Network(text) for text in dataclasses.astuple(plan)]
    assert len(parts) == 8
    assert all(part.subnet_of(ipaddress.IPv4Network(cidr)) for part in parts)
    assert [(a, b) for a, b in combinations(parts, 2) if a.overlaps(b)] == []


@given(cells, st.sampled_from(["nodes", "pods"]), st.integers(1, 4))
def test_a_part_is_split_into_equal_subnets_that_every_cloud_takes(cidr: str, part: str, count: int) -> None:
    plan = AddressPlan.of(cidr)
    subnets = [ipaddress.IPv4Network(text) for text in plan.split(part, count)]
    assert len(subnets) == count
    assert all(16 <= subnet.prefixlen <= 29 for subnet in subnets)
    assert [(a, b) for a, b in combinations(subnets, 2) if a.overlaps(b)] == []
    assert all(subnet.subnet_of(ipaddress.IPv4Network(getattr(plan, part))) for subnet in subnets)


def test_the_first_cell_of_the_rehearsal_is_cut_as_documented() -> None:
    assert AddressPlan.of("10.64.0.0/14") == AddressPlan(
        nodes="10.64.0.0/16",
        pods="10.66.0.0/15",
        services="10.65.0.0/20",
        managed="10.65.128.0/20",
        database="10.65.252.0/24",
        endpoints="10.65.253.0/24",
        proxies="10.65.254.0/24",
        control_plane="10.65.255.240/28",
    )
