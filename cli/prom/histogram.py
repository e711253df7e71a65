"""Classic histograms: merge, quantile with the bucket it falls in, and the share of observations under an edge.

A histogram here is a set of cumulative counts by upper edge (`le`), already reduced to the increases of one window.
Only histograms with the same edges can be added; others first have to be brought to the edges that they share.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PLACES = 9


class EdgeMismatchError(ValueError):
    """Histograms with different edges cannot be added (an engine or version mix, or custom buckets on some pods)."""

    def __init__(self, left: tuple[float, ...], right: tuple[float, ...]) -> None:
        self.left, self.right = left, right
        odd = sorted(set(left) ^ set(right))
        super().__init__(f"edges differ: {len(left)} against {len(right)}; only one side has {odd[:6]}")


@dataclass(frozen=True, slots=True)
class Quantile:
    """A quantile and the bucket that holds it, in the histogram's unit.

    The true value lies in [`low`, `high`]. `value` is the linear estimate inside the bucket; it is None in the first
    bucket (the histogram only knows "at most `high`"), in the last (`high` is None: "above `low`"), and when there is
    nothing to say (`low` is None too). `note` says which: "", "first-bucket", "open-bucket", "empty", "invalid".
    """

    value: float | None
    low: float | None
    high: float | None
    note: str = ""


EMPTY = Quantile(None, None, None, "empty")
INVALID = Quantile(None, None, None, "invalid")


@dataclass(frozen=True, slots=True)
class Share:
    """The share of observations at or under a threshold: exact (low == high) when the threshold is an edge."""

    low: float
    high: float

    @property
    def exact(self) -> bool:
        """Whether the threshold is one of the edges."""
        return self.low == self.high


@dataclass(frozen=True, slots=True)
class Histogram:
    """Cumulative counts by edge; edges ascend and end in +Inf. Build it with `from_buckets`."""

    edges: tuple[float, ...]
    counts: tuple[float, ...]

    @classmethod
    def from_buckets(cls, buckets: Iterable[tuple[str, float]]) -> Histogram:
        """A histogram from `le` texts and cumulative counts. `1` and `1.0` are the same edge.

        Raises ValueError for an `le` that is no number or that occurs twice.
        """
        found: dict[float, float] = {}
        for text, count in buckets:
            edge = float(text)
            if math.isnan(edge) or edge in found:
                message = f"the edge le={text!r} is not a number or occurs twice"
                raise ValueError(message)
            found[edge] = count
        edges = tuple(sorted(found))
        return cls(edges, tuple(found[edge] for edge in edges))

    @property
    def problem(self) -> str:
        """Why the histogram cannot be trusted, or ''."""
        if not self.edges or self.edges[-1] != math.inf:
            return "no +Inf bucket"
        previous = 0.0
        for edge, count in zip(self.edges, self.counts, strict=True):
            if not math.isfinite(count):
                return f"the count at le={edge:g} is not finite"
            if count < previous - 1e-6 * max(1.0, abs(previous)):
                return f"counts fall at le={edge:g}: {previous:g} then {count:g}"
            previous = max(previous, count)
        return ""

    @property
    def total(self) -> float:
        """How many observations the histogram holds. 0 when it has no +Inf bucket."""
        return self.counts[-1] if self.edges and self.edges[-1] == math.inf else 0.0

    def plus(self, other: Histogram) -> Histogram:
        """The sum. Raises EdgeMismatchError when the edges are not the same."""
        if self.edges != other.edges:
            raise EdgeMismatchError(self.edges, other.edges)
        return Histogram(self.edges, tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)))

    def quantile(self, q: float) -> Quantile:
        """The quantile `q` (0..1) and its bucket.

        The bucket is the one that holds the observation of nearest rank, so a true nearest-rank quantile of the same
        observations always lies in [low, high]. The estimate inside the bucket is Prometheus' own: linear.
        """
        if self.problem:
            return INVALID
        total = self.total
        if total <= 0:
            return EMPTY
        rank = nearest_rank(q, total)
        index = next(place for place, count in enumerate(self.counts) if count >= rank - 1e-9)
        edge = self.edges[index]
        if index == len(self.edges) - 1:
            low = self.edges[index - 1] if index else 0.0
            return Quantile(None, low, None, "open-bucket")
        if index == 0:
            return Quantile(None, min(0.0, edge), edge, "first-bucket")
        low, before = self.edges[index - 1], self.counts[index - 1]
        inside = self.counts[index] - before
        position = min(1.0, max(0.0, (q * total - before) / inside)) if inside > 0 else 1.0
        return Quantile(low + (edge - low) * position, low, edge)

    def share_under(self, threshold: float) -> Share | None:
        """The share of observations at or under `threshold`; None when the histogram is empty or invalid."""
        if self.problem or self.total <= 0:
            return None
        low, high = 0.0, 1.0
        for edge, count in zip(self.edges, self.counts, strict=True):
            share = min(1.0, count / self.total)
            if edge == threshold:
                return Share(share, share)
            if edge < threshold:
                low = share
            else:
                high = share
                break
        return Share(low, high)


def nearest_rank(q: float, total: float) -> int:
    """The rank, from 1, of the observation that is the `q` quantile of `total` observations by nearest rank.

    Rounded before the ceiling so that 0.95 of 20 is the 19th whatever binary fractions make of it.
    """
    return max(1, math.ceil(round(q * total, _PLACES)))


def on_shared_edges(histograms: Iterable[Histogram]) -> list[Histogram]:
    """The same histograms, coarser: only with the edges that all of them have. Exact, because counts are cumulative."""
    known = list(histograms)
    shared = set[float].intersection(*(set(one.edges) for one in known)) if known else set[float]()
    return [
        Histogram.from_buckets(
            (repr(edge), count) for edge, count in zip(one.edges, one.counts, strict=True) if edge in shared
        )
        for one in known
    ]


def merge(histograms: Iterable[Histogram]) -> Histogram | None:
    """The sum of all; None for none. Raises EdgeMismatchError when two have different edges."""
    result: Histogram | None = None
    for histogram in histograms:
        result = histogram if result is None else result.plus(histogram)
    return result
