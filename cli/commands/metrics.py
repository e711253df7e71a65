"""`twain metrics`: latency against its SLO, and the GPU series."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import click

from cli import errors
from cli.commands.top import GPUS, gpu_report
from cli.options import DURATION, Scope, pass_app, read_options, watch_option
from cli.verbs import Kind, NounGroup, Verb, VerbCommand
from cli.windows import window_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cli.app import App
    from cli.console import Tone
    from cli.output import Format, Report
    from cli.prom.window import Window

_QUANTILE = {"value": "number|null", "low": "number|null", "high": "number|null"}
_QUANTILES = {"p50": _QUANTILE, "p95": _QUANTILE, "p99": _QUANTILE}
_WINDOW = {"from": "RFC 3339", "to": "RFC 3339"}
LATENCY = Kind(
    name="LatencyList",
    item={
        "world": "cn|row",
        "cell": "string",
        "maison": "string",
        "workload": "string",
        "model": "string",
        "window": _WINDOW,
        "requests": "integer|null",
        "tokens": {"prompt": "integer|null", "generation": "integer|null"},
        "ttft": _QUANTILES,
        "itl": _QUANTILES,
        "e2e": _QUANTILES,
        "queue": _QUANTILES,
        "slo": [
            {
                "metric": "ttft|itl|e2e|queue",
                "threshold": "number",
                "objective": "number",
                "low": "number|null",
                "high": "number|null",
                "met": "boolean|null",
            }
        ],
        "state": "ok|unknown|suppressed",
        "reason": "string|null",
        "sampleAge": "number|null",
        "truncated": "integer",
        "notes": ["string"],
    },
    extra={"window": _WINDOW},
)


@click.group(cls=NounGroup)
def metrics() -> None:
    """What the engines and the GPUs measured, from each cell's own Prometheus."""


