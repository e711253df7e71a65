"""The audit log with real cells behind it, and content: seen inside a world by whom it may, and never across."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.conftest import Ran, Stage

CELL = "eu-ams-1"
REASON = "INC-4711: the answers are empty"


@pytest.fixture(autouse=True)
def _a_log_of_their_own(stage: Stage) -> Iterator[None]:
    """Each test begins with a whole log, whatever other tests did with it, and gives it back as it was."""
    assert verify(stage).code in {0, 13}, "a test before this one left a broken log"
    with kept(log_of(stage)):
        yield


@contextmanager
def kept(path: Path) -> Iterator[bytes]:
    """A file that a test may damage. What the product adds meanwhile stays, where the beginning is what it was."""
    before = path.read_bytes() if path.exists() else b""
    yield before
    if not path.exists() or not path.read_bytes().startswith(before):
        path.write_bytes(before)


def log_of(stage: Stage) -> Path:
    return stage.home.operator("row") / "audit.jsonl"


def mutate(stage: Stage, *env: str) -> Ran:
    """The smallest mutation that there is: a revocation of what was never granted, in the world's gate cell."""
    return stage.shell("row", "env", *env, "twain", "context", "revoke", "--to", "nobody", "-y")


def verify(stage: Stage) -> Ran:
    return stage.operator("row", "audit", "verify", "-o", "json")


def state_of(ran: Ran, cell: str) -> dict[str, Any]:
    return next(item for item in ran.items if item["cell"] == cell)


def test_a_flipped_byte_and_a_cut_tail_are_both_found(stage: Stage) -> None:
    assert mutate(stage).code == 0
    assert mutate(stage).code == 0
    whole = log_of(stage).read_bytes()
    good = verify(stage)
    assert good.code == 0, good.err
    lines = whole.splitlines(keepends=True)
    anchored = state_of(good, CELL)
    assert (anchored["state"], anchored["entries"], anchored["head"]) == ("ok", len(lines), good.json["head"])
    last = len(whole) - len(lines[-1])
    for place, line in ((60, 1), (last + 120, len(lines))):
        log_of(stage).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        flipped = verify(stage)
        assert (flipped.code, flipped.json["firstBadLine"]) == (5, line)
        assert mutate(stage).code == 5, "nothing is done on a broken log"
    for cut in (len(whole) - 1, last, 0):
        log_of(stage).write_bytes(whole[:cut])
        ran = verify(stage)
        assert (ran.code, ran.json["firstBadLine"], state_of(ran, CELL)["state"]) == (5, None, "cut")
    log_of(stage).write_bytes(whole)
    assert verify(stage).code == 0


@pytest.mark.parametrize(("point", "unanchored"), [("audit.written", 1), ("audit.anchored", 0)])
def test_killed_between_entry_and_anchor_the_next_change_goes_on(stage: Stage, point: str, unanchored: int) -> None:
    assert mutate(stage).code == 0
    killed = mutate(stage, f"TWAIN_CRASH_AT={point}")
    assert killed.code in {137, -9}, killed.err
    after = verify(stage)
    assert (after.code, after.json["unanchored"]) == (0, unanchored), after.err
    assert mutate(stage).code == 0
    assert verify(stage).json["unanchored"] == 0


def test_a_cell_that_gives_no_answer_is_unknown_and_no_pass(stage: Stage) -> None:
    assert mutate(stage).code == 0
    facts = stage.home.operator("row") / "cells" / f"{CELL}.json"
    good = facts.read_text()
    closed = json.loads(good) | {"endpoint": "https://127.0.0.1:1"}
    facts.write_text(json.dumps(closed))
    try:
        ran = verify(stage)
    finally:
        facts.write_text(good)
    assert (ran.code, state_of(ran, CELL)["state"]) == (13, "unknown"), ran.out


def test_logs_of_the_own_maison_are_shown_and_recorded_and_the_others_need_the_glass(stage: Stage) -> None:
    contexts = stage.home.operator("row") / "contexts.json"
    good = contexts.read_text()
    document = json.loads(good)
    (name,) = document["contexts"]
    try:
        document["contexts"][name]["maisons"] = ["aurelia"]
        contexts.write_text(json.dumps(document))
        own = stage.operator("row", "serve", "logs", "advisor", "--tail", "5", "-o", "json")
        assert own.code == 0, own.err
        assert {item["cell"] for item in own.items} == {CELL, "eu-par-1"}
        document["contexts"][name]["maisons"] = ["calisto"]
        contexts.write_text(json.dumps(document))
        refused = stage.operator("row", "serve", "logs", "advisor")
        assert (refused.code, refused.out) == (5, ""), refused.err
        assert "RES-GLASS" in refused.err
        glass = ("--break-glass", "--reason", REASON)
        broken = stage.operator("row", "serve", "logs", "advisor", "--cell", CELL, *glass, "-o", "json")
        assert broken.code == 0, broken.err
        assert broken.items
    finally:
        contexts.write_text(good)
    told = stage.operator("row", "audit", "list", "-o", "json").items[-3:]
    assert [(one["verb"], one["reason"], one["facts"].get("refused")) for one in told] == [
        ("serve logs", None, None), ("serve logs", None, "RES-GLASS"), ("serve logs", REASON, None),
    ]  # fmt: skip
    assert verify(stage).code == 0


@pytest.mark.parametrize("where", ["--world cn", "--cell cn-sha-1"])
def test_no_glass_breaks_across_the_border(stage: Stage, where: str) -> None:
    crossed = sum(path.stat().st_size for path in stage.home.border.glob("*.jsonl"))
    ran = stage.operator("row", "serve", "logs", "advisor", *where.split(), "--break-glass", "--reason", REASON)
    assert (ran.code, ran.out) == (5, "")
    assert "RES-CONTENT" in ran.err
    assert sum(path.stat().st_size for path in stage.home.border.glob("*.jsonl")) == crossed
