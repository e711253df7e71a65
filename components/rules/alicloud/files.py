"""Alibaba Cloud file storage (NAS) as its API enforces it: file systems, who may mount, mount targets."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from components.rules.alicloud.net import TAGS
from components.rules.checks import (
    between,
    matches,
    needs,
    not_offered,
    one_of,
    shape,
)
from components.rules.model import Check, Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_STORAGE = {
    "standard": ("Performance", "Capacity", "Premium", "Agentic"),
    "extreme": ("standard", "advance"),
    "cpfs": ("advance_100", "advance_200"),
    "cpfsse": ("advance_100", "advance_200"),
}


_PROTOCOLS = {"standard": ("NFS", "SMB"), "extreme": ("NFS",), "cpfs": ("cpfs",), "cpfsse": ("cpfs",)}
_SMALLEST, _LARGEST = 100, 262_144


def kind_of(call: Inputs) -> str:
    return call.text("fileSystemType") or "standard"


def _fits(path: str, allowed: Mapping[str, tuple[str, ...]]) -> Check:
    def check(call: Inputs) -> Iterator[Problem]:
        kind, value = kind_of(call), call.known(path)
        if kind in allowed and isinstance(value, str) and value not in allowed[kind]:
            yield Problem(path, not_offered(value, allowed[kind], what="value", where=f"kind {kind}"))

    return check


def _sized(call: Inputs) -> Iterator[Problem]:
    kind = kind_of(call)
    # The Smart Edition grows by itself.
    for path in ("capacity", "zoneId") if kind in ("extreme", "cpfs") else ():
        if call.get(path) is None:
            yield Problem(path, f"is required by the API when fileSystemType is {kind}")


def _capacity(call: Inputs) -> Iterator[Problem]:
    capacity = call.known("capacity")
    if kind_of(call) == "extreme" and isinstance(capacity, int) and not _SMALLEST <= capacity <= _LARGEST:
        yield Problem("capacity", f"must lie between {_SMALLEST} and {_LARGEST}, not {capacity}")


def _extras(call: Inputs) -> Iterator[Problem]:
    given = [path for path in ("recycleBin", "nfsAcl", "smbAcl") if call.get(path) is not None]
    for path in given:
        if kind_of(call) in _STORAGE and kind_of(call) != "standard":
            yield Problem(path, "only a file system of kind standard has it")
        elif call.known("storageType") == "Agentic":
            yield Problem(path, "a file system of storageType Agentic does not have it")


def _own_key(call: Inputs) -> Iterator[Problem]:
    if call.known("encryptType") == 2 and call.get("kmsKeyId") is None:
        yield Problem("kmsKeyId", "is required by the API when encryptType is 2")
    if call.known("encryptType") != 2 and call.get("kmsKeyId") is not None:
        yield Problem("kmsKeyId", "is taken only when encryptType is 2")


def _encryption(call: Inputs) -> Iterator[Problem]:
    if call.known("encryptType") == 2 and kind_of(call) != "extreme":
        yield Problem("encryptType", f"a key of your own (2) is for kind extreme only, not {kind_of(call)}")


def _sources(call: Inputs) -> Iterator[Problem]:
    value = call.known("sourceCidrIp")
    if call.get("sourceCidrIp") is None and call.get("ipv6SourceCidrIp") is None:
        yield Problem("sourceCidrIp", "one of sourceCidrIp, ipv6SourceCidrIp is required by the API")
    if isinstance(value, str):
        try:
            ipaddress.IPv4Network(value)
        except ValueError as error:
            yield Problem("sourceCidrIp", f"{value!r} is no IPv4 network: {error}")


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="alicloud:nas/fileSystem:FileSystem",
        immutable=frozenset(
            {
                "encryptType",
                "fileSystemType",
                "kmsKeyId",
                "protocolType",
                "redundancyType",
                "redundancyVswitchIds",
                "storageType",
                "vpcId",
                "vswitchId",
                "zoneId",
            }
        ),
        rules=(
            TAGS,
            one_of("fileSystemType", tuple(_STORAGE)),
            one_of("encryptType", (0, 1, 2)),
            shape(
                *(_fits("storageType", _STORAGE), _fits("protocolType", _PROTOCOLS), _sized, _capacity, _extras),
                name="shape",
                fix="take what the kind of file system has: its storage, its protocol, its capacity",
            ),
            shape(_encryption, _own_key, fix="take encryptType 1, or kind extreme with encryptType 2 and a key"),
            matches(
                "description",
                r"(?!https?://)[a-zA-Z\u4e00-\u9fff][\w:-]{1,127}",
                "2 to 128 letters, digits, : _ and -, beginning with a letter",
            ),
        ),
    ),
    TypeRules(
        type_name="alicloud:nas/accessGroup:AccessGroup",
        name="accessGroupName",
        immutable=frozenset({"accessGroupType", "fileSystemType", "name", "type"}),
        rules=(
            needs("accessGroupType"),
            one_of("accessGroupType", ("Vpc", "Classic")),
            one_of("fileSystemType", ("standard", "extreme")),
            matches("accessGroupName", r"[a-zA-Z][\w-]{2,63}", "3 to 64 letters, digits, _ and -"),
        ),
    ),
    TypeRules(
        type_name="alicloud:nas/accessRule:AccessRule",
        immutable=frozenset({"accessGroupName", "fileSystemType"}),
        rules=(
            shape(_sources, fix="name a network such as 10.0.0.0/16"),
            between("priority", 1, 100),
            one_of("rwAccessType", ("RDWR", "RDONLY")),
            one_of("userAccessType", ("no_squash", "root_squash", "all_squash")),
            one_of("fileSystemType", ("standard", "extreme")),
        ),
    ),
    TypeRules(
        type_name="alicloud:nas/mountTarget:MountTarget",
        immutable=frozenset({"fileSystemId", "networkType", "vpcId", "vswitchId"}),
        rules=(
            one_of("networkType", ("Vpc", "Classic")),
            one_of("status", ("Active", "Inactive")),
        ),
    ),
)
