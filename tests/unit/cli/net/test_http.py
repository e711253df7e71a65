"""The HTTP client against peers that misbehave: deadlines, caps, redirects, TLS, and whether anything had left."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cli import errors
from cli.net import http

if TYPE_CHECKING:
    from pathlib import Path

Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def with_peer(peer: Peer, work: Callable[[str], Awaitable[Any]], *, context: ssl.SSLContext | None = None) -> Any:
    """Run `work(url)` while a peer listens on loopback."""

    async def both() -> Any:
        connections: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            connections.add(task)
            try:
                await peer(reader, writer)
            except (asyncio.CancelledError, ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        scheme = "https" if context else "http"
        try:
            return await work(f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        finally:
            server.close()
            for task in connections:
                task.cancel()
            await asyncio.gather(*connections, return_exceptions=True)

    return asyncio.run(both())


async def head(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


def answering(raw: bytes) -> Peer:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(raw)
        await writer.drain()

    return peer


def asking(method: str = "GET", *, deadline: float = 5.0, **options: Any) -> Callable[[str], Awaitable[http.Response]]:
    async def work(url: str) -> http.Response:
        async with http.HttpClient(url, **options) as client:
            return await client.request(method, "/x", body=b"{}" if method != "GET" else None, deadline=deadline)

    return work


async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await head(reader)
    await asyncio.sleep(30)


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await head(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("peer", [silent, drip])
def test_the_deadline_covers_the_whole_exchange_whatever_the_peer_does(peer: Peer) -> None:
    started = time.monotonic()
    with pytest.raises(http.DeadlineExceeded) as caught:
        with_peer(peer, asking(deadline=0.3))
    assert time.monotonic() - started < 2.3
    assert caught.value.sent


def test_a_refused_connection_says_that_nothing_was_sent() -> None:
    with pytest.raises(http.ConnectFailed) as caught:
        asyncio.run(asking("POST")("http://127.0.0.1:9"))
    assert not caught.value.sent
    assert errors.exit_code(http.as_twain_error(caught.value, write=True)) == 13


def test_a_write_that_left_and_got_no_answer_is_unknown_and_a_read_is_not() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.transport.abort()

    with pytest.raises(http.ConnectionLost) as caught:
        with_peer(reset, asking("POST"))
    assert caught.value.sent
    assert errors.exit_code(http.as_twain_error(caught.value, write=True)) == 16
    assert errors.exit_code(http.as_twain_error(caught.value)) == 13


def test_a_redirect_is_an_answer_and_nobody_follows_it() -> None:
    raw = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/evil\r\ncontent-length: 0\r\n\r\n"
    answer = with_peer(answering(raw), asking())
    assert (answer.status, answer.header("Location")) == (302, "http://127.0.0.1:9/evil")


@pytest.mark.parametrize("framing", [b"content-length: 3000\r\n\r\n", b"\r\n"])
def test_a_body_beyond_the_cap_is_refused_while_it_arrives(framing: bytes) -> None:
    raw = b"HTTP/1.1 200 OK\r\n" + framing + b"y" * 3000
    with pytest.raises(http.TooLarge):
        with_peer(answering(raw), asking(body_cap=2000))


def test_endless_chunks_are_stopped_by_the_cap() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"400\r\n" + b"z" * 1024 + b"\r\n")
            await writer.drain()

    with pytest.raises(http.TooLarge):
        with_peer(endless, asking(body_cap=100_000))


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200",
        b"",
    ],
)
def test_a_cut_answer_is_lost_and_never_taken_for_a_whole_one(raw: bytes) -> None:
    with pytest.raises(http.ConnectionLost):
        with_peer(answering(raw), asking())


@pytest.mark.parametrize(
    "raw", [b"SSH-2.0-OpenSSH_9\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 0\r\n\r\n"]
)
def test_what_is_no_http_or_is_encoded_unasked_is_a_bad_answer(raw: bytes) -> None:
    with pytest.raises(http.BadAnswer):
        with_peer(answering(raw), asking())


def test_connections_are_kept_and_a_read_survives_one_that_went_stale() -> None:
    opened: list[int] = []

    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(1)
        for _ in range(2):
            await head(reader)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            await writer.drain()
        await head(reader)  # takes a third request and closes: a keep-alive time-out that crossed it on the way

    async def work(url: str) -> list[int]:
        async with http.HttpClient(url) as client:
            return [(await client.request("GET", f"/{n}")).status for n in range(5)]

    assert with_peer(twice, work) == [200] * 5
    assert len(opened) == 3


def test_a_proxy_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert with_peer(answering(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), asking()).status == 200


def test_addresses_with_credentials_or_other_schemes_are_refused() -> None:
    for url in ("http://user:secret@127.0.0.1", "ftp://127.0.0.1", "127.0.0.1:80"):
        with pytest.raises(errors.UsageError) as caught:
            http.HttpClient(url)
        assert "secret" not in str(caught.value)


def test_a_message_never_holds_the_query() -> None:
    async def work(url: str) -> None:
        async with http.HttpClient(url) as client:
            await client.request("GET", "/x", params={"token": "s3cret"}, deadline=0.1)

    with pytest.raises(http.DeadlineExceeded) as caught:
        with_peer(silent, work)
    assert "s3cret" not in str(caught.value)


def certificate(folder: Path, *, address: str = "127.0.0.1", days: int = 1) -> tuple[ssl.SSLContext, str]:
    """A server context and the PEM that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=10))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "both.pem").write_bytes(private + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return context, pem.decode()


OK = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")


def test_a_certificate_of_the_given_ca_is_accepted(tmp_path: Path) -> None:
    server, ca = certificate(tmp_path)
    assert with_peer(OK, asking(ssl_context=http.tls(ca)), context=server).status == 200


@pytest.mark.parametrize(
    ("fault", "words"), [("untrusted", "refused"), ("name", "refused"), ("expired", "clock right")]
)
def test_a_wrong_certificate_is_refused_before_anything_is_sent(tmp_path: Path, fault: str, words: str) -> None:
    server, ca = certificate(
        tmp_path, address="127.0.0.2" if fault == "name" else "127.0.0.1", days=-1 if fault == "expired" else 1
    )
    if fault == "untrusted":
        (tmp_path / "other").mkdir()
        _, ca = certificate(tmp_path / "other")
    with pytest.raises(http.TlsFailed, match=words) as caught:
        with_peer(OK, asking("POST", ssl_context=http.tls(ca)), context=server)
    assert not caught.value.sent
    assert errors.exit_code(http.as_twain_error(caught.value, write=True)) == 3


def test_connections_opened_ahead_are_the_ones_that_the_requests_take() -> None:
    opened: list[object] = []

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(writer)
        while True:
            await head(reader)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")

    async def work(url: str) -> list[bytes]:
        async with http.HttpClient(url) as client:
            await client.open(2, http.Deadline(5.0))
            answers = await asyncio.gather(client.request("GET", "/a"), client.request("GET", "/b"))
            return [answer.body for answer in answers]

    assert with_peer(peer, work) == [b"ok", b"ok"]
    assert len(opened) == 2


def test_opening_ahead_where_nobody_listens_says_so_before_anything_is_asked() -> None:
    async def work() -> None:
        async with http.HttpClient("http://127.0.0.1:9") as client:
            await client.open(3, http.Deadline(5.0))

    with pytest.raises(http.ConnectFailed, match="Connection refused"):
        asyncio.run(work())


def test_a_connection_on_which_more_came_than_the_answer_is_not_used_again() -> None:
    served = 0

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        served += 1
        await head(reader)
        first = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
        writer.write(first + (b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil" if served == 1 else b""))
        await head(reader)

    async def work(url: str) -> list[bytes]:
        async with http.HttpClient(url) as client:
            return [(await client.request("GET", "/x", deadline=5.0)).body for _ in range(2)]

    assert with_peer(peer, work) == [b"ok", b"ok"]
    assert served == 2


def test_a_peer_that_cuts_the_tls_greeting_off_is_said_to_have_closed() -> None:
    async def peer(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    async def work(url: str) -> http.Response:
        return await asking(ssl_context=http.tls(None))(url.replace("http:", "https:"))

    with pytest.raises(http.ConnectFailed, match=r"no connection to 127\.0\.0\.1:\d+: \w"):
        with_peer(peer, work)
