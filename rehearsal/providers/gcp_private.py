"""How Google's own services are joined to a network: reserved ranges, peerings, endpoint policies."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from components.rules.checks import networks, not_offered, overlap_problems, strings
from components.rules.model import Problem
from rehearsal.providers.facts import GCP_ZONES
from rehearsal.providers.gcp_net import NETWORK, SUBNETWORK, find, named, project_of
from rehearsal.providers.model import Call, Made, TypeSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESS, CONNECTION = "gcp:compute/globalAddress:GlobalAddress", "gcp:servicenetworking/connection:Connection"
POLICY = "gcp:networkconnectivity/serviceConnectionPolicy:ServiceConnectionPolicy"


def _range(inputs: Any) -> str:
    address, length = inputs.get("address"), inputs.get("prefixLength")
    return f"{address}/{length}" if isinstance(address, str) and isinstance(length, int) else ""


def _reserved(call: Call) -> Iterator[Problem]:
    if call.known("purpose") != "VPC_PEERING":
        return
    if call.known("addressType") != "INTERNAL":
        yield Problem("addressType", "must be INTERNAL when the purpose is VPC_PEERING")
    if call.get("network") is None:
        yield Problem("network", "is required by the API when the purpose is VPC_PEERING")
    if call.get("prefixLength") is None:
        yield Problem("prefixLength", "is required by the API when the purpose is VPC_PEERING")
    block = _range(call.inputs)
    if not block:
        return
    try:
        ipaddress.IPv4Network(block)
    except ValueError as error:
        yield Problem("address", f"{block} is no IPv4 network: {error}")
        return
    network = find(call, NETWORK, call.text("network"))
    if network is None:
        return
    held: dict[str, str] = {}
    for subnet in call.store.list_resources(type=SUBNETWORK):
        if find(call, NETWORK, str(subnet.inputs.get("network"))) == network:
            ranges = [subnet.inputs, *(subnet.inputs.get("secondaryIpRanges") or [])]
            held |= {f"{subnet.name} ({index})": str(one.get("ipCidrRange")) for index, one in enumerate(ranges)}
    for other in call.store.list_resources(type=ADDRESS):
        if other.urn != call.urn and find(call, NETWORK, str(other.inputs.get("network"))) == network:
            held[other.name] = _range(other.inputs)
    yield from overlap_problems("address", block, {name: value for name, value in held.items() if networks([value])})


def _ranges_exist(call: Call) -> Iterator[Problem]:
    for index, name in enumerate(strings(call.known("reservedPeeringRanges"))):
        if not call.store.find_by_name(ADDRESS, name) and not call.will_exist(ADDRESS, name):
            yield Problem(f"reservedPeeringRanges[{index}]", f"there is no reserved range {name!r} in this project")


def _location(call: Call) -> Iterator[Problem]:
    value = call.known("location")
    if isinstance(value, str) and value not in GCP_ZONES:
        yield Problem("location", not_offered(value, GCP_ZONES, what="region"))


# The services that are made here; others have classes of their own, which the cloud takes too.
_CLASSES = ("gcp-memorystore", "gcp-memorystore-redis", "google-cloud-sql")


def _service_class(call: Call) -> Iterator[Problem]:
    value = call.known("serviceClass")
    if isinstance(value, str) and value not in _CLASSES:
        yield Problem("serviceClass", not_offered(value, _CLASSES, what="service of the rehearsal"))


def _policy_id(call: Call) -> str:
    place = f"projects/{project_of(call)}/locations/{call.text('location')}"
    return f"{place}/serviceConnectionPolicies/{call.text('name')}"


PRIVATE_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=ADDRESS,
        make=named(lambda call: f"projects/{project_of(call)}/global/addresses/{call.text('name')}"),
        key=lambda call: f"{project_of(call)}/{call.text('name')}",
        outputs=lambda call, id_: {
            "selfLink": f"https://www.googleapis.com/compute/v1/{id_}",
            "project": project_of(call),
        },
        planned=lambda call: {"name": call.text("name")},
        parents=(("network", NETWORK),),
        rules=(_reserved,),
    ),
    TypeSpec(
        type_name=CONNECTION,
        make=lambda call: Made(id=f"{call.text('network')}:{call.text('service')}"),
        key=lambda call: f"{call.text('network')}:{call.text('service')}",
        outputs=lambda call, _id: {"peering": "servicenetworking-googleapis-com"},
        parents=(("network", NETWORK),),
        rules=(_ranges_exist,),
    ),
    TypeSpec(
        type_name=POLICY,
        make=lambda call: Made(id=_policy_id(call), region=call.text("location")),
        key=_policy_id,
        outputs=lambda call, id_: {
            "project": project_of(call),
            "infrastructure": "PSC",
            "etag": str(sum(id_.encode())),
        },
        planned=lambda call: {"name": call.text("name")},
        parents=(("network", NETWORK), ("pscConfig.subnetworks[]", SUBNETWORK)),
        rules=(_location, _service_class),
    ),
)
