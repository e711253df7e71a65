"""Two rehearsals never have the same addresses, wherever their folders lie."""

from __future__ import annotations

import multiprocessing
import os
import socket
from typing import TYPE_CHECKING

import pytest

from rehearsal import blocks, ports
from rehearsal.home import Home

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def _home(folder: Path) -> Home:
    folder.mkdir(parents=True)
    return Home(folder)


def test_two_homes_anywhere_get_two_blocks_even_when_both_want_the_same(tmp_path: Path) -> None:
    first, second = _home(tmp_path / "a" / "r"), _home(tmp_path / "elsewhere" / "r")
    block = blocks.claim(first)
    assert blocks.claim(second, wanted=block) != block
    assert blocks.claim(first) == block
    assert blocks.claim(first, wanted=block) == block


def test_a_rehearsal_keeps_the_block_that_it_has(tmp_path: Path) -> None:
    home = _home(tmp_path / "a")
    assert blocks.claim(home, wanted=77) == 77
    assert blocks.claim(home) == 77


def test_a_claim_ends_with_the_folder_or_when_it_is_given_back(tmp_path: Path) -> None:
    gone, back, third = _home(tmp_path / "a"), _home(tmp_path / "b"), _home(tmp_path / "c")
    assert blocks.claim(gone, wanted=50) == 50
    assert blocks.claim(back, wanted=51) == 51
    gone.root.rmdir()
    blocks.release(back)
    blocks.release(back)
    assert blocks.claim(third, wanted=50) == 50
    assert blocks.claim(third, wanted=51) == 51


def test_a_block_where_somebody_listens_is_passed_over(tmp_path: Path) -> None:
    home = _home(tmp_path / "a")
    wanted = blocks.claim(home)
    blocks.release(home)
    with socket.socket() as taken:
        taken.bind((f"127.{wanted}.3.4", 0))
        taken.listen()
        assert blocks.claim(home) != wanted


def _claim(folder: Path) -> int:
    return blocks.claim(Home(folder))


def test_many_that_claim_at_once_get_one_each(tmp_path: Path) -> None:
    folders = [_home(tmp_path / str(n)).root for n in range(12)]
    with multiprocessing.get_context("fork").Pool(6) as pool:
        found = pool.map(_claim, folders)
    assert len(set(found)) == len(folders)


def test_when_every_block_is_held_the_message_says_where_to_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "_COUNT", 1)
    monkeypatch.setattr(blocks, "_FIRST", 99)
    blocks.claim(_home(tmp_path / "a"))
    with pytest.raises(blocks.NoBlockError, match="twain/blocks"):
        blocks.claim(_home(tmp_path / "b"))


def test_a_listener_is_found_with_its_owner_and_its_address(tmp_path: Path) -> None:
    with socket.socket() as one:
        one.bind(("127.213.4.5", 0))
        one.listen()
        port = one.getsockname()[1]
        (found,) = [listener for listener in ports.listeners() if listener.port == port and listener.in_block(213)]
        assert str(found) == f"127.213.4.5:{port}"
        assert not found.everywhere
        assert ports.owner(found) == os.getpid()
        assert found.inode in ports.sockets_of([os.getpid()])
    assert found.inode not in ports.sockets_of([os.getpid()])
