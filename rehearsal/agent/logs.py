"""The log end of a node: `kubectl logs` reaches it over TLS at the Node's own 127.x address.

The API server presents no client certificate there, so any process of this machine can read; the address is the
rehearsal's own and reaches no further than the machine.
"""

from __future__ import annotations

import asyncio
import bisect
import contextlib
import ipaddress
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rehearsal.agent.machines import KUBELET_PORT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from rehearsal.agent.kubelet import Kubelet

_CLOCK_SECONDS = 1.0
_FOLLOW_SECONDS = 0.2
_CHUNK = 64 * 1024
# A log beyond this size loses its older half: a simulator that repeats itself must not fill the disk.
_LARGEST = 32 * 1024 * 1024


@dataclass
class Clock:
    """When which part of a log was written, to the second: programs write raw lines straight into their file."""

    ends: list[int] = field(default_factory=list[int])
    times: list[float] = field(default_factory=list[float])

    def note(self, size: int, at: float) -> None:
        """The file has this size at this time."""
        if self.ends and size < self.ends[-1]:
            self.ends, self.times = [], []
        if not self.ends or size > self.ends[-1]:
            self.ends.append(size)
            self.times.append(at)

    def at(self, offset: int, fallback: float) -> float:
        """When the byte at `offset` was written, as well as is known."""
        place = bisect.bisect_right(self.ends, offset)
        return self.times[place] if place < len(self.times) else fallback


