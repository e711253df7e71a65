"""`gcloud sql` and `gcloud storage`: backups, clones, buckets, objects."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rehearsal.cloudcli import databases as shared
from rehearsal.cloudcli.account import RefusedError
from rehearsal.providers import backups, objects
from rehearsal.providers.gcp_databases import INSTANCE
from rehearsal.providers.gcp_rest import BUCKET

if TYPE_CHECKING:
    from collections.abc import Callable

    from rehearsal.cloudcli.account import Account
    from rehearsal.cloudcli.options import Asked
    from rehearsal.providers.store import Resource

BARE = frozenset(
    {"async", "quiet", "no-deletion-protection", "uniform-bucket-level-access", "public-access-prevention", "recursive"}
)
_STATES = {"working": "PENDING_CREATE", "ready": "RUNNABLE", "failed": "FAILED"}


def _row(account: Account, type_: str, name: str) -> Resource:
    found = next((one for one in account.live(type_) if one.name == name), None)
    if found is None:
        message = f"ERROR: (gcloud) HTTPError 404: {name} does not exist"
        raise RefusedError(message)
    return found


def _named(asked: Asked, rows: list[Resource]) -> list[Resource]:
    prefix = asked.option("filter").removeprefix("name~^")
    return [row for row in rows if row.name.startswith(prefix)]


def _instance(row: Resource) -> dict[str, Any]:
    settings = row.inputs.get("settings") or {}
    key = row.inputs.get("encryptionKeyName")
    told = {"tier": settings.get("tier"), "availabilityType": settings.get("availabilityType")}
    return {
        "name": row.name,
        "region": row.region,
        "state": _STATES[backups.phase(row)],
        "databaseVersion": row.inputs.get("databaseVersion"),
        "settings": {
            **told,
            "dataDiskSizeGb": str(settings.get("diskSize")),
            "deletionProtectionEnabled": bool(settings.get("deletionProtectionEnabled")),
        },
        **({"diskEncryptionConfiguration": {"kmsKeyName": key}} if key else {}),
    }


def _recovery(asked: Asked, account: Account) -> Any:
    held = shared.held(account, _row(account, INSTANCE, asked.words[3]))
    if held is None:
        return {"kind": "sql#getLatestRecoveryTime"}
    return {"earliestRecoveryTime": shared.iso(held[0]), "latestRecoveryTime": shared.iso(held[1])}


def _clone(asked: Asked, account: Account) -> Any:
    source, name = _row(account, INSTANCE, asked.words[3]), asked.words[4]
    new = replace(
        source, id=name, name=name, key=source.key.replace(source.name, name), inputs={**source.inputs, "name": name}
    )
    shared.restore(account, source, new, shared.moment(asked.option("point-in-time")))
    return {"operationType": "CLONE", "status": "PENDING"}


def _unprotect(asked: Asked, account: Account) -> Any:
    row = _row(account, INSTANCE, asked.words[3])
    settings = {**(row.inputs.get("settings") or {}), "deletionProtectionEnabled": False}
    inputs = {**row.inputs, "settings": settings}
    account.store.update_resource(INSTANCE, row.id, inputs=inputs, outputs=row.outputs)
    return _instance(replace(row, inputs=inputs))


def _delete(asked: Asked, account: Account) -> Any:
    row = _row(account, INSTANCE, asked.words[3])
    if (row.inputs.get("settings") or {}).get("deletionProtectionEnabled"):
        message = f"ERROR: (gcloud.sql.instances.delete) HTTPError 400: {row.name} is protected"
        raise RefusedError(message)
    shared.delete(account, row)
    return {"operationType": "DELETE", "status": "PENDING"}


def _bucket(row: Resource) -> dict[str, Any]:
    key = (row.inputs.get("encryption") or {}).get("defaultKmsKeyName") or row.inputs.get("scratchKey")
    return {
        "name": row.name,
        "location": row.region.upper(),
        "versioning_enabled": bool((row.inputs.get("versioning") or {}).get("enabled")),
        **({"default_kms_key": key} if key else {}),
    }


def _make(asked: Asked, account: Account) -> Any:
    name = _path(asked.words[3])[0]
    key = asked.option("default-encryption-key")
    shared.make_bucket(account, BUCKET, id_=name, name=name, region=asked.option("location"), key=key)
    return None


def _listed(asked: Asked, account: Account) -> Any:
    bucket = _row(account, BUCKET, _path(asked.words[3])[0])
    found = [
        {
            "name": one.key,
            "generation": str(one.number),
            "size": len(one.content.encode()),
            "crc32c_hash": base64.b64encode(objects.crc32c(one.content.encode()).to_bytes(4, "big")).decode(),
        }
        for one in objects.latest(account.store, bucket.id).values()
    ]
    if not found:
        message = "ERROR: (gcloud.storage.objects.list) One or more URLs matched no objects."
        raise RefusedError(message)
    return found


def _copy(asked: Asked, account: Account) -> Any:
    origin, (target, key) = asked.words[2], _path(asked.words[3])
    bucket = _row(account, BUCKET, target)
    if not origin.startswith("gs://"):
        objects.put(account.store, bucket.id, key, shared.content(origin))
        return None
    path, _, number = origin.partition("#")
    source, name = _path(path)
    picked = int(number) if number else None
    shared.copy(account, _row(account, BUCKET, source).id, bucket.id, key=name, number=picked, target_key=key)
    return None


def _remove(asked: Asked, account: Account) -> Any:
    shared.drop_bucket(account, BUCKET, _row(account, BUCKET, _path(asked.words[2])[0]).id)
    return None


def _path(url: str) -> tuple[str, str]:
    bucket, _, key = url.removeprefix("gs://").partition("/")
    return bucket, key


COMMANDS: dict[tuple[str, ...], Callable[[Asked, Account], Any]] = {
    ("sql", "instances", "describe"): lambda asked, account: _instance(_row(account, INSTANCE, asked.words[3])),
    ("sql", "instances", "list"): lambda asked, account: [
        _instance(row) for row in _named(asked, account.live(INSTANCE))
    ],
    ("sql", "instances", "get-latest-recovery-time"): _recovery,
    ("sql", "instances", "clone"): _clone,
    ("sql", "instances", "patch"): _unprotect,
    ("sql", "instances", "delete"): _delete,
    ("storage", "buckets", "list"): lambda asked, account: [
        _bucket(row) for row in _named(asked, account.live(BUCKET))
    ],
    ("storage", "buckets", "describe"): lambda asked, account: _bucket(_row(account, BUCKET, _path(asked.words[3])[0])),
    ("storage", "buckets", "create"): _make,
    ("storage", "objects", "list"): _listed,
    ("storage", "cp"): _copy,
    ("storage", "rm"): _remove,
}
