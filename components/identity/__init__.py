"""The contract of this component; its implementations are found through `components.registry`."""

from components.identity.contract import Identity, IdentityInputs, IdentityOutputs

__all__ = ["Identity", "IdentityInputs", "IdentityOutputs"]
