"""Google Cloud networking as its API enforces it: networks, subnetworks, routers, NAT, firewalls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.providers.facts import GCP_ZONES
from rehearsal.providers.model import Call, Made, TypeSpec
from rehearsal.providers.rules import (
    between,
    cidr_problems,
    matches,
    needs,
    networks,
    not_offered,
    objects,
    one_of,
    overlap_problems,
)
from rehearsal.providers.sdktypes import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rehearsal.providers.store import Resource

NETWORK, SUBNETWORK = "gcp:compute/network:Network", "gcp:compute/subnetwork:Subnetwork"
ROUTER = "gcp:compute/router:Router"
_API = "https://www.googleapis.com/compute/v1/"
NAME_PATTERN = r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?"
NAME_WORDS = "1 to 63 lower-case letters, digits and -, beginning with a letter and not ending with -"
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


def label_rules(call: Call) -> Iterator[Problem]:
    """At most 64 labels of lower-case letters, digits, `_` and `-`; values may not be empty here, because they diff
    for ever."""
    import re

    for name in ("labels", "resourceLabels"):
        labels = call.known(name)
        if not isinstance(labels, dict):
            continue
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
    yield from cidr_problems("ipCidrRange", primary, shortest=8, longest=29) if primary else ()
    names: set[str] = set()
    secondary = objects(call.known("secondaryIpRanges"))
    own: dict[str, str] = {"the primary range": primary} if primary else {}
    for index, entry in enumerate(secondary):
        path = f"secondaryIpRanges[{index}]"
        name, block = entry.get("rangeName"), entry.get("ipCidrRange")
        if isinstance(name, str) and name in names:
            yield Problem(f"{path}.rangeName", f"{name!r} is used twice")
        if isinstance(block, str):
            yield from cidr_problems(f"{path}.ipCidrRange", block, shortest=8, longest=29, private=False)
            yield from overlap_problems(f"{path}.ipCidrRange", block, own | _RESERVED)
            own[str(name)] = block
        names.add(str(name))
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


def _firewall_shape(call: Call) -> Iterator[Problem]:
    if (call.get("allows") is None) == (call.get("denies") is None):
        yield Problem("allows", "exactly one of allows, denies must be set")
    if call.known("direction") == "EGRESS" and call.get("sourceRanges") is not None:
        yield Problem("sourceRanges", "is for INGRESS; an EGRESS rule names destinationRanges")
    if call.known("direction") != "EGRESS" and all(
        call.get(name) is None for name in ("sourceRanges", "sourceTags", "sourceServiceAccounts")
    ):
        yield Problem("sourceRanges", "one of sourceRanges, sourceTags, sourceServiceAccounts is required for INGRESS")


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


_NAMED = matches("name", NAME_PATTERN, NAME_WORDS)
NETWORK_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=NETWORK,
        name="name",
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
        immutable=frozenset(
            {"autoCreateSubnetworks", "description", "internalIpv6Range", "networkProfile", "params", "project"}
        ),
        rules=(_NAMED, one_of("routingMode", ("REGIONAL", "GLOBAL")), between("mtu", 1300, 8896)),
    ),
    TypeSpec(
        type_name=SUBNETWORK,
        name="name",
        make=named(_regional("subnetworks"), region=region_of),
        key=lambda call: f"{project_of(call)}/{region_of(call)}/{call.text('name')}",
        outputs=_subnet_outputs,
        planned=lambda call: {"name": call.text("name"), "region": region_of(call)},
        immutable=frozenset({"description", "externalIpv6Prefix", "network", "params", "project", "region"}),
        parents=(("network", NETWORK),),
        rules=(
            _NAMED,
            needs("ipCidrRange"),
            region_rule,
            one_of("purpose", ("PRIVATE", "REGIONAL_MANAGED_PROXY", "PRIVATE_SERVICE_CONNECT", "GLOBAL_MANAGED_PROXY")),
            _subnet_ranges,
        ),
    ),
    TypeSpec(
        type_name=ROUTER,
        name="name",
        make=named(_regional("routers"), region=region_of),
        key=lambda call: f"{project_of(call)}/{region_of(call)}/{call.text('name')}",
        outputs=lambda call, id_: _self_link(call, id_) | {"region": region_of(call), "project": project_of(call)},
        planned=lambda call: {"name": call.text("name"), "region": region_of(call)},
        immutable=frozenset({"encryptedInterconnectRouter", "network", "params", "project", "region"}),
        parents=(("network", NETWORK),),
        rules=(_NAMED, needs("network"), region_rule),
    ),
    TypeSpec(
        type_name="gcp:compute/routerNat:RouterNat",
        name="name",
        make=named(_nat_id, region=region_of),
        key=_nat_id,
        outputs=lambda call, _id: {"region": region_of(call), "project": project_of(call)},
        immutable=frozenset({"endpointTypes", "initialNatIps", "project", "region", "router", "type"}),
        parents=(("router", ROUTER), ("subnetworks[].name", SUBNETWORK)),
        rules=(
            _NAMED,
            region_rule,
            one_of("natIpAllocateOption", ("AUTO_ONLY", "MANUAL_ONLY")),
            one_of(
                "sourceSubnetworkIpRangesToNat",
                ("ALL_SUBNETWORKS_ALL_IP_RANGES", "ALL_SUBNETWORKS_ALL_PRIMARY_IP_RANGES", "LIST_OF_SUBNETWORKS"),
            ),
        ),
    ),
    TypeSpec(
        type_name="gcp:compute/firewall:Firewall",
        name="name",
        make=named(lambda call: f"projects/{project_of(call)}/global/firewalls/{call.text('name')}"),
        key=lambda call: f"{project_of(call)}/{call.text('name')}",
        outputs=lambda call, id_: _self_link(call, id_) | {"project": project_of(call)},
        immutable=frozenset({"direction", "params", "project"}),
        parents=(("network", NETWORK),),
        rules=(_NAMED, one_of("direction", ("INGRESS", "EGRESS")), between("priority", 0, 65535), _firewall_shape),
    ),
)
