"""What lies above a resource group on Azure, as ARM enforces it: budgets, assignments of policies."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, Final

from components.rules.checks import not_offered
from components.rules.model import Problem
from rehearsal.providers.azure_arm import system_data
from rehearsal.providers.facts import AZURE_REGIONS
from rehearsal.providers.model import Call, Made, TypeSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

BUDGET = "azure-native:consumption:Budget"
ASSIGNMENT = "azure-native:authorization:PolicyAssignment"
# The built-in definitions about places, and what both of them ask for.
_DEFINITIONS: Final = ("e56962a6-4747-49cd-b67b-bf8b01975c4c", "e765b5de-1225-4ba3-bd56-1ac6695af988")
_LOCATIONS: Final = "listOfAllowedLocations"
_MONTHS_AHEAD: Final = 12


def _day(value: Any) -> datetime.date | None:
    try:
        return datetime.datetime.fromisoformat(str(value)).date()
    except ValueError:
        return None


def _period(call: Call) -> Iterator[Problem]:
    path, given = "timePeriod.startDate", call.known("timePeriod.startDate")
    if not isinstance(given, str):
        return
    start, today = _day(given), datetime.datetime.now(tz=datetime.UTC).date()
    if start is None:
        yield Problem(path, f"{given!r} is no date as 2026-11-01T00:00:00Z")
        return
    if start.day != 1:
        yield Problem(path, f"{given} is not the first of a month")
    ahead = (start.year - today.year) * 12 + start.month - today.month
    there = any(one.urn == call.urn for one in call.store.list_resources(type=BUDGET))
    if ahead > _MONTHS_AHEAD:
        yield Problem(path, f"{given} lies more than {_MONTHS_AHEAD} months ahead")
    if ahead < 0 and not there:
        yield Problem(path, f"{given} lies before the current month, in which a new budget begins at the earliest")
    end = call.known("timePeriod.endDate")
    last = _day(end)
    if last is not None and last <= start:
        yield Problem("timePeriod.endDate", f"{end} does not lie after {given}")


def _budget_id(call: Call) -> str:
    return f"{call.text('scope')}/providers/Microsoft.Consumption/budgets/{call.text('budgetName')}"


def _defined(call: Call) -> Iterator[Problem]:
    definition = call.known("policyDefinitionId")
    if isinstance(definition, str) and definition.rsplit("/", 1)[-1] not in _DEFINITIONS:
        yield Problem("policyDefinitionId", f"there is no definition {definition!r}")


def _allowed_locations(call: Call) -> Iterator[Problem]:
    path, given = f"parameters.{_LOCATIONS}.value", call.known(f"parameters.{_LOCATIONS}.value")
    if call.get(f"parameters.{_LOCATIONS}.value") is None:
        yield Problem(path, "is required by the definition")
    if given is not None and not isinstance(given, list):
        yield Problem(path, "must be a list")
    for index, region in enumerate(given if isinstance(given, list) else []):
        if isinstance(region, str) and region not in AZURE_REGIONS:
            yield Problem(f"{path}[{index}]", not_offered(region, AZURE_REGIONS, what="location"))


def _assignment_id(call: Call) -> str:
    return (
        f"{call.text('scope')}/providers/Microsoft.Authorization/policyAssignments/{call.text('policyAssignmentName')}"
    )


ACCOUNT_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=BUDGET,
        make=lambda call: Made(id=_budget_id(call)),
        key=lambda call: _budget_id(call).lower(),
        outputs=lambda call, _id: {"name": call.text("budgetName"), "type": "Microsoft.Consumption/budgets"},
        planned=lambda call: {"name": call.text("budgetName")},
        rules=(_period,),
    ),
    TypeSpec(
        type_name=ASSIGNMENT,
        make=lambda call: Made(id=_assignment_id(call)),
        key=lambda call: _assignment_id(call).lower(),
        outputs=lambda call, _id: {
            "name": call.text("policyAssignmentName"),
            "type": "Microsoft.Authorization/policyAssignments",
            "systemData": system_data(),
        },
        rules=(_defined, _allowed_locations),
    ),
)
