"""How old a cell's newest sample is, also when its Prometheus cannot be asked: what was last seen is remembered.

The memory is one small file per cell under `$TWAIN_HOME/cache/samples/`, written after each answer. It holds times,
nothing else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli import files

if TYPE_CHECKING:
    from pathlib import Path

    from cli.prom.client import PrometheusClient


@dataclass(frozen=True, kw_only=True)
class Freshness:
    """The newest sample of a cell, and its targets. `last_at` is None when no sample is known of."""

    last_at: float | None
    up: int | None = None
    down: int | None = None

    def age_s(self, now: float) -> float | None:
        """Seconds since the newest sample, never negative; None when there is none."""
        return None if self.last_at is None else max(0.0, now - self.last_at)


async def probe(prometheus: PrometheusClient, *, now: float) -> Freshness:
    """The newest `up` sample and how many targets are up. Raises PrometheusError.

    A Prometheus without any target has no sample: `last_at` is None, and both counts are 0.
    """
    states = await prometheus.instant("up", at=now)
    newest = await prometheus.instant("max(timestamp(up))", at=now)
    up = sum(one.value == 1.0 for one in states)
    return Freshness(last_at=newest[0].value if newest else None, up=up, down=len(states) - up)


def remember(home: Path, cell: str, last_at: float | None) -> None:
    """Keep the time of a cell's newest sample. An older time than the one kept changes nothing."""
    if last_at is None:
        return
    known = recall(home, cell)
    if known is None or last_at > known:
        files.write_private(_path(home, cell), json.dumps({"cell": cell, "lastSample": last_at}) + "\n")


def recall(home: Path, cell: str) -> float | None:
    """The time of the newest sample of a cell that this operator ever saw, or None. A broken file is no memory."""
    try:
        return float(json.loads(_path(home, cell).read_bytes())["lastSample"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _path(home: Path, cell: str) -> Path:
    return home / "cache" / "samples" / f"{cell}.json"
