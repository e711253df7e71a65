"""Journaled steps: what was begun and what was done, on disk before and after each, so that a killed run can resume.

A step must be safe to repeat; the journal is for the reader (and for tests that kill at named points, see
`rehearsal.killpoints`), not a licence to skip work.
"""

from __future__ import annotations

import json
import os
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from rehearsal import killpoints

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")


class Steps:
    """Runs named steps, reports each with its duration, and writes both ends to the journal. Safe for threads."""

    def __init__(self, journal: Path, say: Callable[[str], None]) -> None:
        self._journal = journal
        self._say = say
        self._lock = threading.Lock()
        self.durations: dict[str, float] = {}

    def run(self, name: str, action: Callable[[], T], *, label: str | None = None) -> T:
        """Run one step. The label is what a person reads; without one the step is silent."""
        self._write(name, "begin")
        killpoints.at_step(name, "before")
        started = time.monotonic()
        try:
            result = action()
        except BaseException as error:
            self._write(name, "failed", error=f"{type(error).__name__}: {error}"[:2000])
            raise
        seconds = time.monotonic() - started
        killpoints.at_step(name, "after")
        self._write(name, "done", seconds=round(seconds, 3))
        with self._lock:
            self.durations[name] = seconds
        if label:
            self._say(f"  {label:<68} {seconds:6.1f} s")
        return result

    def _write(self, name: str, event: str, **facts: object) -> None:
        now = datetime.now(tz=UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, "pid": os.getpid(), "step": name, "event": event, **facts}) + "\n"
        with self._lock:
            descriptor = os.open(self._journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, line.encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
