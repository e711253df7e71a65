"""Azure private endpoints and private DNS as ARM enforces them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.azure.arm import NAME, NAME_WORDS, in_group
from components.rules.checks import (
    matches,
    needs,
    one_of,
    shape,
)
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator


def _some(call: Inputs) -> Iterator[Problem]:
    if call.get("privateDnsZoneConfigs") in (None, []):
        yield Problem("privateDnsZoneConfigs", "is required by the API")


def _linked_zones(call: Inputs) -> Iterator[Problem]:
    def of(path: str, config: dict[str, Any]) -> Iterator[Problem]:
        name = config.get("name")
        if not isinstance(name, str) or not name:
            yield Problem(f"{path}.name", "is required by the API")

    yield from call.each("privateDnsZoneConfigs", of)


TYPES: tuple[TypeRules, ...] = (
    in_group(
        "azure-native:privatedns:PrivateZone",
        "privateZoneName",
        located=False,
        rules=(
            needs("location"),
            one_of("location", ("Global", "global")),
            matches(
                "privateZoneName",
                r"(?=.{3,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)+",
                "2 to 34 lower-case labels with dots between them",
            ),
        ),
    ),
    in_group(
        "azure-native:privatedns:VirtualNetworkLink",
        "virtualNetworkLinkName",
        inside=("privateZoneName",),
        immutable=frozenset({"virtualNetwork"}),
        located=False,
        rules=(
            needs("location", "virtualNetwork"),
            one_of("location", ("Global", "global")),
            matches("virtualNetworkLinkName", NAME, NAME_WORDS),
        ),
    ),
    in_group(
        "azure-native:network:PrivateEndpoint",
        "privateEndpointName",
        immutable=frozenset({"subnet", "privateLinkServiceConnections", "customNetworkInterfaceName"}),
        rules=(
            needs("subnet", "privateLinkServiceConnections"),
            matches("privateEndpointName", NAME, NAME_WORDS),
        ),
    ),
    in_group(
        "azure-native:network:PrivateDnsZoneGroup",
        "privateDnsZoneGroupName",
        inside=("privateEndpointName",),
        located=False,
        rules=(
            shape(_linked_zones, _some, fix="name each zone that answers"),
            matches("privateDnsZoneGroupName", NAME, NAME_WORDS),
        ),
    ),
)
