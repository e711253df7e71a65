"""The deployments of workloads in a cell, as its API server has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.kube import decode, kinds
from cli.serve import names

if TYPE_CHECKING:
    from cli.kube.client import KubeClient
    from cli.net.http import Deadline


async def deployments(kube: KubeClient, *, deadline: Deadline) -> decode.Items:
    """Every deployment of a workload, in all namespaces."""
    path = kinds.collection("apps/v1", "Deployment")
    return await decode.listed(
        kube, path, decode.Deployment, params={"labelSelector": names.WORKLOAD}, deadline=deadline
    )


def gpus_per_replica(item: decode.Deployment) -> int:
    """GPUs that one replica of a deployment asks for."""
    return sum(
        int((container.resources.limits or {}).get("nvidia.com/gpu", "0"))
        for container in item.spec.template.spec.containers
    )
