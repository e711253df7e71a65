"""What a command tries to reach over the network, and whether its context may: no verdict rests on an answer.

Connections and look-ups of Python are seen by an audit hook in the process itself; those of every child, whatever it is
written in, by tracing system calls. Who may be reached is read from the context's own files: its cells' API servers,
the other world's gate, the store of the state, and what the command's own processes listen on (an engine and its
plugins). Nothing of the product is asked.

    python tests/socket_guard.py RECORD twain-arguments…      one command under the hook; attempts go to RECORD
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# A place that is nobody's, on this machine: what the planted connections try.
PLANTED = "127.9.9.9"
# Data is left out of the record: it may be a token.
TRACE = ("strace", "-f", "-qq", "-yy", "-s", "0", "-e", "signal=none", "-e", "status=!unavailable", "--seccomp-bpf",
         "-e", "trace=connect,sendto,sendmsg,sendmmsg,listen")  # fmt: skip
_CALL = re.compile(r"^\d+ +(?:connect|sendto|sendmsg|sendmmsg)\(")
_V4 = re.compile(r'sin_port=htons\((\d+)\), sin_addr=inet_addr\("([^"]+)"\)')
_V6 = re.compile(r'sin6_port=htons\((\d+)\).*?inet_pton\(AF_INET6, "([^"]+)"')
_LISTEN = re.compile(r"^\d+ +listen\(\d+<TCP(?:v6)?:\[(.+):(\d+)\]>")


class Place(NamedTuple):
    """A host, or an address, and a port. Port 0 is a look-up of the name."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" if self.port else f"the name {self.host}"


def place(host: str, port: int) -> Place:
    """A place with its address in one form: an IPv4 address is one, however it is wrapped."""
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return Place(host.lower().rstrip("."), port)
    mapped = found.ipv4_mapped if found.version == 6 else None
    return Place(str(mapped or found), port)


@dataclass(frozen=True)
class AllowList:
    """Whom a context may reach."""

    places: frozenset[Place]

    @classmethod
    def of(cls, home: Path) -> AllowList:
        """The allow-list of the current context of an operator's home folder."""
        contexts = json.loads((home / "contexts.json").read_bytes())
        context = contexts["contexts"][contexts["current"]]
        urls = [gate["url"] for gate in (context.get("gates") or {}).values()]
        urls.append((context.get("env") or {}).get("PULUMI_BACKEND_URL", "file://"))
        for file in (home / "cells").glob("*.json"):
            cell = json.loads(file.read_bytes())
            if cell["world"] == context["world"]:
                urls.append(cell["endpoint"])
        return cls(frozenset(_at(url) for url in urls if not url.startswith("file:")))

    def beyond(self, tried: Iterable[Place], *, own: Iterable[Place] = ()) -> list[Place]:
        """What was tried and is on no list, each once. A name may be looked up where a place of that name may be
        reached; an own listener at no address in particular is one at every address of this machine.
        """
        names = {one.host for one in self.places} | {"localhost"}
        everywhere = {one.port for one in own if one.host in {"0.0.0.0", "::"}}
        inside = self.places | set(own)
        return [
            one
            for one in dict.fromkeys(tried)
            if one not in inside
            and not (one.port == 0 and one.host in names)
            and not (one.port in everywhere and one.host in {"127.0.0.1", "::1"})
        ]


def _at(url: str) -> Place:
    parts = urlsplit(url)
    return place(parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443))


class Hook:
    """The audit hook. Python has no way to take one out again: it can be off."""

    def __init__(self, note: Callable[[Place], object]) -> None:
        self.note, self.on = note, False
        sys.addaudithook(self._hear)

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.on or not event.startswith("socket."):
            return
        if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
            address = args[1]
            # Of a Unix socket the address is a path.
            if isinstance(address, tuple) and len(address) > 1 and isinstance(address[0], str):
                self.note(place(address[0], int(address[1])))
        elif event in {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"} and args[0]:
            name = args[0].decode() if isinstance(args[0], bytes) else str(args[0])
            found = place(name, 0)
            if not _is_address(found.host):
                self.note(found)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def traced(record: str) -> tuple[list[Place], set[Place]]:
    """Of what strace wrote: where connections were tried, and where the traced processes listened."""
    tried: list[Place] = []
    own: set[Place] = set()
    for line in record.splitlines():
        heard = _LISTEN.match(line)
        if heard:
            own.add(place(heard[1].strip("[]"), int(heard[2])))
        elif _CALL.match(line):
            tried += [place(address, int(port)) for port, address in (*_V4.findall(line), *_V6.findall(line))]
    # A call that was interrupted stands in two lines; a port of 0 is no connection, it asks for a route.
    return [one for one in tried if one.port], own


def may_trace() -> str:
    """Why children cannot be traced on this machine; nothing where they can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    with tempfile.TemporaryDirectory() as folder:
        asked = [*TRACE, "-o", str(Path(folder) / "record"), sys.executable, "-c", "pass"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"strace is refused: {done.stderr.strip()[-200:]}"


def main() -> None:
    """One command of this checkout, under the hook."""
    record = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    Hook(lambda one: os.write(record, f"{json.dumps(one)}\n".encode())).on = True
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    sys.argv = ["twain", *sys.argv[2:]]
    from cli.main import entry

    entry()


if __name__ == "__main__":
    main()
