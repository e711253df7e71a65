"""Physical names: deterministic, within each cloud's limits, free of collisions.

A name is derived from fleet, cell and purpose and from nothing else, so that every run and every mirror gives the same
one. What must be unique in a whole cloud ends in a hash of the three.
"""

from __future__ import annotations

import hashlib
import re
import uuid as _uuid

_HASH = 6
# Ten for names without dashes: cutting can make two sources look alike, so the hash alone must tell them apart.
_LONG_HASH = 10


def regional(fleet: str, cell: str, purpose: str, *, limit: int = 40) -> str:
    """`<fleet>-<cell>-<purpose>`, ended with a hash where that is too long or could be read in two ways.

    A cell's name may hold dashes. While the fleet's and the purpose's hold none, the three can be told apart.
    """
    name = f"{fleet}-{cell}-{purpose}"
    if len(name) <= limit and "-" not in fleet and "-" not in purpose and "--" not in name:
        return name
    return _hashed(name, _digest(fleet, cell, purpose, length=_LONG_HASH), limit=limit, joint="-")


def worldwide(fleet: str, cell: str, purpose: str, *, limit: int = 63, dashes: bool = True) -> str:
    """A name for a namespace that the whole cloud shares: always with a hash, without dashes where they are refused."""
    length = _HASH if dashes and limit >= 40 else _LONG_HASH
    digest = _digest(fleet, cell, purpose, length=length)
    name = f"{fleet}-{cell}-{purpose}"
    return _hashed(name if dashes else name.replace("-", ""), digest, limit=limit, joint="-" if dashes else "")


def _hashed(name: str, digest: str, *, limit: int, joint: str) -> str:
    # Azure refuses two dashes in a row in a vault's name.
    stem = re.sub("-+", "-", name)[: limit - len(digest) - len(joint)].rstrip("-")
    return f"{stem}{joint}{digest}"


def uuid(fleet: str, cell: str, purpose: str) -> str:
    """A UUID made from the three, the same in every run."""
    return str(_uuid.uuid5(_uuid.NAMESPACE_URL, f"twain:{fleet}/{cell}/{purpose}"))


def _digest(*parts: str, length: int) -> str:
    # The separator cannot occur in a name, so ("a-b", "c") and ("a", "b-c") differ.
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:length]
