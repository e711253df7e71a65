"""Contexts for simulated programs: one pod on one A100 node, its folders under tmp_path, waits divided by a million."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal.programs.context import Context, NodeInfo, PodInfo, Shared, StartOp
from rehearsal.programs.gpus import GpuBoard
from rehearsal.programs.truthlog import TruthLogs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NODE = NodeInfo(name="node-1", gpus=1, gpu_model="NVIDIA A100-SXM4-80GB")


@pytest.fixture
def free_port() -> Callable[[], int]:
    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return find


@pytest.fixture
def make_context(tmp_path: Path) -> Callable[..., Context]:
    """A factory: arguments of the container, plus whatever of StartOp, node, annotations or sharing differs."""
    cell = tmp_path / "cn" / "cells" / "cn-sha-1"
    cell.mkdir(parents=True)
    common = Shared(speed=1e6, gpus=GpuBoard(), truth=TruthLogs(), dns_log=cell / "lookups.jsonl")

    def make(
        *args: str,
        program: str = "vllm",
        node: NodeInfo = NODE,
        annotations: dict[str, str] | None = None,
        mounts: tuple[str, ...] | None = None,
        shared: Shared = common,
        name: str = "advisor-0",
        **rest: Any,
    ) -> Context:
        pod = PodInfo(
            name=name,
            namespace="maison-aurelia",
            labels={"twain/workload": "advisor", "twain/maison": "aurelia"},
            annotations={"twain/weights-gib": "61"} if annotations is None else annotations,
            container="vllm",
            mounts=mounts,
        )
        start = StartOp(
            id=f"uid-{name}",
            program=program,
            args=tuple(args),
            pod=pod,
            node=node,
            root=str(cell / "pods" / name),
            log=str(cell / f"{name}.log"),
            **rest,
        )
        return Context(start=start, shared=shared)

    return make
