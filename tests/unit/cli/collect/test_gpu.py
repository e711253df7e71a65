from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from cli.collect import gpu
from cli.kube import decode
from cli.prom.client import PrometheusClient, Sample
from components.telemetry.contract import filter_rows, load_contract

NOW = 10_000.0


def node(name: str, gpus: int = 2, gpu_class: str = "gpu-80g") -> decode.Node:
    raw = {
        "metadata": {"name": name, "labels": {"twain/gpu-class": gpu_class}},
        "status": {"allocatable": {"nvidia.com/gpu": str(gpus)}},
    }
    return msgspec.convert(raw, decode.Node)


def pod(name: str, on: str, gpus: int = 1, workload: str = "advisor") -> decode.Pod:
    raw = {
        "metadata": {
            "name": name, "namespace": "maison-a", "labels": {"twain/workload": workload, "twain/maison": "a"},
        },
        "spec": {"nodeName": on, "containers": [{"name": "v", "resources": {"limits": {"nvidia.com/gpu": str(gpus)}}}]},
        "status": {"phase": "Running"},
    }  # fmt: skip
    return msgspec.convert(raw, decode.Pod)


def sample(name: str, value: float, *, index: int = 0, on: str = "n1", **labels: str) -> Sample:
    exporter = {"pod": "dcgm-exporter-x", "namespace": "gpu-monitoring", "modelName": "NVIDIA A100-SXM4-80GB"}
    return Sample({"__name__": name, "node": on, "gpu": str(index), **exporter, **labels}, NOW, value)


def readings(index: int = 0, on: str = "n1", *, util: float = 50, **labels: str) -> list[Sample]:
    return [
        sample("DCGM_FI_DEV_GPU_UTIL", util, index=index, on=on, **labels),
        sample("DCGM_FI_DEV_FB_USED", 60 * 1024, index=index, on=on, **labels),
        sample("DCGM_FI_DEV_FB_FREE", 20 * 1024, index=index, on=on, **labels),
        sample("DCGM_FI_DEV_POWER_USAGE", 300, index=index, on=on, **labels),
    ]


def rows(nodes: list[decode.Node], pods: list[decode.Pod], present: list[Sample], **extra: Any) -> list[gpu.GpuRow]:
    return gpu.rows(nodes, pods, present, extra.get("stamps", []), world="cn", cell="c", now=NOW)


def test_the_nodes_say_which_gpus_there_are_and_a_silent_one_is_unknown() -> None:
    found = rows([node("n2", 1), node("n1", 2)], [], readings(0))
    assert [(row.node, row.index, row.state, row.util) for row in found] == [
        ("n1", 0, "ok", 0.5),
        ("n1", 1, "unknown", None),
        ("n2", 0, "unknown", None),
    ]
    assert found[1].reason == "its exporter gives no sample"


def test_readings_are_in_our_units() -> None:
    (row,) = rows([node("n1", 1)], [], readings())
    assert (row.memory_used, row.memory_total) == (60 * 1024**3, 80 * 1024**3)
    assert (row.power, row.model) == (300, "NVIDIA A100-SXM4-80GB")


def test_a_later_generation_of_the_exporter_reads_the_same() -> None:
    later = [
        sample("DCGM_FI_DEV_GPU_UTIL_RATIO", 0.5),
        sample("DCGM_FI_DEV_FB_USED_BYTES", 60 * 1024**3),
        sample("DCGM_FI_DEV_FB_FREE_BYTES", 20 * 1024**3),
        sample("DCGM_FI_DEV_BOARD_POWER_WATTS", 300),
    ]
    assert rows([node("n1", 1)], [], later) == rows([node("n1", 1)], [], readings())


def test_a_blank_sentinel_is_no_reading() -> None:
    (row,) = rows([node("n1", 1)], [], [sample("DCGM_FI_DEV_GPU_UTIL", 9223372036854775794.0)])
    assert row.state == "unknown"


