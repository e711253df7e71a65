"""Runs one provider as a plugin process of the engine."""

from __future__ import annotations

import asyncio
import os
import sys
from concurrent import futures
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from rehearsal.engine.lifeline import announce, until_told_to_stop

if TYPE_CHECKING:
    import threading

WORLD_VARIABLE: Final = "TWAIN_REHEARSAL_WORLD"
_MESSAGE_LIMIT: Final = [("grpc.max_receive_message_length", 400 * 1024 * 1024)]
_WORKERS: Final = 32


def serve(servicer: Any, *, cancelled: threading.Event | None = None) -> int:
    """Serve one provider until the engine ends or stops it; prints the port first. Returns the exit status."""
    parent = os.getppid()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=_WORKERS), options=_MESSAGE_LIMIT)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    asyncio.run(until_told_to_stop(parent=parent, ready=lambda: announce(port)))
    if cancelled is not None:
        cancelled.set()
    server.stop(grace=0.2)
    sys.stdout.flush()
    # Threads inside a side effect must not hold the process: what they did is recorded and repeatable.
    os._exit(0)


def world_dir() -> Path:
    """The folder of the world in which the engine runs. Raises SystemExit with the fix when the variable is missing."""
    value = os.environ.get(WORLD_VARIABLE)
    if not value:
        message = f"{WORLD_VARIABLE} is not set: emulated clouds run inside a rehearsal only (twain rehearse shell)"
        raise SystemExit(message)
    return Path(value)
