"""Puts a workload into one cell: check, lock, write, follow. The command line and the gate share it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cli import crash, errors
from cli.kube import kinds
from cli.net.http import Deadline
from cli.serve import check, lease, manifests, names, plan, rollout, sharing

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.kube.client import KubeClient
    from cli.serve.manifests import CellTarget, Manifest
    from components.spec.model import Workload

State = Literal["done", "failed", "refused", "rolled back", "unreachable", "unknown", "not sent", "skipped"]
# Reading, locking and writing six objects; the rollout has its own time.
WRITE_BUDGET_S = 30.0


@dataclass(frozen=True, kw_only=True)
class CellOutcome:
    """How it ended in one cell. `changed` names the objects that were written; empty: none was; None: it failed after
    the first write, or another world does not tell."""

    cell: str | None
    world: str
    state: State
    revision: str | None = None
    desired: int | None = None
    ready: int | None = None
    changed: tuple[str, ...] | None = ()
    error: errors.TwainError | None = None

    def as_json(self, *, maison: str, name: str) -> dict[str, Any]:
        """The row as `serve apply -o json` prints it."""
        return {
            "world": self.world,
            "cell": self.cell,
            "maison": maison,
            "name": name,
            "revision": self.revision,
            "state": self.state,
            "ready": self.ready,
            "desired": self.desired,
            "changed": list(self.changed) if self.changed is not None else None,
            "reason": self.error.message if self.error is not None else None,
        }


def state_of(error: errors.TwainError) -> State:
    """The state that an error leaves a cell in."""
    code = errors.exit_code(error)
    if code == errors.UNKNOWN:
        return "unknown"
    if code in {errors.PARTIAL, errors.TIMEOUT}:
        return "unreachable"
    return "refused" if code in {errors.LOCKED, errors.POLICY, errors.AUTH, errors.USAGE} else "failed"


async def apply_in_cell(
    kube: KubeClient,
    workload: Workload,
    target: CellTarget,
    *,
    identity: str,
    deadline_s: float | None = None,
    on_step: Callable[[str], None] | None = None,
    on_progress: Callable[[rollout.Progress], None] | None = None,
) -> CellOutcome:
    """Apply a workload in one cell and follow it until it is ready.

    Repeating it when all is in place reads each object once and writes nothing. Raises UsageError (2: shared with whom
    the cell does not know), ResourceError (4: too few GPUs, or not ready at the deadline), LockHeldError (14),
    OutcomeUnknownError (16), PartialError (13), ConflictError (4, naming the other manager). `on_step` is called before
    the first write ("write") and after the last ("written").
    """
    limit = Deadline(WRITE_BUDGET_S)
    refusals = check.shared(workload, target.gpu_quota)
    live = await plan.observe(kube, workload, deadline=limit)
    refusals += plan.plan_cell(workload, target, live).refusals()
    if refusals:
        raise errors.Several(refusals) if len(refusals) > 1 else refusals[0]
    wanted = manifests.render(workload, target)
    missing = [manifest for manifest in wanted if not await _in_place(kube, manifest, limit)]
    own = names.namespace(workload.maison)
    stale = await sharing.left_over(kube, maison=workload.maison, name=workload.name, wanted=wanted, deadline=limit)
    if missing or stale:
        await _write(kube, workload, missing, stale=stale, identity=identity, limit=limit, on_step=on_step)
    revision = manifests.revision(workload)
    if live.exists and not missing and live.ready == workload.replicas and live.revision == revision:
        done_at = workload.replicas
    else:
        progress = await rollout.follow(
            kube,
            namespace=own,
            name=workload.name,
            revision=revision,
            deadline=Deadline(deadline_s or workload.rollout.deadline_s),
            on_progress=on_progress,
        )
        done_at = progress.ready
    return CellOutcome(
        cell=target.cell,
        world=target.world,
        state="done",
        revision=revision,
        desired=workload.replicas,
        ready=done_at,
        changed=(
            *(sharing.told(kind, metadata, own) for _, kind, metadata in stale),
            *(sharing.told(manifest["kind"], manifest["metadata"], own) for manifest in missing),
        ),
    )


async def delete_in_cell(
    kube: KubeClient, *, maison: str, name: str, cell: str, world: str, identity: str
) -> CellOutcome:
    """Delete a workload's objects in one cell, the Deployment first. Repeating it deletes nothing."""
    limit = Deadline(WRITE_BUDGET_S)
    namespace = names.namespace(maison)
    order = (
        ("apps/v1", "Deployment"),
        ("gateway.networking.k8s.io/v1", "HTTPRoute"),
        ("inference.networking.k8s.io/v1", "InferencePool"),
        ("policy/v1", "PodDisruptionBudget"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
        ("v1", "ServiceAccount"),
    )
    found: list[tuple[str, str, dict[str, Any]]] = []
    for version, kind in order:
        live = await kube.find(kinds.path(version, kind, name, namespace), deadline=limit)
        if live is not None and (live["metadata"].get("labels") or {}).get(names.WORKLOAD) == name:
            found.append((version, kind, live["metadata"]))
    known = [{"kind": kind, "metadata": metadata} for _, kind, metadata in found]
    found += await sharing.left_over(kube, maison=maison, name=name, wanted=known, deadline=limit)
    if found:
        who = lease.holder(identity)
        async with lease.held(kube, namespace=namespace, workload=name, who=who, deadline=limit) as lock:
            for version, kind, metadata in found:
                lock.check()
                await _delete(kube, version, kind, metadata, limit)
    changed = tuple(sharing.told(kind, metadata, namespace) for _, kind, metadata in found)
    return CellOutcome(cell=cell, world=world, state="done", desired=0, ready=0, changed=changed)


async def _delete(kube: KubeClient, version: str, kind: str, metadata: dict[str, Any], limit: Deadline) -> None:
    path = kinds.path(version, kind, metadata["name"], metadata["namespace"])
    await kube.delete(path, uid=metadata["uid"], deadline=limit)


async def _in_place(kube: KubeClient, manifest: Manifest, deadline: Deadline) -> bool:
    """Whether the object is there, was made from this very manifest, and nobody has changed it since."""
    live = await kube.find(kinds.path_of(manifest), deadline=deadline)
    if live is None:
        return False
    wanted = manifest["metadata"]["annotations"][names.MANIFEST_HASH]
    found = (live["metadata"].get("annotations") or {}).get(names.MANIFEST_HASH)
    return found == wanted and manifests.covers(live, manifest)


async def _write(
    kube: KubeClient,
    workload: Workload,
    missing: list[Manifest],
    *,
    stale: list[tuple[str, str, dict[str, Any]]],
    identity: str,
    limit: Deadline,
    on_step: Callable[[str], None] | None,
) -> None:
    namespace = names.namespace(workload.maison)
    who = lease.holder(identity)
    async with lease.held(kube, namespace=namespace, workload=workload.name, who=who, deadline=limit) as lock:
        if on_step is not None:
            on_step("write")
        # Ways are closed before others are opened.
        for version, kind, metadata in stale:
            lock.check()
            await _delete(kube, version, kind, metadata, limit)
        for manifest in missing:
            lock.check()
            crash.point(f"apply.{manifest['kind']}.before")
            await kube.apply(manifest, field_manager=names.MANAGER, deadline=limit)
            crash.point(f"apply.{manifest['kind']}.after")
        if on_step is not None:
            on_step("written")
