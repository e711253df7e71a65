"""The journal: durable, tolerant of exactly one kind of damage."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli import errors
from cli.app import Clock
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
