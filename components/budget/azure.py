"""Consumption budget on Azure: on the subscription, filtered by the cell's tag, because the machines of the cluster lie
in a resource group that Azure makes beside the cell's.

The amount has no currency of its own: it is read in the subscription's, which the fleet names and the program cannot
check. The SDK takes it as a binary number, which holds cents exactly up to some ninety billion. Deliberately not set:
addresses of persons (an action group knows whom to tell), an end date (Azure takes ten years). Limits: five
notifications; a new budget begins in the current month or up to twelve months later, and cannot be moved.
"""

from __future__ import annotations

import pulumi
import pulumi_azure_native as azure

from components.budget.contract import NOT_ASKED, Budget, BudgetInputs, BudgetOutputs, printed, share


class AzureBudget(Budget):
    """A budget."""

    def build(self, name: str, inputs: BudgetInputs) -> BudgetOutputs:
        """Declare the budget, where the fleet asks for one."""
        place, asked, consumption = inputs.place, inputs.asked, azure.consumption
        unwatched = inputs.unwatched_maisons
        if asked is None:
            return BudgetOutputs(
                budget_id=pulumi.Output.from_input(""), limit=None, unwatched={"cell": NOT_ASKED, **unwatched}
            )
        limit = share(asked, inputs.maisons)

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

        budget = consumption.Budget(
            f"{name}-budget",
            budget_name=place.name("budget", limit=63),
            scope=inputs.network.network_id.apply(lambda id_: f"/subscriptions/{id_.split('/')[2]}"),
            category="Cost",
            time_grain="Monthly",
            time_period=consumption.BudgetTimePeriodArgs(start_date=f"{asked.since}-01T00:00:00Z"),
            amount=float(limit.amount),
            filter=consumption.BudgetFilterArgs(
                tags=consumption.BudgetComparisonExpressionArgs(
                    name="twain-cell", operator="In", values=[place.cell.cell.name]
                )
            ),
            notifications={
                **{f"actual-{percent}": told(percent, "Actual") for percent in asked.thresholds},
                "forecast-100": told(100, "Forecasted"),
            },
            opts=self.child(),
        )
        return BudgetOutputs(budget_id=budget.id, limit=printed(limit), unwatched=unwatched)
