"""Latency rows: per world, cell, maison, workload and model, over one window.

Counts and histograms come from the same increases: a row's `requests` is the number of observations behind its e2e
quantiles. Quantiles carry the bucket they fall in; an SLO counts requests under a bucket edge, never a quantile.
What could not be learnt is None with a reason, and a count of 0 means that nothing happened.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cli.prom.histogram import EMPTY, EdgeMismatchError, Histogram, Quantile, merge, on_shared_edges
from cli.prom.series import INFERENCE, MODEL_LABELS, canonical_of, first_label, preferred, sample_names
from cli.prom.window import target_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cli.prom.client import PrometheusClient
    from cli.prom.window import Increase, Window

METRICS = ("ttft", "itl", "e2e", "queue")
QUANTILES = (("p50", 0.50), ("p95", 0.95), ("p99", 0.99))
_COUNTERS = ("prompt_tokens", "generation_tokens")
SAMPLE_NAMES = tuple(sample_names([*METRICS, *_COUNTERS], INFERENCE))


@dataclass(frozen=True, kw_only=True)
class SloTarget:
    """A promise: the share `objective` of `metric` observations lies at or under `threshold_s`."""

    metric: str
    threshold_s: float
    objective: float


@dataclass(frozen=True, kw_only=True)
class Expected:
    """A workload that the cell's API server says exists: a row is due for it whether or not it has samples."""

    maison: str
    workload: str
    model: str = ""
    slo: tuple[SloTarget, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SloShare:
    """How an SLO did: the share lies in [low, high]; `met` is None when that does not decide it."""

    target: SloTarget
    low: float | None
    high: float | None

    @property
    def met(self) -> bool | None:
        """True, False, or None when the threshold is no edge and the objective lies between, or nothing is known."""
        if self.low is None or self.high is None:
            return None
        if self.low >= self.target.objective:
            return True
        return False if self.high < self.target.objective else None


@dataclass(kw_only=True)
class LatencyRow:
    """One row. `state` is ok, unknown or suppressed; `reason` says why it is not ok. Durations in seconds."""

    world: str
    cell: str
    maison: str
    workload: str
    model: str
    window: Window
    requests: int | None = None
    prompt_tokens: int | None = None
    generation_tokens: int | None = None
    quantiles: dict[str, dict[str, Quantile]] = field(default_factory=dict)
    slo: tuple[SloShare, ...] = ()
    state: str = "ok"
    reason: str | None = None
    sample_age_s: float | None = None
    truncated: int = 0
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The row as the command line prints it."""
        return {
            "world": self.world,
            "cell": self.cell,
            "maison": self.maison,
            "workload": self.workload,
            "model": self.model,
            "window": {"from": stamp(self.window.start), "to": stamp(self.window.end)},
            "requests": self.requests,
            "tokens": {"prompt": self.prompt_tokens, "generation": self.generation_tokens},
            **{metric: self._quantiles(metric) for metric in METRICS},
            "slo": [_slo_json(one) for one in self.slo],
            "state": self.state,
            "reason": self.reason,
            "sampleAge": None if self.sample_age_s is None else round(self.sample_age_s, 3),
            "truncated": self.truncated,
            "notes": list(self.notes),
        }

    def as_contract(self) -> dict[str, Any]:
        """The row in the words of the telemetry contract, before its filter."""
        row = self.as_json()
        shares = {one.target.metric: one for one in self.slo}
        row["slo"] = {metric: _slo_contract(shares.get(metric)) for metric in METRICS}
        row["sampleAge"] = None if self.sample_age_s is None else round(self.sample_age_s)
        return {name: value for name, value in row.items() if name not in {"state", "reason", "notes"}}

    def _quantiles(self, metric: str) -> dict[str, dict[str, float | None]]:
        found = self.quantiles.get(metric, {})
        return {name: _quantile_json(found.get(name, EMPTY)) for name, _ in QUANTILES}


def stamp(at: float) -> str:
    """Unix seconds as RFC 3339 in UTC, milliseconds when there are any."""
    moment = datetime.fromtimestamp(round(at, 3), UTC)
    text = moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
    return text.replace("+00:00", "Z")


async def collect(
    prometheus: PrometheusClient, window: Window, *, world: str, cell: str, expected: Sequence[Expected], now: float
) -> list[LatencyRow]:
    """The rows of one cell: one for each workload that has samples in the window or is expected. Raises
    PrometheusError when the cell's Prometheus gives no answer."""
    found = await prometheus.increases(SAMPLE_NAMES, window, matchers={"workload": "+"})
    return rows(found, window, world=world, cell=cell, expected=expected, now=now)


def rows(
    found: Iterable[Increase], window: Window, *, world: str, cell: str, expected: Sequence[Expected], now: float
) -> list[LatencyRow]:
    """Rows out of increases, sorted by maison, workload and model. Pure.

    Samples in force at the window's start and none inside it say nothing about the window: a workload that was gone
    by then gets no row, one that is expected is unknown, and neither is "0 requests".
    """
    groups = _groups(found)
    wanted = {(one.maison, one.workload): one for one in expected}
    made: list[LatencyRow] = []
    for key, parts in sorted(groups.items()):
        maison, workload, model = key
        if not _seen_inside(parts, window):
            continue
        row = LatencyRow(world=world, cell=cell, maison=maison, workload=workload, model=model, window=window)
        _fill(row, parts, wanted.get((maison, workload)), now=min(now, window.end))
        made.append(row)
    seen = {(row.maison, row.workload) for row in made}
    made += [
        unknown_row(one, window, world=world, cell=cell, reason="Prometheus holds no sample of it in the window")
        for one in expected
        if (one.maison, one.workload) not in seen
    ]
    return sorted(made, key=lambda row: (row.maison, row.workload, row.model))


def unknown_row(
    one: Expected, window: Window, *, world: str, cell: str, reason: str, sample_age_s: float | None = None
) -> LatencyRow:
    """The row of a workload about which nothing could be learnt."""
    shares = tuple(SloShare(target=target, low=None, high=None) for target in one.slo)
    return LatencyRow(
        world=world, cell=cell, maison=one.maison, workload=one.workload, model=one.model, window=window,
        slo=shares, state="unknown", reason=reason, sample_age_s=sample_age_s,
    )  # fmt: skip


def parse_slo(text: str) -> tuple[SloTarget, ...]:
    """SLO targets out of the annotation `twain/slo` (a JSON list). What is not one of ours is left out."""
    try:
        raw = json.loads(text)
    except ValueError:
        return ()
    targets = []
    for one in raw if isinstance(raw, list) else ():
        try:
            target = SloTarget(
                metric=str(one["metric"]), threshold_s=float(one["threshold_s"]), objective=float(one["objective"])
            )
        except (KeyError, TypeError, ValueError):
            continue
        if target.metric in METRICS:
            targets.append(target)
    return tuple(targets)


_Group = dict[str, list["Increase"]]


def _groups(found: Iterable[Increase]) -> dict[tuple[str, str, str], _Group]:
    """Increases by (maison, workload, model) and canonical series, old names dropped where a new one is present."""
    known = list(found)
    names: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for one in known:
        names[target_of(one.labels)].add(one.name)
    chosen = {target: preferred(present) for target, present in names.items()}
    groups: dict[tuple[str, str, str], _Group] = defaultdict(lambda: defaultdict(list))
    for one in known:
        series = canonical_of(one.name)
        if series is None:
            continue
        canonical, alias = series
        if chosen[target_of(one.labels)].get(canonical.key) != alias.name or one.name.endswith("_sum"):
            continue
        if canonical.kind == "histogram" and not one.name.endswith("_bucket"):
            continue
        key = (one.labels.get("maison", ""), one.labels.get("workload", ""), first_label(one.labels, MODEL_LABELS))
        groups[key][canonical.key].append(one)
    return groups


def _seen_inside(parts: _Group, window: Window) -> bool:
    return any(one.last_at > window.start for group in parts.values() for one in group)


def _fill(row: LatencyRow, parts: _Group, expected: Expected | None, *, now: float) -> None:
    merged: dict[str, Histogram] = {}
    for metric in METRICS:
        if metric not in parts:
            row.notes.append(f"{metric}: the engine exposes no such series")
            continue
        histogram = _merged(row, metric, parts[metric])
        if histogram is not None:
            merged[metric] = histogram
            row.quantiles[metric] = {name: histogram.quantile(q) for name, q in QUANTILES}
    if "e2e" in merged and not merged["e2e"].problem:
        row.requests = round(merged["e2e"].total)
    row.prompt_tokens = _total(parts.get("prompt_tokens"))
    row.generation_tokens = _total(parts.get("generation_tokens"))
    every = [one for group in parts.values() for one in group]
    row.truncated = len({target_of(one.labels) for one in every if one.truncated})
    if row.truncated:
        row.notes.append(f"{row.truncated} pods ran before their first sample: counts are lower bounds")
    row.sample_age_s = max(0.0, now - max(one.last_at for one in every))
    if row.requests is None:
        row.state, row.reason = "unknown", "; ".join(row.notes) or "no e2e histogram"
    if expected is not None:
        row.slo = tuple(_share(target, merged.get(target.metric)) for target in expected.slo)


def _merged(row: LatencyRow, metric: str, buckets: list[Increase]) -> Histogram | None:
    """The sum over processes; None, with a note on the row, where there is none."""
    by_series: dict[tuple[tuple[str, str], ...], list[tuple[str, float]]] = defaultdict(list)
    for one in buckets:
        identity = tuple(sorted((name, value) for name, value in one.labels.items() if name != "le"))
        by_series[identity].append((one.labels.get("le", "nan"), one.value))
    try:
        each = [Histogram.from_buckets(part) for part in by_series.values()]
    except ValueError as error:
        row.notes.append(f"{metric}: invalid, {error}")
        return None
    try:
        histogram = merge(each)
    except EdgeMismatchError as error:
        # An SLO adds an edge, so a rollout changes them. Engines that name a series otherwise mean another thing.
        if len({one.name for one in buckets}) > 1:
            row.notes.append(f"{metric}: not merged, {error}")
            return None
        each = on_shared_edges(each)
        histogram = merge(each)
        row.notes.append(f"{metric}: pods have different buckets; added on the {len(each[0].edges)} edges they share")
    if histogram is not None and histogram.problem:
        row.notes.append(f"{metric}: invalid, {histogram.problem}")
    return histogram


def _total(parts: list[Increase] | None) -> int | None:
    return None if parts is None else round(sum(one.value for one in parts))


def _share(target: SloTarget, histogram: Histogram | None) -> SloShare:
    share = histogram.share_under(target.threshold_s) if histogram is not None else None
    if share is None:
        return SloShare(target=target, low=None, high=None)
    return SloShare(target=target, low=share.low, high=share.high)


def _quantile_json(quantile: Quantile) -> dict[str, float | None]:
    return {"value": _rounded(quantile.value), "low": quantile.low, "high": quantile.high}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _slo_json(share: SloShare) -> dict[str, Any]:
    target = share.target
    return {
        "metric": target.metric,
        "threshold": target.threshold_s,
        "objective": target.objective,
        "low": _rounded(share.low),
        "high": _rounded(share.high),
        "met": share.met,
    }


def _slo_contract(share: SloShare | None) -> dict[str, float | None]:
    if share is None:
        return {"threshold": None, "objective": None, "low": None, "high": None}
    return {
        "threshold": share.target.threshold_s,
        "objective": share.target.objective,
        "low": _rounded(share.low),
        "high": _rounded(share.high),
    }
