"""One cell of our own world, asked directly: what its API server expects, and a way to its Prometheus.

The command line and the gate collect through this module, so that both worlds' figures are made the same way.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cli import errors
from cli.collect import freshness, gpu, latency
from cli.kube import decode, kinds, reach
from cli.net import http
from cli.prom.client import PrometheusClient
from cli.serve import names

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from pathlib import Path

    from cli.kube.client import KubeClient
    from cli.net.http import Deadline
    from cli.prom.window import Window

PROMETHEUS = "prometheus"
PROMETHEUS_PORT = 9090
WORKLOAD_LABEL = "twain/workload"
MAISON_LABEL = "twain/maison"
SLO_ANNOTATION = "twain/slo"
MODEL_ANNOTATION = "twain/served-name"


@dataclass(kw_only=True)
class LatencyAnswer:
    """The latency rows of a cell, and what kept some of it from being known."""

    rows: list[latency.LatencyRow] = field(default_factory=list)
    error: errors.TwainError | None = None
    # The workloads that the API server holds: what else has samples was only claimed by a process.
    declared: list[latency.Expected] = field(default_factory=list)


@dataclass(kw_only=True)
class GpuAnswer:
    """The GPU rows of a cell, and what kept some of it from being known."""

    rows: list[gpu.GpuRow] = field(default_factory=list)
    error: errors.TwainError | None = None


@asynccontextmanager
async def prometheus_of(kube: KubeClient, *, access: str, deadline: Deadline) -> AsyncGenerator[PrometheusClient]:
    """A client of the cell's Prometheus. Every question shares `deadline`. Raises TwainError."""
    way = await reach.service(kube, access=access, app=PROMETHEUS, port=PROMETHEUS_PORT, deadline=deadline)

    async def fetch(path: str, params: Mapping[str, str]) -> tuple[int, bytes]:
        try:
            answer = await way.get(path, params=dict(params), deadline=deadline)
        except http.HttpError as error:
            raise http.as_twain_error(error, where=kube.cell) from error
        return answer.status, answer.body

    async with way:
        yield PrometheusClient(fetch, where=kube.cell, timeout_s=max(0.5, deadline.left))


async def expected(kube: KubeClient, *, deadline: Deadline) -> list[latency.Expected]:
    """The workloads that the cell's API server holds. Raises TwainError."""
    path = kinds.collection("apps/v1", "Deployment")
    found = await decode.listed(
        kube, path, decode.Deployment, params={"labelSelector": WORKLOAD_LABEL}, deadline=deadline
    )
    return [
        latency.Expected(
            maison=one.metadata.label(MAISON_LABEL),
            workload=one.metadata.label(WORKLOAD_LABEL),
            model=one.metadata.annotation(MODEL_ANNOTATION),
            slo=latency.parse_slo(one.metadata.annotation(SLO_ANNOTATION)),
        )
        for one in found.items
        # The namespace says whose it is: a label is what its owner wrote.
        if one.metadata.namespace == names.namespace(one.metadata.label(MAISON_LABEL))
    ]


async def latency_of(
    kube: KubeClient,
    window: Window,
    *,
    world: str,
    access: str,
    now: float,
    deadline: Deadline,
    home: Path | None = None,
) -> LatencyAnswer:
    """Latency rows of a cell. A Prometheus that cannot be asked gives `unknown` rows with the age of what was last
    seen (kept under `home`) and an error; an API server that cannot be asked gives an error and no row. Never raises
    TwainError."""
    try:
        due = await expected(kube, deadline=deadline)
    except errors.TwainError as error:
        return LatencyAnswer(error=error)
    try:
        async with prometheus_of(kube, access=access, deadline=deadline) as prometheus:
            rows = await latency.collect(prometheus, window, world=world, cell=kube.cell, expected=due, now=now)
            await _remember(prometheus, kube.cell, now=now, home=home)
    except errors.TwainError as error:
        age = _remembered_age(home, kube.cell, now)
        reason = unknown_reason(error.message, age)
        rows = [
            latency.unknown_row(one, window, world=world, cell=kube.cell, reason=reason, sample_age_s=age)
            for one in due
        ]
        return LatencyAnswer(rows=rows, error=_partial(error, reason, kube.cell), declared=due)
    return LatencyAnswer(rows=rows, declared=due)


async def gpus_of(
    kube: KubeClient, *, world: str, access: str, now: float, deadline: Deadline, home: Path | None = None
) -> GpuAnswer:
    """GPU rows of a cell; the API server's nodes are the list. Never raises TwainError: see `latency_of`."""
    try:
        nodes, pods = await asyncio.gather(
            decode.listed(kube, kinds.collection("v1", "Node"), decode.Node, deadline=deadline),
            decode.listed(kube, kinds.collection("v1", "Pod"), decode.Pod, deadline=deadline),
        )
    except errors.TwainError as error:
        return GpuAnswer(error=error)
    gpu_nodes = [node for node in nodes.items if node.gpus > 0]
    if not gpu_nodes:
        return GpuAnswer()
    try:
        async with prometheus_of(kube, access=access, deadline=deadline) as prometheus:
            rows = await gpu.read(prometheus, gpu_nodes, pods.items, world=world, cell=kube.cell, now=now)
            await _remember(prometheus, kube.cell, now=now, home=home)
    except errors.TwainError as error:
        age = _remembered_age(home, kube.cell, now)
        reason = unknown_reason(error.message, age)
        rows = gpu.unknown_rows(gpu_nodes, pods.items, world=world, cell=kube.cell, reason=reason)
        for row in rows:
            row.sample_age_s = age
        return GpuAnswer(rows=rows, error=_partial(error, reason, kube.cell))
    return GpuAnswer(rows=rows)


async def freshness_of(
    kube: KubeClient, *, access: str, now: float, deadline: Deadline, home: Path | None = None
) -> tuple[freshness.Freshness, errors.TwainError | None]:
    """How fresh the cell's samples are. When its Prometheus gives no answer: what is remembered, and the error."""
    try:
        async with prometheus_of(kube, access=access, deadline=deadline) as prometheus:
            found = await freshness.probe(prometheus, now=now)
    except errors.TwainError as error:
        last = freshness.recall(home, kube.cell) if home is not None else None
        return freshness.Freshness(last_at=last), error
    if home is not None:
        freshness.remember(home, kube.cell, found.last_at)
    return found, None


def unknown_reason(message: str, age_s: float | None) -> str:
    """Why something is unknown, with the age of the last sample that was ever seen from here."""
    seen = "no sample was ever seen from here" if age_s is None else f"the last sample seen is {age_s:.0f} s old"
    return f"{message.rstrip('.')}; {seen}"


async def _remember(prometheus: PrometheusClient, cell: str, *, now: float, home: Path | None) -> None:
    if home is not None:
        freshness.remember(home, cell, (await freshness.probe(prometheus, now=now)).last_at)


def _remembered_age(home: Path | None, cell: str, now: float) -> float | None:
    last = freshness.recall(home, cell) if home is not None else None
    return None if last is None else max(0.0, now - last)


def _partial(error: errors.TwainError, reason: str, cell: str) -> errors.TwainError:
    """The error of a cell whose metrics are unknown: 13 unless signing in was the trouble."""
    if isinstance(error, errors.AuthError):
        return error
    return errors.PartialError(reason, where=cell, fix=error.fix or f"twain status --cell {cell}", id=error.id)
