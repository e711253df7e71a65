from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from cli import errors
from cli.context import GateAccess
from cli.gate import client
from cli.net import http

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.unit.cli.gate.conftest import World

WORKLOAD = {"maison": "aurelia", "name": "advisor"}


def against(world: World, behaviour: Callable[[Any, Any], Awaitable[None]], call: Callable[[GateAccess], Any]) -> Any:
    """The result of a call to a TLS server that behaves like this on each connection."""

    async def run() -> Any:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(world.folder / "tls.crt", world.folder / "tls.key")
        server = await asyncio.start_server(behaviour, "127.0.0.1", 0, ssl=context)
        async with server:
            return await call(world.access(server.sockets[0].getsockname()[1]))

    return asyncio.run(run())


async def cut_after_request(reader: Any, writer: Any) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()


async def html(reader: Any, writer: Any) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n<html></html>")
    await writer.drain()


def delete(gate: GateAccess) -> Any:
    return client.send_intent(gate, key="12345678", action="delete", workload=WORKLOAD)


def read(gate: GateAccess) -> Any:
    return client.get_aggregates(gate, "fleet")


def test_a_gate_that_cannot_be_reached_was_sent_nothing(world: World) -> None:
    gate = world.access(1)
    for call in (read, delete):
        with pytest.raises(client.NotSentError) as caught:
            asyncio.run(call(gate))
        assert errors.exit_code(caught.value) == errors.PARTIAL


def test_an_intent_cut_after_it_left_is_unknown_and_a_read_is_only_missing(world: World) -> None:
    with pytest.raises(errors.OutcomeUnknownError):
        against(world, cut_after_request, delete)
    with pytest.raises(errors.PartialError) as caught:
        against(world, cut_after_request, read)
    assert not isinstance(caught.value, client.NotSentError)


def test_an_answer_that_is_none_leaves_an_intent_unknown(world: World) -> None:
    with pytest.raises(errors.OutcomeUnknownError):
        against(world, html, delete)
    with pytest.raises(errors.PartialError):
        against(world, html, read)


def test_every_call_carries_a_deadline_of_three_seconds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []

    async def record(_self: Any, method: str, path: str, *, deadline: http.Deadline, **_rest: Any) -> Any:
        seen.append(deadline.seconds)
        raise http.ConnectFailed("no", url=path)

    monkeypatch.setattr(http.HttpClient, "request", record)
    for call in (read, delete, lambda gate: client.get_intent(gate, "12345678")):
        with pytest.raises(client.NotSentError):
            asyncio.run(call(world.access(1)))
    assert seen == [3.0, 3.0, 3.0]


def test_a_gate_with_another_certificate_is_not_spoken_to(
    world: World, make_certificate: Callable[[Path], None], tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    make_certificate(other)

    def call(gate: GateAccess) -> Any:
        wrong = GateAccess(world="cn", url=gate.url, ca_pem=(other / "tls.crt").read_text(), token_file=gate.token_file)
        return read(wrong)

    with pytest.raises(errors.AuthError, match="certificate"):
        against(world, html, call)


def test_a_token_that_others_can_read_is_not_used(world: World) -> None:
    (world.folder / "token").chmod(0o644)
    with pytest.raises(errors.AuthError, match="read by others"):
        asyncio.run(read(world.access(1)))


def test_a_gate_without_tls_is_refused(world: World) -> None:
    plain = GateAccess(world="cn", url="http://127.0.0.1:1", token_file=world.folder / "token")
    with pytest.raises(errors.UsageError, match="https"):
        asyncio.run(read(plain))
