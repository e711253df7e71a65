"""The border between the worlds: a recorder on the one path there is, from a command line to the other world's gate.

It ends TLS with the gate's own certificate, writes each request and each answer to a file byte for byte before passing
it on (the bearer token alone is replaced by its sha256), and can cut the path. One process per direction:

    border/<caller>-<world>.jsonl   what crossed            border/<caller>-<world>.mode   open, refuse, …
    border/<caller>-<world>.sock    where the mode is set   border/<caller>-<world>.pid    the process

Modes: `open`; `refuse` (nobody listens: nothing can leave); `drop-after-request` (the gate gets the request and
answers, the caller never hears of it); `drop-before-gate` (the request leaves the caller and never arrives).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h11

from rehearsal.home import Home, checkout
from rehearsal.kube import client as kube

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

MODES = ("open", "refuse", "drop-after-request", "drop-before-gate")
PORT = 8443
LIFETIME_S = 8 * 3600.0
_EXCHANGE_S = 30.0
_MAX_MESSAGE = 16 * 1024 * 1024
_MAX_RECORD = 512 * 1024 * 1024
_CHUNK = 1 << 16
_TOKEN = re.compile(rb"(?im)^(authorization:[ \t]*bearer[ \t]+)(\S+)")
_NUMBER = re.compile(rb'"exchange": (\d+), "kind"')
_GATE_PODS = "/api/v1/namespaces/twain-system/pods"
_WORLD_NUMBER = {"cn": 11, "row": 12}
# The exchange that a connection is at: each has its own task, and several are open at once.
_EXCHANGE: ContextVar[int] = ContextVar("exchange", default=0)


class CutError(Exception):
    """The exchange cannot go on; the caller's connection is closed without an answer."""


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """One direction: operators of `caller` ask the gate of `world`, which lives in `cell`."""

    home: Home
    caller: str
    world: str
    cell: str

    def path(self, suffix: str) -> Path:
        """A file of this direction."""
        return self.home.border / f"{self.caller}-{self.world}.{suffix}"

    @property
    def address(self) -> str:
        """Where callers find the gate."""
        return f"127.{self.home.block}.0.{_WORLD_NUMBER[self.world]}"

    @property
    def secrets(self) -> Path:
        """The gate's certificate and key, as the cell's secret store holds them."""
        return self.home.cell(self.world, self.cell) / "secrets"

    def gate(self, token_file: Path) -> dict[str, str]:
        """The entry of the caller's context: url, CA and token file."""
        ca = (self.secrets / "ca.crt").read_text(encoding="utf-8")
        return {"url": f"https://{self.address}:{PORT}", "ca_pem": ca, "token_file": str(token_file)}


def start(crossing: Crossing) -> int:
    """Start the recorder of a direction, detached; returns its process id once it listens. A running one is kept.

    Raises RuntimeError with its last words when it does not come up.
    """
    running = _running(crossing)
    if running is not None:
        return running
    crossing.home.border.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [sys.executable, "-m", "rehearsal.border", str(crossing.home.root)]
    command += [crossing.caller, crossing.world, crossing.cell]
    environment = {**os.environ, "TWAIN_REHEARSAL_HOME": str(crossing.home.root), "PYTHONPATH": str(checkout())}
    with crossing.path("log").open("ab") as log:
        made = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False, timeout=30
        )
    running = _running(crossing)
    if made.returncode != 0 or running is None:
        tail = crossing.path("log").read_text(encoding="utf-8", errors="replace")[-800:]
        message = f"the recorder of {crossing.caller} to {crossing.world} did not start: {tail}"
        raise RuntimeError(message)
    return running


def stop(crossing: Crossing) -> None:
    """End the recorder of a direction. One that is gone already is no error."""
    pid = _running(crossing)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def set_mode(crossing: Crossing, mode: str) -> None:
    """Change what the border does; in force when this returns. Raises ValueError, or OSError when no recorder runs."""
    if mode not in MODES:
        message = f"the border has no mode {mode!r}; it has {', '.join(MODES)}"
        raise ValueError(message)
    with _near(crossing.path("sock")) as path, socket.socket(socket.AF_UNIX) as control:
        control.settimeout(10)
        control.connect(path)
        control.sendall(json.dumps({"mode": mode}).encode() + b"\n")
        with control.makefile("rb") as answers:
            answer = json.loads(answers.readline() or b"{}")
    if answer.get("mode") != mode:
        message = f"the border did not change its mode: {answer}"
        raise OSError(message)


def mode(crossing: Crossing) -> str:
    """The mode that the border was last told."""
    try:
        return crossing.path("mode").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return "open"


