from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from rehearsal.programs import dcgm
from rehearsal.programs.context import Context, NodeInfo, PodInfo
from rehearsal.programs.dcgm import Collector
from rehearsal.programs.dcgm_fields import GENERATIONS, generation
from rehearsal.programs.gpus import GpuBoard, gpu_uuid

if TYPE_CHECKING:
    from collections.abc import Callable

EXPOSITIONS = Path(__file__).resolve().parents[5] / "shared" / "data" / "expositions"
NODE = NodeInfo(name="node-1", gpus=2, gpu_model="NVIDIA A100-SXM4-80GB")
POD = PodInfo(name="advisor-0", namespace="maison-aurelia", container="vllm")


def _values(text: str) -> dict[tuple[str, str], tuple[float, dict[str, str]]]:
    """(family, gpu) → value, labels."""
    return {
        # The library names every counter `…_total`; this exporter does not.
        (sample.name.removesuffix("_total"), sample.labels["gpu"]): (sample.value, sample.labels)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _collector(board: GpuBoard) -> Collector:
    return Collector(board=board, node=NODE.name, gpus=NODE.gpus, model_name=NODE.gpu_model)


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("registry.x/twain/dcgm-exporter:4.2.3-4.1.3-ubuntu22.04", "A"),
        ("dcgm-exporter:4.5.2-4.8.1-ubuntu22.04@sha256:abc", "B"),
        ("localhost:5000/dcgm-exporter:4.8.3", "B"),
        ("dcgm-exporter:4.9.0", "C"),
        ("dcgm-exporter:v4.9.0-distroless", "C"),
        ("dcgm-exporter", "B"),
        ("dcgm-exporter:latest", "B"),
        ("dcgm-exporter:3.3.9-3.6.1", "A"),
    ],
)
def test_the_tag_names_the_generation(image: str, name: str) -> None:
    assert generation(image).name == name


