"""What lies above a project on Google Cloud, as its API enforces it: budgets of a billing account, policies of an
organisation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from rehearsal.providers.facts import GCP_MULTI_REGIONS, GCP_ZONES
from rehearsal.providers.model import Call, CloudRefusalError, Made, TypeSpec
from rehearsal.providers.rules import conflicts, exactly_one, guid, needs, objects, one_of
from rehearsal.providers.sdktypes import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.store import Resource

BUDGET, POLICY = "gcp:billing/budget:Budget", "gcp:orgpolicy/policy:Policy"
# The emulated billing accounts and what they are billed in.
_ACCOUNTS: Final = {"01E0E0-000000-0000EE": "EUR", "01D0D0-000000-0000DD": "USD"}
_NANO: Final = 1_000_000_000
_BASES: Final = ("CURRENT_SPEND", "FORECASTED_SPEND")


def _account(call: Call) -> Iterator[Problem]:
    value = call.known("billingAccount")
    if not isinstance(value, str):
        return
    if not re.fullmatch(r"(billingAccounts/)?[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}", value):
        yield Problem(
            "billingAccount", f"{value!r} is no billing account: three groups of six, as 012345-6789AB-CDEF01"
        )
        return
    currency = _ACCOUNTS.get(value.removeprefix("billingAccounts/"))
    if currency is None:
        yield Problem("billingAccount", f"the caller may not see a billing account {value}")
        return
    asked = call.known("amount.specifiedAmount.currencyCode")
    if isinstance(asked, str) and asked != currency:
        yield Problem("amount.specifiedAmount.currencyCode", f"{value} is billed in {currency}, not in {asked}")


def _amount(call: Call) -> Iterator[Problem]:
    units, nanos = call.known("amount.specifiedAmount.units"), call.known("amount.specifiedAmount.nanos")
    if units is not None and not re.fullmatch(r"\d{1,18}", str(units)):
        yield Problem("amount.specifiedAmount.units", f"{units!r} is no whole number of units")
    if isinstance(nanos, int) and not 0 <= nanos < _NANO:
        yield Problem("amount.specifiedAmount.nanos", f"{nanos} lies outside 0 to {_NANO - 1}")


def _thresholds(call: Call) -> Iterator[Problem]:
    for index, rule in enumerate(objects(call.known("thresholdRules"))):
        percent, basis = rule.get("thresholdPercent"), rule.get("spendBasis")
        if isinstance(percent, int | float) and percent < 0:
            yield Problem(f"thresholdRules[{index}].thresholdPercent", f"{percent} is below 0; 1.0 is the whole amount")
        if isinstance(basis, str) and basis not in _BASES:
            yield Problem(f"thresholdRules[{index}].spendBasis", f"{basis!r} is none of {', '.join(_BASES)}")


def _filter(call: Call) -> Iterator[Problem]:
    labels = call.known("budgetFilter.labels")
    if isinstance(labels, dict) and len(labels) > 1:
        yield Problem("budgetFilter.labels", f"{len(labels)} labels; a filter takes one")
    treatment = call.known("budgetFilter.creditTypesTreatment")
    some = "INCLUDE_SPECIFIED_CREDITS"
    if call.get("budgetFilter.creditTypes") is not None and treatment != some:
        yield Problem("budgetFilter.creditTypes", f"is for creditTypesTreatment {some}")


def _told(call: Call) -> Iterator[Problem]:
    channels = call.known("allUpdatesRule.monitoringNotificationChannels")
    if isinstance(channels, list) and len(channels) > 5:
        yield Problem("allUpdatesRule.monitoringNotificationChannels", f"{len(channels)} channels; a budget takes 5")
    if call.get("allUpdatesRule") is None:
        return
    if not channels and call.get("allUpdatesRule.pubsubTopic") is None:
        yield Problem("allUpdatesRule", "names neither a topic nor a notification channel")


def _display(call: Call) -> Iterator[Problem]:
    if len(call.text("displayName")) > 60:
        yield Problem("displayName", f"{len(call.text('displayName'))} characters; a display name takes 60")


def _made(call: Call) -> Made:
    account = call.text("billingAccount").removeprefix("billingAccounts/")
    return Made(id=f"billingAccounts/{account}/budgets/{guid()}")


def _kept(resource: Resource, _call: Call) -> None:
    if resource.inputs.get("deletionPolicy") == "PREVENT":
        message = f"{resource.id} is protected against deletion; lift that and bring it up first"
        raise CloudRefusalError(message)


def _outputs(call: Call, id_: str) -> dict[str, Any]:
    return {"name": id_, "displayName": call.text("displayName")}


def _policy_place(call: Call) -> Iterator[Problem]:
    parent, name = call.known("parent"), call.known("name")
    node = r"(organizations|folders)/[1-9]\d*|projects/[a-z0-9-]+"
    if isinstance(parent, str) and not re.fullmatch(node, parent):
        yield Problem("parent", f"{parent!r} is no organisation, folder or project")
    wanted = rf"({node})/policies/[\w.]+"
    if isinstance(name, str) and not re.fullmatch(wanted, name):
        yield Problem("name", f"{name!r} is no policy: PARENT/policies/CONSTRAINT")
    elif isinstance(name, str) and isinstance(parent, str) and not name.startswith(f"{parent}/policies/"):
        yield Problem("name", f"{name!r} does not lie in {parent}")


def _policy_rules(call: Call) -> Iterator[Problem]:
    if call.get("spec") is None and call.get("dryRunSpec") is None:
        yield Problem("spec", "one of spec, dryRunSpec is required by the API")
    rules = objects(call.known("spec.rules"))
    if call.known("spec.reset") is True and (rules or call.known("spec.inheritFromParent") is True):
        yield Problem("spec.rules", "conflicts with reset: never set both")
    kinds = ("allowAll", "denyAll", "enforce", "values")
    for index, rule in enumerate(rules):
        given = [kind for kind in kinds if rule.get(kind) is not None]
        if len(given) != 1:
            yield Problem(f"spec.rules[{index}]", f"exactly one of {', '.join(kinds)} must be set, found {given}")
        if "values" in given and call.text("name").endswith("/gcp.resourceLocations"):
            yield from _locations(f"spec.rules[{index}].values", rule["values"])


def _locations(path: str, values: Any) -> Iterator[Problem]:
    known = {*GCP_ZONES, *(name.lower() for name in GCP_MULTI_REGIONS), "europe", "global"}
    for kind in ("allowedValues", "deniedValues"):
        for index, value in enumerate((values.get(kind) if isinstance(values, dict) else None) or []):
            place = re.fullmatch(r"in:(.+)-locations", value) if isinstance(value, str) else None
            if isinstance(value, str) and (place[1] if place else value) not in known:
                yield Problem(f"{path}.{kind}[{index}]", f"{value!r} is no location and no group of locations")


ACCOUNT_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=BUDGET,
        make=_made,
        # Two budgets may have one name; the declaration is what tells them apart.
        key=lambda call: call.urn,
        outputs=_outputs,
        removal=_kept,
        immutable=frozenset({"billingAccount"}),
        rules=(
            _account,
            _amount,
            _thresholds,
            _filter,
            _told,
            _display,
            needs("amount"),
            exactly_one("amount.specifiedAmount", "amount.lastPeriodAmount"),
            conflicts("budgetFilter.calendarPeriod", "budgetFilter.customPeriod"),
            one_of("budgetFilter.calendarPeriod", ("MONTH", "QUARTER", "YEAR")),
            one_of("ownershipScope", ("OWNERSHIP_SCOPE_UNSPECIFIED", "ALL_USERS", "BILLING_ACCOUNT")),
            one_of("deletionPolicy", ("ABANDON", "DELETE", "PREVENT")),
        ),
    ),
    TypeSpec(
        type_name=POLICY,
        name="name",
        make=lambda call: Made(id=call.text("name")),
        key=lambda call: call.text("name"),
        outputs=lambda _call, id_: {"etag": str(sum(id_.encode()))},
        removal=_kept,
        immutable=frozenset({"parent"}),
        rules=(_policy_place, _policy_rules, one_of("deletionPolicy", ("ABANDON", "DELETE", "PREVENT"))),
    ),
)
