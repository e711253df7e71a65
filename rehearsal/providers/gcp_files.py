"""Filestore as its API enforces it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.checks import not_offered, objects
from components.rules.model import Problem
from rehearsal.providers.facts import GCP_ZONES
from rehearsal.providers.gcp_net import NETWORK, find, named, project_of
from rehearsal.providers.gcp_private import CONNECTION
from rehearsal.providers.gcp_rest import KEY
from rehearsal.providers.model import Call, CloudRefusalError, TypeSpec
from rehearsal.providers.rules import derived

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.store import Resource

FILES = "gcp:filestore/instance:Instance"
_REGIONAL = frozenset({"ENTERPRISE", "REGIONAL"})


def _place(call: Call) -> Iterator[Problem]:
    value = call.known("location")
    if call.get("location") is None and call.get("zone") is None:
        yield Problem("location", "is required by the API")
    if not isinstance(value, str):
        return
    zones = [zone for several in GCP_ZONES.values() for zone in several]
    if call.text("tier") in _REGIONAL and value not in GCP_ZONES:
        yield Problem("location", not_offered(value, GCP_ZONES, what="region"))
    elif value not in GCP_ZONES and value not in zones:
        yield Problem("location", not_offered(value, zones, what="zone"))


def _joined(call: Call) -> Iterator[Problem]:
    given = objects(call.known("networks"))
    if len(given) > 1:
        yield Problem("networks", f"{len(given)} networks; an instance takes one")
    for index, one in enumerate(given):
        network = find(call, NETWORK, str(one.get("network")))
        if one.get("connectMode") == "PRIVATE_SERVICE_ACCESS" and network is not None:
            connections = call.store.list_resources(type=CONNECTION)
            if not any(find(call, NETWORK, str(c.inputs.get("network"))) == network for c in connections):
                yield Problem(f"networks[{index}].connectMode", f"{network.name} is not joined to Google's services")


def _id(call: Call) -> str:
    return f"projects/{project_of(call)}/locations/{call.text('location')}/instances/{call.text('name')}"


def _outputs(call: Call, id_: str) -> dict[str, Any]:
    labels = call.known("labels") or {}
    # An address of the range that the network keeps for Google's services; which one is the service's affair.
    tail = int(derived(id_, "address")[:2], 16) % 250 + 2
    network = dict(next(iter(objects(call.known("networks"))), {}))
    joined = find(call, NETWORK, str(network.get("network")))
    ranges = [
        item
        for item in call.store.list_resources(type="gcp:compute/globalAddress:GlobalAddress")
        if find(call, NETWORK, str(item.inputs.get("network"))) == joined
    ]
    base = str(ranges[0].inputs.get("address")) if ranges else "10.255.0.0"
    return {
        "pulumiLabels": labels,
        "effectiveLabels": labels | {"goog-pulumi-provisioned": "true"},
        "networks": [network | {"ipAddresses": [f"{base.rsplit('.', 1)[0]}.{tail}"]}],
        "project": project_of(call),
    }


def _kept(resource: Resource, _call: Call) -> None:
    if resource.inputs.get("deletionProtectionEnabled") is True:
        message = f"{resource.id} is protected against deletion; switch deletion_protection_enabled off first"
        raise CloudRefusalError(message)


FILE_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=FILES,
        make=named(_id, region=lambda call: call.text("location")),
        key=_id,
        outputs=_outputs,
        planned=lambda call: {"name": call.text("name")},
        removal=_kept,
        parents=(("networks[].network", NETWORK), ("kmsKeyName", KEY)),
        rules=(
            _place,
            _joined,
        ),
    ),
)
