"""What lies above a project on Google Cloud, as its API enforces it: budgets of a billing account, policies of an
organisation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from components.rules.checks import objects
from components.rules.model import Problem
from rehearsal.providers.facts import GCP_MULTI_REGIONS, GCP_ZONES
from rehearsal.providers.model import Call, CloudRefusalError, Made, TypeSpec
from rehearsal.providers.rules import guid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.store import Resource

BUDGET, POLICY = "gcp:billing/budget:Budget", "gcp:orgpolicy/policy:Policy"


def _made(call: Call) -> Made:
    account = call.text("billingAccount").removeprefix("billingAccounts/")
    return Made(id=f"billingAccounts/{account}/budgets/{guid()}")


def _kept(resource: Resource, _call: Call) -> None:
    if resource.inputs.get("deletionPolicy") == "PREVENT":
        message = f"{resource.id} is protected against deletion; lift that and bring it up first"
        raise CloudRefusalError(message)


def _outputs(call: Call, id_: str) -> dict[str, Any]:
    return {"name": id_, "displayName": call.text("displayName")}


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


# The emulated billing accounts and what they are billed in.
_ACCOUNTS: Final = {"01E0E0-000000-0000EE": "EUR", "01D0D0-000000-0000DD": "USD"}


def _billed(call: Call) -> Iterator[Problem]:
    value = call.text("billingAccount").removeprefix("billingAccounts/")
    if not re.fullmatch(r"[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}", value):
        return
    currency = _ACCOUNTS.get(value)
    if currency is None:
        yield Problem("billingAccount", f"the caller may not see a billing account {value}")
        return
    asked = call.known("amount.specifiedAmount.currencyCode")
    if isinstance(asked, str) and asked != currency:
        yield Problem("amount.specifiedAmount.currencyCode", f"{value} is billed in {currency}, not in {asked}")


ACCOUNT_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=BUDGET,
        make=_made,
        # Two budgets may have one name; the declaration is what tells them apart.
        key=lambda call: call.urn,
        outputs=_outputs,
        removal=_kept,
        rules=(_billed,),
    ),
    TypeSpec(
        type_name=POLICY,
        make=lambda call: Made(id=call.text("name")),
        key=lambda call: call.text("name"),
        outputs=lambda _call, id_: {"etag": str(sum(id_.encode()))},
        removal=_kept,
        rules=(_policy_rules,),
    ),
)
