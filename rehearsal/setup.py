"""The parts of `rehearse up`: each function brings one thing into being and may be repeated."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cli.serve.names import PORT as SERVE_PORT
from components.platform import names
from components.policy import spec_rules
from rehearsal import blocks, border, ports, processes, secrets, tools, waivers
from rehearsal import home as homes
from rehearsal.discover import discover
from rehearsal.engine.pulumi import Engine
from rehearsal.kube import cellfile
from rehearsal.kube import install as exec_plugins

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from components.spec.model import Cell, Fleet, WorldName
    from rehearsal.home import Home

LAYERS = ("infra", "platform")
_IDENTITY = "platform-engineer"
# Where pods, gateways and the border listen, each on an address of its own.
_PORTS = frozenset(
    {border.PORT, names.GATEWAY_PORT, names.GATE_PORT, names.PROMETHEUS_PORT, names.DCGM_PORT, SERVE_PORT}
)


class LockedError(RuntimeError):
    """Another `rehearse up` or `down` of the same rehearsal is at work."""


class UnknownCellError(LookupError):
    """A cell was asked for that the fleet does not have."""


class PortTakenError(RuntimeError):
    """Somebody else listens where the rehearsal has to. `fix` is what to do."""

    def __init__(self, message: str, *, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


class VerbFailedError(RuntimeError):
    """A verb of the command line ended non-zero while the rehearsal was set up; the message holds its words."""

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.code = code


class StackFailedError(RuntimeError):
    """The engine ended non-zero; the message holds its last words, `result` all of them."""

    def __init__(self, message: str, *, result: subprocess.CompletedProcess[str]) -> None:
        super().__init__(message)
        self.result = result


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """One rehearsal being set up: its folders, the fleet and where the fleet came from."""

    home: Home
    fleet: Fleet
    fleet_path: Path

    @property
    def worlds(self) -> list[WorldName]:
        """The worlds that have cells, in the order of the design."""
        return [world for world in homes.WORLDS if self.fleet.cells_of(world)]

    def gate_cell(self, world: str) -> str:
        """The cell of a world that holds its gate."""
        return {name: one.gate_cell for name, one in self.fleet.worlds.items()}[world]

    def stack(self, cell: str, layer: str) -> str:
        """The stack name of a layer of a cell."""
        return f"{self.fleet.name}.{cell}.{layer}"

    def engine(self, world: str) -> Engine:
        """The engine of one world."""
        return Engine(self.home.world(world), homes.checkout())


@contextmanager
def locked(home: Home) -> Generator[None]:
    """Hold the rehearsal's lock for the time of the block. Raises LockedError when somebody else holds it."""
    home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home.root / "lock").open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            stream.seek(0)
            message = f"rehearsal {home.name} is being set up or taken down by process {stream.read().strip() or '?'}"
            raise LockedError(message) from error
        stream.truncate(0)
        stream.write(str(os.getpid()))
        stream.flush()
        yield


def create_home(home: Home, *, speed: float) -> None:
    """Make the folders and `rehearsal.json`. An existing rehearsal keeps its address block."""
    for folder in (home.root, home.bin, home.log, home.border):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (home.root / cellfile.INDICES).touch(mode=0o600)
    known = home.read() or {}
    known_block = known.get("block")
    facts = {
        "name": home.name,
        "block": blocks.claim(home, wanted=known_block if isinstance(known_block, int) else None),
        "speed": speed,
        "created": known.get("created") or datetime.now(tz=UTC).isoformat(timespec="seconds"),
        "checkout": str(homes.checkout()),
    }
    if facts != known:
        temporary = home.file.with_suffix(".tmp")
        temporary.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        temporary.replace(home.file)


