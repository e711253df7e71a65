"""A small asyncio HTTP/1.1 client: total deadline, body cap, no redirects, no proxies, keep-alive.

Why our own: the deadline covers the whole exchange (per-read timeouts let a peer drip for ever), an error says
whether the request had left (`sent`), so that a write whose answer is missing is called unknown and not failed, and
starting costs the standard library alone: what speaks HTTP (`cli.net.exchange`) is loaded while a connection is made.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from cli import errors
from cli.net.deadline import Deadline
from cli.net.errors import (
    BadAnswer,
    ConnectFailed,
    ConnectionLost,
    DeadlineExceeded,
    HttpError,
    TlsFailed,
    TooLarge,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from cli.net.exchange import StreamingAnswer

__all__ = [
    "BadAnswer",
    "ConnectFailed",
    "ConnectionLost",
    "Deadline",
    "DeadlineExceeded",
    "HttpClient",
    "HttpError",
    "Response",
    "TlsFailed",
    "TooLarge",
    "as_twain_error",
    "tls",
]

BODY_CAP = 64 << 20
CONNECT_TIMEOUT_S = 3.0
# Servers close idle connections; an older one is not worth the risk of losing a write on it.
IDLE_LIMIT_S = 10.0
CHUNK = 1 << 16


@dataclass(frozen=True)
class Response:
    """A whole answer. A redirect is an answer like any other: nobody follows it."""

    status: int
    headers: dict[str, str]
    body: bytes

    def header(self, name: str) -> str | None:
        """A header's value, by name in any case."""
        return self.headers.get(name.lower())


