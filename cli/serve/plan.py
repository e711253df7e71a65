"""What an apply would do in each cell, and why it must not. Deciding is pure; observing is one list per cell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from cli import errors
from cli.serve import manifests, names, sharing
from cli.serve.live import deployments, gpus_per_replica

__all__ = ["Blocker", "CellPlan", "Live", "deployments", "gpus_per_replica", "observe", "plan_cell"]

if TYPE_CHECKING:
    from cli.kube import decode
    from cli.kube.client import KubeClient
    from cli.net.http import Deadline
    from cli.serve.manifests import CellTarget
    from components.spec.model import Workload

Change = Literal["create", "update", "scale", "none", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Live:
    """What a cell runs now. `others` counts the GPUs that other workloads ask for: by class, and by maison. `readers`
    are whom it is shared with; None where nobody tells.
    """

    replicas: int | None = None
    ready: int = 0
    revision: str | None = None
    readers: tuple[str, ...] | None = None
    others_by_class: dict[str, int] = field(default_factory=dict)
    others_of_maison: int = 0

    @property
    def exists(self) -> bool:
        """Whether the workload is there."""
        return self.replicas is not None


@dataclass(frozen=True, kw_only=True)
class Blocker:
    """Why nothing may be written. `missing` counts what there is too little of."""

    id: str
    message: str
    fix: str
    missing: int


@dataclass(frozen=True, kw_only=True)
class CellPlan:
    """One row of the plan."""

    cell: str
    world: str
    gpu_class: str
    sku: str | None
    replicas_from: int | None
    replicas_to: int
    revision_from: str | None
    revision_to: str
    change: Change
    image: str
    weights: str
    blockers: tuple[Blocker, ...] = ()
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The row as `serve plan -o json` prints it."""
        return {
            "world": self.world,
            "cell": self.cell,
            "gpuClass": self.gpu_class,
            "sku": self.sku,
            "replicas": {"from": self.replicas_from, "to": self.replicas_to},
            "revision": {"from": self.revision_from, "to": self.revision_to},
            "change": self.change,
            "image": self.image,
            "weights": self.weights,
            "blockers": [{"id": b.id, "message": b.message, "fix": b.fix, "missing": b.missing} for b in self.blockers],
            "notes": list(self.notes),
        }

    def refusals(self) -> list[errors.TwainError]:
        """The blockers as errors (exit 4)."""
        return [errors.ResourceError(b.message, fix=b.fix, where=self.cell, id=b.id) for b in self.blockers]


def plan_cell(workload: Workload, target: CellTarget, live: Live | None, *, sku: str | None = None) -> CellPlan:
    """The plan of one cell. `live` None: the cell could not be asked, and the plan says so."""
    revision = manifests.revision(workload)
    return CellPlan(
        cell=target.cell,
        world=target.world,
        gpu_class=workload.gpu.gpu_class,
        sku=sku,
        replicas_from=live.replicas if live is not None else None,
        replicas_to=workload.replicas,
        revision_from=live.revision if live is not None else None,
        revision_to=revision,
        change=_change(workload, live, revision),
        image=workload.engine.digest,
        weights=workload.model.weights.digest,
        blockers=tuple(_blockers(workload, target, live)),
        notes=tuple(_notes(workload, target, live, revision)),
    )


def _change(workload: Workload, live: Live | None, revision: str) -> Change:
    if live is None:
        return "unknown"
    if not live.exists:
        return "create"
    if live.revision != revision:
        return "update"
    if live.replicas != workload.replicas:
        return "scale"
    return "update" if _readers_differ(workload, live) else "none"


def _readers_differ(workload: Workload, live: Live) -> bool:
    return live.exists and live.readers is not None and set(live.readers) != set(sharing.readers(workload))


def _blockers(workload: Workload, target: CellTarget, live: Live | None) -> list[Blocker]:
    found: list[Blocker] = []
    need = workload.replicas * workload.gpu.count
    gpu_class = workload.gpu.gpu_class
    pools = [pool for pool in target.pools if pool.gpu_class == gpu_class]
    fitting = [pool for pool in pools if pool.gpus_per_node >= workload.gpu.count]
    # A replica's GPUs lie on one node: what is left over on a node counts for nothing.
    room = sum(pool.max * (pool.gpus_per_node // workload.gpu.count) for pool in fitting) * workload.gpu.count
    taken = live.others_by_class.get(gpu_class, 0) if live is not None else 0
    if need > max(0, room - taken):
        missing = need - max(0, room - taken)
        shape = ", ".join(f"{pool.name} {pool.max} x {pool.gpus_per_node}" for pool in pools) or "no pool"
        others = f", {taken} of them taken by other workloads" if taken else ""
        message = (
            f"cell {target.cell} can have at most {room} GPUs of class {gpu_class} ({shape}){others}; "
            f"{workload.replicas} replicas need {need}: {missing} missing."
        )
        fix = f"lower replicas, or raise the max of a {gpu_class} pool in the fleet and run: twain stack up"
        found.append(Blocker(id="CAP-MAX", message=message, fix=fix, missing=missing))
    quota = target.gpu_quota.get(workload.maison)
    own = live.others_of_maison if live is not None else 0
    if quota is not None and need + own > quota:
        missing = need + own - quota
        message = (
            f"maison {workload.maison} has a quota of {quota} GPUs in cell {target.cell}; "
            f"with this workload it would use {need + own}: {missing} missing."
        )
        fix = "lower replicas, or raise gpu_quota of the maison in the fleet"
        found.append(Blocker(id="CAP-QUOTA", message=message, fix=fix, missing=missing))
    return found


def _notes(workload: Workload, target: CellTarget, live: Live | None, revision: str) -> list[str]:
    if live is None or not live.exists:
        return []
    found: list[str] = []
    if _readers_differ(workload, live):
        before, after = (", ".join(sorted(one)) or "nobody" for one in (live.readers or (), sharing.readers(workload)))
        found.append(f"it is shared with {before} and will be with {after}; no pod restarts for that")
    if live.revision == revision:
        return found
    rollout = workload.rollout
    taken = live.others_by_class.get(workload.gpu.gpu_class, 0)
    spare = target.max_gpus(workload.gpu.gpu_class) - taken - workload.replicas * workload.gpu.count
    if rollout.max_unavailable == 0 and spare < workload.gpu.count:
        note = "no GPU is free for the surge and max_unavailable is 0: the rollout cannot begin; "
        found.append(note + "set max_surge 0 and max_unavailable 1")
    return found


async def observe(kube: KubeClient, workload: Workload, *, deadline: Deadline) -> Live:
    """What the cell runs now: one list of our deployments."""
    found = await deployments(kube, deadline=deadline)
    own: decode.Deployment | None = None
    by_class: dict[str, int] = {}
    of_maison = 0
    for item in found.items:
        name, maison = item.metadata.label(names.WORKLOAD), item.metadata.label(names.MAISON)
        if name == workload.name and maison == workload.maison:
            own = item
            continue
        gpus = item.spec.replicas * gpus_per_replica(item)
        gpu_class = (item.spec.template.spec.node_selector or {}).get(names.GPU_CLASS, "")
        by_class[gpu_class] = by_class.get(gpu_class, 0) + gpus
        of_maison += gpus if maison == workload.maison else 0
    return Live(
        replicas=own.spec.replicas if own is not None else None,
        ready=own.status.ready_replicas if own is not None else 0,
        revision=own.metadata.label(names.REVISION) or None if own is not None else None,
        readers=sharing.told_by(own) if own is not None else None,
        others_by_class=by_class,
        others_of_maison=of_maison,
    )
