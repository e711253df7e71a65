"""The contract of this component; its implementations are found through `components.registry`."""

from components.guard_rails.contract import GuardRails, GuardRailsInputs, GuardRailsOutputs

__all__ = ["GuardRails", "GuardRailsInputs", "GuardRailsOutputs"]
