"""Filestore as its API enforces it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.rules.checks import (
    cidr_problems,
    matches,
    networks,
    objects,
    one_of,
    shape,
    strings,
)
from components.rules.gcp.net import LABELS, NAME_PATTERN, NAME_WORDS
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

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


_NEW_PROTOCOL = frozenset({"HIGH_SCALE_SSD", "ZONAL", "REGIONAL", "ENTERPRISE"})
_STEPPED, _STEP = 10_240, 2560


def _size(call: Inputs) -> Iterator[Problem]:
    size, tier = call.known("fileShares.capacityGb"), call.text("tier")
    if not isinstance(size, int) or tier not in _TIERS:
        return
    smallest, largest = _TIERS[tier]
    if not smallest <= size <= largest:
        yield Problem("fileShares.capacityGb", f"tier {tier} takes {smallest} to {largest} GiB, not {size}")
    elif size > _STEPPED and size % _STEP:
        yield Problem("fileShares.capacityGb", f"above {_STEPPED} GiB only multiples of {_STEP}, not {size}")


def _exports(call: Inputs) -> Iterator[Problem]:
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


def _key_place(call: Inputs) -> Iterator[Problem]:
    key, location = call.known("kmsKeyName"), call.text("location")
    if isinstance(key, str) and "/locations/" in key and location:
        where = key.split("/locations/", 1)[1].split("/", 1)[0]
        if not location.startswith(where):
            yield Problem("kmsKeyName", f"the key lies in {where}, the instance in {location}: they must be the same")


def _protocol(call: Inputs) -> Iterator[Problem]:
    if call.known("protocol") == "NFS_V4_1" and call.text("tier") not in _NEW_PROTOCOL:
        yield Problem("protocol", f"NFS_V4_1 is for {', '.join(sorted(_NEW_PROTOCOL))}, not {call.text('tier')}")


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="gcp:filestore/instance:Instance",
        name="name",
        immutable=frozenset(
            {"initialReplication", "kmsKeyName", "location", "networks", "project", "protocol", "tier", "zone"}
            | {"fileShares.name", "fileShares.sourceBackup"}
        ),
        rules=(
            LABELS,
            shape(_size),
            shape(_exports),
            shape(_key_place),
            shape(_protocol),
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
