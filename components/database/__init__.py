"""The contract of this component; its implementations are found through `components.registry`."""

from components.database.contract import Database, DatabaseInputs, DatabaseOutputs

__all__ = ["Database", "DatabaseInputs", "DatabaseOutputs"]
