"""`aliyun kms`: versions of a key, its public half, signatures."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from rehearsal.cloudcli import keys
from rehearsal.cloudcli.account import RefusedError
from rehearsal.providers.alicloud_cluster import KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from rehearsal.cloudcli.account import Account
    from rehearsal.cloudcli.options import Asked
    from rehearsal.providers.store import Resource


def _row(asked: Asked, account: Account) -> Resource:
    id_ = asked.option("KeyId")
    found = next((one for one in account.live(KEY, region=asked.option("RegionId")) if one.id == id_), None)
    if found is None:
        message = f"ERROR: SDK.ServerError ErrorCode: Forbidden.KeyNotFound: {id_}"
        raise RefusedError(message)
    return found


def _version(row: Resource) -> str:
    return str(row.outputs.get("primaryKeyVersion"))


def _versions(asked: Asked, account: Account) -> Any:
    row = _row(asked, account)
    one = {"KeyId": row.id, "KeyVersionId": _version(row), "CreationDate": "2026-01-01T00:00:00Z"}
    return {"KeyVersions": {"KeyVersion": [one]}, "TotalCount": 1}


def _signer(asked: Asked, account: Account) -> str:
    row = _row(asked, account)
    if row.inputs.get("keyUsage") != "SIGN/VERIFY" or row.inputs.get("keySpec") != "EC_P256":
        message = f"ERROR: SDK.ServerError ErrorCode: UnsupportedOperation: {row.inputs.get('keySpec')}"
        raise RefusedError(message)
    if asked.option("KeyVersionId") != _version(row):
        message = "ERROR: SDK.ServerError ErrorCode: Forbidden.KeyVersionNotFound"
        raise RefusedError(message)
    return f"{row.id}/{_version(row)}"


def _published(asked: Asked, account: Account) -> Any:
    name = _signer(asked, account)
    about = {"KeyId": asked.option("KeyId"), "KeyVersionId": asked.option("KeyVersionId")}
    return {**about, "PublicKey": keys.public(keys.curve(account, name))}


def _sign(asked: Asked, account: Account) -> Any:
    name = _signer(asked, account)
    digest = keys.digest_in(asked.option("Digest"))
    if asked.option("Algorithm") != "ECDSA_SHA_256" or digest is None:
        message = "ERROR: SDK.ServerError ErrorCode: InvalidParameter"
        raise RefusedError(message)
    made = keys.of_digest(keys.curve(account, name), digest)
    about = {"KeyId": asked.option("KeyId"), "KeyVersionId": asked.option("KeyVersionId")}
    return {**about, "Value": base64.b64encode(made).decode()}


COMMANDS: dict[tuple[str, ...], Callable[[Asked, Account], Any]] = {
    ("kms", "ListKeyVersions"): _versions,
    ("kms", "GetPublicKey"): _published,
    ("kms", "AsymmetricSign"): _sign,
}
