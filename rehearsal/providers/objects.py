"""What lies in the emulated buckets: versions of small objects, with the checksums that the clouds tell of them.

Held as one value of the world per bucket. The bills know nothing of it: what a cloud charges for bytes is not played.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rehearsal.providers.store import Store

# Reflected polynomials.
_CRC32C, _CRC64_ECMA = 0x82F63B78, 0xC96C5795D7870F42


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of an object; `number` counts up within its bucket."""

    key: str
    number: int
    content: str
    at: float


def put(store: Store, bucket: str, key: str, content: str) -> Version:
    """Write an object; what was there stays as an older version."""
    known = versions(store, bucket)
    new = Version(key=key, number=len(known) + 1, content=content, at=time.time())
    store.set_meta(_name(bucket), json.dumps([asdict(one) for one in [*known, new]]))
    return new


def versions(store: Store, bucket: str) -> list[Version]:
    """Every version in a bucket, oldest first."""
    return [Version(**one) for one in json.loads(store.meta(_name(bucket)) or "[]")]


def latest(store: Store, bucket: str) -> dict[str, Version]:
    """The current version of each object, by key."""
    return {one.key: one for one in versions(store, bucket)}


def find(store: Store, bucket: str, key: str, number: int | None = None) -> Version | None:
    """One version; without a number the current one."""
    found = [one for one in versions(store, bucket) if one.key == key and number in (None, one.number)]
    return found[-1] if found else None


def empty(store: Store, bucket: str) -> None:
    """Take everything out, old versions too."""
    store.set_meta(_name(bucket), "[]")


def crc32c(data: bytes) -> int:
    """As Cloud Storage tells it."""
    return _crc(data, _CRC32C, 0xFFFFFFFF)


def crc64(data: bytes) -> int:
    """As OSS tells it."""
    return _crc(data, _CRC64_ECMA, 0xFFFFFFFFFFFFFFFF)


def _crc(data: bytes, polynomial: int, ones: int) -> int:
    value = ones
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
    return value ^ ones


def _name(bucket: str) -> str:
    return f"objects.{bucket}"
