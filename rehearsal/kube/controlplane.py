"""The control plane of an emulated cell: made when the cloud makes a cluster, gone when it deletes it.

`ensure` may be called again at any point of its own work, also after the caller was killed in the middle of it. What it
starts belongs to no process group of the caller, because the engine ends its plugins by group.
"""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rehearsal.kube import agentfile, bootstrap, brought, cellfile, emulate, kwok, toolpaths
from rehearsal.kube.cellfile import CellError, Folders
from rehearsal.kube.client import Access, KubeClient, UnreachableError, kubeconfig, read_kubeconfig

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from rehearsal.kube.brought import Brought
    from rehearsal.kube.cellfile import Cell

_LOG = logging.getLogger(__name__)
# All that an agent and its pods get of the caller's environment: no credential of the caller may reach a pod.
_KEPT_VARIABLES = (
    "HOME",
    "LANG",
    "PATH",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "XDG_STATE_HOME",
    "TWAIN_TOOL_CACHE",
    "TWAIN_TOOL_DIR",
)
_CHECKOUT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, kw_only=True)
class ControlPlane:
    """What the cloud answers: an https URL on 127.0.0.1 and the PEM of the authority that signed it."""

    endpoint: str
    ca_pem: str


@dataclass(frozen=True, kw_only=True)
class Status:
    """What is true of a cell now. `processes` holds component → pid of what runs; `agent` its pid or None."""

    cell: Cell | None
    processes: dict[str, int]
    agent: int | None

    @property
    def up(self) -> bool:
        """All four processes and the agent run."""
        return len(self.processes) == len(kwok.COMPONENTS) and self.agent is not None


def _crds(groups: Iterable[str]) -> list[Path]:
    from rehearsal import tools

    return brought.files(groups, tools.crds()) if groups else []


