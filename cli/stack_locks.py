"""The engine's own lock of a stack: who holds it, whether that process lives, and taking a dead one off.

The engine's lock is a file with a name and a process number in it; nobody renews it and nobody frees it when its owner
is killed. `pulumi cancel` removes every lock whoever holds it, so it is never called before the owner is known dead.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cli import errors, files, stack_files

if TYPE_CHECKING:
    from cli.engine import Engine

Owner = Literal["living", "dead", "elsewhere", "unreadable"]
_TOLD = re.compile(r"(?P<url>\S+?): created by (?P<user>\S+)@(?P<host>\S+) \(pid (?P<pid>\d+)\) at (?P<at>\S+)")
# No resource has this URN: the engine takes its lock, finds nothing to do, and gives the lock back.
_NOTHING = "urn:pulumi:none::none::none:none:None::none"
_CLOCKS_DIFFER_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Lock:
    """One lock of the engine. `id` names it exactly: user, host and process."""

    id: str
    user: str
    host: str
    pid: int
    since: str | None
    owner: Owner
    command: str | None
    path: Path | None

    def told(self) -> str:
        """Who holds it, for a person."""
        age = f"; locked since {self.since}" if self.since else ""
        run = f", running `{self.command}`" if self.command else ""
        words = {
            "living": f"process {self.pid} of {self.user} on this machine lives{run}",
            "dead": f"process {self.pid} of {self.user} on this machine is gone",
            "elsewhere": f"process {self.pid} of {self.user} on {self.host}; whether it lives cannot be seen from here",
            "unreadable": "the lock's file cannot be read, so its owner is not known",
        }
        return f"{words[self.owner]}{age}"


def read(engine: Engine, stack: str) -> list[Lock]:
    """The locks of a stack: out of the files of a file backend, else out of what the engine says when it wants one."""
    folder = stack_files.locks(engine.env, stack)
    if folder is not None:
        return [_of_file(path) for path in sorted(folder.glob("*.json"))]
    args = ["refresh", "--yes", "--skip-preview", "--target", _NOTHING, "--stack", stack, "--non-interactive"]
    result = engine.run([*args, "--color", "never"], check=False, timeout_s=120)
    return told_by(result.out + result.err)


def moving(engine: Engine, stack: str) -> bool | None:
    """Whether somebody is at work on the stack now; None where the backend does not let us see."""
    folder = stack_files.locks(engine.env, stack)
    if folder is None:
        return None
    return any(_of_file(path).owner != "dead" for path in folder.glob("*.json"))


def told_by(text: str) -> list[Lock]:
    """The locks that the engine names in an error."""
    return [
        _lock(user=one["user"], host=one["host"], pid=int(one["pid"]), since=one["at"], path=None)
        for one in _TOLD.finditer(text)
    ]


def release(engine: Engine, stack: str, found: list[Lock], *, exactly: str | None) -> list[Lock]:
    """Take the locks of dead owners off, and the one that `exactly` names where its owner cannot be seen from here.

    Raises LockHeldError for one that stays, with all that is known of its owner; then none is taken off.
    """
    kept = [lock for lock in found if not _may_go(lock, exactly)]
    if kept:
        message = f"stack {stack} is locked: {'; '.join(lock.told() for lock in kept)}."
        raise errors.LockHeldError(message, fix=_fix(stack, kept[0]), where=stack, id="LCK-STATE")
    if any(lock.path is None for lock in found):
        engine.run(["cancel", stack, "--yes", "--non-interactive"], timeout_s=60)
    for lock in found:
        if lock.path is not None:
            with contextlib.suppress(FileNotFoundError):
                lock.path.unlink()
                lock.path.with_name(f"{lock.path.name}.attrs").unlink()
            files.sync_dir(lock.path.parent)
    return found


def alive(pid: int, *, since: datetime | None = None) -> bool:
    """Whether the process runs, and, with `since`, ran then: a number goes to another process after its owner's end."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(") ")[2].split()
        if fields[0] in ("Z", "X"):  # killed, and not collected by its parent: which may be never
            return False
        if since is not None:
            began = _booted() + int(fields[19]) / os.sysconf("SC_CLK_TCK")
            return began <= since.timestamp() + _CLOCKS_DIFFER_S
    except (OSError, IndexError, ValueError):
        pass  # gone, or a system without /proc: the signal tells
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _may_go(lock: Lock, exactly: str | None) -> bool:
    if lock.owner == "dead":
        return True
    return lock.owner in {"elsewhere", "unreadable"} and exactly == lock.id


def _fix(stack: str, lock: Lock) -> str:
    if lock.owner == "living":
        return "wait until it has ended, or end it there; the lock goes with it"
    return f"look on {lock.host}: when it is gone there, twain stack unlock {stack} --lock {lock.id}"


def _of_file(path: Path) -> Lock:
    try:
        raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return _lock(
            user=str(raw["username"]), host=str(raw["hostname"]), pid=int(raw["pid"]), since=raw.get("timestamp"),
            path=path,
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Lock(
            id=path.stem, user="?", host="?", pid=0, since=None, owner="unreadable", command=None, path=path
        )  # fmt: skip


def _lock(*, user: str, host: str, pid: int, since: str | None, path: Path | None) -> Lock:
    owner: Owner = "elsewhere"
    if host == socket.gethostname():
        owner = "living" if alive(pid, since=_moment(since)) else "dead"
    command = _command(pid) if owner == "living" else None
    return Lock(
        id=f"{user}@{host}:{pid}", user=user, host=host, pid=pid, since=since, owner=owner, command=command, path=path
    )  # fmt: skip


def _moment(text: str | None) -> datetime | None:
    # The engine writes nanoseconds; Python reads microseconds.
    cut = re.sub(r"(\.\d{6})\d+", r"\1", text or "")
    try:
        found = datetime.fromisoformat(cut)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _booted() -> float:
    for line in Path("/proc/stat").read_text(encoding="utf-8").splitlines():
        if line.startswith("btime "):
            return float(line.split()[1])
    message = "no btime"
    raise ValueError(message)


def _command(pid: int) -> str | None:
    """The first words of a process: a program's arguments may hold what is nobody's business."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    named = [Path(words[0].decode(errors="replace")).name, *(word.decode(errors="replace") for word in words[1:2])]
    return " ".join(word for word in named if word) or None
