"""A plugin process must not outlive the engine that started it, however the engine ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


async def engine_gone(parent: int) -> None:
    """Return when process `parent` has ended; return at once when it already had.

    A pidfd becomes readable at that moment, so this needs no polling. PR_SET_PDEATHSIG would not do here: it fires
    when the *thread* that started us ends, and the engine is a Go program whose threads come and go.
    """
    if os.getppid() != parent:
        return
    try:
        descriptor = os.pidfd_open(parent)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    loop.add_reader(descriptor, gone.set)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


async def until_told_to_stop(*, parent: int, ready: Callable[[], None]) -> None:
    """Call `ready` once signals are answered, then return on SIGINT or SIGTERM, or on the engine's end.

    SIGINT is how the engine ends a plugin (it waits five seconds for it before it kills). A terminal's Ctrl-C
    does not come here: the engine gives each plugin a process group of its own.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    waits = [asyncio.create_task(engine_gone(parent)), asyncio.create_task(stop.wait())]
    # The engine may end us as soon as it has read the port, so the port is printed only now.
    ready()
    _done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def announce(port: int) -> None:
    """Tell the engine the port: the first line of a plugin's output."""
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()


def die_with_parent_thread() -> None:
    """For a child of a single-threaded Python parent: ask the kernel for SIGKILL when that parent ends."""
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == 1:
        os._exit(1)
