"""Where a host lies is read from the name that a connection would be made to, and from nothing else of a text."""

from __future__ import annotations

import pytest

from components.policy import hosts

CN, ROW = frozenset({"cn-shanghai"}), frozenset({"europe-west4", "francecentral"})


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("https://oss-cn-shanghai.aliyuncs.com/b/o?x=1#y", "oss-cn-shanghai.aliyuncs.com"),
        ("https://oss-cn-shanghai.aliyuncs.com@evil.example/x", "evil.example"),
        ("https://user:word@host.example:8443/x", "host.example"),
        ("https://a@b@host.example/x", "host.example"),
        ("host.example:443", "host.example"),
        ("HOST.Example.", "host.example"),
        ("https://host.example\\@evil.example/", "host.example"),
        ("https://[fd00::1]:8443/x", "[fd00::1]"),
        ("", ""),
    ],
)
def test_a_host_is_what_a_connection_would_be_made_to(text: str, host: str) -> None:
    assert hosts.host_of(text) == host


@pytest.mark.parametrize(
    ("host", "inside"),
    [
        ("172.16.0.1", True),
        ("172.31.255.254", True),
        ("172.32.0.1", False),
        ("172.15.0.1", False),
        ("192.168.1.1", True),
        ("192.169.1.1", False),
        ("100.64.0.1", True),
        ("100.128.0.1", False),
        ("10.1.2.3", True),
        ("11.1.2.3", False),
        ("prometheus.gpu-monitoring.svc", True),
        ("prometheus", True),
        ("svc.example.com", False),
    ],
)
def test_what_no_route_leads_to_is_private_and_its_neighbours_are_not(host: str, inside: bool) -> None:
    assert hosts.is_private(host) is inside


@pytest.mark.parametrize(
    ("reference", "worlds"),
    [
        ("docker.io/library/redis:7", {"row"}),
        ("redis:7", {"row"}),
        ("ghcr.io/acme/app:1", {"row"}),
        ("modelscope.cn/acme/app:1", {"cn"}),
        ("registry-vpc.cn-shanghai.cr.aliyuncs.com/acme/app:1", {"cn"}),
        ("registry-vpc.cn-beijing.cr.aliyuncs.com/acme/app:1", set()),
        ("europe-west4-docker.pkg.dev/p/r/app:1", {"row"}),
        ("europe-west9-docker.pkg.dev/p/r/app:1", set()),
        ("registry.example.com/app:1", set()),
    ],
)
def test_hubs_are_those_of_the_world(reference: str, worlds: set[str]) -> None:
    places = {"cn": hosts.image("cn", CN), "row": hosts.image("row", ROW)}
    assert {world for world, place in places.items() if hosts.compiled(place).match(reference)} == worlds
