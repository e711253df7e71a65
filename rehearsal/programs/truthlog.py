"""The record of every finished request, by the simulated engines: the same floats that they put into histograms."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# A record may be this late (s); a reader of truth waits longer than that after the last request.
FLUSH_SECONDS = 0.5
SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
  pod TEXT NOT NULL, namespace TEXT NOT NULL, maison TEXT NOT NULL, workload TEXT NOT NULL, model TEXT NOT NULL,
  arrived REAL NOT NULL, completed REAL NOT NULL, ttft REAL, e2e REAL NOT NULL, queue REAL, itl TEXT NOT NULL,
  prompt_tokens INTEGER NOT NULL, generation_tokens INTEGER NOT NULL, finished_reason TEXT NOT NULL,
  streamed INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS requests_completed ON requests (completed);
"""
_INSERT = "INSERT INTO requests VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"


@dataclass(frozen=True)
class Finished:
    """A finished request. Times in unix seconds, durations in seconds; `ttft`, `queue`: None when never reached."""

    pod: str
    namespace: str
    maison: str
    workload: str
    model: str
    arrived: float
    completed: float
    ttft: float | None
    e2e: float
    queue: float | None
    itl: tuple[float, ...]
    prompt_tokens: int
    generation_tokens: int
    finished_reason: str
    streamed: bool

    def row(self) -> tuple[object, ...]:
        """The values in column order. repr-exact floats: JSON keeps a double to the last bit."""
        return (
            self.pod, self.namespace, self.maison, self.workload, self.model, self.arrived, self.completed, self.ttft,
            self.e2e, self.queue, json.dumps(self.itl), self.prompt_tokens, self.generation_tokens,
            self.finished_reason, int(self.streamed),
        )  # fmt: skip


@dataclass
class TruthLogs:
    """Batched writers, one per file. All methods run on the event loop's thread."""

    _pending: dict[Path, list[Finished]] = field(default_factory=dict)
    _timer: asyncio.TimerHandle | None = None

    def record(self, path: Path, finished: Finished) -> None:
        """Queue one request; it is on disk at most FLUSH_SECONDS later."""
        self._pending.setdefault(path, []).append(finished)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)

    def flush(self) -> None:
        """Write everything that waits. Safe to repeat."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        pending, self._pending = self._pending, {}
        for path, rows in pending.items():
            write(path, rows)


def write(path: Path, rows: list[Finished]) -> None:
    """Append rows in one transaction, creating the file where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=10)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        # The kernel keeps what a killed process wrote; only a power cut could lose it, and no rehearsal outlives that.
        connection.execute("PRAGMA synchronous=OFF")
        connection.executescript(SCHEMA)
        with connection:
            connection.executemany(_INSERT, [row.row() for row in rows])
