"""What lies above a project on Google Cloud, as its API enforces it: budgets of a billing account, policies of an
organisation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from components.rules.checks import (
    conflicts,
    exactly_one,
    needs,
    objects,
    one_of,
    shape,
)
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

_NANO: Final = 1_000_000_000


_BASES: Final = ("CURRENT_SPEND", "FORECASTED_SPEND")


def _account(call: Inputs) -> Iterator[Problem]:
    value = call.known("billingAccount")
    if isinstance(value, str) and not re.fullmatch(r"(billingAccounts/)?[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}", value):
        yield Problem(
            "billingAccount", f"{value!r} is no billing account: three groups of six, as 012345-6789AB-CDEF01"
        )


def _amount(call: Inputs) -> Iterator[Problem]:
    units, nanos = call.known("amount.specifiedAmount.units"), call.known("amount.specifiedAmount.nanos")
    if units is not None and not re.fullmatch(r"\d{1,18}", str(units)):
        yield Problem("amount.specifiedAmount.units", f"{units!r} is no whole number of units")
    if isinstance(nanos, int) and not 0 <= nanos < _NANO:
        yield Problem("amount.specifiedAmount.nanos", f"{nanos} lies outside 0 to {_NANO - 1}")


def _thresholds(call: Inputs) -> Iterator[Problem]:
    for index, rule in enumerate(objects(call.known("thresholdRules"))):
        percent, basis = rule.get("thresholdPercent"), rule.get("spendBasis")
        if isinstance(percent, int | float) and percent < 0:
            yield Problem(f"thresholdRules[{index}].thresholdPercent", f"{percent} is below 0; 1.0 is the whole amount")
        if isinstance(basis, str) and basis not in _BASES:
            yield Problem(f"thresholdRules[{index}].spendBasis", f"{basis!r} is none of {', '.join(_BASES)}")


def _filter(call: Inputs) -> Iterator[Problem]:
    labels = call.known("budgetFilter.labels")
    if isinstance(labels, dict) and len(labels) > 1:
        yield Problem("budgetFilter.labels", f"{len(labels)} labels; a filter takes one")
    treatment = call.known("budgetFilter.creditTypesTreatment")
    some = "INCLUDE_SPECIFIED_CREDITS"
    if call.get("budgetFilter.creditTypes") is not None and treatment != some:
        yield Problem("budgetFilter.creditTypes", f"is for creditTypesTreatment {some}")


def _told(call: Inputs) -> Iterator[Problem]:
    channels = call.known("allUpdatesRule.monitoringNotificationChannels")
    if isinstance(channels, list) and len(channels) > 5:
        yield Problem("allUpdatesRule.monitoringNotificationChannels", f"{len(channels)} channels; a budget takes 5")
    if call.get("allUpdatesRule") is None:
        return
    if not channels and call.get("allUpdatesRule.pubsubTopic") is None:
        yield Problem("allUpdatesRule", "names neither a topic nor a notification channel")


def _display(call: Inputs) -> Iterator[Problem]:
    if len(call.text("displayName")) > 60:
        yield Problem("displayName", f"{len(call.text('displayName'))} characters; a display name takes 60")


def _policy_place(call: Inputs) -> Iterator[Problem]:
    parent, name = call.known("parent"), call.known("name")
    node = r"(organizations|folders)/[1-9]\d*|projects/[a-z0-9-]+"
    if isinstance(parent, str) and not re.fullmatch(node, parent):
        yield Problem("parent", f"{parent!r} is no organisation, folder or project")
    wanted = rf"({node})/policies/[\w.]+"
    if isinstance(name, str) and not re.fullmatch(wanted, name):
        yield Problem("name", f"{name!r} is no policy: PARENT/policies/CONSTRAINT")
    elif isinstance(name, str) and isinstance(parent, str) and not name.startswith(f"{parent}/policies/"):
        yield Problem("name", f"{name!r} does not lie in {parent}")


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="gcp:billing/budget:Budget",
        immutable=frozenset({"billingAccount"}),
        rules=(
            shape(_account),
            shape(_amount),
            shape(_thresholds),
            shape(_filter),
            shape(_told),
            shape(_display),
            needs("amount"),
            exactly_one("amount.specifiedAmount", "amount.lastPeriodAmount"),
            conflicts("budgetFilter.calendarPeriod", "budgetFilter.customPeriod"),
            one_of("budgetFilter.calendarPeriod", ("MONTH", "QUARTER", "YEAR")),
            one_of("ownershipScope", ("OWNERSHIP_SCOPE_UNSPECIFIED", "ALL_USERS", "BILLING_ACCOUNT")),
            one_of("deletionPolicy", ("ABANDON", "DELETE", "PREVENT")),
        ),
    ),
    TypeRules(
        type_name="gcp:orgpolicy/policy:Policy",
        name="name",
        immutable=frozenset({"parent"}),
        rules=(
            shape(_policy_place),
            one_of("deletionPolicy", ("ABANDON", "DELETE", "PREVENT")),
        ),
    ),
)
