"""What runs where: our own world's cells directly, the other world through its gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli import errors
from cli.serve import live, names, sharing

if TYPE_CHECKING:
    from cli.kube import decode
    from cli.kube.client import KubeClient
    from cli.net.http import Deadline

Row = dict[str, Any]
# The keys of a row, in order; the gate's rows have the same.
KEYS = ("world", "cell", "maison", "name", "revision", "ready", "desired", "image", "weights", "state")


def state_of(item: decode.Deployment) -> str:
    """ready, progressing, degraded or failed."""
    status, desired = item.status, item.spec.replicas
    for condition in status.conditions or ():
        if (condition.type, condition.status) == ("Progressing", "False"):
            return "failed" if status.ready_replicas == 0 and desired else "degraded"
    if status.observed_generation < item.metadata.generation:
        return "progressing"
    if status.updated_replicas == status.replicas == status.available_replicas == desired:
        return "ready"
    if status.updated_replicas == desired and status.available_replicas < desired and status.replicas == desired:
        return "progressing" if _is_progressing(item) else "degraded"
    return "progressing"


def _is_progressing(item: decode.Deployment) -> bool:
    """Whether the rollout that made these pods is still going on: afterwards a missing pod is a loss."""
    return any(
        condition.type == "Progressing" and condition.reason != "NewReplicaSetAvailable"
        for condition in item.status.conditions or ()
    )


def row_of(item: decode.Deployment, *, world: str, cell: str) -> Row:
    """One deployment as a row."""
    metadata = item.metadata
    return {
        "world": world,
        "cell": cell,
        "maison": metadata.label(names.MAISON),
        "name": metadata.label(names.WORKLOAD) or metadata.name,
        "revision": metadata.label(names.REVISION) or None,
        "ready": item.status.ready_replicas,
        "desired": item.spec.replicas,
        "image": metadata.annotation(names.IMAGE_DIGEST) or None,
        "weights": metadata.annotation(names.WEIGHTS_DIGEST) or None,
        "state": state_of(item),
    }


def shown(item: decode.Deployment, *, world: str, cell: str) -> Row:
    """The row, and the maisons that it is shared with. Those are not of the telemetry contract: a gate tells no row of
    them, and there they are unknown.
    """
    return {**row_of(item, world=world, cell=cell), "readers": list(sharing.told_by(item))}


async def rows_in_cell(
    kube: KubeClient, *, world: str, cell: str, deadline: Deadline
) -> tuple[list[Row], list[errors.ErrorRow]]:
    """Every workload of a cell. An object that cannot be read is an error row; the others are shown."""
    found = await live.deployments(kube, deadline=deadline)
    rows = [shown(item, world=world, cell=cell) for item in found.items]
    failed = [
        errors.ErrorRow(
            id="OBJ-UNPARSED",
            message=f"deployment {name} cannot be read; its state is unknown.",
            cell=cell,
            world=world,
        )
        for name in found.unparsed
    ]
    return sorted(rows, key=lambda row: (row["maison"], row["name"])), failed
