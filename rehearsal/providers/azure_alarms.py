"""Azure Monitor's action groups, Prometheus rules and rules on the activity log as ARM enforces them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.azure.alarms import PLACES
from components.rules.checks import not_offered, objects, strings
from components.rules.model import Problem
from rehearsal.providers.azure_arm import child_of_group, location_of, resolve, system_data
from rehearsal.providers.azure_logs import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.model import Call

GROUP = "azure-native:monitor:ActionGroup"
RULES = "azure-native:alertsmanagement:PrometheusRuleGroup"
ACTIVITY = "azure-native:monitor:ActivityLogAlert"


def _inherited(call: Call) -> Iterator[Problem]:
    """What neither the inputs nor the provider give is the resource group's."""
    value, given = location_of(call), call.get("location") is not None or call.config.get("location")
    if value and not given and value not in PLACES:
        yield Problem("location", not_offered(value, PLACES, what="place of an action group"))


def _told(call: Call, path: str, given: Any) -> Iterator[Problem]:
    ids = [one.get("actionGroupId") for one in objects(given)]
    for index, one in enumerate(id_ for id_ in ids if isinstance(id_, str)):
        if resolve(call, GROUP, one) is None:
            yield Problem(f"{path}[{index}]", f"there is no action group {one!r}")


def _rules(call: Call) -> Iterator[Problem]:
    for index, scope in enumerate(strings(call.known("scopes"))):
        found = resolve(call, METRICS, scope)
        if found is None and "/managedclusters/" not in scope.lower():
            yield Problem(f"scopes[{index}]", f"there is no Azure Monitor workspace {scope!r}")
        if found is not None and location_of(call) and found.region != location_of(call):
            yield Problem("location", f"lies in {location_of(call)}, the workspace in {found.region}")
    for index, rule in enumerate(objects(call.known("rules"))):
        yield from _told(call, f"rules[{index}].actions", rule.get("actions"))


def _activity(call: Call) -> Iterator[Problem]:
    yield from _told(call, "actions.actionGroups", call.known("actions.actionGroups"))


ALARM_TYPES = (
    child_of_group(GROUP, "Microsoft.Insights/actionGroups", "actionGroupName", rules=(_inherited,)),
    child_of_group(
        RULES,
        "Microsoft.AlertsManagement/prometheusRuleGroups",
        "ruleGroupName",
        outputs=lambda _call, _id: {"systemData": system_data()},
        rules=(_rules,),
    ),
    child_of_group(
        ACTIVITY,
        "Microsoft.Insights/activityLogAlerts",
        "activityLogAlertName",
        outputs=lambda call, _id: {"location": call.text("location") or "global"},
        located=False,
        rules=(_activity,),
    ),
)
