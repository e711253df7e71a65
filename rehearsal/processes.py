"""Finds and ends the processes of one rehearsal, by what they carry in their environment, never by name.

Every process of a rehearsal inherits `TWAIN_REHEARSAL_HOME`; whoever carries the value is ours, also after its parent
was killed. What belongs to one command only (engines, verbs) carries `TWAIN_REHEARSAL_RUN` too: when that command is
gone and they are not, they are leftovers.
"""

from __future__ import annotations

import os
import select
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rehearsal.home import HOME_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable

RUN_VARIABLE = "TWAIN_REHEARSAL_RUN"
_KEY = f"{HOME_VARIABLE}=".encode()
_RUN_KEY = f"{RUN_VARIABLE}=".encode()
_ENGINE = "pulumi"
_SHOWN = 200
# An engine that was told to stop ends the creates that it is at; the longest takes half of this on a slow machine.
_ENGINE_GRACE_S = 40.0


@dataclass(frozen=True)
class Process:
    """One process: its id, its start time in clock ticks (an id is reused, the pair is not), its command."""

    pid: int
    started: int
    command: str


def find(root: Path, *, of_a_run: bool = False) -> list[Process]:
    """The processes of the rehearsal at `root`, without the caller and its ancestors; or only those that a command
    started for its own time.
    """
    spared = _ancestors()
    found: list[Process] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in spared:
            continue
        process = _read(entry, str(root).encode(), of_a_run=of_a_run)
        if process is not None:
            found.append(process)
    return sorted(found, key=lambda process: process.pid)


def command(pid: int) -> str:
    """The command line of a process, shortened; empty when it is gone."""
    try:
        raw = (Path("/proc") / str(pid) / "cmdline").read_bytes()
    except OSError:
        return ""
    return raw.replace(b"\0", b" ").decode(errors="replace").strip()[:_SHOWN]


def run_mark() -> dict[str, str]:
    """What the environment of a process gets that belongs to the calling command only."""
    return {RUN_VARIABLE: str(os.getpid())}


def end_leftovers(root: Path) -> int:
    """End what a killed `up` left at work: engines first, so that they write their state, then all others. For the
    holder of the rehearsal's lock: nobody else's command can be at work. Returns the count.
    """
    found = find(root, of_a_run=True)
    handles = [_signal(process, signal.SIGINT) for process in found if _name(process) == _ENGINE]
    _await([handle for handle in handles if handle is not None], _ENGINE_GRACE_S)
    stop_all(root, of_a_run=True)
    return len(found)


def engines(root: Path) -> list[Process]:
    """The engines at work in the rehearsal, also those that a person started in a shell."""
    return [process for process in find(root) if _name(process) == _ENGINE]


def stop_all(
    root: Path, *, grace_s: float = 10.0, report: Callable[[Process], None] | None = None, of_a_run: bool = False
) -> int:
    """End every process of the rehearsal: SIGTERM, then SIGKILL for what is left after the grace. Returns the count."""
    ended: set[int] = set()
    for number, patience in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 5.0)):
        # More than once, because a process may have started a child between the look and the signal.
        for _ in range(3):
            processes = find(root, of_a_run=of_a_run)
            if not processes:
                return len(ended)
            handles = [(process, _signal(process, number)) for process in processes]
            for process, _ in handles:
                if report is not None and process.pid not in ended:
                    report(process)
                ended.add(process.pid)
            _await([handle for _, handle in handles if handle is not None], patience)
    return len(ended)


def _signal(process: Process, number: int) -> int | None:
    """Send a signal through a pid file descriptor, so that a reused id is never hit. Returns the descriptor."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return None
    if _started(Path("/proc") / str(process.pid)) != process.started:
        os.close(handle)
        return None
    try:
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        os.close(handle)
        return None
    return handle


def _await(handles: list[int], patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    poller = select.poll()
    for handle in handles:
        poller.register(handle, select.POLLIN)
    left = set(handles)
    while left and (wait := deadline - time.monotonic()) > 0:
        for handle, _ in poller.poll(wait * 1000):
            poller.unregister(handle)
            left.discard(handle)
    for handle in handles:
        os.close(handle)


def _name(process: Process) -> str:
    try:
        return (Path("/proc") / str(process.pid) / "comm").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _read(entry: Path, root: bytes, *, of_a_run: bool) -> Process | None:
    try:
        environment = (entry / "environ").read_bytes().split(b"\0")
    except OSError:  # gone meanwhile, or another user's
        return None
    words, started = command(int(entry.name)), _started(entry)
    if started is None or not words:  # a zombie has no command and waits for its parent only
        return None
    if _KEY + root not in environment:
        return None
    if of_a_run and not any(value.startswith(_RUN_KEY) for value in environment):
        return None
    return Process(int(entry.name), started, words)


def _started(entry: Path) -> int | None:
    try:
        text = (entry / "stat").read_text()
    except OSError:
        return None
    return int(text.rsplit(")", 1)[1].split()[19])


def _ancestors() -> set[int]:
    pids: set[int] = set()
    pid = os.getpid()
    while pid > 1 and pid not in pids:
        pids.add(pid)
        try:
            text = (Path("/proc") / str(pid) / "stat").read_text()
        except OSError:
            break
        pid = int(text.rsplit(")", 1)[1].split()[1])
    return pids
