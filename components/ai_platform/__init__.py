"""The contract of this component; its implementations are found through `components.registry`."""

from components.ai_platform.contract import AiPlatform, AiPlatformInputs, AiPlatformOutputs

__all__ = ["AiPlatform", "AiPlatformInputs", "AiPlatformOutputs"]
