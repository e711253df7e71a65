"""Alibaba Cloud keys, logs, buckets and RAM as their APIs enforce them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from components.rules.alicloud.net import TAGS
from components.rules.checks import (
    between,
    matches,
    needs,
    one_of,
    shape,
)
from components.rules.model import Inputs, Problem, Rule, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator


_SINGLE = ("Aliyun_AES_256", "Aliyun_AES_192", "Aliyun_AES_128", "Aliyun_SM4")
_PAIRS = ("RSA_2048", "RSA_3072", "EC_P256", "EC_P256K", "EC_SM2")


def _rotation(call: Inputs) -> Iterator[Problem]:
    if call.known("automaticRotation") == "Enabled" and call.get("rotationInterval") is None:
        yield Problem("rotationInterval", "is required by the API when automaticRotation is Enabled")


def _pair(call: Inputs) -> Iterator[Problem]:
    """Outside of an instance there are symmetric keys only."""
    spec = call.known("keySpec")
    if spec in _PAIRS and call.get("dkmsInstanceId") is None:
        yield Problem("keySpec", f"{spec} is made in a KMS instance only; a default key is Aliyun_AES_256")


def _signing(call: Inputs) -> Iterator[Problem]:
    spec, usage = call.known("keySpec"), call.known("keyUsage") or "ENCRYPT/DECRYPT"
    if usage == "SIGN/VERIFY" and spec not in _PAIRS:
        yield Problem("keyUsage", f"{spec or 'Aliyun_AES_256'} cannot sign")
    if spec in _PAIRS and str(spec).startswith("EC_P") and usage != "SIGN/VERIFY":
        yield Problem("keyUsage", f"{spec} signs and does nothing else")


def _rotated(call: Inputs) -> Iterator[Problem]:
    """A pair of keys is never rotated by the service."""
    spec = call.known("keySpec")
    if spec in _PAIRS and call.known("automaticRotation") == "Enabled":
        yield Problem("automaticRotation", f"{spec} is not rotated by the service")


def _bucket_tags(call: Inputs) -> Iterator[Problem]:
    tags = call.entries("tags")
    if len(tags) > 10:
        yield Problem("tags", f"{len(tags)} tags; a bucket takes 10")


def _bucket_encryption(call: Inputs) -> Iterator[Problem]:
    """That a key is named is known before its id is."""
    rule = "serverSideEncryptionRule"
    if call.get(f"{rule}.kmsMasterKeyId") is not None and call.known(f"{rule}.sseAlgorithm") != "KMS":
        yield Problem(f"{rule}.sseAlgorithm", "must be KMS when a key is named")


def _document(*paths: str) -> Rule:
    def rule(call: Inputs) -> Iterator[Problem]:
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

    return shape(rule, name="document", fix="give one policy document")


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="alicloud:kms/key:Key",
        immutable=frozenset({"dkmsInstanceId", "keySpec", "keyUsage", "origin", "protectionLevel"}),
        rules=(
            TAGS,
            shape(_rotation, fix="say how often, in rotationInterval"),
            shape(
                *(_pair, _signing, _rotated),
                name="signing",
                fix="sign with a pair of keys in a KMS instance, without rotation; encrypt with Aliyun_AES_256",
            ),
            matches("dkmsInstanceId", r"kst-[a-z0-9]{8,40}", "the id of a KMS instance: kst-…"),
            between("pendingWindowInDays", 7, 366),
            one_of("deletionProtection", ("Enabled", "Disabled")),
            one_of("automaticRotation", ("Enabled", "Disabled")),
            one_of("keySpec", (*_SINGLE, *_PAIRS)),
            one_of("keyUsage", ("ENCRYPT/DECRYPT", "SIGN/VERIFY")),
            one_of("protectionLevel", ("SOFTWARE", "HSM")),
        ),
    ),
    TypeRules(
        type_name="alicloud:kms/alias:Alias",
        name="aliasName",
        rules=(matches("aliasName", r"alias/[\w/-]{1,255}", "alias/ and 1 to 255 letters, digits, _ - /"),),
    ),
    TypeRules(
        type_name="alicloud:log/project:Project",
        name="projectName",
        immutable=frozenset({"name"}),
        rules=(
            TAGS,
            matches("projectName", r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", "3 to 63 lower-case letters, digits and -"),
        ),
    ),
    TypeRules(
        type_name="alicloud:log/store:Store",
        name="logstoreName",
        immutable=frozenset(
            {
                "encryptConf.encryptType",
                "encryptConf.userCmkInfo",
                "name",
                "project",
                "projectName",
                "shardCount",
                "telemetryType",
            }
        ),
        rules=(
            needs("projectName"),
            between("retentionPeriod", 1, 3650),
            matches("logstoreName", r"[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]", "3 to 63 lower-case letters, digits, _ and -"),
        ),
    ),
    TypeRules(
        type_name="alicloud:oss/bucket:Bucket",
        name="bucket",
        immutable=frozenset({"redundancyType", "storageClass"}),
        rules=(
            TAGS,
            shape(_bucket_tags, fix="leave some tags out"),
            shape(_bucket_encryption, fix="set sseAlgorithm to KMS, or name no key"),
            one_of("redundancyType", ("LRS", "ZRS")),
            one_of("storageClass", ("Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive")),
            one_of("acl", ("private", "public-read", "public-read-write")),
            matches("bucket", r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", "3 to 63 lower-case letters, digits and -"),
        ),
    ),
    TypeRules(
        type_name="alicloud:oss/bucketPublicAccessBlock:BucketPublicAccessBlock", immutable=frozenset({"bucket"})
    ),
    TypeRules(
        type_name="alicloud:oss/bucketPolicy:BucketPolicy",
        immutable=frozenset({"bucket"}),
        rules=(_document("policy"),),
    ),
    TypeRules(
        type_name="alicloud:ram/role:Role",
        name="roleName",
        immutable=frozenset({"name"}),
        rules=(
            TAGS,
            _document("assumeRolePolicyDocument", "document"),
            between("maxSessionDuration", 3600, 43200),
            matches("roleName", r"[a-zA-Z0-9.-]{1,64}", "1 to 64 letters, digits, . and -"),
        ),
    ),
    TypeRules(
        type_name="alicloud:ram/policy:Policy",
        name="policyName",
        immutable=frozenset({"name"}),
        rules=(
            TAGS,
            _document("policyDocument", "document"),
            matches("policyName", r"[a-zA-Z0-9-]{1,128}", "1 to 128 letters, digits and -"),
        ),
    ),
    TypeRules(
        type_name="alicloud:ram/rolePolicyAttachment:RolePolicyAttachment",
        immutable=frozenset({"policyName", "policyType", "roleName"}),
        rules=(one_of("policyType", ("Custom", "System")),),
    ),
)
