"""Verbs that show content: who may, who must break a glass, who never may, and what is recorded of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cli import verbs
from cli.commands import schema

CANARY = "customer-said-4711"
# Every verb that shows content, by hand: a new one is put here on purpose.
CONTENT = {"serve logs"}
# Words of JSON answers that would be content in the answer of any other verb.
CONTENT_KEYS = {"line", "lines", "log", "logs", "prompt", "prompts", "completion", "messages", "answer", "body"}
REASON = "INC-4711: the answers are empty"


@pytest.fixture
def served(row: Any) -> tuple[Any, Any, Any]:
    """The operator of aurelia; a workload of aurelia and one of calisto in eu-ams-1."""
    operator, ams, par = row
    operator.write()
    own(operator, "aurelia")
    for maison, name in (("aurelia", "advisor"), ("calisto", "concierge")):
        put_pod(ams, maison, name)
    return operator, ams, par


def own(operator: Any, *maisons: str) -> None:
    document = json.loads((operator.home / "contexts.json").read_text())
    document["contexts"]["test"]["maisons"] = list(maisons)
    (operator.home / "contexts.json").write_text(json.dumps(document))


def put_pod(api: Any, maison: str, name: str) -> None:
    space = f"maison-{maison}"
    meta = {"name": f"{name}-1", "namespace": space, "labels": {"twain/workload": name, "twain/maison": "aurelia"}}
    path = f"/api/v1/namespaces/{space}/pods/{name}-1"
    api.put(path, {"kind": "Pod", "metadata": meta, "spec": {"containers": [{"name": "vllm"}]}})

    def log(request: Any) -> Any:
        if request.path != f"{path}/log":
            return None
        text = f"{name} began\n\x1b[31m{CANARY}\x1b[0m of {maison}\n"
        return 200, {"content-type": "text/plain"}, text.encode()

    api.answers.append(log)


def entries(operator: Any) -> list[dict[str, Any]]:
    path = operator.home / "audit.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def logs_read(*apis: Any) -> list[str]:
    return [request.path for api in apis for request in api.requests if request.path.endswith("/log")]


def test_the_list_of_content_verbs_is_closed_and_each_has_the_glass() -> None:
    for name, command in schema.verbs():
        declared = verbs.declaration(command)
        assert declared is not None, name
        assert (declared.data_class == "content") == (name in CONTENT), name
        options = {opt for param in command.params for opt in param.opts}
        assert ({"--break-glass", "--reason"} <= options) == (name in CONTENT), name


def test_no_answer_of_another_verb_has_a_place_for_content() -> None:
    """Words as keys with text behind them; a count of prompt tokens and the number of a line are none."""

    def texts(shape: Any) -> set[str]:
        if isinstance(shape, dict):
            own = {key for key, part in shape.items() if not str(part).startswith(("integer", "number"))}
            return own | {key for part in shape.values() for key in texts(part)}
        return {key for part in shape for key in texts(part)} if isinstance(shape, list) else set()

    for name, command in schema.verbs():
        declared = verbs.declaration(command)
        if declared is None or declared.kind is None:
            continue
        found = (texts(dict(declared.kind.item)) | texts(dict(declared.kind.extra))) & CONTENT_KEYS
        assert bool(found) == (name in CONTENT), (name, found)


def test_an_operator_reads_the_logs_of_the_own_maison_and_it_is_on_record(served: Any) -> None:
    operator, ams, par = served
    ran = operator.twain("serve", "logs", "advisor", "-o", "json")
    assert ran.code == 0, ran.err
    assert [(item["cell"], item["maison"], item["pod"]) for item in ran.json["items"]] == [
        ("eu-ams-1", "aurelia", "advisor-1")
    ] * 2
    (entry,) = entries(operator)
    assert (entry["verb"], entry["maison"], entry["breakGlass"], entry["reason"]) == (
        "serve logs", "aurelia", False, None,
    )  # fmt: skip
    assert len(ams.anchors) == 1
    assert par.anchors == {}, "only the cell that is read keeps the anchor"
    paths = [request.path for request in ams.requests]
    assert paths.index(next(p for p in paths if p.endswith("/log"))) > paths.index(
        "/api/v1/namespaces/twain-system/configmaps"
    )


def test_a_line_cannot_move_the_terminal(served: Any) -> None:
    operator, *_ = served
    out = operator.twain("serve", "logs", "advisor").out
    assert CANARY in out
    assert "\x1b" not in out


@pytest.mark.parametrize("glass", [(), ("--break-glass", "--reason", REASON)])
@pytest.mark.parametrize("where", ["--world cn", "--cell cn-sha-1", "--cell eu-ams-1 --cell cn-sha-1"])
def test_across_the_border_nothing_is_asked_and_no_glass_breaks(
    served: Any, where: str, glass: tuple[str, ...]
) -> None:
    operator, ams, par = served
    ran = operator.twain("serve", "logs", "advisor", *where.split(), *glass)
    assert ran.code == 5
    assert "RES-CONTENT" in ran.err
    assert "no break-glass across the border" in ran.err
    assert ran.out == ""
    assert ams.requests == [] == par.requests
    assert [(entry["refused"], entry["beyond"]) for entry in entries(operator)] == [("RES-CONTENT", "cn")]


def test_another_maisons_workload_needs_the_glass_and_a_reason(served: Any) -> None:
    operator, ams, par = served
    ran = operator.twain("serve", "logs", "concierge")
    assert (ran.code, ran.out) == (5, "")
    assert "RES-GLASS" in ran.err
    assert logs_read(ams, par) == []
    assert [entry["refused"] for entry in entries(operator)] == ["RES-GLASS"]
    for words in (("--break-glass",), ("--break-glass", "--reason", "  x  "), ("--reason", REASON),
                  ("--break-glass", "--reason", "x" * 501)):  # fmt: skip
        assert operator.twain("serve", "logs", "concierge", *words).code == 2, words
    assert logs_read(ams, par) == []
    ran = operator.twain("serve", "logs", "concierge", "--break-glass", "--reason", REASON, "-o", "json")
    assert ran.code == 0, ran.err
    assert {item["maison"] for item in ran.json["items"]} == {"calisto"}, "the namespace says whose it is, no label"
    last = entries(operator)[-1]
    assert (last["breakGlass"], last["reason"], last["maison"], last["cells"]) == (
        True, REASON, "calisto", ["eu-ams-1"],
    )  # fmt: skip
    shown = operator.twain("audit", "list", "-o", "json").json["items"][-1]
    assert (shown["verb"], shown["reason"]) == ("serve logs", REASON)
    assert operator.twain("audit", "verify").code == 0


def test_without_a_maison_of_its_own_a_context_breaks_the_glass_everywhere(served: Any) -> None:
    operator, *_ = served
    own(operator)
    assert operator.twain("serve", "logs", "advisor").code == 5
    assert operator.twain("serve", "logs", "advisor", "--break-glass", "--reason", REASON).code == 0


def test_what_is_not_on_record_in_the_cell_is_not_read(served: Any) -> None:
    operator, ams, par = served
    ams.answers.insert(0, lambda request: "reset" if "configmaps" in request.path else None)
    ran = operator.twain("serve", "logs", "advisor", "-o", "json")
    assert ran.code == 13, ran.err
    assert ran.json["items"] == []
    assert logs_read(ams, par) == []


def test_a_cut_audit_log_shows_nothing_more(served: Any) -> None:
    operator, ams, par = served
    assert operator.twain("serve", "logs", "advisor").code == 0
    (operator.home / "audit.jsonl").write_bytes(b"")
    ams.requests.clear()
    # A new log begins, and says so for ever: the anchor of the old one stays.
    assert operator.twain("serve", "logs", "advisor").code == 0
    assert operator.twain("audit", "verify").code == 5
    place = operator.home / "audit.jsonl"
    operator.twain("serve", "logs", "advisor")
    place.write_bytes(place.read_bytes().splitlines(keepends=True)[0])
    ams.requests.clear()
    assert operator.twain("serve", "logs", "advisor").code == 5
    assert logs_read(ams, par) == []


def test_two_maisons_with_one_name_are_asked_apart(served: Any) -> None:
    operator, ams, _ = served
    put_pod(ams, "calisto", "advisor")
    ran = operator.twain("serve", "logs", "advisor")
    assert ran.code == 2
    assert "aurelia, calisto" in ran.err
    assert operator.twain("serve", "logs", "advisor", "--maison", "aurelia").code == 0


@pytest.mark.parametrize(("name", "code"), [("nobody", 6), ("a,b!=c", 2), ("../x", 2)])
def test_a_name_that_is_no_workload_says_so(served: Any, name: str, code: int) -> None:
    operator, *_ = served
    assert operator.twain("serve", "logs", name).code == code


def test_the_lines_that_were_asked_for_are_asked_for(served: Any) -> None:
    operator, ams, _ = served
    operator.twain("serve", "logs", "advisor", "--tail", "7", "--since", "90s", "--previous")
    query = next(request.query for request in ams.requests if request.path.endswith("/log"))
    assert query == {
        "container": "vllm", "tailLines": "7", "limitBytes": "1048576", "sinceSeconds": "90", "previous": "true",
    }  # fmt: skip


def test_a_context_names_the_maisons_of_the_fleet_and_no_other(operator: Any) -> None:
    words = ("context", "add", "second", "--world", "row", "--fleet", str(operator.fleet))
    assert operator.twain(*words, "--maison", "nobody").code == 6
    assert operator.twain(*words, "--maison", "aurelia", "--maison", "calisto").code == 0
    listed = {item["name"]: item["maisons"] for item in operator.twain("context", "list", "-o", "json").json["items"]}
    assert listed == {"test": [], "second": ["aurelia", "calisto"]}
