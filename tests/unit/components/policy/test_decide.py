"""The verdict on a plan or a state follows the edges of values that are not known yet."""

from __future__ import annotations

from typing import Any

import pytest

from components.policy.decide import decide

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
AZURE = "pulumi:providers:azure-native"
PROVIDER = "urn:pulumi:s::twain::pulumi:providers:azure-native::cloud::id"
GROUP, IDENTITY = "azure-native:resources:ResourceGroup", "azure-native:managedidentity:UserAssignedIdentity"


def row(kind: str, name: str, inputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": kind, "urn": f"urn:pulumi:s::twain::{kind}::{name}", "inputs": inputs, "provider": PROVIDER, **more}


def found(*rows: dict[str, Any]) -> list[tuple[str, str]]:
    provider = {"type": AZURE, "urn": PROVIDER.removesuffix("::id"), "inputs": {"location": "francecentral"}}
    return [(one.rule, one.property) for one in decide([provider, *rows], world="row", allowed=["francecentral"])]


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


def test_a_text_in_a_cluster_may_come_from_the_infra_stack_of_a_cell_of_this_world_alone() -> None:
    def told(name: str) -> list[str]:
        edges = {"data": [f"urn:pulumi:prod.a.platform::twain::pulumi:pulumi:StackReference::{name}"]}
        config = row("kubernetes:core/v1:ConfigMap", "c", {"data": {"prometheus.yml": UNKNOWN}})
        judged = {"world": "row", "allowed": ["francecentral"], "cells": {"a": "row", "b": "cn"}}
        return [one.rule for one in decide([config | {"propertyDependencies": edges}], **judged)]

    assert told("infra-a") == []
    assert told("infra-b") == ["RES-004"]
    assert told("infra-of-nobody") == ["RES-004"]
    assert told("a") == ["RES-004"]


def test_a_secret_place_is_refused() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "x"}
    assert found(row(GROUP, "g", {"location": secret})) == [("RES-004", "location")]


def test_a_default_provider_gives_a_place_only_when_its_own_is_in_the_graph() -> None:
    default = row("pulumi:providers:gcp", "default_10_2_0", {"version": "10.2.0"})
    placed = row("pulumi:providers:gcp", "default_10_2_0", {"region": "europe-west4", "version": "10.2.0"})
    abroad = row("pulumi:providers:gcp", "default_10_2_0", {"region": "mars-north1"})
    topic = row("gcp:redis/instance:Instance", "t", {"name": "t"}) | {"provider": f"{default['urn']}::id"}
    bucket = row("gcp:redis/instance:Instance", "t", {"region": "europe-west4"}) | {"provider": f"{default['urn']}::id"}
    judged = {"world": "row", "allowed": ["europe-west4"]}

    def rules(*rows: dict[str, Any]) -> list[tuple[str, str]]:
        return [(one.rule, one.property) for one in decide(rows, **judged)]

    assert rules(default, topic) == [("RES-003", "provider")]
    assert rules(topic) == [("RES-003", "provider")]
    assert rules(placed, topic) == []
    assert rules(default, bucket) == []
    assert rules(abroad, topic) == [("RES-002", "region"), ("RES-003", "provider")]


@pytest.mark.parametrize("standing", ["delete", "pending"])
def test_what_is_still_there_or_may_be_is_judged_and_vouches_for_nothing(standing: str) -> None:
    """A state holds what it has yet to delete, and what an engine had begun when it was cut off."""
    abroad, home = ({"location": place} for place in ("eastus", "francecentral"))
    assert [rule for rule, _ in found(row(GROUP, "g", abroad, **{standing: True}))] == ["RES-001"]
    assert found(row(GROUP, "g", home, **{standing: True}), row(GROUP, "g", home)) == []
    # The one of the same name that is there in its stead stands by itself.
    both = [row(GROUP, "g", home), row(GROUP, "g", abroad, **{standing: True})]
    taken = identity(propertyDependencies={"location": [both[0]["urn"]]})
    assert [rule for rule, _ in found(*both, taken)] == ["RES-001"]


KEY, RING, BUCKET = "gcp:kms/cryptoKey:CryptoKey", "gcp:kms/keyRing:KeyRing", "gcp:storage/bucket:Bucket"
CMEK = "encryption"


