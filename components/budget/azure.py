"""Consumption budgets on Azure: on the subscription, filtered by the cell's tag, because the machines of the cluster
lie in a resource group that Azure makes beside the cell's; and by the cell's and a maison's together.

The amount has no currency of its own: it is read in the subscription's, which the fleet names and the program cannot
check. The SDK takes it as a binary number, which holds cents exactly up to some ninety billion. Deliberately not set:
addresses of persons (an action group knows whom to tell), an end date (Azure takes ten years). Limits: five
notifications; a new budget begins in the current month or up to twelve months later, and cannot be moved. Nothing that
the cell declares for a maison alone costs anything here; what somebody else makes for it and tags so is counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi_azure_native as azure

from components.base import maison_tag
from components.budget.contract import NOT_ASKED, Budget, BudgetInputs, BudgetOutputs, share

if TYPE_CHECKING:
    import pulumi

    from components.spec.model import CellBudget, Money


class AzureBudget(Budget):
    """A budget, and one for each maison."""

    def build(self, name: str, inputs: BudgetInputs) -> BudgetOutputs:
        """Declare the budgets, where the fleet asks for them."""
        place, asked = inputs.place, inputs.asked
        if asked is None:
            return inputs.nothing(NOT_ASKED)
        scope = inputs.network.network_id.apply(lambda id_: f"/subscriptions/{id_.split('/')[2]}")
        limit, alone = share(asked, inputs.maisons), inputs.limits(asked)
        of_cell = _tagged("twain-cell", place.cell.cell.name)
        whole = self._budget(
            f"{name}-budget",
            place.name("budget", limit=63),
            asked,
            scope=scope,
            limit=limit,
            chosen=azure.consumption.BudgetFilterArgs(tags=of_cell),
        )
        found = {
            maison: self._budget(
                f"{name}-budget-{maison}",
                place.name(f"budget-{maison}", limit=63),
                asked,
                scope=scope,
                limit=part,
                chosen=azure.consumption.BudgetFilterArgs(
                    and_=[
                        azure.consumption.BudgetFilterPropertiesArgs(tags=one)
                        for one in (of_cell, *(_tagged(key, value) for key, value in maison_tag(maison).items()))
                    ]
                ),
            )
            for maison, part in alone.items()
        }
        return inputs.declared(asked, whole.id, {maison: one.id for maison, one in found.items()})

    def _budget(
        self,
        name: str,
        called: str,
        asked: CellBudget,
        *,
        scope: pulumi.Output[str],
        limit: Money,
        chosen: azure.consumption.BudgetFilterArgs,
    ) -> azure.consumption.Budget:
        consumption = azure.consumption

        def told(percent: int, kind: str) -> azure.consumption.NotificationArgs:
            return consumption.NotificationArgs(
                enabled=True,
                operator="GreaterThanOrEqualTo",
                threshold=percent,
                threshold_type=kind,
                contact_emails=[],
                contact_groups=[asked.alerts],
                locale="en-us",
            )

        return consumption.Budget(
            name,
            budget_name=called,
            scope=scope,
            category="Cost",
            time_grain="Monthly",
            time_period=consumption.BudgetTimePeriodArgs(start_date=f"{asked.since}-01T00:00:00Z"),
            amount=float(limit.amount),
            filter=chosen,
            notifications={
                **{f"actual-{percent}": told(percent, "Actual") for percent in asked.thresholds},
                "forecast-100": told(100, "Forecasted"),
            },
            opts=self.child(),
        )


def _tagged(key: str, value: str) -> azure.consumption.BudgetComparisonExpressionArgs:
    return azure.consumption.BudgetComparisonExpressionArgs(name=key, operator="In", values=[value])
