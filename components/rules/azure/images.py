"""Azure container registries as ARM enforces them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.rules.azure.arm import in_group
from components.rules.checks import (
    matches,
    one_of,
    shape,
)
from components.rules.model import Check, Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

# What only the dearest SKU has, and the value that asks for it.
_PREMIUM = {
    "publicNetworkAccess": "Disabled",
    "zoneRedundancy": "Enabled",
    "dataEndpointEnabled": True,
    "encryption.status": "enabled",
    "policies.exportPolicy.status": "disabled",
    "policies.retentionPolicy.status": "enabled",
    "policies.trustPolicy.status": "enabled",
}


def _premium(path: str, value: object) -> Check:
    def check(call: Inputs) -> Iterator[Problem]:
        sku = call.text("sku.name")
        if sku and sku != "Premium" and call.known(path) == value:
            yield Problem(path, f"{value} is for sku Premium, not {sku}")

    return check


def _anonymous(call: Inputs) -> Iterator[Problem]:
    if call.text("sku.name") == "Basic" and call.known("anonymousPullEnabled") is True:
        yield Problem("anonymousPullEnabled", "is for sku Standard and Premium, not Basic")


def _exported(call: Inputs) -> Iterator[Problem]:
    closed = call.known("publicNetworkAccess") == "Disabled"
    if call.known("policies.exportPolicy.status") == "disabled" and not closed:
        yield Problem("policies.exportPolicy.status", "can be disabled only when publicNetworkAccess is Disabled")


TYPES: tuple[TypeRules, ...] = (
    in_group(
        "azure-native:containerregistry:Registry",
        "registryName",
        immutable=frozenset({"encryption.status", "zoneRedundancy"}),
        rules=(
            shape(
                _anonymous,
                *(_premium(path, value) for path, value in _PREMIUM.items()),
                name="sku",
                fix="take the sku Premium, or do without",
            ),
            shape(_exported, fix="close the registry to the public too"),
            one_of("sku.name", ("Basic", "Standard", "Premium")),
            one_of("publicNetworkAccess", ("Enabled", "Disabled")),
            one_of("networkRuleBypassOptions", ("AzureServices", "None")),
            one_of("networkRuleSet.defaultAction", ("Allow", "Deny")),
            one_of("zoneRedundancy", ("Enabled", "Disabled")),
            matches("registryName", r"[a-zA-Z0-9]{5,50}", "5 to 50 letters and digits"),
        ),
    ),
)
