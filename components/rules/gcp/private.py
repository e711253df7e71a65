"""How Google's own services are joined to a network: reserved ranges, peerings, endpoint policies."""

from __future__ import annotations

from components.rules.checks import (
    between,
    matches,
    needs,
    one_of,
)
from components.rules.gcp.net import LABELS, NAME_PATTERN, NAME_WORDS
from components.rules.model import TypeRules

_SERVICE = "servicenetworking.googleapis.com"
_NAMED = matches("name", NAME_PATTERN, NAME_WORDS)


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="gcp:compute/globalAddress:GlobalAddress",
        name="name",
        immutable=frozenset(
            {"address", "addressType", "description", "ipVersion", "network", "prefixLength", "project", "purpose"}
        ),
        rules=(
            _NAMED,
            one_of("purpose", ("VPC_PEERING", "PRIVATE_SERVICE_CONNECT")),
            one_of("addressType", ("INTERNAL", "EXTERNAL")),
            between("prefixLength", 8, 29),
        ),
    ),
    TypeRules(
        type_name="gcp:servicenetworking/connection:Connection",
        immutable=frozenset({"network", "service"}),
        rules=(
            needs("network", "service", "reservedPeeringRanges"),
            one_of("service", (_SERVICE,)),
            one_of("deletionPolicy", ("ABANDON", "DELETE", "PREVENT", "REMOVE_PEERING")),
        ),
    ),
    TypeRules(
        type_name="gcp:networkconnectivity/serviceConnectionPolicy:ServiceConnectionPolicy",
        name="name",
        immutable=frozenset({"location", "name", "network", "project", "serviceClass"}),
        rules=(
            _NAMED,
            LABELS,
            needs("location", "network", "serviceClass", "pscConfig"),
            # Services of others have classes of their own, such as test-service-a3dfcx.
            matches("serviceClass", r"[a-z][a-z0-9-]{0,62}", "a service class such as gcp-memorystore"),
        ),
    ),
)
