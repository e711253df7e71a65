"""The contract of this component; its implementations are found through `components.registry`."""

from components.cluster.contract import Cluster, ClusterInputs, ClusterOutputs

__all__ = ["Cluster", "ClusterInputs", "ClusterOutputs"]
