"""Counts and quantile buckets against recorded truth, through a real Prometheus that scrapes real expositions."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import time
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from cli.collect import gpu, latency
from cli.kube import decode
from cli.net.http import HttpClient
from cli.prom.client import PrometheusClient
from cli.prom.histogram import nearest_rank
from cli.prom.window import Window
from rehearsal import tools
from tests.integration.loopback import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping
    from pathlib import Path

    from cli.collect.gpu import GpuRow
    from cli.collect.latency import LatencyRow

SCRAPE_S = 1.0
MARGIN_S = 2.5 * SCRAPE_S
EDGES = {
    "time_to_first_token_seconds": (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0),
    "inter_token_latency_seconds": (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.5, 1.0),
    "e2e_request_latency_seconds": (0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0),
    "request_queue_time_seconds": (0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 5.0),
}


def _prometheus_binary() -> str:
    return shutil.which("prometheus") or str(tools.ensure(["prometheus"])["prometheus"].path)


@dataclass
class Engine:
    """A pod with the series of vLLM. `restart` is a new process: new registry, counters from zero."""

    name: str
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def restart(self) -> None:
        self.registry = CollectorRegistry()
        Gauge("process_start_time_seconds", "start", registry=self.registry).set(time.time())
        labels = ["model_name", "engine"]
        self._histograms = {
            name: Histogram(f"vllm:{name}", name, labels, buckets=edges, registry=self.registry).labels("m", "0")
            for name, edges in EDGES.items()
        }
        self._prompt = Counter("vllm:prompt_tokens", "p", labels, registry=self.registry).labels("m", "0")
        self._generated = Counter("vllm:generation_tokens", "g", labels, registry=self.registry).labels("m", "0")

    def serve(self, truth: Truth, rng: random.Random) -> None:
        """One finished request, counted and recorded in the same step."""
        ttft, queue = rng.lognormvariate(-1.2, 0.6), rng.random() * 0.2
        gaps = [rng.lognormvariate(-3.2, 0.5) for _ in range(rng.randint(4, 16))]
        values = {
            "time_to_first_token_seconds": [ttft],
            "request_queue_time_seconds": [queue],
            "inter_token_latency_seconds": gaps,
            "e2e_request_latency_seconds": [ttft + sum(gaps)],
        }
        for name, observed in values.items():
            for value in observed:
                self._histograms[name].observe(value)
            truth.values[name].extend(observed)
        self._prompt.inc(100)
        self._generated.inc(len(gaps) + 1)
        truth.requests += 1
        truth.prompt += 100
        truth.generation += len(gaps) + 1


@dataclass
class Truth:
    requests: int = 0
    prompt: int = 0
    generation: int = 0
    values: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


class Cell:
    """Engines, one Prometheus that discovers them from a file, and a client of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runners: dict[str, web.AppRunner] = {}
        self.targets: dict[str, dict[str, object]] = {}
        self.prometheus: asyncio.subprocess.Process | None = None
        self.port = free_port()

    async def start(self) -> None:
        (self.folder / "targets.json").write_text("[]")
        (self.folder / "prometheus.yml").write_text(
            json.dumps(
                {
                    "global": {"scrape_interval": f"{SCRAPE_S:g}s", "scrape_timeout": f"{SCRAPE_S:g}s"},
                    "scrape_configs": [
                        {
                            "job_name": "pods",
                            "file_sd_configs": [
                                {"files": [str(self.folder / "targets.json")], "refresh_interval": "1s"}
                            ],
                        }
                    ],
                }
            )
        )
        self.prometheus = await asyncio.create_subprocess_exec(
            _prometheus_binary(),
            f"--config.file={self.folder}/prometheus.yml",
            f"--storage.tsdb.path={self.folder}/data",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--log.level=warn",
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with HttpClient(f"http://127.0.0.1:{self.port}") as client, asyncio.timeout(30):
            while True:
                try:
                    if (await client.request("GET", "/-/ready", deadline=2.0)).status == 200:
                        return
                except Exception:  # noqa: BLE001 - it is starting; the timeout above bounds this
                    pass
                await asyncio.sleep(0.1)

    async def add(self, name: str) -> Engine:
        engine = Engine(name)
        engine.restart()
        labels = {"namespace": "maison-a", "pod": name, "workload": "advisor", "maison": "a"}
        await self.expose(name, lambda: generate_latest(engine.registry), labels)
        return engine

    async def expose(self, name: str, body: Callable[[], bytes], labels: dict[str, str]) -> None:
        """A target with these labels whose `/metrics` is what `body` gives."""

        async def metrics(_request: web.Request) -> web.Response:
            return web.Response(body=body(), headers={"Content-Type": "text/plain; version=0.0.4"})

        app = web.Application()
        app.router.add_get("/metrics", metrics)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.runners[name] = runner
        self.targets[name] = {"targets": [f"127.0.0.1:{runner.addresses[0][1]}"], "labels": labels}
        self._write_targets()

    async def remove(self, name: str) -> None:
        await self.runners.pop(name).cleanup()
        del self.targets[name]
        self._write_targets()

    def _write_targets(self) -> None:
        targets = list(self.targets.values())
        temporary = self.folder / "targets.tmp"
        temporary.write_text(json.dumps(targets))
        temporary.replace(self.folder / "targets.json")

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[PrometheusClient]:
        async with HttpClient(f"http://127.0.0.1:{self.port}") as client:

            async def fetch(path: str, params: Mapping[str, str]) -> tuple[int, bytes]:
                answer = await client.request("GET", path, params=dict(params), deadline=10.0)
                return answer.status, answer.body

            yield PrometheusClient(fetch, where="test")

    async def rows(self, window: Window) -> list[LatencyRow]:
        async with self.client() as prometheus:
            return await latency.collect(prometheus, window, world="cn", cell="test", expected=[], now=time.time())

    async def gpus(self, nodes: list[decode.Node]) -> list[GpuRow]:
        async with self.client() as prometheus:
            return await gpu.read(prometheus, nodes, [], world="cn", cell="test", now=time.time())

    async def seen(self, pod: str) -> bool:
        """Whether Prometheus has scraped the pod. It takes up new targets every 5 s only, whatever the interval."""
        async with HttpClient(f"http://127.0.0.1:{self.port}") as client:
            answer = await client.request("GET", "/api/v1/query", params={"query": f'up{{pod="{pod}"}} == 1'})
            return bool(json.loads(answer.body)["data"]["result"])

    async def stop(self) -> None:
        for name in list(self.runners):
            await self.runners.pop(name).cleanup()
        if self.prometheus is not None and self.prometheus.returncode is None:
            self.prometheus.terminate()
            await self.prometheus.wait()


def _assert_equals_truth(row: LatencyRow, truth: Truth) -> None:
    assert row.requests == truth.requests
    assert row.prompt_tokens == truth.prompt
    assert row.generation_tokens == truth.generation
    assert row.truncated == 0
    names = {
        "ttft": "time_to_first_token_seconds",
        "itl": "inter_token_latency_seconds",
        "e2e": "e2e_request_latency_seconds",
        "queue": "request_queue_time_seconds",
    }
    for metric, name in names.items():
        ordered = sorted(truth.values[name])
        for label, q in latency.QUANTILES:
            true = ordered[nearest_rank(q, len(ordered)) - 1]
            quantile = row.quantiles[metric][label]
            assert quantile.low is not None
            assert quantile.low <= true
            assert quantile.high is None or true <= quantile.high


async def _steady(engines: list[Engine], truth: Truth, rng: random.Random, *, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for engine in engines:
            engine.serve(truth, rng)
        await asyncio.sleep(0.05)


async def _until_seen(cell: Cell, pod: str, engines: list[Engine], truth: Truth, rng: random.Random) -> None:
    while not await cell.seen(pod):
        await _steady(engines, truth, rng, seconds=0.3)


async def _scenario(cell: Cell) -> None:
    rng, truth = random.Random(7), Truth()
    await cell.start()
    early = await cell.add("early")
    before = Truth()
    await _until_seen(cell, "early", [], before, rng)
    # What happened before the window must not be counted, and is: the counters start above zero.
    await _steady([early], before, rng, seconds=1.0)
    await asyncio.sleep(MARGIN_S)
    start = time.time()
    await asyncio.sleep(MARGIN_S)
    await _steady([early], truth, rng, seconds=1.5)
    # A pod born inside the window that served before its first scrape.
    late = await cell.add("late")
    late.serve(truth, rng)
    late.serve(truth, rng)
    await _until_seen(cell, "late", [early, late], truth, rng)
    # A container that restarts in place, drained first, and at once counts further than before.
    await asyncio.sleep(MARGIN_S)
    late.restart()
    await _steady([early] + [late] * 12, truth, rng, seconds=2.5)
    # A pod that goes, drained first, and one that takes its place.
    await asyncio.sleep(MARGIN_S)
    await cell.remove("early")
    successor = await cell.add("successor")
    await _until_seen(cell, "successor", [late, successor], truth, rng)
    await asyncio.sleep(MARGIN_S)
    end = time.time()
    (row,) = await cell.rows(Window(start, end))
    _assert_equals_truth(row, truth)
    middle = (start + end) / 2
    first, second = (await cell.rows(Window(start, middle)))[0], (await cell.rows(Window(middle, end)))[0]
    assert (first.requests or 0) + (second.requests or 0) == truth.requests
    # The pod that came first also served before the window; a longer window finds that too.
    (longer,) = await cell.rows(Window(start - 60, end))
    assert longer.requests == truth.requests + before.requests


def test_a_window_outside_the_load_counts_what_truly_happened(tmp_path: Path) -> None:
    """Also for pods that are born inside the window, restart in place, or are replaced."""

    async def run() -> None:
        cell = Cell(tmp_path)
        try:
            async with asyncio.timeout(90):
                await _scenario(cell)
        finally:
            await cell.stop()

    asyncio.run(run())


def _node(name: str) -> decode.Node:
    raw = {"metadata": {"name": name}, "status": {"allocatable": {"nvidia.com/gpu": "1"}}}
    return msgspec.convert(raw, decode.Node)


async def _gpus(cell: Cell) -> None:
    await cell.start()
    util = {"old": 0, "new": 0.7}
    bodies = {
        "old": lambda: f'DCGM_FI_DEV_GPU_UTIL{{gpu="0"}} {util["old"]}\nDCGM_FI_DEV_FB_USED{{gpu="0"}} 1024\n',
        "new": lambda: (
            f'DCGM_FI_DEV_GPU_UTIL_RATIO{{gpu="0"}} {util["new"]}\nDCGM_FI_DEV_FB_USED_BYTES{{gpu="0"}} 5e9\n'
        ),
    }
    for name, body in bodies.items():
        labels = {"namespace": "gpu-monitoring", "pod": f"dcgm-{name}", "node": name}
        await cell.expose(f"dcgm-{name}", lambda body=body: body().encode(), labels)
    for name in bodies:
        await _until_seen(cell, f"dcgm-{name}", [], Truth(), random.Random(1))
    nodes = [_node("new"), _node("old"), _node("silent")]
    new, old, silent = await cell.gpus(nodes)
    assert (new.util, new.memory_used, new.idle_s, new.state) == (0.7, 5e9, None, "ok")
    assert (old.util, old.memory_used, old.state) == (0, 1024**3, "ok")
    assert old.idle_s is not None
    assert (silent.state, silent.util, silent.sample_age_s) == ("unknown", None, None)
    # The exporter dies: its GPU stays in the list, unknown, with the age of its last sample.
    killed = time.time()
    await cell.runners.pop("dcgm-new").cleanup()
    await asyncio.sleep(MARGIN_S)
    gone = (await cell.gpus(nodes))[0]
    assert (gone.state, gone.util, gone.known) == ("unknown", None, 0)
    assert gone.sample_age_s is not None
    assert MARGIN_S - 0.5 <= gone.sample_age_s <= time.time() - killed + 2 * SCRAPE_S


def test_a_dead_exporter_leaves_its_gpus_unknown_with_the_age_of_their_last_sample(tmp_path: Path) -> None:
    async def run() -> None:
        cell = Cell(tmp_path)
        try:
            async with asyncio.timeout(60):
                await _gpus(cell)
        finally:
            await cell.stop()

    asyncio.run(run())
