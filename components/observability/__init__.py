"""The contract of this component; its implementations are found through `components.registry`."""

from components.observability.contract import Observability, ObservabilityInputs, ObservabilityOutputs

__all__ = ["Observability", "ObservabilityInputs", "ObservabilityOutputs"]
