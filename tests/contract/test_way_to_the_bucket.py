"""The one way that pods have out of the cluster, told from what a fleet makes on every cloud; and broken once."""

from __future__ import annotations

import copy
import ipaddress
import re
from typing import TYPE_CHECKING, Any

import pytest

from components.clouds import buckets
from components.network.plan import AddressPlan
from components.platform.names import SYSTEM_NAMESPACE, maison_namespace
from components.policy import kube_routes, netpol
from components.policy.model import Subject
from components.spec.load import load_fleet
from tests.contract.test_tenants import CELLS, MAISONS, Made, built
from tests.recorder import FLEET

if TYPE_CHECKING:
    from pathlib import Path

# By hand: an address in the range of each cloud, and one right beside it. On Alibaba Cloud the way to a token is wider
# than the bucket's and holds it: beside both is the block's end.
AT = {
    "alicloud": ("100.118.102.7", "100.128.0.0"),
    "gcp": ("199.36.153.11", "199.36.153.12"),
    "azure": ("10.72.0.1", "10.72.0.1"),
}
# By hand: where an identity gets its token, with one address beside each range. On Alibaba Cloud the block of the
# region's internal services, as no range of STS is published; the node's metadata server in it answers on port 80 only.
TOKENS = {
    "alicloud": (("100.100.3.4", 443, "100.63.255.255"), ("100.127.255.255", 443, "100.128.0.0")),
    "gcp": (("169.254.169.254", 80, "169.254.169.253"), ("169.254.169.254", 8080, "169.254.169.255")),
    "azure": (("20.190.159.2", 443, "20.190.192.1"), ("40.126.31.69", 443, "40.126.64.1")),
}
WORLD = ("8.8.8.8", "142.250.74.16", "47.74.46.62", "100.63.255.255", "169.254.169.254", "192.168.1.1", "10.0.0.1")


@pytest.fixture(params=list(CELLS))
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    return built(request.param, tmp_path)


def endpoints(cloud: str) -> ipaddress.IPv4Network:
    return ipaddress.IPv4Network(AddressPlan.of(load_fleet(FLEET).cell(CELLS[cloud]).cidr).endpoints)


def addresses(cloud: str) -> tuple[str, str]:
    """One address at which the bucket may answer, and one beside the range."""
    if cloud == "azure":
        own = endpoints(cloud)
        return str(own[4]), str(own.broadcast_address + 1)
    return AT[cloud]


def out(
    objects: list[dict[str, Any]], source: netpol.Pod, address: str, *, port: int = 443, protocol: str = "TCP"
) -> bool:
    abroad = netpol.Pod(namespace="", namespace_labels={}, address=address)
    return netpol.reaches(objects, source, abroad, port=port, protocol=protocol)


def client(made: Made, maison: str) -> netpol.Pod:
    return made.at(maison_namespace(maison), {"app": "trainer"})


def test_a_pod_of_a_maison_reaches_the_bucket_s_endpoint_by_https_alone(made: Made) -> None:
    inside, beside = addresses(made.cloud)
    for maison in MAISONS:
        assert out(made.objects, client(made, maison), inside)
        assert not out(made.objects, client(made, maison), beside)
        for port, protocol in ((80, "TCP"), (443, "UDP"), (22, "TCP"), (444, "TCP")):
            assert not out(made.objects, client(made, maison), inside, port=port, protocol=protocol)


def test_nothing_else_of_the_world_is_reached(made: Made) -> None:
    for maison in MAISONS:
        for address in WORLD:
            assert not out(made.objects, client(made, maison), address), address


def test_a_pod_that_reads_by_its_identity_reaches_what_gives_it_a_token_and_an_engine_does_not(made: Made) -> None:
    for address, port, beside in TOKENS[made.cloud]:
        for maison in MAISONS:
            assert out(made.objects, client(made, maison), address, port=port)
            assert not out(made.objects, client(made, maison), beside, port=port)
            for other in {22, 80, 443} - {known for _, known, _ in TOKENS[made.cloud]}:
                assert not out(made.objects, client(made, maison), address, port=other)
            assert not out(made.objects, made.pod(maison), address, port=port)
        for space in (SYSTEM_NAMESPACE, "gpu-monitoring"):
            assert not out(made.objects, made.at(space), address, port=port)
    ways = {one["metadata"]["name"] for one in made.objects if one["kind"] == "NetworkPolicy"}
    assert {"bucket", "token"} <= ways


def test_engines_have_no_way_out_at_all(made: Made) -> None:
    inside, _ = addresses(made.cloud)
    for maison in MAISONS:
        assert not out(made.objects, made.pod(maison), inside)


