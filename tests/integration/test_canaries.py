"""Planted words: put into one world wherever words can be, and looked for in everything that the other world can see.

Each place has a canary of its own, so that a find says which door was open. That the places hold them, and that the
search finds them, is shown in their own world first.
"""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from cli.audit import read as read_audit
from cli.costs import manifest
from rehearsal.traffic import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.conftest import Stage

ROOT = Path(__file__).resolve().parents[2]
CELL = "cn-sha-1"
PLACES = (
    "prompt", "model", "annotation", "data", "secret", "event", "cost", "guarantee", "reason", "crash", "error", "file",
)  # fmt: skip
CANARY = {place: f"canary-{place}-7c41" for place in PLACES}
SPACE = "maison-calisto"
OBJECTS: list[dict[str, Any]] = [
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "planted"}, "data": {"words": CANARY["data"]}},
    {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "planted"}, "stringData": {"words": CANARY["secret"]}},
    {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "planted"},
        "involvedObject": {"kind": "Pod", "namespace": SPACE, "name": "planted"},
        "reason": "Planted",
        "message": f"the customer wrote {CANARY['event']}",
        "type": "Warning",
    },
]
# An error of ours in the middle of a verb, with a customer's words in its message.
CRASH = (
    "import sys\n"
    "from cli import main, status_screen\n"
    "def broken(*args, **kwargs): raise KeyError(sys.argv[1])\n"
    "status_screen.show = broken\n"
    "sys.exit(main.run(['status']))\n"
)


@dataclass
class Seen:
    """Everything that the operators of the other world were shown."""

    outputs: dict[str, str] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)

    def with_words(self, words: str) -> list[str]:
        """Where these words are."""
        return [name for name, text in self.outputs.items() if words in text] + holding(self.files, words)


def holding(files: list[Path], words: str) -> list[str]:
    """The files that hold these words. What is gone by now, as a log that was turned, holds nothing."""
    found: list[str] = []
    for path in files:
        try:
            if words.encode() in path.read_bytes():
                found.append(str(path))
        except OSError:
            continue
    return found


