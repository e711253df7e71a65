"""How the control plane's side knows the cell's agent: a lock that it holds, and the record of what it started.

The lock falls with the process, so it cannot lie. `agent.json` names the agent and its children by number and start
time.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from typing import TYPE_CHECKING

from rehearsal.kube import processes
from rehearsal.kube.cellfile import CellError
from rehearsal.kube.processes import Process

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rehearsal.kube.cellfile import Folders


def acquire(place: Folders) -> int | None:
    """Take the agent's lock; returns the descriptor to keep open, or None when another agent of this cell runs."""
    descriptor = os.open(place.root / "agent.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def held(place: Folders) -> bool:
    """Whether an agent of this cell runs."""
    if not (place.root / "agent.lock").exists():
        return False
    descriptor = acquire(place)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def wait_held(place: Folders, *, seconds: float) -> None:
    """Return when the agent holds its lock. Raises CellError with the last words of its log."""
    deadline = time.monotonic() + seconds
    while not held(place):
        # A lock gives no event when it is taken, and the start takes a fraction of a second.
        time.sleep(0.05)
        if time.monotonic() > deadline:
            log = place.root / "agent.log"
            tail = log.read_text(encoding="utf-8", errors="replace")[-600:] if log.exists() else "(no log)"
            message = f"cell {place.cell}: the agent did not start in {seconds:.0f} s; its last words: {tail}"
            raise CellError(message)


def record(place: Folders, children: Iterable[int]) -> None:
    """Write the agent's own number and its children's, each with its start time."""
    known = [process for number in (os.getpid(), *children) if (process := processes.lookup(number)) is not None]
    scratch = place.root / "agent.json.tmp"
    scratch.write_text(json.dumps([[process.pid, process.started] for process in known]), encoding="utf-8")
    scratch.replace(place.root / "agent.json")


def recorded(place: Folders) -> list[Process]:
    """The agent and its children as last written, those that still run."""
    try:
        raw = json.loads((place.root / "agent.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return []
    return [process for pid, started in raw if processes.alive(process := Process(pid, started))]


def pid(place: Folders) -> int | None:
    """The running agent's number, or None."""
    known = recorded(place)
    if not known or not held(place):
        return None
    return next((one.pid for one in known if "rehearsal.agent" in processes.arguments(one.pid)), None)


def stop(place: Folders) -> None:
    """Stop the agent, which stops its pods, then whatever it left. Safe to repeat."""
    known = recorded(place)
    processes.stop(known[:1], grace=15.0)
    processes.stop(known[1:], grace=2.0)
