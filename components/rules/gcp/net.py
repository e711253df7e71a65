"""Google Cloud networking as its API enforces it: networks, subnetworks, routers, NAT, firewalls."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from components.rules.checks import (
    between,
    cidr,
    cidr_problems,
    matches,
    needs,
    one_of,
    shape,
)
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME_PATTERN = r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?"
NAME_WORDS = "1 to 63 lower-case letters, digits and -, beginning with a letter and not ending with -"


def _label_rules(call: Inputs) -> Iterator[Problem]:
    """At most 64 labels of lower-case letters, digits, `_` and `-`; values may not be empty here, because they diff
    for ever."""

    for name in ("labels", "resourceLabels"):
        labels = call.entries(name)
        if len(labels) > 64:
            yield Problem(name, f"{len(labels)} labels; a resource takes 64")
        for key, value in labels.items():
            if not re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", key):
                yield Problem(
                    f"{name}.{key}",
                    "is no valid label key: lower-case letters, digits, _ and -, beginning with a letter",
                )
            if isinstance(value, str) and not re.fullmatch(r"[a-z0-9_-]{0,63}", value):
                yield Problem(
                    f"{name}.{key}", f"{value!r} is no valid label value: lower-case letters, digits, _ and -"
                )


LABELS = shape(_label_rules, kind="labels", fix="shorten or rename it; of what the fleet names: fleet, world, cell")


def _one_kind(call: Inputs) -> Iterator[Problem]:
    if (call.get("allows") is None) == (call.get("denies") is None):
        yield Problem("allows", "exactly one of allows, denies must be set")


def _sources(call: Inputs) -> Iterator[Problem]:
    if call.known("direction") == "EGRESS" and call.get("sourceRanges") is not None:
        yield Problem("sourceRanges", "is for INGRESS; an EGRESS rule names destinationRanges")
    if call.known("direction") != "EGRESS" and all(
        call.get(name) is None for name in ("sourceRanges", "sourceTags", "sourceServiceAccounts")
    ):
        yield Problem("sourceRanges", "one of sourceRanges, sourceTags, sourceServiceAccounts is required for INGRESS")


def _range_names(call: Inputs) -> Iterator[Problem]:
    names: set[str] = set()

    def of(path: str, entry: dict[str, Any]) -> Iterator[Problem]:
        name = entry.get("rangeName")
        if isinstance(name, str) and name in names:
            yield Problem(f"{path}.rangeName", f"{name!r} is used twice")
        names.add(str(name))

    yield from call.each("secondaryIpRanges", of)


def _ranges(call: Inputs) -> Iterator[Problem]:
    def of(path: str, entry: dict[str, Any]) -> Iterator[Problem]:
        block = entry.get("ipCidrRange")
        if isinstance(block, str):
            yield from cidr_problems(f"{path}.ipCidrRange", block, shortest=8, longest=29, private=False)

    yield from call.each("secondaryIpRanges", of)


# The list of the provider: proxies' own networks, published services, the migration of peers, private NAT.
_PURPOSES = (
    *("PRIVATE", "REGIONAL_MANAGED_PROXY", "GLOBAL_MANAGED_PROXY", "PRIVATE_SERVICE_CONNECT"),
    *("PEER_MIGRATION", "PRIVATE_NAT"),
)
_NAMED = matches("name", NAME_PATTERN, NAME_WORDS)
TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="gcp:compute/network:Network",
        name="name",
        immutable=frozenset(
            {"autoCreateSubnetworks", "description", "internalIpv6Range", "networkProfile", "params", "project"}
        ),
        rules=(
            _NAMED,
            one_of("routingMode", ("REGIONAL", "GLOBAL")),
            between("mtu", 1300, 8896),
        ),
    ),
    TypeRules(
        type_name="gcp:compute/subnetwork:Subnetwork",
        name="name",
        immutable=frozenset(
            {
                "description",
                "externalIpv6Prefix",
                "internalIpv6Prefix",
                "network",
                "params",
                "project",
                "region",
                "reservedInternalRange",
                "resolveSubnetMask",
            }
        ),
        rules=(
            _NAMED,
            needs("ipCidrRange"),
            cidr("ipCidrRange", shortest=8, longest=29),
            shape(_ranges, _range_names, fix="give each secondary range a name of its own and a network of /8 to /29"),
            one_of("purpose", _PURPOSES),
        ),
    ),
    TypeRules(
        type_name="gcp:compute/router:Router",
        name="name",
        immutable=frozenset({"encryptedInterconnectRouter", "nccGateway", "network", "project", "region"}),
        rules=(
            _NAMED,
            needs("network"),
        ),
    ),
    TypeRules(
        type_name="gcp:compute/routerNat:RouterNat",
        name="name",
        immutable=frozenset({"endpointTypes", "initialNatIps", "project", "region", "router", "type"}),
        rules=(
            _NAMED,
            one_of("natIpAllocateOption", ("AUTO_ONLY", "MANUAL_ONLY")),
            one_of(
                "sourceSubnetworkIpRangesToNat",
                ("ALL_SUBNETWORKS_ALL_IP_RANGES", "ALL_SUBNETWORKS_ALL_PRIMARY_IP_RANGES", "LIST_OF_SUBNETWORKS"),
            ),
        ),
    ),
    TypeRules(
        type_name="gcp:compute/firewall:Firewall",
        name="name",
        immutable=frozenset({"direction", "project"}),
        rules=(
            _NAMED,
            one_of("direction", ("INGRESS", "EGRESS")),
            between("priority", 0, 65535),
            shape(
                _one_kind,
                _sources,
                name="firewall shape",
                fix="name what is allowed or what is denied, and the sources of INGRESS or the destinations of EGRESS",
            ),
        ),
    ),
)
