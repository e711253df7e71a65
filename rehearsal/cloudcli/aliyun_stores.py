"""`aliyun rds` and `aliyun ossutil`: backups, clones, buckets, objects."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rehearsal.cloudcli import databases as shared
from rehearsal.cloudcli.account import RefusedError
from rehearsal.providers import backups, objects
from rehearsal.providers.alicloud_databases import INSTANCE
from rehearsal.providers.alicloud_rest import BUCKET
from rehearsal.providers.rules import token

if TYPE_CHECKING:
    from collections.abc import Callable

    from rehearsal.cloudcli.account import Account
    from rehearsal.cloudcli.options import Asked
    from rehearsal.providers.store import Resource

BARE = frozenset({"force", "recursive", "all-versions"})
_STATES = {"working": "DBInstanceClassChanging", "ready": "Running", "failed": "RestoreFailed"}


def _instance(asked: Asked, account: Account) -> Resource:
    id_ = asked.option("DBInstanceId")
    found = next((one for one in account.live(INSTANCE) if one.id == id_), None)
    if found is None:
        message = f"ERROR: InvalidDBInstanceId.NotFound: {id_}"
        raise RefusedError(message)
    return found


def _brief(row: Resource) -> dict[str, Any]:
    return {
        "DBInstanceId": row.id,
        "DBInstanceDescription": row.inputs.get("instanceName"),
        "DBInstanceStatus": _STATES[backups.phase(row)],
        "RegionId": row.region,
    }


def _instances(asked: Asked, account: Account) -> Any:
    rows = [_brief(row) for row in account.live(INSTANCE, region=asked.option("RegionId"))]
    word = asked.option("SearchKey")
    return {"Items": {"DBInstance": [one for one in rows if word in str(one["DBInstanceDescription"])]}}


def _attribute(asked: Asked, account: Account) -> Any:
    row = _instance(asked, account)
    told = {
        **_brief(row),
        "Engine": row.inputs.get("engine"),
        "EngineVersion": row.inputs.get("engineVersion"),
        "DBInstanceClass": row.inputs.get("instanceType"),
        "DBInstanceStorage": row.inputs.get("instanceStorage"),
        "Category": row.inputs.get("category"),
    }
    return {"Items": {"DBInstanceAttribute": [told]}}


def _recovery(asked: Asked, account: Account) -> Any:
    row = _instance(asked, account)
    held = shared.held(account, row)
    if held is None:
        return {"DBInstanceId": row.id}
    return {"DBInstanceId": row.id, "RecoveryBeginTime": shared.iso(held[0]), "RecoveryEndTime": shared.iso(held[1])}


def _clone(asked: Asked, account: Account) -> Any:
    source, id_ = _instance(asked, account), f"pgm-uf6{token(14)}"
    if asked.option("RegionId") != source.region:
        message = f"ERROR: InvalidRegionId: the instance lies in {source.region}"
        raise RefusedError(message)
    name = asked.option("DBInstanceDescription")
    inputs = {**source.inputs, "instanceName": name, "deletionProtection": False}
    new = replace(source, id=id_, name=name, key=id_, inputs=inputs)
    shared.restore(account, source, new, shared.moment(asked.option("RestoreTime")))
    return {"DBInstanceId": id_, "OrderId": token(15)}


def _delete(asked: Asked, account: Account) -> Any:
    row = _instance(asked, account)
    if row.inputs.get("deletionProtection"):
        message = f"ERROR: OperationDenied.DeletionProtection: {row.id}"
        raise RefusedError(message)
    shared.delete(account, row)
    return {"RequestId": token(12)}


def _bucket(name: str, account: Account) -> Resource:
    found = next((one for one in account.live(BUCKET) if one.id == name), None)
    if found is None:
        message = f"ERROR: NoSuchBucket: {name}"
        raise RefusedError(message)
    return found


def _info(row: Resource) -> dict[str, Any]:
    return {"Name": row.id, "Location": f"oss-{row.region}", "Region": row.region}


def _versioning(asked: Asked, account: Account) -> Any:
    status = (_bucket(asked.option("bucket"), account).inputs.get("versioning") or {}).get("status")
    return {"Status": status} if status else {}


def _key(asked: Asked, account: Account) -> Any:
    inputs = _bucket(asked.option("bucket"), account).inputs
    rule = inputs.get("serverSideEncryptionRule") or {}
    key = rule.get("kmsMasterKeyId") or inputs.get("scratchKey")
    return {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "KMS", "KMSMasterKeyID": key}} if key else {}


def _set_key(asked: Asked, account: Account) -> Any:
    row = _bucket(asked.option("bucket"), account)
    rule = json.loads(asked.option("server-side-encryption-rule"))["ApplyServerSideEncryptionByDefault"]
    inputs = {**row.inputs, "scratchKey": rule.get("KMSMasterKeyID")}
    account.store.update_resource(BUCKET, row.id, inputs=inputs, outputs=row.outputs)
    return None


def _make(asked: Asked, account: Account) -> Any:
    name = asked.option("bucket")
    shared.make_bucket(account, BUCKET, id_=name, name=name, region=asked.option("region"))
    return None


def _drop(asked: Asked, account: Account) -> Any:
    row = _bucket(asked.option("bucket"), account)
    if objects.versions(account.store, row.id):
        message = f"ERROR: BucketNotEmpty: {row.id}"
        raise RefusedError(message)
    shared.drop_bucket(account, BUCKET, row.id)
    return None


def _listed(asked: Asked, account: Account) -> Any:
    row = _bucket(asked.option("bucket"), account)
    latest = objects.latest(account.store, row.id)
    found = [
        {"Key": one.key, "VersionId": str(one.number), "IsLatest": latest[one.key] == one}
        for one in objects.versions(account.store, row.id)
    ]
    return {"Name": row.id, "IsTruncated": False, **({"Version": found} if found else {})}


def _head(asked: Asked, account: Account) -> Any:
    row = _bucket(asked.option("bucket"), account)
    found = objects.find(account.store, row.id, asked.option("key"))
    if found is None:
        message = f"ERROR: NoSuchKey: {asked.option('key')}"
        raise RefusedError(message)
    return {"X-Oss-Hash-Crc64ecma": str(objects.crc64(found.content.encode()))}


def _copy(asked: Asked, account: Account) -> Any:
    origin, (target, key) = asked.words[2], _path(asked.words[3])
    bucket = _bucket(target, account)
    if not origin.startswith("oss://"):
        objects.put(account.store, bucket.id, key, shared.content(origin))
        return None
    source, name = _path(origin)
    picked = int(asked.option("version-id")) if asked.option("version-id") else None
    shared.copy(account, _bucket(source, account).id, bucket.id, key=name, number=picked, target_key=key)
    return None


def _remove(asked: Asked, account: Account) -> Any:
    row = _bucket(_path(asked.words[2])[0], account)
    shared.refuse_if_undeletable(account, row.id)
    objects.empty(account.store, row.id)
    return None


def _path(url: str) -> tuple[str, str]:
    bucket, _, key = url.removeprefix("oss://").partition("/")
    return bucket, key


def _buckets(asked: Asked, account: Account) -> Any:
    prefix = asked.option("prefix")
    found = [_info(row) for row in account.live(BUCKET) if row.id.startswith(prefix)]
    return {"Buckets": {"Bucket": found}} if found else {"Buckets": {}}


COMMANDS: dict[tuple[str, ...], Callable[[Asked, Account], Any]] = {
    ("rds", "DescribeDBInstances"): _instances,
    ("rds", "DescribeDBInstanceAttribute"): _attribute,
    ("rds", "DescribeDBInstanceEncryptionKey"): lambda asked, account: {
        "EncryptionKey": _instance(asked, account).inputs.get("encryptionKey")
    },
    ("rds", "DescribeLocalAvailableRecoveryTime"): _recovery,
    ("rds", "CloneDBInstance"): _clone,
    ("rds", "DeleteDBInstance"): _delete,
    ("ossutil", "api", "get-bucket-info"): lambda asked, account: {
        "Bucket": _info(_bucket(asked.option("bucket"), account))
    },
    ("ossutil", "api", "get-bucket-versioning"): _versioning,
    ("ossutil", "api", "get-bucket-encryption"): _key,
    ("ossutil", "api", "put-bucket-encryption"): _set_key,
    ("ossutil", "api", "list-buckets"): _buckets,
    ("ossutil", "api", "put-bucket"): _make,
    ("ossutil", "api", "delete-bucket"): _drop,
    ("ossutil", "api", "list-object-versions"): _listed,
    ("ossutil", "api", "head-object"): _head,
    ("ossutil", "cp"): _copy,
    ("ossutil", "rm"): _remove,
}
