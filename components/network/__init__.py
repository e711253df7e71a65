"""The contract of this component; its implementations are found through `components.registry`."""

from components.network.contract import Network, NetworkInputs, NetworkOutputs

__all__ = ["Network", "NetworkInputs", "NetworkOutputs"]
