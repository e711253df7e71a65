"""Filestore as its API enforces it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.checks import (
    cidr_problems,
    matches,
    networks,
    one_of,
    shape,
    strings,
)
from components.rules.gcp.net import LABELS, NAME_PATTERN, NAME_WORDS
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

# Tier -> smallest and largest size in GiB, its step, and from which size on that step holds; below it is 1 GiB. What
# REGIONAL takes from 100 on, it takes in some regions only.
_TIERS = {
    "BASIC_HDD": (1024, 65_433, 1, 0),
    "BASIC_SSD": (2560, 65_433, 1, 0),
    "ENTERPRISE": (1024, 10_240, 256, 0),
    "HIGH_SCALE_SSD": (10_240, 102_400, 2560, 0),
    "PREMIUM": (2560, 65_433, 1, 0),
    "REGIONAL": (100, 102_400, 2560, 10_240),
    "STANDARD": (1024, 65_433, 1, 0),
    "ZONAL": (100, 102_400, 2560, 10_240),
}


_OPTIONS = "fileShares.nfsExportOptions"
_NEW_PROTOCOL = frozenset({"HIGH_SCALE_SSD", "ZONAL", "REGIONAL", "ENTERPRISE"})


def _size(call: Inputs) -> Iterator[Problem]:
    size, tier = call.known("fileShares.capacityGb"), call.text("tier")
    if not isinstance(size, int) or tier not in _TIERS:
        return
    smallest, largest, step, stepped = _TIERS[tier]
    if not smallest <= size <= largest:
        yield Problem("fileShares.capacityGb", f"tier {tier} takes {smallest} to {largest} GiB, not {size}")
    elif size >= stepped and size % step:
        since = f" from {stepped} GiB on" if stepped else ""
        yield Problem("fileShares.capacityGb", f"tier {tier} takes multiples of {step} GiB{since}, not {size}")


def _exports(call: Inputs) -> Iterator[Problem]:
    """Whom a share is open to; nobody is named by two options."""
    seen: list[str] = []

    def of(path: str, option: dict[str, Any]) -> Iterator[Problem]:
        for value in strings(option.get("ipRanges")):
            # A single address is taken too.
            block = value if "/" in value else f"{value}/32"
            yield from cidr_problems(f"{path}.ipRanges", block, longest=32, private=False)
            for other in seen:
                if any(mine.overlaps(theirs) for mine in networks([block]) for theirs in networks([other])):
                    yield Problem(f"{path}.ipRanges", f"{block} overlaps {other}")
            seen.append(block)

    yield from call.each(_OPTIONS, of)


def _squashed(call: Inputs) -> Iterator[Problem]:
    def of(path: str, option: dict[str, Any]) -> Iterator[Problem]:
        if option.get("squashMode") != "ROOT_SQUASH" and (option.get("anonUid") or option.get("anonGid")):
            yield Problem(f"{path}.squashMode", "anonUid and anonGid are taken with ROOT_SQUASH only")

    yield from call.each(_OPTIONS, of)


def _options(call: Inputs) -> Iterator[Problem]:
    options = call.get(_OPTIONS)
    if isinstance(options, list) and len(options) > 10:
        yield Problem(_OPTIONS, f"{len(options)} options; a share takes 10")


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
            {
                "fileShares.name",
                "fileShares.sourceBackup",
                "fileShares.sourceBackupdrBackup",
                "kmsKeyName",
                "location",
                "networks#",
                "networks.connectMode",
                "networks.modes",
                "networks.network",
                "networks.pscConfig",
                "networks.reservedIpRange",
                "project",
                "protocol",
                "tags",
                "tier",
                "zone",
            }
        ),
        rules=(
            LABELS,
            shape(_size, fix="take a size that the tier is sold in"),
            shape(_exports, _squashed, _options, fix="name each client in one of ten options; ids go with ROOT_SQUASH"),
            shape(_key_place, fix="take a key of the instance's own region"),
            shape(_protocol, fix="take NFS_V3, or a tier that has the newer protocol"),
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
