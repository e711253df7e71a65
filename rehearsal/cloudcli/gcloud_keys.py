"""`gcloud kms`: versions of a key, its public half, signatures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rehearsal.cloudcli import keys
from rehearsal.cloudcli.account import RefusedError
from rehearsal.providers.gcp_rest import KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from rehearsal.cloudcli.account import Account
    from rehearsal.cloudcli.options import Asked
    from rehearsal.providers.store import Resource

# The emulated service makes one version with a key, and has no way to make another.
_VERSION = "1"
_MOST = 65_536


def _row(asked: Asked, account: Account) -> Resource:
    place = f"projects/{asked.option('project')}/locations/{asked.option('location')}"
    id_ = f"{place}/keyRings/{asked.option('keyring')}/cryptoKeys/{asked.option('key')}"
    found = next((one for one in account.live(KEY) if one.id == id_), None)
    if found is None:
        message = f"ERROR: (gcloud.kms) NOT_FOUND: CryptoKey {id_} not found."
        raise RefusedError(message)
    return found


def _versions(asked: Asked, account: Account) -> Any:
    row = _row(asked, account)
    algorithm = (row.inputs.get("versionTemplate") or {}).get("algorithm")
    return [{"name": f"{row.id}/cryptoKeyVersions/{_VERSION}", "state": "ENABLED", "algorithm": algorithm}]


def _signer(asked: Asked, account: Account, version: str) -> str:
    row = _row(asked, account)
    algorithm = (row.inputs.get("versionTemplate") or {}).get("algorithm")
    if version != _VERSION:
        message = f"ERROR: (gcloud.kms) NOT_FOUND: CryptoKeyVersion {row.id}/cryptoKeyVersions/{version} not found."
        raise RefusedError(message)
    if row.inputs.get("purpose") != "ASYMMETRIC_SIGN" or algorithm != "EC_SIGN_ED25519":
        message = f"ERROR: (gcloud.kms) FAILED_PRECONDITION: {row.id} has purpose {row.inputs.get('purpose')}."
        raise RefusedError(message)
    return f"{row.id}/{version}"


def _published(asked: Asked, account: Account) -> Any:
    key = keys.edwards(account, _signer(asked, account, asked.words[4]))
    Path(asked.option("output-file")).write_text(keys.public(key), encoding="ascii")
    return None


def _sign(asked: Asked, account: Account) -> Any:
    key = keys.edwards(account, _signer(asked, account, asked.option("version")))
    if asked.option("digest-algorithm"):
        message = "ERROR: (gcloud.kms.asymmetric-sign) INVALID_ARGUMENT: EC_SIGN_ED25519 takes data and no digest."
        raise RefusedError(message)
    data = Path(asked.option("input-file")).read_bytes()
    if len(data) > _MOST:
        message = f"ERROR: (gcloud.kms.asymmetric-sign) INVALID_ARGUMENT: data has {len(data)} bytes of {_MOST}."
        raise RefusedError(message)
    Path(asked.option("signature-file")).write_bytes(key.sign(data))
    return None


COMMANDS: dict[tuple[str, ...], Callable[[Asked, Account], Any]] = {
    ("kms", "keys", "versions", "list"): _versions,
    ("kms", "keys", "versions", "get-public-key"): _published,
    ("kms", "asymmetric-sign"): _sign,
}
