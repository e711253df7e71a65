"""`az keyvault key`: versions of a key, its public half, signatures."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from rehearsal.cloudcli import keys
from rehearsal.cloudcli.account import RefusedError
from rehearsal.providers.azure_images import KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from rehearsal.cloudcli.account import Account
    from rehearsal.cloudcli.options import Asked
    from rehearsal.providers.store import Resource

_HALF = 32


def _row(asked: Asked, account: Account) -> Resource:
    address = "/".join(asked.option("id").split("/")[:5])
    found = next((one for one in account.live(KEY) if one.outputs.get("keyUri") == address), None)
    if found is None:
        message = f"ERROR: (KeyNotFound) A key with this address was not found: {address}"
        raise RefusedError(message)
    return found


def _kid(row: Resource) -> str:
    return str(row.outputs.get("keyUriWithVersion"))


def _versions(asked: Asked, account: Account) -> Any:
    row = _row(asked, account)
    attributes = {"enabled": True, "created": "2026-01-01T00:00:00+00:00"}
    return [{"kid": _kid(row), "attributes": attributes}]


def _signer(asked: Asked, account: Account) -> tuple[Resource, str]:
    row = _row(asked, account)
    if asked.option("id") != _kid(row):
        message = f"ERROR: (KeyNotFound) This version was not found: {asked.option('id')}"
        raise RefusedError(message)
    properties = row.inputs.get("properties") or {}
    if properties.get("kty") != "EC" or properties.get("curveName") != "P-256":
        message = f"ERROR: (BadParameter) Key is {properties.get('kty')} and not on P-256."
        raise RefusedError(message)
    return row, f"{row.id.lower()}/{asked.option('id').rsplit('/', 1)[-1]}"


def _published(asked: Asked, account: Account) -> Any:
    _, name = _signer(asked, account)
    if asked.option("encoding") != "PEM":
        message = "ERROR: the rehearsal's az plays --encoding PEM"
        raise RefusedError(message)
    Path(asked.option("file")).write_text(keys.public(keys.curve(account, name)), encoding="ascii")
    return None


def _sign(asked: Asked, account: Account) -> Any:
    row, name = _signer(asked, account)
    if "sign" not in ((row.inputs.get("properties") or {}).get("keyOps") or ()):
        message = "ERROR: (Forbidden) Operation sign is not permitted on this key."
        raise RefusedError(message)
    digest = keys.digest_in(asked.option("digest"))
    if asked.option("algorithm") != "ES256" or digest is None:
        message = "ERROR: (BadParameter) Property algorithm or digest has an invalid value."
        raise RefusedError(message)
    numbers = decode_dss_signature(keys.of_digest(keys.curve(account, name), digest))
    raw = b"".join(number.to_bytes(_HALF, "big") for number in numbers)
    return {"algorithm": "ES256", "kid": _kid(row), "signature": base64.b64encode(raw).decode()}


COMMANDS: dict[tuple[str, ...], Callable[[Asked, Account], Any]] = {
    ("keyvault", "key", "list-versions"): _versions,
    ("keyvault", "key", "download"): _published,
    ("keyvault", "key", "sign"): _sign,
}
