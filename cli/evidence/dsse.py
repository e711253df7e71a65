"""DSSE envelopes. An envelope has one spelling: whatever differs from it in a byte is refused.

The key decides by which algorithm an envelope is verified, never the envelope: Ed25519, or ECDSA on P-256 with SHA-256
where a cell's key service knows no Ed25519. What the signed statement says of it must agree.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from cli import errors

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    from cli.evidence.keys import Signer

    PublicKey = Ed25519PublicKey | EllipticCurvePublicKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
ED25519: Final = "ed25519"
ECDSA: Final = "ecdsa-p256-sha256"
_MAKE = "openssl genpkey -algorithm ed25519 -out key.pem && chmod 600 key.pem"
_PUBLISH = "openssl pkey -in key.pem -pubout -out key.pub, or: twain evidence key CELL --out key.pub"


class BadEnvelopeError(ValueError):
    """The envelope is not what was signed; the message says which part of it."""


def canonical(value: object) -> bytes:
    """The one spelling of a document."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True, indent=1, allow_nan=False).encode() + b"\n"


def sign(statement: dict[str, Any], signer: Signer) -> bytes:
    """The envelope of a statement. What came back is verified before anybody relies on it."""
    payload = canonical(statement)
    made = signer.sign(_pae(payload))
    if not _holds(signer.key, made, _pae(payload)):
        message = f"{signer.held} answered with a signature that its own public key {key_id(signer.key)} refuses."
        raise errors.ResourceError(message, fix="run the same command again", id="KEY-BAD")
    signature = {"keyid": key_id(signer.key), "sig": _text(made)}
    return canonical({"payloadType": PAYLOAD_TYPE, "payload": _text(payload), "signatures": [signature]})


def opened(data: bytes, keys: list[PublicKey]) -> tuple[dict[str, Any], PublicKey]:
    """The statement of an envelope that one of these keys signed, and which. Raises BadEnvelopeError."""
    try:
        envelope = json.loads(data)
        payload, signatures = _bytes(envelope["payload"]), envelope["signatures"]
        found = [(str(one["keyid"]), _bytes(one["sig"])) for one in signatures]
        kind, spelled = envelope["payloadType"], canonical(envelope)
        members = [set(envelope), *map(set, signatures)]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        message = "it is no DSSE envelope"
        raise BadEnvelopeError(message) from error
    # Nothing stands in it that no signature covers.
    if (
        kind != PAYLOAD_TYPE
        or spelled != data
        or members != [{"payload", "payloadType", "signatures"}, {"keyid", "sig"}]
    ):
        message = "its form was changed"
        raise BadEnvelopeError(message)
    key = next((one for one in keys if key_id(one) == found[0][0]), None)
    if key is None:
        given = " or ".join(key_id(one) for one in keys) or "none"
        message = f"it says that key {found[0][0]} signed it; the given key is {given}"
        raise BadEnvelopeError(message)
    if not _holds(key, found[0][1], _pae(payload)):
        message = "the payload or the signature was changed, or another key signed it"
        raise BadEnvelopeError(message)
    return _statement(payload, key), key


def _statement(payload: bytes, key: PublicKey) -> dict[str, Any]:
    statement = json.loads(payload)
    # Envelopes from before keys of cells do not say it: they are of Ed25519.
    said = ((statement.get("predicate") or {}).get("signature") or {}).get("algorithm", ED25519)
    if said != algorithm(key):
        message = f"it says that it was signed by {said}; the key that signed it is for {algorithm(key)}"
        raise BadEnvelopeError(message)
    return statement


def _holds(key: PublicKey, signature: bytes, data: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, data)
            return True
        if encode_dss_signature(*decode_dss_signature(signature)) != signature:
            return False
        key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def algorithm(key: PublicKey) -> str:
    """By what a key signs."""
    from cryptography.hazmat.primitives.asymmetric import ed25519

    return ED25519 if isinstance(key, ed25519.Ed25519PublicKey) else ECDSA


def key_id(key: PublicKey) -> str:
    """How a key is called: the hash of its raw bytes; of a point on a curve, of both of its numbers."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519

    if isinstance(key, ed25519.Ed25519PublicKey):
        raw = key.public_bytes_raw()
    else:
        raw = key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def read_private(path: Path) -> Ed25519PrivateKey:
    """A signing key out of a PEM file that nobody else can read. Raises UsageError without showing any of it."""
    serialization, ed25519, _ = _library()
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


def read_public(path: Path) -> PublicKey:
    """A key to verify with, out of a PEM file. Raises UsageError."""
    try:
        key = parsed(path.read_bytes())
    except (OSError, ValueError) as error:
        raise _no_key(path, "a public key in PEM, Ed25519 or ECDSA on P-256", _PUBLISH) from error
    return key


def parsed(pem: bytes) -> PublicKey:
    """A public key of one of the two algorithms. Raises ValueError for any other."""
    serialization, ed25519, ec = _library()
    key = serialization.load_pem_public_key(pem)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise ValueError(type(key).__name__)


def published(key: PublicKey) -> bytes:
    """A public key as PEM."""
    serialization, _, _ = _library()
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _library() -> Any:
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    except ImportError as error:
        message = "signing needs the package cryptography, which is not installed."
        raise errors.UsageError(message, fix='pip install "twain[gate]"', id="CFG-EXTRA") from error
    return serialization, ed25519, ec


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
