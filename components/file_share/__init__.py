"""The contract of this component; its implementations are found through `components.registry`."""

from components.file_share.contract import FileShare, FileShareInputs, FileShareOutputs

__all__ = ["FileShare", "FileShareInputs", "FileShareOutputs"]
