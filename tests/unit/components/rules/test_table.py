"""The rule table is closed: every type that our programs register is in it, every rule has been seen to refuse."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from components.rules import judge, table
from components.rules.model import UNKNOWN_TEXT, Inputs, Rule, TypeRules
from rehearsal.providers import alicloud, azure_native, gcp
from tests.unit.components.rules.right import RIGHT
from tests.unit.components.rules.wrong import WRONG

if TYPE_CHECKING:
    from collections.abc import Iterator

GRAPHS = Path(__file__).parents[3] / "golden" / "graphs"
TYPES = [declared for package in table.FOLDERS for declared in table.of_package(package).values()]
RULES = [(declared, rule) for declared in TYPES for rule in declared.all_rules]
# No pattern takes it.
NO_NAME = "\n<no name>\n"
# What the recorder answers for the ids of principals, which the cloud makes up; nobody knows them in a plan.
_MADE_UP = ("principal-", "kubelet-")


def graph() -> list[dict[str, Any]]:
    """The resources of the golden cells, layer by layer, as a plan would list them."""
    return [
        {**row, "urn": f"urn:pulumi:fleet.{path.stem}::twain::{row['type']}::{row['name']}"}
        for path in sorted(GRAPHS.glob("*.json"))
        for row in json.loads(path.read_text(encoding="utf-8"), object_hook=_asked)
    ]


def resources() -> list[dict[str, Any]]:
    """The golden cells', and those of types that they do not have."""
    more = [{"type": token, "urn": f"urn:pulumi:s::twain::{token}::n", "inputs": inputs} for token, inputs in RIGHT]
    return graph() + more


def _pool(path: str, was: Any, new: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"nodeConfig": {path: was}}, {"nodeConfig": {path: new}}


def _asked(found: dict[str, Any]) -> dict[str, Any]:
    return {
        key: UNKNOWN_TEXT if key in ("principalId", "objectId") and str(value).startswith(_MADE_UP) else value
        for key, value in found.items()
    }


def call(declared: TypeRules, inputs: dict[str, Any]) -> Inputs:
    return Inputs(type_name=declared.type_name, urn="urn:pulumi:s::twain::t::n", inputs=judge.plain(inputs))