def test_gpus_follow_the_load_of_the_pod_that_holds_them() -> None:
    board = GpuBoard()
    collector = _collector(board)
    holding = board.acquire(POD, NODE, count=1)
    holding.load.memory_mib = 75000
    collector.collect(seconds=10)
    holding.load.busy_s, holding.load.dram_s, holding.load.tensor_s = 5.0, 4.0, 1.0
    collector.collect(seconds=10)
    speaks = GENERATIONS["A"]
    values = _values(collector.text(speaks, speaks.fields, host="node-1"))
    assert values["DCGM_FI_DEV_GPU_UTIL", "0"][0] == 50
    assert values["DCGM_FI_PROF_DRAM_ACTIVE", "0"][0] == pytest.approx(0.4)
    assert values["DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "0"][0] == pytest.approx(0.1)
    assert values["DCGM_FI_DEV_FB_USED", "0"][0] == 75000
    used, free, kept = (values[f"DCGM_FI_DEV_FB_{part}", "0"][0] for part in ("USED", "FREE", "RESERVED"))
    assert used + free + kept == 81920
    assert values["DCGM_FI_DEV_POWER_USAGE", "0"][0] > 2 * values["DCGM_FI_DEV_POWER_USAGE", "1"][0]
    labels = values["DCGM_FI_DEV_GPU_UTIL", "0"][1]
    assert (labels["pod"], labels["namespace"], labels["container"]) == ("advisor-0", "maison-aurelia", "vllm")


def test_an_idle_gpu_has_empty_workload_labels_and_no_load() -> None:
    board = GpuBoard()
    board.release(board.acquire(POD, NODE, count=1))
    speaks = GENERATIONS["B"]
    values = _values(_collector(board).text(speaks, speaks.fields, host="node-1"))
    value, labels = values["DCGM_FI_DEV_GPU_UTIL", "1"]
    assert value == 0
    assert (labels["pod"], labels["namespace"], labels["container"]) == ("", "", "")
    assert labels["UUID"] == gpu_uuid("node-1", 1)


def test_energy_only_grows_and_is_power_times_time() -> None:
    collector = _collector(GpuBoard())
    speaks = GENERATIONS["C"]

    def read() -> tuple[float, float]:
        values = _values(collector.text(speaks, speaks.fields, host="n"))
        return values["DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL", "0"][0], values["DCGM_FI_DEV_BOARD_POWER_WATTS", "0"][0]

    before, _ = read()
    collector.collect(seconds=30)
    after, watts = read()
    assert after - before == pytest.approx(watts * 30)


def test_generations_differ_in_names_units_and_labels() -> None:
    board = GpuBoard()
    board.acquire(POD, NODE, count=1).load.memory_mib = 1024
    collector = _collector(board)
    collector.collect(seconds=1)
    texts = {name: collector.text(one, one.fields, host="h") for name, one in GENERATIONS.items()}
    assert 'Hostname="h"' in texts["A"]
    assert 'hostname="h"' in texts["B"]
    assert "DCGM_FI_SYSTEM_DRIVER_VERSION=" in texts["C"]
    assert _values(texts["B"])["DCGM_FI_DEV_FB_USED", "0"][0] == 1024
    assert _values(texts["C"])["DCGM_FI_DEV_FB_USED_BYTES", "0"][0] == 1024 * 1024**2
    assert "DCGM_FI_DEV_FB_USED " not in texts["C"]


@pytest.mark.skipif(not EXPOSITIONS.exists(), reason="the real bodies of exporters are not on this machine")
def test_names_and_labels_are_those_of_a_real_exporter() -> None:
    real = (EXPOSITIONS / "dcgm-a-a100-idle.prom").read_text(encoding="utf-8")
    speaks = GENERATIONS["A"]
    ours = _collector(GpuBoard()).text(speaks, speaks.fields, host="h")
    kinds = set(re.findall(r"^# TYPE (\S+ \S+)", ours, re.MULTILINE))
    # The last-code gauge is absent in 4.5.3 to 4.8.2 until the first error.
    missing = set(re.findall(r"^# TYPE (\S+ \S+)", real, re.MULTILINE)) - kinds
    assert missing == {"DCGM_FI_DEV_XID_ERRORS gauge"}
    labels = _values(real)["DCGM_FI_DEV_GPU_UTIL", "0"][1].keys()
    assert _values(ours)["DCGM_FI_DEV_GPU_UTIL", "0"][1].keys() == labels | {"pci_bus_id"}


def test_a_node_without_gpus_shows_no_series() -> None:
    collector = Collector(board=GpuBoard(), node="cpu", gpus=0, model_name="")
    assert _values(collector.text(GENERATIONS["B"], GENERATIONS["B"].fields, host="cpu")) == {}


def test_without_the_kubelet_s_socket_series_name_no_pod(
    make_context: Callable[..., Context], free_port: Callable[[], int]
) -> None:
    """The mount decides, as on a real node; a starter that says nothing about mounts is taken to have it."""
    for mounts, named in (((), ""), (("/var/lib/kubelet/pod-resources",), "advisor-0"), (None, "advisor-0")):
        port = free_port()
        context = make_context("-a", f"127.0.0.1:{port}", program="dcgm", node=NODE, image="d:4.8.3")
        pod = msgspec.structs.replace(context.start.pod, mounts=mounts)
        context = replace(context, start=msgspec.structs.replace(context.start, pod=pod))
        context.shared.gpus.acquire(POD, NODE, count=1)
        code, text = _serve(context, port)
        assert code == 0
        assert _values(text)["DCGM_FI_DEV_GPU_UTIL", "0"][1]["pod"] == named


def _serve(context: Context, port: int) -> tuple[int, str]:
    async def scenario() -> tuple[int, str]:
        task = asyncio.create_task(dcgm.run(context))
        text = ""
        async with aiohttp.ClientSession() as session:
            for _ in range(200):
                try:
                    async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
                        text = await answer.text()
                        break
                except aiohttp.ClientConnectorError:
                    await asyncio.sleep(0.01)
        context.terminated.set()
        return await asyncio.wait_for(task, timeout=3), text

    return asyncio.run(scenario())


def test_the_exporter_serves_the_counters_of_its_file_only(
    make_context: Callable[..., Context], free_port: Callable[[], int], tmp_path: Path
) -> None:
    counters = tmp_path / "counters.csv"
    counters.write_text(
        "# comment\nDCGM_FI_DEV_GPU_UTIL, gauge, x\nDCGM_FI_PROF_SM_ACTIVE, gauge, x\nDCGM_FI_NONE, gauge, x\n"
    )
    port = free_port()
    context = make_context("-f", str(counters), "-a", f"127.0.0.1:{port}", program="dcgm", node=NODE, image="d:4.8.3")
    code, text = _serve(context, port)
    assert code == 0
    assert {name for name, _ in _values(text)} == {"DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_PROF_SM_ACTIVE"}
    assert "metric not supported" in Path(context.start.log).read_text(encoding="utf-8")


def test_an_unknown_flag_ends_the_exporter(make_context: Callable[..., Context]) -> None:
    context = make_context("--colectors", "x", program="dcgm")
    assert asyncio.run(dcgm.run(context)) == 1
    assert "Incorrect Usage" in Path(context.start.log).read_text(encoding="utf-8")
