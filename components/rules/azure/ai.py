"""Azure AI services as ARM enforces them: accounts and the deployments in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from components.rules.azure.arm import in_group
from components.rules.checks import (
    matches,
    needs,
    not_offered,
    one_of,
    shape,
)
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

_ELSEWHERE: Final = ("GlobalStandard", "GlobalBatch", "GlobalProvisionedManaged", "DataZoneStandard",
                     "DataZoneBatch", "DataZoneProvisionedManaged", "DeveloperTier")  # fmt: skip


_HERE: Final = ("Standard", "ProvisionedManaged")


def _closed(call: Inputs) -> Iterator[Problem]:
    named = call.get("properties.customSubDomainName") is not None
    for path, value in (("properties.disableLocalAuth", True), ("properties.publicNetworkAccess", "Disabled")):
        if not named and call.get(path) == value:
            yield Problem("properties.customSubDomainName", f"is required by the API with {path.split('.')[1]} {value}")


def _outbound(call: Inputs) -> Iterator[Problem]:
    outbound = call.get("properties.allowedFqdnList")
    listed = isinstance(outbound, list) and outbound != []
    if listed and call.known("properties.restrictOutboundNetworkAccess") is not True:
        yield Problem("properties.allowedFqdnList", "is for restrictOutboundNetworkAccess true")


def _sku(call: Inputs) -> Iterator[Problem]:
    sku = call.known("sku.name")
    if isinstance(sku, str) and sku not in (*_HERE, *_ELSEWHERE):
        yield Problem("sku.name", not_offered(sku, (*_HERE, *_ELSEWHERE), what="SKU"))


def _capacity(call: Inputs) -> Iterator[Problem]:
    capacity = call.known("sku.capacity")
    if isinstance(capacity, int) and capacity < 1:
        yield Problem("sku.capacity", f"must be 1 at least, not {capacity}")


TYPES: tuple[TypeRules, ...] = (
    in_group(
        "azure-native:cognitiveservices:Account",
        "accountName",
        immutable=frozenset({"kind", "properties.customSubDomainName"}),
        rules=(
            shape(
                _closed,
                _outbound,
                fix="name a sub-domain where only identities or private connections are let in",
            ),
            needs("kind", "sku"),
            one_of("kind", ("AIServices", "OpenAI", "CognitiveServices")),
            one_of("sku.name", ("F0", "S0")),
            matches("accountName", r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,63}", "2 to 64 letters, digits, _ . and -"),
        ),
    ),
    in_group(
        "azure-native:cognitiveservices:Deployment",
        "deploymentName",
        inside=("accountName",),
        located=False,
        rules=(
            shape(_sku, _capacity, fix="take a SKU that is offered, with a capacity of 1 or more"),
            needs("sku", "properties"),
            matches("deploymentName", r"[a-zA-Z0-9][\w.-]{1,63}", "2 to 64 letters, digits, _ . and -"),
        ),
    ),
)
