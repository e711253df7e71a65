"""The journal and the audit log: durable, tolerant of exactly one kind of damage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli import errors
from cli.app import Clock
from cli.audit import Audit
from cli.journal import Journal

ROOT = Path(__file__).parents[3]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "deep" / "journal.jsonl", clock=Clock())


def test_records_come_back_in_order_and_the_file_is_private(journal: Journal) -> None:
    journal.append("k1", "intent", world="cn")
    journal.append("k2", "intent", note="逗号,\n")
    assert [(r["op"], r["step"]) for r in journal.records()] == [("k1", "intent"), ("k2", "intent")]
    assert journal.of("k2")[0]["note"] == "逗号,\n"
    assert journal.path.stat().st_mode & 0o777 == 0o600
    assert journal.path.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_cut_at_any_byte_loses_only_the_torn_record_and_takes_the_next(journal: Journal) -> None:
    for number in range(3):
        journal.append("k", f"step-{number}", text="é" * number)
    whole = journal.path.read_bytes()
    ends = [index + 1 for index, byte in enumerate(whole) if byte == 0x0A]
    for cut in range(len(whole) + 1):
        journal.path.write_bytes(whole[:cut])
        intact = sum(end <= cut for end in ends)
        assert len(journal.records()) == intact
        journal.append("k", "after")
        assert [record["step"] for record in journal.records()] == [f"step-{n}" for n in range(intact)] + ["after"]


def test_a_changed_byte_before_the_last_record_is_refused(journal: Journal) -> None:
    journal.append("k", "one")
    journal.append("k", "two")
    data = bytearray(journal.path.read_bytes())
    data[12] ^= 1
    journal.path.write_bytes(bytes(data))
    with pytest.raises(errors.ResourceError, match="line 1 of the journal"):
        journal.records()
    with pytest.raises(errors.ResourceError, match="line 1"):
        journal.append("k", "three")


def test_a_record_that_cannot_be_made_durable_stops_the_command(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(errors.ResourceError, match="Input/output error") as caught:
        journal.append("k", "one")
    assert caught.value.id == "JRN-001"


def test_processes_that_append_at_once_lose_nothing(journal: Journal) -> None:
    code = (
        "import sys; from pathlib import Path; from cli.app import Clock; from cli.journal import Journal\n"
        "j = Journal(Path(sys.argv[1]), clock=Clock())\n"
        "for n in range(20): j.append(sys.argv[2], f'step-{n}')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    children = [
        subprocess.Popen([sys.executable, "-c", code, str(journal.path), f"op-{n}"], env=environment) for n in range(3)
    ]
    assert [child.wait(60) for child in children] == [0, 0, 0]
    assert len(journal.records()) == 60
    assert [r["step"] for r in journal.of("op-1")] == [f"step-{n}" for n in range(20)]


@pytest.mark.parametrize(("point", "kept"), [("journal.two.before", 1), ("journal.two.after", 2)])
def test_a_process_killed_around_a_step_leaves_what_it_had_recorded(journal: Journal, point: str, kept: int) -> None:
    code = (
        "import sys; from pathlib import Path; from cli.app import Clock; from cli.journal import Journal\n"
        "j = Journal(Path(sys.argv[1]), clock=Clock())\n"
        "for step in ('one', 'two', 'three'): j.append('k', step)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TWAIN_CRASH_AT": point}
    child = subprocess.run([sys.executable, "-c", code, str(journal.path)], env=environment, timeout=60, check=False)
    assert child.returncode == -9
    assert len(journal.records()) == kept


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    return Audit(tmp_path / "audit.jsonl", clock=Clock())


def test_the_audit_log_chains_and_its_head_moves(audit: Audit) -> None:
    assert audit.head() == "0" * 64
    first = audit.append("serve apply", context="row", identity="sre", name="advisor")
    second = audit.append("context grant", context="row", identity="sre")
    assert audit.head() == second != first


def test_a_line_taken_out_or_changed_is_found(audit: Audit) -> None:
    for number in range(3):
        audit.append("serve apply", context="row", identity="sre", number=number)
    lines = audit.path.read_bytes().splitlines(keepends=True)
    for damaged in (lines[:1] + lines[2:], [lines[0].replace(b'"number": 0', b'"number": 9'), *lines[1:]]):
        audit.path.write_bytes(b"".join(damaged))
        with pytest.raises(errors.ResourceError, match="is broken at line 2"):
            audit.head()


def test_a_torn_last_audit_line_never_counted(audit: Audit) -> None:
    audit.append("a", context="c", identity="i")
    head = audit.head()
    with audit.path.open("ab") as stream:
        stream.write(b'{"prev": "')
    assert audit.head() == head
    audit.append("b", context="c", identity="i")
    assert [json.loads(line)["verb"] for line in audit.path.read_text().splitlines()] == ["a", "b"]
