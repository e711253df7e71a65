"""The contract of this component; its implementations are found through `components.registry`."""

from components.key.contract import Key, KeyInputs, KeyOutputs

__all__ = ["Key", "KeyInputs", "KeyOutputs"]