def under(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def kubectl(stage: Stage, *args: str) -> str:
    ran = stage.shell("cn", "kubectl", "--context", CELL, *args)
    assert ran.code == 0, ran.err
    return ran.out


def patch(stage: Stage, name: str, data: dict[str, str | None]) -> None:
    kubectl(stage, "-n", "twain-system", "patch", "configmap", name, "--type=merge", "-p", json.dumps({"data": data}))


def publish(stage: Stage, file: Path, rows: list[dict[str, Any]]) -> None:
    """Put cost rows where `twain cost publish` puts them, as the same manager: it must be able to go on."""
    file.write_text(yaml.safe_dump(manifest(rows)))
    mine = ("--server-side", "--force-conflicts", "--field-manager=twain-cost")
    kubectl(stage, "apply", *mine, "-f", str(file))


def ask(stage: Stage, body: dict[str, Any]) -> int:
    """A customer's question to the Chinese gateway."""
    place = Place(home=stage.home, world="cn", cell=CELL)
    context = ssl.create_default_context(cafile=str(place.ca_file))
    context.check_hostname = False
    request = urllib.request.Request(
        f"{place.url()}/aurelia/advisor/v1/chat/completions",
        data=json.dumps(body).encode(),
        headers={"authorization": f"Bearer {place.key('load')}", "content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, context=context, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


@pytest.fixture(scope="module")
def planted(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A canary in every place of the Chinese world. All of it is taken out again."""
    folder = tmp_path_factory.mktemp("planted")
    file, sums = folder / "planted.yaml", folder / "cost.yaml"
    file.write_text(yaml.safe_dump_all(OBJECTS))
    cost = json.loads(kubectl(stage, "-n", "twain-system", "get", "configmap", "cost", "-o", "json"))["data"]
    rows = json.loads(cost["cost.json"])["items"]
    spoilt = [{**row, "owner": CANARY["cost"], "tags": {"customer": CANARY["cost"]}} for row in rows]
    spoilt.append({**rows[0], "region": f"for {CANARY['cost']}"})
    note = stage.home.operator("cn") / "notes.txt"
    target = ("-n", "maison-aurelia", "annotate", "--overwrite", "deployment", "advisor")
    try:
        kubectl(stage, "-n", SPACE, "apply", "-f", str(file))
        kubectl(stage, *target, f"twain.example/owner={CANARY['annotation']}")
        publish(stage, sums, spoilt)
        patch(stage, "guarantees", {"canary": f"said by {CANARY['guarantee']}"})
        message = [{"role": "user", "content": f"I am {CANARY['prompt']}"}]
        assert ask(stage, {"model": "qwen3-32b", "messages": message, "max_tokens": 4}) == 200
        assert ask(stage, {"model": CANARY["model"], "messages": message, "max_tokens": 4}) in {400, 404}
        glass = ("--break-glass", "--reason", f"asked by {CANARY['reason']}")
        assert stage.operator("cn", "serve", "logs", "advisor", *glass).code == 0
        assert stage.operator("cn", "serve", "get", CANARY["error"]).code == 6
        crashed = stage.shell("cn", "env", f"PYTHONPATH={ROOT}", "python3", "-c", CRASH, CANARY["crash"])
        assert crashed.code == 255, crashed.err
        note.write_text(CANARY["file"])
        yield
    finally:
        note.unlink(missing_ok=True)
        kubectl(stage, "-n", SPACE, "delete", "--ignore-not-found", "-f", str(file))
        kubectl(stage, *target[:-2], "deployment", "advisor", "twain.example/owner-")
        patch(stage, "guarantees", {"canary": None})
        publish(stage, sums, rows)


@pytest.fixture(scope="module")
def seen(stage: Stage, planted: None, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """What the operator of the rest of the world gets to see by every verb that reads, in every form."""
    del planted
    found = Seen()
    page = stage.home.operator("row") / "canary-report.html"
    asked: list[tuple[str, ...]] = [
        ("status",), ("serve", "list"), ("serve", "get", "advisor"), ("top", "gpu"), ("metrics", "latency"),
        ("metrics", "gpu"), ("parity", "check"), ("cost", "report"), ("cell", "list"), ("stack", "list"),
        ("audit", "list"), ("audit", "verify"), ("context", "list"),
    ]  # fmt: skip
    for words in asked:
        for form in ("wide", "json"):
            ran = stage.operator("row", *words, "-o", form)
            found.outputs[f"{' '.join(words)} -o {form}"] = ran.out + ran.err
    refused: list[tuple[str, ...]] = [
        ("serve", "logs", "advisor", "--cell", CELL), ("cell", "kubeconfig", CELL),
        ("stack", "preview", "--cell", CELL), ("stack", "outputs", "--cell", CELL), ("serve", "get", "nobody"),
    ]  # fmt: skip
    for words in refused:
        ran = stage.operator("row", *words)
        assert ran.code != 0, words
        found.outputs[" ".join(words)] = ran.out + ran.err
    ran = stage.operator("row", "cost", "report", "--html", str(page))
    found.outputs["cost report --html"] = ran.out + ran.err
    found.outputs["the page"] = page.read_text(encoding="utf-8")
    page.unlink()
    load = stage.twain("rehearse", "load", "--rate", "2", "--duration", "5s", "-o", "json")
    found.outputs["rehearse load"] = load.out + load.err
    # State, cache, lake, bills, logs, audit log and crash reports of the other world, what crossed the border, and
    # what a measurement leaves in the checkout.
    found.files = under(stage.home.world("row"), stage.home.border, ROOT / "bench" / "results", ROOT / "docs" / "proof")
    return found


def test_the_search_finds_them_in_their_own_world(stage: Stage, planted: None) -> None:
    del planted
    files = under(stage.home.world("cn"))
    # etcd keeps objects as they came; the log of a command and the reason of a look are in the audit log.
    for place in ("data", "secret", "event", "cost", "guarantee", "annotation", "reason", "file"):
        assert holding(files, CANARY[place]), place


@pytest.mark.parametrize("place", PLACES)
def test_a_planted_word_is_found_nowhere_outside_its_world(seen: Seen, place: str) -> None:
    assert seen.with_words(CANARY[place]) == []


def test_the_other_world_was_told_something(seen: Seen) -> None:
    """Silence would hide every canary: the verbs did speak of the Chinese cell."""
    for words in ("serve list -o json", "metrics latency -o json", "cost report -o json", "parity check -o json"):
        assert CELL in seen.outputs[words], seen.outputs[words]
    assert len(seen.files) > 100


def test_no_prompt_stands_in_any_log_of_its_own_world_either(stage: Stage, planted: None) -> None:
    del planted
    glass = ("--break-glass", "--reason", "looking for the planted prompt")
    ran = stage.operator("cn", "serve", "logs", "advisor", "--tail", "10000", *glass)
    assert ran.code == 0, ran.err
    assert CANARY["prompt"] not in ran.out
    assert CANARY["model"] not in ran.out
    logs = [path for path in under(stage.home.world("cn")) if path.suffix == ".log"]
    assert logs
    assert holding([path for path in logs if not path.name.startswith("audit")], CANARY["prompt"]) == []


def test_a_crash_report_is_written_to_be_sent_and_holds_no_words(stage: Stage, planted: None) -> None:
    del planted
    reports = under(stage.home.operator("cn") / "reports")
    assert reports
    assert any("builtins.KeyError" in path.read_text() for path in reports)
    assert holding(reports, CANARY["crash"]) == []


def test_a_broken_glass_is_in_the_audit_log_of_its_world_alone(stage: Stage, planted: None) -> None:
    del planted
    mine = read_audit((stage.home.operator("cn") / "audit.jsonl").read_bytes())
    assert any(CANARY["reason"] in str(entry.get("reason")) for entry in mine.entries)
    other = stage.home.operator("row") / "audit.jsonl"
    assert not other.exists() or CANARY["reason"].encode() not in other.read_bytes()


def test_what_opens_the_chinese_cell_is_in_no_hand_of_the_other_world(stage: Stage, seen: Seen) -> None:
    """Not planted, there anyway: where the cell's API server is, whom it trusts, what its state calls its secrets."""
    facts = json.loads((stage.home.operator("cn") / "cells" / f"{CELL}.json").read_text())
    certificate = facts["ca"].splitlines()[2]
    for words in (facts["endpoint"], certificate, (stage.home.world("cn") / "passphrase").read_text().strip()):
        assert len(words) >= 16
        assert seen.with_words(words) == []
