"""`twain top`: GPUs and how busy they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cli.options import Scope, pass_app, read_options, watch_option
from cli.verbs import Kind, NounGroup, Verb, VerbCommand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.app import App
    from cli.output import Format, Report

GPUS = Kind(
    name="GpuList",
    item={
        "world": "cn|row",
        "cell": "string",
        "name": "string",
        "level": "gpu|class",
        "node": "string|null",
        "gpu": "integer|null",
        "model": "string|null",
        "class": "string",
        "count": "integer",
        "known": "integer",
        "busy": "integer|null",
        "util": "number|null",
        "memory": {"used": "integer|null", "total": "integer|null"},
        "power": "number|null",
        "temperature": "number|null",
        "owner": {"namespace": "string", "pod": "string", "maison": "string", "workload": "string"},
        "idleFor": "number|null",
        "sampleAge": "number|null",
        "state": "ok|unknown",
        "reason": "string|null",
    },
)
_GIB = 1024**3


@click.group(cls=NounGroup)
def top() -> None:
    """What is busy now."""


@top.command(
    "gpu",
    cls=VerbCommand,
    verb=Verb(
        data_class="metrics", kind=GPUS, examples=("twain top gpu", "twain top gpu --watch", "twain top gpu -o json")
    ),
)
@watch_option
@read_options
@pass_app
def gpu(app: App, *, watch: float | None, scope: Scope, output: Format, timeout: float) -> None:
    """Every GPU of the own world's nodes: busy, memory, power, owner, idle for how long, and how old the sample is.

    The nodes' own list decides which GPUs there are: where an exporter is dead its GPUs are `unknown`, never 0. Of the
    other world there is one row per cell and class, through its gate.
    """
    app.watch(watch, output, lambda: gpu_report(app, scope=scope, timeout=timeout))


def gpu_report(app: App, *, scope: Scope, timeout: float) -> Report:
    """The report of `top gpu` and of `metrics gpu`."""
    from cli.collect import gather
    from cli.output import Report

    found = app.run(gather.gpus(app, scope, timeout_s=timeout))
    return Report(
        kind=GPUS.name,
        items=found.rows,
        columns=_columns(),
        errors=found.errors,
        footer=_footer(found.rows),
        partial=True if any(row["state"] == "unknown" for row in found.rows) else None,
        next="twain metrics latency --since 15m",
        empty="no node of these cells has a GPU now; pools scale from zero",
    )


def _columns() -> tuple[Any, ...]:
    from cli.output import Column

    def share(value: float) -> str:
        return f"{value:.0%}"

    return (
        Column(title="CELL", key=lambda row: f"{row['world']}/{row['cell']}"),
        Column(title="NODE", key="node"),
        Column(title="GPU", key=lambda row: row["gpu"] if row["level"] == "gpu" else f"x{row['count']}", right=True),
        Column(title="CLASS", key="class"),
        Column(title="MODEL", key="model"),
        Column(title="UTIL", key="util", right=True, show=share, missing="unknown"),
        Column(title="MEMORY", key=_memory, right=True, missing="unknown"),
        Column(title="POWER", key="power", right=True, show=lambda watts: f"{watts:.0f} W", missing="unknown"),
        Column(title="WORKLOAD", key=_workload),
        Column(title="IDLE FOR", key="idleFor", right=True, show=duration_text),
        Column(title="AGE", key="sampleAge", right=True, show=duration_text, missing="never"),
        Column(title="STATE", key="state", tone=lambda state: "warn" if state == "unknown" else None),
        Column(title="REASON", key="reason"),
    )


def _memory(row: Mapping[str, Any]) -> str | None:
    used, total = row["memory"]["used"], row["memory"]["total"]
    if used is None:
        return None
    return f"{used / _GIB:.0f}/{total / _GIB:.0f} GiB" if total is not None else f"{used / _GIB:.0f} GiB"


def _workload(row: Mapping[str, Any]) -> str | None:
    owner = row["owner"]
    if owner is None:
        return None
    return f"{owner['maison']}/{owner['workload']}" if owner["workload"] else f"{owner['namespace']}/{owner['pod']}"


def duration_text(seconds: float) -> str:
    """A duration in its two largest units."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}m{rest:02d}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m"


def _footer(rows: list[dict[str, Any]]) -> list[str]:
    total = sum(row["count"] for row in rows)
    known = sum(row["known"] for row in rows)
    busy = sum(row["busy"] or 0 for row in rows)
    if not total:
        return []
    line = f"{busy} of {known} known GPUs busy"
    return [line if known == total else f"{line}; {total - known} of {total} unknown"]
