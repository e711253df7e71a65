"""Azure resource groups and networking as ARM enforces them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.azure.arm import TAGS, in_group
from components.rules.checks import (
    cidr_problems,
    matches,
    needs,
    one_of,
    shape,
    strings,
)
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = r"[a-zA-Z0-9](?:[\w.-]{0,78}\w)?"
_WORDS = "1 to 80 letters, digits, _ . and -, beginning with a letter or digit"


def _address_space(call: Inputs) -> Iterator[Problem]:
    blocks = strings(call.known("addressSpace.addressPrefixes"))
    if call.get("addressSpace.addressPrefixes") is None or call.known("addressSpace.addressPrefixes") == []:
        yield Problem("addressSpace.addressPrefixes", "is required by the API")
    for index, block in enumerate(blocks):
        yield from cidr_problems(f"addressSpace.addressPrefixes[{index}]", block, shortest=8, longest=29)


def _rules(call: Inputs) -> Iterator[Problem]:
    rules = call.known("securityRules")
    seen: dict[tuple[Any, Any], int] = {}
    for index, rule in enumerate(rules if isinstance(rules, list) else []):
        path = f"securityRules[{index}]"
        priority = rule.get("priority")
        if isinstance(priority, int) and not 100 <= priority <= 4096:
            yield Problem(f"{path}.priority", f"{priority} lies outside 100 to 4096")
        taken = seen.setdefault((rule.get("direction"), priority), index)
        if taken != index:
            yield Problem(f"{path}.priority", f"{priority} is already used by rule {taken} in the same direction")


def _subnet(call: Inputs) -> Iterator[Problem]:
    if call.get("addressPrefix") is None and call.get("addressPrefixes") is None:
        yield Problem("addressPrefix", "is required by the API")
    if block := call.text("addressPrefix"):
        yield from cidr_problems("addressPrefix", block, shortest=8, longest=29)


def _one_zone(call: Inputs) -> Iterator[Problem]:
    if len(strings(call.known("zones"))) > 1:
        yield Problem("zones", "a Standard NAT gateway lies in one zone")


def _static(call: Inputs) -> Iterator[Problem]:
    if call.known("sku.name") == "Standard" and call.known("publicIPAllocationMethod") != "Static":
        yield Problem("publicIPAllocationMethod", "a Standard address must be Static")


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="azure-native:resources:ResourceGroup",
        name="resourceGroupName",
        immutable=frozenset({"location"}),
        rules=(
            TAGS,
            matches(
                "resourceGroupName",
                r"[\w.()-]{0,89}[\w()-]",
                "1 to 90 letters, digits, _ . - and brackets, not ending with a dot",
            ),
        ),
    ),
    in_group(
        "azure-native:network:VirtualNetwork",
        "virtualNetworkName",
        rules=(
            shape(_address_space),
            matches("virtualNetworkName", r"[a-zA-Z0-9][\w.-]{0,62}\w", "2 to 64 letters, digits, _ . and -"),
        ),
    ),
    in_group(
        "azure-native:network:NetworkSecurityGroup",
        "networkSecurityGroupName",
        rules=(
            shape(_rules),
            matches("networkSecurityGroupName", _NAME, _WORDS),
        ),
    ),
    in_group(
        "azure-native:network:PublicIPAddress",
        "publicIpAddressName",
        immutable=frozenset({"sku", "zones", "publicIPAddressVersion"}),
        rules=(
            shape(_static),
            matches("publicIpAddressName", _NAME, _WORDS),
        ),
    ),
    in_group(
        "azure-native:network:NatGateway",
        "natGatewayName",
        immutable=frozenset({"sku", "zones"}),
        rules=(
            needs("sku"),
            one_of("sku.name", ("Standard",)),
            shape(_one_zone),
            matches("natGatewayName", _NAME, _WORDS),
        ),
    ),
    in_group(
        "azure-native:network:Subnet",
        "subnetName",
        inside=("virtualNetworkName",),
        located=False,
        rules=(
            shape(_subnet),
            matches("subnetName", _NAME, _WORDS),
        ),
    ),
)
