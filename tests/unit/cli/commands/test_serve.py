"""`twain serve` against stub API servers: what is printed, what is sent, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

WORKLOAD = Path(__file__).parents[4] / "examples" / "advisor.yaml"
ROW = ("--world", "row")
DEPLOYMENT = "/apis/apps/v1/namespaces/maison-aurelia/deployments/advisor"


def changed(tmp_path: Path, **spec: Any) -> str:
    """A copy of the example with other values in its spec."""
    raw = yaml.safe_load(WORKLOAD.read_text())
    raw["spec"].update(spec)
    path = tmp_path / "workload.yaml"
    path.write_text(yaml.safe_dump(raw))
    return str(path)


def test_an_apply_writes_six_objects_by_server_side_apply_and_ends_when_all_are_ready(row: Any) -> None:
    operator, ams, _ = row
    ran = operator.twain("serve", "apply", "-f", str(WORKLOAD), *ROW, "-y", "-o", "json")
    assert ran.code == 0, ran.err
    assert [(item["cell"], item["state"], item["ready"], item["desired"]) for item in ran.json["items"]] == [
        ("eu-ams-1", "done", 2, 2),
        ("eu-par-1", "done", 2, 2),
    ]
    patches = [request for request in ams.writes if request.method == "PATCH"]
    assert [request.json["kind"] for request in patches] == [
        "ServiceAccount", "NetworkPolicy", "PodDisruptionBudget", "InferencePool", "HTTPRoute", "Deployment",
    ]  # fmt: skip
    for request in patches:
        assert request.headers["content-type"] == "application/apply-patch+yaml"
        assert request.query == {"fieldManager": "twain", "force": "false"}
        assert request.headers["authorization"] == "Bearer tok-1"


def test_the_same_apply_again_writes_nothing(row: Any) -> None:
    operator, ams, par = row
    operator.twain("serve", "apply", "-f", str(WORKLOAD), *ROW, "-y")
    ams.requests.clear()
    par.requests.clear()
    ran = operator.twain("serve", "apply", "-f", str(WORKLOAD), *ROW, "-y", "-o", "json")
    assert ran.code == 0, ran.err
    assert [item["changed"] for item in ran.json["items"]] == [[], []]
    assert ams.writes == [] == par.writes


def test_scaling_keeps_the_revision_so_that_nothing_restarts(row: Any, tmp_path: Path) -> None:
    operator, ams, _ = row
    operator.twain("serve", "apply", "-f", str(WORKLOAD), *ROW, "-y")
    before = ams.objects[DEPLOYMENT]["spec"]["template"]
    operator.twain("serve", "apply", "-f", changed(tmp_path, replicas=3), *ROW, "-y")
    assert ams.objects[DEPLOYMENT]["spec"]["replicas"] == 3
    assert ams.objects[DEPLOYMENT]["spec"]["template"] == before


def test_replicas_beyond_the_pools_maximum_are_refused_before_any_write(row: Any, tmp_path: Path) -> None:
    operator, ams, par = row
    ran = operator.twain("serve", "apply", "-f", changed(tmp_path, replicas=6), *ROW, "-y", "-o", "json")
    assert ran.code == 4
    for cell in ("eu-ams-1", "eu-par-1"):
        assert (
            f"error CAP-MAX: cell {cell} can have at most 4 GPUs of class gpu-80g (gpu80g 4 x 1); "
            "6 replicas need 6: 2 missing." in ran.err
        )
    assert ran.out == ""
    assert ams.writes == [] == par.writes


def test_gpus_that_other_workloads_hold_are_not_free(row: Any) -> None:
    operator, ams, _ = row
    template = {"spec": {"nodeSelector": {"twain/gpu-class": "gpu-80g"}, "containers": [
        {"name": "x", "resources": {"limits": {"nvidia.com/gpu": "1"}}}]}}  # fmt: skip
    labels = {"twain/workload": "other", "twain/maison": "calisto"}
    other = {"kind": "Deployment", "metadata": {"name": "other", "labels": labels}}
    ams.put(
        "/apis/apps/v1/namespaces/maison-calisto/deployments/other",
        {**other, "spec": {"replicas": 3, "template": template}},
    )
    ran = operator.twain("serve", "apply", "-f", str(WORKLOAD), *ROW, "-y")
    assert ran.code == 4
    assert "3 of them taken by other workloads; 2 replicas need 2: 1 missing." in ran.err


def test_a_rollout_that_is_not_ready_at_its_deadline_names_pod_container_and_reason(row: Any) -> None:
    operator, ams, par = row
    par.ready = True
    ams.ready = False
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    revision = "5e513219c695"
    ams.put(
        "/api/v1/namespaces/maison-aurelia/pods/advisor-1",
        {
            "kind": "Pod",
            "metadata": {
                "namespace": "maison-aurelia",
                "labels": {"twain/workload": "advisor", "twain/revision": revision},
            },
            "status": {"phase": "Pending", "containerStatuses": [{"name": "vllm", "ready": False, "state": waiting}]},
        },
    )
    ran = operator.twain("serve", "apply", "-f", str(WORKLOAD), *ROW, "-y", "--timeout", "500ms", "-o", "json")
    assert ran.code == 4
    by_cell = {item["cell"]: item for item in ran.json["items"]}
    assert by_cell["eu-par-1"]["state"] == "done"
    assert by_cell["eu-ams-1"]["state"] == "failed"
    assert "pod advisor-1, container vllm: ImagePullBackOff: no such image." in by_cell["eu-ams-1"]["reason"]
    assert ran.json["errors"][0]["id"] == "ROLL-DEADLINE"


def test_an_apply_without_a_terminal_and_without_yes_is_refused_and_sends_nothing(row: Any) -> None:
    operator, ams, par = row
    ran = operator.twain("serve", "apply", "-f", str(WORKLOAD), *ROW)
    assert ran.code == 2
    assert "error CFG-CONFIRM: this changes things and nobody can be asked here." in ran.err
    assert ams.writes == [] == par.writes


def test_a_dry_run_shows_the_plan_and_sends_nothing(row: Any) -> None:
    operator, ams, _ = row
    ran = operator.twain("serve", "apply", "-f", str(WORKLOAD), *ROW, "--dry-run")
    assert ran.code == 0
    assert "dry run: nothing was changed." in ran.err
    assert ams.writes == []


def test_another_manager_of_a_field_is_named(row: Any, status: Any) -> None:
    operator, ams, _ = row
    causes = [{"reason": "FieldManagerConflict", "message": 'conflict with "hand"', "field": ".spec.replicas"}]
    ams.answers.append(
        lambda r: status(409, "Conflict", "Apply failed", details={"causes": causes}) if r.method == "PATCH" else None
    )
    ran = operator.twain("serve", "apply", "-f", str(WORKLOAD), *ROW, "-y")
    assert ran.code == 4
    assert '.spec.replicas: conflict with "hand"' in ran.err


def test_a_held_lease_ends_with_14_and_names_the_holder(row: Any) -> None:
    operator, ams, _ = row
    path = "/apis/coordination.k8s.io/v1/namespaces/maison-aurelia/leases/twain-advisor"
    renewed = "2999-01-01T00:00:00.000000Z"
    spec = {"holderIdentity": "eve/eve@desk/1/abcd", "leaseDurationSeconds": 45, "renewTime": renewed}
    ams.put(path, {"kind": "Lease", "spec": spec})
    ran = operator.twain("serve", "apply", "-f", str(WORKLOAD), *ROW, "-y")
    assert ran.code == 14
    assert "eve/eve@desk/1/abcd is changing maison-aurelia/twain-advisor in cell eu-ams-1" in ran.err
    assert not [request for request in ams.writes if request.method == "PATCH"]


def test_an_expired_lease_is_taken_over_and_given_back(row: Any) -> None:
    operator, ams, _ = row
    path = "/apis/coordination.k8s.io/v1/namespaces/maison-aurelia/leases/twain-advisor"
    spec = {"holderIdentity": "eve/eve@desk/1/abcd", "leaseDurationSeconds": 45, "renewTime": "2001-01-01T00:00:00Z"}
    ams.put(path, {"kind": "Lease", "spec": spec})
    ran = operator.twain("serve", "apply", "-f", str(WORKLOAD), *ROW, "-y")
    assert ran.code == 0, ran.err
    assert path not in ams.objects


def test_a_write_whose_answer_is_missing_is_unknown_and_ends_with_16(row: Any) -> None:
    operator, ams, _ = row
    ams.answers.append(lambda r: "reset" if r.method == "PATCH" and r.path == DEPLOYMENT else None)
    ran = operator.twain("serve", "apply", "-f", str(WORKLOAD), *ROW, "-y", "-o", "json")
    assert ran.code == 16
    states = {item["cell"]: item["state"] for item in ran.json["items"]}
    assert states == {"eu-ams-1": "unknown", "eu-par-1": "done"}
    assert "The write may have happened." in ran.err


def test_a_dead_cell_stops_no_other(row: Any) -> None:
    operator, _, _ = row
    operator.cell("eu-ams-1", "http://127.0.0.1:9")
    ran = operator.twain("serve", "apply", "-f", str(WORKLOAD), *ROW, "-y", "-o", "json")
    assert ran.code == 13
    assert {item["cell"]: item["state"] for item in ran.json["items"]} == {
        "eu-ams-1": "unreachable",
        "eu-par-1": "done",
    }


def test_list_prints_the_rows_that_answer_and_names_the_cell_that_does_not(row: Any) -> None:
    operator, _, _ = row
    operator.twain("serve", "apply", "-f", str(WORKLOAD), *ROW, "-y")
    operator.cell("eu-par-1", "http://127.0.0.1:9")
    ran = operator.twain("serve", "list", *ROW, "-o", "json")
    assert ran.code == 13
    assert ran.json["partial"] is True
    assert [error["cell"] for error in ran.json["errors"]] == ["eu-par-1"]
    assert ran.json["items"] == [
        {
            "world": "row",
            "cell": "eu-ams-1",
            "maison": "aurelia",
            "name": "advisor",
            "revision": "5e513219c695",
            "ready": 2,
            "desired": 2,
            "image": "sha256:3f1d9c2b7a6e5d4c3b2a190807f6e5d4c3b2a1908f7e6d5c4b3a29180706f5e4",
            "weights": "sha256:6c1f0f6a0b7b7d8a2a41f9c5d1d4b0a9e8c7b6a5f4e3d2c1b0a9f8e7d6c5b4a3",
            "state": "ready",
            "readers": [],
        }
    ]


def test_the_table_of_list_is_these_lines(row: Any) -> None:
    operator, _, _ = row
    operator.twain("serve", "apply", "-f", str(WORKLOAD), *ROW, "-y")
    ran = operator.twain("serve", "list", *ROW)
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "WORLD  CELL      MAISON   NAME     REVISION      READY  STATE  IMAGE                 WEIGHTS",
        "row    eu-ams-1  aurelia  advisor  5e513219c695    2/2  ready  sha256:3f1d9c2b7a6e…  sha256:6c1f0f6a0b7b…",
        "row    eu-par-1  aurelia  advisor  5e513219c695    2/2  ready  sha256:3f1d9c2b7a6e…  sha256:6c1f0f6a0b7b…",
        "4/4 replicas ready in 2 cells",
    ]
    assert ran.err == "next: twain metrics latency --since 15m\n"


def test_a_sum_says_what_it_is_without(row: Any) -> None:
    operator, _, _ = row
    operator.twain("serve", "apply", "-f", str(WORKLOAD), *ROW, "-y")
    operator.cell("eu-par-1", "http://127.0.0.1:9")
    listed = operator.twain("serve", "list", *ROW)
    assert listed.out.splitlines()[-1] == "2/2 replicas ready in 1 cell; nothing is known of eu-par-1"
    planned = operator.twain("serve", "plan", "-f", str(WORKLOAD), *ROW)
    assert planned.out.splitlines()[-1].endswith(": 2 cells, 0 blockers; eu-par-1 could not be asked.")


def test_get_of_an_unknown_workload_ends_with_6(row: Any) -> None:
    operator, _, _ = row
    ran = operator.twain("serve", "get", "nothing", *ROW)
    assert ran.code == 6
    assert "error SRV-404: there is no workload 'nothing' in the cells that were asked." in ran.err


def test_delete_takes_every_object_and_repeating_it_takes_nothing(row: Any) -> None:
    operator, ams, _ = row
    operator.twain("serve", "apply", "-f", str(WORKLOAD), *ROW, "-y")
    ran = operator.twain("serve", "delete", "advisor", "--maison", "aurelia", *ROW, "-y", "-o", "json")
    assert ran.code == 0, ran.err
    assert ran.json["items"][0]["changed"][0] == "Deployment/advisor"
    assert not [path for path in ams.objects if "advisor" in path]
    again = operator.twain("serve", "delete", "advisor", "--maison", "aurelia", *ROW, "-y", "-o", "json")
    assert [item["changed"] for item in again.json["items"]] == [[], []]


def test_without_a_gate_token_the_other_world_is_refused_and_our_own_is_served(row: Any) -> None:
    operator, _, _ = row
    ran = operator.twain("serve", "apply", "-f", str(WORKLOAD), "-y", "-o", "json")
    assert ran.code == 3
    assert [(item["world"], item["state"]) for item in ran.json["items"]] == [
        ("row", "done"),
        ("row", "done"),
        ("cn", "refused"),
    ]


def test_an_unreachable_gate_keeps_the_intent_with_its_key(row: Any, tmp_path: Path) -> None:
    operator, _, _ = row
    token = tmp_path / "cn.token"
    token.write_text("gate-token")
    token.chmod(0o600)
    operator.gates = {"cn": {"url": "https://127.0.0.1:9", "token_file": str(token)}}
    operator.write()
    ran = operator.twain("serve", "apply", "-f", str(WORKLOAD), "-y", "-o", "json")
    assert ran.code == 13
    assert ran.json["items"][-1]["state"] == "not sent"
    first = [record for record in records(operator) if record["step"] == "not-sent"]
    again = operator.twain("serve", "apply", "-f", str(WORKLOAD), "-y")
    assert "cn     (all)     advisor  -             unknown  not sent  -" in again.out
    second = [record for record in records(operator) if record["step"] == "not-sent"]
    assert len(second) == 2
    assert {record["op"] for record in second} == {first[0]["op"]}


def records(operator: Any) -> list[dict[str, Any]]:
    lines = (operator.home / "journal.jsonl").read_text().splitlines()
    return [json.loads(line.partition(" ")[2]) for line in lines]


@pytest.mark.parametrize(
    ("spec", "code", "message"),
    [
        ({"worlds": ["row"], "gpu": {"gpu_class": "gpu-999g", "count": 1}}, 2, "has no pool of class gpu-999g"),
        ({"replicas": -1}, 2, "SPEC-"),
    ],
)
def test_a_wrong_workload_is_refused_before_any_request(
    row: Any, tmp_path: Path, spec: dict[str, Any], code: int, message: str
) -> None:
    operator, ams, par = row
    ran = operator.twain("serve", "apply", "-f", changed(tmp_path, **spec), *ROW, "-y")
    assert ran.code == code
    assert message in ran.err
    assert ams.requests == [] == par.requests


def test_weights_of_another_worlds_people_may_not_be_deployed_here(row: Any, tmp_path: Path) -> None:
    operator, ams, _ = row
    raw = yaml.safe_load(WORKLOAD.read_text())
    raw["spec"]["model"]["origin"] = "cn-personal"
    path = tmp_path / "w.yaml"
    path.write_text(yaml.safe_dump(raw))
    ran = operator.twain("serve", "apply", "-f", str(path), *ROW, "-y")
    assert ran.code == 5
    assert "error RES-ORIGIN: model Qwen/Qwen3-32B has origin cn-personal" in ran.err
    assert ams.requests == []
