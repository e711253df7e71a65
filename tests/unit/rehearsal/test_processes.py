"""Ours is who carries the rehearsal's folder in its environment, and nobody else."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from rehearsal import processes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SLEEP = [sys.executable, "-c", "import sys,time; sys.stdout.write('x'); sys.stdout.flush(); time.sleep(60)"]


@pytest.fixture
def start() -> Iterator[object]:
    started: list[subprocess.Popen[bytes]] = []

    def run(command: list[str], home: str | None, **more: str) -> subprocess.Popen[bytes]:
        env = {key: value for key, value in os.environ.items() if key != "TWAIN_REHEARSAL_HOME"} | more
        if home is not None:
            env["TWAIN_REHEARSAL_HOME"] = home
        child = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, start_new_session=True)
        assert child.stdout is not None
        assert child.stdout.read(1) == b"x"
        started.append(child)
        return child

    yield run
    for child in started:
        child.kill()
        child.communicate()


def test_only_processes_of_this_rehearsal_are_found_and_ended(tmp_path: Path, start: object) -> None:
    ours = start(_SLEEP, str(tmp_path / "a"))  # type: ignore[operator]
    other = start(_SLEEP, str(tmp_path / "ab"))  # type: ignore[operator]
    foreign = start(_SLEEP, None)  # type: ignore[operator]
    assert [process.pid for process in processes.find(tmp_path / "a")] == [ours.pid]
    assert processes.stop_all(tmp_path / "a") == 1
    assert ours.wait(5) == -15
    assert other.poll() is None
    assert foreign.poll() is None


def test_a_process_that_ignores_the_request_is_killed(tmp_path: Path, start: object) -> None:
    stubborn = [
        sys.executable,
        "-c",
        (
            "import signal,sys,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
            "sys.stdout.write('x'); sys.stdout.flush(); time.sleep(60)"
        ),
    ]
    child = start(stubborn, str(tmp_path))  # type: ignore[operator]
    assert processes.stop_all(tmp_path, grace_s=0.2) == 1
    assert child.wait(5) == -9


def test_leftovers_of_a_killed_command_are_ended_and_what_is_to_stay_stays(tmp_path: Path, start: object) -> None:
    stays = start(_SLEEP, str(tmp_path))  # type: ignore[operator]
    leftover = start(_SLEEP, str(tmp_path), TWAIN_REHEARSAL_RUN="1")  # type: ignore[operator]
    others = start(_SLEEP, str(tmp_path / "b"), TWAIN_REHEARSAL_RUN="1")  # type: ignore[operator]
    assert [process.pid for process in processes.find(tmp_path, of_a_run=True)] == [leftover.pid]
    assert processes.end_leftovers(tmp_path) == 1
    assert leftover.wait(5) == -15
    assert stays.poll() is None
    assert others.poll() is None


def test_an_engine_is_interrupted_so_that_it_writes_its_state(tmp_path: Path, start: object) -> None:
    engine = tmp_path / "pulumi"
    engine.write_text(
        f"#!{sys.executable}\n"
        "import signal, sys, time\n"
        "def stop(*_):\n"
        "    open(sys.argv[1], 'w').write('written'); sys.exit(7)\n"
        "signal.signal(signal.SIGINT, stop)\n"
        "sys.stdout.write('x'); sys.stdout.flush(); time.sleep(60)\n"
    )
    engine.chmod(0o700)
    child = start([str(engine), str(tmp_path / "state")], str(tmp_path / "r"), TWAIN_REHEARSAL_RUN="1")  # type: ignore[operator]
    assert [process.pid for process in processes.engines(tmp_path / "r")] == [child.pid]
    assert processes.end_leftovers(tmp_path / "r") == 1
    assert child.wait(5) == 7
    assert (tmp_path / "state").read_text() == "written"
