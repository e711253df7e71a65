"""Follows a rollout by watch until it is done or its deadline passes, and then says which pod, container and reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli import errors
from cli.kube import decode, kinds
from cli.net.http import Deadline
from cli.serve import names

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.kube.client import KubeClient

# What is asked after the deadline to name the reason.
_DIAGNOSIS_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a rollout is."""

    desired: int
    updated: int
    ready: int
    available: int
    total: int

    @property
    def done(self) -> bool:
        """Every replica is of the new revision and available, and no old one is left."""
        return self.updated == self.desired == self.available == self.total


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why a pod is not ready."""

    pod: str
    container: str | None
    reason: str
    message: str

    def __str__(self) -> str:
        place = f"pod {self.pod}" + (f", container {self.container}" if self.container else "")
        return f"{place}: {self.reason}" + (f": {self.message}" if self.message else "")


def progress_of(item: decode.Deployment) -> Progress | None:
    """The progress, or None while the controller has not seen this generation yet."""
    if item.status.observed_generation < item.metadata.generation:
        return None
    return Progress(
        desired=item.spec.replicas,
        updated=item.status.updated_replicas,
        ready=item.status.ready_replicas,
        available=item.status.available_replicas,
        total=item.status.replicas,
    )


async def follow(
    kube: KubeClient,
    *,
    namespace: str,
    name: str,
    revision: str,
    deadline: Deadline,
    on_progress: Callable[[Progress], None] | None = None,
) -> Progress:
    """Wait until the rollout is done. Raises ResourceError naming pod, container and reason at the deadline.

    The old pods keep serving: nothing is rolled back or scaled here.
    """
    last: Progress | None = None
    path = kinds.collection("apps/v1", "Deployment", namespace)
    params = {"fieldSelector": f"metadata.name={name}"}
    async for event in kube.watch(path, params=params, deadline=deadline):
        if event["type"] == "SYNCED":
            continue
        if event["type"] == "DELETED":
            message = f"deployment {namespace}/{name} was deleted while it was rolled out."
            raise errors.ResourceError(message, where=kube.cell, id="ROLL-GONE")
        progress = progress_of(decode.convert(event["object"], decode.Deployment))
        if progress is None:
            continue
        if progress != last and on_progress is not None:
            on_progress(progress)
        last = progress
        if progress.done:
            return progress
    raise await _not_ready(kube, namespace=namespace, name=name, revision=revision, last=last, deadline=deadline)


async def _not_ready(
    kube: KubeClient, *, namespace: str, name: str, revision: str, last: Progress | None, deadline: Deadline
) -> errors.TwainError:
    try:
        causes = await diagnose(
            kube, namespace=namespace, name=name, revision=revision, deadline=Deadline(_DIAGNOSIS_S)
        )
    except errors.TwainError as error:
        message = f"cell {kube.cell} did not answer at the end of the rollout of {name}: {error.message}"
        return errors.OutcomeUnknownError(message, where=kube.cell, fix="run the same command again")
    # A pod and a deployment can be the same problem: one line each, the most telling first.
    told = "; ".join(str(cause) for cause in causes[:3]) or "no pod says why"
    state = f"{last.available} of {last.desired} available" if last is not None else "not observed"
    serving = " The old pods still serve." if last is not None and last.available > 0 else ""
    message = f"{name} is not ready in cell {kube.cell} after {deadline.seconds:.0f} s ({state}): {told}.{serving}"
    fix = f"correct the cause and apply again, or apply the old file; kubectl -n {namespace} describe pod"
    return errors.ResourceError(message, where=kube.cell, fix=fix, id="ROLL-DEADLINE")


async def diagnose(kube: KubeClient, *, namespace: str, name: str, revision: str, deadline: Deadline) -> list[Cause]:
    """Why pods of a revision are not ready: conditions and container states first, events where those say nothing."""
    selector = f"{names.WORKLOAD}={name},{names.REVISION}={revision}"
    path = kinds.collection("v1", "Pod", namespace)
    pods = await decode.listed(kube, path, decode.Pod, params={"labelSelector": selector}, deadline=deadline)
    causes: list[Cause] = []
    for pod in pods.items:
        if not pod.ready:
            cause = cause_of(pod)
            causes.append(cause or await _from_events(kube, pod, deadline))
    if not causes and not pods.items:
        causes.extend(await _no_pods(kube, namespace, name, deadline))
    return sorted(causes, key=lambda cause: (cause.reason in {"ContainerCreating", "Pending"}, cause.pod))


def cause_of(pod: decode.Pod) -> Cause | None:
    """What the pod itself says, or None when it says nothing."""
    name = pod.metadata.name
    for condition in pod.status.conditions or ():
        if condition.type == "PodScheduled" and condition.status == "False":
            return Cause(pod=name, container=None, reason=condition.reason, message=condition.message)
    for status in (*(pod.status.init_container_statuses or ()), *(pod.status.container_statuses or ())):
        waiting, last = status.state.waiting, status.last_state.terminated
        ended = status.state.terminated
        if waiting is not None and waiting.reason not in {"", "ContainerCreating", "PodInitializing"}:
            told = waiting.message or _ended(last)
            return Cause(pod=name, container=status.name, reason=waiting.reason, message=told)
        if ended is not None:
            return Cause(pod=name, container=status.name, reason=ended.reason or "Terminated", message=_ended(ended))
        if waiting is None and not status.ready and last is not None:
            return Cause(pod=name, container=status.name, reason=last.reason or "Restarted", message=_ended(last))
    return None


def _ended(ended: decode.Terminated | None) -> str:
    if ended is None:
        return ""
    return f"exit code {ended.exit_code}" + (f", {ended.message}" if ended.message else "")


async def _from_events(kube: KubeClient, pod: decode.Pod, deadline: Deadline) -> Cause:
    path = kinds.collection("v1", "Event", pod.metadata.namespace)
    params = {"fieldSelector": f"involvedObject.uid={pod.metadata.uid}"}
    found = await decode.listed(kube, path, decode.Event, params=params, deadline=deadline)
    warnings = [event for event in found.items if event.type == "Warning"]
    container = pod.spec.containers[0].name if pod.spec.containers else None
    if warnings:
        last = max(warnings, key=lambda event: event.last_timestamp or event.event_time or "")
        return Cause(pod=pod.metadata.name, container=container, reason=last.reason, message=last.message)
    running = any(s.state.waiting is None for s in pod.status.container_statuses or ())
    reason = "NotReady" if running else pod.status.reason or "ContainerCreating"
    told = "it runs and its readiness probe has not answered yet" if running else pod.status.message
    return Cause(pod=pod.metadata.name, container=container, reason=reason, message=told)


async def _no_pods(kube: KubeClient, namespace: str, name: str, deadline: Deadline) -> list[Cause]:
    """No pod of the revision exists: the ReplicaSet could not make one (quota, admission)."""
    item = await kube.find(kinds.path("apps/v1", "Deployment", name, namespace), deadline=deadline)
    if item is None:
        return []
    deployment = decode.convert(item, decode.Deployment)
    return [
        Cause(pod="(none)", container=None, reason=condition.reason, message=condition.message)
        for condition in deployment.status.conditions or ()
        if (condition.type, condition.status) in {("ReplicaFailure", "True"), ("Progressing", "False")}
    ]