def test_the_owner_is_the_pod_that_the_api_server_knows_and_never_the_exporter() -> None:
    owned = readings(0, exported_pod="advisor-1", exported_namespace="maison-a")
    first, second = rows([node("n1", 2)], [pod("advisor-1", "n1")], [*owned, *readings(1)])
    assert first.owner is not None
    assert (first.owner.workload, first.owner.maison) == ("advisor", "a")
    assert second.owner is None


def test_the_one_pod_that_holds_all_gpus_of_a_node_owns_them_also_when_the_exporter_is_silent() -> None:
    (row,) = rows([node("n1", 1)], [pod("advisor-1", "n1")], [])
    assert row.owner is not None
    assert (row.state, row.owner.pod) == ("unknown", "advisor-1")


def test_a_class_row_counts_all_gpus_and_sums_only_what_is_wholly_known() -> None:
    full = gpu.by_class(rows([node("n1", 2)], [], [*readings(0), *readings(1, util=0)]))[0]
    part = gpu.by_class(rows([node("n1", 2)], [], readings(0)))[0]
    assert (full.count, full.known, full.busy, full.util, full.power) == (2, 2, 1, 0.25, 600)
    assert (part.count, part.known, part.busy, part.power, part.state) == (2, 1, None, None, "unknown")


def test_a_class_row_crosses_the_border_and_comes_back_the_same() -> None:
    row = gpu.by_class(rows([node("n1", 2)], [], [*readings(0), *readings(1)]))[0]
    row.sample_age_s = 4.0
    found = filter_rows(
        load_contract(), "metrics", [("gpu", gpu.as_contract(row))], known={"gpu": {(row.world, row.cell)}}
    )
    assert (found.dropped, found.rejected) == ({}, 0)
    assert gpu.from_contract(found.items[0]) == row


class Server:
    """Answers queries by what they contain; records them."""

    def __init__(self, **answers: list[tuple[str, float]]) -> None:
        self.answers, self.asked = answers, []

    async def fetch(self, _path: str, params: Any) -> tuple[int, bytes]:
        query = params["query"]
        self.asked.append(query)
        if query.startswith("{"):
            key = "present"
        elif query.startswith("max_over_time(timestamp(("):
            key = "busy"
        elif query.startswith("max_over_time"):
            key = "last"
        else:
            key = "first" if query.startswith("min_over_time") else "stamps"
        result = [
            {
                "metric": {"__name__": name, "node": "n1", "gpu": "0"}
                if key == "present"
                else {"node": "n1", "gpu": "0"},
                "value": [NOW, str(value)],
            }
            for name, value in self.answers.get(key, [])
        ]
        return 200, msgspec.json.encode({"status": "success", "data": {"resultType": "vector", "result": result}})

    def read(self) -> gpu.GpuRow:
        client = PrometheusClient(self.fetch, where="c")
        return asyncio.run(gpu.read(client, [node("n1", 1)], [], world="cn", cell="c", now=NOW))[0]


def test_a_dead_exporter_leaves_the_age_of_the_last_sample() -> None:
    row = Server(last=[("", NOW - 125)]).read()
    assert (row.state, row.sample_age_s, row.util) == ("unknown", 125, None)
    assert Server().read().reason == "no exporter gave a sample of it in 6h"


def test_an_idle_gpu_says_for_how_long_and_a_busy_one_does_not() -> None:
    idle = Server(
        present=[("DCGM_FI_DEV_GPU_UTIL", 0)], stamps=[("", NOW - 3)], busy=[("", NOW - 600)], first=[("", NOW - 4000)]
    )
    assert (idle.read().idle_s, idle.read().sample_age_s) == (600, 3)
    never = Server(present=[("DCGM_FI_DEV_GPU_UTIL", 0)], first=[("", NOW - 4000)])
    assert never.read().idle_s == 4000
    busy = Server(present=[("DCGM_FI_DEV_GPU_UTIL", 90)], busy=[("", NOW)])
    assert busy.read().idle_s is None
