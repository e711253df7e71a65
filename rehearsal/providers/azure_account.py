"""What lies above a resource group on Azure, as ARM enforces it: budgets, assignments of policies."""

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING, Any, Final

from rehearsal.providers.azure_arm import system_data
from rehearsal.providers.facts import AZURE_REGIONS
from rehearsal.providers.model import Call, Made, TypeSpec
from rehearsal.providers.rules import matches, needs, not_offered, one_of
from rehearsal.providers.sdktypes import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

BUDGET = "azure-native:consumption:Budget"
ASSIGNMENT = "azure-native:authorization:PolicyAssignment"
_SCOPE: Final = re.compile(
    r"/subscriptions/[0-9a-fA-F-]{36}(/resourceGroups/[\w.()-]+)?"
    r"|/providers/Microsoft\.Management/managementGroups/[\w.()-]+"
)
_GROUP: Final = re.compile(
    r"/subscriptions/[0-9a-f-]{36}/resourcegroups/[^/]+/providers/microsoft\.insights/actiongroups/[^/]+"
)
# The built-in definitions about places, and what both of them ask for.
_DEFINITIONS: Final = ("e56962a6-4747-49cd-b67b-bf8b01975c4c", "e765b5de-1225-4ba3-bd56-1ac6695af988")
_LOCATIONS: Final = "listOfAllowedLocations"
_NOTIFICATIONS: Final = 5
_MONTHS_AHEAD: Final = 12


def _scope(call: Call) -> Iterator[Problem]:
    value = call.known("scope")
    if isinstance(value, str) and not _SCOPE.fullmatch(value):
        yield Problem("scope", f"{value!r} is no subscription, resource group or management group")


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


def _amount(call: Call) -> Iterator[Problem]:
    amount = call.known("amount")
    if isinstance(amount, int | float) and amount <= 0:
        yield Problem("amount", f"must be above 0, not {amount}")


def _filter(call: Call) -> Iterator[Problem]:
    both, alone = call.known("filter.and"), [key for key in ("tags", "dimensions") if call.get(f"filter.{key}")]
    if isinstance(both, list) and len(both) < 2:
        yield Problem("filter.and", f"{len(both)} conditions; it joins two or more")
    if call.get("filter.and") is not None and alone:
        yield Problem("filter", f"conflicts: and, {', '.join(alone)}; one expression is one of them")


def _notifications(call: Call) -> Iterator[Problem]:
    found = call.known("notifications")
    if not isinstance(found, dict):
        return
    if len(found) > _NOTIFICATIONS:
        yield Problem("notifications", f"{len(found)} notifications; a budget takes {_NOTIFICATIONS}")
    for name, one in found.items():
        if not isinstance(one, dict):
            continue
        path, threshold = f"notifications.{name}", one.get("threshold")
        if isinstance(threshold, int | float) and not 0 < threshold <= 1000:
            yield Problem(f"{path}.threshold", f"{threshold} lies outside 0.01 to 1000 percent")
        groups = one.get("contactGroups")
        if not one.get("contactEmails") and not groups and not one.get("contactRoles"):
            yield Problem(
                f"{path}.contactEmails", "one of contactEmails, contactGroups, contactRoles must name somebody"
            )
        for group in groups if isinstance(groups, list) else []:
            if isinstance(group, str) and not _GROUP.fullmatch(group.lower()):
                yield Problem(f"{path}.contactGroups", f"{group!r} is no id of an action group")


def _budget_id(call: Call) -> str:
    return f"{call.text('scope')}/providers/Microsoft.Consumption/budgets/{call.text('budgetName')}"


def _assigned(call: Call) -> Iterator[Problem]:
    definition, scope, name = call.known("policyDefinitionId"), call.text("scope"), call.text("policyAssignmentName")
    if isinstance(definition, str) and definition.rsplit("/", 1)[-1] not in _DEFINITIONS:
        yield Problem("policyDefinitionId", f"there is no definition {definition!r}")
    longest = 24 if "/managementGroups/" in scope else 64
    if len(name) > longest:
        yield Problem("policyAssignmentName", f"{len(name)} characters; at this scope a name takes {longest}")
    if call.get("identity") is not None and call.get("location") is None:
        yield Problem("location", "is required by the API with an identity")


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
        name="budgetName",
        make=lambda call: Made(id=_budget_id(call)),
        key=lambda call: _budget_id(call).lower(),
        outputs=lambda call, _id: {"name": call.text("budgetName"), "type": "Microsoft.Consumption/budgets"},
        planned=lambda call: {"name": call.text("budgetName")},
        immutable=frozenset({"scope", "timePeriod.startDate"}),
        rules=(
            _scope,
            _period,
            _amount,
            _filter,
            _notifications,
            one_of("category", ("Cost",)),
            one_of(
                "timeGrain", ("Monthly", "Quarterly", "Annually", "BillingMonth", "BillingQuarter", "BillingAnnual")
            ),
            matches("budgetName", r"[\w-]{1,63}", "1 to 63 letters, digits, _ and -"),
        ),
    ),
    TypeSpec(
        type_name=ASSIGNMENT,
        name="policyAssignmentName",
        make=lambda call: Made(id=_assignment_id(call)),
        key=lambda call: _assignment_id(call).lower(),
        outputs=lambda call, _id: {
            "name": call.text("policyAssignmentName"),
            "type": "Microsoft.Authorization/policyAssignments",
            "systemData": system_data(),
        },
        immutable=frozenset({"scope", "policyDefinitionId", "location"}),
        rules=(
            _scope,
            _assigned,
            _allowed_locations,
            needs("policyDefinitionId"),
            matches("policyAssignmentName", r"[^<>%&:\\?/]*[^<>%&:\\?/ ]", "none of <>%&:\\?/, no space at the end"),
        ),
    ),
)
