"""The contract of this component; its implementations are found through `components.registry`."""

from components.cache.contract import Cache, CacheInputs, CacheOutputs

__all__ = ["Cache", "CacheInputs", "CacheOutputs"]
