"""Names inside Google Cloud's networks: private zones of Cloud DNS and their records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.model import Problem
from rehearsal.providers.gcp_net import NETWORK, named, project_of
from rehearsal.providers.model import Call, CloudRefusalError, TypeSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.store import Resource

ZONE, RECORD = "gcp:dns/managedZone:ManagedZone", "gcp:dns/recordSet:RecordSet"


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
        make=named(_zone_id),
        key=_zone_id,
        outputs=_zone_outputs,
        planned=lambda call: {"name": call.text("name")},
        parents=(("privateVisibilityConfig.networks[].networkUrl", NETWORK),),
        removal=_empty,
    ),
    TypeSpec(
        type_name=RECORD,
        make=named(_record_id),
        key=_record_id,
        outputs=lambda call, _id: {"project": project_of(call)},
        rules=(_in_zone,),
    ),
)