def existing(home: Home) -> list[Crossing]:
    """Every direction that was ever recorded in this rehearsal, by its files. To be asked for and told their mode
    only: which cell holds the gate is not in them.
    """
    found: list[Crossing] = []
    for path in sorted(home.border.glob("*.mode")):
        caller, _, world = path.stem.partition("-")
        found.append(Crossing(home=home, caller=caller, world=world, cell=""))
    return found


def records(home: Home) -> Iterator[dict[str, Any]]:
    """Everything that crossed, in either direction, each direction in its order."""
    for path in sorted(home.border.glob("*.jsonl")):
        with path.open(encoding="utf-8") as stream:
            for line in stream:
                yield json.loads(line)


def _running(crossing: Crossing) -> int | None:
    """The process id of the recorder when it answers. A pid file without a listener behind it is a leftover."""
    try:
        with _near(crossing.path("sock")) as path, socket.socket(socket.AF_UNIX) as control:
            control.settimeout(2)
            control.connect(path)
            control.sendall(b"{}\n")
            with control.makefile("rb") as answers:
                return int(json.loads(answers.readline())["pid"])
    except (OSError, ValueError, KeyError):
        return None


@contextlib.contextmanager
def _near(path: Path) -> Generator[str]:
    """A short name for a socket: a unix socket's path may have 107 bytes, a rehearsal's folder may be deeper."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


@dataclass
class Recorder:
    """The process of one direction."""

    crossing: Crossing
    mode: str = "open"
    _server: asyncio.Server | None = field(default=None, init=False)
    _upstream: str = field(default="", init=False)
    _sequence: int = field(default=0, init=False)
    _open: set[asyncio.StreamWriter] = field(default_factory=set, init=False)

    async def run(self, *, stop: asyncio.Event, ready: Callable[[], None], address: str, port: int = PORT) -> None:
        """Listen until `stop`; call `ready` once callers can come."""
        self._address, self._port = address, port
        self.mode = mode(self.crossing)
        self._sequence = _last_exchange(self.crossing.path("jsonl"))
        control_path = self.crossing.path("sock")
        control_path.unlink(missing_ok=True)
        with _near(control_path) as near:
            control = await asyncio.start_unix_server(self._control, near)
        await self._set(self.mode)
        self.crossing.path("pid").write_text(f"{os.getpid()}\n")
        ready()
        try:
            await stop.wait()
        finally:
            control.close()
            await self._close()
            control_path.unlink(missing_ok=True)
            self.crossing.path("pid").unlink(missing_ok=True)

    async def _control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = json.loads(await reader.readline() or b"{}")
            if asked.get("mode") in MODES:
                await self._set(asked["mode"])
            writer.write(json.dumps({"mode": self.mode, "pid": os.getpid()}).encode() + b"\n")
            await writer.drain()
        except (ValueError, OSError) as error:
            sys.stderr.write(f"border control: {error}\n")
        finally:
            writer.close()

    async def _set(self, wanted: str) -> None:
        self.mode = wanted
        self.crossing.path("mode").write_text(f"{wanted}\n", encoding="utf-8")
        if wanted == "refuse":
            await self._close()
        elif self._server is None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.crossing.secrets / "gate.crt", self.crossing.secrets / "gate.key")
            self._server = await asyncio.start_server(self._serve, self._address, self._port, ssl=context)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._open:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            async with asyncio.timeout(_EXCHANGE_S):
                while await self._exchange(reader, writer):
                    pass
        except (CutError, TimeoutError, OSError, h11.ProtocolError) as error:
            if str(error):
                self._record("cut", b"", note=str(error))
            writer.transport.abort()
        finally:
            self._open.discard(writer)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Pass one request on and its answer back. False when the caller has nothing more to say."""
        machine = h11.Connection(h11.SERVER, max_incomplete_event_size=_CHUNK)
        request = await _message(machine, reader)
        if not request:
            return False
        self._sequence += 1
        _EXCHANGE.set(self._sequence)
        self._record("request", request)
        if self.mode == "drop-before-gate":
            message = "the request was dropped before the gate"
            raise CutError(message)
        answer = await self._ask(request)
        if self.mode == "drop-after-request":
            self._record("withheld", answer)
            message = "the answer was dropped on its way back"
            raise CutError(message)
        self._record("answer", answer)
        writer.write(answer)
        await writer.drain()
        return True

    async def _ask(self, request: bytes) -> bytes:
        reader, writer = await self._connect()
        try:
            writer.write(request)
            await writer.drain()
            machine = h11.Connection(h11.CLIENT, max_incomplete_event_size=_CHUNK)
            method = request.split(b" ", 1)[0]
            machine.send(h11.Request(method=method, target=b"/", headers=[(b"host", b"gate")]))
            machine.send(h11.EndOfMessage())
            answer = await _message(machine, reader)
        finally:
            writer.close()
        if not answer:
            message = "the gate closed the connection before it answered"
            raise CutError(message)
        return answer

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the gate's pod, wherever it is now."""
        context = ssl.create_default_context(cafile=str(self.crossing.secrets / "ca.crt"))
        context.check_hostname = False  # the cell's own authority signed it; the pod's address changes
        try:
            if self._upstream:
                with contextlib.suppress(OSError):
                    return await asyncio.open_connection(self._upstream, PORT, ssl=context)
            self._upstream = await self._gate_address()
            return await asyncio.open_connection(self._upstream, PORT, ssl=context)
        except (OSError, kube.ApiError, kube.UnreachableError) as error:
            message = f"the gate of {self.crossing.world} cannot be reached: {error}"
            raise CutError(message) from error

    async def _gate_address(self) -> str:
        folder = self.crossing.home.cell(self.crossing.world, self.crossing.cell)
        async with kube.KubeClient(kube.read_kubeconfig(folder / "admin.kubeconfig")) as client:
            found = await client.get(_GATE_PODS, labelSelector="app.kubernetes.io/name=gate")
        for pod in found["items"]:
            conditions = {one["type"]: one["status"] for one in pod["status"].get("conditions") or ()}
            if conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]:
                return pod["status"]["podIP"]
        message = "no pod of the gate is ready"
        raise OSError(message)

    def _record(self, kind: str, raw: bytes, *, note: str = "") -> None:
        """Write before anything is passed on. Latin-1 keeps every byte: text.encode('latin-1') is what crossed."""
        path = self.crossing.path("jsonl")
        entry = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "from": self.crossing.caller,
            "to": self.crossing.world,
            "exchange": _EXCHANGE.get(),
            "kind": kind,
            "bytes": len(raw),
            "sha256": hashlib.sha256(raw).hexdigest(),
            "text": sealed(raw).decode("latin-1"),
        }
        if note:
            entry["note"] = note
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as stream:
            if stream.tell() > _MAX_RECORD:
                message = f"the record {path} is full: nothing crosses unrecorded"
                raise OSError(message)
            stream.write(json.dumps(entry).encode() + b"\n")


