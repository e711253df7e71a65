"""One process per cell that plays many simulated containers: `python -m rehearsal.programs.simhost --control SOCKET`.

Control is JSON lines over one unix socket. In: `start` and `stop` (`context.StartOp`, `context.StopOp`). Out:
`{"event":"ready"}` once, `{"id","event":"started"}`, `{"id","event":"exited","code","reason"}`,
`{"id","event":"lookup","host","purpose"}` and `{"id","event":"refused","message"}`. When the other end closes, or the
parent dies, everything here ends.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import msgspec

from rehearsal import home
from rehearsal.engine.lifeline import engine_gone
from rehearsal.programs.context import EXIT_SIGKILL, Context, Program, Shared, StartOp, StopOp
from rehearsal.programs.gpus import GpuBoard
from rehearsal.programs.truthlog import TruthLogs

PROGRAMS: Mapping[str, str] = {
    "vllm": "rehearsal.programs.vllm:run",
    "vllm-openai": "rehearsal.programs.vllm:run",
    "dcgm": "rehearsal.programs.dcgm:run",
    "dcgm-exporter": "rehearsal.programs.dcgm:run",
}
_LINE_LIMIT = 16 * 1024 * 1024
_CONNECT_SECONDS = 60.0
_DECODER = msgspec.json.Decoder(StartOp | StopOp)
Send = Callable[[Mapping[str, object]], None]


@dataclass
class _Running:
    context: Context
    task: asyncio.Task[int]
    killed: asyncio.TimerHandle | None = None


@dataclass
class SimHost:
    """The running programs. `send` takes every event; `start` and `stop` never raise for a wrong operation."""

    shared: Shared
    send: Send
    programs: Mapping[str, str] = field(default_factory=lambda: PROGRAMS)
    _running: dict[str, _Running] = field(default_factory=dict)

    def handle(self, line: bytes) -> None:
        """One control line."""
        try:
            operation = _DECODER.decode(line)
        except msgspec.DecodeError as error:
            self.send({"id": None, "event": "refused", "message": f"not an operation: {error}"})
            return
        if isinstance(operation, StartOp):
            self.start(operation)
        else:
            self.stop(operation)

    def start(self, operation: StartOp) -> None:
        """Run a program; `exited` follows whenever and however it ends."""
        if operation.id in self._running:
            self.send({"id": operation.id, "event": "refused", "message": "already running"})
            return
        if operation.program not in self.programs:
            message = f"no such program: {operation.program}; there are {', '.join(self.programs)}"
            self.send({"id": operation.id, "event": "refused", "message": message})
            return
        module, _, name = self.programs[operation.program].partition(":")
        program = cast("Program", getattr(importlib.import_module(module), name))
        context = Context(start=operation, shared=self.shared)

        async def body() -> int:
            return await program(context)

        task = asyncio.create_task(body(), name=operation.id)
        self._running[operation.id] = _Running(context=context, task=task)
        task.add_done_callback(lambda _task: self._ended(operation.id))
        self.send({"id": operation.id, "event": "started"})

    def stop(self, operation: StopOp) -> None:
        """SIGTERM now, SIGKILL after the grace. A stop of something that has ended does nothing."""
        running = self._running.get(operation.id)
        if running is None:
            return
        running.context.terminated.set()
        grace = running.context.start.grace if operation.grace is None else operation.grace
        if running.killed is not None:
            running.killed.cancel()
        running.killed = asyncio.get_running_loop().call_later(max(0.0, grace), running.task.cancel)

    def _ended(self, name: str) -> None:
        running = self._running.pop(name)
        if running.killed is not None:
            running.killed.cancel()
        task = running.task
        if task.cancelled():
            self.send({"id": name, "event": "exited", "code": EXIT_SIGKILL, "reason": "Killed"})
            return
        error = task.exception()
        if error is not None:
            # A fault of a simulator is a crash of its container, told as such, never of its neighbours.
            running.context.log(f"{type(error).__name__}: {error}")
            self.send({"id": name, "event": "exited", "code": 1, "reason": f"{type(error).__name__}: {error}"})
            return
        code = task.result()
        self.send({"id": name, "event": "exited", "code": code, "reason": "Completed" if code == 0 else "Error"})

    async def close(self) -> None:
        """End everything as SIGKILL would, and write what truth still waits."""
        tasks = [running.task for running in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.shared.truth.flush()


async def _connected(path: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """The control connection: the starter's socket when it listens already, else the first who connects to ours."""
    with suppress(OSError):
        return await asyncio.open_unix_connection(path, limit=_LINE_LIMIT)
    path.unlink(missing_ok=True)  # noqa: ASYNC240 - a socket's name, once
    arrived: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = (
        asyncio.get_running_loop().create_future()
    )

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if arrived.done():
            writer.close()
        else:
            arrived.set_result((reader, writer))

    umask = os.umask(0o177)
    try:
        server = await asyncio.start_unix_server(accept, path, limit=_LINE_LIMIT)
    finally:
        os.umask(umask)
    sys.stdout.write('{"event":"listening"}\n')
    sys.stdout.flush()
    try:
        # Not wait_for: until 3.12 that forgets a cancellation which comes together with the result.
        async with asyncio.timeout(_CONNECT_SECONDS):
            return await arrived
    finally:
        server.close()
        path.unlink(missing_ok=True)  # noqa: ASYNC240


async def serve(path: Path, *, speed: float, truth: Path | None = None, dns_log: Path | None = None) -> None:
    """Obey one control connection until it closes. Raises TimeoutError when nobody connects."""
    reader, writer = await _connected(path)

    def send(event: Mapping[str, object]) -> None:
        if not writer.is_closing():
            writer.write(msgspec.json.encode(event) + b"\n")

    shared = Shared(speed=speed, gpus=GpuBoard(), truth=TruthLogs(), truth_path=truth, dns_log=dns_log, notify=send)
    host = SimHost(shared=shared, send=send)
    send({"event": "ready"})
    try:
        while line := await reader.readline():
            host.handle(line)
    except ConnectionError:
        pass
    finally:
        await host.close()
        writer.close()


def _speed() -> float:
    try:
        return home.current().speed
    except (OSError, ValueError, KeyError):
        return home.default_speed()


async def _main(arguments: argparse.Namespace) -> None:
    # Watched by pidfd, not PR_SET_PDEATHSIG: that would fire when the *thread* that started us ends.
    parent = asyncio.create_task(engine_gone(os.getppid()))
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, told.set)
    stop = asyncio.create_task(told.wait())
    work = asyncio.create_task(
        serve(arguments.control, speed=arguments.speed, truth=arguments.truth, dns_log=arguments.dns_log)
    )
    await asyncio.wait((parent, stop, work), return_when=asyncio.FIRST_COMPLETED)
    for task in (parent, stop, work):
        task.cancel()
    with suppress(asyncio.CancelledError, TimeoutError):
        await work


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of the simulator process."""
    parser = argparse.ArgumentParser(prog="simhost", description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--control", type=Path, required=True, help="unix socket; connected to, else listened on")
    parser.add_argument("--speed", type=float, default=None, help="what waits are divided by")
    parser.add_argument(
        "--truth", type=Path, default=None, help="record of finished requests (default: by the pod's root)"
    )
    parser.add_argument(
        "--dns-log", type=Path, default=os.environ.get("TWAIN_SIM_DNS_LOG"), help="record of name look-ups"
    )
    arguments = parser.parse_args(argv)
    if arguments.speed is None:
        arguments.speed = _speed()
    asyncio.run(_main(arguments))
    return 0


if __name__ == "__main__":
    sys.exit(main())
