"""What a plan holds beside the three clouds, what it leaves out, and what the clouds call by more than one name."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pulumi
import pytest

from components.clouds import tokens
from components.errors import ResidencyError, SpecError
from components.parity.graph import Graph as Seen
from components.policy import documents
from components.policy.decide import Border, Graph
from stacks.guard import Guard
from tests.unit.components.policy.test_pack import Context, configured, resource

HOMES = {
    "alicloud": ("pulumi:providers:alicloud", {"region": "cn-shanghai"}),
    "gcp": ("pulumi:providers:gcp", {"region": "europe-west4"}),
    "azure-native": ("pulumi:providers:azure-native", {"location": "francecentral"}),
}


def row(kind: str, name: str, inputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"urn": f"urn:pulumi:s::p::{kind}::{name}", "type": kind, "custom": True, "inputs": inputs, **more}


def preview(*rows: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"steps": [{"op": "create", "newState": one} for one in rows], **more}).encode()


def judged(world: str, *rows: dict[str, Any], security: bool = False) -> tuple[list[tuple[str, str]], int]:
    """What is found in a preview, and how many of its resources have rules."""
    graph = Graph(Border.anywhere(world, security=security))
    found = graph.judge(documents.read("plan.json", raw=preview(*rows)).resources)
    return [(one.rule, one.property) for one in found], graph.judged


def at_home(world: str, kind: str, inputs: dict[str, Any], *, security: bool = False) -> list[tuple[str, str]]:
    """The verdict on one resource under a provider of the same graph that lies at home."""
    of, place = HOMES[tokens.plain(kind).partition(":")[0]]
    home = row(of, "home", place)
    rows = [home, row(kind, "thing", inputs, provider=f"{home['urn']}::id")]
    return judged(world, *rows, security=security)[0]


FOREIGN = [
    ("aws:s3/bucket:Bucket", {"region": "us-east-1"}),
    ("azure:storage/account:Account", {"location": "westeurope"}),
    ("tencentcloud:Cos/bucket:Bucket", {"region": "na-ashburn"}),
    ("docker-build:index:Image", {"push": True, "tags": ["docker.io/a/b:1"]}),
    ("command:local:Command", {"create": "curl https://collect.example.com"}),
    ("pulumi:providers:aws", {"region": "us-east-1"}),
]


@pytest.mark.parametrize("world", ["cn", "row"])
@pytest.mark.parametrize(("kind", "inputs"), FOREIGN, ids=[kind for kind, _ in FOREIGN])
def test_what_no_rule_knows_is_refused_by_every_enforcer(kind: str, inputs: dict[str, Any], world: str) -> None:
    assert judged(world, row(kind, "b", inputs)) == ([("RES-002", "type")], 1)
    asked = pulumi.ResourceTransformArgs(True, kind, "b", inputs, pulumi.ResourceOptions())
    with pytest.raises(ResidencyError) as raised:
        asyncio.run(Guard(Border.anywhere(world, security=False)).judge(asked))
    assert [one.code for one in raised.value.problems] == ["RES-002"]
    from pulumi.runtime.proto import analyzer_pb2

    made = resource(kind, "b", inputs)
    request = analyzer_pb2.AnalyzeRequest(
        type=kind, urn=made.urn, name="b", properties=made.properties, provider=made.provider
    )
    told = configured(world).Analyze(request, Context()).diagnostics
    assert [one.policyName for one in told] == ["RES-002"]


@pytest.mark.parametrize(
    "kind", ["random:index/randomId:RandomId", "tls:index/privateKey:PrivateKey", "time:index/sleep:Sleep"]
)
def test_what_lies_in_the_state_alone_has_no_place(kind: str) -> None:
    assert judged("cn", row(kind, "r", {})) == ([], 0)


def test_a_component_of_anybodys_only_groups_others() -> None:
    group = row("shop:index:Backend", "b", {"region": "us-east-1"}, custom=False)
    assert judged("cn", group) == ([], 0)
    assert judged("cn", {**group, "custom": True}) == ([("RES-002", "type")], 1)
    asked = pulumi.ResourceTransformArgs(False, group["type"], "b", {}, pulumi.ResourceOptions())
    assert asyncio.run(Guard(Border.anywhere("cn", security=False)).judge(asked)) is None


OSS = "alicloud:oss/bucket:Bucket"


def test_a_provider_that_was_named_must_be_shown() -> None:
    abroad = row("pulumi:providers:alicloud", "hongkong", {"region": "cn-hongkong"})
    home = row("pulumi:providers:alicloud", "home", {"region": "cn-shanghai"})
    other = row("pulumi:providers:random", "home", {})

    def under(provider: dict[str, Any], *shown: dict[str, Any]) -> list[tuple[str, str]]:
        return judged("cn", *shown, row(OSS, "b", {"bucket": "x"}, provider=f"{provider['urn']}::id1"))[0]

    assert under(abroad) == [("RES-003", "provider")]
    assert under(abroad, home) == [("RES-003", "provider")]
    assert under(other, other) == [("RES-003", "provider")]
    # What is wrong with a provider is said once, of the provider.
    assert under(abroad, abroad) == [("RES-001", "region")]
    assert under(home, home) == []


def code(raw: bytes) -> str:
    with pytest.raises(SpecError) as raised:
        documents.read("plan.json", raw=raw)
    return raised.value.problems[0].code


def test_a_preview_that_leaves_something_out_is_refused() -> None:
    home = row("pulumi:providers:alicloud", "home", {"region": "cn-shanghai"})
    assert code(b'{"changeSummary":{"same":41,"create":1},"steps":[]}') == "DOC-SAMES"
    assert code(preview(home, changeSummary={"same": 1, "create": 1})) == "DOC-SAMES"
    assert len(documents.read("plan.json", raw=preview(home, changeSummary={"create": 1})).resources) == 1
    same = {"steps": [{"op": "same", "newState": home}], "changeSummary": {"same": 1}}
    assert len(documents.read("plan.json", raw=json.dumps(same).encode()).resources) == 1


def test_a_step_without_its_resource_is_refused_unless_the_resource_goes() -> None:
    assert code(b'{"steps":[{"op":"create","urn":"urn:pulumi:s::p::a:b:C::x"}]}') == "DOC-SHAPE"
    gone = b'{"steps":[{"op":"delete"},{"op":"discard-replaced"},{"op":"refresh"}]}'
    assert documents.read("plan.json", raw=gone).resources == []


VERSIONED = [
    ("azure-native:storage/v20230101:StorageAccount", {"location": "francecentral", "sku": {"name": "Standard_RAGRS"}}),
    ("azure-native_storage_v20230101:storage:StorageAccount",
     {"location": "francecentral", "sku": {"name": "Standard_RAGRS"}}),
    ("azure-native:network/v20230901:VirtualNetworkPeering", {"remoteVirtualNetwork": {"id": "/subscriptions/x"}}),
    ("azure-native:cdn/v20230501:Profile", {"location": "francecentral"}),
    ("azure-native:containerregistry/v20230701:Replication", {"location": "francecentral"}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "inputs"), VERSIONED, ids=[kind for kind, _ in VERSIONED])
def test_a_version_of_an_api_hides_no_type_from_its_rule(kind: str, inputs: dict[str, Any]) -> None:
    found = at_home("row", kind, inputs)
    assert found
    assert found == at_home("row", tokens.plain(kind), inputs)


def test_a_version_of_an_api_hides_no_cluster_from_access_and_parity() -> None:
    kind = "azure-native:containerservice/v20230901:ManagedCluster"
    found = at_home("row", kind, {"location": "francecentral"}, security=True)
    assert ("SEC-001", "apiServerAccessProfile.enablePrivateCluster") in found
    assert Seen.of([(kind, "c", {"location": "francecentral"})]).all(tokens.plain(kind)) == [
        {"location": "francecentral"}
    ]


def test_older_names_of_modules_are_known() -> None:
    assert tokens.plain("azure-native:network:PrivateZone") == "azure-native:privatedns:PrivateZone"
    assert tokens.plain("azure-native:insights/v20180301:MetricAlert") == "azure-native:monitor:MetricAlert"
    assert tokens.plain("azure-native:insights:Component") == "azure-native:applicationinsights:Component"
    assert tokens.plain("pulumi:providers:azure-native_storage_v20230101") == "pulumi:providers:azure-native"
    for kind in ("gcp:storage/bucket:Bucket", "kubernetes:apps/v1:Deployment", "azure-native:storage:StorageAccount"):
        assert tokens.plain(kind) == kind
    assert at_home("row", "azure-native:network:PrivateZone", {"location": "Global"}) == []