def _last_exchange(path: Path) -> int:
    """The highest number of an exchange in a record: one that is continued counts on. 0 for none."""
    last = 0
    with contextlib.suppress(FileNotFoundError), path.open("rb") as stream:
        for line in stream:
            if found := _NUMBER.search(line):
                last = max(last, int(found[1]))
    return last


def sealed(raw: bytes) -> bytes:
    """The bytes with the bearer token replaced by its sha256, so that the record can be read by anybody."""
    return _TOKEN.sub(lambda found: found[1] + b"sha256:" + hashlib.sha256(found[2]).hexdigest().encode(), raw)


async def _message(machine: h11.Connection, reader: asyncio.StreamReader) -> bytes:
    """The raw bytes of one whole message; empty when the peer closed without one. Raises CutError when it is cut."""
    raw = bytearray()
    while True:
        event = machine.next_event()
        if isinstance(event, h11.EndOfMessage):
            trailing = len(machine.trailing_data[0])
            return bytes(raw[: len(raw) - trailing] if trailing else raw)
        if isinstance(event, h11.ConnectionClosed):
            return b""
        if event is not h11.NEED_DATA:
            continue
        data = await reader.read(_CHUNK)
        raw += data
        if len(raw) > _MAX_MESSAGE:
            message = "a message is larger than 16 MiB"
            raise CutError(message)
        machine.receive_data(data)


async def _main(crossing: Crossing, ready: Callable[[], None]) -> None:
    stop_event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop_event.set)
    loop.call_later(LIFETIME_S, stop_event.set)
    await Recorder(crossing).run(stop=stop_event, ready=ready, address=crossing.address)


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m rehearsal.border HOME CALLER WORLD CELL`: record one direction for 8 h, or until SIGTERM.

    Goes to the background: the command ends with 0 once its child listens, with 1 when that does not come up.
    """
    parser = argparse.ArgumentParser(prog="rehearsal.border")
    for name in ("home", "caller", "world", "cell"):
        parser.add_argument(name)
    arguments = parser.parse_args(argv)
    crossing = Crossing(
        home=Home(Path(arguments.home)), caller=arguments.caller, world=arguments.world, cell=arguments.cell
    )
    heard, told = os.pipe()
    if os.fork():
        os.close(told)
        return 0 if os.read(heard, 1) else 1
    os.close(heard)
    os.setsid()

    def ready() -> None:
        os.write(told, b"1")
        os.close(told)

    asyncio.run(_main(crossing, ready))
    return 0


if __name__ == "__main__":
    sys.exit(main())
