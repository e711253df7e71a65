"""Who implements the Gateway API where, and whose the definitions are."""

from __future__ import annotations

import json

import pytest

from components.clouds import gateways
from components.platform.definitions import DATA, load
from tests.definitions import bare

KINDS = {
    gateways.GATEWAY_API: {"GatewayClass", "Gateway", "HTTPRoute"},
    gateways.INFERENCE: {"InferencePool"},
}


@pytest.mark.parametrize(
    ("cloud", "minor", "missing"),
    [
        ("alicloud", "1.34", ()),
        ("gcp", "1.33", (gateways.INFERENCE,)),
        ("gcp", "1.34", ()),
        ("gcp", "1.100", ()),
        ("azure", "1.36", gateways.GROUPS),
    ],
)
def test_what_a_cluster_does_not_bring_is_the_platform_s(cloud: str, minor: str, missing: tuple[str, ...]) -> None:
    assert gateways.missing(cloud, minor) == missing
    assert set(gateways.brought(cloud, minor)) == set(gateways.GROUPS) - set(missing)


def test_every_group_has_its_definitions_in_the_tree_and_no_file_is_of_another() -> None:
    for group, kinds in KINDS.items():
        found = load((group,))
        assert {one["spec"]["names"]["kind"] for one in found} == kinds
        assert {one["spec"]["group"] for one in found} == {group}
    assert len(list(DATA.glob("*.json"))) == sum(map(len, KINDS.values()))


def test_definitions_are_of_the_standard_channel_and_serve_the_versions_that_are_used() -> None:
    for one in load((gateways.GATEWAY_API,)):
        assert one["metadata"]["annotations"]["gateway.networking.k8s.io/channel"] == "standard"
    for one in load(gateways.GROUPS):
        assert "v1" in {version["name"] for version in one["spec"]["versions"] if version["served"]}
        assert set(one) == {"apiVersion", "kind", "metadata", "spec"}


def test_a_text_about_a_field_goes_and_a_field_of_that_name_stays() -> None:
    schema = {"description": "says", "properties": {"description": {"type": "string", "description": "says"}}}
    assert bare({"schema": [schema]}) == {"schema": [{"properties": {"description": {"type": "string"}}}]}
    assert all(json.dumps(one) == json.dumps(bare(one)) for one in load(gateways.GROUPS))


def test_an_address_is_internal_by_class_or_by_what_the_cloud_is_told() -> None:
    told = {cloud: set(one.internal.values()) for cloud, one in gateways.IMPLEMENTATIONS.items()}
    assert told == {"alicloud": {"intranet"}, "gcp": set(), "azure": {"true"}}
    assert {"istio", "ack-gateway"} == gateways.PUBLIC_BY_DEFAULT
