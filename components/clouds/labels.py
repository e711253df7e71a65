"""Tags and labels that are valid on all three clouds: the intersection of their rules.

A resource carries at most ten (a bucket of Alibaba Cloud takes no more). Azure ignores case in keys, GCP refuses
capitals, and several prefixes are the clouds' own. Labels on GCP must not be empty: an empty one differs for ever.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST = 10
_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_VALUE = re.compile(r"[a-z0-9_-]{1,63}")
_RESERVED = ("acs", "aliyun", "azure", "goog", "microsoft", "windows")


def problems(tags: Mapping[str, str]) -> list[str]:
    """What is wrong with a set of tags, in words; empty when all three clouds take it."""
    found: list[str] = []
    if len(tags) > MOST:
        found.append(f"{len(tags)} tags; at most {MOST} fit on every cloud")
    for key, value in tags.items():
        if not _KEY.fullmatch(key):
            found.append(f"key {key!r}: 1 to 63 lower-case letters, digits, _ and -, beginning with a letter")
        elif key.startswith(_RESERVED):
            found.append(f"key {key!r}: {', '.join(_RESERVED)} are prefixes of the clouds' own")
        if not _VALUE.fullmatch(value):
            found.append(f"value {value!r} of {key}: 1 to 63 lower-case letters, digits, _ and -")
    return found
