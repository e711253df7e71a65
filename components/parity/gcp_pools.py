"""Where pools of Google Cloud's clusters are declared: as resources of their own, inside the cluster, as its default
pool; and where the cloud makes them by itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from components.parity import graph as g
from components.parity.pools import Nodes, Pool, Pools

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.parity.graph import Fact, Graph, Inputs

CLUSTER, POOL = "gcp:container/cluster:Cluster", "gcp:container/nodePool:NodePool"
_TAINT = "nvidia.com/gpu"
# Machines that have their accelerators built in, said or not.
_FAMILY = re.compile(r"(a2|a3|a4|a4x|g2|g4)-")
_PLAIN_LIMITS = ("cpu", "memory")
_HIDDEN_POOL: Final = {"nodeConfig": g.HIDDEN, "networkConfig": g.HIDDEN}
# The metadata server of workload identity is part of every node that Autopilot makes.
_AUTOPILOT_NODE: Final = {"workloadMetadataConfig": {"mode": "GKE_METADATA"}}


def pools(graph: Graph) -> Pools:
    """The pools with accelerators."""
    found = nodes(graph)
    own = [_pool(one) for one in found.rows if is_gpu(one) is True]
    return Pools(cloud="gcp", pools=own, seen=bool(graph.all(CLUSTER)), unread=found.unread)


def nodes(graph: Graph) -> Nodes:
    """All pools, each with what it has from its cluster."""
    clusters = graph.all(CLUSTER)
    inline = [(cluster, pool) for cluster in clusters for pool in _inside(cluster)]
    own = graph.all(POOL)
    # A cluster that was read back lists the pools that are resources of their own, too.
    inside = [(cluster, pool) for cluster, pool in inline if not any(_same(cluster, pool, one) for one in own)]
    rows = [_inherited(pool, cluster) for cluster, pool in inside]
    rows += [_inherited(one, clusters[0]) if len(clusters) == 1 else one for one in own]
    unread = [why for cluster in clusters for why in _unread(cluster)]
    classes = graph.like("kubernetes:cloud.google.com/", "ComputeClass")
    if any(g.at(one, "spec", "nodePoolAutoCreation", "enabled") is True for one in classes):
        unread.append("a ComputeClass makes pools by itself (nodePoolAutoCreation.enabled)")
        rows.append(_HIDDEN_POOL)
    if not unread and any(is_gpu(one) is None for one in rows):
        unread.append("the machine type of a pool cannot be read (machineType)")
    return Nodes(rows=rows, unread=tuple(dict.fromkeys(unread)))


def autopilot(cluster: Inputs) -> Fact:
    """Whether the cloud makes all of a cluster's nodes by itself."""
    return g.is_(cluster.get("enableAutopilot"), True)


def is_gpu(pool: Inputs) -> Fact:
    """Whether a pool has accelerators; None where it cannot be told."""
    machine = g.at(pool, "nodeConfig", "machineType")
    # A list of accelerators that is yet to be made is one all the same; a whole configuration may hold none.
    if g.at(pool, "nodeConfig") is not g.HIDDEN and g.given(g.at(pool, "nodeConfig", "guestAccelerators")):
        return True
    if machine is g.HIDDEN:
        return None
    return isinstance(machine, str) and _FAMILY.match(machine) is not None


