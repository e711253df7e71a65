"""`az`: subscription, resource providers, versions, sizes, usage, virtual networks, credentials of a cluster."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from rehearsal.cloudcli import az_keys, az_stores, grammar
from rehearsal.cloudcli.account import RefusedError
from rehearsal.cloudcli.options import read
from rehearsal.providers.azure_cluster import CLUSTER
from rehearsal.providers.facts import AZURE_MACHINES, AZURE_REGIONS, KUBERNETES_MINORS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rehearsal.cloudcli.account import Account
    from rehearsal.cloudcli.options import Asked

_VNET = "azure-native:network:VirtualNetwork"
_PROVIDERS = (
    "AlertsManagement", "Cache", "CognitiveServices", "Compute", "Consumption", "ContainerRegistry",
    "ContainerService", "DBforPostgreSQL", "Insights", "KeyVault", "ManagedIdentity", "Monitor", "Network",
    "OperationalInsights", "Storage", "Web",
)  # fmt: skip
_SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"


def family(machine: str) -> str:
    """The family of a size, as the cloud counts its vCPUs: every size is its own in this account."""
    return f"{machine.replace('Standard_', 'standard').replace('_', '')}Family"


def answer(arguments: Sequence[str], account: Account) -> Any:
    """What a command prints as JSON, or text. Raises RefusedError."""
    asked = read(arguments, bare=az_stores.BARE)
    if account.declared.get("signed_out"):
        message = "ERROR: Please run 'az login' to setup account."
        raise RefusedError(message)
    work = _COMMANDS.get(asked.words)
    if work is None:
        message = f"the rehearsal's az does not play `az {' '.join(asked.words)}`"
        raise RefusedError(message)
    grammar.check("az", asked.words, asked)
    return work(asked, account)


def _region(asked: Asked) -> str:
    region = asked.option("location")
    if region not in AZURE_REGIONS:
        message = f"ERROR: (NoRegisteredProviderFound) location {region!r} was not found"
        raise RefusedError(message)
    return region


def _show(_asked: Asked, _account: Account) -> Any:
    user = {"name": "operator@rehearsal.invalid", "type": "user"}
    return {"id": _SUBSCRIPTION, "state": "Enabled", "user": user}


def _providers(_asked: Asked, account: Account) -> Any:
    names = [f"Microsoft.{name}" for name in _PROVIDERS]
    states = {name: "NotRegistered" if account.off(name) else "Registered" for name in names}
    return [{"namespace": name, "registrationState": state} for name, state in states.items()]


def _versions(asked: Asked, _account: Account) -> Any:
    _region(asked)
    return {"values": [{"version": minor, "isPreview": None} for minor in KUBERNETES_MINORS["azure"]]}


def _skus(asked: Asked, account: Account) -> Any:
    region = _region(asked)
    return [
        {
            "name": name,
            "family": family(name),
            "locationInfo": [{"location": region, "zones": list(AZURE_REGIONS[region])}],
            "capabilities": [{"name": "vCPUs", "value": str(machine.cpus)}],
            "restrictions": _restrictions(account, name),
        }
        for name, machine in AZURE_MACHINES.items()
        if region in machine.regions
    ]


def _restrictions(account: Account, name: str) -> list[dict[str, Any]]:
    zones = account.barred_in(name)
    kinds = [("Location", [])] if account.barred(name) else [("Zone", zones)] if zones else []
    return [
        {"type": kind, "reasonCode": "NotAvailableForSubscription", "restrictionInfo": {"zones": barred}}
        for kind, barred in kinds
    ]


def _usage(asked: Asked, account: Account) -> Any:
    used = account.in_use(AZURE_MACHINES, region=_region(asked))
    return [
        {
            "name": {"value": family(name), "localizedValue": family(name)},
            "currentValue": str(used.get(name, 0) * machine.cpus),
            "limit": str(account.limit(family(name))),
        }
        for name, machine in AZURE_MACHINES.items()
    ]


def _networks(_asked: Asked, account: Account) -> Any:
    own = [
        {
            "name": row.name,
            "location": row.region,
            "addressSpace": {"addressPrefixes": (row.inputs.get("addressSpace") or {}).get("addressPrefixes") or []},
        }
        for row in account.live(_VNET)
    ]
    others = [
        {"name": name, "location": region, "addressSpace": {"addressPrefixes": ranges}}
        for name, ranges in account.strangers().items()
        for region in AZURE_REGIONS
    ]
    return [*own, *others]


def _credentials(asked: Asked, account: Account) -> Any:
    name = asked.option("name")
    row = next((one for one in account.live(CLUSTER) if one.name == name), None)
    record = next((one for one in account.store.clusters() if row is not None and one.id == row.id), None)
    if record is None:
        message = f"ERROR: (ResourceNotFound) The Resource managedClusters/{name} was not found."
        raise RefusedError(message)
    ca = base64.b64encode(record.ca.encode()).decode()
    cluster = {"name": name, "cluster": {"server": record.endpoint, "certificate-authority-data": ca}}
    return {"apiVersion": "v1", "kind": "Config", "clusters": [cluster]}


_COMMANDS: dict[tuple[str, ...], Callable[[Asked, Account], Any]] = {
    ("account", "show"): _show,
    ("provider", "list"): _providers,
    ("aks", "get-versions"): _versions,
    ("aks", "get-credentials"): _credentials,
    ("vm", "list-skus"): _skus,
    ("vm", "list-usage"): _usage,
    ("network", "vnet", "list"): _networks,
    **az_keys.COMMANDS,
    **az_stores.COMMANDS,
}
