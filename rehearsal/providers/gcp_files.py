"""Filestore as its API enforces it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.providers.facts import GCP_ZONES
from rehearsal.providers.gcp_net import NAME_PATTERN, NAME_WORDS, NETWORK, find, label_rules, named, project_of
from rehearsal.providers.gcp_private import CONNECTION
from rehearsal.providers.gcp_rest import KEY
from rehearsal.providers.model import Call, CloudRefusalError, TypeSpec
from rehearsal.providers.rules import cidr_problems, derived, matches, networks, not_offered, objects, one_of, strings
from rehearsal.providers.sdktypes import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.store import Resource

FILES = "gcp:filestore/instance:Instance"
# Tier -> smallest and largest size; from _STEPPED on the larger tiers come in steps.
_TIERS = {
    "BASIC_HDD": (1024, 65_433),
    "BASIC_SSD": (2560, 65_433),
    "ENTERPRISE": (1024, 10_240),
    "HIGH_SCALE_SSD": (10_240, 102_400),
    "PREMIUM": (2560, 65_433),
    "REGIONAL": (1024, 102_400),
    "STANDARD": (1024, 65_433),
    "ZONAL": (1024, 102_400),
}
_REGIONAL = frozenset({"ENTERPRISE", "REGIONAL"})
_NEW_PROTOCOL = frozenset({"HIGH_SCALE_SSD", "ZONAL", "REGIONAL", "ENTERPRISE"})
_STEPPED, _STEP = 10_240, 2560


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


def _size(call: Call) -> Iterator[Problem]:
    size, tier = call.known("fileShares.capacityGb"), call.text("tier")
    if not isinstance(size, int) or tier not in _TIERS:
        return
    smallest, largest = _TIERS[tier]
    if not smallest <= size <= largest:
        yield Problem("fileShares.capacityGb", f"tier {tier} takes {smallest} to {largest} GiB, not {size}")
    elif size > _STEPPED and size % _STEP:
        yield Problem("fileShares.capacityGb", f"above {_STEPPED} GiB only multiples of {_STEP}, not {size}")


def _exports(call: Call) -> Iterator[Problem]:
    options = objects(call.known("fileShares.nfsExportOptions"))
    if len(options) > 10:
        yield Problem("fileShares.nfsExportOptions", f"{len(options)} options; a share takes 10")
    seen: list[str] = []
    for index, option in enumerate(options):
        path = f"fileShares.nfsExportOptions[{index}]"
        for value in strings(option.get("ipRanges")):
            # A single address is taken too.
            block = value if "/" in value else f"{value}/32"
            yield from cidr_problems(f"{path}.ipRanges", block, longest=32, private=False)
            for other in seen:
                if any(mine.overlaps(theirs) for mine in networks([block]) for theirs in networks([other])):
                    yield Problem(f"{path}.ipRanges", f"{block} overlaps {other}")
            seen.append(block)
        if option.get("squashMode") != "ROOT_SQUASH" and (option.get("anonUid") or option.get("anonGid")):
            yield Problem(f"{path}.squashMode", "anonUid and anonGid are taken with ROOT_SQUASH only")


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


def _key_place(call: Call) -> Iterator[Problem]:
    key, location = call.known("kmsKeyName"), call.text("location")
    if isinstance(key, str) and "/locations/" in key and location:
        where = key.split("/locations/", 1)[1].split("/", 1)[0]
        if not location.startswith(where):
            yield Problem("kmsKeyName", f"the key lies in {where}, the instance in {location}: they must be the same")


def _protocol(call: Call) -> Iterator[Problem]:
    if call.known("protocol") == "NFS_V4_1" and call.text("tier") not in _NEW_PROTOCOL:
        yield Problem("protocol", f"NFS_V4_1 is for {', '.join(sorted(_NEW_PROTOCOL))}, not {call.text('tier')}")


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
        name="name",
        make=named(_id, region=lambda call: call.text("location")),
        key=_id,
        outputs=_outputs,
        planned=lambda call: {"name": call.text("name")},
        removal=_kept,
        immutable=frozenset(
            {"initialReplication", "kmsKeyName", "location", "networks", "project", "protocol", "tier", "zone"}
            | {"fileShares.name", "fileShares.sourceBackup"}
        ),
        parents=(("networks[].network", NETWORK), ("kmsKeyName", KEY)),
        rules=(
            label_rules,
            _place,
            _size,
            _exports,
            _joined,
            _key_place,
            _protocol,
            one_of("tier", tuple(_TIERS)),
            one_of("protocol", ("NFS_V3", "NFS_V4_1")),
            one_of("networks[0].connectMode", ("DIRECT_PEERING", "PRIVATE_SERVICE_ACCESS", "PRIVATE_SERVICE_CONNECT")),
            one_of("fileShares.nfsExportOptions[0].accessMode", ("READ_ONLY", "READ_WRITE")),
            one_of("fileShares.nfsExportOptions[0].squashMode", ("NO_ROOT_SQUASH", "ROOT_SQUASH")),
            matches("name", NAME_PATTERN, NAME_WORDS),
            matches("fileShares.name", r"[a-z][a-z0-9_]{0,15}", "1 to 16 lower-case letters, digits and _"),
        ),
    ),
)
