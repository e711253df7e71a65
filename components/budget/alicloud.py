"""No budget on Alibaba Cloud: its budgets live in the console, and no resource of the provider makes one.

The fleet's check refuses a budget for such a cell. What it costs is compared by the cost report, from the bill.
"""

from __future__ import annotations

from components.budget.contract import Budget, BudgetInputs, BudgetOutputs

_WHY = "this cloud's provider has no budgets; the cost report compares the bill"


class AlicloudBudget(Budget):
    """Nothing, said aloud."""

    def build(self, name: str, inputs: BudgetInputs) -> BudgetOutputs:
        """Declare nothing."""
        return inputs.nothing(_WHY)
