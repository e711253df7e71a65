"""Whether a namespace's quotas would let a pod in, told from manifests alone. Pure.

A quota counts its own namespace and nothing else. Of its scopes only the priority class is understood; a quota with
another scope is taken to count every pod.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Manifest = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A pod as a quota sees it: its namespace, its GPUs, its priority class."""

    namespace: str
    gpus: int = 0
    priority: str = ""


@dataclass(frozen=True, kw_only=True)
class Used:
    """What a namespace holds already."""

    pods: int = 0
    gpus: int = 0


def refusals(objects: Iterable[Manifest], asked: Asked, used: Mapping[str, Used]) -> list[str]:
    """The quotas that refuse the pod, as NAMESPACE/NAME: what they count. `used` is what each namespace holds."""
    found: list[str] = []
    for quota in objects:
        if quota.get("kind") != "ResourceQuota" or quota["metadata"]["namespace"] != asked.namespace:
            continue
        spec = quota["spec"]
        if not _counts(spec, asked.priority):
            continue
        here = used.get(asked.namespace, Used())
        # What has the class that a scope names is not told apart: none is there as long as the quota holds.
        scopes = (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
        held = Used() if any(one.get("scopeName") == "PriorityClass" for one in scopes) else here
        wanted = {"pods": held.pods + 1, "requests.nvidia.com/gpu": held.gpus + asked.gpus}
        found += [
            f"{asked.namespace}/{quota['metadata']['name']}: {key}"
            for key, amount in wanted.items()
            if key in spec["hard"] and amount > Decimal(spec["hard"][key])
        ]
    return found


def _counts(spec: Mapping[str, Any], priority: str) -> bool:
    for one in (spec.get("scopeSelector") or {}).get("matchExpressions") or ():
        values = one.get("values") or ()
        answers = {
            "In": priority in values,
            "NotIn": priority not in values,
            "Exists": bool(priority),
            "DoesNotExist": not priority,
        }
        if one.get("scopeName") == "PriorityClass" and not answers.get(str(one.get("operator")), True):
            return False
    return True
