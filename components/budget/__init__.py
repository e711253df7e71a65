"""The contract of this component; its implementations are found through `components.registry`."""

from components.budget.contract import Budget, BudgetInputs, BudgetOutputs

__all__ = ["Budget", "BudgetInputs", "BudgetOutputs"]
