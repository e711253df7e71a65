"""A small writer of the Prometheus text format, byte-compatible with prometheus_client's.

One engine has some 400 series and a process plays a dozen engines; this keeps an observation to one bisect and a scrape
to string joins, without the client library's locks and per-child objects.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def number(value: float) -> str:
    """A float as prometheus_client writes it: Go's `%g`-like exponent from seven integer digits on."""
    value = float(value)
    if value == math.inf:
        return "+Inf"
    if value == -math.inf:
        return "-Inf"
    text = repr(value)
    dot = text.find(".")
    if value > 0 and dot > 6:
        mantissa = f"{text[0]}.{text[1:dot]}{text[dot + 1 :]}".rstrip("0.")
        return f"{mantissa}e+{dot - 1:02d}"
    return text if text != "nan" else "NaN"


def label_text(labels: Mapping[str, str]) -> str:
    """`{a="1",b="2"}` with sorted names and escaped values; empty for no labels."""
    if not labels:
        return ""
    pairs = (f'{name}="{_escape(value)}"' for name, value in sorted(labels.items()))
    return "{" + ",".join(pairs) + "}"


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


class Value:
    """One counter or gauge series."""

    __slots__ = ("created", "labels", "value")

    def __init__(self, labels: Mapping[str, str], *, value: float = 0.0) -> None:
        self.labels = label_text(labels)
        self.value = value
        self.created = time.time()

    def add(self, amount: float = 1.0) -> None:
        """Increase by `amount`."""
        self.value += amount


class Histogram:
    """One classic histogram series. `edges` are upper bounds without +Inf, ascending."""

    __slots__ = ("_prefixes", "counts", "created", "edges", "labels", "total")

    def __init__(self, labels: Mapping[str, str], edges: Sequence[float]) -> None:
        self.edges = tuple(float(edge) for edge in edges)
        self.counts = [0] * (len(self.edges) + 1)
        self.total = 0.0
        self.created = time.time()
        self.labels = label_text(labels)
        self._prefixes = tuple(label_text({**labels, "le": number(edge)}) for edge in (*self.edges, math.inf))

    def observe(self, value: float) -> None:
        """Count one value: a value on an edge belongs to that edge's bucket."""
        self.counts[bisect_left(self.edges, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """Number of observations."""
        return sum(self.counts)

    def lines(self, name: str) -> Iterable[str]:
        """Cumulative buckets, count and sum."""
        running = 0
        for labels, count in zip(self._prefixes, self.counts, strict=True):
            running += count
            yield f"{name}_bucket{labels} {number(running)}"
        yield f"{name}_count{self.labels} {number(running)}"
        yield f"{name}_sum{self.labels} {number(self.total)}"


class Family:
    """A metric with its series. `kind` is counter, gauge or histogram; a counter's name is given without `_total`."""

    def __init__(self, name: str, kind: str, text: str) -> None:
        self.name = name
        self.kind = kind
        self.text = text.replace("\\", r"\\").replace("\n", r"\n")
        self.series: list[Value] = []
        self.histograms: list[Histogram] = []

    def value(self, labels: Mapping[str, str], *, initial: float = 0.0) -> Value:
        """A new counter or gauge series of this family."""
        child = Value(labels, value=initial)
        self.series.append(child)
        return child

    def histogram(self, labels: Mapping[str, str], edges: Sequence[float]) -> Histogram:
        """A new histogram series of this family."""
        child = Histogram(labels, edges)
        self.histograms.append(child)
        return child

    def lines(self) -> Iterable[str]:
        """The family as text, `_created` series included where the client library would write them."""
        shown = f"{self.name}_total" if self.kind == "counter" else self.name
        yield f"# HELP {shown} {self.text}"
        yield f"# TYPE {shown} {self.kind}"
        for child in self.series:
            yield f"{shown}{child.labels} {number(child.value)}"
        for histogram in self.histograms:
            yield from histogram.lines(self.name)
        made: list[Value | Histogram] = [*self.histograms] if self.kind == "histogram" else [*self.series]
        if self.kind != "gauge" and made:
            yield f"# HELP {self.name}_created {self.text}"
            yield f"# TYPE {self.name}_created gauge"
            for child in made:
                yield f"{self.name}_created{child.labels} {number(child.created)}"


def render(families: Iterable[Family]) -> str:
    """All families as one exposition body."""
    return "\n".join(line for family in families for line in family.lines()) + "\n"
