"""The audit log: every changed byte and every cut is found, and a log that only a crash touched is not accused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli import audit as auditing
from cli import errors
from cli.anchors import Anchor
from cli.app import Clock
from cli.audit import START, Audit

ROOT = Path(__file__).parents[3]
ADVISOR = str(ROOT / "examples" / "advisor.yaml")
APPLY = ("serve", "apply", "-f", ADVISOR, "--world", "row", "-y")


@pytest.fixture
def log(tmp_path: Path) -> Audit:
    made = Audit(tmp_path / "audit.jsonl", clock=Clock())
    for number in range(4):
        made.append("serve apply", context="row", identity="sre", cells=["eu-ams-1"], name="advisör", number=number)
    return made


def anchored(data: bytes) -> Anchor:
    chain = auditing.read(data)
    return Anchor(log=chain.name, entries=len(chain.entries), head=chain.head, at="")


def verdict(data: bytes, anchor: Anchor) -> str:
    """What a reader with one anchor says of a log."""
    chain = auditing.read(data)
    return f"broken at {chain.bad}" if chain.bad is not None else anchor.follows(chain)


def test_the_log_chains_and_its_head_moves(tmp_path: Path) -> None:
    log = Audit(tmp_path / "audit.jsonl", clock=Clock())
    assert log.read().head == START
    first = log.append("serve apply", context="row", identity="sre", name="advisor")
    second = log.append("context grant", context="row", identity="sre")
    assert log.read().head == second != first
    assert log.path.stat().st_mode & 0o777 == 0o600


def test_every_changed_byte_is_found_and_its_line_is_named(log: Audit) -> None:
    whole = log.path.read_bytes()
    anchor = anchored(whole)
    assert verdict(whole, anchor) == "ok"
    for place in range(len(whole)):
        line = whole.count(b"\n", 0, place) + 1
        for bit in (1, 2, 4, 8, 16, 32, 64, 128):
            damaged = whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :]
            # A byte that becomes a line break ends its own line early, which is then the bad one. The very last line
            # break is no entry's: without it the last entry is a torn one.
            wanted = f"broken at {line}" if place < len(whole) - 1 else "cut"
            assert verdict(damaged, anchor) == wanted, (place, bit)


def test_every_cut_at_the_end_is_found(log: Audit) -> None:
    whole = log.path.read_bytes()
    anchor = anchored(whole)
    assert {verdict(whole[:length], anchor) for length in range(len(whole))} == {"cut"}


def test_every_line_taken_out_or_doubled_or_moved_is_found(log: Audit) -> None:
    lines = log.path.read_bytes().splitlines(keepends=True)
    anchor = anchored(b"".join(lines))
    for place in range(len(lines)):
        without = b"".join(lines[:place] + lines[place + 1 :])
        doubled = b"".join([*lines[: place + 1], *lines[place:]])
        assert verdict(without, anchor) == ("cut" if place == len(lines) - 1 else f"broken at {place + 1}")
        assert verdict(doubled, anchor) == f"broken at {place + 2}"
    assert verdict(b"".join([lines[1], lines[0], *lines[2:]]), anchor) == "broken at 1"


def test_a_log_that_was_written_again_from_some_entry_on_is_found(log: Audit, tmp_path: Path) -> None:
    """Who has the code can make a chain that holds. It does not hold the entry that a cell has anchored."""
    anchor = anchored(log.path.read_bytes())
    forged = Audit(tmp_path / "forged.jsonl", clock=Clock())
    forged.path.write_bytes(b"".join(log.path.read_bytes().splitlines(keepends=True)[:2]))
    for _ in range(3):
        forged.append("context use", context="row", identity="sre")
    assert anchor.follows(forged.read()) == "changed"
    other = Audit(tmp_path / "other.jsonl", clock=Clock())
    for _ in range(9):
        other.append("context use", context="row", identity="sre")
    assert anchor.follows(other.read()) == "replaced"


def test_nothing_is_appended_to_a_broken_log(log: Audit) -> None:
    damaged = log.path.read_bytes().replace(b'"number": 1', b'"number": 9')
    log.path.write_bytes(damaged)
    with pytest.raises(errors.PolicyError, match="is broken at line 2: it was changed after it was written"):
        log.append("serve apply", context="row", identity="sre")
    assert log.path.read_bytes() == damaged


def test_a_torn_last_line_never_counted(log: Audit) -> None:
    head = log.read().head
    with log.path.open("ab") as stream:
        stream.write(b'{"hash": "12')
    assert (log.read().head, log.read().torn) == (head, 12)
    log.append("b", context="c", identity="i")
    assert [entry["verb"] for entry in log.read().entries][-2:] == ["serve apply", "b"]


def test_facts_cannot_stand_in_for_the_chain(tmp_path: Path) -> None:
    log = Audit(tmp_path / "audit.jsonl", clock=Clock())
    log.append("a", context="c", identity="i", hash="0" * 64, prev="1" * 64)
    log.append("b", context="c", identity="i")
    assert log.read().bad is None


def test_two_writers_at_once_make_one_chain(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from cli.app import Clock; from cli.audit import Audit\n"
        "log = Audit(Path(sys.argv[1]), clock=Clock())\n"
        "for n in range(20): log.append('v', context='c', identity=sys.argv[2], n=n)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    place = str(tmp_path / "audit.jsonl")
    running = [subprocess.Popen([sys.executable, "-c", code, place, who], env=environment) for who in ("a", "b")]
    assert [process.wait(60) for process in running] == [0, 0]
    chain = auditing.read(Path(place).read_bytes())
    assert (len(chain.entries), chain.bad) == (40, None)


def test_a_mutation_is_anchored_in_its_own_cells_before_it_is_done(row: Any) -> None:
    operator, ams, par = row
    assert operator.twain(*APPLY).code == 0
    chain = auditing.read((operator.home / "audit.jsonl").read_bytes())
    for api in (ams, par):
        (anchor,) = map(json.loads, api.anchors.values())
        assert (anchor["entries"], anchor["head"]) == (1, chain.head)
        paths = [request.path for request in api.requests if request.method in {"POST", "PATCH", "PUT"}]
        first = next(place for place, path in enumerate(paths) if "/deployments/" in path)
        assert any(path.endswith("/configmaps") for path in paths[:first])
    ran = operator.twain("audit", "verify", "-o", "json")
    assert ran.code == 0, ran.err
    assert [(item["source"], item["state"], item["entries"]) for item in ran.json["items"]] == [
        ("log", "ok", 1), ("cell", "ok", 1), ("cell", "ok", 1),
    ]  # fmt: skip
    assert (ran.json["unanchored"], ran.json["firstBadLine"]) == (0, None)


def test_verify_names_the_first_bad_line_and_ends_with_5(row: Any) -> None:
    operator, *_ = row
    for _ in range(3):
        assert operator.twain("context", "grant", "--to", "x", "-y").code == 0
    place = operator.home / "audit.jsonl"
    whole = place.read_bytes()
    place.write_bytes(whole.replace(b'"verb": "context grant"', b'"verb": "context grunt"', 2))
    ran = operator.twain("audit", "verify", "-o", "json")
    assert (ran.code, ran.json["firstBadLine"]) == (5, 1)
    assert "error AUD-002" in ran.err
    refused = operator.twain("context", "grant", "--to", "y", "-y")
    assert refused.code == 5
    place.write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    cut = operator.twain("audit", "verify", "-o", "json")
    assert cut.code == 5
    assert [item["state"] for item in cut.json["items"]] == ["ok", "cut", "absent"]
    assert "entries are missing at its end" in cut.err
    place.unlink()
    assert [item["state"] for item in operator.twain("audit", "verify", "-o", "json").json["items"]][1] == "cut"


def test_after_a_cut_nothing_more_is_done_and_the_anchor_stays(row: Any) -> None:
    operator, ams, _ = row
    for _ in range(2):
        operator.twain("context", "grant", "--to", "x", "-y")
    before = dict(ams.anchors)
    place = operator.home / "audit.jsonl"
    place.write_bytes(place.read_bytes().splitlines(keepends=True)[0])
    written = len(ams.writes)
    ran = operator.twain("context", "grant", "--to", "x", "-y")
    assert ran.code == 5, ran.err
    assert "AUD-003" in ran.err
    assert len(ams.writes) == written
    assert ams.anchors == before


def test_a_log_that_was_moved_aside_leaves_its_anchor_and_is_told(row: Any) -> None:
    operator, ams, _ = row
    operator.twain("context", "grant", "--to", "x", "-y")
    (operator.home / "audit.jsonl").rename(operator.home / "audit.aside.jsonl")
    assert operator.twain("context", "grant", "--to", "x", "-y").code == 0
    assert len(ams.anchors) == 2
    ran = operator.twain("audit", "verify", "-o", "json")
    assert (ran.code, ran.json["items"][1]["state"]) == (5, "replaced")


def test_a_cell_that_does_not_answer_is_unknown_and_never_a_pass(row: Any) -> None:
    operator, _, par = row
    assert operator.twain(*APPLY).code == 0
    par.answers.append(lambda request: "reset")
    ran = operator.twain("audit", "verify", "-o", "json", "--timeout", "2s")
    assert (ran.code, ran.json["partial"]) == (13, True)
    assert [item["state"] for item in ran.json["items"]] == ["ok", "ok", "unknown"]
    (operator.home / "cells" / "eu-par-1.json").unlink()
    assert operator.twain("audit", "verify", "--timeout", "2s").code == 13, "the log names that cell: it was up"


def test_entries_that_no_cell_has_anchored_are_no_pass(operator: Any) -> None:
    assert operator.twain("audit", "verify").code == 0
    Audit(operator.home / "audit.jsonl", clock=Clock()).append("serve apply", context="test", identity="sre")
    ran = operator.twain("audit", "verify")
    assert ran.code == 13
    assert "AUD-005" in ran.err


def test_an_anchor_that_somebody_scribbled_on_is_not_passed_over(row: Any) -> None:
    operator, ams, _ = row
    operator.twain("context", "grant", "--to", "x", "-y")
    (path,) = (path for path in ams.objects if "/configmaps/twain-audit-" in path)
    good = dict(ams.objects[path]["data"])
    for scribble in ("", "{}", '{"entries": "many"}'):
        ams.objects[path]["data"] = dict.fromkeys(good, scribble)
        assert operator.twain("audit", "verify").code == 5
    ams.objects[path]["data"] = good
    assert operator.twain("audit", "verify").code == 0


@pytest.mark.parametrize(
    ("point", "entries", "anchored_entries"),
    [("audit.before", 1, 1), ("audit.written", 2, 1), ("audit.anchor.before", 2, 1), ("audit.anchored", 2, 2)],
)
def test_killed_between_entry_and_anchor_nothing_is_done_and_nobody_is_accused(
    row: Any, point: str, entries: int, anchored_entries: int
) -> None:
    operator, ams, _ = row
    assert operator.twain("context", "grant", "--to", "first", "-y").code == 0
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TWAIN_HOME": str(operator.home), "TWAIN_CRASH_AT": point}
    words = [sys.executable, "-m", "cli.main", "context", "grant", "--to", "second", "-y"]
    child = subprocess.run(words, env=environment, timeout=60, check=False, capture_output=True)
    assert child.returncode == -9, child.stderr
    assert not any("second" in path for path in ams.objects)
    ran = operator.twain("audit", "verify", "-o", "json")
    assert ran.code == 0, ran.err
    assert (ran.json["entries"], ran.json["unanchored"]) == (entries, entries - anchored_entries)
    assert operator.twain("context", "grant", "--to", "third", "-y").code == 0
    assert operator.twain("audit", "verify", "-o", "json").json["unanchored"] == 0


def test_the_list_tells_what_was_done_and_stops_at_a_bad_line(row: Any) -> None:
    operator, *_ = row
    operator.twain("context", "grant", "--to", "x", "-y")
    operator.twain("context", "revoke", "--to", "x", "-y")
    ran = operator.twain("audit", "list", "-o", "json")
    assert [(item["verb"], item["cells"], item["facts"]["name"]) for item in ran.json["items"]] == [
        ("context grant", ["eu-ams-1"], "x"), ("context revoke", ["eu-ams-1"], "x"),
    ]  # fmt: skip
    assert operator.twain("audit", "list", "--since", "1h", "-o", "json").json["items"] == ran.json["items"]
    place = operator.home / "audit.jsonl"
    place.write_bytes(place.read_bytes().replace(b"revoke", b"revere"))
    broken = operator.twain("audit", "list", "-o", "json")
    assert (broken.code, len(broken.json["items"])) == (5, 1)
