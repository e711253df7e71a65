"""The journal of `rehearse up` tells after a kill what was begun and what was done."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.steps import Steps

ROOT = Path(__file__).parents[3]


def _events(journal: Path) -> list[tuple[str, str]]:
    return [(entry["step"], entry["event"]) for entry in map(json.loads, journal.read_text().splitlines())]


def test_both_ends_of_a_step_are_written_and_its_duration_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    steps = Steps(tmp_path / "j", said.append)
    assert steps.run("tools", lambda: 7, label="tools") == 7
    assert _events(tmp_path / "j") == [("tools", "begin"), ("tools", "done")]
    assert said[0].strip().startswith("tools")


def test_a_failed_step_is_written_with_its_error_and_raised(tmp_path: Path) -> None:
    steps = Steps(tmp_path / "j", lambda _: None)

    def fail() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError):
        steps.run("x", fail)
    assert _events(tmp_path / "j") == [("x", "begin"), ("x", "failed")]


@pytest.mark.parametrize(("side", "ran"), [("before", False), ("after", True)])
def test_a_kill_point_kills_on_the_side_that_was_asked_for(tmp_path: Path, side: str, ran: bool) -> None:
    program = (
        "import sys; from pathlib import Path; from rehearsal.steps import Steps;"
        f"Steps(Path({str(tmp_path / 'j')!r}), print).run('x', Path({str(tmp_path / 'ran')!r}).touch)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"TWAIN_REHEARSAL_KILL_AT": f"step:x:{side}", "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == -9
    assert (tmp_path / "ran").exists() is ran
    assert _events(tmp_path / "j") == [("x", "begin")]