def put(inputs: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The inputs with another value at a path such as `a.b[0].c`."""
    found = copy.deepcopy(inputs)
    *before, last = path.split(".")
    place = found
    for name in before:
        inner = place.setdefault(name.removesuffix("[0]"), [{}] if name.endswith("[0]") else {})
        place = inner[0] if isinstance(inner, list) else inner
    place[last] = value
    return found


def broken(rule: Rule) -> Iterator[dict[str, Any]]:
    """Inputs that break a rule of a general kind."""
    first, *others = rule.paths or ("",)
    if rule.kind == "required":
        yield from ({}, *(put({}, path, "given") for path in rule.paths if others))
    elif rule.kind in ("exactly one of", "conflict"):
        yield put(put({}, first, "a"), others[0], "b")
    elif rule.kind == "pattern":
        yield put({}, first, NO_NAME)
    elif rule.kind == "enum":
        yield put({}, first, "no such word")
    elif rule.kind == "range":
        yield from (put({}, first, rule.facts[end] + step) for end, step in (("low", -1), ("high", 1)))
    elif rule.kind == "order":
        yield put(put({}, first, 3), others[0], 2)
    elif rule.kind == "network":
        yield from (put({}, first, value) for value in ("no network", "10.0.0.0/31", "8.0.0.0/16"))
    elif rule.kind == "labels":
        wrong = {"k" * 600: "v" * 300}
        yield {"tags": wrong, "labels": wrong}


def test_every_type_that_a_program_registers_is_in_the_table_or_judged_elsewhere() -> None:
    seen = {row["type"] for row in graph()}
    assert {name for name in seen if table.of_type(name) is None and name.split(":")[0] not in table.ELSEWHERE} == set()
    assert set(table.FOLDERS) & set(table.ELSEWHERE) == set()


def test_the_emulated_clouds_have_the_same_types() -> None:
    emulated = {name for cloud in (alicloud.CLOUD, gcp.CLOUD, azure_native.CLOUD) for name in cloud.types}
    assert emulated == {declared.type_name for declared in TYPES}


def test_what_is_right_breaks_no_rule() -> None:
    assert judge.violations(resources()) == []


def test_what_is_not_known_is_never_guessed() -> None:
    for row in resources():
        for path in _places(row["inputs"]):
            hidden = copy.deepcopy(row["inputs"])
            place: Any = hidden
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = UNKNOWN_TEXT
            assert judge.violations([{**row, "inputs": hidden}]) == [], path


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*path, step)
        yield from _places(inner, (*path, step))


@pytest.mark.parametrize(("declared", "rule"), RULES, ids=lambda one: getattr(one, "type_name", None) or one.title)
def test_wrong_on_purpose_is_refused(declared: TypeRules, rule: Rule) -> None:
    wrong = [WRONG[declared.type_name, rule.facts["name"]]] if rule.kind == "shape" else list(broken(rule))
    assert wrong
    for inputs in wrong:
        problems = rule(call(declared, inputs))
        assert problems, inputs
        assert all(problem.path and problem.reason for problem in problems)
        assert rule.fix


def test_every_case_is_of_a_rule() -> None:
    assert set(WRONG) == {(declared.type_name, rule.facts["name"]) for declared, rule in RULES if rule.kind == "shape"}


@pytest.mark.parametrize("declared", TYPES, ids=lambda one: one.type_name)
def test_names_and_labels_of_ours_are_narrower_than_the_clouds(declared: TypeRules) -> None:
    for rule in judge.house_rules(declared.type_name):
        if rule.kind == "name":
            assert rule(call(declared, put({}, rule.paths[0], NO_NAME)))
        else:
            assert rule(call(declared, {"tags": {"UPPER": "v"}, "labels": {"acs-x": "v"}}))


def test_a_violation_says_all_that_a_reader_needs() -> None:
    token = "azure-native:storage:BlobServiceProperties"
    provider = {"type": "pulumi:providers:azure-native", "urn": "urn:pulumi:s::p::pulumi:providers:azure-native::c"}
    row = {
        "type": token,
        "urn": f"urn:pulumi:fleet.a.infra::twain::{token}::blobs",
        "inputs": {"blobServicesName": "default", "deleteRetentionPolicy": {"days": 366}},
        "provider": "urn:pulumi:fleet.a.infra::p::pulumi:pulumi:Stack$pulumi:providers:azure-native::c::id",
    }
    (found,) = judge.violations([{**provider, "inputs": {"location": "francecentral"}}, row])
    assert (found.stack, found.type, found.name) == ("fleet.a.infra", token, "blobs")
    assert (found.property, found.value, found.rule) == ("deleteRetentionPolicy.days", "366", "range")
    assert found.reason == "must lie between 1 and 365, not 366"
    assert found.fix == "take 1 to 365"
    assert found.source.endswith("/azure-native/api-docs/storage/blobserviceproperties/")


@pytest.mark.parametrize(
    "token", ["azure-native:storage/v20230101:StorageAccount", "azure-native_storage_v20230101:storage:StorageAccount"]
)
def test_a_version_of_an_api_hides_no_type(token: str) -> None:
    urn = f"urn:pulumi:s::twain::{token}::a"
    inputs = {"accountName": "A-b", "resourceGroupName": "rg", "kind": "StorageV2"}
    row = {"type": token, "urn": urn, "inputs": inputs}
    (found,) = judge.violations([row])
    assert (found.type, found.property, found.rule) == (token, "accountName", "pattern")
    up = {**row, "inputs": {**inputs, "kind": "FileStorage"}}
    assert [one.property for one in judge.replacements([row], [up])] == ["kind"]


def test_a_secret_is_neither_read_nor_shown() -> None:
    sealed = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": NO_NAME}
    row = {"type": "gcp:compute/network:Network", "urn": "urn:pulumi:s::t::gcp:compute/network:Network::n"}
    assert judge.violations([{**row, "inputs": {"name": sealed}}]) == []
    (found,) = judge.violations([{**row, "inputs": {"name": "net", "mtu": sealed | {"value": 1}, "routingMode": "X"}}])
    assert found.property == "routingMode"


def test_only_what_cannot_change_and_is_known_on_both_sides_replaces() -> None:
    token = "gcp:container/cluster:Cluster"
    urn = f"urn:pulumi:s::twain::{token}::c"
    up = {
        "type": token,
        "urn": f"urn:pulumi:s::twain::twain:index:Cluster${token}::c",
        "inputs": {
            "__defaults": ["project"],
            "name": "c",
            "location": "europe-west4",
            "project": "p",
            "description": "d",
            "network": "n1",
            "nodeConfig": {"machineType": "e2", "__defaults": []},
            "nodePools": [{"name": "a"}],
            "resourceLabels": {"a": "b"},
        },
    }
    new = {
        "name": "c",
        "location": "europe-west1",
        "network": UNKNOWN_TEXT,
        "nodeConfig": {"machineType": "e2"},
        "nodePools": [{"name": "a"}, {"name": "b"}],
        "resourceLabels": {},
    }
    found = judge.replacements([{"type": token, "urn": urn, "inputs": new}], [up])
    assert [one.property for one in found] == ["location", "nodePools"]
    assert judge.replacements([{"type": token, "urn": urn, "inputs": new}], [{**up, "delete": True}]) == []
    assert judge.replacements([{"type": token, "urn": urn, "inputs": up["inputs"]}], [up]) == []


@pytest.mark.parametrize(
    ("token", "was", "new", "replaced"),
    [
        ("gcp:container/nodePool:NodePool", *_pool("machineType", "a", "b"), []),
        ("gcp:container/nodePool:NodePool", *_pool("diskSizeGb", 50, 100), []),
        ("gcp:container/nodePool:NodePool", *_pool("spot", False, True), ["nodeConfig.spot"]),
        ("gcp:container/nodePool:NodePool", *_pool("metadata", {"a": "b"}, {"a": "c"}), ["nodeConfig.metadata"]),
        ("alicloud:vpc/network:Network", {"vpcName": "a"}, {"vpcName": "b"}, []),
        ("alicloud:cs/nodePool:NodePool", {"nodePoolName": "a"}, {"nodePoolName": "b"}, []),
        ("gcp:compute/network:Network", {"name": "a"}, {"name": "b"}, ["name"]),
        (
            "gcp:filestore/instance:Instance",
            {"networks": [{"network": "a", "ipAddresses": ["10.0.0.1"]}]},
            {"networks": [{"network": "b", "ipAddresses": ["10.0.0.2"]}]},
            ["networks.network"],
        ),
        ("gcp:filestore/instance:Instance", {"networks": [{}]}, {"networks": [{}, {}]}, ["networks"]),
    ],
)
def test_what_the_provider_updates_in_place_is_not_called_replaced(
    token: str, was: dict[str, Any], new: dict[str, Any], replaced: list[str]
) -> None:
    urn = f"urn:pulumi:s::twain::{token}::n"
    up, plan = ({"type": token, "urn": urn, "inputs": inputs} for inputs in (was, new))
    assert [one.property for one in judge.replacements([plan], [up])][:1] == replaced