@dataclass
class Connection:
    """An open connection. `fresh` until it is taken for a second exchange."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    idle_since: float = 0.0
    fresh: bool = True

    def usable(self) -> bool:
        """Whether the next exchange may use it."""
        return (
            not self.writer.is_closing()
            and not self.reader.at_eof()
            and time.monotonic() - self.idle_since < IDLE_LIMIT_S
        )

    def close(self) -> None:
        """Drop it at once."""
        self.writer.transport.abort()


@dataclass
class HttpClient:
    """Requests to one origin. Use as `async with`; connections are kept for the next request.

    `base` is `http(s)://host:port` with an optional path that is put before every request's path.
    """

    base: str
    ssl_context: ssl.SSLContext | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body_cap: int = BODY_CAP
    connect_timeout: float = CONNECT_TIMEOUT_S
    _idle: list[Connection] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.base)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
            message = f"{_shown(self.base)} is no http(s) address."
            raise errors.UsageError(message, fix="write https://HOST:PORT", id="CFG-URL")
        self._host = parts.hostname
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self.prefix = parts.path.rstrip("/")
        self.authority = parts.netloc
        if parts.scheme == "https" and self.ssl_context is None:
            self.ssl_context = ssl.create_default_context()
        elif parts.scheme == "http":
            self.ssl_context = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop every idle connection."""
        while self._idle:
            self._idle.pop().close()

    def url(self, path: str) -> str:
        """The address of a path, for messages: no query, no credentials."""
        scheme = "https" if self.ssl_context is not None else "http"
        return f"{scheme}://{self.authority}{self.prefix}{path}"

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Any = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        deadline: Deadline | float = 10.0,
    ) -> Response:
        """One exchange within the deadline. Raises HttpError; a status of any kind is an answer."""
        async with self.stream(method, path, params=params, headers=headers, body=body, deadline=deadline) as answer:
            parts: list[bytes] = []
            size = 0
            async for chunk in answer.chunks():
                size += len(chunk)
                if size > self.body_cap:
                    message = f"the answer is larger than {self.body_cap >> 20} MiB."
                    raise TooLarge(message, url=self.url(path), sent=True)
                parts.append(chunk)
            return Response(answer.status, answer.headers, b"".join(parts))

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        params: Any = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        deadline: Deadline | float = 10.0,
    ) -> AsyncGenerator[StreamingAnswer]:
        """The answer's head, with the body still to come, all of it within the deadline."""
        limit = deadline if isinstance(deadline, Deadline) else Deadline(deadline)
        connection = self.take() or await self.connect(path, limit)
        from cli.net.exchange import Exchange

        exchange = Exchange(self, connection, method, path, limit)
        try:
            yield await exchange.begin(params, headers, body)
        except BaseException:
            exchange.abandon()
            raise
        exchange.finish()

    async def open(self, count: int, limit: Deadline) -> None:
        """Open so many connections at once, for the exchanges to come. Raises HttpError when none could be opened."""
        opening = [self.connect("", limit) for _ in range(count)]
        opened = await asyncio.gather(*opening, return_exceptions=True)
        for found in opened:
            if isinstance(found, Connection):
                self.keep(found)
        failed = [found for found in opened if isinstance(found, BaseException)]
        if len(failed) == count:
            raise failed[0]

    async def connect(self, path: str, limit: Deadline) -> Connection:
        """A new connection, within 3 s and the deadline. For exchanges only, as `take`, `keep` and `why` are."""
        budget = min(self.connect_timeout, limit.left)
        try:
            async with asyncio.timeout(budget):
                reader, writer = await asyncio.open_connection(
                    self._host,
                    self._port,
                    ssl=self.ssl_context,
                    limit=CHUNK * 4,
                    server_hostname=self._host if self.ssl_context is not None else None,
                )
        except TimeoutError as error:
            # asyncio.timeout and the kernel's own ETIMEDOUT look the same and mean the same.
            kind = DeadlineExceeded if limit.passed else ConnectFailed
            message = f"no connection to {self.authority} within {budget:.3g} s."
            raise kind(message, url=self.url(path)) from error
        except ssl.SSLCertVerificationError as error:
            clock = " Is this machine's clock right?" if "expired" in str(error) or "not yet" in str(error) else ""
            message = f"the certificate of {self.authority} is refused: {error.verify_message}.{clock}"
            raise TlsFailed(message, url=self.url(path)) from error
        except ssl.SSLError as error:
            message = f"no TLS with {self.authority}: {error.reason or error}."
            raise TlsFailed(message, url=self.url(path)) from error
        except OSError as error:
            message = f"no connection to {self.authority}: {why(error)}."
            raise ConnectFailed(message, url=self.url(path)) from error
        return Connection(reader, writer)

    def take(self) -> Connection | None:
        """A kept connection that still stands, or None."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable():
                connection.fresh = False
                return connection
            connection.close()
        return None

    def keep(self, connection: Connection) -> None:
        """Keep a connection for the next exchange."""
        connection.idle_since = time.monotonic()
        self._idle.append(connection)


def tls(ca_pem: str | None) -> ssl.SSLContext:
    """A client context that trusts this CA alone, or the system's when there is none. TLS 1.2 at least."""
    if ca_pem is None:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cadata=ca_pem)
    except (ssl.SSLError, ValueError) as error:
        message = f"the CA certificate is no PEM: {error}."
        raise errors.UsageError(message, fix="refresh it: twain stack outputs", id="CFG-CA") from error
    return context


def as_twain_error(error: HttpError, *, write: bool = False, where: str | None = None) -> errors.TwainError:
    """The error of the command line. A write that had left and got no answer is unknown (16), never failed."""
    message = str(error)
    if isinstance(error, TlsFailed):
        return errors.AuthError(message, where=where, fix="check the CA and the address of the cell", id="NET-TLS")
    if isinstance(error, TooLarge | BadAnswer):
        return errors.ResourceError(message, where=where, id="NET-BODY")
    if write and error.sent:
        fix = "run the same command again: it reads back first and repeats with the same key"
        return errors.OutcomeUnknownError(f"{message} The write may have happened.", where=where, fix=fix)
    if isinstance(error, DeadlineExceeded):
        return errors.DeadlineError(message, where=where, fix="give more time with --timeout")
    return errors.PartialError(message, where=where, fix="twain doctor", id="NET-UNREACHABLE")


def why(error: OSError) -> str:
    """The kernel's word for it; asyncio's own text repeats the address, or is empty where a greeting was cut off."""
    return os.strerror(error.errno) if error.errno else str(error) or "the peer closed it"


def _shown(url: str) -> str:
    """An address without user information and query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{':' + str(parts.port) if parts.port else ''}{parts.path}"
