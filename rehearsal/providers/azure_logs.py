"""Azure Monitor as ARM enforces it: metrics workspaces, data collection, private link scopes, the activity log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.providers.azure_arm import child_of_group, location_of, resolve, subscription, system_data
from rehearsal.providers.azure_rest import WORKSPACE
from rehearsal.providers.model import Call, Made, TypeSpec
from rehearsal.providers.rules import derived, matches, needs, not_offered, objects, one_of, strings
from rehearsal.providers.sdktypes import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

METRICS, SCOPE = "azure-native:monitor:AzureMonitorWorkspace", "azure-native:monitor:PrivateLinkScope"
ENDPOINT, RULE = "azure-native:monitor:DataCollectionEndpoint", "azure-native:monitor:DataCollectionRule"
ACTIVITY = "azure-native:monitor:SubscriptionDiagnosticSetting"
_NAME = r"[a-zA-Z0-9]([a-zA-Z0-9-]{1,42}[a-zA-Z0-9])"
_WORDS = "3 to 44 letters, digits and -"
_CONFIGURATION = "configurationAccessEndpoint"
_CATEGORIES = frozenset(
    {"Administrative", "Alert", "Autoscale", "Policy", "Recommendation", "ResourceHealth", "Security", "ServiceHealth"}
)
_SETTINGS = 5
_ACCESS = ("Enabled", "Disabled", "SecuredByPerimeter")


def _metrics_outputs(call: Call, id_: str) -> dict[str, Any]:
    name, region = call.text("azureMonitorWorkspaceName"), location_of(call)
    tail = derived(id_, "query")[:4]
    managed = f"/subscriptions/{subscription(call)}/resourceGroups/MA_{name}_{region}_managed/providers"
    return {
        "accountId": derived(id_, "account"),
        "metrics": {
            "internalId": f"mac_{derived(id_, 'internal')}",
            "prometheusQueryEndpoint": f"https://{name}-{tail}.{region}.prometheus.monitor.azure.com",
        },
        "defaultIngestionSettings": {
            "dataCollectionEndpointResourceId": f"{managed}/Microsoft.Insights/dataCollectionEndpoints/{name}",
            "dataCollectionRuleResourceId": f"{managed}/Microsoft.Insights/dataCollectionRules/{name}",
        },
        "privateEndpointConnections": [],
        "provisioningState": "Succeeded",
        "systemData": system_data(),
    }


def _endpoint_outputs(call: Call, id_: str) -> dict[str, Any]:
    name = f"{call.text('dataCollectionEndpointName')}-{derived(id_, 'endpoint')[:4]}.{location_of(call)}-1"
    return {
        "immutableId": f"dce-{derived(id_, 'immutable').replace('-', '')}",
        "configurationAccess": {"endpoint": f"https://{name}.handler.control.monitor.azure.com"},
        "logsIngestion": {"endpoint": f"https://{name}.ingest.monitor.azure.com"},
        "metricsIngestion": {"endpoint": f"https://{name}.metrics.ingest.monitor.azure.com"},
        "provisioningState": "Succeeded",
        "systemData": system_data(),
    }


def _rule_shape(call: Call) -> Iterator[Problem]:
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


def _same_place(call: Call) -> Iterator[Problem]:
    endpoint = resolve(call, ENDPOINT, call.text("dataCollectionEndpointId"))
    if endpoint is not None and location_of(call) and endpoint.region != location_of(call):
        yield Problem("dataCollectionEndpointId", f"lies in {endpoint.region}, the rule in {location_of(call)}")


def _association(call: Call) -> Iterator[Problem]:
    rule, endpoint = call.get("dataCollectionRuleId"), call.get("dataCollectionEndpointId")
    if (rule is None) == (endpoint is None):
        yield Problem("dataCollectionRuleId", "exactly one of it and dataCollectionEndpointId must be set")
    elif (endpoint is not None) is not (call.text("associationName") == _CONFIGURATION):
        yield Problem("associationName", f"{_CONFIGURATION} is the name for an endpoint, and for nothing else")
    target = call.known("resourceUri")
    if isinstance(target, str) and resolve(call, "*", target) is None:
        yield Problem("resourceUri", f"{target!r} is no resource in this subscription")


def _linked(call: Call) -> Iterator[Problem]:
    target = call.known("linkedResourceId")
    if not isinstance(target, str):
        return
    kinds = ("microsoft.operationalinsights/workspaces", "microsoft.insights/datacollectionendpoints")
    if not any(f"/providers/{kind}/" in target.lower() for kind in kinds):
        yield Problem("linkedResourceId", "a scope takes Log Analytics workspaces and data collection endpoints")
    elif resolve(call, "*", target) is None:
        yield Problem("linkedResourceId", f"there is no resource {target!r}")


def _categories(call: Call) -> Iterator[Problem]:
    targets = ("workspaceId", "storageAccountId", "eventHubAuthorizationRuleId", "marketplacePartnerId")
    if all(call.get(name) is None for name in targets):
        yield Problem("workspaceId", f"one of {', '.join(targets)} is required by the API")
    for index, log in enumerate(objects(call.known("logs"))):
        category = log.get("category")
        if isinstance(category, str) and category not in _CATEGORIES:
            yield Problem(f"logs[{index}].category", not_offered(category, _CATEGORIES, what="category"))


def _few(call: Call) -> Iterator[Problem]:
    mine = f"/subscriptions/{subscription(call)}/"
    others = [
        item for item in call.store.list_resources(type=ACTIVITY) if item.urn != call.urn and item.id.startswith(mine)
    ]
    if len(others) >= _SETTINGS:
        yield Problem("name", f"this subscription has {len(others)} settings already, and it takes {_SETTINGS}")


def _association_id(call: Call) -> str:
    kind = "providers/Microsoft.Insights/dataCollectionRuleAssociations"
    return f"{call.text('resourceUri')}/{kind}/{call.text('associationName')}"


def _activity_id(call: Call) -> str:
    return f"/subscriptions/{subscription(call)}/providers/Microsoft.Insights/diagnosticSettings/{call.text('name')}"


def _provisioned(_call: Call, _id: str) -> dict[str, Any]:
    return {"provisioningState": "Succeeded", "systemData": system_data()}


LOG_TYPES: tuple[TypeSpec, ...] = (
    child_of_group(
        METRICS,
        "Microsoft.Monitor/accounts",
        "azureMonitorWorkspaceName",
        outputs=_metrics_outputs,
        rules=(
            one_of("publicNetworkAccess", ("Enabled", "Disabled")),
            matches("azureMonitorWorkspaceName", r"(?!-)[a-zA-Z0-9-]+[^-]", "letters, digits and -, not at the ends"),
        ),
    ),
    child_of_group(
        ENDPOINT,
        "Microsoft.Insights/dataCollectionEndpoints",
        "dataCollectionEndpointName",
        outputs=_endpoint_outputs,
        rules=(
            one_of("kind", ("Linux", "Windows")),
            one_of("networkAcls.publicNetworkAccess", _ACCESS),
            matches("dataCollectionEndpointName", _NAME, _WORDS),
        ),
    ),
    child_of_group(
        RULE,
        "Microsoft.Insights/dataCollectionRules",
        "dataCollectionRuleName",
        outputs=lambda call, id_: (
            _provisioned(call, id_) | {"immutableId": f"dcr-{derived(id_, 'immutable').replace('-', '')}"}
        ),
        parents=(
            ("dataCollectionEndpointId", ENDPOINT),
            ("destinations.monitoringAccounts[].accountResourceId", METRICS),
            ("destinations.logAnalytics[].workspaceResourceId", WORKSPACE),
        ),
        rules=(_rule_shape, _same_place, one_of("kind", ("Linux", "Windows"))),
    ),
    TypeSpec(
        type_name="azure-native:monitor:DataCollectionRuleAssociation",
        name="associationName",
        make=lambda call: Made(id=_association_id(call)),
        key=lambda call: _association_id(call).lower(),
        outputs=lambda call, id_: (
            _provisioned(call, id_)
            | {
                "name": call.text("associationName"),
                "type": "Microsoft.Insights/dataCollectionRuleAssociations",
            }
        ),
        immutable=frozenset({"resourceUri"}),
        parents=(("dataCollectionRuleId", RULE), ("dataCollectionEndpointId", ENDPOINT)),
        rules=(_association,),
    ),
    child_of_group(
        SCOPE,
        "Microsoft.Insights/privateLinkScopes",
        "scopeName",
        outputs=lambda call, id_: _provisioned(call, id_) | {"location": "global", "privateEndpointConnections": []},
        located=False,
        rules=(
            needs("location"),
            one_of("location", ("Global", "global")),
            one_of("accessModeSettings.ingestionAccessMode", ("Open", "PrivateOnly")),
            one_of("accessModeSettings.queryAccessMode", ("Open", "PrivateOnly")),
        ),
    ),
    child_of_group(
        "azure-native:monitor:PrivateLinkScopedResource",
        "Microsoft.Insights/privateLinkScopes/scopedResources",
        "name",
        inside=(("scopeName", SCOPE),),
        outputs=_provisioned,
        immutable=frozenset({"linkedResourceId"}),
        located=False,
        rules=(needs("linkedResourceId"), _linked),
    ),
    TypeSpec(
        type_name=ACTIVITY,
        name="name",
        make=lambda call: Made(id=_activity_id(call)),
        key=lambda call: _activity_id(call).lower(),
        outputs=lambda _call, _id: {"type": "Microsoft.Insights/diagnosticSettings", "systemData": system_data()},
        parents=(("workspaceId", WORKSPACE),),
        rules=(_categories, _few),
    ),
)
