"""What counters did inside a window: exact increases from raw samples.

`rate()` and `increase()` extrapolate to the window's edges and so invent fractions of requests. Here the increase of a
series over [start, end] is its value in force at `end` minus its value in force at `start`, where the value in force
at a moment is the last sample at or before it, with resets added back. For a window that begins and ends outside a load
by more than a scrape interval this equals the truth; inside a load it is off by at most one scrape interval's
events per series and edge. Increases of adjoining windows add up to the increase of both together: nothing is lost or
counted twice between them. (The first sample of the printed window is therefore the one in force at its start.)

Resets. A process that restarts sets all its counters back at once, but a single series may not show it (5, restart, 7).
So a reset is decided per target (one scraped process), from any of its counters that fell, and from its start
markers (`process_start_time_seconds`, `*_created`) when they rise; it then counts for every series of the target, which
also keeps the buckets of one histogram consistent with each other.

Births. A series without a sample in force at `start` (none within the lookback before it) began to be seen inside
the window. Its first sample already holds whatever happened between its start and that first scrape. It counts from

1. zero, when its process or the series itself was created inside the window, or so shortly before that a scrape could
   not have seen it (markers), or when the same target was already being scraped at `start` (a label value that
   occurred for the first time);
2. zero, when there is no marker and the Prometheus server was alive before `start` (it holds some sample from the
   lookback): a target that had existed then would have been scraped;
3. its first sample otherwise: the counters are older than the record of them. The increase is then a lower bound
   and is marked `truncated`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LOOKBACK_S = 300.0
"""How far before the window a sample may lie and still be in force at its start; Prometheus' own staleness limit."""

START_MARKER = "process_start_time_seconds"
CREATED_SUFFIX = "_created"
_TARGET_LABELS = ("namespace", "pod", "instance", "job")
_MIN_GRACE_S = 15.0


