"""One body over three clouds: what a cell's budget promises."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from components.budget.contract import share
from components.spec.model import CellBudget, Maison, Money
from tests.contract.cells import CELLS, Infra
from tests.recorder import FLEET

if TYPE_CHECKING:
    from pathlib import Path

KINDS = {"gcp": "gcp:billing/budget:Budget", "azure": "azure-native:consumption:Budget"}
GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/finance/providers/Microsoft.Insights"
ASKED = {
    "gcp": (
        "{account: 01E0E0-000000-0000EE, currency: EUR, since: '2026-11', percent: 33,"
        " alerts: projects/twain-finance/notificationChannels/42}"
    ),
    "azure": f"{{currency: EUR, since: '2026-11', percent: 33, alerts: {GROUP}/actionGroups/finance}}",
}


def with_budgets(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    text = FLEET.read_text(encoding="utf-8")
    for cloud, asked in ASKED.items():
        old = {"gcp": "      cidr: 10.68.0.0/14", "azure": "      cidr: 10.72.0.0/14"}[cloud]
        text = text.replace(old, f"{old}\n      budget: {asked}")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "fleet.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("cloud", CELLS)
def test_a_cell_without_a_budget_declares_none_and_says_that_nothing_watches(cloud: str, infra: Infra) -> None:
    recorder, outputs = infra(cloud)
    assert [one.type for one in recorder.resources if one.type.endswith(":Budget")] == ["twain:index:Budget"]
    assert (outputs["budget"]["id"], outputs["budget"]["limit"]) == ("", None)
    assert set(outputs["budget"]["unwatched"]) == {"cell", "maison aurelia", "maison calisto"}
    assert all(outputs["budget"]["unwatched"].values())


@pytest.mark.parametrize("cloud", KINDS)
def test_a_cell_s_budget_is_its_part_of_all_maisons_to_the_cent_in_their_currency(
    cloud: str, tmp_path: Path, infra: Infra
) -> None:
    fleet = with_budgets(tmp_path, ('"5000.00"', '"5000.77"'))
    recorder, outputs = infra(cloud, fleet)
    budget = recorder.one(KINDS[cloud]).inputs
    # 33 % of 25000.77 is 8250.2541; a cell never gets more than its part.
    assert outputs["budget"]["limit"] == {"amount": "8250.25", "currency": "EUR"}
    assert outputs["budget"]["id"]
    assert set(outputs["budget"]["unwatched"]) == {"maison aurelia", "maison calisto"}
    if cloud == "gcp":
        money = budget["amount"]["specifiedAmount"]
        assert money == {"currencyCode": "EUR", "units": "8250", "nanos": 250_000_000}
    else:
        assert budget["amount"] == 8250.25


@pytest.mark.parametrize("cloud", KINDS)
def test_it_counts_the_cell_s_tag_and_tells_an_object_at_the_thresholds(
    cloud: str, tmp_path: Path, infra: Infra
) -> None:
    fleet = with_budgets(tmp_path, ("percent: 33", "percent: 100, thresholds: [25, 110]"))
    budget = infra(cloud, fleet)[0].one(KINDS[cloud]).inputs
    text = json.dumps(budget)
    assert "@" not in text
    if cloud == "gcp":
        assert budget["budgetFilter"]["labels"] == {"twain-cell": CELLS[cloud]}
        assert [(one["thresholdPercent"], one["spendBasis"]) for one in budget["thresholdRules"]] == [
            (0.25, "CURRENT_SPEND"),
            (1.1, "CURRENT_SPEND"),
            (1, "FORECASTED_SPEND"),
        ]
        told = budget["allUpdatesRule"]
        assert told["monitoringNotificationChannels"] == ["projects/twain-finance/notificationChannels/42"]
        assert told["disableDefaultIamRecipients"] is True
        return
    assert budget["filter"]["tags"] == {"name": "twain-cell", "operator": "In", "values": [CELLS[cloud]]}
    assert budget["scope"].count("/") == 2
    assert set(budget["notifications"]) == {"actual-25", "actual-110", "forecast-100"}
    for one in budget["notifications"].values():
        assert (one["contactEmails"], one["contactGroups"]) == ([], [f"{GROUP}/actionGroups/finance"])


def test_a_topic_is_told_instead_of_a_channel(tmp_path: Path, infra: Infra) -> None:
    fleet = with_budgets(tmp_path, ("notificationChannels/42", "topics/budgets"))
    told = infra("gcp", fleet)[0].one(KINDS["gcp"]).inputs["allUpdatesRule"]
    assert told["pubsubTopic"] == "projects/twain-finance/topics/budgets"
    assert "monitoringNotificationChannels" not in told


def test_amounts_of_two_currencies_have_no_sum() -> None:
    asked = CellBudget(currency="EUR", since="2026-11", alerts="somewhere")
    one = Maison(name="a", rbac_group="a", gpu_quota=1, budget=Money(amount=Decimal(1), currency="EUR"))
    other = one.model_copy(update={"budget": Money(amount=Decimal(1), currency="CNY")})
    with pytest.raises(ValueError, match="CNY"):
        share(asked, (one, other))
    assert share(asked, (one, one)) == Money(amount=Decimal("2.00"), currency="EUR")
