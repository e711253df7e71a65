"""Azure Monitor as ARM enforces it: metrics workspaces, data collection, private link scopes, the activity log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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


_STREAM = "Microsoft-PrometheusMetrics"
_ACCESS = ("Enabled", "Disabled", "SecuredByPerimeter")


def _flows(call: Inputs) -> Iterator[Problem]:
    if call.get("dataFlows") is None:
        yield Problem("dataFlows", "is required by the API")


def _named(call: Inputs) -> Iterator[Problem]:
    destinations = call.known("destinations") or {}
    named = {str(one.get("name")) for several in destinations.values() for one in objects(several) if one.get("name")}

    def of(path: str, flow: dict[str, Any]) -> Iterator[Problem]:
        for wanted in strings(flow.get("destinations")):
            if wanted not in named:
                said = not_offered(wanted, named, what="destination of this rule")
                yield Problem(f"{path}.destinations", said)

    yield from call.each("dataFlows", of)


def _endpoint(call: Inputs) -> Iterator[Problem]:
    sources = call.get("dataSources.prometheusForwarder")
    if isinstance(sources, list) and sources and call.get("dataCollectionEndpointId") is None:
        yield Problem("dataCollectionEndpointId", "is required by the API with a prometheusForwarder")


def _streams(call: Inputs) -> Iterator[Problem]:
    def of(path: str, source: dict[str, Any]) -> Iterator[Problem]:
        for stream in strings(source.get("streams")):
            if stream != _STREAM:
                yield Problem(f"{path}.streams", not_offered(stream, (_STREAM,), what="stream"))

    yield from call.each("dataSources.prometheusForwarder", of)


def _targets(call: Inputs) -> Iterator[Problem]:
    targets = ("workspaceId", "storageAccountId", "eventHubAuthorizationRuleId", "marketplacePartnerId")
    if all(call.get(name) is None for name in targets):
        yield Problem("workspaceId", f"one of {', '.join(targets)} is required by the API")


def _categories(call: Inputs) -> Iterator[Problem]:
    def of(path: str, log: dict[str, Any]) -> Iterator[Problem]:
        category = log.get("category")
        if isinstance(category, str) and category not in _CATEGORIES:
            yield Problem(f"{path}.category", not_offered(category, _CATEGORIES, what="category"))

    yield from call.each("logs", of)


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
            shape(
                *(_flows, _named, _endpoint, _streams),
                name="rule shape",
                fix=f"send {_STREAM} by flows to destinations of this rule; a forwarder needs an endpoint",
            ),
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
    TypeRules(
        type_name="azure-native:monitor:SubscriptionDiagnosticSetting",
        name="name",
        rules=(shape(_categories, _targets, fix="name where the log goes, and categories of the activity log"),),
    ),
)
