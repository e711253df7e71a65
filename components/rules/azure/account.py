"""What lies above a resource group on Azure, as ARM enforces it: budgets, assignments of policies."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from components.rules.checks import (
    matches,
    needs,
    one_of,
    shape,
)
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCOPE: Final = re.compile(
    r"/subscriptions/[0-9a-fA-F-]{36}(/resourceGroups/[\w.()-]+)?"
    r"|/providers/Microsoft\.Management/managementGroups/[\w.()-]+"
)


_GROUP: Final = re.compile(
    r"/subscriptions/[0-9a-f-]{36}/resourcegroups/[^/]+/providers/microsoft\.insights/actiongroups/[^/]+"
)


_NOTIFICATIONS: Final = 5


def _scope(call: Inputs) -> Iterator[Problem]:
    value = call.known("scope")
    if isinstance(value, str) and not _SCOPE.fullmatch(value):
        yield Problem("scope", f"{value!r} is no subscription, resource group or management group")


def _amount(call: Inputs) -> Iterator[Problem]:
    amount = call.known("amount")
    if isinstance(amount, int | float) and amount <= 0:
        yield Problem("amount", f"must be above 0, not {amount}")


def _filter(call: Inputs) -> Iterator[Problem]:
    both, alone = call.known("filter.and"), [key for key in ("tags", "dimensions") if call.get(f"filter.{key}")]
    if isinstance(both, list) and len(both) < 2:
        yield Problem("filter.and", f"{len(both)} conditions; it joins two or more")
    if call.get("filter.and") is not None and alone:
        yield Problem("filter", f"conflicts: and, {', '.join(alone)}; one expression is one of them")


def _notifications(call: Inputs) -> Iterator[Problem]:
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


def _assigned(call: Inputs) -> Iterator[Problem]:
    scope, name = call.text("scope"), call.text("policyAssignmentName")
    longest = 24 if "/managementGroups/" in scope else 64
    if len(name) > longest:
        yield Problem("policyAssignmentName", f"{len(name)} characters; at this scope a name takes {longest}")
    if call.get("identity") is not None and call.get("location") is None:
        yield Problem("location", "is required by the API with an identity")


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="azure-native:consumption:Budget",
        name="budgetName",
        immutable=frozenset({"scope", "timePeriod.startDate"}),
        rules=(
            shape(_scope),
            shape(_amount),
            shape(_filter),
            shape(_notifications),
            one_of("category", ("Cost",)),
            one_of(
                "timeGrain", ("Monthly", "Quarterly", "Annually", "BillingMonth", "BillingQuarter", "BillingAnnual")
            ),
            matches("budgetName", r"[\w-]{1,63}", "1 to 63 letters, digits, _ and -"),
        ),
    ),
    TypeRules(
        type_name="azure-native:authorization:PolicyAssignment",
        name="policyAssignmentName",
        immutable=frozenset({"scope", "policyDefinitionId", "location"}),
        rules=(
            shape(_scope),
            shape(_assigned),
            needs("policyDefinitionId"),
            matches("policyAssignmentName", r"[^<>%&:\\?/]*[^<>%&:\\?/ ]", "none of <>%&:\\?/, no space at the end"),
        ),
    ),
)
