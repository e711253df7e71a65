"""What killed engines leave in a world's state, and what is made of it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from rehearsal.engine.pulumi import Engine

STACK = "rehearsal.cn-sha-1.infra"

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    (tmp_path / "r" / "cn").mkdir(parents=True)
    return Engine(tmp_path / "r" / "cn", tmp_path)


def _checkpoint(engine: Engine, name: str = STACK) -> Path:
    path = engine.workspace.state_dir / ".pulumi" / "stacks" / "twain" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@pytest.mark.parametrize("half", ["", '{"version": 3, "checkpoint": {"la'])
def test_a_half_written_state_becomes_the_one_before(engine: Engine, half: str) -> None:
    path = _checkpoint(engine)
    path.write_text(half)
    path.with_name(f"{path.name}.bak").write_text('{"version": 3}')
    assert engine.mend() == [STACK]
    assert json.loads(path.read_text()) == {"version": 3}
    assert path.stat().st_mode & 0o777 == 0o600
    assert engine.mend() == []


def test_a_whole_state_stays_whatever_lies_beside_it(engine: Engine) -> None:
    path = _checkpoint(engine)
    path.write_text('{"version": 3, "new": true}')
    path.with_name(f"{path.name}.bak").write_text("half")
    assert engine.mend() == []
    assert json.loads(path.read_text())["new"] is True


def test_half_written_attributes_and_an_empty_version_file_go_and_whole_ones_stay(engine: Engine) -> None:
    path = _checkpoint(engine)
    path.write_text('{"version": 3}')
    half, whole = path.with_name(f"{path.name}.attrs"), path.with_name(f"{path.name}.bak.attrs")
    half.touch()
    whole.write_text('{"user.metadata": null}')
    meta = engine.workspace.state_dir / ".pulumi" / "meta.yaml"
    meta.touch()
    assert engine.mend() == []
    assert not half.exists()
    assert whole.exists()
    assert not meta.exists()
    meta.write_text("version: 1\n")
    engine.mend()
    assert meta.exists()


def test_a_stack_killed_while_it_was_made_is_made_again(engine: Engine) -> None:
    path = _checkpoint(engine)
    path.touch()
    assert engine.mend() == [STACK]
    assert not path.exists()


def test_a_removed_stack_is_not_brought_back(engine: Engine) -> None:
    path = _checkpoint(engine)
    path.with_name(f"{path.name}.bak").write_text('{"version": 3}')
    assert engine.mend() == []
    assert not path.exists()


def test_half_a_state_is_left_alone_while_an_engine_may_be_writing_it(engine: Engine, tmp_path: Path) -> None:
    pulumi = tmp_path / "pulumi"
    pulumi.write_text(f"#!{sys.executable}\nprint(flush=True)\ninput()\n")
    pulumi.chmod(0o700)
    path = _checkpoint(engine)
    path.touch()
    env = {"TWAIN_REHEARSAL_HOME": str(tmp_path / "r")}
    with subprocess.Popen([pulumi], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writing:
        assert writing.stdout is not None
        writing.stdout.readline()
        assert engine.mend() == []
        writing.communicate(b"\n")
    assert path.exists()


def _lock(engine: Engine, text: str) -> Path:
    path = engine.workspace.state_dir / ".pulumi" / "locks" / "organization" / "twain" / STACK / "one.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.with_name("one.json.attrs").write_text("{}")
    return path


def test_the_lock_of_a_killed_engine_that_nobody_collects_is_taken_off(engine: Engine, tmp_path: Path) -> None:
    pulumi = tmp_path / "pulumi"
    pulumi.write_text(f"#!{sys.executable}\nprint(flush=True)\ninput()\n")
    pulumi.chmod(0o700)
    with subprocess.Popen([pulumi], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as zombie:
        assert zombie.stdout is not None
        zombie.stdout.readline()
        path = _lock(engine, json.dumps({"pid": zombie.pid, "hostname": socket.gethostname()}))
        assert engine.release_dead_locks(STACK) == 0
        zombie.kill()
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        assert engine.release_dead_locks(STACK) == 1
        assert list(path.parent.iterdir()) == []


def test_a_lock_of_another_machine_stays_and_half_a_lock_goes(engine: Engine) -> None:
    path = _lock(engine, json.dumps({"pid": 1, "hostname": "elsewhere"}))
    assert engine.release_dead_locks(STACK) == 0
    path.write_text("")
    assert engine.release_dead_locks(STACK) == 1
