"""Azure resource groups and networking as ARM enforces them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.azure.arm import NAME, NAME_WORDS, TAGS, in_group
from components.rules.checks import (
    cidr_problems,
    matches,
    needs,
    one_of,
    shape,
)
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator


def _spaced(call: Inputs) -> Iterator[Problem]:
    if call.get("addressSpace.addressPrefixes") in (None, []):
        yield Problem("addressSpace.addressPrefixes", "is required by the API")


def _address_space(call: Inputs) -> Iterator[Problem]:
    for path, block in call.texts("addressSpace.addressPrefixes"):
        yield from cidr_problems(path, block, shortest=8, longest=29)


def _priorities(call: Inputs) -> Iterator[Problem]:
    def of(path: str, rule: dict[str, Any]) -> Iterator[Problem]:
        priority = rule.get("priority")
        if isinstance(priority, int) and not 100 <= priority <= 4096:
            yield Problem(f"{path}.priority", f"{priority} lies outside 100 to 4096")

    yield from call.each("securityRules", of)


def _twice(call: Inputs) -> Iterator[Problem]:
    seen: dict[tuple[str, int], str] = {}

    def of(path: str, rule: dict[str, Any]) -> Iterator[Problem]:
        direction, priority = rule.get("direction"), rule.get("priority")
        if isinstance(direction, str) and isinstance(priority, int):
            taken = seen.setdefault((direction, priority), path)
            if taken != path:
                index = taken.removeprefix("securityRules[").rstrip("]")
                yield Problem(f"{path}.priority", f"{priority} is already used by rule {index} in the same direction")

    yield from call.each("securityRules", of)


def _ranged(call: Inputs) -> Iterator[Problem]:
    if call.get("addressPrefix") is None and call.get("addressPrefixes") is None:
        yield Problem("addressPrefix", "is required by the API")


def _subnet(call: Inputs) -> Iterator[Problem]:
    if block := call.text("addressPrefix"):
        yield from cidr_problems("addressPrefix", block, shortest=8, longest=29)


def _one_zone(call: Inputs) -> Iterator[Problem]:
    zones = call.get("zones")
    if isinstance(zones, list) and len(zones) > 1:
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
            shape(_address_space, _spaced, fix="give private networks of /8 to /29"),
            matches("virtualNetworkName", r"[a-zA-Z0-9][\w.-]{0,62}\w", "2 to 64 letters, digits, _ . and -"),
        ),
    ),
    in_group(
        "azure-native:network:NetworkSecurityGroup",
        "networkSecurityGroupName",
        rules=(
            shape(
                _priorities,
                _twice,
                name="rules",
                fix="give each rule of a direction a priority of its own, 100 to 4096",
            ),
            matches("networkSecurityGroupName", NAME, NAME_WORDS),
        ),
    ),
    in_group(
        "azure-native:network:PublicIPAddress",
        "publicIpAddressName",
        immutable=frozenset({"sku", "zones", "publicIPAddressVersion"}),
        rules=(
            shape(_static, fix="set publicIPAllocationMethod to Static"),
            matches("publicIpAddressName", NAME, NAME_WORDS),
        ),
    ),
    in_group(
        "azure-native:network:NatGateway",
        "natGatewayName",
        immutable=frozenset({"sku", "zones"}),
        rules=(
            needs("sku"),
            one_of("sku.name", ("Standard",)),
            shape(_one_zone, fix="name one zone, or none"),
            matches("natGatewayName", NAME, NAME_WORDS),
        ),
    ),
    in_group(
        "azure-native:network:Subnet",
        "subnetName",
        inside=("virtualNetworkName",),
        located=False,
        rules=(
            shape(_subnet, _ranged, fix="give a private network of /8 to /29"),
            matches("subnetName", NAME, NAME_WORDS),
        ),
    ),
)
