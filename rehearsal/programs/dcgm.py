"""The simulated DCGM exporter: the GPUs of its node, following the load of the engines that hold them."""

from __future__ import annotations

import argparse
import asyncio
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from aiohttp import web

from rehearsal.programs.dcgm_fields import EXTRA, SILENT, Field, Generation, Sample, generation
from rehearsal.programs.gpus import GpuBoard, Holding, gpu_model, gpu_uuid
from rehearsal.programs.promtext import label_text

if TYPE_CHECKING:
    from rehearsal.programs.context import Context

_DRIVER = "570.172.08"
_RESERVED_MIB, _AMBIENT_C, _FULL_LOAD_C = 640.0, 29.0, 46.0
_POD_RESOURCES = "/var/lib/kubelet/pod-resources/kubelet.sock"
_PORT_RANGE = re.compile(r"^(?P<host>[^:]*):(?P<port>\d+)$")


class _UsageError(Exception):
    pass


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        msg = f"Incorrect Usage: {message}"
        raise _UsageError(msg)


@dataclass
class _Gpu:
    """What the collector remembers of one GPU between two collections."""

    energy_j: float
    holding: Holding | None = None
    busy_s: float = 0.0
    tensor_s: float = 0.0
    dram_s: float = 0.0
    sample: Sample | None = None


@dataclass
class Collector:
    """Collects at its own interval, as the real exporter does: a scrape only repeats the last collection."""

    board: GpuBoard
    node: str
    gpus: int
    model_name: str
    _states: list[_Gpu] = field(default_factory=list)
    _at: float = field(default_factory=time.monotonic)

    # Whether it may ask the kubelet which pod holds a GPU.
    sees_pods: bool = True

    def __post_init__(self) -> None:
        self._states = [_Gpu(energy_j=1e5 * (index + 1)) for index in range(self.gpus)]
        self.collect(seconds=0.0)

    def collect(self, *, seconds: float | None = None) -> None:
        """Read every GPU over the time since the last collection."""
        now = time.monotonic()
        elapsed = now - self._at if seconds is None else seconds
        self._at = now
        for index, state in enumerate(self._states):
            state.sample = self._sample(state, self.board.holder(self.node, index), elapsed)

    def _sample(self, state: _Gpu, holding: Holding | None, elapsed: float) -> Sample:
        model = gpu_model(self.model_name)
        if holding is not state.holding:
            load = holding.load if holding else None
            state.holding = holding
            state.busy_s, state.tensor_s, state.dram_s = (
                (load.busy_s, load.tensor_s, load.dram_s) if load else (0.0, 0.0, 0.0)
            )
        busy = tensor = dram = used = 0.0
        if holding is not None:
            load = holding.load
            span = max(elapsed, 1e-9)
            busy = min(1.0, (load.busy_s - state.busy_s) / span)
            tensor = min(1.0, (load.tensor_s - state.tensor_s) / span)
            dram = min(1.0, (load.dram_s - state.dram_s) / span)
            state.busy_s, state.tensor_s, state.dram_s = load.busy_s, load.tensor_s, load.dram_s
            used = load.memory_mib
        floor = model.idle_w * (1.3 if used else 1.0)
        power = floor + (model.limit_w - floor) * min(1.0, 0.15 * busy + 0.4 * dram + 0.6 * tensor)
        state.energy_j += power * elapsed
        return Sample(
            busy=busy,
            tensor=tensor,
            dram=dram,
            power_w=power,
            energy_j=state.energy_j,
            used_mib=used,
            free_mib=max(0.0, model.memory_mib - _RESERVED_MIB - used),
            reserved_mib=_RESERVED_MIB,
            temperature_c=round(_AMBIENT_C + _FULL_LOAD_C * power / model.limit_w),
            sm_mhz=model.sm_mhz if busy else 210,
            memory_mhz=model.memory_mhz,
            pcie_bytes=2e4 + 3e7 * busy,
        )

    def text(self, speaks: Generation, fields: tuple[Field, ...], *, host: str) -> str:
        """The exposition of the last collection."""
        lines: list[str] = []
        labels = [self._labels(index, speaks, host) for index in range(self.gpus)]
        for one in fields:
            lines.append(f"# HELP {one.name} {one.text}")
            lines.append(f"# TYPE {one.name} {one.kind}")
            for text, state in zip(labels, self._states, strict=True):
                if state.sample is not None:
                    value = one.value(state.sample)
                    lines.append(f"{one.name}{text} {round(value)}" if one.integer else f"{one.name}{text} {value:.6f}")
        return "\n".join(lines) + "\n"

    def _labels(self, index: int, speaks: Generation, host: str) -> str:
        holding = self._states[index].holding
        pod = holding.pod if holding and self.sees_pods else None
        return label_text(
            {
                "gpu": str(index),
                "UUID": gpu_uuid(self.node, index),
                "pci_bus_id": f"00000000:{index + 1:02X}:00.0",
                "device": f"nvidia{index}",
                "modelName": self.model_name,
                speaks.host_label: host,
                speaks.driver_label: _DRIVER,
                "container": pod.container if pod else "",
                "namespace": pod.namespace if pod else "",
                "pod": pod.name if pod else "",
            }
        )


