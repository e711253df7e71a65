"""What the emulated Google Cloud refuses about private zones and their records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

NETWORK = "gcp:compute/network:Network"
ZONE, RECORD = "gcp:dns/managedZone:ManagedZone", "gcp:dns/recordSet:RecordSet"
STORAGE = "storage.googleapis.com."


def zone(network: str, **more: Any) -> dict[str, Any]:
    whole = {
        "name": "cell-storage",
        "dnsName": STORAGE,
        "visibility": "private",
        "privateVisibilityConfig": {"networks": [{"networkUrl": network}]},
    } | more
    return {name: value for name, value in whole.items() if value is not None}


def record(**more: Any) -> dict[str, Any]:
    whole = {
        "managedZone": "cell-storage",
        "name": STORAGE,
        "type": "A",
        "ttl": 300,
        "rrdatas": ["199.36.153.8", "199.36.153.9"],
    } | more
    return {name: value for name, value in whole.items() if value is not None}


@pytest.fixture
def cloud(caller: Callable[[str], Any]) -> tuple[Any, str]:
    gcp = caller("gcp")
    network, _ = gcp.create(NETWORK, {"name": "cell-vpc", "autoCreateSubnetworks": False})
    return gcp, network


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"name": "Cell"}, {"name"}),
        ({"dnsName": "storage.googleapis.com"}, {"dnsName"}),
        ({"visibility": "hidden"}, {"visibility", "privateVisibilityConfig"}),
        ({"visibility": "public"}, {"privateVisibilityConfig"}),
        ({"privateVisibilityConfig": None}, {"privateVisibilityConfig"}),
        ({"labels": {"A": "b"}}, {"labels.A"}),
        ({"deletionPolicy": "KEEP"}, {"deletionPolicy"}),
    ],
)
def test_a_private_zone_is_seen_from_a_network(cloud: tuple[Any, str], change: dict[str, Any], paths: set[str]) -> None:
    gcp, network = cloud
    assert {path for path, _ in gcp.check(ZONE, zone(network, **change))} == paths


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"managedZone": "another"}, {"managedZone"}),
        ({"name": "storage.example.com."}, {"name"}),
        ({"name": "*.storage.googleapis.com.", "type": "CNAME", "rrdatas": [STORAGE]}, set[str]()),
        ({"type": "CNAME"}, {"rrdatas", "rrdatas[0]", "rrdatas[1]"}),
        ({"rrdatas": ["here"]}, {"rrdatas[0]"}),
        ({"rrdatas": None}, {"rrdatas"}),
        ({"type": "B"}, {"type"}),
    ],
)
def test_a_record_lies_in_its_zone_and_says_what_its_type_takes(
    cloud: tuple[Any, str], change: dict[str, Any], paths: set[str]
) -> None:
    gcp, network = cloud
    gcp.create(ZONE, zone(network))
    assert {path for path, _ in gcp.check(RECORD, record(**change))} == paths


def test_a_zone_with_records_stays_and_one_without_goes(cloud: tuple[Any, str], refused: type[Exception]) -> None:
    gcp, network = cloud
    zone_id, outputs = gcp.create(ZONE, zone(network))
    assert zone_id.endswith("/managedZones/cell-storage")
    assert outputs["nameServers"]
    record_id, _ = gcp.create(RECORD, record())
    assert record_id == f"{zone_id}/rrsets/{STORAGE}/A"
    with pytest.raises(refused, match="still has records"):
        gcp.delete(ZONE, zone_id)
    gcp.delete(RECORD, record_id)
    gcp.delete(ZONE, zone_id)
    moved = zone(network, dnsName="other.example.com.")
    assert list(gcp.diff(ZONE, zone(network), moved).replaces) == ["dnsName"]
