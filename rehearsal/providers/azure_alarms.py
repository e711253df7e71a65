"""Azure Monitor's action groups, Prometheus rules and rules on the activity log as ARM enforces them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from components.clouds.alarms import HOMES
from rehearsal.providers.azure_arm import child_of_group, location_of, resolve, system_data
from rehearsal.providers.azure_logs import METRICS
from rehearsal.providers.rules import between, matches, not_offered, objects, one_of, strings
from rehearsal.providers.sdktypes import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.model import Call

GROUP = "azure-native:monitor:ActionGroup"
RULES = "azure-native:alertsmanagement:PrometheusRuleGroup"
ACTIVITY = "azure-native:monitor:ActivityLogAlert"
_GROUPS, _RULES = 5, 20
_PERIOD = re.compile(r"PT(\d+H)?(\d+M)?(\d+S)?")
_INTERVALS = ("PT1M", "PT2M", "PT3M", "PT4M", "PT5M", "PT6M", "PT7M", "PT8M", "PT9M", "PT10M", "PT15M")
# Where a rule on the activity log may be kept; the log itself lies in no region.
_KEPT = ("global", "northeurope", "westeurope")
_FIELDS = frozenset(
    {"category", "operationName", "level", "status", "subStatus", "resourceId", "resourceType", "caller"}
)


def _regional(call: Call) -> Iterator[Problem]:
    value = location_of(call)
    places = (*HOMES["azure"], "global")
    if value and value not in places:
        yield Problem("location", not_offered(value, places, what="place of an action group"))


def _receivers(call: Call) -> Iterator[Problem]:
    names: set[str] = set()
    for index, one in enumerate(objects(call.known("webhookReceivers"))):
        name, url = one.get("name"), one.get("serviceUri")
        path = f"webhookReceivers[{index}]"
        if isinstance(name, str) and name.lower() in names:
            yield Problem(f"{path}.name", f"{name!r} is given twice in this group")
        names.add(str(name).lower())
        if isinstance(url, str) and not re.fullmatch(r"https?://[^\s/]+(/\S*)?", url):
            yield Problem(f"{path}.serviceUri", f"{url!r} is no address of a webhook")
        if one.get("useAadAuth") is True and one.get("objectId") is None:
            yield Problem(f"{path}.objectId", "is required by the API with useAadAuth")


def _told(call: Call, path: str, ids: list[str]) -> Iterator[Problem]:
    for index, one in enumerate(ids):
        if resolve(call, GROUP, one) is None:
            yield Problem(f"{path}[{index}]", f"there is no action group {one!r}")
    if len(ids) > _GROUPS:
        yield Problem(path, f"{len(ids)} action groups; a rule takes {_GROUPS}")


def _rules(call: Call) -> Iterator[Problem]:
    scopes = strings(call.known("scopes"))
    for index, scope in enumerate(scopes):
        found = resolve(call, METRICS, scope)
        if found is None and "/managedclusters/" not in scope.lower():
            yield Problem(f"scopes[{index}]", f"there is no Azure Monitor workspace {scope!r}")
        if found is not None and location_of(call) and found.region != location_of(call):
            yield Problem("location", f"lies in {location_of(call)}, the workspace in {found.region}")
    rules = objects(call.known("rules"))
    if len(rules) > _RULES:
        yield Problem("rules", f"{len(rules)} rules; a group takes {_RULES}")
    for index, rule in enumerate(rules):
        path = f"rules[{index}]"
        given = [name for name in ("alert", "record") if rule.get(name) is not None]
        if len(given) != 1:
            yield Problem(path, f"exactly one of alert, record must be set, found {given}")
        for key in ("for", "resolveConfiguration.timeToResolve"):
            value: Any = rule
            for step in key.split("."):
                value = value.get(step) if isinstance(value, dict) else None
            if isinstance(value, str) and (value == "PT" or not _PERIOD.fullmatch(value)):
                yield Problem(f"{path}.{key}", f"{value!r} is no length of time such as PT10M")
        ids = [one.get("actionGroupId") for one in objects(rule.get("actions"))]
        yield from _told(call, f"{path}.actions", [one for one in ids if isinstance(one, str)])
        yield from between(f"{path}.severity", 0, 4)(call)


def _conditions(call: Call) -> Iterator[Problem]:
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
    ids = [one.get("actionGroupId") for one in objects(call.known("actions.actionGroups"))]
    yield from _told(call, "actions.actionGroups", [one for one in ids if isinstance(one, str)])
    for index, scope in enumerate(strings(call.known("scopes"))):
        if not re.match(r"(?i)/(subscriptions/[0-9a-f-]{36}|tenants/[0-9a-f-]{36})", scope):
            yield Problem(f"scopes[{index}]", f"{scope!r} lies in no subscription")


ALARM_TYPES = (
    child_of_group(
        GROUP,
        "Microsoft.Insights/actionGroups",
        "actionGroupName",
        rules=(
            _regional,
            _receivers,
            matches("groupShortName", r".{1,12}", "1 to 12 characters"),
            matches("actionGroupName", r"[^/&%\\?]{1,260}", "1 to 260 characters, none of /&%\\?"),
        ),
    ),
    child_of_group(
        RULES,
        "Microsoft.AlertsManagement/prometheusRuleGroups",
        "ruleGroupName",
        outputs=lambda _call, _id: {"systemData": system_data()},
        rules=(_rules, one_of("interval", _INTERVALS)),
    ),
    child_of_group(
        ACTIVITY,
        "Microsoft.Insights/activityLogAlerts",
        "activityLogAlertName",
        outputs=lambda call, _id: {"location": call.text("location") or "global"},
        located=False,
        rules=(_conditions, one_of("location", _KEPT)),
    ),
)
