"""Azure Monitor's action groups, Prometheus rules and rules on the activity log as ARM enforces them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from components.clouds.alarms import HOMES
from components.rules.azure.arm import in_group
from components.rules.checks import matches, not_offered, objects, one_of, shape, strings
from components.rules.model import Inputs, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.rules.model import TypeRules

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
    for index, one in enumerate(objects(call.known("webhookReceivers"))):
        name, path = one.get("name"), f"webhookReceivers[{index}]"
        if isinstance(name, str) and name.lower() in names:
            yield Problem(f"{path}.name", f"{name!r} is given twice in this group")
        names.add(str(name).lower())
        if one.get("useAadAuth") is True and one.get("objectId") is None:
            yield Problem(f"{path}.objectId", "is required by the API with useAadAuth")


def _hooks(call: Inputs) -> Iterator[Problem]:
    for index, one in enumerate(objects(call.known("webhookReceivers"))):
        url = one.get("serviceUri")
        if isinstance(url, str) and not re.fullmatch(r"https?://[^\s/]+(/\S*)?", url):
            yield Problem(f"webhookReceivers[{index}].serviceUri", f"{url!r} is no address of a webhook")


def _told(path: str, actions: Any) -> Iterator[Problem]:
    if isinstance(actions, list) and len(actions) > _GROUPS:
        yield Problem(path, f"{len(actions)} action groups; a rule takes {_GROUPS}")


def _rule_group(call: Inputs) -> Iterator[Problem]:
    rules = objects(call.known("rules"))
    if len(rules) > _RULES:
        yield Problem("rules", f"{len(rules)} rules; a group takes {_RULES}")
    for index, rule in enumerate(rules):
        path, severity = f"rules[{index}]", rule.get("severity")
        given = [name for name in ("alert", "record") if rule.get(name) is not None]
        if len(given) != 1:
            yield Problem(path, f"exactly one of alert, record must be set, found {given}")
        if isinstance(severity, int) and not 0 <= severity <= 4:
            yield Problem(f"{path}.severity", f"must lie between 0 and 4, not {severity}")
        resolved = rule.get("resolveConfiguration")
        ends = resolved.get("timeToResolve") if isinstance(resolved, dict) else None
        for key, value in (("for", rule.get("for")), ("resolveConfiguration.timeToResolve", ends)):
            if isinstance(value, str) and (value == "PT" or not _PERIOD.fullmatch(value)):
                yield Problem(f"{path}.{key}", f"{value!r} is no length of time such as PT10M")
        yield from _told(f"{path}.actions", rule.get("actions"))


def _conditions(call: Inputs) -> Iterator[Problem]:
    leaves = objects(call.known("condition.allOf"))
    named: set[str] = set()
    for index, one in enumerate(leaves):
        path = f"condition.allOf[{index}]"
        inner = objects(one.get("anyOf"))
        if inner and one.get("field") is not None:
            yield Problem(path, "anyOf conflicts with field: never set both")
        for leaf in inner or [one]:
            field = leaf.get("field")
            named.add(str(field))
            if isinstance(field, str) and field not in _FIELDS and not field.startswith("properties."):
                yield Problem(f"{path}.field", not_offered(field, _FIELDS, what="field of the activity log"))
            if (leaf.get("equals") is None) == (leaf.get("containsAny") is None):
                yield Problem(path, "exactly one of equals, containsAny must be set")
    if leaves and "category" not in named:
        yield Problem("condition.allOf", "one condition must be on the category")


def _few(call: Inputs) -> Iterator[Problem]:
    yield from _told("actions.actionGroups", call.known("actions.actionGroups"))


def _scopes(call: Inputs) -> Iterator[Problem]:
    for index, scope in enumerate(strings(call.known("scopes"))):
        if not re.match(r"(?i)/(subscriptions/[0-9a-f-]{36}|tenants/[0-9a-f-]{36})", scope):
            yield Problem(f"scopes[{index}]", f"{scope!r} lies in no subscription")


TYPES: tuple[TypeRules, ...] = (
    in_group(
        "azure-native:monitor:ActionGroup",
        "actionGroupName",
        rules=(
            shape(_place),
            shape(_receivers),
            shape(_hooks),
            matches("groupShortName", r".{1,12}", "1 to 12 characters"),
            matches(
                "actionGroupName", r"[^/&%\\?\x00-\x1f]{1,260}", "1 to 260 characters, none of /&%\\? and no breaks"
            ),
        ),
    ),
    in_group(
        "azure-native:alertsmanagement:PrometheusRuleGroup",
        "ruleGroupName",
        rules=(shape(_rule_group), one_of("interval", _INTERVALS)),
    ),
    in_group(
        "azure-native:monitor:ActivityLogAlert",
        "activityLogAlertName",
        located=False,
        rules=(shape(_conditions), shape(_few), shape(_scopes), one_of("location", _KEPT)),
    ),
)