def graph(place: str, *, known: bool, edge: bool = True) -> list[tuple[str, str]]:
    """A bucket with the key of the same graph: in a plan its name is not known yet, in a state it is."""
    ring = row(RING, "ring", {"location": place})
    key = row(KEY, "key", {"keyRing": UNKNOWN}, propertyDependencies={"keyRing": [ring["urn"]]})
    name = f"projects/p/locations/{place}/keyRings/r/cryptoKeys/k" if known else UNKNOWN
    inputs = {"location": "europe-west4", CMEK: {"defaultKmsKeyName": name}}
    bucket = row(BUCKET, "b", inputs, propertyDependencies={CMEK: [key["urn"]] if edge else []})
    urn = "urn:pulumi:s::p::pulumi:providers:gcp::cloud"
    home = {"type": "pulumi:providers:gcp", "urn": urn, "inputs": {"region": "europe-west4"}}
    rows = [home, *({**one, "provider": f"{urn}::id"} for one in (ring, key, bucket))]
    found = decide(rows, world="row", allowed=["europe-west4"], security=False)
    return [(one.rule, one.property) for one in found if one.resource.startswith(BUCKET)]


@pytest.mark.parametrize("known", [False, True], ids=["preview", "up"])
def test_a_key_of_the_same_graph_takes_the_verdict_of_where_it_lies(known: bool) -> None:
    place = "encryption.defaultKmsKeyName"
    assert graph("europe-west4", known=known) == []
    abroad = graph("us-central1", known=known)
    assert [where for _, where in abroad] == [place]
    assert abroad[0][0] == ("RES-001" if known else "RES-004")
    # A name that says its region needs no edge; one that is not known yet needs one.
    assert graph("europe-west4", known=known, edge=False) == ([] if known else [("RES-004", place)])


@pytest.mark.parametrize("known", [False, True], ids=["preview", "up"])
def test_a_key_whose_id_names_no_region_is_traced_in_both(known: bool) -> None:
    provider = {"cn-shanghai": "urn:pulumi:s::p::pulumi:providers:alicloud::home::id"}
    kind, bucket = "alicloud:kms/key:Key", "alicloud:oss/bucket:Bucket"
    value = "0a1b2c3d-key" if known else UNKNOWN

    def rules(inputs_of_key: dict[str, str], *, edge: bool) -> list[str]:
        key = row(kind, "k", inputs_of_key) | {"provider": provider["cn-shanghai"]}
        inputs = {"serverSideEncryptionRule": {"kmsMasterKeyId": value}}
        edges = {"serverSideEncryptionRule": [key["urn"]] if edge else []}
        store = row(bucket, "b", inputs, propertyDependencies=edges) | {"provider": provider["cn-shanghai"]}
        home = {"type": "pulumi:providers:alicloud", "urn": provider["cn-shanghai"].removesuffix("::id")}
        home["inputs"] = {"region": "cn-shanghai"}
        found = decide([home, key, store], world="cn", allowed=["cn-shanghai"], security=False)
        return [one.rule for one in found if one.resource.startswith(bucket)]

    assert rules({}, edge=True) == []
    assert rules({}, edge=False) == ["RES-004"]
    assert rules({"regionId": "eu-central-1"}, edge=True) == ["RES-004"]


def test_each_mark_of_the_engine_for_what_is_not_known_is_known() -> None:
    marks = [
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    ]
    for mark in marks:
        assert found(row(GROUP, "g", {"location": mark})) == [("RES-004", "location")]
    output = {"4dabf18193072939515e22adb298388d": "d0e6a833031e9bbcd3f4e8bde6ca49a4", "dependencies": []}
    assert found(row(GROUP, "g", {"location": output})) == [("RES-004", "location")]
    assert found(row(GROUP, "g", {"location": {**output, "value": "eastus"}})) == [("RES-001", "location")]


def test_a_secret_that_is_shown_is_judged_as_what_it_is() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
    assert found(row(GROUP, "g", {"location": {**secret, "plaintext": '"eastus"'}})) == [("RES-001", "location")]
    assert found(row(GROUP, "g", {"location": {**secret, "plaintext": '"francecentral"'}})) == []
    assert found(row(GROUP, "g", {"location": {**secret, "ciphertext": "[secret]"}})) == [("RES-004", "location")]


def test_what_is_only_looked_up_lies_where_it_was_found() -> None:
    looked = row(GROUP, "g", {}, external=True, outputs={"location": "eastus"})
    assert found(looked) == [("RES-001", "location")]
    assert found(looked | {"outputs": {"location": "francecentral"}}) == []
    assert found(looked | {"outputs": {}}) == [("RES-003", "location")]


def test_a_stack_of_another_worlds_cell_is_not_read() -> None:
    other = row("pulumi:pulumi:StackReference", "r", {"name": "organization/twain/prod.sha-1.infra"}, external=True)
    judged = {"world": "row", "allowed": ["francecentral"]}
    assert [one.rule for one in decide([other], cells={"sha-1": "cn"}, **judged)] == ["RES-011"]
    assert decide([other], cells={"sha-1": "row"}, **judged) == []
