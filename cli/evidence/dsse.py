"""DSSE envelopes signed with Ed25519. An envelope has one spelling: whatever differs from it in a byte is refused."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import TYPE_CHECKING, Any

from cli import errors

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_MAKE = "openssl genpkey -algorithm ed25519 -out key.pem && chmod 600 key.pem"
_PUBLISH = "openssl pkey -in key.pem -pubout -out key.pub"


class BadEnvelopeError(ValueError):
    """The envelope is not what was signed; the message says which part of it."""


def canonical(value: object) -> bytes:
    """The one spelling of a document."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True, indent=1, allow_nan=False).encode() + b"\n"


def sign(statement: dict[str, Any], key: Ed25519PrivateKey) -> bytes:
    """The envelope of a statement."""
    payload = canonical(statement)
    signature = {"keyid": key_id(key.public_key()), "sig": _text(key.sign(_pae(payload)))}
    return canonical({"payloadType": PAYLOAD_TYPE, "payload": _text(payload), "signatures": [signature]})


def opened(data: bytes, key: Ed25519PublicKey) -> dict[str, Any]:
    """The statement of an envelope that this key signed. Raises BadEnvelopeError."""
    from cryptography.exceptions import InvalidSignature

    try:
        envelope = json.loads(data)
        payload, signatures = _bytes(envelope["payload"]), envelope["signatures"]
        found = [(str(one["keyid"]), _bytes(one["sig"])) for one in signatures]
        kind = envelope["payloadType"]
    except (ValueError, KeyError, TypeError) as error:
        message = "it is no DSSE envelope"
        raise BadEnvelopeError(message) from error
    if kind != PAYLOAD_TYPE or len(found) != 1 or canonical(envelope) != data or set(signatures[0]) != {"keyid", "sig"}:
        message = "its form was changed"
        raise BadEnvelopeError(message)
    if found[0][0] != key_id(key):
        message = f"it says that key {found[0][0]} signed it; the given key is {key_id(key)}"
        raise BadEnvelopeError(message)
    try:
        key.verify(found[0][1], _pae(payload))
    except InvalidSignature as error:
        message = "the payload or the signature was changed, or another key signed it"
        raise BadEnvelopeError(message) from error
    return json.loads(payload)


def key_id(key: Ed25519PublicKey) -> str:
    """How a key is called: the hash of its raw bytes."""
    return f"sha256:{hashlib.sha256(key.public_bytes_raw()).hexdigest()}"


def read_private(path: Path) -> Ed25519PrivateKey:
    """A signing key out of a PEM file that nobody else can read. Raises UsageError without showing any of it."""
    serialization, ed25519 = _library()
    try:
        mode = path.stat().st_mode
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise _no_key(path, "a private Ed25519 key in PEM, without a passphrase", _MAKE) from error
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise _no_key(path, "a private Ed25519 key", _MAKE)
    if mode & 0o077:
        message = f"the signing key {path} can be read by others."
        raise errors.UsageError(message, fix=f"chmod 600 {path}", id="CFG-KEY")
    return key


def read_public(path: Path) -> Ed25519PublicKey:
    """A key to verify with, out of a PEM file. Raises UsageError."""
    serialization, ed25519 = _library()
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise _no_key(path, "a public Ed25519 key in PEM", _PUBLISH) from error
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise _no_key(path, "a public Ed25519 key", _PUBLISH)
    return key


def _library() -> Any:
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        message = "signing needs the package cryptography, which is not installed."
        raise errors.UsageError(message, fix='pip install "twain[gate]"', id="CFG-EXTRA") from error
    return serialization, ed25519


def _no_key(path: Path, what: str, fix: str) -> errors.UsageError:
    return errors.UsageError(f"{path} is not {what}.", fix=fix, where=str(path), id="CFG-KEY")


def _pae(payload: bytes) -> bytes:
    """What is signed: the type and the payload, each with its length before it."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    """Base64 of one spelling: the last character can otherwise be written in several ways."""
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(text) from error
    if _text(data) != text:
        raise ValueError(text)
    return data
