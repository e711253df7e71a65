"""Runs containers: as processes of this machine, or inside the cell's one simulator process."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from components.errors import TwainLibraryError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rehearsal.agent.site import Site

_LOG = logging.getLogger(__name__)
_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_KILLED = 137
_LINE_LIMIT = 16 * 1024 * 1024
_CONNECT_SECONDS = 30.0
_PATH_LIMIT = 100  # a unix socket's path holds 107 bytes


class StartError(TwainLibraryError):
    """A container could not be started; the message says why."""


class Running(Protocol):
    """A container that runs."""

    async def wait(self) -> tuple[int, str]:
        """(exit code, reason) once it ended; may be awaited by many."""
        ...

    def terminate(self, grace: float) -> None:
        """SIGTERM; what still runs after `grace` seconds gets SIGKILL from whoever waits or from the simulator."""
        ...

    def kill(self) -> None:
        """SIGKILL."""
        ...


def _die_with_parent() -> None:
    # Runs in the child between fork and exec: the agent may be killed at any moment, its children must not outlive it.
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class ProcessRun:
    """A container that is a process in a group of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """The process number."""
        return self._process.pid

    async def wait(self) -> tuple[int, str]:
        """(exit code, reason); a signal N is told as 128 + N."""
        code = await self._process.wait()
        if code < 0:
            code = 128 - code
        return code, "Completed" if code == 0 else "Error"

    def terminate(self, grace: float) -> None:
        """SIGTERM to the group."""
        del grace  # the caller's clock
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to the group."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)


class SimulatedRun:
    """A container inside the simulator process."""

    def __init__(self, simulators: Simulators, name: str) -> None:
        self._simulators = simulators
        self._name = name
        self.ended: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()

    async def wait(self) -> tuple[int, str]:
        """(exit code, reason)."""
        return await asyncio.shield(self.ended)

    def terminate(self, grace: float) -> None:
        """SIGTERM, and SIGKILL after `grace` seconds."""
        self._simulators.send({"op": "stop", "id": self._name, "grace": grace})

    def kill(self) -> None:
        """SIGKILL."""
        self._simulators.send({"op": "stop", "id": self._name, "grace": 0})


class Children:
    """The agent's child processes."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.pids: set[int] = set()

    async def start(
        self, arguments: Sequence[str], *, environment: Mapping[str, str], folder: Path, log: Path
    ) -> ProcessRun:
        """Start a child in its own group, its output appended to `log`. Raises StartError."""
        log.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            process = await asyncio.create_subprocess_exec(
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                cwd=folder,
                env=dict(environment),
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        except OSError as error:
            message = f"cannot start {arguments[0]}: {error}"
            raise StartError(message) from error
        finally:
            os.close(descriptor)
        self.pids.add(process.pid)
        self._site.children_changed()
        task = asyncio.ensure_future(process.wait())
        task.add_done_callback(lambda _: self._ended(process.pid))
        return ProcessRun(process)

    def _ended(self, pid: int) -> None:
        self.pids.discard(pid)
        self._site.children_changed()


class Simulators:
    """The cell's simulator process, started with its first container and again when it died."""

    def __init__(self, site: Site, children: Children) -> None:
        self._site = site
        self._children = children
        self._lock = asyncio.Lock()
        self._writer: asyncio.StreamWriter | None = None
        self._process: ProcessRun | None = None
        self._runs: dict[str, SimulatedRun] = {}
        self._reader_task: asyncio.Task[None] | None = None

    async def start(self, operation: dict[str, Any]) -> SimulatedRun:
        """Start one container; `operation` is the simulator's `start` without `op`. Raises StartError."""
        async with self._lock:
            if self._writer is None or self._writer.is_closing():
                await self._launch()
        run = SimulatedRun(self, operation["id"])
        self._runs[operation["id"]] = run
        self.send({"op": "start", **operation})
        return run

    def send(self, operation: dict[str, Any]) -> None:
        """One control line; nothing when the simulator is gone (its containers have ended then)."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(msgspec.json.encode(operation) + b"\n")

    async def _launch(self) -> None:
        place = self._site.place
        path = place.root / "sim.sock"
        if len(str(path)) > _PATH_LIMIT:
            path = place.root.parent / f".{self._site.cell.index}.sock"
        if len(str(path)) > _PATH_LIMIT:
            message = f"{path} is too long a path for a socket; set TWAIN_REHEARSAL_HOME to a shorter one"
            raise StartError(message)
        path.unlink(missing_ok=True)
        arrived: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = (
            asyncio.get_running_loop().create_future()
        )

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if arrived.done():
                writer.close()
            else:
                arrived.set_result((reader, writer))

        before = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(accept, path, limit=_LINE_LIMIT)
        finally:
            os.umask(before)
        arguments = [sys.executable, "-m", "rehearsal.programs.simhost", "--control", str(path)]
        arguments += ["--speed", str(self._site.speed), "--truth", str(place.root / "truth.sqlite")]
        arguments += ["--dns-log", str(place.root / "lookups.jsonl")]
        try:
            self._process = await self._children.start(
                arguments, environment=os.environ, folder=place.root, log=place.root / "simulators.log"
            )
            ended = asyncio.ensure_future(self._process.wait())
            await asyncio.wait({arrived, ended}, timeout=_CONNECT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if not arrived.done():
                self._process.kill()
                message = f"the simulator process did not start; its words are in {place.root / 'simulators.log'}"
                raise StartError(message)
        finally:
            server.close()
            path.unlink(missing_ok=True)
        reader, self._writer = arrived.result()
        self._reader_task = asyncio.create_task(self._read(reader))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                event = msgspec.json.decode(line)
                if event.get("event") in {"exited", "refused"}:
                    run = self._runs.pop(event.get("id") or "", None)
                    if run is not None and not run.ended.done():
                        code = event.get("code", 128)
                        run.ended.set_result((code, event.get("reason") or event.get("message") or "Error"))
        except ConnectionError:
            _LOG.warning("the simulator process went away")
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        for name in list(self._runs):
            run = self._runs.pop(name)
            if not run.ended.done():
                run.ended.set_result((_KILLED, "Error"))
