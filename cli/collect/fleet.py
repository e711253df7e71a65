"""Fleet rows of one cell for the gate: workloads as their Deployments say, the cell's GPUs and Kubernetes minor."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

from cli.collect import gpu
from cli.kube import decode, kinds, minors
from cli.serve import list as serving
from cli.serve import plan

if TYPE_CHECKING:
    from cli.kube.client import KubeClient
    from cli.net.http import Deadline


async def of_cell(kube: KubeClient, *, world: str, deadline: Deadline) -> list[tuple[str, dict[str, Any]]]:
    """(kind, row) pairs of one cell in the words of the telemetry contract, before its filter. Raises TwainError."""
    deployments, nodes, version = await asyncio.gather(
        plan.deployments(kube, deadline=deadline),
        decode.listed(kube, kinds.collection("v1", "Node"), decode.Node, deadline=deadline),
        kube.get_bytes("/version", deadline=deadline),
    )
    gpus = Counter[str]()
    for node in nodes.items:
        if node.gpus:
            gpus[gpu.class_of_table(node.metadata.label(gpu.CLASS_LABEL, gpu.UNKNOWN))] += node.gpus
    workloads = [("workload", serving.row_of(one, world=world, cell=kube.cell)) for one in deployments.items]
    row = {"world": world, "cell": kube.cell, "kubernetesMinor": minor(version), "gpus": dict(sorted(gpus.items()))}
    return [*workloads, ("cell", row)]


def minor(version: bytes) -> str | None:
    """`1.36` out of the answer of `/version`: the minor of the API, also where it is emulated. None where it is
    unknown.
    """
    found = minors.of_version(version)
    return found.minor if found is not None else None