class LogClocks:
    """Looks at every running container's log once per second."""

    def __init__(self, kubelet: Kubelet) -> None:
        self._kubelet = kubelet
        self._clocks: dict[Path, Clock] = {}

    async def run(self) -> None:
        """For ever."""
        while True:
            present: set[Path] = set()
            for runner in self._kubelet.runners.values():
                for state in [*runner.inits, *runner.containers]:
                    path = runner.log_path(state.name, state.restarts)
                    present.add(path)
                    self._look(path)
            for path in set(self._clocks) - present:
                if not path.exists():
                    del self._clocks[path]
            await asyncio.sleep(_CLOCK_SECONDS)

    def _look(self, path: Path) -> None:
        try:
            facts = path.stat()
        except FileNotFoundError:
            return
        self._clocks.setdefault(path, Clock()).note(facts.st_size, facts.st_mtime)
        if facts.st_size > _LARGEST:
            with path.open("r+b") as file:
                file.seek(-_LARGEST // 2, 2)
                kept = file.read()
                file.truncate(0)
                file.seek(0)
                file.write(kept.partition(b"\n")[2])

    def of(self, path: Path) -> Clock:
        """The clock of a log file."""
        return self._clocks.get(path) or Clock()


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a reader of a log wants."""

    follow: bool = False
    timestamps: bool = False
    tail: int | None = None
    limit: int | None = None
    since: float | None = None


def parse(query: dict[str, str], *, now: float) -> Asked:
    """Read the query of a log request. Raises ValueError for numbers that are none."""
    since = None
    if "sinceSeconds" in query:
        since = now - float(query["sinceSeconds"])
    elif "sinceTime" in query:
        since = datetime.fromisoformat(query["sinceTime"]).timestamp()
    return Asked(
        follow=query.get("follow") == "true",
        timestamps=query.get("timestamps") == "true",
        tail=int(query["tailLines"]) if "tailLines" in query else None,
        limit=int(query["limitBytes"]) if "limitBytes" in query else None,
        since=since,
    )


def tail_offset(data: bytes, lines: int) -> int:
    """Where the last `lines` lines begin; a last line without its end counts as one."""
    if lines <= 0:
        return len(data)
    at = len(data) - 1 if data.endswith(b"\n") else len(data)
    for _ in range(lines):
        at = data.rfind(b"\n", 0, at)
        if at < 0:
            return 0
    return at + 1


def stamped(data: bytes, *, begin: int, clock: Clock, fallback: float, asked: Asked) -> Iterator[bytes]:
    """The lines of `data` (which begins at file offset `begin`) from `since` on, with their times if asked."""
    offset = begin
    for line in data.splitlines(keepends=True):
        written = clock.at(offset, fallback)
        offset += len(line)
        if asked.since is not None and written < asked.since:
            continue
        if asked.timestamps:
            moment = datetime.fromtimestamp(written, UTC)
            yield moment.strftime("%Y-%m-%dT%H:%M:%S.%f000Z ").encode() + line
        else:
            yield line


class LogServer:
    """One HTTP application on every Node address of the cell."""

    def __init__(self, kubelet: Kubelet, clocks: LogClocks) -> None:
        self._kubelet = kubelet
        self._clocks = clocks
        self._runner: web.AppRunner | None = None
        self._tls: ssl.SSLContext | None = None
        self._sites: dict[str, web.TCPSite] = {}
        self._lock = asyncio.Lock()

    async def start(self, folder: Path) -> None:
        """Make the certificate and the application; no address is bound yet."""
        self._tls = _self_signed(folder)
        application = web.Application()
        application.router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._logs)
        application.router.add_get("/healthz", _healthz)
        application.router.add_route("*", "/{anything:.*}", _refused)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()

    async def listen(self, address: str) -> None:
        """Bind one Node's address; repeating changes nothing."""
        async with self._lock:
            if self._runner is not None and address not in self._sites:
                site = web.TCPSite(self._runner, address, KUBELET_PORT, ssl_context=self._tls, reuse_address=True)
                await site.start()
                self._sites[address] = site

    async def leave(self, address: str) -> None:
        """Release one Node's address."""
        async with self._lock:
            site = self._sites.pop(address, None)
            if site is not None:
                await site.stop()

    async def stop(self) -> None:
        """Release everything."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        facts = request.match_info
        runner = self._kubelet.find(facts["namespace"], facts["pod"])
        if runner is None:
            return web.Response(status=404, text=f'pod "{facts["pod"]}" is not on this node\n')
        state = next((one for one in [*runner.inits, *runner.containers] if one.name == facts["container"]), None)
        if state is None:
            return web.Response(status=404, text=f'container "{facts["container"]}" is not in pod "{facts["pod"]}"\n')
        try:
            asked = parse(dict(request.query), now=datetime.now(UTC).timestamp())
        except ValueError as error:
            return web.Response(status=400, text=f"{error}\n")
        number = state.restarts
        if request.query.get("previous") == "true":
            number -= 1
        path = runner.log_path(state.name, number)
        if number < 0 or (number != state.restarts and not path.exists()):
            text = f'previous terminated container "{state.name}" in pod "{facts["pod"]}" not found\n'
            return web.Response(status=400, text=text)
        if "waiting" in state.state and not path.exists():
            # A container in back-off has words of its last run; one that never ran has none.
            earlier = runner.log_path(state.name, number - 1)
            if number == 0 or not earlier.exists():
                why = state.state["waiting"].get("reason", "")
                text = f'container "{state.name}" in pod "{facts["pod"]}" is waiting to start: {why}\n'
                return web.Response(status=400, text=text)
            path = earlier
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            sent = 0
            async for chunk in self._read(path, asked, running=lambda: "running" in state.state):
                piece = chunk if asked.limit is None else chunk[: asked.limit - sent]
                await response.write(piece)
                sent += len(piece)
                if asked.limit is not None and sent >= asked.limit:
                    break
            await response.write_eof()
        return response

    async def _read(self, path: Path, asked: Asked, *, running: object) -> AsyncIterator[bytes]:
        data = _content(path, 0, None)
        begin = tail_offset(data, asked.tail) if asked.tail is not None else 0
        position = len(data)
        for line in self._lines(path, data[begin:], begin, asked):
            yield line
        while asked.follow:
            alive = callable(running) and running()
            fresh = _content(path, position, _CHUNK)
            if fresh:
                for line in self._lines(path, fresh, position, asked):
                    yield line
                position += len(fresh)
                continue
            if not alive:
                return
            # A file gives no event without a watcher library; this runs only while somebody reads.
            await asyncio.sleep(_FOLLOW_SECONDS)

    def _lines(self, path: Path, data: bytes, begin: int, asked: Asked) -> Iterator[bytes]:
        if not asked.timestamps and asked.since is None:
            return iter([data] if data else [])
        now = datetime.now(UTC).timestamp()
        return stamped(data, begin=begin, clock=self._clocks.of(path), fallback=now, asked=asked)


def _content(path: Path, position: int, limit: int | None) -> bytes:
    """What a log holds from a position on; empty for a file that is not there (yet)."""
    try:
        with path.open("rb") as file:
            file.seek(position)
            return file.read() if limit is None else file.read(limit)
    except FileNotFoundError:
        return b""


async def _healthz(_: web.Request) -> web.Response:
    return web.Response(text="ok")


async def _refused(request: web.Request) -> web.Response:
    text = f"the rehearsal's nodes serve logs only, not {request.path}; there is no exec, attach or port-forward\n"
    return web.Response(status=501, text=text)


def _self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rehearsal-node")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=7))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "node-tls.pem"
    file.touch(mode=0o600, exist_ok=True)
    file.write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
