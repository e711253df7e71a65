"""Azure Monitor as ARM enforces it: metrics workspaces, data collection, private link scopes, the activity log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.model import Problem
from rehearsal.providers.azure_arm import child_of_group, location_of, resolve, subscription, system_data
from rehearsal.providers.azure_rest import WORKSPACE
from rehearsal.providers.model import Call, Made, TypeSpec
from rehearsal.providers.rules import derived

if TYPE_CHECKING:
    from collections.abc import Iterator

METRICS, SCOPE = "azure-native:monitor:AzureMonitorWorkspace", "azure-native:monitor:PrivateLinkScope"
ENDPOINT, RULE = "azure-native:monitor:DataCollectionEndpoint", "azure-native:monitor:DataCollectionRule"
ACTIVITY = "azure-native:monitor:SubscriptionDiagnosticSetting"
_CONFIGURATION = "configurationAccessEndpoint"
_SETTINGS = 5


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
    ),
    child_of_group(
        ENDPOINT,
        "Microsoft.Insights/dataCollectionEndpoints",
        "dataCollectionEndpointName",
        outputs=_endpoint_outputs,
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
        rules=(_same_place,),
    ),
    TypeSpec(
        type_name="azure-native:monitor:DataCollectionRuleAssociation",
        make=lambda call: Made(id=_association_id(call)),
        key=lambda call: _association_id(call).lower(),
        outputs=lambda call, id_: (
            _provisioned(call, id_)
            | {
                "name": call.text("associationName"),
                "type": "Microsoft.Insights/dataCollectionRuleAssociations",
            }
        ),
        parents=(("dataCollectionRuleId", RULE), ("dataCollectionEndpointId", ENDPOINT)),
        rules=(_association,),
    ),
    child_of_group(
        SCOPE,
        "Microsoft.Insights/privateLinkScopes",
        "scopeName",
        outputs=lambda call, id_: _provisioned(call, id_) | {"location": "global", "privateEndpointConnections": []},
        located=False,
    ),
    child_of_group(
        "azure-native:monitor:PrivateLinkScopedResource",
        "Microsoft.Insights/privateLinkScopes/scopedResources",
        "name",
        inside=(("scopeName", SCOPE),),
        outputs=_provisioned,
        located=False,
        rules=(_linked,),
    ),
    TypeSpec(
        type_name=ACTIVITY,
        make=lambda call: Made(id=_activity_id(call)),
        key=lambda call: _activity_id(call).lower(),
        outputs=lambda _call, _id: {"type": "Microsoft.Insights/diagnosticSettings", "systemData": system_data()},
        parents=(("workspaceId", WORKSPACE),),
        rules=(_few,),
    ),
)
