"""What a cluster autoscaler decides, from what it sees. Pure: no clock, no request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rehearsal.agent import machines, scheduling
from rehearsal.agent.scheduling import Machine
from rehearsal.agent.site import seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rehearsal.kube.client import Object
    from rehearsal.providers.store import Pool

CREATE_SECONDS = 90.0
IDLE_SECONDS, SHORTEST_IDLE = 600.0, 20.0
STOCK_OUT_SECONDS, SHORTEST_STOCK_OUT = 300.0, 5.0
LEAVING_TAINT = "ToBeDeletedByClusterAutoscaler"
# A Node carries these for its first moments; a pod that waits for them needs no further machine.
_STARTING_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/network-unavailable")


def create_delay(speed: float) -> float:
    """Seconds from asking for a machine to its Node."""
    return CREATE_SECONDS / speed


def idle_delay(speed: float) -> float:
    """Seconds that a machine may stand idle."""
    return max(SHORTEST_IDLE, IDLE_SECONDS / speed)


def stock_out_delay(speed: float) -> float:
    """Seconds before a pool that had no stock is asked again."""
    return max(SHORTEST_STOCK_OUT, STOCK_OUT_SECONDS / speed)


@dataclass
class Plan:
    """Machines to add per pool, and pods (namespace, name) that no pool can help, each with the reason."""

    add: dict[str, int] = field(default_factory=dict[str, int])
    helped: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    refused: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])


def imagined(pool: Pool, *, region: str) -> Machine:
    """A machine that this pool would give, empty."""
    return Machine(
        labels=machines.labels(pool, zone=pool.zones[0] if pool.zones else region, region=region, name=""),
        taints=machines.taints(pool),
        free=machines.allocatable(pool),
        pool=pool.name,
    )


def existing(node: Object, pods: Iterable[Object]) -> Machine:
    """A Node as it is, with what its pods left free."""
    able = node.get("status", {}).get("allocatable") or {}
    machine = Machine(
        labels=node["metadata"].get("labels") or {},
        taints=[one for one in node["spec"].get("taints") or [] if one["key"] not in _STARTING_TAINTS],
        free={name: scheduling.quantity(value) for name, value in able.items()},
        pool=machines.pool_of(node),
        name=node["metadata"]["name"],
        born=seconds(node["metadata"]["creationTimestamp"]) if "creationTimestamp" in node["metadata"] else None,
    )
    for pod in pods:
        if not scheduling.finished(pod):
            for name, value in scheduling.requests(pod).items():
                machine.free[name] = machine.free.get(name, 0.0) - value
    return machine


def scale_up(
    *,
    pools: Sequence[Pool],
    nodes: Sequence[Machine],
    coming: Mapping[str, int],
    waiting: Sequence[Object],
    held_back: Iterable[str] = (),
    room: int,
    region: str,
) -> Plan:
    """Which pools grow, and by how much.

    A pod that fits what is there or on its way needs nothing: the scheduler has not looked again yet. Each other pod
    takes a machine of the first pool (fewest GPUs, then name) whose labels and taints let it in, while that is below
    its maximum, not held back (out of stock) and the cell has `room` for more machines.
    """
    plan = Plan()
    by_name = {pool.name: pool for pool in pools}
    count = {pool.name: sum(1 for node in nodes if node.pool == pool.name) + coming.get(pool.name, 0) for pool in pools}
    bins = list(nodes)
    for name, number in coming.items():
        if name in by_name:
            bins += [imagined(by_name[name], region=region) for _ in range(number)]
    for pool in pools:
        missing = max(0, min(pool.min - count[pool.name], room - sum(plan.add.values())))
        if missing and pool.name not in held_back:
            plan.add[pool.name] = missing
            count[pool.name] += missing
            bins += [imagined(pool, region=region) for _ in range(missing)]
    order = sorted(pools, key=lambda pool: (pool.gpus, pool.name))
    for pod in sorted(waiting, key=lambda one: (one["metadata"].get("creationTimestamp", ""), one["metadata"]["name"])):
        wanted = scheduling.requests(pod)
        if any(scheduling.fits(pod, machine) and machine.place(wanted) for machine in bins):
            continue
        _grow(
            plan,
            pod,
            wanted=wanted,
            order=order,
            count=count,
            bins=bins,
            held_back=set(held_back),
            room=room,
            region=region,
        )
    return plan


def _grow(
    plan: Plan,
    pod: Object,
    *,
    wanted: Mapping[str, float],
    order: Sequence[Pool],
    count: dict[str, int],
    bins: list[Machine],
    held_back: set[str],
    room: int,
    region: str,
) -> None:
    place = (pod["metadata"].get("namespace", ""), pod["metadata"]["name"])
    reasons: list[str] = []
    for pool in order:
        machine = imagined(pool, region=region)
        if not scheduling.fits(pod, machine) or not machine.place(wanted):
            continue
        if count[pool.name] >= pool.max:
            reasons.append(f"pool {pool.name} is at its maximum of {pool.max}")
        elif pool.name in held_back:
            reasons.append(f"pool {pool.name}: {pool.instance_type} is out of stock")
        elif sum(plan.add.values()) >= room:
            reasons.append("the cell's address range holds no more machines")
        else:
            plan.add[pool.name] = plan.add.get(pool.name, 0) + 1
            plan.helped[place] = f"pool {pool.name} {count[pool.name]}->{count[pool.name] + 1} (max: {pool.max})"
            count[pool.name] += 1
            bins.append(machine)
            return
    plan.refused[place] = "; ".join(reasons) or "no pool has machines that fit this pod"


def stray(node: Machine, pools: Sequence[Pool]) -> bool:
    """Whether a Node has lost its pool: that is gone, or another of its name was made since, or it left the Node's
    zone on a cloud that then removes the Node.
    """
    pool = next((one for one in pools if one.name == node.pool), None)
    if pool is None:
        return True
    # The API server writes whole seconds.
    if node.born is not None and node.born + 1 < pool.created:
        return True
    zone = node.labels.get(machines.ZONE_LABEL, "")
    return pool.cloud in machines.LEAVES_ZONES and bool(pool.zones) and zone not in pool.zones


def scale_down(
    *, pools: Sequence[Pool], nodes: Sequence[Machine], idle_since: Mapping[str, float], now: float, speed: float
) -> list[str]:
    """Names of the Nodes to remove: the stray ones at once, and those idle too long down to the minimum. `nodes` are
    the Nodes that nobody is removing yet.
    """
    leaving = [node.name for node in nodes if stray(node, pools)]
    for pool in pools:
        own = [node.name for node in nodes if node.pool == pool.name and node.name not in leaving]
        spare = len(own) - pool.min
        tired = [name for name in own if now - idle_since.get(name, now) >= idle_delay(speed)]
        leaving += sorted(tired, key=lambda name: idle_since[name])[: max(0, spare)]
    return leaving
