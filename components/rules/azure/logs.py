"""Azure Monitor as ARM enforces it: metrics workspaces, data collection, private link scopes, the activity log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.rules.azure.arm import in_group
from components.rules.checks import (
    matches,
    needs,
    not_offered,
    objects,
    one_of,
    shape,
    strings,
)
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = r"[a-zA-Z0-9]([a-zA-Z0-9-]{1,42}[a-zA-Z0-9])"
_WORDS = "3 to 44 letters, digits and -"


_CATEGORIES = frozenset(
    {"Administrative", "Alert", "Autoscale", "Policy", "Recommendation", "ResourceHealth", "Security", "ServiceHealth"}
)


_ACCESS = ("Enabled", "Disabled", "SecuredByPerimeter")


def _rule_shape(call: Inputs) -> Iterator[Problem]:
    destinations = call.known("destinations") or {}
    named = {str(one.get("name")) for several in destinations.values() for one in objects(several) if one.get("name")}
    flows = objects(call.known("dataFlows"))
    if call.get("dataFlows") is None:
        yield Problem("dataFlows", "is required by the API")
    for index, flow in enumerate(flows):
        for wanted in strings(flow.get("destinations")):
            if wanted not in named:
                yield Problem(
                    f"dataFlows[{index}].destinations", not_offered(wanted, named, what="destination of this rule")
                )
    sources = objects((call.known("dataSources") or {}).get("prometheusForwarder"))
    if sources and call.get("dataCollectionEndpointId") is None:
        yield Problem("dataCollectionEndpointId", "is required by the API with a prometheusForwarder")
    for index, source in enumerate(sources):
        for stream in strings(source.get("streams")):
            if stream != "Microsoft-PrometheusMetrics":
                path = f"dataSources.prometheusForwarder[{index}].streams"
                yield Problem(path, not_offered(stream, ("Microsoft-PrometheusMetrics",), what="stream"))


def _categories(call: Inputs) -> Iterator[Problem]:
    targets = ("workspaceId", "storageAccountId", "eventHubAuthorizationRuleId", "marketplacePartnerId")
    if all(call.get(name) is None for name in targets):
        yield Problem("workspaceId", f"one of {', '.join(targets)} is required by the API")
    for index, log in enumerate(objects(call.known("logs"))):
        category = log.get("category")
        if isinstance(category, str) and category not in _CATEGORIES:
            yield Problem(f"logs[{index}].category", not_offered(category, _CATEGORIES, what="category"))


TYPES: tuple[TypeRules, ...] = (
    in_group(
        "azure-native:monitor:AzureMonitorWorkspace",
        "azureMonitorWorkspaceName",
        rules=(
            one_of("publicNetworkAccess", ("Enabled", "Disabled")),
            matches("azureMonitorWorkspaceName", r"(?!-)[a-zA-Z0-9-]+[^-]", "letters, digits and -, not at the ends"),
        ),
    ),
    in_group(
        "azure-native:monitor:DataCollectionEndpoint",
        "dataCollectionEndpointName",
        rules=(
            one_of("kind", ("Linux", "Windows")),
            one_of("networkAcls.publicNetworkAccess", _ACCESS),
            matches("dataCollectionEndpointName", _NAME, _WORDS),
        ),
    ),
    in_group(
        "azure-native:monitor:DataCollectionRule",
        "dataCollectionRuleName",
        rules=(
            shape(_rule_shape),
            one_of("kind", ("Linux", "Windows")),
        ),
    ),
    TypeRules(
        type_name="azure-native:monitor:DataCollectionRuleAssociation",
        name="associationName",
        immutable=frozenset({"resourceUri"}),
    ),
    in_group(
        "azure-native:monitor:PrivateLinkScope",
        "scopeName",
        located=False,
        rules=(
            needs("location"),
            one_of("location", ("Global", "global")),
            one_of("accessModeSettings.ingestionAccessMode", ("Open", "PrivateOnly")),
            one_of("accessModeSettings.queryAccessMode", ("Open", "PrivateOnly")),
        ),
    ),
    in_group(
        "azure-native:monitor:PrivateLinkScopedResource",
        "name",
        inside=("scopeName",),
        immutable=frozenset({"linkedResourceId"}),
        located=False,
        rules=(needs("linkedResourceId"),),
    ),
    TypeRules(type_name="azure-native:monitor:SubscriptionDiagnosticSetting", name="name", rules=(shape(_categories),)),
)