def _inside(cluster: Inputs) -> Iterator[Inputs]:
    """The pools that a cluster's own resource declares, and those that stand for what the cloud makes by itself."""
    scaling = g.at(cluster, "clusterAutoscaling")
    key = g.at(scaling, "autoProvisioningDefaults", "bootDiskKmsKey")
    if autopilot(cluster):
        yield {"nodeConfig": {"bootDiskKmsKey": key, **_AUTOPILOT_NODE}}
        return
    listed = g.listed(cluster, "nodePools")
    if listed is None or autopilot(cluster) is None or scaling is g.HIDDEN:
        yield _HIDDEN_POOL
    yield from (one if isinstance(g.readable(one), dict) else _HIDDEN_POOL for one in listed or ())
    removed = g.is_(cluster.get("removeDefaultNodePool"), True)
    if listed == [] and removed is not True and {"initialNodeCount", "nodeConfig"} & set(cluster):
        config = cluster.get("nodeConfig")
        yield _HIDDEN_POOL if removed is None else {"name": "default-pool", "nodeConfig": config}
    if g.is_(g.at(scaling, "enabled"), True):
        yield {"nodeConfig": {"bootDiskKmsKey": key, "workloadMetadataConfig": g.HIDDEN}}


def _same(cluster: Inputs, inside: Inputs, own: Inputs) -> bool:
    """Whether a pool of a cluster's list is the one that a resource of its own declares."""
    name, of = g.at(own, "name"), g.at(own, "cluster")
    if name is None or name is g.HIDDEN or name != g.at(inside, "name"):
        return False
    its = g.at(cluster, "name")
    return not isinstance(of, str) or not isinstance(its, str) or of.rpartition("/")[2] == its


def _inherited(pool: Inputs, cluster: Inputs) -> Inputs:
    """A pool with what it has from its cluster where it says nothing itself: whether its nodes are private."""
    if g.at(pool, "networkConfig", "enablePrivateNodes") is not None:
        return pool
    # What else stands in a pool's network counts for nothing.
    private = g.at(cluster, "privateClusterConfig", "enablePrivateNodes")
    return {**pool, "networkConfig": {"enablePrivateNodes": private}}


def _unread(cluster: Inputs) -> Iterator[str]:
    """Why a cluster may have GPU pools that it does not declare."""
    by_itself = autopilot(cluster)
    if by_itself:
        yield "Autopilot makes the nodes by itself, so no pool is declared (enableAutopilot)"
        return
    if by_itself is None:
        yield "whether the cluster is an Autopilot one cannot be read (enableAutopilot)"
    if g.listed(cluster, "nodePools") is None:
        yield "the pools inside the cluster cannot be read (nodePools)"
    scaling = g.at(cluster, "clusterAutoscaling")
    enabled = g.is_(g.at(scaling, "enabled"), True)
    limits = g.listed(scaling, "resourceLimits")
    plain = limits is not None and all(g.is_(g.at(one, "resourceType"), *_PLAIN_LIMITS) is True for one in limits)
    if enabled is None or (enabled and not plain):
        yield "the cluster makes GPU pools by itself (clusterAutoscaling.resourceLimits)"
    if g.is_(g.at(scaling, "defaultComputeClassEnabled"), True):
        yield "the cluster makes pools by a compute class (clusterAutoscaling.defaultComputeClassEnabled)"


def _pool(pool: Inputs) -> Pool:
    accelerators, taints = g.listed(pool, "nodeConfig", "guestAccelerators"), g.listed(pool, "nodeConfig", "taints")
    first = accelerators[0] if accelerators else {}
    scaling = g.at(pool, "autoscaling")
    scaled = None if scaling is g.HIDDEN else bool(scaling)
    machine = g.at(pool, "nodeConfig", "machineType")
    least = g.at(scaling, "totalMinNodeCount")
    least = g.at(scaling, "minNodeCount") if least is None else least
    return Pool(
        machine=machine if isinstance(machine, str) else None,
        gpus=g.whole(g.at(first, "count")),
        scaled=scaled,
        # Absent, the cloud's default is 0.
        minimum=0 if scaled and least is None else g.whole(least),
        exclusive=None
        if accelerators is None
        else g.every(
            g.is_(g.at(one, key), None, "") for one in accelerators for key in ("gpuSharingConfig", "gpuPartitionSize")
        ),
        tainted=None if taints is None else g.some(g.is_(g.at(one, "key"), _TAINT) for one in taints),
    )
