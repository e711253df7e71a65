"""Azure Monitor's action groups, Prometheus rules and rules on the activity log as ARM enforces them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from components.clouds.alarms import HOMES
from components.rules.azure.arm import in_group
from components.rules.checks import matches, not_offered, objects, one_of, present, shape
from components.rules.model import Inputs, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from components.rules.model import Check, TypeRules

PLACES = (*HOMES["azure"], "global")
_GROUPS, _RULES = 5, 20
_PERIOD = re.compile(r"PT(\d+H)?(\d+M)?(\d+S)?")
_INTERVALS = ("PT1M", "PT2M", "PT3M", "PT4M", "PT5M", "PT6M", "PT7M", "PT8M", "PT9M", "PT10M", "PT15M")
# Where a rule on the activity log may be kept; the log itself lies in no region.
_KEPT = ("global", "northeurope", "westeurope")
_FIELDS = frozenset(
    {"category", "operationName", "level", "status", "subStatus", "resourceId", "resourceType", "caller"}
)


def _place(call: Inputs) -> Iterator[Problem]:
    """The provider may give it; what neither gives is the resource group's, which inputs do not tell."""
    value = call.known("location") if call.get("location") is not None else call.config.get("location")
    if isinstance(value, str) and value.lower().replace(" ", "") not in PLACES:
        yield Problem("location", not_offered(value, PLACES, what="place of an action group"))


def _receivers(call: Inputs) -> Iterator[Problem]:
    names: set[str] = set()

    def of(path: str, one: dict[str, Any]) -> Iterator[Problem]:
        name = one.get("name")
        if isinstance(name, str) and name.lower() in names:
            yield Problem(f"{path}.name", f"{name!r} is given twice in this group")
        names.add(str(name).lower())

    yield from call.each("webhookReceivers", of)


def _signed(call: Inputs) -> Iterator[Problem]:
    def of(path: str, one: dict[str, Any]) -> Iterator[Problem]:
        if one.get("useAadAuth") is True and not present(one, "objectId"):
            yield Problem(f"{path}.objectId", "is required by the API with useAadAuth")

    yield from call.each("webhookReceivers", of)


def _hooks(call: Inputs) -> Iterator[Problem]:
    def of(path: str, one: dict[str, Any]) -> Iterator[Problem]:
        url = one.get("serviceUri")
        if isinstance(url, str) and not re.fullmatch(r"https?://[^\s/]+(/\S*)?", url):
            yield Problem(f"{path}.serviceUri", f"{url!r} is no address of a webhook")

    yield from call.each("webhookReceivers", of)


def _told(path: str, actions: Any) -> Iterator[Problem]:
    if isinstance(actions, list) and len(actions) > _GROUPS:
        yield Problem(path, f"{len(actions)} action groups; a rule takes {_GROUPS}")


def _number(call: Inputs) -> Iterator[Problem]:
    rules = call.get("rules")
    if isinstance(rules, list) and len(rules) > _RULES:
        yield Problem("rules", f"{len(rules)} rules; a group takes {_RULES}")


def _kind(path: str, rule: dict[str, Any]) -> Iterator[Problem]:
    given = [name for name in ("alert", "record") if present(rule, name)]
    if len(given) != 1:
        yield Problem(path, f"exactly one of alert, record must be set, found {given}")


def _severity(path: str, rule: dict[str, Any]) -> Iterator[Problem]:
    severity = rule.get("severity")
    if isinstance(severity, int) and not 0 <= severity <= 4:
        yield Problem(f"{path}.severity", f"must lie between 0 and 4, not {severity}")


def _lasting(path: str, rule: dict[str, Any]) -> Iterator[Problem]:
    resolved = rule.get("resolveConfiguration")
    ends = resolved.get("timeToResolve") if isinstance(resolved, dict) else None
    for key, value in (("for", rule.get("for")), ("resolveConfiguration.timeToResolve", ends)):
        if isinstance(value, str) and (value == "PT" or not _PERIOD.fullmatch(value)):
            yield Problem(f"{path}.{key}", f"{value!r} is no length of time such as PT10M")


def _acted(path: str, rule: dict[str, Any]) -> Iterator[Problem]:
    yield from _told(f"{path}.actions", rule.get("actions"))


def _of_rules(check: Callable[[str, dict[str, Any]], Iterator[Problem]]) -> Check:
    return lambda call: call.each("rules", check)


def _conditions(call: Inputs) -> Iterator[Problem]:
    def of(path: str, one: dict[str, Any]) -> Iterator[Problem]:
        inner = objects(one.get("anyOf"))
        if inner and present(one, "field"):
            yield Problem(path, "anyOf conflicts with field: never set both")
        for leaf in inner or [one]:
            field = leaf.get("field")
            if isinstance(field, str) and field not in _FIELDS and not field.startswith("properties."):
                yield Problem(f"{path}.field", not_offered(field, _FIELDS, what="field of the activity log"))
            if present(leaf, "equals") == present(leaf, "containsAny"):
                yield Problem(path, "exactly one of equals, containsAny must be set")

    yield from call.each("condition.allOf", of)


def _category(call: Inputs) -> Iterator[Problem]:
    leaves = objects(call.known("condition.allOf"))
    named = {str(leaf.get("field")) for one in leaves for leaf in (objects(one.get("anyOf")) or [one])}
    if leaves and "category" not in named:
        yield Problem("condition.allOf", "one condition must be on the category")


def _few(call: Inputs) -> Iterator[Problem]:
    yield from _told("actions.actionGroups", call.get("actions.actionGroups"))


def _scopes(call: Inputs) -> Iterator[Problem]:
    for path, scope in call.texts("scopes"):
        if not re.match(r"(?i)/(subscriptions/[0-9a-f-]{36}|tenants/[0-9a-f-]{36})", scope):
            yield Problem(path, f"{scope!r} lies in no subscription")


TYPES: tuple[TypeRules, ...] = (
    in_group(
        "azure-native:monitor:ActionGroup",
        "actionGroupName",
        rules=(
            shape(_place, fix="take global, or a region that keeps action groups"),
            shape(
                _receivers, _signed, fix="name each webhook once; one with useAadAuth needs the application's objectId"
            ),
            shape(_hooks, fix="give an address that begins with http:// or https://"),
            matches("groupShortName", r".{1,12}", "1 to 12 characters"),
            matches("actionGroupName", r"[^/&%\\?\x00-\x1f]{1,260}", "1 to 260 characters without /&%\\? and breaks"),
        ),
    ),
    in_group(
        "azure-native:alertsmanagement:PrometheusRuleGroup",
        "ruleGroupName",
        rules=(
            shape(
                _number,
                *(_of_rules(check) for check in (_kind, _severity, _lasting, _acted)),
                name="rule group",
                fix=f"give {_RULES} rules at most: an alert or a record each, of severity 0 to 4, times such as PT10M",
            ),
            one_of("interval", _INTERVALS),
        ),
    ),
    in_group(
        "azure-native:monitor:ActivityLogAlert",
        "activityLogAlertName",
        located=False,
        rules=(
            shape(
                _conditions,
                _category,
                fix="compare fields of the activity log, the category among them, with equals or containsAny",
            ),
            shape(_few, fix=f"name {_GROUPS} action groups at most"),
            shape(_scopes, fix="give full ids that begin with /subscriptions/"),
            one_of("location", _KEPT),
        ),
    ),
)
