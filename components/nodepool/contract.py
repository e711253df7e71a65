"""A pool of GPU nodes of one class, scaled from zero, kept free of anything that needs no GPU."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.base import Component, Place

if TYPE_CHECKING:
    import pulumi

    from components.cluster.contract import ClusterOutputs
    from components.key.contract import KeyOutputs
    from components.network.contract import NetworkOutputs
    from components.spec.model import GpuPool

# The taint that GKE sets by itself, made the rule on all clouds.
TAINT_KEY = "nvidia.com/gpu"
TAINT_VALUE = "present"


@dataclass(frozen=True, kw_only=True)
class NodePoolInputs:
    """The place, the pool as the fleet declares it, and what it hangs on. `instance_type` meets the pool's class here;
    `zones` are those of the cell's in which the pool may have nodes.
    """

    place: Place
    pool: GpuPool
    instance_type: str
    accelerator: str
    network: NetworkOutputs
    cluster: ClusterOutputs
    key: KeyOutputs

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones of the pool, in the order of the cell's."""
        return self.pool.within(self.place.zones)


@dataclass(frozen=True, kw_only=True)
class NodePoolOutputs:
    """The cloud's id of the pool."""

    pool_id: pulumi.Output[str]


class NodePool(Component[NodePoolInputs, NodePoolOutputs]):
    """A GPU pool.

    Creation takes minutes and costs nothing while it has no node. A changed `min` or `max` is an update in place of
    this one resource; a changed machine replaces the pool. So do changed zones on a cloud of
    `components.clouds.node_images.FIXED_POOL_ZONES`; elsewhere they are an update in place, and what becomes of nodes
    in a zone that was left is the cloud's. Creation fails where the SKU is not offered or the quota is zero.
    """

    kind = "NodePool"

    @abstractmethod
    def build(self, name: str, inputs: NodePoolInputs) -> NodePoolOutputs:
        """Declare the pool."""
