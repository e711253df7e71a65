"""Where pools of Azure's clusters are declared: as resources of their own, or inside the cluster; and where the cloud
makes nodes by itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from components.parity import graph as g
from components.parity.pools import Nodes, Pool, Pools

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.parity.graph import Fact, Graph, Inputs

CLUSTER, POOL = "azure-native:containerservice:ManagedCluster", "azure-native:containerservice:AgentPool"
_HIDDEN_POOL: Final = {"vmSize": g.HIDDEN, "enableNodePublicIP": g.HIDDEN}
_TAINT = "nvidia.com/gpu="
_FAMILY = re.compile(r"Standard_N[CDGV]", re.IGNORECASE)


def pools(graph: Graph) -> Pools:
    """The pools with a GPU profile, a label of ours, or a machine of a GPU family."""
    found = nodes(graph)
    own = [one for pool in found.rows if is_gpu(pool) is True for one in _pools(pool)]
    return Pools(cloud="azure", pools=own, seen=bool(graph.all(CLUSTER)), unread=found.unread)


def nodes(graph: Graph) -> Nodes:
    """All pools."""
    own = graph.all(POOL)
    unread: list[str] = []
    rows: list[Inputs] = []
    for cluster in graph.all(CLUSTER):
        # A cluster that was read back lists the pools that are resources of their own, too.
        told = list(_unread(cluster))
        unread += told
        rows += [_HIDDEN_POOL] * bool(told)
        listed = g.listed(cluster, "agentPoolProfiles") or []
        inside = [one if isinstance(g.readable(one), dict) else _HIDDEN_POOL for one in listed]
        rows += [pool for pool in inside if not any(_same(cluster, pool, one) for one in own)]
    rows += own
    if not unread and any(is_gpu(one) is None for one in rows):
        unread.append("the size of a pool's machines cannot be read (vmSize)")
    return Nodes(rows=rows, unread=tuple(dict.fromkeys(unread)))


def is_gpu(pool: Inputs) -> Fact:
    """Whether a pool has GPUs; None where it cannot be told."""
    label = g.at(pool, "nodeLabels", "twain/gpu-class")
    if g.given(g.at(pool, "gpuProfile")) or (isinstance(label, str) and label):
        return True
    sizes = _sizes(pool)
    if sizes is None:
        return None
    return g.some(None if size is g.HIDDEN else isinstance(size, str) and bool(_FAMILY.match(size)) for size in sizes)


def _sizes(pool: Inputs) -> list[object] | None:
    """The sizes of a pool's machines: one, or several in a pool of single machines. None where they cannot be read."""
    mixed = g.listed(pool, "virtualMachinesProfile", "scale", "manual")
    if mixed is None:
        return None
    return [g.at(one, "size") for one in mixed] or [g.at(pool, "vmSize")]


def _same(cluster: Inputs, inside: Inputs, own: Inputs) -> bool:
    """Whether a pool of a cluster's list is the one that a resource of its own declares."""
    name, of = g.at(own, "agentPoolName"), g.at(own, "resourceName")
    if name is None or name is g.HIDDEN or name != g.at(inside, "name"):
        return False
    its = g.at(cluster, "resourceName")
    return not isinstance(of, str) or not isinstance(its, str) or of == its


def _unread(cluster: Inputs) -> Iterator[str]:
    """Why a cluster may have GPU pools that it does not declare."""
    if g.listed(cluster, "agentPoolProfiles") is None:
        yield "the pools inside the cluster cannot be read (agentPoolProfiles)"
    if g.is_(g.at(cluster, "nodeProvisioningProfile", "mode"), "Auto") is not False:
        yield "the cluster makes nodes by itself (nodeProvisioningProfile.mode)"
    if g.is_(g.at(cluster, "sku", "name"), "Automatic") is not False:
        yield "an Automatic cluster makes nodes by itself (sku.name)"


def _pools(pool: Inputs) -> Iterator[Pool]:
    taints = g.listed(pool, "nodeTaints")
    scaled = g.is_(g.at(pool, "enableAutoScaling"), True)
    sizes = _sizes(pool) or [None]
    labelled = is_gpu({**pool, "vmSize": None, "virtualMachinesProfile": None})
    for size in sizes:
        if not labelled and isinstance(size, str) and not _FAMILY.match(size):
            continue
        yield Pool(
            machine=size if isinstance(size, str) else None,
            scaled=scaled,
            minimum=g.whole(g.at(pool, "minCount")) if scaled else None,
            exclusive=g.is_(g.at(pool, "gpuInstanceProfile"), None, ""),
            tainted=None if taints is None else any(str(one).startswith(_TAINT) for one in taints),
        )
