"""Questions to one Prometheus server, over whatever path reaches it.

The path is a function: `fetch(path, params) -> (status, body)`, bounded by its owner's deadline. So the same client
works over the pod network, through an API server's proxy, and inside the gate. Only GET is used: a service proxy then
needs the verb `get` and nothing more.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Annotated

import msgspec

from cli import errors
from cli.prom.window import LOOKBACK_S, Increase, RawSeries, Window, increases

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    Fetch = Callable[[str, Mapping[str, str]], Awaitable[tuple[int, bytes]]]

SLICE_S = 1800.0
"""Raw samples are asked for in slices of the window this long, so that an answer stays in memory whatever the window.
Increases of adjoining slices add up to that of the whole (see `cli.prom.window`)."""


class PrometheusError(errors.PartialError):
    """The server refused, failed, or answered with something that is not an answer. What it would say is unknown."""

    default_id = "MET-001"


class _Series(msgspec.Struct):
    metric: dict[str, str]
    values: list[tuple[float, str]] | None = None
    value: tuple[float, str] | None = None


class _Data(msgspec.Struct, rename={"kind": "resultType", "result": "result"}):
    kind: str
    result: msgspec.Raw


class _Answer(msgspec.Struct, rename={"error_type": "errorType"}):
    status: str
    data: _Data | None = None
    error: str = ""
    error_type: str = ""
    warnings: list[str] | None = None


class Sample(msgspec.Struct, frozen=True):
    """One value of an instant query."""

    labels: dict[str, str]
    at: Annotated[float, "unix seconds"]
    value: float


_ANSWER = msgspec.json.Decoder(_Answer)
_SERIES = msgspec.json.Decoder(list[_Series])


class PrometheusClient:
    """Queries of one server. `where` names the cell in errors."""

    def __init__(self, fetch: Fetch, *, where: str, timeout_s: float = 10.0) -> None:
        self._fetch = fetch
        self._where = where
        self._timeout_s = timeout_s

    async def instant(self, expression: str, *, at: float | None = None) -> list[Sample]:
        """The vector that an expression gives at a moment (now by default). Raises PrometheusError."""
        found = await self._query(expression, at=at)
        return [
            Sample(labels=one.metric, at=one.value[0], value=float(one.value[1]))
            for one in found
            if one.value is not None
        ]

    async def raw(self, selector: str, *, start: float, end: float) -> list[RawSeries]:
        """The raw samples of a selector in (start, end]. Raises PrometheusError.

        A range vector at an instant gives samples as they were scraped; a range query would resample them.
        """
        length = max(1, math.ceil((end - start) * 1000))
        found = await self._query(f"{selector}[{length}ms]", at=end)
        return [
            RawSeries(
                name=one.metric.get("__name__", ""),
                labels={key: value for key, value in one.metric.items() if key != "__name__"},
                samples=[(at, float(value)) for at, value in one.values or ()],
            )
            for one in found
        ]

    async def increases(
        self, names: Iterable[str], window: Window, *, matchers: Mapping[str, str] | None = None
    ) -> list[Increase]:
        """The increase of every series of these sample names over the window, one per series.

        `names` are counters and histogram parts; the start markers that tell births and resets are added here.
        `matchers` are label=value pairs; a value of None is not allowed, "+" means "present". Raises PrometheusError.
        """
        wanted = list(names)
        markers = sorted({f"{_base(name)}_created" for name in wanted})
        query = selector([*wanted, *markers, "process_start_time_seconds"], matchers or {})
        totals: dict[tuple[str, tuple[tuple[str, str], ...]], Increase] = {}
        for part in slices(window):
            alive = bool(await self.instant("count(up)", at=part.start))
            raw = await self.raw(query, start=part.start - LOOKBACK_S, end=part.end)
            for one in increases(raw, part, alive_before=alive):
                key = (one.name, tuple(sorted(one.labels.items())))
                before = totals.get(key)
                totals[key] = one if before is None else added(before, one)
        return list(totals.values())

    async def _query(self, expression: str, *, at: float | None) -> list[_Series]:
        form: dict[str, str] = {"query": expression, "timeout": f"{max(1, round(self._timeout_s * 1000))}ms"}
        if at is not None:
            form["time"] = f"{at:.3f}"
        status, body = await self._fetch("/api/v1/query", form)
        try:
            answer = _ANSWER.decode(body)
            if answer.status != "success" or answer.data is None:
                raise self._error(f"Prometheus refused the query: {answer.error_type} {answer.error}".strip())
            if answer.warnings:
                # A warning means that a part of the data is missing; a part must not pass for the whole.
                message = f"Prometheus answered with a warning: {'; '.join(answer.warnings)[:300]}"
                raise self._error(message)
            if answer.data.kind not in {"vector", "matrix"}:
                message = f"expected series, got a {answer.data.kind}"
                raise self._error(message)
            return _SERIES.decode(answer.data.result)
        except msgspec.DecodeError as error:
            message = f"HTTP {status} and no Prometheus answer ({error})"
            raise self._error(message) from error

    def _error(self, message: str) -> PrometheusError:
        return PrometheusError(message, where=self._where, fix="look at the Prometheus pod: twain status")


def slices(window: Window, *, length_s: float = SLICE_S) -> list[Window]:
    """The window cut into adjoining windows of at most `length_s`."""
    count = max(1, math.ceil(window.length_s / length_s))
    step = window.length_s / count
    edges = [window.start + step * index for index in range(count)] + [window.end]
    return [Window(a, b) for a, b in itertools.pairwise(edges)]


def added(first: Increase, second: Increase) -> Increase:
    """The increase over two adjoining windows."""
    return Increase(
        name=first.name,
        labels=first.labels,
        value=first.value + second.value,
        origin="first" if "first" in {first.origin, second.origin} else first.origin,
        resets=first.resets + second.resets,
        last_at=max(first.last_at, second.last_at),
    )


def selector(names: Sequence[str], matchers: Mapping[str, str]) -> str:
    """A selector of several metric names. A matcher value "+" means that the label is present."""
    pattern = "|".join(sorted(set(names)))
    parts = [f'__name__=~"{pattern}"'] if len(set(names)) > 1 else [f'__name__="{pattern}"']
    for label, value in matchers.items():
        parts.append(f'{label}!=""' if value == "+" else f"{label}={quoted(value)}")
    return "{" + ",".join(parts) + "}"


def quoted(value: str) -> str:
    """A value as a PromQL string literal. What it holds can never end the literal."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


def _base(name: str) -> str:
    for suffix in ("_bucket", "_count", "_sum", "_total"):
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name
