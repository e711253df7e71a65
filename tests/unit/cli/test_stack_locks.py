"""Who holds the engine's lock, and which locks may be taken off."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cli import errors, stack_locks

if TYPE_CHECKING:
    from pathlib import Path

STACK = "f.eu-ams-1.infra"
HERE = socket.gethostname()
NOBODY = 4_190_000


def now(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).isoformat().replace("+00:00", "123Z")


class Backend:
    """A file backend with locks in it, and what was asked of the engine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "state here" / ".pulumi" / "locks" / "organization" / "twain" / STACK
        self.folder.mkdir(parents=True)
        self.calls: list[list[str]] = []
        url = f"file://{str(folder / 'state here').replace(' ', '%20')}"
        self.engine: Any = SimpleNamespace(env={"PULUMI_BACKEND_URL": url}, run=self._run)

    def _run(self, args: list[str], **_: Any) -> None:
        self.calls.append(args)

    def lock(self, name: str, host: str, pid: int, since: str) -> Path:
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps({"pid": pid, "username": "me", "hostname": host, "timestamp": since}))
        path.with_name(f"{path.name}.attrs").write_text("{}")
        return path

    def read(self) -> list[stack_locks.Lock]:
        return stack_locks.read(self.engine, STACK)

    def release(self, exactly: str | None = None) -> list[stack_locks.Lock]:
        return stack_locks.release(self.engine, STACK, self.read(), exactly=exactly)

    def left(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def backend(tmp_path: Path) -> Backend:
    return Backend(tmp_path)


def test_no_lock_is_no_lock(backend: Backend) -> None:
    assert backend.read() == []
    assert backend.release() == []


def test_a_lock_of_a_dead_process_is_taken_off_with_its_attributes(backend: Backend) -> None:
    backend.lock("a", HERE, NOBODY, now())
    (lock,) = backend.release()
    assert (lock.owner, lock.id) == ("dead", f"me@{HERE}:{NOBODY}")
    assert backend.left() == []
    assert backend.calls == []


def test_a_lock_whose_process_lives_stays_whatever_is_said(backend: Backend) -> None:
    backend.lock("a", HERE, os.getpid(), now())
    (lock,) = backend.read()
    assert lock.owner == "living"
    for exactly in (None, lock.id):
        with pytest.raises(errors.LockHeldError, match=rf"process {os.getpid()} of me .* lives, running"):
            backend.release(exactly)
    assert len(backend.left()) == 2


def test_one_living_owner_keeps_the_dead_ones_locks_too(backend: Backend) -> None:
    backend.lock("a", HERE, NOBODY, now())
    backend.lock("b", HERE, os.getpid(), now())
    with pytest.raises(errors.LockHeldError):
        backend.release()
    assert len(backend.left()) == 4


def test_a_number_that_went_to_a_later_process_is_a_dead_owner(backend: Backend) -> None:
    backend.lock("a", HERE, os.getpid(), now(days=400))
    assert [lock.owner for lock in backend.release()] == ["dead"]


def test_a_killed_process_that_nobody_collected_is_dead() -> None:
    child = subprocess.Popen(["sleep", "600"])
    assert stack_locks.alive(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not stack_locks.alive(child.pid)
    child.wait()


def test_a_lock_of_another_host_goes_only_by_its_exact_id(backend: Backend) -> None:
    backend.lock("a", "elsewhere", 7, now())
    for wrong in (None, "me@elsewhere:8", f"me@{HERE}:7"):
        with pytest.raises(errors.LockHeldError, match="on elsewhere; whether it lives cannot be seen") as caught:
            backend.release(wrong)
        assert caught.value.fix is not None
        assert caught.value.fix.endswith(f"twain stack unlock {STACK} --lock me@elsewhere:7")
    assert [lock.owner for lock in backend.release("me@elsewhere:7")] == ["elsewhere"]
    assert backend.left() == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x", "username": "a", "hostname": "b"}', "null"])
def test_half_a_lock_file_is_held_by_nobody_known(backend: Backend, content: str) -> None:
    (backend.folder / "torn.json").write_text(content)
    with pytest.raises(errors.LockHeldError, match="cannot be read"):
        backend.release()
    assert [lock.owner for lock in backend.release("torn")] == ["unreadable"]
    assert backend.left() == []


def test_locks_of_another_backend_are_read_out_of_the_engines_words() -> None:
    text = f"""error: the stack is currently locked by 2 lock(s). Either wait …
  gs://b/.pulumi/locks/organization/twain/{STACK}/1.json: created by me@elsewhere (pid 12) at 2026-11-21T07:58:32Z
  gs://b/.pulumi/locks/organization/twain/{STACK}/2.json: created by me@{HERE} (pid {NOBODY}) at 2026-11-21T07:58:33Z
"""
    assert [(lock.id, lock.owner) for lock in stack_locks.told_by(text)] == [
        ("me@elsewhere:12", "elsewhere"),
        (f"me@{HERE}:{NOBODY}", "dead"),
    ]
