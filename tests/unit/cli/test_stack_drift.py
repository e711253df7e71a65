"""Differences out of the engine's refresh-preview."""

from __future__ import annotations

from typing import Any

from cli.stack_drift import CHANGED, GONE, differences

URN = "urn:pulumi:f.c.infra::twain::twain:index:Bucket$x:y/z:Bucket::c-weights"


def state(**inputs: Any) -> dict[str, Any]:
    return {"urn": URN, "custom": True, "id": "b-1", "type": "x:y/z:Bucket", "inputs": inputs, "outputs": inputs}


def step(op: str, old: dict[str, Any], new: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    return {"op": op, "urn": URN, "oldState": old, "newState": new, **more}


def found(*steps: dict[str, Any]) -> list[tuple[str, str, Any, Any]]:
    rows = differences({"steps": list(steps)})
    assert {row["resource"] for row in rows} <= {"c-weights"}
    return [(row["state"], row["property"], row["expected"], row["found"]) for row in rows]


def test_what_is_the_same_is_no_row() -> None:
    assert found(step("refresh", state(a=1, b=[{"c": 2}]), state(a=1, b=[{"c": 2}]))) == []


def test_each_changed_property_is_a_row_with_both_values() -> None:
    old, new = state(labels={"a": "1"}, days=30, rules=[{"x": 1}, {"x": 2}]), None
    new = state(labels={"a": "1", "b": "2"}, days=7, rules=[{"x": 1}, {"x": 3}])
    assert found(step("update", old, new)) == [
        (CHANGED, "days", 30, 7),
        (CHANGED, "labels.b", None, "2"),
        (CHANGED, "rules[1].x", 2, 3),
    ]


def test_a_longer_list_is_one_row() -> None:
    assert found(step("update", state(r=[1]), state(r=[1, 2]))) == [(CHANGED, "r", [1], [1, 2])]


def test_a_resource_that_is_gone_is_told_first_and_by_its_id() -> None:
    rows = found(step("update", state(a=1), state(a=2)), step("delete", state(a=1), None))
    assert rows == [(GONE, "(the resource)", "b-1", None), (CHANGED, "a", 1, 2)]


def test_a_secret_that_differs_is_told_and_stays_masked() -> None:
    masked = state(password="[secret]")
    diff = {"password": {"kind": "update", "inputDiff": True}}
    assert found(step("update", masked, masked, detailedDiff=diff)) == [
        (CHANGED, "password", "[secret]", "[secret]"),
    ]


def test_a_path_that_the_engine_names_too_is_not_told_twice() -> None:
    diff = {"labels.b": {"kind": "add"}, "labels": {"kind": "update"}}
    assert found(step("update", state(labels={}), state(labels={"b": "2"}), detailedDiff=diff)) == [
        (CHANGED, "labels.b", None, "2")
    ]


def test_components_and_providers_have_no_cloud_to_ask() -> None:
    component = {"urn": URN, "type": "twain:index:Bucket", "inputs": {"a": 1}}
    assert found(step("refresh", component, {**component, "inputs": {"a": 2}})) == []
