"""The engines that this process waits for, so that an interrupt reaches those of its other threads, and each once."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Generator
    from concurrent.futures import ThreadPoolExecutor

_GUARD = threading.Lock()
_RUNNING: list[subprocess.Popen[Any]] = []


@contextlib.contextmanager
def holding(process: subprocess.Popen[Any]) -> Generator[None]:
    """Count a process as ours while the block runs."""
    with _GUARD:
        _RUNNING.append(process)
    try:
        yield
    finally:
        with _GUARD:
            _RUNNING.remove(process)


def interrupt() -> None:
    """Ask every engine to end the step that it is at, write its state and stop; asked twice, it stops at once."""
    with _GUARD:
        for process in _RUNNING:
            process.send_signal(signal.SIGINT)


def drain(pool: ThreadPoolExecutor) -> None:
    """After an interrupt: nothing new is begun, and what runs is asked to end. Each further interrupt asks again."""
    while True:
        interrupt()
        try:
            pool.shutdown(wait=True, cancel_futures=True)
        except KeyboardInterrupt:
            continue
        return
