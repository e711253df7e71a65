"""Alibaba Cloud file storage (NAS) as its API enforces it: file systems, who may mount, mount targets."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from rehearsal.providers.alicloud_cluster import KEY
from rehearsal.providers.alicloud_net import VPC, VSWITCH, by_urn, region_of, tag_rules
from rehearsal.providers.facts import ALICLOUD_ZONES
from rehearsal.providers.model import Call, CloudRefusalError, Made, TypeSpec
from rehearsal.providers.rules import between, derived, matches, needs, not_offered, one_of, token
from rehearsal.providers.sdktypes import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES, ACCESS_GROUP = "alicloud:nas/fileSystem:FileSystem", "alicloud:nas/accessGroup:AccessGroup"
_STORAGE = {
    "standard": ("Performance", "Capacity", "Premium"),
    "extreme": ("standard", "advance"),
    "cpfs": ("advance_100", "advance_200"),
}
_PROTOCOLS = {"standard": ("NFS", "SMB"), "extreme": ("NFS",), "cpfs": ("cpfs",)}
_SMALLEST, _LARGEST = 100, 262_144


def _kind(call: Call) -> str:
    return call.text("fileSystemType") or "standard"


def _shape(call: Call) -> Iterator[Problem]:
    kind = _kind(call)
    if kind not in _STORAGE:
        return
    for path, allowed in (("storageType", _STORAGE[kind]), ("protocolType", _PROTOCOLS[kind])):
        value = call.known(path)
        if isinstance(value, str) and value not in allowed:
            yield Problem(path, not_offered(value, allowed, what="value", where=f"kind {kind}"))
    if kind == "standard":
        return
    for path in ("capacity", "zoneId"):
        if call.get(path) is None:
            yield Problem(path, f"is required by the API when fileSystemType is {kind}")
    capacity = call.known("capacity")
    if kind == "extreme" and isinstance(capacity, int) and not _SMALLEST <= capacity <= _LARGEST:
        yield Problem("capacity", f"must lie between {_SMALLEST} and {_LARGEST}, not {capacity}")
    for path in ("recycleBin", "nfsAcl", "smbAcl"):
        if call.get(path) is not None:
            yield Problem(path, "only a file system of kind standard has it")


def _encryption(call: Call) -> Iterator[Problem]:
    chosen, key = call.known("encryptType"), call.get("kmsKeyId")
    if chosen == 2 and key is None:
        yield Problem("kmsKeyId", "is required by the API when encryptType is 2")
    if chosen == 2 and _kind(call) != "extreme":
        yield Problem("encryptType", f"a key of your own (2) is for kind extreme only, not {_kind(call)}")
    if chosen != 2 and key is not None:
        yield Problem("kmsKeyId", "is taken only when encryptType is 2")


def _zone(call: Call) -> Iterator[Problem]:
    zone, region = call.known("zoneId"), region_of(call)
    if isinstance(zone, str) and zone not in ALICLOUD_ZONES.get(region, ()):
        yield Problem("zoneId", not_offered(zone, ALICLOUD_ZONES.get(region, ()), what="zone", where=region))


def _system_outputs(call: Call, id_: str) -> dict[str, Any]:
    before = call.store.get_resource(id_, type=FILES)
    was, now = before.inputs.get("capacity") if before else None, call.known("capacity")
    if isinstance(was, int) and isinstance(now, int) and now < was:
        message = f"{id_} has {was} GiB and cannot shrink to {now}"
        raise CloudRefusalError(message)
    return {"regionId": region_of(call), "status": "Running"}


def _sources(call: Call) -> Iterator[Problem]:
    value = call.known("sourceCidrIp")
    if call.get("sourceCidrIp") is None and call.get("ipv6SourceCidrIp") is None:
        yield Problem("sourceCidrIp", "one of sourceCidrIp, ipv6SourceCidrIp is required by the API")
    if isinstance(value, str):
        try:
            ipaddress.IPv4Network(value)
        except ValueError as error:
            yield Problem("sourceCidrIp", f"{value!r} is no IPv4 network: {error}")


def _target(call: Call) -> Iterator[Problem]:
    if call.known("networkType") == "Vpc":
        for path in ("vpcId", "vswitchId"):
            if call.get(path) is None:
                yield Problem(path, "is required by the API when networkType is Vpc")
    files = call.store.get_resource(call.text("fileSystemId"), type=FILES)
    subnet = call.store.get_resource(call.text("vswitchId"), type=VSWITCH)
    if files is None:
        return
    kind = files.inputs.get("fileSystemType", "standard")
    if subnet is not None and kind != "standard" and subnet.zone != files.zone:
        yield Problem("vswitchId", f"lies in {subnet.zone}, the file system of kind {kind} in {files.zone}")
    for group in call.store.find_by_name(ACCESS_GROUP, call.text("accessGroupName")):
        if group.inputs.get("fileSystemType", "standard") != kind:
            yield Problem("accessGroupName", f"{group.name} is for another kind of file system than {kind}")


def _system_id(call: Call) -> Made:
    prefix = {"standard": "", "extreme": "extreme-"}.get(_kind(call), "cpfs-")
    return Made(id=f"{prefix}{token(17)}", region=region_of(call), zone=call.text("zoneId"))


def _domain(call: Call) -> str:
    files = call.text("fileSystemId")
    kind = "extreme." if files.startswith("extreme-") else ""
    return f"{files}-{derived(call.urn, 'mount')[:5]}.{region_of(call)}.{kind}nas.aliyuncs.com"


def _group_key(call: Call) -> str:
    return f"{call.text('accessGroupName')}:{_kind(call)}"


def _rule_key(call: Call) -> str:
    return f"{_group_key(call)}:{call.text('sourceCidrIp') or call.text('ipv6SourceCidrIp')}"


FILE_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=FILES,
        make=_system_id,
        key=by_urn,
        outputs=_system_outputs,
        immutable=frozenset(
            {"encryptType", "fileSystemType", "kmsKeyId", "protocolType", "redundancyType", "storageType", "zoneId"}
        ),
        parents=(("kmsKeyId", KEY),),
        rules=(
            tag_rules,
            one_of("fileSystemType", tuple(_STORAGE)),
            one_of("encryptType", (0, 1, 2)),
            _shape,
            _encryption,
            _zone,
            matches(
                "description",
                r"(?!https?://)[a-zA-Z\u4e00-\u9fff][\w:-]{1,127}",
                "2 to 128 letters, digits, : _ and -, beginning with a letter",
            ),
        ),
    ),
    TypeSpec(
        type_name=ACCESS_GROUP,
        name="accessGroupName",
        make=lambda call: Made(id=_group_key(call), region=region_of(call)),
        key=lambda call: f"{region_of(call)}/{_group_key(call)}",
        outputs=lambda call, _id: {"regionId": region_of(call)},
        planned=lambda call: {"accessGroupName": call.text("accessGroupName")},
        immutable=frozenset({"accessGroupType", "fileSystemType"}),
        rules=(
            needs("accessGroupType"),
            one_of("accessGroupType", ("Vpc", "Classic")),
            one_of("fileSystemType", ("standard", "extreme")),
            matches("accessGroupName", r"[a-zA-Z][\w-]{2,63}", "3 to 64 letters, digits, _ and -"),
        ),
    ),
    TypeSpec(
        type_name="alicloud:nas/accessRule:AccessRule",
        make=lambda call: Made(id=f"{_group_key(call)}:{derived(call.urn, 'rule')[:8]}", region=region_of(call)),
        key=_rule_key,
        outputs=lambda call, id_: {"accessRuleId": id_.rsplit(":", 1)[-1], "regionId": region_of(call)},
        immutable=frozenset({"accessGroupName", "fileSystemType"}),
        parents=(("accessGroupName", ACCESS_GROUP),),
        rules=(
            _sources,
            between("priority", 1, 100),
            one_of("rwAccessType", ("RDWR", "RDONLY")),
            one_of("userAccessType", ("no_squash", "root_squash", "all_squash")),
            one_of("fileSystemType", ("standard", "extreme")),
        ),
    ),
    TypeSpec(
        type_name="alicloud:nas/mountTarget:MountTarget",
        make=lambda call: Made(id=f"{call.text('fileSystemId')}:{_domain(call)}", region=region_of(call)),
        key=lambda call: f"{call.text('fileSystemId')}/{call.text('vswitchId')}",
        outputs=lambda call, id_: {"mountTargetDomain": id_.partition(":")[2]},
        immutable=frozenset({"fileSystemId", "networkType", "vpcId", "vswitchId"}),
        parents=(
            ("fileSystemId", FILES),
            ("accessGroupName", ACCESS_GROUP),
            ("vpcId", VPC),
            ("vswitchId", VSWITCH),
        ),
        rules=(
            _target,
            one_of("networkType", ("Vpc", "Classic")),
            one_of("status", ("Active", "Inactive")),
        ),
    ),
)
