"""Alibaba Cloud keys, logs, buckets and RAM as their APIs enforce them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.model import Problem
from rehearsal.providers.alicloud_cluster import KEY, LOG_PROJECT
from rehearsal.providers.alicloud_net import by_urn, region_of
from rehearsal.providers.model import Call, CloudRefusalError, Made, TypeSpec
from rehearsal.providers.rules import guid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.store import Resource

BUCKET, ROLE, POLICY = "alicloud:oss/bucket:Bucket", "alicloud:ram/role:Role", "alicloud:ram/policy:Policy"
_ACCOUNT = "1000000000000001"


def _bucket_outputs(call: Call, id_: str) -> dict[str, Any]:
    region = region_of(call)
    return {
        "location": f"oss-{region}",
        "extranetEndpoint": f"oss-{region}.aliyuncs.com",
        "intranetEndpoint": f"oss-{region}-internal.aliyuncs.com",
        "owner": _ACCOUNT,
        "bucket": id_,
    }


def _attached_policy(call: Call) -> Iterator[Problem]:
    name, kind = call.known("policyName"), call.known("policyType")
    if kind == "Custom" and isinstance(name, str) and not _there(call, POLICY, name):
        yield Problem("policyName", f"there is no custom policy {name!r} in this account")
    role = call.known("roleName")
    if isinstance(role, str) and not _there(call, ROLE, role):
        yield Problem("roleName", f"there is no role {role!r} in this account")


def _there(call: Call, type_: str, name: str) -> bool:
    return bool(call.store.find_by_name(type_, name)) or call.will_exist(type_, name)


def _kept_key(resource: Resource, _call: Call) -> None:
    if resource.inputs.get("deletionProtection") == "Enabled":
        message = (
            f"{resource.id} is protected against deletion; set deletion_protection to Disabled and bring that up first"
        )
        raise CloudRefusalError(message)


def _attachment_id(call: Call) -> str:
    return f"role:{call.text('policyName')}:{call.text('policyType')}:{call.text('roleName')}"


OTHER_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=KEY,
        make=lambda call: Made(id=f"key-{guid()}", region=region_of(call)),
        key=by_urn,
        outputs=lambda call, id_: {
            "arn": f"acs:kms:{region_of(call)}:{_ACCOUNT}:key/{id_}",
            "creator": _ACCOUNT,
            "primaryKeyVersion": id_.removeprefix("key-"),
            "status": call.text("status") or "Enabled",
        },
        removal=_kept_key,
    ),
    TypeSpec(
        type_name="alicloud:kms/alias:Alias",
        make=lambda call: Made(id=call.text("aliasName"), region=region_of(call)),
        key=lambda call: f"{region_of(call)}/{call.text('aliasName')}",
        outputs=lambda _call, _id: {},
        parents=(("keyId", KEY),),
    ),
    TypeSpec(
        type_name=LOG_PROJECT,
        make=lambda call: Made(id=call.text("projectName"), region=region_of(call)),
        key=lambda call: call.text("projectName"),
        outputs=lambda call, _id: {"status": "Normal", "name": call.text("projectName")},
        planned=lambda call: {"projectName": call.text("projectName"), "name": call.text("projectName")},
    ),
    TypeSpec(
        type_name="alicloud:log/store:Store",
        make=lambda call: Made(id=f"{call.text('projectName')}:{call.text('logstoreName')}", region=region_of(call)),
        key=lambda call: f"{call.text('projectName')}/{call.text('logstoreName')}",
        outputs=lambda call, _id: {"name": call.text("logstoreName")},
        parents=(("projectName", LOG_PROJECT),),
    ),
    TypeSpec(
        type_name=BUCKET,
        make=lambda call: Made(id=call.text("bucket"), region=region_of(call)),
        key=lambda call: call.text("bucket"),
        outputs=_bucket_outputs,
        planned=lambda call: {"bucket": call.text("bucket")},
        parents=(("serverSideEncryptionRule.kmsMasterKeyId", KEY),),
    ),
    TypeSpec(
        type_name="alicloud:oss/bucketPublicAccessBlock:BucketPublicAccessBlock",
        make=lambda call: Made(id=call.text("bucket"), region=region_of(call)),
        key=lambda call: call.text("bucket"),
        outputs=lambda _call, _id: {},
        parents=(("bucket", BUCKET),),
    ),
    TypeSpec(
        type_name="alicloud:oss/bucketPolicy:BucketPolicy",
        make=lambda call: Made(id=call.text("bucket"), region=region_of(call)),
        key=lambda call: call.text("bucket"),
        outputs=lambda _call, _id: {},
        parents=(("bucket", BUCKET),),
    ),
    TypeSpec(
        type_name=ROLE,
        make=lambda call: Made(id=call.text("roleName")),
        key=lambda call: call.text("roleName"),
        outputs=lambda call, id_: {
            "arn": f"acs:ram::{_ACCOUNT}:role/{id_.lower()}",
            "roleId": str(300000000000000000 + sum(id_.encode())),
            "name": call.text("roleName"),
        },
        planned=lambda call: {
            "roleName": call.text("roleName"),
            "arn": f"acs:ram::{_ACCOUNT}:role/{call.text('roleName').lower()}",
        },
    ),
    TypeSpec(
        type_name=POLICY,
        make=lambda call: Made(id=call.text("policyName")),
        key=lambda call: call.text("policyName"),
        outputs=lambda call, _id: {"type": "Custom", "defaultVersion": "v1", "name": call.text("policyName")},
        planned=lambda call: {"policyName": call.text("policyName"), "type": "Custom"},
    ),
    TypeSpec(
        type_name="alicloud:ram/rolePolicyAttachment:RolePolicyAttachment",
        make=lambda call: Made(id=_attachment_id(call)),
        key=_attachment_id,
        outputs=lambda _call, _id: {},
        rules=(_attached_policy,),
    ),
)