@dataclass(frozen=True, slots=True)
class Window:
    """A closed interval in unix seconds."""

    start: float
    end: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start) and math.isfinite(self.end) and self.start < self.end):
            message = f"a window must begin before it ends: {self.start} .. {self.end}"
            raise ValueError(message)

    @property
    def length_s(self) -> float:
        """Seconds from start to end."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class RawSeries:
    """Samples of one series, ascending in time: (unix seconds, value)."""

    name: str
    labels: Mapping[str, str]
    samples: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Increase:
    """What one counter series did in the window. `origin` says what it was counted from."""

    name: str
    labels: Mapping[str, str]
    value: float
    origin: str = "sample"
    """`sample` (in force at the start), `zero` (born inside), `first` (truncated: a lower bound)."""
    resets: int = 0
    last_at: float = 0.0

    @property
    def truncated(self) -> bool:
        """Whether the value is a lower bound."""
        return self.origin == "first"


@dataclass(slots=True)
class _Target:
    """One scraped process: when it was reset, when its markers say it began, when it was first and last seen."""

    resets: list[float] = field(default_factory=list)
    process_start: float | None = None
    first_seen: float = math.inf
    interval: float = math.inf


def target_of(labels: Mapping[str, str]) -> tuple[str, ...]:
    """The identity of the scraped process behind a series."""
    return tuple(labels.get(label, "") for label in _TARGET_LABELS)


def increases(series: Iterable[RawSeries], window: Window, *, alive_before: bool = False) -> list[Increase]:
    """The increase of every counter series in `series` over `window`.

    `series` holds samples from `window.start` - LOOKBACK_S to `window.end`, counters together with the markers of
    the same targets; markers and gauges named `up` give no increase of their own. Samples that are not finite are left
    out. A series with no sample in (start - lookback, end] gives nothing. Never returns a negative value.
    `alive_before` says that the server held samples at `start`, where `series` alone does not show it.
    """
    known = [_clean(one) for one in series]
    targets = _targets(known, window)
    created = _created(known)
    alive = alive_before or any(one.samples and one.samples[0][0] <= window.start for one in known)
    found = []
    for one in known:
        if not one.samples or _is_marker(one.name):
            continue
        target = targets[target_of(one.labels)]
        born = created.get(_created_key(one), target.process_start)
        increase = _increase(one, window, target=target, born=born, alive_before=alive)
        if increase is not None:
            found.append(increase)
    return found


def _clean(series: RawSeries) -> RawSeries:
    if all(math.isfinite(value) for _, value in series.samples):
        return series
    kept = [(at, value) for at, value in series.samples if math.isfinite(value)]
    return RawSeries(series.name, series.labels, kept)


def _is_marker(name: str) -> bool:
    return name in {START_MARKER, "up"} or name.endswith(CREATED_SUFFIX)


def _targets(known: list[RawSeries], window: Window) -> dict[tuple[str, ...], _Target]:
    """The reset times and first sight of every target. Reset times are the times of the samples that show them."""
    targets: dict[tuple[str, ...], _Target] = defaultdict(_Target)
    resets: dict[tuple[str, ...], set[float]] = defaultdict(set)
    for one in known:
        if not one.samples:
            continue
        key = target_of(one.labels)
        target = targets[key]
        target.first_seen = min(target.first_seen, one.samples[0][0])
        is_start = one.name == START_MARKER
        if is_start:
            target.process_start = one.samples[0][1]
        previous_at, previous = one.samples[0]
        marker = _is_marker(one.name)
        for at, value in one.samples[1:]:
            if 0 < at - previous_at < target.interval:
                target.interval = at - previous_at
            if (is_start and value > previous + 0.5) or (not marker and value < previous):
                resets[key].add(at)
            previous_at, previous = at, value
    for key, times in resets.items():
        targets[key].resets = sorted(time for time in times if time <= window.end)
    return targets


def _created_key(series: RawSeries) -> tuple[str, tuple[tuple[str, str], ...]]:
    base = series.name
    for suffix in ("_bucket", "_count", "_sum", "_total", CREATED_SUFFIX):
        if base.endswith(suffix):
            base = base[: -len(suffix)]
            break
    return base, tuple(sorted((key, value) for key, value in series.labels.items() if key not in {"le", "__name__"}))


def _created(known: list[RawSeries]) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {_created_key(one): one.samples[0][1] for one in known if one.name.endswith(CREATED_SUFFIX) and one.samples}


def _increase(
    series: RawSeries, window: Window, *, target: _Target, born: float | None, alive_before: bool
) -> Increase | None:
    times = [at for at, _ in series.samples]
    last = bisect_right(times, window.end) - 1
    if last < 0:
        return None
    in_force = bisect_right(times, window.start) - 1
    total, resets, origin = 0.0, 0, "sample"
    if in_force >= 0:
        begin = in_force
    else:
        begin = 0
        origin = _origin(window, target=target, born=born, alive_before=alive_before)
        if origin == "zero":
            total = series.samples[0][1]
    previous_at, previous = series.samples[begin]
    for at, value in series.samples[begin + 1 : last + 1]:
        if value < previous or _reset_between(target.resets, previous_at, at):
            total += value
            resets += 1
        else:
            total += value - previous
        previous_at, previous = at, value
    return Increase(series.name, series.labels, max(0.0, total), origin, resets, previous_at)


def _origin(window: Window, *, target: _Target, born: float | None, alive_before: bool) -> str:
    if target.first_seen <= window.start:
        return "zero"
    if born is not None:
        interval = target.interval if math.isfinite(target.interval) else 0.0
        return "zero" if born >= window.start - max(_MIN_GRACE_S, 2 * interval) else "first"
    return "zero" if alive_before else "first"


def _reset_between(resets: list[float], after: float, until: float) -> bool:
    """Whether the target was reset in (after, until]."""
    index = bisect_right(resets, after)
    return index < len(resets) and resets[index] <= until