def check_ports(home: Home) -> None:
    """Raise PortTakenError when a process that is not the rehearsal's listens where it will: in its block of addresses,
    or on every address at a port that pods and gateways have.
    """
    heard = ports.listeners()
    own = ports.sockets_of(process.pid for process in processes.find(home.root))
    strange = [one for one in heard if one.in_block(home.block) and one.inode not in own]
    strange += [one for one in heard if one.everywhere and one.port in _PORTS and not _may_bind(home, one.port)]
    if strange:
        listed = "\n".join(f"  {one}: {_who(one)}" for one in strange)
        message = f"addresses that the rehearsal needs are taken:\n{listed}"
        raise PortTakenError(message, fix="end what listens there; then repeat the command: it goes on")


def _may_bind(home: Home, port: int) -> bool:
    """Whether a listener on every address leaves this port to the block's own addresses."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((f"127.{home.block}.255.254", port))
        except OSError:
            return False
    return True


def _who(listener: ports.Listener) -> str:
    pid = ports.owner(listener)
    return "a process that cannot be looked at" if pid is None else f"process {pid} ({processes.command(pid)})"


def open_rehearsal(home: Home, fleet_path: Path) -> Rehearsal:
    """Read the fleet and hold it against the rules. Raises SpecError or ResidencyError with every problem."""
    fleet = spec_rules.load_checked(fleet_path)
    return Rehearsal(home=home, fleet=fleet, fleet_path=fleet_path)


def install_tools(home: Home, progress: Callable[[tools.Progress], None] | None = None) -> dict[str, Path]:
    """Have the ten binaries, linked into the rehearsal's bin folder. Raises ToolBuildError."""
    found = tools.ensure(progress=progress)
    tools.crds(progress=progress)
    for name, tool in found.items():
        link = home.bin / name
        if link.is_symlink() and link.resolve() == tool.path.resolve():
            continue
        temporary = home.bin / f".{name}.{os.getpid()}"
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(tool.path)
        temporary.replace(link)
    return {name: tool.path for name, tool in found.items()}


def prepare_world(rehearsal: Rehearsal, world: str) -> None:
    """The engine's workspace of a world, and the exec plugins."""
    folder = rehearsal.home.world(world)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = rehearsal.engine(world)
    engine.prepare()
    engine.mend()
    exec_plugins.install(rehearsal.home.bin)
    for part in ("locks", "cells", "bills", "operator"):
        (folder / part).mkdir(mode=0o700, exist_ok=True)


def stack_up(rehearsal: Rehearsal, cell: Cell, layer: str, on_line: Callable[[str], None] | None = None) -> None:
    """Bring one stack up with the real engine. Raises StackFailedError with the engine's last words."""
    engine = rehearsal.engine(cell.world)
    stack = rehearsal.stack(cell.name, layer)
    engine.stack_init(stack)
    engine.config_set("twain:fleet", str(rehearsal.fleet_path), stack=stack)
    result = engine.up(stack, check=False, on_line=on_line)
    if result.returncode != 0:
        tail = "\n".join((result.stdout + result.stderr).strip().splitlines()[-40:])
        message = f"pulumi up of {stack} ended with {result.returncode}:\n{tail}"
        raise StackFailedError(message, result=result)


def after_infra(rehearsal: Rehearsal, cell: Cell) -> None:
    """Pin what only a look-up can give, and have the cell's certificates and keys."""
    folder = rehearsal.home.world(cell.world)
    discover(folder, cell.name)
    facts = cellfile.read(folder, cell.name)
    if facts is None:
        message = f"cell {cell.name} has no cell.json after its infra stack came up"
        raise LookupError(message)
    plan = cellfile.Addresses(rehearsal.home.block, facts.index)
    secrets.ensure(
        rehearsal.home.cell(cell.world, cell.name),
        cell=cell.name,
        gateway_addresses=[plan.gateway(number) for number in range(4)],
    )


def after_platform(rehearsal: Rehearsal, cell: Cell) -> None:
    """Let the secret store write its Secrets into the cluster."""
    secrets.sync(
        rehearsal.home.cell(cell.world, cell.name),
        kubectl=rehearsal.home.bin / "kubectl",
        gate=rehearsal.fleet.worlds[cell.world].gate_cell == cell.name,
    )


