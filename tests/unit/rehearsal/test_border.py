from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import h11
import pytest

from rehearsal import border
from rehearsal.home import Home

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("header", [b"Authorization: Bearer ", b"authorization:bearer  ", b"AUTHORIZATION: BEARER\t"])
def test_the_token_is_replaced_by_its_hash_and_nothing_else_changes(header: bytes) -> None:
    raw = b"GET /v1/aggregates HTTP/1.1\r\nhost: gate\r\n" + header + b"secret.jwt.token\r\n\r\n"
    expected = b"sha256:" + hashlib.sha256(b"secret.jwt.token").hexdigest().encode()
    assert border.sealed(raw) == raw.replace(b"secret.jwt.token", expected)


def test_every_byte_of_a_body_survives_in_the_record() -> None:
    raw = bytes(range(256))
    assert border.sealed(raw).decode("latin-1").encode("latin-1") == raw


def test_the_two_directions_have_addresses_files_and_sockets_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "rehearsal.json").write_text(json.dumps({"block": 77}))
    home = Home(tmp_path)
    to_cn = border.Crossing(home=home, caller="row", world="cn", cell="cn-sha-1")
    to_row = border.Crossing(home=home, caller="cn", world="row", cell="eu-ams-1")
    assert (to_cn.address, to_row.address) == ("127.77.0.11", "127.77.0.12")
    assert to_cn.path("jsonl") != to_row.path("jsonl")


def test_an_unknown_mode_is_refused_and_the_mode_is_open_until_told(tmp_path: Path) -> None:
    crossing = border.Crossing(home=Home(tmp_path), caller="row", world="cn", cell="cn-sha-1")
    with pytest.raises(ValueError, match="it has open, refuse"):
        border.set_mode(crossing, "closed")
    assert border.mode(crossing) == "open"
    border.stop(crossing)  # nothing runs: no error


def test_a_deep_folder_still_has_room_for_a_socket(tmp_path: Path) -> None:
    import socket

    folder = tmp_path / ("d" * 120)
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as listener, border._near(folder / "row-cn.sock") as near:
        listener.bind(near)
    assert (folder / "row-cn.sock").is_socket()


async def _fed(machine: h11.Connection, *pieces: bytes) -> bytes:
    import asyncio

    reader = asyncio.StreamReader()
    for piece in pieces:
        reader.feed_data(piece)
    reader.feed_eof()
    return await border._message(machine, reader)


def test_a_message_is_read_to_its_end_and_not_further() -> None:
    import asyncio

    first = b"POST /v1/intents HTTP/1.1\r\nhost: g\r\ncontent-length: 5\r\n\r\nhello"
    whole = asyncio.run(_fed(h11.Connection(h11.SERVER), first[:10], first[10:]))
    assert whole == first
    assert asyncio.run(_fed(h11.Connection(h11.SERVER), first + b"GET / HTTP/1.1\r\n")) == first
    assert asyncio.run(_fed(h11.Connection(h11.SERVER))) == b""
    with pytest.raises(h11.ProtocolError):
        asyncio.run(_fed(h11.Connection(h11.SERVER), first[:-2]))


def test_a_record_that_is_continued_counts_on(tmp_path: Path) -> None:
    path = tmp_path / "row-cn.jsonl"
    assert border._last_exchange(path) == 0
    (tmp_path / "rehearsal.json").write_text(json.dumps({"block": 77}))
    crossing = border.Crossing(home=Home(tmp_path), caller="row", world="cn", cell="cn-sha-1")
    crossing.home.border.mkdir()
    recorder = border.Recorder(crossing)
    for number in (9, 10, 0):
        border._EXCHANGE.set(number)
        recorder._record("request", b'{"exchange": 99, "kind"}')
    assert border._last_exchange(crossing.path("jsonl")) == 10