def test_the_platform_s_own_namespaces_have_no_such_way(made: Made) -> None:
    inside, _ = addresses(made.cloud)
    if made.cloud == "azure":
        # What is inside the cell Prometheus reaches anyway.
        inside = "199.36.153.8"
    for space in (SYSTEM_NAMESPACE, "gpu-monitoring"):
        assert not out(made.objects, made.at(space), inside)


def test_a_wider_way_is_found(made: Made) -> None:
    planted = copy.deepcopy(made.objects)
    for one in planted:
        if one["kind"] == "NetworkPolicy" and one["metadata"]["name"] == "bucket":
            one["spec"]["egress"][0]["to"][0]["ipBlock"]["cidr"] = "0.0.0.0/0"
    assert out(planted, client(made, "aurelia"), "8.8.8.8")
    for one in planted:
        if one["kind"] == "NetworkPolicy" and one["metadata"]["name"] == "bucket":
            del one["spec"]["egress"][0]["ports"]
    assert out(planted, client(made, "aurelia"), addresses(made.cloud)[0], port=22)


def test_the_name_of_the_bucket_leads_to_the_range_that_is_open(tmp_path: Path) -> None:
    """Without the zone a pod on GCP would be told public addresses, to which it has no way."""
    rows = built("gcp", tmp_path).rows
    (zone,) = [one["inputs"] for one in rows if one["type"] == "gcp:dns/managedZone:ManagedZone"]
    assert (zone["dnsName"], zone["visibility"]) == ("storage.googleapis.com.", "private")
    records = {
        one["inputs"]["name"]: (one["inputs"]["type"], one["inputs"]["rrdatas"])
        for one in rows
        if one["type"] == "gcp:dns/recordSet:RecordSet"
    }
    assert records["*.storage.googleapis.com."] == ("CNAME", ["storage.googleapis.com."])
    kind, told = records["storage.googleapis.com."]
    assert kind == "A"
    assert [ipaddress.IPv4Address(one) for one in told] == list(ipaddress.IPv4Network(buckets.GOOGLE))


def test_azure_s_endpoint_lies_in_the_subnet_that_is_open(tmp_path: Path) -> None:
    rows = built("azure", tmp_path).rows
    (subnet,) = [
        one
        for one in rows
        if one["type"] == "azure-native:network:Subnet" and one["inputs"]["subnetName"] == "endpoints"
    ]
    assert subnet["inputs"]["addressPrefix"] == str(endpoints("azure"))
    (blob,) = [
        one["inputs"]
        for one in rows
        if one["type"] == "azure-native:network:PrivateEndpoint"
        and one["inputs"]["privateLinkServiceConnections"][0]["groupIds"] == ["blob"]
    ]
    assert blob["subnet"]["id"] == subnet["id"]


def test_the_ranges_of_oss_are_of_the_block_of_internal_services_and_of_one_region_each() -> None:
    whole = ipaddress.IPv4Network(buckets.ALICLOUD_SERVICES[0])
    seen: list[ipaddress.IPv4Network] = []
    for region, ranges in buckets.OSS.items():
        assert ranges, region
        for text in ranges:
            one = ipaddress.IPv4Network(text)
            assert one.subnet_of(whole), text
            assert not any(one.overlaps(other) for other in seen), text
            seen.append(one)
    # A region that nobody lists has the block, and the rules take neither for the internet.
    assert buckets.ranges("alicloud", "cn-zhongwei", endpoints="10.0.0.0/24") == ("100.64.0.0/10",)
    private = re.compile(kube_routes.PRIVATE_RANGE)
    assert all(private.match(str(one)) for one in (*seen, whole))
    assert not private.match(buckets.GOOGLE)


def test_in_china_the_rules_take_this_way_and_refuse_that_of_another_cloud(tmp_path: Path) -> None:
    """RES-033, as the program, the check of files and the API server ask it."""

    def broken(cloud: str) -> set[tuple[str, str]]:
        kind = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
        policies = [one for one in built(cloud, tmp_path).objects if one["kind"] == "NetworkPolicy"]
        assert len(policies) > len(MAISONS)
        return {
            (one["metadata"]["name"], found.rule)
            for one in policies
            for found in kube_routes.egress(
                Subject(type=kind, name="n", inputs=one, world="cn", allowed=frozenset({"cn-shanghai"}))
            )
        }

    assert broken("alicloud") == set()
    assert broken("gcp") == {("bucket", "RES-033")}
