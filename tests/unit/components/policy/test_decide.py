"""The verdict on a plan or a state follows the edges of values that are not known yet."""

from __future__ import annotations

from typing import Any

from components.policy.decide import decide

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
PROVIDER = "urn:pulumi:s::twain::pulumi:providers:azure-native::cloud::id"
GROUP, IDENTITY = "azure-native:resources:ResourceGroup", "azure-native:managedidentity:UserAssignedIdentity"


def row(kind: str, name: str, inputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": kind, "urn": f"urn:pulumi:s::twain::{kind}::{name}", "inputs": inputs, "provider": PROVIDER, **more}


def found(*rows: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one.rule, one.property) for one in decide(rows, world="row", allowed=["francecentral"])]


def identity(**more: Any) -> dict[str, Any]:
    return row(IDENTITY, "who", {"location": UNKNOWN}, **more)


def test_an_unknown_place_takes_the_verdict_of_what_it_comes_from() -> None:
    good, bad = row(GROUP, "g", {"location": "francecentral"}), row(GROUP, "g", {"location": "eastus"})
    edges = {"location": [good["urn"]]}
    assert found(good, identity(propertyDependencies=edges)) == []
    assert found(bad, identity(propertyDependencies=edges)) == [("RES-001", "location"), ("RES-004", "location")]


def test_an_unknown_place_without_an_edge_is_refused() -> None:
    assert found(identity()) == [("RES-004", "location")]
    assert found(identity(propertyDependencies={"location": []})) == [("RES-004", "location")]


def test_an_unknown_place_from_another_stack_is_refused() -> None:
    other = row("pulumi:pulumi:StackReference", "infra", {})
    assert found(other, identity(propertyDependencies={"location": [other["urn"]]})) == [("RES-004", "location")]


def test_a_secret_place_is_refused() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "x"}
    assert found(row(GROUP, "g", {"location": secret})) == [("RES-004", "location")]


def test_a_default_provider_gives_a_place_only_when_its_own_is_in_the_graph() -> None:
    default = row("pulumi:providers:gcp", "default_10_2_0", {"version": "10.2.0"})
    placed = row("pulumi:providers:gcp", "default_10_2_0", {"region": "europe-west4", "version": "10.2.0"})
    abroad = row("pulumi:providers:gcp", "default_10_2_0", {"region": "mars-north1"})
    topic = row("gcp:pubsub/topic:Topic", "t", {"name": "t"}) | {"provider": f"{default['urn']}::id"}
    bucket = row("gcp:pubsub/topic:Topic", "t", {"region": "europe-west4"}) | {"provider": f"{default['urn']}::id"}
    judged = {"world": "row", "allowed": ["europe-west4"]}

    def rules(*rows: dict[str, Any]) -> list[tuple[str, str]]:
        return [(one.rule, one.property) for one in decide(rows, **judged)]

    assert rules(default, topic) == [("RES-003", "provider")]
    assert rules(topic) == [("RES-003", "provider")]
    assert rules(placed, topic) == []
    assert rules(default, bucket) == []
    assert rules(abroad, topic) == [("RES-002", "region"), ("RES-003", "provider")]


def test_what_is_about_to_be_deleted_is_not_judged() -> None:
    assert found(row(GROUP, "g", {"location": "eastus"}, delete=True)) == []