def _in_own_loop(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end from any caller, also from inside a running event loop (the providers' server)."""
    failure: list[BaseException] = []

    def body() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:  # noqa: BLE001  (handed to the caller's thread below, whatever it is)
            failure.append(error)

    thread = threading.Thread(target=body, name="control-plane-set-up")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]


def _write_admin(place: Folders, ports: kwok.Ports) -> Access:
    pki = place.cluster / "pki"
    access = Access(
        server=f"https://127.0.0.1:{ports.apiserver}",
        ca_pem=(pki / "ca.crt").read_text(encoding="utf-8"),
        client_cert_pem=(pki / "admin.crt").read_text(encoding="utf-8"),
        client_key_pem=(pki / "admin.key").read_text(encoding="utf-8"),
    )
    descriptor = os.open(place.admin_kubeconfig, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(kubeconfig(access, name=place.cell))
    return access


def _create(place: Folders, facts: Cell, tools: dict[str, Path]) -> Cell:
    """From whatever an earlier, killed attempt left to a control plane with its first objects."""
    kwok.wipe(place)
    ports = kwok.create(place, tools, emulate.arguments(facts.minor))
    access = _write_admin(place, ports)
    _in_own_loop(bootstrap.install(access, _crds(facts.definitions)))
    ready = replace(
        facts,
        state="ready",
        endpoint=access.server,
        ca=access.ca_pem,
        admin_kubeconfig=str(place.admin_kubeconfig),
    )
    cellfile.write(place.world, ready)
    return ready


async def _answers(access: Access) -> None:
    async with asyncio.timeout(5), KubeClient(access) as client:
        await client.get("/readyz")


def ensure(
    world_dir: Path, *, cell: str, cloud: str, region: str, minor: str, brings: Brought = brought.NOTHING
) -> ControlPlane:
    """The running control plane of a cell, with its agent.

    Made when new (about 5 s); found when it runs; started again on the same data and the same port when its processes
    are gone; removed and made again when an earlier attempt did not come to its end. The next minor is an upgrade: the
    processes start again on the same data and play it; any other change of the minor is refused. `brings` is what the
    cluster's inputs put into it; definitions that were there once stay, as they do on the clouds. Blocks; one caller
    per cell at a time, others wait. Raises CellError with the reason and the log's last words.
    """
    place = cellfile.folders(world_dir, cell)
    emulate.check(cell, minor)
    with cellfile.locked(place.root / "lock"):
        facts = cellfile.reserve(world_dir, cell=cell, cloud=cloud, region=region, minor=minor)
        tools = toolpaths.paths((*kwok.COMPONENTS, "kwokctl"))
        if facts.state == "ready" and place.cluster.is_dir():
            facts = _upgrading(place, facts, minor)
            _revive(place, facts, tools)
            facts = _bring(place, facts, brings)
        else:
            wanted = replace(facts, definitions=brings.definitions, gateway_class=brings.gateway_class)
            facts = _create(place, wanted, tools)
        spawn_agent(place)
        return ControlPlane(endpoint=facts.endpoint, ca_pem=facts.ca)


def bring(world_dir: Path, *, cell: str, brings: Brought) -> None:
    """Put what was added to a cluster into a cell that is up. Repeatable. Raises CellError when there is none."""
    place = cellfile.folders(world_dir, cell)
    with cellfile.locked(place.root / "lock"):
        facts = cellfile.read(world_dir, cell)
        if facts is None or facts.state != "ready":
            message = f"cell {cell}: there is no cluster to install anything in"
            raise CellError(message)
        _bring(place, facts, brings)


def _bring(place: Folders, facts: Cell, brings: Brought) -> Cell:
    """The new definitions first: whoever was killed in between installs them again."""
    new = [group for group in brings.definitions if group not in facts.definitions]
    if new:
        _in_own_loop(bootstrap.install(read_kubeconfig(place.admin_kubeconfig), _crds(new)))
    wanted = replace(facts, definitions=(*facts.definitions, *new), gateway_class=brings.gateway_class)
    if wanted != facts:
        cellfile.write(place.world, wanted)
    return wanted


def _upgrading(place: Folders, facts: Cell, minor: str) -> Cell:
    """Write down the minor that is wanted before anything is stopped: whoever was killed in between is continued."""
    reason = emulate.refusal(facts.cell, running=facts.minor, wanted=minor)
    if reason is not None:
        raise CellError(reason)
    if minor != facts.minor:
        facts = replace(facts, minor=minor)
        cellfile.write(place.world, facts)
    emulate.declare(place, facts.minor)
    return facts


def revive(world_dir: Path, *, cell: str) -> ControlPlane | None:
    """`ensure` for a cell whose control plane was ready once: after a kill or a reboot nobody makes its cluster again.
    None when the cloud has no such cell, or its creation did not come to its end (the next `up` makes it).
    """
    facts = cellfile.read(world_dir, cell)
    if facts is None or facts.state != "ready":
        return None
    brings = brought.Brought(definitions=facts.definitions, gateway_class=facts.gateway_class)
    return ensure(world_dir, cell=cell, cloud=facts.cloud, region=facts.region, minor=facts.minor, brings=brings)


def _revive(place: Folders, facts: Cell, tools: dict[str, Path]) -> None:
    """Start what is missing of a control plane that was ready once, and make sure that it answers."""
    access = read_kubeconfig(place.admin_kubeconfig)
    if len(kwok.running(place)) == len(kwok.COMPONENTS) and emulate.played(place) == {facts.minor}:
        try:
            _in_own_loop(_answers(access))
        except (UnreachableError, TimeoutError):
            _LOG.warning("cell %s: the control plane runs and does not answer; it is started anew", facts.cell)
        else:
            return
    kwok.start(place, tools)
    try:
        _in_own_loop(_answers(access))
    except (UnreachableError, TimeoutError) as error:
        message = (
            f"cell {facts.cell}: the API server was started again but does not answer at {facts.endpoint}; "
            f"its log is {place.cluster / 'logs' / 'kube-apiserver.log'}"
        )
        raise CellError(message) from error


def spawn_agent(place: Folders) -> None:
    """Start the cell's agent in a session of its own unless one runs; returns at once."""
    if agentfile.held(place):
        return
    environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    environment["PYTHONPATH"] = str(_CHECKOUT)
    environment["TWAIN_REHEARSAL_HOME"] = str(place.world.parent)
    environment["TWAIN_REHEARSAL_WORLD"] = str(place.world)
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    plugins = str(place.world.parent / "bin")
    if plugins not in environment.get("PATH", "").split(os.pathsep):
        environment["PATH"] = f"{plugins}{os.pathsep}{environment.get('PATH', os.defpath)}"
    with (place.root / "agent.log").open("ab") as log:
        # `--detach` makes the agent the child of nobody here, so that no caller has to wait for it.
        subprocess.run(
            [
                sys.executable,
                "-m",
                "rehearsal.agent",
                "--detach",
                "--world-dir",
                str(place.world),
                "--cell",
                place.cell,
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=place.root,
            env=environment,
            start_new_session=True,
            check=True,
        )
    agentfile.wait_held(place, seconds=20.0)


def stop(world_dir: Path, *, cell: str) -> None:
    """Stop the agent with all pods and the control plane; the data stays and `ensure` continues it. Safe to repeat."""
    place = cellfile.folders(world_dir, cell)
    with cellfile.locked(place.root / "lock"):
        agentfile.stop(place)
        kwok.stop(place)


def remove(world_dir: Path, *, cell: str) -> None:
    """Delete the control plane: no process, key or datum of it is left; logs and the truth of traffic stay. Safe to
    repeat and for cells that never were.
    """
    place = cellfile.folders(world_dir, cell)
    if not place.root.is_dir():
        return
    with cellfile.locked(place.root / "lock"):
        agentfile.stop(place)
        kwok.wipe(place)
        for name in ("pods", "tokens", "gateways"):
            kwok.remove_tree(place.root / name)
        for name in ("admin.kubeconfig", "kwokctl.kubeconfig", "kwokctl.yaml", "audit-policy.yaml", "cell.json"):
            (place.root / name).unlink(missing_ok=True)


def status(world_dir: Path, *, cell: str) -> Status:
    """What runs of a cell now; asks the process table, not the API server."""
    place = cellfile.folders(world_dir, cell)
    return Status(
        cell=cellfile.read(world_dir, cell),
        processes={name: process.pid for name, process in kwok.running(place).items()},
        agent=agentfile.pid(place),
    )
