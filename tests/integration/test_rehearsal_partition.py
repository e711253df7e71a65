"""The border cut: nothing is waited for, nothing is lost, nothing happens twice."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal import border

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.integration.conftest import Ran, Stage

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "advisor.yaml"
SENT = ["request", "withheld"]


@contextmanager
def cut(stage: Stage, how: str) -> Generator[None]:
    """The border cut for the time of the block."""
    stage.checked("rehearse", "partition", "on", "--cut", how)
    try:
        yield
    finally:
        stage.checked("rehearse", "partition", "off")


def variant(tmp_path: Path, threshold: float) -> Path:
    """The example with another SLO: a new revision of its pods, rolled out in one step."""
    changed = EXAMPLE.read_text(encoding="utf-8")
    for old, new in (
        ("{metric: e2e, threshold_s: 10,", f"{{metric: e2e, threshold_s: {threshold:g},"),
        ("max_surge: 1", "max_surge: 2"),
        ("drain_s: 30", "drain_s: 5"),
    ):
        assert old in changed
        changed = changed.replace(old, new)
    path = tmp_path / f"advisor-{threshold:g}.yaml"
    path.write_text(changed, encoding="utf-8")
    return path


def apply(stage: Stage, file: Path, *scope: str) -> Ran:
    return stage.operator("row", "serve", "apply", "-f", str(file), "-y", "-o", "json", *scope, timeout=180)


def states(ran: Ran) -> dict[str, str]:
    return {item["cell"] or item["world"]: item["state"] for item in ran.items}


def revisions(stage: Stage) -> int:
    """How many revisions the Chinese cell's Deployment has had."""
    admin = str(stage.cell("cn-sha-1") / "admin.kubeconfig")
    command = ("kubectl", "--kubeconfig", admin, "-n", "maison-aurelia", "get", "deployment", "advisor", "-o", "json")
    annotations = stage.shell("cn", *command).json["metadata"]["annotations"]
    return int(annotations["deployment.kubernetes.io/revision"])


def journal(stage: Stage) -> list[dict[str, Any]]:
    """The intents for cn in the journal of the row operator, oldest first."""
    path = stage.home.operator("row") / "journal.jsonl"
    records = [json.loads(line.partition(" ")[2]) for line in path.read_text(encoding="utf-8").splitlines()]
    return [record for record in records if record["step"] != "intent" and record.get("subject", [""])[0] == "cn"]


def crossings(stage: Stage, key: str) -> list[str]:
    """What the border saw of sending an intent: `request`, then `answer` or `withheld`."""
    seen = [one for one in border.records(stage.home) if (one["from"], one["to"]) == ("row", "cn")]
    sent = [
        one["exchange"]
        for one in seen
        if one["kind"] == "request" and one["text"].startswith("POST /v1/intents ") and key in one["text"]
    ]
    return [one["kind"] for one in seen if one["exchange"] in sent and one["kind"] != "cut"]


@pytest.fixture(autouse=True, scope="module")
def _put_back(stage: Stage) -> Generator[None]:
    yield
    stage.checked("rehearse", "partition", "off")
    assert apply(stage, EXAMPLE).code == 0


def test_reads_print_what_they_can_and_say_what_is_missing(stage: Stage) -> None:
    assert stage.operator("row", "status").code == 0
    with cut(stage, "refuse"):
        for asked in (("status",), ("serve", "list"), ("metrics", "latency"), ("top", "gpu")):
            ran = stage.operator("row", *asked, "-o", "json")
            assert (ran.code, ran.json["partial"]) == (13, True), asked
            assert {item["cell"] for item in ran.items if item["cell"] != "cn-sha-1"} == {"eu-ams-1", "eu-par-1"}, asked
            (error,) = ran.json["errors"]
            assert (error["id"], error["world"]) == ("GATE-UNREACHABLE", "cn")
        status = {item["cell"]: item for item in stage.operator("row", "status", "-o", "json").items}
        assert status["cn-sha-1"]["api"] == "unreachable"
        assert status["cn-sha-1"]["gpus"] != 0
        # What was last seen of the other world is remembered, and gets older.
        assert status["cn-sha-1"]["prometheus"]["state"] == "unknown"
        assert status["cn-sha-1"]["prometheus"]["sampleAge"] > 0
        table = stage.operator("row", "serve", "list")
        assert table.out.rstrip().endswith("; nothing is known of cn")
        assert "note GATE-UNREACHABLE: the gate of world cn is unreachable" in table.err
        planned = stage.operator("row", "serve", "plan", "-f", str(EXAMPLE))
        assert planned.code == 13
        assert planned.out.rstrip().endswith(": 3 cells, 0 blockers; cn-sha-1 could not be asked.")
    assert stage.operator("row", "status", "-o", "json").code == 0


@pytest.mark.parametrize(
    ("how", "scope", "state", "code", "step", "threshold"),
    [
        # Nothing left: kept, and said to be kept. The own world is done meanwhile.
        ("refuse", "all", "not sent", 13, "not-sent", 8),
        # The gate had it and carried it out; the answer was lost.
        ("drop-after-request", "cn", "unknown", 16, "unknown", 7),
        # It left and never arrived: for the caller that is the same.
        ("drop-before-gate", "cn", "unknown", 16, "unknown", 6),
    ],
)
def test_an_intent_that_is_cut_is_kept_and_happens_once(
    stage: Stage, tmp_path: Path, how: str, scope: str, state: str, code: int, step: str, threshold: float
) -> None:
    file = variant(tmp_path, threshold)
    before = revisions(stage)
    own = {"eu-ams-1", "eu-par-1"} if scope == "all" else set[str]()
    with cut(stage, how):
        ran = apply(stage, file, "--world", scope)
        assert states(ran) == {**dict.fromkeys(own, "done"), "cn": state}
        assert ran.code == code
    kept = journal(stage)[-1]
    assert kept["step"] == step
    assert f"The intent is kept with key {kept['op']}." in ran.err
    assert crossings(stage, kept["op"]) == {"refuse": [], "drop-before-gate": ["request"]}.get(how, SENT)

    again = apply(stage, file, "--world", scope)
    assert again.code == 0
    assert states(again) == dict.fromkeys(own | {"cn-sha-1"}, "done")
    done = journal(stage)[-1]
    assert (done["step"], done["op"]) == ("done", kept["op"])
    assert crossings(stage, kept["op"])[-2:] == ["request", "answer"]
    assert revisions(stage) == before + 1

    # A third time there is nothing left to do, anywhere.
    assert apply(stage, file, "--world", scope).code == 0
    assert revisions(stage) == before + 1
