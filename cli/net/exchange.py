"""One request and its answer on one connection, by h11's state machine."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import h11

from cli.net.errors import BadAnswer, ConnectionLost, DeadlineExceeded
from cli.net.http import CHUNK, why

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from cli.net.deadline import Deadline
    from cli.net.http import Connection, HttpClient


@dataclass
class StreamingAnswer:
    """Status and headers of an answer whose body is still arriving."""

    status: int
    headers: dict[str, str]
    exchange: Exchange

    async def chunks(self) -> AsyncIterator[bytes]:
        """Pieces of the body as they arrive. Ends with the body; raises when it is cut."""
        while (chunk := await self.exchange.next_chunk()) is not None:
            yield chunk


class Exchange:
    """One request and its answer on one connection."""

    def __init__(self, client: HttpClient, connection: Connection, method: str, path: str, limit: Deadline) -> None:
        self._client, self._connection, self._method, self._path, self._limit = client, connection, method, path, limit
        self._machine = _machine()
        self._sent = False

    async def begin(self, params: Any, headers: Mapping[str, str] | None, body: bytes | None) -> StreamingAnswer:
        """Send the request and wait for the head of the answer."""
        request = self._head(params, headers, body)
        try:
            return await self._exchange(request, body)
        except ConnectionLost:
            # A kept connection may have been closed by the peer while it lay idle: a read may be asked again.
            if self._connection.fresh or self._method not in {"GET", "HEAD"}:
                raise
        self._connection.close()
        self._sent = False
        self._connection = await self._client.connect(self._path, self._limit)
        self._machine = _machine()
        return await self._exchange(request, body)

    async def _exchange(self, request: h11.Request, body: bytes | None) -> StreamingAnswer:
        data = self._machine.send(request) or b""
        if body:
            data += self._machine.send(h11.Data(data=body)) or b""
        data += self._machine.send(h11.EndOfMessage()) or b""
        self._sent = True
        await self._within(self._write(data))
        while True:
            event = await self._event()
            if isinstance(event, h11.Response):
                break
        headers = {name.decode("ascii").lower(): value.decode("latin-1") for name, value in event.headers}
        if headers.get("content-encoding", "identity") not in {"identity", ""}:
            message = f"the answer is encoded ({headers['content-encoding']}), which was not asked for."
            raise BadAnswer(message, url=self._url, sent=True)
        return StreamingAnswer(event.status_code, headers, self)

    async def next_chunk(self) -> bytes | None:
        """The next piece of the body, or None at its end."""
        event = await self._event()
        return bytes(event.data) if isinstance(event, h11.Data) else None

    def finish(self) -> None:
        """Keep the connection when the answer was whole and nothing came after it."""
        whole = self._machine.our_state is h11.DONE and self._machine.their_state is h11.DONE
        if whole and self._machine.trailing_data == (b"", False):
            self._client.keep(self._connection)
        else:
            self._connection.close()

    def abandon(self) -> None:
        """Drop the connection: what is left of the answer is of no use."""
        self._connection.close()

    @property
    def _url(self) -> str:
        return self._client.url(self._path)

    def _head(self, params: Any, headers: Mapping[str, str] | None, body: bytes | None) -> h11.Request:
        client = self._client
        query = urlencode(params) if params else ""
        target = quote(client.prefix + self._path, safe="/:%=,~@!$&'()*+") + (f"?{query}" if query else "")
        merged = {"host": client.authority, "accept": "application/json", "user-agent": "twain"}
        for source in (client.headers, headers or {}):
            merged.update({name.lower(): value for name, value in source.items()})
        if body is not None or self._method in {"POST", "PUT", "PATCH"}:
            merged["content-length"] = str(len(body or b""))
        return h11.Request(method=self._method, target=target, headers=list(merged.items()))

    async def _event(self) -> Any:
        while True:
            try:
                event = self._machine.next_event()
            except h11.RemoteProtocolError as error:
                kind = ConnectionLost if self._connection.reader.at_eof() else BadAnswer
                message = f"the answer of {self._url} is broken: {error}."
                raise kind(message, url=self._url, sent=self._sent) from error
            if event is not h11.NEED_DATA:
                return event
            data = await self._within(self._connection.reader.read(CHUNK))
            if not data and self._machine.their_state is h11.SEND_RESPONSE:
                message = f"{self._url} closed the connection before it answered."
                raise ConnectionLost(message, url=self._url, sent=self._sent)
            self._machine.receive_data(data)

    async def _write(self, data: bytes) -> None:
        self._connection.writer.write(data)
        await self._connection.writer.drain()

    async def _within(self, work: Any) -> Any:
        try:
            async with asyncio.timeout(self._limit.left):
                return await work
        except TimeoutError as error:
            message = f"no answer from {self._url} within {self._limit.seconds:.3g} s."
            raise DeadlineExceeded(message, url=self._url, sent=self._sent) from error
        except OSError as error:
            message = f"the connection to {self._url} broke: {why(error)}."
            raise ConnectionLost(message, url=self._url, sent=self._sent) from error


def _machine() -> h11.Connection:
    return h11.Connection(h11.CLIENT, max_incomplete_event_size=CHUNK)
