"""The contract of this component; its implementations are found through `components.registry`."""

from components.container_registry.contract import (
    ContainerRegistry,
    ContainerRegistryInputs,
    ContainerRegistryOutputs,
)

__all__ = ["ContainerRegistry", "ContainerRegistryInputs", "ContainerRegistryOutputs"]
