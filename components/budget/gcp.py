"""Cloud Billing budgets on GCP: on the billing account, filtered by the cell's label, and by each maison's.

The currency must be the billing account's. Credits count as less spent. Deliberately not set: default recipients
(billing administrators as persons), projects (a filter by project wants its number, which only a look-up tells), the
last period's amount. Limits: one label per filter, so two fleets that share a billing account must not share the name
of a cell or of a maison, and the first cell of an account watches the maisons for all of its cells; costs appear some
hours late. Of a maison's own resources here only its secret is billed by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi_gcp as gcp

from components.base import maison_tag
from components.budget.contract import NOT_ASKED, Budget, BudgetInputs, BudgetOutputs, share

if TYPE_CHECKING:
    from components.spec.model import CellBudget, Money

_NANO = 1_000_000_000


class GcpBudget(Budget):
    """A budget, and one for each maison."""

    def build(self, name: str, inputs: BudgetInputs) -> BudgetOutputs:
        """Declare the budgets, where the fleet asks for them."""
        place, asked = inputs.place, inputs.asked
        if asked is None:
            return inputs.nothing(NOT_ASKED)
        limit, alone = share(asked, inputs.maisons), inputs.limits(asked)
        labels = {"twain-cell": place.cell.cell.name}
        whole = self._budget(f"{name}-budget", place.name("budget", limit=60), asked, limit=limit, labels=labels)
        found = {
            maison: self._budget(
                f"{name}-budget-{maison}",
                place.name(f"budget-{maison}", limit=60),
                asked,
                limit=part,
                labels=maison_tag(maison),
            )
            for maison, part in alone.items()
        }
        return inputs.declared(asked, whole.id, {maison: one.id for maison, one in found.items()})

    def _budget(
        self, name: str, called: str, asked: CellBudget, *, limit: Money, labels: dict[str, str]
    ) -> gcp.billing.Budget:
        billing, units, topic = gcp.billing, int(limit.amount), "/topics/" in asked.alerts
        return billing.Budget(
            name,
            billing_account=asked.account,
            display_name=called,
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
                labels=labels,
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
