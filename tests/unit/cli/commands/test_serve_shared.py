"""`twain serve` of a workload that is shared with named readers: what is made, found again, taken away, and refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

WORKLOAD = Path(__file__).parents[4] / "examples" / "advisor.yaml"
ROW = ("--world", "row")
POLICIES = "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies"
WAY = f"{POLICIES.format('maison-calisto')}/asks.aurelia.advisor"
ADDRESS = "/api/v1/namespaces/maison-aurelia/services/advisor"
DEPLOYMENT = "/apis/apps/v1/namespaces/maison-aurelia/deployments/advisor"
SHARED = {"share": "shared", "readers": ["calisto"]}


def written(tmp_path: Path, **spec: Any) -> str:
    """The example with other values in its spec."""
    raw = yaml.safe_load(WORKLOAD.read_text(encoding="utf-8"))
    raw["spec"].update(spec)
    path = tmp_path / "workload.yaml"
    path.write_text(yaml.safe_dump(raw), encoding="utf-8")
    return str(path)


def applied(operator: Any, file: str) -> Any:
    ran = operator.twain("serve", "apply", "-f", file, *ROW, "-y", "-o", "json")
    assert ran.code == 0, ran.err
    return ran


def sources(api: Any) -> list[str]:
    """The namespaces of readers that the workload's own policy lets in."""
    policy = api.objects[f"{POLICIES.format('maison-aurelia')}/advisor"]
    return [
        value
        for rule in policy["spec"]["ingress"]
        for peer in rule["from"]
        for one in peer["namespaceSelector"].get("matchExpressions", ())
        for value in one["values"]
    ]


def test_sharing_opens_both_ends_and_restarts_nothing(row: Any, tmp_path: Path) -> None:
    operator, ams, par = row
    applied(operator, str(WORKLOAD))
    before = ams.objects[DEPLOYMENT]["spec"]
    ran = applied(operator, written(tmp_path, **SHARED))
    assert sorted(ran.json["items"][0]["changed"]) == [
        "Deployment/advisor",
        "NetworkPolicy/advisor",
        "NetworkPolicy/maison-calisto/asks.aurelia.advisor",
        "Service/advisor",
    ]
    for api in (ams, par):
        assert sources(api) == ["maison-calisto"]
        assert api.objects[WAY]["metadata"]["labels"]["twain/maison"] == "aurelia"
        assert ADDRESS in api.objects
    assert ams.objects[DEPLOYMENT]["spec"] == before
    again = applied(operator, written(tmp_path, **SHARED))
    assert [item["changed"] for item in again.json["items"]] == [[], []]


def test_a_plan_tells_who_will_be_let_in_and_who_shut_out(row: Any, tmp_path: Path) -> None:
    operator, _, _ = row
    applied(operator, str(WORKLOAD))
    shared = written(tmp_path, **SHARED)
    for file, told in (
        (shared, "with nobody and will be with calisto"),
        (WORKLOAD, "with calisto and will be with nobody"),
    ):
        ran = operator.twain("serve", "plan", "-f", str(file), *ROW, "-o", "json", "--exit-code")
        assert ran.code == 10
        assert [item["change"] for item in ran.json["items"]] == ["update", "update"]
        assert all(told in item["notes"][0] for item in ran.json["items"])
        applied(operator, str(file))
        assert operator.twain("serve", "plan", "-f", str(file), *ROW, "--exit-code").code == 0


def test_a_reader_that_is_taken_out_loses_both_ends_and_what_is_not_ours_stays(row: Any, tmp_path: Path) -> None:
    operator, ams, _ = row
    applied(operator, written(tmp_path, **SHARED))
    labels = {"twain/workload": "advisor", "twain/maison": "aurelia"}
    others = [f"{POLICIES.format('maison-calisto')}/by-hand", f"{POLICIES.format('maison-aurelia')}/by-hand"]
    for path in others:
        ams.put(path, {"kind": "NetworkPolicy", "metadata": {"labels": dict(labels)}, "spec": {}})
    ran = applied(operator, str(WORKLOAD))
    changed = ran.json["items"][0]["changed"]
    assert {"NetworkPolicy/maison-calisto/asks.aurelia.advisor", "Service/advisor"} <= set(changed)
    assert sources(ams) == []
    assert not {WAY, ADDRESS} & set(ams.objects)
    assert set(others) <= set(ams.objects)
    assert applied(operator, str(WORKLOAD)).json["items"][0]["changed"] == []


