"""What can be judged, and what is told of a file that cannot: a clear error, in bounded time and memory."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

import pytest

from components.errors import SpecError
from components.policy import documents, graph_rules
from components.policy.decide import Border, Graph, decide

ROOT = Path(__file__).resolve().parents[4]
URN = "urn:pulumi:s::p::gcp:storage/bucket:Bucket::b{}"
BUCKET = {"type": "gcp:storage/bucket:Bucket", "custom": True, "inputs": {"location": "EUROPE-WEST4"}}
POD = "apiVersion: v1\nkind: Pod\nmetadata: {{name: p{}}}\nspec: {{containers: [{{name: c, image: nginx}}]}}\n"


def write(folder: Path, content: str | bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def code(path: Path) -> str:
    with pytest.raises(SpecError) as caught:
        documents.read(path)
    (problem,) = caught.value.problems
    assert problem.message
    assert str(path) in str(problem)
    return problem.code


def preview(steps: list[dict[str, Any]], **more: Any) -> str:
    return json.dumps({"steps": steps, **more})


def state(**secrets: Any) -> str:
    return json.dumps({"version": 3, "deployment": {"resources": [], "secrets_providers": secrets}})


def test_a_plan_is_what_will_be_there_afterwards(tmp_path: Path) -> None:
    steps = [
        {"op": "create", "newState": {**BUCKET, "urn": URN.format(1)}},
        {"op": "same", "newState": {**BUCKET, "urn": URN.format(2)}},
        {"op": "delete", "oldState": {**BUCKET, "urn": URN.format(3)}},
        {"op": "delete-replaced", "newState": {**BUCKET, "urn": URN.format(4)}},
    ]
    found = documents.read(write(tmp_path, preview(steps)))
    assert (found.form, [row["urn"][-2:] for row in found.resources]) == ("plan", ["b1", "b2"])


def test_a_state_keeps_how_its_secrets_are_encrypted(tmp_path: Path) -> None:
    assert documents.read(write(tmp_path, state(type="passphrase"))).secrets == {"type": "passphrase"}


def test_a_state_holds_what_was_begun_and_what_is_still_to_go(tmp_path: Path) -> None:
    """An engine that was cut off may have made what it was making; what it had yet to delete is there."""
    begun = [
        {"type": kind, "resource": {**BUCKET, "inputs": {"location": "US-EAST1"}, "urn": URN.format(n)}}
        for n, kind in enumerate(("creating", "deleting"))
    ]
    going = {**BUCKET, "inputs": {"location": "US-EAST4"}, "urn": URN.format(2), "delete": True}
    content = {"version": 3, "deployment": {"resources": [going], "pending_operations": begun}}
    rows = documents.read(write(tmp_path, json.dumps(content))).resources
    border = Border.anywhere("row", regions=["europe-west4"], security=False)
    violations = [one for one in Graph(border).judge(rows) if one.property == "location"]
    assert [one.value for one in violations] == ["US-EAST4", "US-EAST1"]
    assert "to be deleted" in violations[0].resource
    assert "begun" in violations[1].resource


def test_kubernetes_objects_come_as_yaml_json_or_a_list_of_either(tmp_path: Path) -> None:
    pod = json.loads(json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}}))
    forms = [
        POD.format(1) + "---\n" + POD.format(2),
        json.dumps([pod, pod]),
        json.dumps({"apiVersion": "v1", "kind": "List", "items": [pod, pod]}),
        "---\n# nothing\n---\n" + POD.format(1) + "---\n" + POD.format(2) + "---\n",
        "\ufeff" + POD.format(1) + "---\n" + POD.format(2),
    ]
    for form in forms:
        found = documents.read(write(tmp_path, form))
        assert (found.form, len(found.resources)) == ("manifests", 2), form


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "DOC-EMPTY"),
        (b"  \n", "DOC-EMPTY"),
        (preview([{"op": "create", "newState": {**BUCKET, "urn": "u"}}])[:-20], "DOC-JSON"),
        ('{"steps": [', "DOC-JSON"),
        ("{not json}", "DOC-JSON"),
        ('{"steps": 7}', "DOC-SHAPE"),
        ('{"steps": [{"op": "create", "newState": {"urn": 7}}]}', "DOC-SHAPE"),
        (preview([], diagnostics=[{"severity": "error", "message": "no"}]), "DOC-FAILED"),
        ('{"changeSummary": {}}', "DOC-FAILED"),
        ('{"hello": 1}', "DOC-KIND"),
        ("a: 1\n", "DOC-KIND"),
        ("just words", "DOC-KIND"),
        ("---\n---\n", "DOC-EMPTY"),
        (b"kind: \xff\xfe", "DOC-UTF8"),
        ("kind: Pod\n".encode("utf-16"), "DOC-UTF8"),
        ("a: [1\n", "DOC-YAML"),
        ("a: !!python/object/apply:os.system ['x']\n", "DOC-YAML"),
        ("kind: Pod\nkind: Job\napiVersion: v1\n", "DOC-YAML"),
        ("a: &a [x,x]\nb: *a\n", "DOC-ALIAS"),
        ("a: " + "[" * 300 + "]" * 300, "DOC-DEPTH"),
        ('{"kind": "Pod", "apiVersion": "v1", "x": ' + "[" * 300 + "]" * 300 + "}", "DOC-DEPTH"),
        ('{"steps": ' + "[" * 100_000, "DOC-DEPTH"),
    ],
)
def test_a_file_that_cannot_be_judged_says_why(tmp_path: Path, content: str | bytes, expected: str) -> None:
    assert code(write(tmp_path, content)) == expected


def test_aliases_that_would_explode_are_refused_before_they_do(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    assert code(write(tmp_path, "\n".join(lines))) == "DOC-ALIAS"


def test_what_is_no_file_says_so(tmp_path: Path) -> None:
    assert code(tmp_path) == "DOC-FILE"
    assert code(tmp_path / "absent") == "DOC-FILE"


def test_ten_thousand_documents_are_judged_one_by_one(tmp_path: Path) -> None:
    path = write(tmp_path, "---\n".join(POD.format(number) for number in range(10_000)))
    found = documents.read(path)
    assert len(found.resources) == 10_000
    violations = decide(found.resources, world="cn", allowed=["cn-shanghai"], security=False)
    assert {(one.rule, one.value) for one in violations} == {("RES-023", "nginx")}
    assert len(violations) == 10_000


def test_more_documents_than_that_are_a_clear_error(tmp_path: Path) -> None:
    assert code(write(tmp_path, "---\na: 1\n" * (documents.MAX_DOCUMENTS + 1))) == "DOC-SIZE"


def test_a_plan_of_fifty_thousand_resources_is_judged_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    with path.open("w") as file:
        file.write('{"steps": [')
        for number in range(50_000):
            body = {**BUCKET, "urn": URN.format(number), "outputs": {"x": "y" * 200}, "stackTrace": [{}] * 5}
            body["inputs"] = {"location": "EU" if number == 49_999 else "EUROPE-WEST4", "name": f"b{number}"}
            file.write(("," if number else "") + json.dumps({"op": "create", "newState": body}))
        file.write("]}")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = documents.read(path)
    graph = Graph(Border(world="row", allowed=frozenset({"europe-west4"}), security=False))
    violations = graph.judge(found.resources)
    assert graph.judged == 50_000
    assert [(one.rule, one.value) for one in violations] == [("RES-002", "EU")]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 600_000  # KiB


@pytest.mark.parametrize(
    ("secrets", "world", "rules"),
    [
        ({"type": "passphrase"}, "cn", []),
        ({"type": "cloud", "state": {"url": "hashivault://key"}}, "cn", []),
        ({"type": "cloud", "state": {"url": "gcpkms://projects/p/x"}}, "cn", ["RES-012"]),
        ({"type": "cloud", "state": {"url": "awskms://alias/x"}}, "cn", ["RES-012"]),
        ({"type": "cloud", "state": {"url": "azurekeyvault://v.vault.azure.net/keys/k"}}, "cn", ["RES-012"]),
        ({"type": "cloud", "state": {"url": "gcpkms://projects/p/x"}}, "row", []),
        ({"type": "cloud", "state": {}}, "row", ["RES-012"]),
        ({"type": "odd"}, "row", ["RES-012"]),
        ({"type": "service", "state": {"url": "https://api.pulumi.com"}}, "row", ["RES-010"]),
        ({"type": "service", "state": {"url": "https://api.pulumi.com"}}, "cn", ["RES-010"]),
    ],
)
def test_a_state_says_where_it_is_kept_and_who_holds_its_key(
    tmp_path: Path, secrets: dict[str, Any], world: str, rules: list[str]
) -> None:
    document = documents.read(write(tmp_path, state(**secrets)))
    assert [one.rule for one in graph_rules.judge(document, world=world)] == rules


CONTRACT = (ROOT / "components" / "telemetry" / "contract-v1.yaml").read_text(encoding="utf-8")


def contract_rules(folder: Path, *changes: tuple[str, str]) -> set[str]:
    text = CONTRACT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    document = documents.read(write(folder, text))
    assert document.form == "contract"
    return {one.rule for one in graph_rules.judge(document, world="cn")}


def test_the_contract_in_force_lets_out_neither_names_nor_small_groups(tmp_path: Path) -> None:
    assert contract_rules(tmp_path) == set()


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("workload: name, model: model}", "workload: name, model: model, pod: name}", "RES-013"),
        ("workload: name, model: model}", "workload: name, model: model, adapter: name}", "RES-013"),
        ("workload: name, model: model}", "workload: name, model: model, pod_name: name}", "RES-013"),
        ("workload: name, model: model}", "workload: name, model: model, customer_id: name}", "RES-013"),
        ("workload: name, model: model}", "workload: name, model: model, userEmail: name}", "RES-013"),
        ("workload: name, model: model}", "workload: name, model: model, phoneNumber: name}", "RES-013"),
        ("workload: name, model: model}", "workload: name, model: model, openid: name}", "RES-013"),
        ("workload: name, model: model}", "workload: name, model: model, gpu_uuid: name}", "RES-013"),
        ("workload: name, model: model}", "workload: name, model: model, pod_ip: name}", "RES-013"),
        ("workload: name, model: model}", "workload: name, model: model, lora-adapter: name}", "RES-013"),
        ("workload: name, model: model}", "workload: name, model: text}", "RES-013"),
        ("requests: count\n", "requests: count\n        note: string\n", "RES-013"),
        ("gpus: count\n        known", "calls: count\n        gpus: count\n        known", "RES-015"),
        ("gpus: count\n        known", "users: count\n        gpus: count\n        known", "RES-015"),
        (
            "        gpus: count\n        known",
            "        gpus: count\n        activeSessions: count\n        known",
            "RES-015",
        ),
        (
            "        gpus: count\n        known",
            "        gpus: count\n        request_count: count\n        known",
            "RES-015",
        ),
        ("minimum: {field: requests, least: 10}", "minimum: {field: requests, least: 9}", "RES-015"),
        ("      minimum: {field: requests, least: 10}\n", "", "RES-015"),
        ("minimum: {field: requests, least: 10}", "minimum: {field: truncated, least: 10}", "RES-015"),
    ],
)
def test_a_contract_that_lets_out_more_is_refused(tmp_path: Path, old: str, new: str, rule: str) -> None:
    assert contract_rules(tmp_path, (old, new)) == {rule}


def test_a_label_that_is_about_a_group_of_them_names_nobody(tmp_path: Path) -> None:
    change = ("workload: name, model: model}", "workload: name, model: model, instanceType: name, customer_tier: name}")
    assert contract_rules(tmp_path, change) == set()