async def run(context: Context) -> int:
    """One exporter until SIGTERM; its exit code."""
    try:
        found = _parse(context.start.args, dict(context.env))
    except _UsageError as error:
        context.log(str(error))
        return 1
    match = _PORT_RANGE.match(found.address)
    if match is None:
        context.log(f"invalid address {found.address!r}")
        return 1
    speaks = generation(context.start.image)
    fields = _chosen(context, speaks, found.collectors)
    node = context.node
    collector = Collector(
        board=context.shared.gpus,
        node=node.name,
        gpus=node.gpus,
        model_name=node.gpu_model,
        sees_pods=_sees_pods(context),
    )

    async def metrics(_request: web.Request) -> web.Response:
        text = collector.text(speaks, fields, host=node.name)
        return web.Response(body=text.encode(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def health(_request: web.Request) -> web.Response:
        return web.Response(text="KO" if collector.gpus == 0 else "OK", status=200)

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/health", health)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, context.start.pod_ip, int(match["port"])).start()
    except OSError as error:
        context.log(f'level=ERROR msg="Failed to listen" error="{error.strerror}"')
        await runner.cleanup()
        return 1
    context.log(f'level=INFO msg="Starting dcgm-exporter" generation={speaks.name} gpus={node.gpus}')
    try:
        await _collect_until_stopped(context, collector, seconds=found.collect_interval / 1000)
    finally:
        await runner.cleanup()
    return 0


def _sees_pods(context: Context) -> bool:
    """It names pods only where the kubelet's socket of pod resources is mounted. A starter that did not say what is
    mounted (a test) is taken to have mounted it.
    """
    mounts = context.start.pod.mounts
    return mounts is None or any(_POD_RESOURCES.startswith(f"{mount.rstrip('/')}/") for mount in mounts)


async def _collect_until_stopped(context: Context, collector: Collector, *, seconds: float) -> None:
    while not context.terminated.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(context.terminated.wait(), timeout=seconds)
        collector.collect()


def _parse(arguments: tuple[str, ...], env: dict[str, str]) -> argparse.Namespace:
    parser = _Parser(prog="dcgm-exporter", add_help=False, allow_abbrev=False)
    parser.add_argument("-f", "--collectors", default=env.get("DCGM_EXPORTER_COLLECTORS", ""))
    parser.add_argument("-a", "--address", default=env.get("DCGM_EXPORTER_LISTEN", ":9400"))
    parser.add_argument("-c", "--collect-interval", type=int, default=int(env.get("DCGM_EXPORTER_INTERVAL", "30000")))
    for short, name in (
        ("-k", "--kubernetes"),
        ("-o", "--use-old-namespace"),
        ("-n", "--no-hostname"),
        ("", "--debug"),
    ):
        parser.add_argument(*[text for text in (short, name) if text], nargs="?", const="true")
    for short, name in (
        ("-d", "--devices"), ("-s", "--switch-devices"), ("-r", "--remote-hostengine-info"),
        ("", "--kubernetes-gpu-id-type"),
        ("-m", "--configmap-data"), ("", "--web-config-file"), ("", "--xid-count-window-size"), ("", "--log-format"),
        ("", "--pod-resources-kubelet-socket"), ("", "--hpc-job-mapping-dir"), ("", "--nvidia-resource-names"),
    ):  # fmt: skip
        parser.add_argument(*[text for text in (short, name) if text])
    rest = list(arguments)
    if rest and rest[0].rpartition("/")[2] == "dcgm-exporter":
        rest = rest[1:]
    return parser.parse_args(rest)


def _chosen(context: Context, speaks: Generation, collectors: str) -> tuple[Field, ...]:
    """The default counters, or those of the counters file; names that it cannot collect are logged and left out."""
    if not collectors:
        return speaks.fields
    paths = (Path(collectors), context.root / collectors.lstrip("/"))
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        return speaks.fields
    known = {one.name: one for one in speaks.fields} | dict(EXTRA)
    chosen: list[Field] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, rest = (part.strip() for part in line.partition(","))
        if not name or name.startswith("#") or rest.startswith("label"):
            continue
        if name in known:
            chosen.append(known[name])
        elif name not in SILENT:
            context.log(f'level=WARN msg="Skipping line: metric not supported" metric={name}')
    return tuple(chosen)