def test_a_way_that_was_left_over_is_closed_when_nothing_else_is_to_do(row: Any, tmp_path: Path) -> None:
    """As after a run that was killed between the two ends."""
    operator, ams, _ = row
    applied(operator, written(tmp_path, **SHARED))
    left = json.loads(json.dumps(ams.objects[WAY]))
    applied(operator, str(WORKLOAD))
    ams.put(WAY, left)
    ran = applied(operator, str(WORKLOAD))
    assert ran.json["items"][0]["changed"] == ["NetworkPolicy/maison-calisto/asks.aurelia.advisor"]
    assert WAY not in ams.objects


def test_delete_takes_the_ways_of_its_readers_too(row: Any, tmp_path: Path) -> None:
    operator, ams, par = row
    applied(operator, written(tmp_path, **SHARED))
    ran = operator.twain("serve", "delete", "advisor", "--maison", "aurelia", *ROW, "-y", "-o", "json")
    assert ran.code == 0, ran.err
    assert not [path for api in (ams, par) for path in api.objects if "advisor" in path]


def test_list_names_whom_it_is_shared_with(row: Any, tmp_path: Path) -> None:
    operator, _, _ = row
    applied(operator, written(tmp_path, **SHARED))
    assert [item["readers"] for item in operator.twain("serve", "list", *ROW, "-o", "json").json["items"]] == [
        ["calisto"],
        ["calisto"],
    ]
    shown = operator.twain("serve", "get", "advisor", *ROW)
    assert shown.out.splitlines()[-1] == "aurelia/advisor is shared with calisto"
    applied(operator, str(WORKLOAD))
    assert operator.twain("serve", "list", *ROW, "-o", "json").json["items"][0]["readers"] == []
    assert "shared" not in operator.twain("serve", "list", *ROW).out


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"share": "shared"}, ["it is shared and names nobody: a workload is never everybody's."]),
        ({"readers": ["calisto"]}, ["it is dedicated to aurelia and names readers."]),
        ({"share": "shared", "readers": ["aurelia"]}, ["it is its own maison's; a reader is another one."]),
        ({"share": "shared", "readers": ["nobody"]}, ["the fleet has no maison 'nobody' that could read it."]),
        ({"share": "open", "readers": ["calisto"]}, ["spec.share"]),
        ({"share": "shared", "readers": ["row/calisto"]}, ["spec.readers[0]"]),
        (
            {"readers": ["aurelia", "nobody"], "gpu": {"gpu_class": "gpu-9g"}},
            [
                "it is dedicated to aurelia and names readers.",
                "it is its own maison's; a reader is another one.",
                "the fleet has no maison 'nobody' that could read it.",
                "has no pool of class gpu-9g.",
            ],
        ),
    ],
)
def test_what_is_wrong_is_told_at_once_and_nothing_is_asked(
    row: Any, tmp_path: Path, spec: dict[str, Any], told: list[str]
) -> None:
    operator, ams, _ = row
    ran = operator.twain("serve", "apply", "-f", written(tmp_path, **spec), *ROW, "-y")
    assert ran.code == 2
    for line in told:
        assert line in ran.err, ran.err
    assert ams.requests == []


def test_the_logs_of_a_shared_workload_stay_its_own_maison_s(row: Any, tmp_path: Path) -> None:
    operator, ams, _ = row
    applied(operator, written(tmp_path, **SHARED))
    labels = {"twain/workload": "advisor", "twain/maison": "aurelia"}
    pod = {"kind": "Pod", "metadata": {"labels": labels}, "spec": {"containers": [{"name": "vllm"}]}}
    ams.put("/api/v1/namespaces/maison-aurelia/pods/advisor-1", pod)
    document = json.loads((operator.home / "contexts.json").read_text(encoding="utf-8"))
    document["contexts"]["test"]["maisons"] = ["calisto"]
    (operator.home / "contexts.json").write_text(json.dumps(document), encoding="utf-8")
    ran = operator.twain("serve", "logs", "advisor", "--maison", "aurelia", "--cell", "eu-ams-1")
    assert ran.code == 5
    assert "error RES-GLASS: advisor is of maison aurelia" in ran.err
    assert not [request for request in ams.requests if request.path.endswith("/log")]
