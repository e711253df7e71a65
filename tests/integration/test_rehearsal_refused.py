"""What the operator of a world is refused on the shared rehearsal: nothing of its state is changed by it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal import ports, processes
from tests.integration.small import CELL, STACKS, WORLD, error_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.conftest import Stage


@contextlib.contextmanager
def _unchanged(stage: Stage) -> Iterator[Path]:
    """The world's folder; its states must be afterwards what they were."""
    world = stage.home.world(WORLD)
    before = _states(world)
    assert len(before) == 2
    yield world
    assert _states(world) == before


def _states(world: Path) -> dict[str, bytes]:
    folder = world / "state" / ".pulumi" / "stacks" / "twain"
    return {path.name: path.read_bytes() for path in folder.glob("*.json")}


def _other_operator(stage: Stage, folder: Path, **env: str) -> str:
    """A TWAIN_HOME like the operator's, whose engine runs with other settings."""
    document: dict[str, Any] = json.loads((stage.home.operator(WORLD) / "contexts.json").read_text())
    document["contexts"][document["current"]]["env"] |= env
    (folder / "other").mkdir()
    (folder / "other" / "contexts.json").write_text(json.dumps(document))
    return f"TWAIN_HOME={folder / 'other'}"


@pytest.mark.parametrize("verb", [["preview"], ["up", "-y"]])
def test_a_wrong_passphrase_ends_with_3(stage: Stage, tmp_path: Path, verb: list[str]) -> None:
    wrong = tmp_path / "passphrase"
    wrong.write_text("not the one")
    other = _other_operator(stage, tmp_path, PULUMI_CONFIG_PASSPHRASE_FILE=str(wrong))
    with _unchanged(stage):
        ran = stage.shell(WORLD, "env", other, "twain", "stack", *verb, "--cell", CELL, "--layer", "infra")
    assert ran.code == 3, ran.out + ran.err
    assert "passphrase" in error_of(ran.err, "AUTH-STATE")


def test_a_stack_that_another_command_changes_is_locked(stage: Stage) -> None:
    with _unchanged(stage):
        folder = stage.home.operator(WORLD) / "locks"
        folder.mkdir(mode=0o700, exist_ok=True)
        with (folder / f"{STACKS[0]}.lock").open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            stream.write(f"{os.getpid()} since today")
            stream.flush()
            ran = stage.operator(WORLD, "stack", "up", "--cell", CELL, "--layer", "infra", "-y")
    assert ran.code == 14, ran.out + ran.err
    assert str(os.getpid()) in error_of(ran.err, "LCK-001")


def test_a_living_engines_own_lock_is_respected(stage: Stage) -> None:
    engine = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with _unchanged(stage) as world:
        lock = world / "state" / ".pulumi" / "locks" / "organization" / "twain" / STACKS[0] / "test.json"
        lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        holder = {"pid": engine.pid, "username": "somebody", "hostname": socket.gethostname()}
        lock.write_text(json.dumps(holder | {"timestamp": datetime.now(UTC).isoformat()}))
        try:
            ran = stage.operator(WORLD, "stack", "up", "--cell", CELL, "--layer", "infra", "-y")
            assert lock.exists()
        finally:
            lock.unlink()
            engine.communicate(b"\n")
    assert ran.code == 14, ran.out + ran.err
    assert f"(pid {engine.pid})" in error_of(ran.err, "LCK-STATE")


def test_nothing_of_the_rehearsal_listens_outside_of_loopback(stage: Stage) -> None:
    own = ports.sockets_of(process.pid for process in processes.find(stage.home.root))
    found = [one for one in ports.listeners() if one.inode in own]
    assert found
    assert [str(one) for one in found if not one.address.startswith("127.")] == []
