"""One body over three clouds: what a cell's budget promises."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from components.budget.contract import share
from components.clouds.budgets import watcher
from components.spec.load import load_fleet
from components.spec.model import CellBudget, Maison, Money
from tests.contract.cells import CELLS, Infra
from tests.recorder import FLEET

if TYPE_CHECKING:
    from pathlib import Path

    from tests.recorder import Recorder

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


def budgets(recorder: Recorder, cloud: str) -> dict[str, dict[str, Any]]:
    return {one.name: one.inputs for one in recorder.resources if one.type == KINDS[cloud]}


@pytest.mark.parametrize("cloud", CELLS)
def test_a_cell_without_a_budget_declares_none_and_says_that_nothing_watches(cloud: str, infra: Infra) -> None:
    recorder, outputs = infra(cloud)
    assert [one.type for one in recorder.resources if one.type.endswith(":Budget")] == ["twain:index:Budget"]
    assert (outputs["budget"]["id"], outputs["budget"]["limit"]) == ("", None)
    assert set(outputs["budget"]["unwatched"]) == {"cell", "maison aurelia", "maison calisto"}
    assert all(outputs["budget"]["unwatched"].values())
    assert outputs["budget"]["maisons"] == {}


@pytest.mark.parametrize("cloud", KINDS)
def test_a_cell_s_budget_is_its_part_of_all_maisons_to_the_cent_in_their_currency(
    cloud: str, tmp_path: Path, infra: Infra
) -> None:
    fleet = with_budgets(tmp_path, ('"5000.00"', '"5000.77"'))
    recorder, outputs = infra(cloud, fleet)
    budget = budgets(recorder, cloud)[f"{CELLS[cloud]}-budget"]
    # 33 % of 25000.77 is 8250.2541; a cell never gets more than its part.
    assert outputs["budget"]["limit"] == {"amount": "8250.25", "currency": "EUR"}
    assert outputs["budget"]["id"]
    assert set(outputs["budget"]["unwatched"]) == {"nodes", "stores"}
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
    budget = budgets(infra(cloud, fleet)[0], cloud)[f"{CELLS[cloud]}-budget"]
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
    for budget in budgets(infra("gcp", fleet)[0], "gcp").values():
        told = budget["allUpdatesRule"]
        assert told["pubsubTopic"] == "projects/twain-finance/topics/budgets"
        assert "monitoringNotificationChannels" not in told


@pytest.mark.parametrize("cloud", KINDS)
def test_each_maison_has_its_own_by_its_tag_to_the_cent(cloud: str, tmp_path: Path, infra: Infra) -> None:
    fleet = with_budgets(tmp_path, ('"5000.00"', '"5000.77"'))
    recorder, outputs = infra(cloud, fleet)
    found = budgets(recorder, cloud)
    assert set(found) == {f"{CELLS[cloud]}-budget{end}" for end in ("", "-aurelia", "-calisto")}
    # 33 % of 20000.00 and of 5000.77, each cut down for itself.
    limits = {maison: one["limit"] for maison, one in outputs["budget"]["maisons"].items()}
    assert limits == {
        "aurelia": {"amount": "6600.00", "currency": "EUR"},
        "calisto": {"amount": "1650.25", "currency": "EUR"},
    }
    whole = found[f"{CELLS[cloud]}-budget"]
    for maison, limit in limits.items():
        own = found[f"{CELLS[cloud]}-budget-{maison}"]
        assert outputs["budget"]["maisons"][maison]["id"]
        if cloud == "gcp":
            assert own["budgetFilter"]["labels"] == {"twain-maison": maison}
            money = own["amount"]["specifiedAmount"]
            units, _, cents = limit["amount"].partition(".")
            assert money == {"currencyCode": "EUR", "units": units, "nanos": int(cents) * 10_000_000}
            assert own["allUpdatesRule"] == whole["allUpdatesRule"]
            assert own["thresholdRules"] == whole["thresholdRules"]
        else:
            tags = [one["tags"] for one in own["filter"]["and"]]
            assert [(one["name"], one["values"]) for one in tags] == [
                ("twain-cell", [CELLS[cloud]]),
                ("twain-maison", [maison]),
            ]
            assert own["amount"] == float(limit["amount"])
            assert own["notifications"] == whole["notifications"]


@pytest.mark.parametrize("cloud", CELLS)
def test_what_is_one_maison_s_alone_carries_its_tag_and_nothing_else_does(cloud: str, infra: Infra) -> None:
    """What the budgets of maisons and the cost report go by."""
    recorder, _ = infra(cloud)
    marked = {one.name: tags["twain-maison"] for one in recorder.resources if (tags := tags_of(one.inputs))}
    assert set(marked.values()) == {"aurelia", "calisto"}
    assert all(name.endswith(f"-{maison}") for name, maison in marked.items())


def tags_of(inputs: dict[str, Any]) -> dict[str, str]:
    found = inputs.get("tags") or inputs.get("labels") or {}
    return found if "twain-maison" in found else {}


def test_a_maison_without_a_budget_has_none_and_is_told(tmp_path: Path, infra: Infra) -> None:
    fleet = with_budgets(tmp_path, ('"5000.00"', '"0.02"'))
    recorder, outputs = infra("azure", fleet)
    assert set(budgets(recorder, "azure")) == {"eu-par-1-budget", "eu-par-1-budget-aurelia"}
    assert outputs["budget"]["unwatched"]["maison calisto"] == "its budget comes to nothing here"
    assert set(outputs["budget"]["maisons"]) == {"aurelia"}


def test_where_a_filter_takes_one_tag_the_first_cell_of_an_account_watches_for_all() -> None:
    """Or both would be told of what a maison spends in the other."""
    asked = CellBudget(account="01E0E0-000000-0000EE", currency="EUR", since="2026-11", alerts="somewhere", percent=30)
    fleet = load_fleet(FLEET)
    cell = fleet.cell("eu-ams-1").model_copy(update={"budget": asked})
    more = {"name": "eu-ams-2", "budget": asked.model_copy(update={"percent": 25})}
    other = cell.model_copy(update=more)
    far = cell.model_copy(
        update={"name": "eu-ams-3", "budget": asked.model_copy(update={"account": "01D0D0-000000-0000DD"})}
    )
    azure = fleet.cell("eu-par-1").model_copy(update={"budget": asked.model_copy(update={"account": ""})})
    twin = azure.model_copy(update={"name": "eu-par-2"})
    whole = fleet.model_copy(update={"cells": (cell, other, far, azure, twin, fleet.cell("cn-sha-1"))})
    assert {one.name: watcher(whole, one) for one in whole.cells} == {
        "eu-ams-1": ("eu-ams-1", 55),
        "eu-ams-2": ("eu-ams-1", 55),
        "eu-ams-3": ("eu-ams-3", 30),
        "eu-par-1": ("eu-par-1", 30),
        "eu-par-2": ("eu-par-2", 30),
        "cn-sha-1": ("cn-sha-1", 0),
    }


def test_a_cell_whose_maisons_another_one_watches_declares_its_own_budget_only(tmp_path: Path, infra: Infra) -> None:
    """The second of two cells on one billing account."""
    second = re.search(r"    - name: eu-ams-1\n(?:      .*\n)+", with_budgets(tmp_path).read_text(encoding="utf-8"))
    assert second is not None
    first = second[0].replace("eu-ams-1", "eu-ams-0").replace("10.68.0.0/14", "10.80.0.0/14")
    fleet = with_budgets(tmp_path, (second[0], first + second[0]))
    recorder, outputs = infra("gcp", fleet)
    assert set(budgets(recorder, "gcp")) == {"eu-ams-1-budget"}
    assert outputs["budget"]["maisons"] == {}
    assert "cell eu-ams-0 watches it" in outputs["budget"]["unwatched"]["maison aurelia"]


def test_amounts_of_two_currencies_have_no_sum() -> None:
    asked = CellBudget(currency="EUR", since="2026-11", alerts="somewhere")
    one = Maison(name="a", rbac_group="a", gpu_quota=1, budget=Money(amount=Decimal(1), currency="EUR"))
    other = one.model_copy(update={"budget": Money(amount=Decimal(1), currency="CNY")})
    with pytest.raises(ValueError, match="CNY"):
        share(asked, (one, other))
    assert share(asked, (one, one)) == Money(amount=Decimal("2.00"), currency="EUR")
