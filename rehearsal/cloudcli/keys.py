"""Keys that sign, as the emulated key services hold them: made when they are first used, kept in the emulated cloud,
and handed out to nobody. What they sign is really signed.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.hashes import SHA256

if TYPE_CHECKING:
    from rehearsal.cloudcli.account import Account

    Private = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey


def edwards(account: Account, key: str) -> ed25519.Ed25519PrivateKey:
    """The Ed25519 key of a name; `key` says the version too."""
    found = _kept(account, key, ed25519.Ed25519PrivateKey.generate())
    if not isinstance(found, ed25519.Ed25519PrivateKey):
        raise TypeError(key)
    return found


def curve(account: Account, key: str) -> ec.EllipticCurvePrivateKey:
    """The key on P-256 of a name."""
    found = _kept(account, key, ec.generate_private_key(ec.SECP256R1()))
    if not isinstance(found, ec.EllipticCurvePrivateKey):
        raise TypeError(key)
    return found


def digest_in(text: str) -> bytes | None:
    """The SHA-256 digest that a caller hands over in base64; None for what is none."""
    try:
        digest = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    return digest if len(digest) == SHA256().digest_size else None


def of_digest(key: ec.EllipticCurvePrivateKey, digest: bytes) -> bytes:
    """The signature of a digest, in DER."""
    return key.sign(digest, ec.ECDSA(utils.Prehashed(SHA256())))


def public(key: Private) -> str:
    """What everybody may have."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def _kept(account: Account, name: str, fresh: Private) -> object:
    form = serialization.PrivateFormat.PKCS8
    pem = fresh.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    # Of two that come first at the same time one stays, and both are told of it.
    kept = account.store.first_meta(f"signer.{name}", pem.decode())
    return serialization.load_pem_private_key(kept.encode(), password=None)
