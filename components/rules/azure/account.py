"""What lies above a resource group on Azure, as ARM enforces it: budgets, assignments of policies."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from components.rules.checks import (
    matches,
    needs,
    one_of,
    shape,
)
from components.rules.model import Check, Inputs, Problem, TypeRules, raw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


def _joined(call: Inputs) -> Iterator[Problem]:
    both = call.get("filter.and")
    if isinstance(both, list) and len(both) < 2:
        yield Problem("filter.and", f"{len(both)} conditions; it joins two or more")


def _filter(call: Inputs) -> Iterator[Problem]:
    alone = [key for key in ("tags", "dimensions") if call.get(f"filter.{key}") is not None]
    if call.get("filter.and") is not None and alone:
        yield Problem("filter", f"conflicts: and, {', '.join(alone)}; one expression is one of them")


def _number(call: Inputs) -> Iterator[Problem]:
    found = call.entries("notifications")
    if len(found) > _NOTIFICATIONS:
        yield Problem("notifications", f"{len(found)} notifications; a budget takes {_NOTIFICATIONS}")


def _of_notifications(check: Callable[[str, dict[str, Any]], Iterator[Problem]]) -> Check:
    """Each notification apart: what one does not know yet hides no fault of another."""

    def rule(call: Inputs) -> Iterator[Problem]:
        for name, one in call.entries("notifications").items():
            if isinstance(one, dict):
                yield from call.glance.sure(check(f"notifications.{name}", one))

    return rule


def _threshold(path: str, one: dict[str, Any]) -> Iterator[Problem]:
    threshold = one.get("threshold")
    if isinstance(threshold, int | float) and not 0 < threshold <= 1000:
        yield Problem(f"{path}.threshold", f"{threshold} lies outside 0.01 to 1000 percent")


def _somebody(path: str, one: dict[str, Any]) -> Iterator[Problem]:
    if not one.get("contactEmails") and not one.get("contactGroups") and not one.get("contactRoles"):
        yield Problem(f"{path}.contactEmails", "one of contactEmails, contactGroups, contactRoles must name somebody")


def _groups(path: str, one: dict[str, Any]) -> Iterator[Problem]:
    for group in raw(one.get("contactGroups")):
        if isinstance(group, str) and not _GROUP.fullmatch(group.lower()):
            yield Problem(f"{path}.contactGroups", f"{group!r} is no id of an action group")


def _assigned(call: Inputs) -> Iterator[Problem]:
    scope, name = call.text("scope"), call.text("policyAssignmentName")
    longest = 24 if "/managementGroups/" in scope else 64
    if len(name) > longest:
        yield Problem("policyAssignmentName", f"{len(name)} characters; at this scope a name takes {longest}")


def _placed(call: Inputs) -> Iterator[Problem]:
    if call.get("identity") is not None and call.get("location") is None:
        yield Problem("location", "is required by the API with an identity")


_SCOPED: Final = shape(_scope, fix="give the full id: /subscriptions/…, or /providers/Microsoft.Management/…")
TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="azure-native:consumption:Budget",
        name="budgetName",
        immutable=frozenset({"scope", "timePeriod.startDate"}),
        rules=(
            _SCOPED,
            shape(_amount, fix="give an amount above 0"),
            shape(_filter, _joined, fix="filter by one expression, or join two or more with and"),
            shape(
                _number,
                *(_of_notifications(check) for check in (_threshold, _somebody, _groups)),
                name="notifications",
                fix=f"tell somebody at 0.01 to 1000 percent, in {_NOTIFICATIONS} notifications at most",
            ),
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
            _SCOPED,
            shape(_assigned, _placed, fix="shorten the name; an identity needs a location"),
            needs("policyDefinitionId"),
            matches(
                "policyAssignmentName",
                r"[^<>%&:\\?/]*[^<>%&:\\?/ ]",
                "a name without <>%&:\\?/ and without a space at its end",
            ),
        ),
    ),
)
