"""What every script here shares: interleaved runs, medians, a ratio with its interval, one dated JSON line per run.

A ratio counts, an absolute time does not: machines drift by a factor of two within an hour. So the commands that are
compared run in turn, in a new random order each round, and the interval is a bootstrap over rounds.
"""

from __future__ import annotations

import json
import os
import platform
import random
import statistics
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results"
QUIET = 0.5
_RESAMPLES = 2000


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """The ratio of two medians, and the interval that holds it in 95 of 100 resamples of the rounds."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"

    def as_json(self) -> dict[str, float]:
        return {key: round(value, 4) for key, value in vars(self).items()}


def interleaved(cases: Mapping[str, Callable[[], float]], *, rounds: int, seed: int = 1) -> dict[str, list[float]]:
    """Measure every case once per round, in random order. A case returns what it measured; one round is thrown away."""
    order = random.Random(seed)
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name in order.sample(list(cases), len(cases)):
            value = cases[name]()
            if number:
                taken[name].append(value)
    return taken


def ratio(ours: Sequence[float], theirs: Sequence[float], *, seed: int = 1) -> Ratio:
    """`ours` over `theirs`, round by round resampled: both sides keep the rounds they shared."""
    pick = random.Random(seed)
    pairs = list(zip(ours, theirs, strict=True))
    found = sorted(_of([pick.choice(pairs) for _ in pairs]) for _ in range(_RESAMPLES))
    cut = _RESAMPLES // 40
    return Ratio(value=_of(pairs), low=found[cut], high=found[-1 - cut])


def _of(pairs: Sequence[tuple[float, float]]) -> float:
    return statistics.median(pair[0] for pair in pairs) / statistics.median(pair[1] for pair in pairs)


def spread(values: Sequence[float]) -> dict[str, float]:
    """Minimum, median, 95th percentile (nearest rank) and how many there were."""
    ranked = sorted(values)
    last = ranked[min(len(ranked) - 1, -(-95 * len(ranked) // 100) - 1)]
    figures = {"min": ranked[0], "median": statistics.median(ranked), "p95": last}
    return {**{key: round(value, 6) for key, value in figures.items()}, "n": len(ranked)}


def against(taken: Mapping[str, Sequence[float]], *ours: str) -> dict[str, Any]:
    """Print a table: every case, and what it takes beside each of `ours`. Returns the same as JSON."""
    print(f"{'':26}{'median ms':>10}{'min':>9}{'p95':>9}" + "".join(f"   x {name:19}" for name in ours))
    rows: dict[str, Any] = {}
    for name, values in taken.items():
        figures = spread(values)
        ratios = {other: ratio(values, taken[other]) for other in ours}
        times = "".join(f"{figures[key] * 1000:{size}.1f}" for key, size in (("median", 10), ("min", 9), ("p95", 9)))
        print(f"{name:26}{times}" + "".join(f"   {one!s:21}" for one in ratios.values()))
        rows[name] = {"seconds": figures, "ratio": {other: one.as_json() for other, one in ratios.items()}}
    return {"cases": rows}


def machine() -> dict[str, Any]:
    """What the figures were taken on, with the load before the first run."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    total_kib = int(Path("/proc/meminfo").read_text(encoding="utf-8").split()[1])
    load = os.getloadavg()[0]
    return {
        "cpu": models[0] if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memoryGiB": round(total_kib / 2**20, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": round(load, 2),
        "quiet": load < QUIET,
    }


def append(name: str, figures: Mapping[str, Any], *, on: Mapping[str, Any]) -> None:
    """Add one dated line to `results/NAME.jsonl` and say so. `on` is what `machine()` said before the first run."""
    line = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "commit": commit(), "machine": on, **figures}
    path = RESULTS / f"{name}.jsonl"
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")
    print(f"-> {path.relative_to(ROOT)}")


def commit() -> str:
    """The commit of this checkout, with `+` when the tree holds more than it."""
    told = ["git", "-C", str(ROOT)]
    head = subprocess.run([*told, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    dirty = subprocess.run([*told, "status", "--porcelain"], capture_output=True, text=True, check=False)
    return head.stdout.strip() + ("+" if dirty.stdout else "")


def heading(on: Mapping[str, Any]) -> str:
    """One line about the machine for people."""
    noise = "" if on["quiet"] else f"; NOT quiet: load {on['load']} before the first run"
    return (
        f"{on['cpu']}, {on['cores']} cores, {on['memoryGiB']} GiB, Linux {on['kernel']}, Python {on['python']}{noise}"
    )
