"""`twain residency` as a person runs it: on files, without a context, with the right exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli import errors, residency
from components.policy.catalogue import RULES, THREATS
from tests.residency_cases import CASES

ROOT = Path(__file__).parents[4]
CONTRACT = ROOT / "components" / "telemetry" / "contract-v1.yaml"
BAD = """\
apiVersion: v1
kind: Pod
metadata: {name: app, namespace: shop}
spec:
  containers:
    - name: app
      image: ghcr.io/acme/app:1
      env:
        - {name: HTTPS_PROXY, value: "http://user:hunter2@proxy.example.com:3128"}
"""
GOOD = BAD.replace("ghcr.io/acme", "acme-registry-vpc.cn-shanghai.cr.aliyuncs.com/acme").replace(
    "http://user:hunter2@proxy.example.com:3128", "http://proxy.shop.svc:3128"
)


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    path = tmp_path / "pod.yaml"
    path.write_text(BAD)
    return path


def test_a_violation_ends_with_5_and_says_everything_but_secrets(operator: Any, manifests: Path) -> None:
    ran = operator.twain("residency", "check", "-f", str(manifests), "--world", "cn", "-o", "json")
    assert ran.code == errors.POLICY
    assert {item["rule"] for item in ran.json["items"]} == {"RES-023", "RES-029"}
    for item in ran.json["items"]:
        assert all(
            item[key] for key in ("source", "world", "resource", "property", "value", "allowed", "reason", "fix")
        )
    assert "hunter2" not in ran.out + ran.err
    (source,) = ran.json["sources"]
    assert (source["form"], source["judged"], source["violations"]) == ("manifests", 1, 2)


def test_the_benign_twin_ends_with_0(operator: Any, manifests: Path) -> None:
    manifests.write_text(GOOD)
    ran = operator.twain("residency", "check", "-f", str(manifests), "--world", "cn")
    assert (ran.code, ran.out) == (0, "")
    assert "nothing crosses the border: 1 of 1 resources" in ran.err


def test_a_host_or_a_region_of_ones_own_can_be_declared(operator: Any, manifests: Path) -> None:
    manifests.write_text(GOOD.replace("proxy.shop.svc", "proxy.example.com"))
    check = ("residency", "check", "-f", str(manifests), "--world", "cn")
    assert operator.twain(*check).code == errors.POLICY
    assert operator.twain(*check, "--host", "*.example.com").code == 0
    assert operator.twain(*check, "--host", "*.example.com", "--region", "cn-beijing").code == errors.POLICY
    assert operator.twain(*check, "--region", "cn-hongkong").code == errors.POLICY


def test_what_cannot_be_judged_ends_with_2_and_all_of_it_is_told(operator: Any, tmp_path: Path) -> None:
    half, empty = tmp_path / "half.json", tmp_path / "empty"
    half.write_text('{"steps": [')
    empty.write_text("")
    ran = operator.twain("residency", "check", "-f", str(half), "-f", str(empty), "--world", "row")
    assert ran.code == errors.USAGE
    assert "DOC-JSON" in ran.err
    assert "DOC-EMPTY" in ran.err
    assert operator.twain("residency", "check", "-f", str(half)).code == errors.USAGE
    assert operator.twain("residency", "check", "--region", "cn-beijing").code == errors.USAGE


def test_a_file_that_cannot_be_judged_hides_nothing_of_the_others(
    operator: Any, manifests: Path, tmp_path: Path
) -> None:
    half = tmp_path / "half.json"
    half.write_text('{"steps": [')
    alone = operator.twain("residency", "check", "-f", str(manifests), "--world", "cn", "-o", "json")
    both = ("residency", "check", "-f", str(half), "-f", str(manifests), "--world", "cn")
    ran = operator.twain(*both, "-o", "json")
    assert ran.code == errors.POLICY
    assert ran.json["items"] == alone.json["items"]
    assert [one["id"] for one in ran.json["errors"]] == ["DOC-JSON"]
    sarif = operator.twain(*both, "--sarif")
    assert sarif.code == errors.POLICY
    assert "DOC-JSON" in sarif.err
    manifests.write_text(GOOD)
    assert operator.twain(*both).code == errors.USAGE


def test_sarif_names_each_rule_once_and_points_at_the_file(operator: Any, manifests: Path) -> None:
    ran = operator.twain("residency", "check", "-f", str(manifests), "--world", "cn", "--sarif")
    assert ran.code == errors.POLICY
    (run,) = ran.json["runs"]
    assert ran.json["version"] == "2.1.0"
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == ["RES-023", "RES-029"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == str(manifests)
        assert result["message"]["text"]
    manifests.write_text(GOOD)
    clean = operator.twain("residency", "check", "-f", str(manifests), "--world", "cn", "--sarif")
    assert (clean.code, clean.json["runs"][0]["results"]) == (0, [])


def test_a_contract_is_judged_too(operator: Any, tmp_path: Path) -> None:
    assert operator.twain("residency", "check", "-f", str(CONTRACT), "--world", "cn").code == 0
    path = tmp_path / "contract.yaml"
    path.write_text(CONTRACT.read_text(encoding="utf-8").replace("least: 10", "least: 1"), encoding="utf-8")
    ran = operator.twain("residency", "check", "-f", str(path), "--world", "cn", "-o", "json")
    assert (ran.code, [item["rule"] for item in ran.json["items"]]) == (errors.POLICY, ["RES-015"])


def test_every_rule_is_explained_in_two_languages(operator: Any) -> None:
    ran = operator.twain("residency", "explain", "-o", "json")
    assert [item["rule"] for item in ran.json["items"]] == list(RULES)
    for item in ran.json["items"]:
        assert item["says"]
        assert any("一" <= letter <= "鿿" for letter in item["zh"])
        assert item["fix"]
        assert item["sees"]
        assert {threat["id"] for threat in item["threats"]} <= set(THREATS)
    one = operator.twain("residency", "explain", "res-016")
    assert "T07" in one.out
    assert "中文" in one.out
    assert operator.twain("residency", "explain", "RES-999").code == errors.NOT_FOUND


def test_each_verb_stands_in_its_class(operator: Any) -> None:
    items = operator.twain("residency", "classes", "-o", "json").json["items"]
    assert [item["class"] for item in items] == ["metadata", "metrics", "content"]
    assert "residency check" in items[0]["verbs"]
    assert "metrics latency" in items[1]["verbs"]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_contract_is_printed_for_an_officer_with_everything_in_it(operator: Any, lang: str) -> None:
    text = operator.twain("residency", "contract", "--lang", lang).out
    rows = operator.twain("residency", "contract", "-o", "json").json["items"]
    for row in rows:
        assert f"### `{row['row']}`" in text
        for name in (*row["labels"], *row["fields"]):
            assert f"`{name}" in text
    assert ("legal advice" if lang == "en" else "法律意见") in text
    assert ("fewer than 10 requests" if lang == "en" else "少于 10 次请求") in text
    if lang == "zh":
        assert "all pods of one workload" not in text


def test_egress_lists_every_host_with_where_it_lies(operator: Any, manifests: Path) -> None:
    items = operator.twain("residency", "egress", "-f", str(manifests), "--world", "cn", "-o", "json").json["items"]
    assert {(item["host"], item["kind"], item["lies"], item["inside"]) for item in items} == {
        ("ghcr.io", "image", "row", False),
        ("proxy.example.com", "endpoint", "unknown", False),
    }


def test_egress_lists_the_ranges_that_pods_are_let_out_to(operator: Any, tmp_path: Path) -> None:
    ranges = (
        "100.118.102.0/24",
        "10.64.0.0/14",
        "199.36.153.8/30",
        "199.36.153.0/24",
        "100.64.0.0/9",
        "40.126.31.0/24",
        "40.126.0.0/17",
    )
    peers = [{"ipBlock": {"cidr": one}} for one in ranges] + [{"namespaceSelector": {}}]
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "out", "namespace": "a"},
        "spec": {"podSelector": {}, "egress": [{"to": peers}, {"ports": [{"port": 53}]}]},
    }
    (file := tmp_path / "policy.json").write_text(json.dumps(policy), encoding="utf-8")
    asked = ("residency", "egress", "-f", str(file), "-o", "json", "--world")
    found = {
        world: {
            item["host"]: (item["kind"], item["lies"], item["inside"])
            for item in operator.twain(*asked, world).json["items"]
        }
        for world in ("cn", "row")
    }
    assert found["cn"] == {
        "100.118.102.0/24": ("range", "private", True),
        "10.64.0.0/14": ("range", "private", True),
        "199.36.153.8/30": ("range", "row", False),
        "199.36.153.0/24": ("range", "unknown", False),
        "40.126.31.0/24": ("range", "row", False),
        "40.126.0.0/17": ("range", "unknown", False),
        "100.64.0.0/9": ("range", "unknown", False),
        "0.0.0.0/0": ("range", "unknown", False),
    }
    abroad = ("199.36.153.8/30", "40.126.31.0/24")
    assert found["row"] == found["cn"] | dict.fromkeys(abroad, ("range", "row", True))


def test_the_stacks_of_the_fleet_are_judged_by_state_or_plan(operator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The own world's stack that is up by its state, all others planned; a stack that cannot be planned is told."""
    case = next(case for case in CASES if case.rule == "RES-002" and case.type.startswith("gcp:storage"))
    row = {"urn": f"urn:pulumi:s::p::{case.type}::b", "type": case.type, "inputs": case.bad, "provider": "a::b::c::id"}

    def document(app: Any, stack: Any, existing: Any) -> tuple[Any, str]:
        from components.policy.documents import Document

        if stack.name == "rehearsal.eu-par-1.infra":
            raise errors.ResourceError("no plan.", id="RUN-404")
        rows = [row] if stack.name == "rehearsal.eu-ams-1.infra" else []
        return Document(form="plan", resources=rows), "planned from spec"

    class Engine:
        def names(self) -> list[str]:
            return []

    monkeypatch.setattr(residency, "_document", document)
    monkeypatch.setattr("cli.engine.Engine.of", lambda *args, **kwargs: Engine())
    ran = operator.twain("residency", "check", "-o", "json")
    assert ran.code == errors.POLICY
    assert [(item["source"], item["rule"]) for item in ran.json["items"]] == [("rehearsal.eu-ams-1.infra", "RES-002")]
    assert len(ran.json["sources"]) == 5
    assert [error["id"] for error in ran.json["errors"]] == ["RUN-404"]
    assert json.dumps(ran.json["sources"])


def test_what_judged_nothing_does_not_say_that_nothing_crosses(operator: Any, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    kind = "random:index/randomId:RandomId"
    row = {"urn": f"urn:pulumi:s::p::{kind}::r", "type": kind, "inputs": {}}
    plan.write_text(json.dumps({"steps": [{"op": "create", "newState": row}]}))
    ran = operator.twain("residency", "check", "-f", str(plan), "--world", "cn")
    assert ran.code == 0
    assert "nothing was judged: 0 of 1 resources have rules" in ran.err
    assert "nothing crosses the border" not in ran.err
