"""Alibaba Cloud keys, logs, buckets and RAM as their APIs enforce them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rehearsal.providers import signing
from rehearsal.providers.alicloud_cluster import KEY, LOG_PROJECT
from rehearsal.providers.alicloud_net import by_urn, region_of, tag_rules
from rehearsal.providers.model import Call, CloudRefusalError, Made, TypeSpec
from rehearsal.providers.rules import between, guid, matches, needs, one_of
from rehearsal.providers.sdktypes import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.store import Resource

BUCKET, ROLE, POLICY = "alicloud:oss/bucket:Bucket", "alicloud:ram/role:Role", "alicloud:ram/policy:Policy"
_ACCOUNT = "1000000000000001"


def _rotation(call: Call) -> Iterator[Problem]:
    if call.known("automaticRotation") == "Enabled" and call.get("rotationInterval") is None:
        yield Problem("rotationInterval", "is required by the API when automaticRotation is Enabled")


def _bucket_tags(call: Call) -> Iterator[Problem]:
    tags = call.known("tags")
    if isinstance(tags, dict) and len(tags) > 10:
        yield Problem("tags", f"{len(tags)} tags; a bucket takes 10")


def _bucket_encryption(call: Call) -> Iterator[Problem]:
    rule = call.known("serverSideEncryptionRule")
    if isinstance(rule, dict) and rule.get("kmsMasterKeyId") is not None and rule.get("sseAlgorithm") != "KMS":
        yield Problem("serverSideEncryptionRule.sseAlgorithm", "must be KMS when a key is named")


def _bucket_outputs(call: Call, id_: str) -> dict[str, Any]:
    region = region_of(call)
    return {
        "location": f"oss-{region}",
        "extranetEndpoint": f"oss-{region}.aliyuncs.com",
        "intranetEndpoint": f"oss-{region}-internal.aliyuncs.com",
        "owner": _ACCOUNT,
        "bucket": id_,
    }


def _document(*paths: str) -> Any:
    def rule(call: Call) -> Iterator[Problem]:
        given = [path for path in paths if call.get(path) is not None]
        if not given:
            yield Problem(paths[0], "is required by the API")
        for path in given:
            text = call.known(path)
            if not isinstance(text, str):
                continue
            try:
                document = json.loads(text)
            except ValueError as error:
                yield Problem(path, f"is no JSON: {error}")
                continue
            if not isinstance(document, dict) or document.get("Version") != "1" or not document.get("Statement"):
                yield Problem(path, 'must be a policy document with "Version": "1" and a "Statement"')

    return rule


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
        immutable=frozenset({"dkmsInstanceId", "keySpec", "keyUsage", "origin", "protectionLevel"}),
        rules=(
            tag_rules,
            _rotation,
            signing.alicloud,
            matches("dkmsInstanceId", r"kst-[a-z0-9]{8,40}", "the id of a KMS instance: kst-…"),
            between("pendingWindowInDays", 7, 366),
            one_of("deletionProtection", ("Enabled", "Disabled")),
            one_of("automaticRotation", ("Enabled", "Disabled")),
            one_of("keySpec", ("Aliyun_AES_256", "Aliyun_SM4", *signing.PAIRS)),
            one_of("keyUsage", ("ENCRYPT/DECRYPT", "SIGN/VERIFY")),
            one_of("protectionLevel", ("SOFTWARE", "HSM")),
        ),
    ),
    TypeSpec(
        type_name="alicloud:kms/alias:Alias",
        name="aliasName",
        make=lambda call: Made(id=call.text("aliasName"), region=region_of(call)),
        key=lambda call: f"{region_of(call)}/{call.text('aliasName')}",
        outputs=lambda _call, _id: {},
        parents=(("keyId", KEY),),
        rules=(matches("aliasName", r"alias/[\w/-]{1,255}", "alias/ and 1 to 255 letters, digits, _ - /"),),
    ),
    TypeSpec(
        type_name=LOG_PROJECT,
        name="projectName",
        make=lambda call: Made(id=call.text("projectName"), region=region_of(call)),
        key=lambda call: call.text("projectName"),
        outputs=lambda call, _id: {"status": "Normal", "name": call.text("projectName")},
        planned=lambda call: {"projectName": call.text("projectName"), "name": call.text("projectName")},
        rules=(
            tag_rules,
            matches("projectName", r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", "3 to 63 lower-case letters, digits and -"),
        ),
    ),
    TypeSpec(
        type_name="alicloud:log/store:Store",
        name="logstoreName",
        make=lambda call: Made(id=f"{call.text('projectName')}:{call.text('logstoreName')}", region=region_of(call)),
        key=lambda call: f"{call.text('projectName')}/{call.text('logstoreName')}",
        outputs=lambda call, _id: {"name": call.text("logstoreName")},
        immutable=frozenset({"logstoreName", "name", "project", "projectName", "shardCount", "telemetryType"}),
        parents=(("projectName", LOG_PROJECT),),
        rules=(
            needs("projectName"),
            between("retentionPeriod", 1, 3650),
            matches("logstoreName", r"[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]", "3 to 63 lower-case letters, digits, _ and -"),
        ),
    ),
    TypeSpec(
        type_name=BUCKET,
        name="bucket",
        make=lambda call: Made(id=call.text("bucket"), region=region_of(call)),
        key=lambda call: call.text("bucket"),
        outputs=_bucket_outputs,
        planned=lambda call: {"bucket": call.text("bucket")},
        immutable=frozenset({"redundancyType", "storageClass"}),
        parents=(("serverSideEncryptionRule.kmsMasterKeyId", KEY),),
        rules=(
            tag_rules,
            _bucket_tags,
            _bucket_encryption,
            one_of("redundancyType", ("LRS", "ZRS")),
            one_of("storageClass", ("Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive")),
            one_of("acl", ("private", "public-read", "public-read-write")),
            matches("bucket", r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", "3 to 63 lower-case letters, digits and -"),
        ),
    ),
    TypeSpec(
        type_name="alicloud:oss/bucketPublicAccessBlock:BucketPublicAccessBlock",
        make=lambda call: Made(id=call.text("bucket"), region=region_of(call)),
        key=lambda call: call.text("bucket"),
        outputs=lambda _call, _id: {},
        immutable=frozenset({"bucket"}),
        parents=(("bucket", BUCKET),),
    ),
    TypeSpec(
        type_name="alicloud:oss/bucketPolicy:BucketPolicy",
        make=lambda call: Made(id=call.text("bucket"), region=region_of(call)),
        key=lambda call: call.text("bucket"),
        outputs=lambda _call, _id: {},
        immutable=frozenset({"bucket"}),
        parents=(("bucket", BUCKET),),
        rules=(_document("policy"),),
    ),
    TypeSpec(
        type_name=ROLE,
        name="roleName",
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
        rules=(
            tag_rules,
            _document("assumeRolePolicyDocument", "document"),
            between("maxSessionDuration", 3600, 43200),
            matches("roleName", r"[a-zA-Z0-9.-]{1,64}", "1 to 64 letters, digits, . and -"),
        ),
    ),
    TypeSpec(
        type_name=POLICY,
        name="policyName",
        make=lambda call: Made(id=call.text("policyName")),
        key=lambda call: call.text("policyName"),
        outputs=lambda call, _id: {"type": "Custom", "defaultVersion": "v1", "name": call.text("policyName")},
        planned=lambda call: {"policyName": call.text("policyName"), "type": "Custom"},
        rules=(
            tag_rules,
            _document("policyDocument", "document"),
            matches("policyName", r"[a-zA-Z0-9-]{1,128}", "1 to 128 letters, digits and -"),
        ),
    ),
    TypeSpec(
        type_name="alicloud:ram/rolePolicyAttachment:RolePolicyAttachment",
        make=lambda call: Made(id=_attachment_id(call)),
        key=_attachment_id,
        outputs=lambda _call, _id: {},
        immutable=frozenset({"policyName", "policyType", "roleName"}),
        rules=(_attached_policy, one_of("policyType", ("Custom", "System"))),
    ),
)
