"""A pod's status from the states of its containers. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rehearsal.kube.client import Object


@dataclass
class ContainerState:
    """What is known of one container. `state` and `last` have the API's own form (`{"running": {...}}`)."""

    name: str
    image: str
    init: bool = False
    sidecar: bool = False
    state: dict[str, Any] = field(default_factory=lambda: {"waiting": {"reason": "ContainerCreating"}})
    last: dict[str, Any] = field(default_factory=dict[str, Any])
    restarts: int = 0
    ready: bool = False
    started: bool = False
    container_id: str = ""

    def status(self) -> Object:
        """The container status of the API."""
        _, digest, _ = self.image.partition("@")
        return {
            "name": self.name,
            "image": self.image,
            "imageID": self.image if digest else "",
            "ready": self.ready,
            "started": self.started,
            "restartCount": self.restarts,
            "state": self.state,
            **({"lastState": self.last} if self.last else {}),
            **({"containerID": self.container_id} if self.container_id else {}),
        }

    @property
    def exit_code(self) -> int | None:
        """The exit code when it has ended for now."""
        ended = self.state.get("terminated")
        return None if ended is None else int(ended["exitCode"])

    @property
    def done(self) -> bool:
        """Whether an init container did its work."""
        return self.exit_code == 0 or (self.sidecar and self.started)


def phase(containers: Sequence[ContainerState], inits: Sequence[ContainerState], *, policy: str, ended: bool) -> str:
    """The pod's phase. `ended` means that nothing of it will run again (it was told to stop, or gave up)."""
    codes = [one.exit_code for one in containers]
    failed_init = any(one.exit_code not in {0, None} for one in inits if not one.sidecar)
    if failed_init and policy == "Never":
        return "Failed"
    if all(code is not None for code in codes):
        if ended or policy == "Never" or (policy == "OnFailure" and all(code == 0 for code in codes)):
            return "Succeeded" if all(code == 0 for code in codes) else "Failed"
        return "Running"
    if not all(one.done for one in inits):
        return "Pending"
    begun = [one for one in containers if "waiting" not in one.state or one.last]
    return "Running" if begun else "Pending"


def conditions(
    pod: Object, containers: Sequence[ContainerState], inits: Sequence[ContainerState], *, phase_: str, now: str
) -> list[Object]:
    """Initialized, ContainersReady and Ready, each with the time of its last change."""
    known = {c["type"]: c for c in pod.get("status", {}).get("conditions") or []}
    unready = [one.name for one in containers if not one.ready]
    undone = [one.name for one in inits if not one.done]
    gates = [gate["conditionType"] for gate in pod["spec"].get("readinessGates") or []]
    closed = [gate for gate in gates if known.get(gate, {}).get("status") != "True"]
    over = phase_ in {"Succeeded", "Failed"}

    def judged(kind: str, *, ok: bool, reason: str, message: str) -> Object:
        before = known.get(kind, {})
        value = "True" if ok else "False"
        result = {"type": kind, "status": value, "lastProbeTime": None}
        result["lastTransitionTime"] = before["lastTransitionTime"] if before.get("status") == value else now
        # Null takes away what an earlier status said.
        result |= {"reason": None, "message": None} if ok else {"reason": reason, "message": message}
        return result

    why = "PodCompleted" if phase_ == "Succeeded" else "PodFailed" if phase_ == "Failed" else "ContainersNotReady"
    said = f"containers with unready status: [{' '.join(unready)}]"
    all_ready = not unready and not over
    return [
        judged(
            "Initialized",
            ok=not undone,
            reason="ContainersNotInitialized",
            message=f"containers with incomplete status: [{' '.join(undone)}]",
        ),
        judged("ContainersReady", ok=all_ready, reason=why, message=said),
        judged(
            "Ready",
            ok=all_ready and not closed,
            reason=why if not all_ready else "ReadinessGatesNotReady",
            message=said if not all_ready else f"closed gates: {' '.join(closed)}",
        ),
    ]


def build(
    pod: Object,
    containers: Sequence[ContainerState],
    inits: Sequence[ContainerState],
    *,
    addresses: Mapping[str, str],
    started: str,
    now: str,
    ended: bool,
) -> Object:
    """The whole status. `addresses` holds `pod` and `host`."""
    policy = pod["spec"].get("restartPolicy", "Always")
    phase_ = phase(containers, inits, policy=policy, ended=ended)
    result: Object = {
        "phase": phase_,
        "startTime": started,
        "hostIP": addresses["host"],
        "podIP": addresses["pod"],
        "podIPs": [{"ip": addresses["pod"]}],
        "conditions": conditions(pod, containers, inits, phase_=phase_, now=now),
        "containerStatuses": [one.status() for one in containers],
    }
    if inits:
        result["initContainerStatuses"] = [one.status() for one in inits]
    return result
