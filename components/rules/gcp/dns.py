"""Private zones of Cloud DNS and their records as its API enforces them."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from components.rules.checks import matches, needs, one_of, shape
from components.rules.gcp.net import LABELS, NAME_PATTERN, NAME_WORDS
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME: Final = r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+"
# What Cloud DNS keeps, by its own list of record types.
_KINDS: Final = (
    *("A", "AAAA", "ALIAS", "CAA", "CNAME", "DNSKEY", "DS", "HTTPS", "IPSECKEY", "MX", "NAPTR", "NS", "PTR"),
    *("SOA", "SPF", "SRV", "SSHFP", "SVCB", "TLSA", "TXT"),
)


def _visible(call: Inputs) -> Iterator[Problem]:
    seen = call.get("privateVisibilityConfig")
    if call.known("visibility") == "private" and seen is None:
        yield Problem("privateVisibilityConfig", "is required by the API for a private zone")
    if call.known("visibility") != "private" and seen is not None:
        yield Problem("privateVisibilityConfig", "is for private zones")


def _one_source(call: Inputs) -> Iterator[Problem]:
    if call.get("rrdatas") is None and call.get("routingPolicy") is None:
        yield Problem("rrdatas", "exactly one of rrdatas, routingPolicy must be set")
    if call.get("rrdatas") is not None and call.get("routingPolicy") is not None:
        yield Problem("rrdatas", "conflicts with routingPolicy: never set both")


def _data(call: Inputs) -> Iterator[Problem]:
    of = call.known("type")
    for path, value in call.texts("rrdatas"):
        if of == "A" and not _is_address(value):
            yield Problem(path, f"{value!r} is no IPv4 address")
        if of == "CNAME" and not value.endswith("."):
            yield Problem(path, f"{value!r} does not end with a dot")


def _one_name(call: Inputs) -> Iterator[Problem]:
    values = call.get("rrdatas")
    if call.known("type") == "CNAME" and isinstance(values, list) and len(values) > 1:
        yield Problem("rrdatas", f"{len(values)} names; a CNAME has one")


def _is_address(value: str) -> bool:
    try:
        ipaddress.IPv4Address(value)
    except ValueError:
        return False
    return True


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="gcp:dns/managedZone:ManagedZone",
        name="name",
        immutable=frozenset({"dnsName", "name", "project", "reverseLookup", "visibility"}),
        rules=(
            LABELS,
            shape(_visible, fix="make the zone private and say which networks see it, or neither"),
            matches("name", NAME_PATTERN, NAME_WORDS),
            matches("dnsName", _NAME, "labels with a dot after each"),
            one_of("visibility", ("private", "public")),
            one_of("deletionPolicy", ("DELETE", "PREVENT", "ABANDON")),
        ),
    ),
    TypeRules(
        type_name="gcp:dns/recordSet:RecordSet",
        name="name",
        immutable=frozenset({"managedZone", "project", "routingPolicy.healthCheck"}),
        rules=(
            shape(_one_source, fix="set rrdatas or a routingPolicy"),
            shape(_data, _one_name, fix="give an A record IPv4 addresses, a CNAME one name that ends with a dot"),
            needs("managedZone", "name", "type"),
            matches("name", _NAME, "labels with a dot after each"),
            one_of("type", _KINDS),
            one_of("deletionPolicy", ("DELETE", "PREVENT", "ABANDON")),
        ),
    ),
)
