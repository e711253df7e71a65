"""Processes that outlive their parent: find them again, tell them from a stranger with the same number, end them.

A process is known by its number *and* its start time, because numbers are reused: a leftover pid file must never make
us kill somebody else's process.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PROC = Path("/proc")
# Field 22 of /proc/PID/stat, counted after the command name in parentheses (which may hold spaces).
_STATE_FIELD, _START_FIELD = 0, 19


@dataclass(frozen=True)
class Process:
    """One process of this machine: number, and start time in clock ticks since boot."""

    pid: int
    started: int


def _stat(pid: int) -> list[str] | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def lookup(pid: int) -> Process | None:
    """The running process with this number, or None; a zombie counts as gone."""
    fields = _stat(pid)
    if fields is None or fields[_STATE_FIELD] in {"Z", "X"}:
        return None
    return Process(pid, int(fields[_START_FIELD]))


def alive(process: Process) -> bool:
    """Whether exactly this process still runs."""
    return lookup(process.pid) == process


def arguments(pid: int) -> list[str]:
    """The argument list of a process; empty when it is gone or belongs to the kernel."""
    try:
        raw = (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return []
    return [part.decode(errors="replace") for part in raw.split(b"\0")[:-1]]


def with_program_under(folder: Path) -> dict[str, list[Process]]:
    """Every process whose program path lies under `folder`, by program name. Finds what no pid file names."""
    prefix = f"{folder}/"
    found: dict[str, list[Process]] = {}
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        argv = arguments(int(entry.name))
        if argv and argv[0].startswith(prefix):
            process = lookup(int(entry.name))
            if process is not None:
                found.setdefault(Path(argv[0]).name, []).append(process)
    return found


def carrying(name: str, value: str) -> dict[str, list[Process]]:
    """Every process with exactly this in its environment, by program name."""
    wanted = f"{name}={value}".encode()
    found: dict[str, list[Process]] = {}
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            held = wanted in (entry / "environ").read_bytes().split(b"\0")
        except OSError:  # gone meanwhile, or another user's
            continue
        argv, process = arguments(int(entry.name)), lookup(int(entry.name))
        if held and argv and process is not None:
            found.setdefault(Path(argv[0]).name, []).append(process)
    return found


def _wait_gone(processes: list[Process], deadline: float) -> list[Process]:
    """Wait on pidfds until all ended or the monotonic deadline; returns those left."""
    poller = select.poll()
    watched: dict[int, Process] = {}
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            fd = os.pidfd_open(process.pid)
            if alive(process):
                watched[fd] = process
                poller.register(fd, select.POLLIN)
            else:
                os.close(fd)
    try:
        while watched and (left := deadline - time.monotonic()) > 0:
            for fd, _ in poller.poll(left * 1000):
                poller.unregister(fd)
                os.close(fd)
                del watched[fd]
        return list(watched.values())
    finally:
        for fd in watched:
            os.close(fd)


def _signal(process: Process, number: int) -> None:
    if alive(process):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)


def stop(processes: Iterable[Process], *, grace: float) -> None:
    """SIGTERM, wait up to `grace` seconds, SIGKILL. Returns when all are gone. Safe to repeat."""
    left = [process for process in processes if alive(process)]
    for process in left:
        _signal(process, signal.SIGTERM)
    left = _wait_gone(left, time.monotonic() + grace)
    for process in left:
        _signal(process, signal.SIGKILL)
    _wait_gone(left, time.monotonic() + 5.0)
