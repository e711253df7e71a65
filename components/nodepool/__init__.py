"""The contract of this component; its implementations are found through `components.registry`."""

from components.nodepool.contract import NodePool, NodePoolInputs, NodePoolOutputs

__all__ = ["NodePool", "NodePoolInputs", "NodePoolOutputs"]
