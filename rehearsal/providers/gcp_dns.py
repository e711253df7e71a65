"""Names inside Google Cloud's networks: private zones of Cloud DNS and their records."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Final

from rehearsal.providers.gcp_net import NAME_PATTERN, NAME_WORDS, NETWORK, label_rules, named, project_of
from rehearsal.providers.model import Call, CloudRefusalError, TypeSpec
from rehearsal.providers.rules import matches, needs, one_of, strings
from rehearsal.providers.sdktypes import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.store import Resource

ZONE, RECORD = "gcp:dns/managedZone:ManagedZone", "gcp:dns/recordSet:RecordSet"
_NAME: Final = r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+"
_TYPES: Final = ("A", "AAAA", "CNAME", "MX", "NS", "PTR", "SRV", "TXT")


def _visible(call: Call) -> Iterator[Problem]:
    seen = call.get("privateVisibilityConfig")
    if call.known("visibility") == "private" and seen is None:
        yield Problem("privateVisibilityConfig", "is required by the API for a private zone")
    if call.known("visibility") != "private" and seen is not None:
        yield Problem("privateVisibilityConfig", "is for private zones")


def _zone_id(call: Call) -> str:
    return f"projects/{project_of(call)}/managedZones/{call.text('name')}"


def _zone_of(call: Call) -> Resource | None:
    return next((one for one in call.store.find_by_name(ZONE, call.text("managedZone")) if _same(call, one)), None)


def _same(call: Call, zone: Resource) -> bool:
    return zone.id.startswith(f"projects/{project_of(call)}/")


def _in_zone(call: Call) -> Iterator[Problem]:
    zone, name = call.known("managedZone"), call.known("name")
    if not isinstance(zone, str):
        return
    found = _zone_of(call)
    if found is None and not call.will_exist(ZONE, zone):
        yield Problem("managedZone", f"there is no zone {zone!r} in this project")
    within = str(found.inputs.get("dnsName")) if found is not None else ""
    if isinstance(name, str) and within and name != within and not name.endswith(f".{within}"):
        yield Problem("name", f"{name!r} does not lie in {within!r}")


def _data(call: Call) -> Iterator[Problem]:
    given, of = call.known("rrdatas"), call.known("type")
    if call.get("rrdatas") is None and call.get("routingPolicy") is None:
        yield Problem("rrdatas", "exactly one of rrdatas, routingPolicy must be set")
    if call.get("rrdatas") is not None and call.get("routingPolicy") is not None:
        yield Problem("rrdatas", "conflicts with routingPolicy: never set both")
    values = strings(given)
    if of == "CNAME" and len(values) > 1:
        yield Problem("rrdatas", f"{len(values)} names; a CNAME has one")
    for index, value in enumerate(values):
        if of == "A" and not _is_address(value):
            yield Problem(f"rrdatas[{index}]", f"{value!r} is no IPv4 address")
        if of == "CNAME" and not value.endswith("."):
            yield Problem(f"rrdatas[{index}]", f"{value!r} does not end with a dot")


def _is_address(value: str) -> bool:
    try:
        ipaddress.IPv4Address(value)
    except ValueError:
        return False
    return True


def _empty(resource: Resource, call: Call) -> None:
    if resource.inputs.get("forceDestroy") is True:
        return
    held = [
        one.name for one in call.store.list_resources(type=RECORD) if one.inputs.get("managedZone") == resource.name
    ]
    if held:
        message = f"zone {resource.name} still has records: {', '.join(sorted(held))}"
        raise CloudRefusalError(message)


def _record_id(call: Call) -> str:
    zone = f"projects/{project_of(call)}/managedZones/{call.text('managedZone')}"
    return f"{zone}/rrsets/{call.text('name')}/{call.text('type')}"


def _zone_outputs(call: Call, id_: str) -> dict[str, Any]:
    return {
        "project": project_of(call),
        "managedZoneId": str(sum(id_.encode()) * 7919),
        "nameServers": ["ns-gcp-private.googledomains.com."],
    }


DNS_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=ZONE,
        name="name",
        make=named(_zone_id),
        key=_zone_id,
        outputs=_zone_outputs,
        planned=lambda call: {"name": call.text("name")},
        immutable=frozenset({"dnsName", "name", "project", "reverseLookup", "visibility"}),
        parents=(("privateVisibilityConfig.networks[].networkUrl", NETWORK),),
        rules=(
            matches("name", NAME_PATTERN, NAME_WORDS),
            matches("dnsName", _NAME, "labels with a dot after each"),
            one_of("visibility", ("private", "public")),
            one_of("deletionPolicy", ("DELETE", "PREVENT", "ABANDON")),
            label_rules,
            _visible,
        ),
        removal=_empty,
    ),
    TypeSpec(
        type_name=RECORD,
        name="name",
        make=named(_record_id),
        key=_record_id,
        outputs=lambda call, _id: {"project": project_of(call)},
        immutable=frozenset({"managedZone", "name", "project"}),
        rules=(
            needs("managedZone", "name", "type"),
            matches("name", _NAME, "labels with a dot after each"),
            one_of("type", _TYPES),
            one_of("deletionPolicy", ("DELETE", "PREVENT", "ABANDON")),
            _in_zone,
            _data,
        ),
    ),
)
