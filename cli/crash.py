"""Named places where a process may be killed by a test. Without `TWAIN_CRASH_AT` they do nothing.

`TWAIN_CRASH_AT=NAME` or `NAME#3` (the third time) ends the process there with SIGKILL, as a power cut would.
"""

from __future__ import annotations

import os
import signal

_seen: dict[str, int] = {}


def point(name: str) -> None:
    """A place of this name was reached."""
    wanted = os.environ.get("TWAIN_CRASH_AT")
    if wanted is None:
        return
    _seen[name] = _seen.get(name, 0) + 1
    place, _, count = wanted.partition("#")
    if place == name and _seen[name] == int(count or 1):
        os.kill(os.getpid(), signal.SIGKILL)
