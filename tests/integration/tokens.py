"""A token that was good once: as the cell's API server would have signed it, with an end that has passed."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from rehearsal.kube import cellfile

if TYPE_CHECKING:
    from pathlib import Path


def expired(world_dir: Path, cell: str, token: str) -> str:
    """The token again, signed with the cell's own service-account key, ended an hour ago."""
    head, payload, _ = token.strip().split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    now = int(time.time())
    claims |= {"iat": now - 7200, "nbf": now - 7200, "exp": now - 3600}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
    key = serialization.load_pem_private_key(cellfile.folders(world_dir, cell).signing_key.read_bytes(), password=None)
    assert isinstance(key, RSAPrivateKey)
    signed = head.encode() + b"." + body
    signature = base64.urlsafe_b64encode(key.sign(signed, padding.PKCS1v15(), hashes.SHA256())).rstrip(b"=")
    return (signed + b"." + signature).decode()
