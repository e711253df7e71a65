"""Who listens where on this machine, read from the kernel's tables."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LISTEN = "0A"
_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")


@dataclass(frozen=True, kw_only=True)
class Listener:
    """One listening TCP socket. `inode` is its number in the kernel, by which its owner is found."""

    address: str
    port: int
    inode: int

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"

    @property
    def everywhere(self) -> bool:
        """Whether it listens on all addresses, those of a rehearsal among them."""
        return ipaddress.ip_address(self.address).is_unspecified

    def in_block(self, block: int) -> bool:
        """Whether its address is of `127.<block>.0.0/16`."""
        return self.address.startswith(f"127.{block}.")


def listeners() -> list[Listener]:
    """Every listening TCP socket of this machine, of whatever user."""
    found: list[Listener] = []
    for table in _TABLES:
        try:
            lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:  # a kernel without IPv6
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTEN:
                address, _, port = fields[1].rpartition(":")
                found.append(Listener(address=_address(address), port=int(port, 16), inode=int(fields[9])))
    return found


def owner(listener: Listener, pids: Iterable[int] | None = None) -> int | None:
    """The process that holds the socket: among `pids`, else among all that may be looked at."""
    wanted = f"socket:[{listener.inode}]"
    numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()] if pids is None else pids
    return next((pid for pid in numbers if wanted in _open_files(pid)), None)


def sockets_of(pids: Iterable[int]) -> set[int]:
    """The inodes of every socket that these processes hold."""
    links = [link for pid in pids for link in _open_files(pid)]
    return {int(link[8:-1]) for link in links if link.startswith("socket:[")}


def _open_files(pid: int) -> list[str]:
    folder = f"/proc/{pid}/fd"
    found: list[str] = []
    with contextlib.suppress(OSError):  # gone meanwhile, or another user's
        for name in os.listdir(folder):  # noqa: PTH208 - thousands of names, and no more than names
            with contextlib.suppress(OSError):  # closed meanwhile
                found.append(os.readlink(f"{folder}/{name}"))  # noqa: PTH115
    return found


def _address(text: str) -> str:
    # Words of four bytes, each in the machine's own order.
    raw = bytes.fromhex(text)
    words = [raw[start : start + 4] for start in range(0, len(raw), 4)]
    packed = b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)
    address = ipaddress.ip_address(packed)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
