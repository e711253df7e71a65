"""What lies above a project on Google Cloud, as its API enforces it: budgets of a billing account, policies of an
organisation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from components.rules.checks import (
    conflicts,
    exactly_one,
    needs,
    one_of,
    shape,
)
from components.rules.model import Inputs, Problem, TypeRules, Unknown

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


def _units(call: Inputs) -> Iterator[Problem]:
    units = call.known("amount.specifiedAmount.units")
    if units is not None and not re.fullmatch(r"\d{1,18}", str(units)):
        yield Problem("amount.specifiedAmount.units", f"{units!r} is no whole number of units")


def _nanos(call: Inputs) -> Iterator[Problem]:
    nanos = call.known("amount.specifiedAmount.nanos")
    if isinstance(nanos, int) and not 0 <= nanos < _NANO:
        yield Problem("amount.specifiedAmount.nanos", f"{nanos} lies outside 0 to {_NANO - 1}")


def _thresholds(call: Inputs) -> Iterator[Problem]:
    def of(path: str, rule: dict[str, Any]) -> Iterator[Problem]:
        percent, basis = rule.get("thresholdPercent"), rule.get("spendBasis")
        if isinstance(percent, int | float) and percent < 0:
            yield Problem(f"{path}.thresholdPercent", f"{percent} is below 0; 1.0 is the whole amount")
        if isinstance(basis, str) and basis not in _BASES:
            yield Problem(f"{path}.spendBasis", f"{basis!r} is none of {', '.join(_BASES)}")

    yield from call.each("thresholdRules", of)


def _labels(call: Inputs) -> Iterator[Problem]:
    labels = call.entries("budgetFilter.labels")
    if len(labels) > 1:
        yield Problem("budgetFilter.labels", f"{len(labels)} labels; a filter takes one")


def _credits(call: Inputs) -> Iterator[Problem]:
    treatment = call.known("budgetFilter.creditTypesTreatment")
    some = "INCLUDE_SPECIFIED_CREDITS"
    if call.get("budgetFilter.creditTypes") is not None and treatment != some:
        yield Problem("budgetFilter.creditTypes", f"is for creditTypesTreatment {some}")


def _told(call: Inputs) -> Iterator[Problem]:
    channels = call.get("allUpdatesRule.monitoringNotificationChannels")
    if isinstance(channels, list) and len(channels) > 5:
        yield Problem("allUpdatesRule.monitoringNotificationChannels", f"{len(channels)} channels; a budget takes 5")
    if call.get("allUpdatesRule") is None or isinstance(call.get("allUpdatesRule"), Unknown):
        return
    if not channels and call.get("allUpdatesRule.pubsubTopic") is None:
        yield Problem("allUpdatesRule", "names neither a topic nor a notification channel")


def _display(call: Inputs) -> Iterator[Problem]:
    if len(call.text("displayName")) > 60:
        yield Problem("displayName", f"{len(call.text('displayName'))} characters; a display name takes 60")


_NODE: Final = r"(organizations|folders)/[1-9]\d*|projects/[a-z0-9-]+"


def _parent(call: Inputs) -> Iterator[Problem]:
    parent = call.known("parent")
    if isinstance(parent, str) and not re.fullmatch(_NODE, parent):
        yield Problem("parent", f"{parent!r} is no organisation, folder or project")


def _policy_name(call: Inputs) -> Iterator[Problem]:
    name = call.known("name")
    if isinstance(name, str) and not re.fullmatch(rf"({_NODE})/policies/[\w.]+", name):
        yield Problem("name", f"{name!r} is no policy: PARENT/policies/CONSTRAINT")


def _policy_place(call: Inputs) -> Iterator[Problem]:
    parent, name = call.known("parent"), call.known("name")
    if isinstance(name, str) and isinstance(parent, str) and not name.startswith(f"{parent}/policies/"):
        yield Problem("name", f"{name!r} does not lie in {parent}")


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="gcp:billing/budget:Budget",
        immutable=frozenset({"billingAccount"}),
        rules=(
            shape(_account, fix="give the account's id as the console shows it"),
            shape(_units, _nanos, name="amount", fix="give whole units, and nanos of 0 to 999999999"),
            shape(_thresholds, fix=f"take parts of the amount from 0, on {' or '.join(_BASES)}"),
            shape(_labels, _credits, name="filter", fix="filter by one label, and name credits only where some count"),
            shape(_told, fix="name a topic or one to five channels"),
            shape(_display, fix="shorten it to 60 characters"),
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
            shape(
                _policy_place,
                _parent,
                _policy_name,
                fix="name it PARENT/policies/CONSTRAINT, of the parent that it is for",
            ),
            one_of("deletionPolicy", ("ABANDON", "DELETE", "PREVENT")),
        ),
    ),
)
