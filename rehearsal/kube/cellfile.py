"""The facts of one emulated cell on disk (`cell.json`), its folders, and the plan of loopback addresses.

Addresses of a rehearsal with block N: cell index k (1..7), node j (1..31) of cell k has the pod range
`127.N.(32*k+j).0/24` and the address `.1` in it; gateways of cell k listen on `127.N.(32*k).10` and up.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import TwainLibraryError

if TYPE_CHECKING:
    from collections.abc import Generator

MAX_CELLS = 7
MAX_NODES = 31
_ROWS = 32


class CellError(TwainLibraryError):
    """An emulated cell cannot be had: the message names the cell, the reason and what to do."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What is known of one cell. `state` is `creating` until the control plane answered once, then `ready`.
    `definitions` and `gateway_class` are what the cluster's declared inputs brought (`brought.py`).
    """

    cell: str
    world: str
    cloud: str
    region: str
    index: int
    minor: str
    state: str = "creating"
    endpoint: str = ""
    ca: str = ""
    admin_kubeconfig: str = ""
    definitions: tuple[str, ...] = ()
    gateway_class: str = ""


@dataclass(frozen=True)
class Folders:
    """Where the parts of a cell lie. Making the value touches no disk."""

    world: Path
    cell: str

    @property
    def root(self) -> Path:
        """The cell's folder, mode 0700."""
        return self.world / "cells" / self.cell

    @property
    def facts(self) -> Path:
        """`cell.json`."""
        return self.root / "cell.json"

    @property
    def kwok(self) -> Path:
        """KWOK_WORKDIR."""
        return self.root / "kwok"

    @property
    def cluster(self) -> Path:
        """The control plane's folder inside KWOK_WORKDIR: binaries' links, keys, etcd, logs."""
        return self.kwok / "clusters" / self.cell

    @property
    def admin_kubeconfig(self) -> Path:
        """The cloud's own credential, 0600."""
        return self.root / "admin.kubeconfig"

    @property
    def audit(self) -> Path:
        """The API server's audit log."""
        return self.root / "audit.log"

    @property
    def signing_key(self) -> Path:
        """The key that signs service-account tokens (PEM)."""
        return self.cluster / "pki" / "admin.key"


def folders(world_dir: Path, cell: str) -> Folders:
    """The folders of a cell. Raises CellError for a name that would leave the world's folder."""
    if not cell or cell.startswith(".") or "/" in cell or "\0" in cell:
        message = f"{cell!r} is no cell name"
        raise CellError(message)
    return Folders(Path(world_dir).resolve(), cell)


def read(world_dir: Path, cell: str) -> Cell | None:
    """The facts of a cell, or None when this world has no such cell."""
    try:
        raw = json.loads(folders(world_dir, cell).facts.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Cell(**raw | {"definitions": tuple(raw.get("definitions", ()))})


def write(world_dir: Path, facts: Cell) -> None:
    """Replace `cell.json` in one step, 0600."""
    place = folders(world_dir, facts.cell)
    place.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch = place.facts.with_suffix(f".{os.getpid()}.tmp")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(facts), file, indent=1)
    scratch.replace(place.facts)


INDICES = "cells.lock"
"""The file of a rehearsal that says which cell holds which index: all that one world's cloud knows of another's cells.
It is written in place, because a shell that is sealed off from the other world may not make files beside it."""


@contextlib.contextmanager
def locked(file: Path) -> Generator[int]:
    """Hold an exclusive lock on a file for the time of the block; it falls with the process. Gives its descriptor."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def rehearsal_facts(world_dir: Path) -> tuple[int, float]:
    """(address block, speed) of the rehearsal that this world belongs to. Raises CellError when it has none."""
    file = Path(world_dir).resolve().parent / "rehearsal.json"
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
        return int(raw["block"]), float(raw.get("speed", 60.0))
    except (FileNotFoundError, ValueError, KeyError) as error:
        message = f"{file} does not give this rehearsal's block and speed; run `twain rehearse up` first"
        raise CellError(message) from error


def reserve(world_dir: Path, *, cell: str, cloud: str, region: str, minor: str) -> Cell:
    """The cell's facts, made with the lowest free index when the cell is new.

    Indices are unique over all worlds of the rehearsal, because the worlds share one address block. Raises CellError
    when a cell of that name has another cloud or region, or when all indices are taken.
    """
    world = Path(world_dir).resolve()
    with locked(world.parent / INDICES) as descriptor:
        known = read(world_dir, cell)
        if known is not None:
            if (known.cloud, known.region) != (cloud, region):
                message = (
                    f"cell {cell} exists on {known.cloud} in {known.region}, "
                    f"not on {cloud} in {region}; destroy it first"
                )
                raise CellError(message)
            if known.state == "creating":
                known = replace(known, minor=minor)
            return known
        taken = _taken(descriptor, world)
        free = [index for index in range(1, MAX_CELLS + 1) if index not in taken.values()]
        if not free:
            message = f"cell {cell}: this rehearsal has {MAX_CELLS} cells already, no address range is left"
            raise CellError(message)
        facts = Cell(cell=cell, world=world.name, cloud=cloud, region=region, index=free[0], minor=minor)
        raw = json.dumps({**taken, f"{world.name}/{cell}": facts.index}, sort_keys=True).encode()
        os.ftruncate(descriptor, os.pwrite(descriptor, raw, 0))
        write(world_dir, facts)
        return facts


def _taken(descriptor: int, world: Path) -> dict[str, int]:
    """Which cell ("world/name") holds which index. Of the own world the cells' own files say so: there an entry may be
    left over from a cell that is gone, or from a run that was killed before the cell had its file.
    """
    try:
        noted: dict[str, int] = json.loads(os.pread(descriptor, 1 << 16, 0) or b"{}")
    except ValueError:
        noted = {}
    others = {name: index for name, index in noted.items() if not name.startswith(f"{world.name}/")}
    files = world.glob("cells/*/cell.json")
    own = {f"{world.name}/{file.parent.name}": json.loads(file.read_text(encoding="utf-8"))["index"] for file in files}
    return others | own


@dataclass(frozen=True)
class Addresses:
    """The address plan of one cell."""

    block: int
    index: int

    def pod_cidr(self, node: int) -> str:
        """The pod range of node 1..31."""
        return f"127.{self.block}.{self._row(node)}.0/24"

    def node(self, node: int) -> str:
        """The address of node 1..31."""
        return f"127.{self.block}.{self._row(node)}.1"

    def pod(self, node: int, host: int) -> str:
        """A pod's address; host 2..254."""
        return f"127.{self.block}.{self._row(node)}.{host}"

    def gateway(self, number: int) -> str:
        """The address of gateway 0.. of this cell."""
        return f"127.{self.block}.{_ROWS * self.index}.{10 + number}"

    def node_number(self, pod_cidr: str) -> int | None:
        """The node number of a pod range of this cell, or None for a foreign range."""
        parts = pod_cidr.partition("/")[0].split(".")
        if len(parts) != 4 or parts[:2] != ["127", str(self.block)]:
            return None
        number = int(parts[2]) - _ROWS * self.index
        return number if 1 <= number <= MAX_NODES else None

    def _row(self, node: int) -> int:
        if not 1 <= node <= MAX_NODES:
            message = f"a cell of the rehearsal holds {MAX_NODES} nodes, there is no node {node}"
            raise CellError(message)
        return _ROWS * self.index + node
