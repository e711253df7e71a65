"""The guard of connections: its table is closed over the verbs, and it sees what is planted. All verbs run under it in
tests/integration/test_socket_guard.py.
"""

from __future__ import annotations

import contextlib
import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cli.commands import schema
from tests.guarded_verbs import VERBS, Left, Typed
from tests.socket_guard import PLANTED, AllowList, Hook, Place, place, traced

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[3]
HEARD: list[Place] = []
HOOK = Hook(HEARD.append)
# What a cell is not asked for, and what it is.
OFFLINE = (
    "world list", "world get", "cell list", "gpu classes", "gpu offers", "parity explain", "parity waivers",
    "residency explain", "residency classes", "residency contract", "audit list", "context list", "context get",
    "schema", "version",
)  # fmt: skip
ONLINE = ("status", "serve list", "top gpu", "gpu list", "cell get")


@contextlib.contextmanager
def listening() -> Generator[list[Place]]:
    """What this process tries meanwhile."""
    HEARD.clear()
    HOOK.on = True
    try:
        yield HEARD
    finally:
        HOOK.on = False


def test_every_verb_is_run_under_the_guard_or_says_why_not() -> None:
    verbs = {name for name, _ in schema.verbs()}
    assert set(VERBS) == verbs
    for name, row in VERBS.items():
        if isinstance(row, Typed):
            assert " ".join(row.args).startswith(name), name
        else:
            assert len(row.reason) > 20
    # What carries anything of a cell is run, whatever its reason would be.
    assert {name.partition(" ")[0] for name, row in VERBS.items() if isinstance(row, Left)} == {"rehearse"}


@pytest.mark.parametrize("name", [name for name, row in VERBS.items() if isinstance(row, Left)])
def test_what_is_left_out_is_refused_in_a_worlds_shell(
    operator: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    home = tmp_path / "rehearsal"
    (home / "cn" / "workspace").mkdir(parents=True)
    (home / "rehearsal.json").write_text('{"block": 16, "speed": 60}')
    for variable, value in {"HOME": home, "WORLD": home / "cn"}.items():
        monkeypatch.setenv(f"TWAIN_REHEARSAL_{variable}", str(value))
    monkeypatch.setenv("TWAIN_WORLD", "cn")
    more = {"rehearse shell": ["--world", "cn"], "rehearse partition": ["on"]}.get(name, [])
    ran = operator.twain(*name.split(), *more)
    assert (ran.code, "REH-SHELL" in ran.err) == (2, True), ran.err


def test_the_hook_sees_connections_datagrams_and_look_ups_of_this_process() -> None:
    with listening() as heard:
        with contextlib.suppress(OSError):
            socket.create_connection((PLANTED, 9), 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.sendto(b"", (PLANTED, 53))
        with contextlib.suppress(OSError):
            # A name that can have no address (RFC 6761).
            socket.getaddrinfo("hub.invalid", 443)
    assert heard == [Place(PLANTED, 9), Place(PLANTED, 53), Place("hub.invalid", 0)]
    assert AllowList(frozenset()).beyond(heard) == heard
    assert AllowList(frozenset({Place(PLANTED, 9), Place("hub.invalid", 443)})).beyond(heard) == [Place(PLANTED, 53)]


def test_an_address_is_one_however_it_is_written() -> None:
    assert place("::ffff:127.9.9.9", 9) == Place(PLANTED, 9)
    assert place("0:0:0:0:0:0:0:1", 9) == Place("::1", 9)
    assert place("Hub.Example.", 443) == Place("hub.example", 443)


TRACED = """\
18 listen(3<TCP:[127.0.0.1:36183]>, 128) = 0
18 connect(4<TCP:[38]>, {sa_family=AF_INET, sin_port=htons(36183), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
18 sendto(5<UDP:[39]>, ""..., 1, 0, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("127.9.9.9")}, 16) = 1
19 connect(7<TCPv6:[40]>, {sa_family=AF_INET6, sin6_port=htons(9), sin6_flowinfo=htonl(0), \
inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=0}, 28) = -1 ECONNREFUSED (Connection refused)
19 connect(7<TCP:[41]>, {sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr("127.9.9.9")}, 16 <unfinished ...>
19 connect(8<UNIX-STREAM:[42]>, {sa_family=AF_UNIX, sun_path="/run/a.sock"}, 110) = 0
19 connect(9<UDP:[43]>, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("127.9.9.9")}, 16) = 0
"""


def test_a_trace_tells_where_its_processes_listened_and_what_they_tried() -> None:
    tried, own = traced(TRACED)
    assert own == {Place("127.0.0.1", 36183)}
    assert tried == [Place("127.0.0.1", 36183), Place(PLANTED, 53), Place("::1", 9), Place(PLANTED, 9)]
    assert AllowList(frozenset()).beyond(tried, own=own) == tried[1:]
    # Who listens at every address listens at these; somebody else's port is nobody's.
    assert AllowList(frozenset()).beyond([Place("127.0.0.1", 5), Place(PLANTED, 5)], own=[Place("::", 5)]) == [
        Place(PLANTED, 5)
    ]


@pytest.fixture
def chinese(operator: Any, api: Any) -> SimpleNamespace:
    """An operator of the Chinese cell, which answers."""
    plugin = operator.home / "bin" / "gke-gcloud-auth-plugin"
    plugin.with_name("ack-ram-tool").write_text(plugin.read_text())
    plugin.with_name("ack-ram-tool").chmod(0o755)
    operator.world = "cn"
    operator.write()
    operator.cell("cn-sha-1", api.url, cloud="alicloud", region="cn-shanghai")
    return operator


def test_a_command_of_the_chinese_context_tries_its_own_cell_alone(chinese: Any, api: Any) -> None:
    allowed = AllowList.of(chinese.home)
    assert allowed.places == {Place("127.0.0.1", api.port)}
    for name in (*OFFLINE, *ONLINE):
        row = VERBS[name]
        assert isinstance(row, Typed)
        with listening() as heard:
            ran = chinese.twain(*row.args)
        # The other world's gate is asked for, and there is no token.
        assert ran.code in ({0} if name in OFFLINE else {0, 3}), (name, ran.err)
        assert allowed.beyond(heard) == [], name
        if name in OFFLINE:
            assert heard == [], name
    assert api.requests


def test_a_place_that_the_context_does_not_name_turns_it_red(chinese: Any) -> None:
    """The same command, with a cell that was moved after the list was read: no answer is needed to be seen."""
    allowed = AllowList.of(chinese.home)
    file = chinese.home / "cells" / "cn-sha-1.json"
    file.write_text(json.dumps({**json.loads(file.read_bytes()), "endpoint": f"http://{PLANTED}:9"}))
    with listening() as heard:
        chinese.twain("status")
    assert allowed.beyond(heard) == [Place(PLANTED, 9)]
