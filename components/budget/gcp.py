"""Cloud Billing budget on GCP: on the billing account, filtered by the cell's label.

The currency must be the billing account's. Credits count as less spent. Deliberately not set: default recipients
(billing administrators as persons), projects (a filter by project wants its number, which only a look-up tells), the
last period's amount. Limits: one label per filter, so two fleets that share a billing account must not share the name
of a cell; costs appear some hours late.
"""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from components.budget.contract import NOT_ASKED, Budget, BudgetInputs, BudgetOutputs, printed, share

_NANO = 1_000_000_000


class GcpBudget(Budget):
    """A budget."""

    def build(self, name: str, inputs: BudgetInputs) -> BudgetOutputs:
        """Declare the budget, where the fleet asks for one."""
        place, asked, billing = inputs.place, inputs.asked, gcp.billing
        unwatched = inputs.unwatched_maisons
        if asked is None:
            return BudgetOutputs(
                budget_id=pulumi.Output.from_input(""), limit=None, unwatched={"cell": NOT_ASKED, **unwatched}
            )
        limit = share(asked, inputs.maisons)
        units = int(limit.amount)
        topic = "/topics/" in asked.alerts
        budget = billing.Budget(
            f"{name}-budget",
            billing_account=asked.account,
            display_name=place.name("budget", limit=60),
            amount=billing.BudgetAmountArgs(
                specified_amount=billing.BudgetAmountSpecifiedAmountArgs(
                    currency_code=limit.currency,
                    units=str(units),
                    nanos=int((limit.amount - units) * _NANO),
                )
            ),
            budget_filter=billing.BudgetBudgetFilterArgs(
                calendar_period="MONTH",
                credit_types_treatment="INCLUDE_ALL_CREDITS",
                labels={"twain-cell": place.cell.cell.name},
            ),
            threshold_rules=[
                *(
                    billing.BudgetThresholdRuleArgs(threshold_percent=percent / 100, spend_basis="CURRENT_SPEND")
                    for percent in asked.thresholds
                ),
                billing.BudgetThresholdRuleArgs(threshold_percent=1.0, spend_basis="FORECASTED_SPEND"),
            ],
            all_updates_rule=billing.BudgetAllUpdatesRuleArgs(
                monitoring_notification_channels=None if topic else [asked.alerts],
                pubsub_topic=asked.alerts if topic else None,
                schema_version="1.0",
                disable_default_iam_recipients=True,
                enable_project_level_recipients=False,
            ),
            ownership_scope="BILLING_ACCOUNT",
            deletion_policy="DELETE",
            opts=self.child(),
        )
        return BudgetOutputs(budget_id=budget.id, limit=printed(limit), unwatched=unwatched)