def write_operator(rehearsal: Rehearsal, world: str, gates: dict[str, dict[str, str]]) -> None:
    """The operator's context of a world: what its `twain` works with. Holds nothing of the other world but its gate."""
    home = rehearsal.home
    env = home.world_env(world)
    kept = {key: env[key] for key in sorted(env) if key.startswith(("PULUMI_", "TWAIN_")) or key == "PATH"}
    context = {
        "world": world,
        "identity": _IDENTITY,
        "maisons": [maison.name for maison in rehearsal.fleet.maisons[:1]],
        "fleet": str(rehearsal.fleet_path),
        "workspace": str(home.workspace(world)),
        "waivers": str(home.operator(world) / "waivers"),
        "env": kept,
        "gates": gates,
        "bills": [str(home.world(world) / "bills")],
    }
    document = {"current": f"rehearsal-{world}", "contexts": {f"rehearsal-{world}": context}}
    _write_private(home.operator(world) / "contexts.json", document)
    waivers.write(home.operator(world) / "waivers", rehearsal.fleet, datetime.now(UTC).date())
    _write_text(home.operator(world) / "kubeconfig", _kubeconfig(home.operator(world)))


def _kubeconfig(operator: Path) -> str:
    """What plain `kubectl` in the world's shell uses: the same as `twain cell kubeconfig`."""
    from cli import cells
    from components.cluster import kubeconfig

    known = [cells.read(operator, name) for name in cells.known(operator)]
    return kubeconfig.joined(
        kubeconfig.assemble(cell=cell.cell, endpoint=cell.endpoint, ca_pem=cell.ca or "", exec_spec=asdict(cell.exec))
        for cell in known
    )


def write_cell_facts(rehearsal: Rehearsal, cell: Cell) -> None:
    """Cache the facts of a cell for the read verbs, from the stack's outputs and the lock."""
    from cli.cells import cell_facts

    outputs = rehearsal.engine(cell.world).outputs(rehearsal.stack(cell.name, "infra"))
    facts = cell_facts(outputs, lock_dir=rehearsal.home.world(cell.world) / "locks")
    folder = rehearsal.home.operator(cell.world) / "cells"
    folder.mkdir(mode=0o700, exist_ok=True)
    _write_private(folder / f"{cell.name}.json", facts)


def twain(home: Home, world: str, args: Sequence[str], *, timeout_s: float = 900) -> subprocess.CompletedProcess[str]:
    """Run the command line as the operator of one world: a process of its own, with that world's environment only,
    sealed off from the other world's folder.
    """
    return subprocess.run(
        [sys.executable, "-m", "rehearsal.shell", str(home.root), world, sys.executable, "-m", "cli.main", *args],
        env=home.world_env(world) | processes.run_mark() | {"PYTHONPATH": str(homes.checkout())},
        cwd=home.operator(world),
        text=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=timeout_s,
        check=False,
    )


def twain_checked(home: Home, world: str, args: Sequence[str], *, timeout_s: float = 900) -> str:
    """`twain` that must end with 0; returns its standard output. Raises VerbFailedError with its words."""
    done = twain(home, world, args, timeout_s=timeout_s)
    if done.returncode != 0:
        words = "\n".join((done.stderr or done.stdout).strip().splitlines()[-20:])
        message = f"twain {' '.join(args[:2])} in world {world} ended with {done.returncode}:\n{words}"
        raise VerbFailedError(message, code=done.returncode)
    return done.stdout


def _write_private(path: Path, document: Any) -> None:
    _write_text(path, json.dumps(document, indent=2, sort_keys=True) + "\n")


def _write_text(path: Path, text: str) -> None:
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    temporary = path.with_suffix(f".tmp{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    temporary.replace(path)
