"""How many machines of which kind the inputs of a resource stand for: each cloud's pools, from smallest to largest.

Pure. What is not known before it is made is None, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from components.pricing.model import PriceKind


@dataclass(frozen=True, kw_only=True)
class Machines:
    """Machines of one kind. `kind` is how they are bought; `least` and `most` are the sizes that the pool may have."""

    sku: str | None
    least: int | None
    most: int | None
    kind: PriceKind = "ondemand"


def _at(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _count(value: Any) -> int | None:
    """A number of machines, as inputs and plans write it: 4, 4.0 or "4"."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        return int(float(value))
    except (TypeError, ValueError):
        return None


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _ack(inputs: Mapping[str, Any]) -> Iterator[Machines]:
    kinds = inputs.get("instanceTypes")
    # Of several kinds the cloud chooses one, node by node.
    sku = _word(kinds[0]) if isinstance(kinds, list) and len(kinds) == 1 else None
    spot = inputs.get("spotStrategy") not in (None, "NoSpot")
    scaling = inputs.get("scalingConfig")
    if _at(scaling, "enable") is True:
        least, most = _count(_at(scaling, "minSize")), _count(_at(scaling, "maxSize"))
    else:
        least = most = _count(inputs.get("desiredSize"))
    yield Machines(sku=sku, least=least, most=most, kind="spot" if spot else "ondemand")


def _gke(inputs: Mapping[str, Any]) -> Iterator[Machines]:
    node, scaling, zones = inputs.get("nodeConfig"), inputs.get("autoscaling"), inputs.get("nodeLocations")
    each = len(zones) if isinstance(zones, list) else None

    def over_zones(value: Any) -> int | None:
        number = _count(value)
        return None if number is None or each is None else number * each

    if scaling is None:
        least = most = over_zones(inputs.get("nodeCount"))
    elif _at(scaling, "totalMaxNodeCount") is not None:
        least, most = _count(_at(scaling, "totalMinNodeCount") or 0), _count(_at(scaling, "totalMaxNodeCount"))
    else:
        least, most = over_zones(_at(scaling, "minNodeCount") or 0), over_zones(_at(scaling, "maxNodeCount"))
    spot = _at(node, "spot") is True or _at(node, "preemptible") is True
    yield Machines(sku=_word(_at(node, "machineType")), least=least, most=most, kind="spot" if spot else "ondemand")


def _aks(pool: Mapping[str, Any]) -> Iterator[Machines]:
    if pool.get("enableAutoScaling") is True:
        least, most = _count(pool.get("minCount")), _count(pool.get("maxCount"))
    else:
        least = most = _count(pool.get("count"))
    spot = pool.get("scaleSetPriority") == "Spot"
    yield Machines(sku=_word(pool.get("vmSize")), least=least, most=most, kind="spot" if spot else "ondemand")


def _aks_inline(inputs: Mapping[str, Any]) -> Iterator[Machines]:
    pools = inputs.get("agentPoolProfiles")
    for pool in pools if isinstance(pools, list) else ():
        if isinstance(pool, dict):
            yield from _aks(pool)


_READERS: Final[dict[str, Callable[[Mapping[str, Any]], Iterator[Machines]]]] = {
    "alicloud:cs/nodePool:NodePool": _ack,
    "gcp:container/nodePool:NodePool": _gke,
    "azure-native:containerservice:AgentPool": _aks,
    "azure-native:containerservice:ManagedCluster": _aks_inline,
}


def machines(type_token: str, inputs: Mapping[str, Any]) -> tuple[Machines, ...]:
    """The machines that a resource of a type may have, none for a type that has none."""
    reader = _READERS.get(type_token)
    return tuple(reader(inputs)) if reader else ()
