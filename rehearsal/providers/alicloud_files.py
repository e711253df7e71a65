"""Alibaba Cloud file storage (NAS) as its API enforces it: file systems, who may mount, mount targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.alicloud.files import kind_of
from components.rules.checks import not_offered
from components.rules.model import Problem
from rehearsal.providers.alicloud_cluster import KEY
from rehearsal.providers.alicloud_net import VPC, VSWITCH, by_urn, region_of
from rehearsal.providers.facts import ALICLOUD_ZONES
from rehearsal.providers.model import Call, CloudRefusalError, Made, TypeSpec
from rehearsal.providers.rules import derived, token

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES, ACCESS_GROUP = "alicloud:nas/fileSystem:FileSystem", "alicloud:nas/accessGroup:AccessGroup"


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
    prefix = {"standard": "", "extreme": "extreme-"}.get(kind_of(call), "cpfs-")
    return Made(id=f"{prefix}{token(17)}", region=region_of(call), zone=call.text("zoneId"))


def _domain(call: Call) -> str:
    files = call.text("fileSystemId")
    kind = "extreme." if files.startswith("extreme-") else ""
    return f"{files}-{derived(call.urn, 'mount')[:5]}.{region_of(call)}.{kind}nas.aliyuncs.com"


def _group_key(call: Call) -> str:
    return f"{call.text('accessGroupName')}:{kind_of(call)}"


def _rule_key(call: Call) -> str:
    return f"{_group_key(call)}:{call.text('sourceCidrIp') or call.text('ipv6SourceCidrIp')}"


FILE_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=FILES,
        make=_system_id,
        key=by_urn,
        outputs=_system_outputs,
        parents=(("kmsKeyId", KEY),),
        rules=(_zone,),
    ),
    TypeSpec(
        type_name=ACCESS_GROUP,
        make=lambda call: Made(id=_group_key(call), region=region_of(call)),
        key=lambda call: f"{region_of(call)}/{_group_key(call)}",
        outputs=lambda call, _id: {"regionId": region_of(call)},
        planned=lambda call: {"accessGroupName": call.text("accessGroupName")},
    ),
    TypeSpec(
        type_name="alicloud:nas/accessRule:AccessRule",
        make=lambda call: Made(id=f"{_group_key(call)}:{derived(call.urn, 'rule')[:8]}", region=region_of(call)),
        key=_rule_key,
        outputs=lambda call, id_: {"accessRuleId": id_.rsplit(":", 1)[-1], "regionId": region_of(call)},
        parents=(("accessGroupName", ACCESS_GROUP),),
    ),
    TypeSpec(
        type_name="alicloud:nas/mountTarget:MountTarget",
        make=lambda call: Made(id=f"{call.text('fileSystemId')}:{_domain(call)}", region=region_of(call)),
        key=lambda call: f"{call.text('fileSystemId')}/{call.text('vswitchId')}",
        outputs=lambda call, id_: {"mountTargetDomain": id_.partition(":")[2]},
        parents=(
            ("fileSystemId", FILES),
            ("accessGroupName", ACCESS_GROUP),
            ("vpcId", VPC),
            ("vswitchId", VSWITCH),
        ),
        rules=(_target,),
    ),
)
