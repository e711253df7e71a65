"""Google Cloud networking as its API enforces it: networks, subnetworks, routers, NAT, firewalls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.checks import (
    networks,
    not_offered,
    objects,
    overlap_problems,
)
from components.rules.model import Problem
from rehearsal.providers.facts import GCP_ZONES
from rehearsal.providers.model import Call, Made, TypeSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rehearsal.providers.store import Resource

NETWORK, SUBNETWORK = "gcp:compute/network:Network", "gcp:compute/subnetwork:Subnetwork"
ROUTER = "gcp:compute/router:Router"
_API = "https://www.googleapis.com/compute/v1/"
# Ranges that Google Cloud keeps for itself in every network.
_RESERVED = {"Google's own ranges": "172.17.0.0/16"}


def project_of(call: Call) -> str:
    """The resource's project, else the provider's."""
    return call.text("project") or str(call.config.get("project", ""))


def region_of(call: Call) -> str:
    """The resource's region, else the provider's."""
    return call.text("region") or str(call.config.get("region", ""))


def named(path: Callable[[Call], str], *, region: Callable[[Call], str] = lambda _call: "") -> Callable[[Call], Made]:
    """Ids such as `projects/P/global/networks/N`."""
    return lambda call: Made(id=path(call), region=region(call))


def region_rule(call: Call) -> Iterator[Problem]:
    """A regional resource lies in a region that exists."""
    region = call.get("region")
    value = region if region is not None else call.config.get("region")
    if value is None:
        yield Problem("region", "is required: neither the resource nor the provider names one")
    elif isinstance(value, str) and value not in GCP_ZONES:
        yield Problem("region", not_offered(value, GCP_ZONES, what="region"))


def find(call: Call, type_: str, value: str) -> Resource | None:
    """A resource by id, by self link, or by its bare name."""
    plain = value.removeprefix(_API).removeprefix("https://compute.googleapis.com/compute/v1/")
    found = call.store.get_resource(plain, type=type_)
    if found is not None or "/" in plain:
        return found
    return next((item for item in call.store.find_by_name(type_, plain) if project_of(call) in item.id), None)


def _ranges(inputs: Any) -> dict[str, str]:
    ranges = {"primary": str(inputs.get("ipCidrRange", ""))}
    for entry in objects(inputs.get("secondaryIpRanges")):
        ranges[str(entry.get("rangeName"))] = str(entry.get("ipCidrRange"))
    return {name: value for name, value in ranges.items() if networks([value])}


def _subnet_ranges(call: Call) -> Iterator[Problem]:
    primary = call.text("ipCidrRange")
    secondary = objects(call.known("secondaryIpRanges"))
    own: dict[str, str] = {"the primary range": primary} if primary else {}
    for index, entry in enumerate(secondary):
        path = f"secondaryIpRanges[{index}]"
        name, block = entry.get("rangeName"), entry.get("ipCidrRange")
        if isinstance(block, str):
            yield from overlap_problems(f"{path}.ipCidrRange", block, own | _RESERVED)
            own[str(name)] = block
    network = find(call, NETWORK, call.text("network"))
    if network is None:
        return
    for other in call.store.list_resources(type=SUBNETWORK):
        if other.urn == call.urn or find(call, NETWORK, str(other.inputs.get("network"))) != network:
            continue
        held = {f"{other.name} ({name})": value for name, value in _ranges(other.inputs).items()}
        for name, value in own.items():
            yield from overlap_problems(
                "ipCidrRange" if name == "the primary range" else "secondaryIpRanges", value, held
            )


def _self_link(call: Call, id_: str) -> dict[str, Any]:
    del call
    return {"selfLink": _API + id_}


def _regional(kind: str) -> Callable[[Call], str]:
    return lambda call: f"projects/{project_of(call)}/regions/{region_of(call)}/{kind}/{call.text('name')}"


def _subnet_outputs(call: Call, id_: str) -> dict[str, Any]:
    first = networks([call.text("ipCidrRange")])
    return _self_link(call, id_) | {
        "gatewayAddress": str(first[0].network_address + 1) if first else "",
        "region": region_of(call),
        "project": project_of(call),
        "subnetworkId": sum(id_.encode()) * 7919,
    }


def _nat_id(call: Call) -> str:
    router = call.text("router").rsplit("/", 1)[-1]
    return f"{project_of(call)}/{region_of(call)}/{router}/{call.text('name')}"


NETWORK_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=NETWORK,
        make=named(lambda call: f"projects/{project_of(call)}/global/networks/{call.text('name')}"),
        key=lambda call: f"{project_of(call)}/{call.text('name')}",
        outputs=lambda call, id_: (
            _self_link(call, id_)
            | {
                "networkId": str(sum(id_.encode()) * 7919),
                "numericId": str(sum(id_.encode()) * 7919),
                "project": project_of(call),
            }
        ),
        planned=lambda call: {"name": call.text("name"), "project": project_of(call)},
    ),
    TypeSpec(
        type_name=SUBNETWORK,
        make=named(_regional("subnetworks"), region=region_of),
        key=lambda call: f"{project_of(call)}/{region_of(call)}/{call.text('name')}",
        outputs=_subnet_outputs,
        planned=lambda call: {"name": call.text("name"), "region": region_of(call)},
        parents=(("network", NETWORK),),
        rules=(
            region_rule,
            _subnet_ranges,
        ),
    ),
    TypeSpec(
        type_name=ROUTER,
        make=named(_regional("routers"), region=region_of),
        key=lambda call: f"{project_of(call)}/{region_of(call)}/{call.text('name')}",
        outputs=lambda call, id_: _self_link(call, id_) | {"region": region_of(call), "project": project_of(call)},
        planned=lambda call: {"name": call.text("name"), "region": region_of(call)},
        parents=(("network", NETWORK),),
        rules=(region_rule,),
    ),
    TypeSpec(
        type_name="gcp:compute/routerNat:RouterNat",
        make=named(_nat_id, region=region_of),
        key=_nat_id,
        outputs=lambda call, _id: {"region": region_of(call), "project": project_of(call)},
        parents=(("router", ROUTER), ("subnetworks[].name", SUBNETWORK)),
        rules=(region_rule,),
    ),
    TypeSpec(
        type_name="gcp:compute/firewall:Firewall",
        make=named(lambda call: f"projects/{project_of(call)}/global/firewalls/{call.text('name')}"),
        key=lambda call: f"{project_of(call)}/{call.text('name')}",
        outputs=lambda call, id_: _self_link(call, id_) | {"project": project_of(call)},
        parents=(("network", NETWORK),),
    ),
)
