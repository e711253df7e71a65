"""Memorystore for Valkey as its API enforces it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.checks import networks, not_offered, objects
from components.rules.model import Problem
from rehearsal.providers.facts import GCP_ZONES
from rehearsal.providers.gcp_net import NETWORK, SUBNETWORK, find, named, project_of
from rehearsal.providers.gcp_private import POLICY
from rehearsal.providers.gcp_rest import KEY
from rehearsal.providers.model import Call, CloudRefusalError, TypeSpec
from rehearsal.providers.rules import derived

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.store import Resource

VALKEY = "gcp:memorystore/instance:Instance"
_CLASS = "gcp-memorystore"


def _place(call: Call) -> Iterator[Problem]:
    value, key = call.known("location"), call.known("kmsKey")
    if isinstance(value, str) and value not in GCP_ZONES:
        yield Problem("location", not_offered(value, GCP_ZONES, what="region"))
    if isinstance(key, str) and "/locations/" in key and isinstance(value, str):
        where = key.split("/locations/", 1)[1].split("/", 1)[0]
        if where != value:
            yield Problem("kmsKey", f"the key lies in {where}, the instance in {value}: they must be the same")


def _endpoints(call: Call) -> Iterator[Problem]:
    wanted = objects(call.known("desiredAutoCreatedEndpoints"))
    if call.get("desiredAutoCreatedEndpoints") is None and call.get("desiredPscAutoConnections") is None:
        yield Problem("desiredAutoCreatedEndpoints", "is required: without endpoints nobody reaches the instance")
    for index, one in enumerate(wanted):
        path = f"desiredAutoCreatedEndpoints[{index}].network"
        name = one.get("network")
        network = find(call, NETWORK, name) if isinstance(name, str) else None
        if isinstance(name, str) and network is None:
            yield Problem(path, f"there is no network {name!r}")
        elif network is not None and _policy(call, network) is None:
            yield Problem(path, f"{network.name} has no policy for {_CLASS} in {call.text('location')}")


def _policy(call: Call, network: Resource) -> Resource | None:
    for policy in call.store.list_resources(type=POLICY):
        inputs = policy.inputs
        mine = find(call, NETWORK, str(inputs.get("network"))) == network
        if mine and inputs.get("serviceClass") == _CLASS and inputs.get("location") == call.text("location"):
            return policy
    return None


def _id(call: Call) -> str:
    return f"projects/{project_of(call)}/locations/{call.text('location')}/instances/{call.text('instanceId')}"


def _address(call: Call, network: Resource | None, id_: str, which: str) -> str:
    """An address of the subnet that the network's policy names; which one is the service's affair."""
    policy = _policy(call, network) if network is not None else None
    names = (policy.inputs.get("pscConfig") or {}).get("subnetworks") if policy is not None else None
    subnet = find(call, SUBNETWORK, str(names[0])) if names else None
    found = networks([subnet.inputs.get("ipCidrRange")]) if subnet is not None else []
    if not found:
        return ""
    return str(found[0].network_address + 1000 + int(derived(id_, which)[:3], 16) % 1000)


def _outputs(call: Call, id_: str) -> dict[str, Any]:
    wanted = next(iter(objects(call.known("desiredAutoCreatedEndpoints"))), {})
    network = find(call, NETWORK, str(wanted.get("network")))
    kinds = ("PRIMARY", "READER") if call.known("mode") == "CLUSTER_DISABLED" else ("DISCOVERY",)
    connections = [
        {
            "pscAutoConnection": {
                "connectionType": f"CONNECTION_TYPE_{kind}",
                "ipAddress": _address(call, network, id_, kind),
                "network": str(wanted.get("network")),
                "port": 6379,
                "projectId": str(wanted.get("projectId")),
            }
        }
        for kind in kinds
    ]
    labels = call.known("labels") or {}
    return {
        "pulumiLabels": labels,
        "effectiveLabels": labels | {"goog-pulumi-provisioned": "true"},
        "endpoints": [{"connections": connections}],
        "name": id_,
        "project": project_of(call),
        "state": "ACTIVE",
        "uid": derived(id_, "uid"),
    }


def _kept(resource: Resource, _call: Call) -> None:
    if resource.inputs.get("deletionProtectionEnabled") is True or resource.inputs.get("deletionPolicy") == "PREVENT":
        message = f"{resource.id} is protected against deletion; switch deletion_protection_enabled off first"
        raise CloudRefusalError(message)


CACHE_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=VALKEY,
        make=named(_id, region=lambda call: call.text("location")),
        key=_id,
        outputs=_outputs,
        planned=lambda call: {"name": _id(call)},
        removal=_kept,
        parents=(("desiredAutoCreatedEndpoints[].network", NETWORK), ("kmsKey", KEY)),
        rules=(
            _place,
            _endpoints,
        ),
    ),
)
