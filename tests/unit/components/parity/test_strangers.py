"""Plans and states that twain did not make: read whole, or refused with what is wrong."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from components.errors import SpecError
from components.parity import state, strangers
from tests.unit.components.parity import plans

if TYPE_CHECKING:
    from pathlib import Path

CLUSTER = {
    "type": "gcp:container/cluster:Cluster",
    "urn": "urn:pulumi:prod::theirs::gcp:container/cluster:Cluster::main",
    "inputs": {"minMasterVersion": "1.35", "privateClusterConfig": {"enablePrivateEndpoint": True}},
}


def put(tmp_path: Path, document: Any) -> Path:
    path = tmp_path / "Their Plan.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


def refused(path: Path) -> str:
    with pytest.raises(SpecError) as caught:
        strangers.read(path)
    (problem,) = caught.value.problems
    assert problem.fix
    return f"{problem.code}: {problem.message}"


def step(op: str, **new: Any) -> dict[str, Any]:
    return {"op": op, "urn": CLUSTER["urn"], "newState": {**CLUSTER, **new} if op != "delete" else None}


@pytest.mark.parametrize(
    "document",
    [
        {"version": 3, "deployment": {"manifest": {}, "resources": [CLUSTER]}},
        {"config": {}, "steps": [step("create")], "changeSummary": {"create": 1}},
        {"steps": [step("same"), step("delete")], "changeSummary": {"same": 1, "delete": 1}},
        {"steps": [step("create-replacement"), step("delete-replaced")], "changeSummary": {"replace": 1}},
        {"resources": [CLUSTER]},
    ],
    ids=["state", "preview", "preview with what stays", "replacement", "planner"],
)
def test_states_previews_and_plans_are_read_alike(tmp_path: Path, document: dict[str, Any]) -> None:
    found = strangers.read(put(tmp_path, document))
    assert (found.name, found.cloud, len(found.resources)) == ("their-plan", "gcp", 1)
    values = state.guarantees(found.resources, found.cloud)
    assert (values["kubernetes.minor"], values["api.private"]) == ("1.35", "private")


def test_a_preview_that_leaves_out_what_stays_is_refused_and_says_how_to_make_a_whole_one(tmp_path: Path) -> None:
    document = {"steps": [step("update")], "changeSummary": {"same": 41, "update": 1}}
    said = refused(put(tmp_path, document))
    assert said.startswith("PLAN-SAMES: the preview leaves out 41 resources")
    one = {"steps": [step("update")], "changeSummary": {"same": 1, "update": 1}}
    assert refused(put(tmp_path, one)).startswith("PLAN-SAMES: the preview leaves out 1 resources")


def test_what_is_on_its_way_out_is_not_there(tmp_path: Path) -> None:
    """A replaced resource stands in a state until its successor is up and it is deleted."""
    old = {**CLUSTER, "inputs": {**CLUSTER["inputs"], "minMasterVersion": "1.33"}, "delete": True}
    found = strangers.read(put(tmp_path, {"version": 3, "deployment": {"resources": [old, CLUSTER]}}))
    assert [one["inputs"]["minMasterVersion"] for one in found.resources] == ["1.35"]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ('{"deployment": {"resources": [{"type": "gcp:', "PLAN-JSON"),
        ("", "PLAN-JSON"),
        ("[]", "PLAN-FORM"),
        ("{}", "PLAN-FORM"),
        ('{"steps": [1]}', "PLAN-FORM"),
        ('{"steps": [{"op": "create", "newState": {"inputs": {}}}]}', "PLAN-FORM"),
        ('{"resources": {"a": 1}}', "PLAN-FORM"),
        ('{"deployment": {"resources": [{"type": "gcp:a:B", "inputs": "text"}]}}', "PLAN-FORM"),
        ('{"deployment": {"resources": []}}', "PLAN-EMPTY"),
        ('{"resources": [{"type": "aws:eks/cluster:Cluster", "inputs": {}}]}', "PLAN-EMPTY"),
        ("[" * 100_000, "PLAN-DEPTH"),
    ],
)
def test_what_is_no_plan_is_refused_with_its_fault(tmp_path: Path, document: str, code: str) -> None:
    assert refused(put(tmp_path, document)).startswith(code)


def test_a_plan_of_two_clouds_is_two_cells(tmp_path: Path) -> None:
    other = {"type": "alicloud:oss/bucket:Bucket", "inputs": {}}
    assert "alicloud and gcp" in refused(put(tmp_path, {"resources": [CLUSTER, other]}))


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    assert refused(tmp_path / "absent.json").startswith("PLAN-FILE")
    assert refused(tmp_path).startswith("PLAN-FILE")
    (tmp_path / "latin.json").write_bytes(b'{"steps": "\xe9"}')
    assert refused(tmp_path / "latin.json").startswith("PLAN-UTF8")


def test_a_resource_that_the_program_only_reads_counts_by_what_the_cloud_answered(tmp_path: Path) -> None:
    external = {"type": CLUSTER["type"], "urn": CLUSTER["urn"], "external": True, "outputs": CLUSTER["inputs"]}
    found = strangers.read(put(tmp_path, {"deployment": {"resources": [external]}}))
    assert state.guarantees(found.resources, "gcp")["api.private"] == "private"


def test_kubernetes_objects_alone_are_of_no_cloud(tmp_path: Path) -> None:
    rows = [row for row in plans.plan("gcp") if row["type"].startswith("kubernetes:")]
    found = strangers.read(put(tmp_path, {"resources": rows}))
    assert found.cloud is None


def test_a_plan_of_fifty_thousand_resources_is_read_in_bounded_time(tmp_path: Path) -> None:
    row = {"type": "gcp:storage/bucket:Bucket", "urn": "urn::b", "inputs": {"publicAccessPrevention": "enforced"}}
    began = time.process_time()
    found = strangers.read(put(tmp_path, {"resources": [CLUSTER, *[row] * 50_000]}))
    values = state.guarantees(found.resources, "gcp")
    assert values["bucket.public_access"] == "possible"
    # Processor time, and generous: what is asked is that it does not grow with the square.
    assert time.process_time() - began < 60


@pytest.mark.parametrize(
    ("stem", "name"),
    [("plan", "plan"), ("2026-11 Prod", "plan-2026-11-prod"), ("Ours_EU.west", "ours-eu-west"), ("x" * 40, "x" * 20)],
)
def test_a_cell_out_of_a_file_has_a_name_that_a_waiver_can_give(tmp_path: Path, stem: str, name: str) -> None:
    assert strangers.name_of(tmp_path / f"{stem}.json") == name