def window_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--since`, or `--from` and `--to`; gathered into one argument `bounds`."""

    @click.option("--since", type=DURATION, default=None, metavar="DURATION", help="Up to now; 15m unless told.")
    @click.option("--from", "start", metavar="RFC3339", help="Begin of the window.")
    @click.option("--to", "end", metavar="RFC3339", help="End of the window; now unless told.")
    @functools.wraps(function)
    def wrapper(*args: Any, since: float | None, start: str | None, end: str | None, **kwargs: Any) -> Any:
        return function(*args, bounds=(since, start, end), **kwargs)

    return wrapper


@metrics.command(
    "latency",
    cls=VerbCommand,
    verb=Verb(
        data_class="metrics",
        kind=LATENCY,
        examples=(
            "twain metrics latency --since 15m",
            "twain metrics latency --world cn -o json",
            "twain metrics latency --from 2026-11-20T10:00:00Z --to 2026-11-20T10:05:00Z --exit-code",
        ),
    ),
)
@window_options
@click.option("--model", metavar="NAME", help="Only this model, by its served name.")
@click.option("--exit-code", "exit_code", is_flag=True, help="End with 11 when an SLO is missed.")
@watch_option
@read_options
@pass_app
def latency(
    app: App,
    *,
    bounds: tuple[float | None, str | None, str | None],
    model: str | None,
    exit_code: bool,
    watch: float | None,
    scope: Scope,
    output: Format,
    timeout: float,
) -> None:
    """Requests, tokens and latency quantiles of every workload, each with the bucket it falls in.

    Quantiles are estimates inside a histogram bucket; the bucket itself is exact and printed in brackets. SLOs count
    requests under a bucket edge. The other world's rows come through its gate; its groups under 10 requests are
    suppressed.
    """
    missed = False

    def produce() -> Report:
        nonlocal missed
        report, missed = _latency_report(app, bounds, model=model, scope=scope, timeout=timeout)
        return report

    if watch is not None:
        app.watch(watch, output, produce)
        return
    report = produce()
    app.finish(report, output, code=errors.SLO_MISSED if exit_code and missed else errors.OK)


@metrics.command(
    "gpu",
    cls=VerbCommand,
    verb=Verb(
        data_class="metrics", kind=GPUS, examples=("twain metrics gpu", "twain metrics gpu --cell cn-sha-1 -o csv")
    ),
)
@read_options
@pass_app
def gpu(app: App, *, scope: Scope, output: Format, timeout: float) -> None:
    """Every GPU of the own world's nodes, one row per cell and class of the other world."""
    app.finish(gpu_report(app, scope=scope, timeout=timeout), output)


def _latency_report(
    app: App, bounds: tuple[float | None, str | None, str | None], *, model: str | None, scope: Scope, timeout: float
) -> tuple[Report, bool]:
    """The report, and whether any SLO was missed."""
    from cli.collect import gather
    from cli.collect.latency import stamp
    from cli.output import Report

    window = window_of(app.clock.now(), since=bounds[0], start=bounds[1], end=bounds[2])
    found = app.run(gather.latencies(app, scope, window, timeout_s=timeout))
    rows = [row for row in found.rows if model is None or row["model"] == model]
    for row in rows:
        row["window"] = row["window"] or {"from": stamp(window.start), "to": stamp(window.end)}
    missed = any(one["met"] is False for row in rows for one in row["slo"])
    unknown = [row for row in rows if row["state"] == "unknown"]
    report = Report(
        kind=LATENCY.name,
        items=rows,
        columns=_columns(),
        errors=found.errors,
        extra={"window": {"from": stamp(window.start), "to": stamp(window.end)}},
        footer=_footer(rows, window),
        partial=True if unknown else None,
        next="twain top gpu",
        empty="no workload runs in these cells",
    )
    return report, missed


def _columns() -> tuple[Any, ...]:
    from cli.output import Column

    def quantile(title: str, metric: str, name: str, *, wide: bool = False) -> Column:
        return Column(title=title, key=f"{metric}.{name}", show=quantile_text, right=True, missing="unknown", wide=wide)

    return (
        Column(title="CELL", key=lambda row: f"{row['world']}/{row['cell']}"),
        Column(title="WORKLOAD", key=lambda row: f"{row['maison']}/{row['workload']}"),
        Column(title="MODEL", key="model"),
        Column(title="REQUESTS", key=_requests, right=True),
        quantile("TTFT p50", "ttft", "p50"),
        quantile("p95", "ttft", "p95"),
        quantile("p99", "ttft", "p99"),
        quantile("ITL p50", "itl", "p50", wide=True),
        quantile("ITL p95", "itl", "p95"),
        quantile("E2E p95", "e2e", "p95"),
        quantile("QUEUE p95", "queue", "p95"),
        Column(title="SLO", key=_slo, tone=_slo_tone),
        Column(title="TOKENS", key="tokens.generation", right=True, wide=True, missing="unknown"),
        Column(title="AGE", key="sampleAge", right=True, show=lambda age: f"{age:.0f} s", wide=True),
        Column(title="NOTE", key=lambda row: row["reason"] or "; ".join(row["notes"]) or None, wide=True),
    )


def _requests(row: Mapping[str, Any]) -> str:
    if row["state"] == "ok" or row["requests"] is not None:
        return f"{'>=' if row['truncated'] else ''}{row['requests']}"
    return str(row["state"])


def _slo(row: Mapping[str, Any]) -> str:
    verdicts = [one["met"] for one in row["slo"]]
    if not verdicts:
        return "-"
    if False in verdicts:
        return "MISSED"
    return "unknown" if None in verdicts else "met"


def _slo_tone(verdict: Any) -> Tone | None:
    return "bad" if verdict == "MISSED" else "good" if verdict == "met" else None


def quantile_text(quantile: Mapping[str, float | None]) -> str:
    """A quantile as people read it: the estimate and its bucket; `<=` in the first bucket, `>` in the last."""
    value, low, high = quantile["value"], quantile["low"], quantile["high"]
    if low is None:
        return "-"
    if high is None:
        return f"> {seconds_text(low)}"
    if value is None:
        return f"<= {seconds_text(high)}"
    return f"{seconds_text(value)} [{_bare(low)}-{_bare(high)}]"


def seconds_text(value: float) -> str:
    """Seconds in milliseconds below one, three digits."""
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.4g} s"


def _bare(value: float) -> str:
    return f"{value:g}"


def _footer(rows: list[dict[str, Any]], window: Window) -> list[str]:
    from cli.collect.latency import stamp

    known = [row["requests"] for row in rows if row["requests"] is not None]
    unknown = sum(row["state"] == "unknown" for row in rows)
    lines = [f"{sum(known)} requests from {stamp(window.start)} to {stamp(window.end)}; buckets in seconds"]
    if unknown:
        lines.append(f"{unknown} of {len(rows)} rows unknown: -o wide says why")
    return lines
