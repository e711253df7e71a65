"""Whether a pod fits a machine: the part of the scheduler's judgement that an autoscaler repeats. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rehearsal.kube.client import Object

_SUFFIXES = {
    "": 1.0,
    "n": 1e-9,
    "u": 1e-6,
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "P": 1e15,
    "Ki": 2.0**10,
    "Mi": 2.0**20,
    "Gi": 2.0**30,
    "Ti": 2.0**40,
    "Pi": 2.0**50,
}
_QUANTITY = re.compile(r"^([+-]?[0-9.]+(?:[eE][+-]?\d+)?)(|n|u|m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)$")


def quantity(text: str | float) -> float:
    """A Kubernetes quantity as a number. Raises ValueError."""
    match = _QUANTITY.match(str(text))
    if match is None:
        message = f"{text!r} is no quantity"
        raise ValueError(message)
    return float(match.group(1)) * _SUFFIXES[match.group(2)]


def requests(pod: Object) -> dict[str, float]:
    """What a pod asks for, per resource: the sum of its containers, or the largest init container if that is more."""

    def asked(container: Object) -> dict[str, float]:
        resources = container.get("resources") or {}
        merged = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
        return {name: quantity(value) for name, value in merged.items()}

    total: dict[str, float] = {"pods": 1.0}
    for container in pod["spec"].get("containers", []):
        for name, value in asked(container).items():
            total[name] = total.get(name, 0.0) + value
    for container in pod["spec"].get("initContainers") or []:
        for name, value in asked(container).items():
            total[name] = max(total.get(name, 0.0), value)
    return total


@dataclass
class Machine:
    """A machine, real or imagined, with what is left on it; `born` (Unix seconds) of a real one."""

    labels: Mapping[str, str]
    taints: list[dict[str, Any]]
    free: dict[str, float]
    pool: str = ""
    name: str = ""
    taken: list[str] = field(default_factory=list[str])
    born: float | None = None

    def place(self, wanted: Mapping[str, float]) -> bool:
        """Take the resources if they fit; False and nothing taken if not."""
        if any(value > self.free.get(name, 0.0) + 1e-9 for name, value in wanted.items() if value > 0):
            return False
        for name, value in wanted.items():
            self.free[name] = self.free.get(name, 0.0) - value
        return True


def tolerates(pod: Object, taints: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the pod may be scheduled in spite of the taints (NoSchedule and NoExecute)."""
    tolerations = pod["spec"].get("tolerations") or []
    return all(
        any(_tolerated(taint, one) for one in tolerations)
        for taint in taints
        if taint.get("effect") in {"NoSchedule", "NoExecute"}
    )


def _tolerated(taint: Mapping[str, Any], toleration: Mapping[str, Any]) -> bool:
    if toleration.get("effect") not in {None, "", taint.get("effect")}:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return toleration.get("key") in {None, "", taint["key"]}
    return toleration.get("key") == taint["key"] and (toleration.get("value") or "") == (taint.get("value") or "")


def selects(pod: Object, labels: Mapping[str, str]) -> bool:
    """Whether node selector and required node affinity allow a machine with these labels."""
    selector = pod["spec"].get("nodeSelector") or {}
    if any(labels.get(name) != value for name, value in selector.items()):
        return False
    affinity = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if not required:
        return True
    return any(
        all(_matches(expression, labels) for expression in term.get("matchExpressions") or [])
        for term in required.get("nodeSelectorTerms") or []
        if not term.get("matchFields")
    )


def _matches(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value = labels.get(expression["key"])
    values = expression.get("values") or []
    operator = expression["operator"]
    if operator == "In":
        return value in values
    if operator == "NotIn":
        return value not in values
    if operator == "Exists":
        return value is not None
    if operator == "DoesNotExist":
        return value is None
    if value is None or not value.lstrip("-").isdigit():
        return False
    return int(value) > int(values[0]) if operator == "Gt" else int(value) < int(values[0])


def fits(pod: Object, machine: Machine) -> bool:
    """Whether labels and taints let the pod onto the machine; resources are `Machine.place`'s question."""
    return selects(pod, machine.labels) and tolerates(pod, machine.taints)


def unschedulable(pod: Object) -> bool:
    """Whether the scheduler has said that nothing holds this pod now."""
    if pod["spec"].get("nodeName") or pod["metadata"].get("deletionTimestamp"):
        return False
    conditions = pod.get("status", {}).get("conditions") or []
    return any(
        c["type"] == "PodScheduled" and c["status"] == "False" and c.get("reason") == "Unschedulable"
        for c in conditions
    )


def of_daemon_set(pod: Object) -> bool:
    """Whether the pod belongs to the machine rather than to a workload."""
    owners = pod["metadata"].get("ownerReferences") or []
    return any(owner["kind"] in {"DaemonSet", "Node"} for owner in owners)


def finished(pod: Object) -> bool:
    """Whether the pod has come to its end and holds nothing any more."""
    return pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}
