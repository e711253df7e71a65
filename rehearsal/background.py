"""Processes of a rehearsal that outlive the command which started them, one of each kind at most."""

from __future__ import annotations

import fcntl
import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def start_once(lock: Path, command: Sequence[str], *, env: Mapping[str, str], log: Path) -> bool:
    """Start a detached process that holds `lock` while it lives; False when one holds it already.

    The process inherits the locked descriptor, so the kernel frees it at its end, however that comes. The environment
    must carry `TWAIN_REHEARSAL_HOME`: that is how `down` finds it.
    """
    descriptor = _take(lock)
    if descriptor is None:
        return False
    try:
        with log.open("ab") as stream:
            subprocess.Popen(
                list(command),
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
                pass_fds=(descriptor,),
            )
    finally:
        os.close(descriptor)
    return True


def runs(lock: Path) -> bool:
    """Whether a process holds the lock."""
    if not lock.exists():
        return False
    descriptor = _take(lock)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def _take(lock: Path) -> int | None:
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
