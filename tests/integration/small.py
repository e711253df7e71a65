"""A rehearsal of one cell, for what a test must not do to the shared one; and what is wrong with it, if anything."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rehearsal import background, killpoints, ports, processes
from rehearsal.home import HOME_VARIABLE, Home
from rehearsal.providers.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
CELL, WORLD = "cn-sha-1", "cn"
LAYERS = ("infra", "platform")
UP = ("rehearse", "up", "--cell", CELL, "--no-traffic")
STACKS = tuple(f"rehearsal.{CELL}.{layer}" for layer in LAYERS)
UP_S = 600
# What runs of one cell without a workload: one of each.
RUNNING: Counter[str] = Counter(
    (
        "rehearsal.keeper",
        "rehearsal.agent",
        "rehearsal.programs.gateway",
        "cli.gate.server",
        "prometheus",
        "alertmanager",
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
    )
)
# Kinds whose objects only our declarations make, so that one more than the state names is an orphan.
_DECLARED = ("deployments", "daemonsets", "networkpolicies", "resourcequotas", "gateways")
_SETTLED_S = 120.0


@dataclass(frozen=True)
class Small:
    """One rehearsal of one cell: its folder, and the checkout whose code runs."""

    home: Home
    root: Path = ROOT
    extra: Mapping[str, str] = field(default_factory=dict)
    world: str = WORLD
    cell: str = CELL
    runs: Counter[str] = field(default_factory=lambda: RUNNING)

    @property
    def bring_up(self) -> tuple[str, ...]:
        """The command that brings the cell up."""
        return ("rehearse", "up", "--cell", self.cell, "--no-traffic")

    @property
    def stacks(self) -> tuple[str, ...]:
        """The cell's stacks, in the order in which they come up."""
        return tuple(f"rehearsal.{self.cell}.{layer}" for layer in LAYERS)

    def start(self, *args: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """`twain …`, begun. In a session of its own, as in another terminal; Ctrl-C works there, also where a script in
        the background started us and had it ignored.
        """
        return subprocess.Popen(
            [sys.executable, "-m", "cli.main", *args],
            cwd=self.root, env=self.env() | dict(env or {}), text=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
        )  # fmt: skip

    def twain(self, *args: str, env: Mapping[str, str] | None = None, timeout: float = UP_S) -> tuple[int, str]:
        """`twain …`: exit code, and all that it printed."""
        with self.start(*args, env=env) as process:
            out, err = process.communicate(timeout=timeout)
        return process.returncode, out + err

    def up(self, env: Mapping[str, str] | None = None) -> str:
        """Bring it up; it must."""
        code, words = self.twain(*self.bring_up, env=env)
        assert code == 0, f"rehearse up ended with {code}:\n{words[-6000:]}"
        return words

    def killed_at(self, point: str, env: Mapping[str, str] | None = None) -> None:
        """Bring it up to a point at which something of it is killed."""
        code, words = self.twain(*self.bring_up, env={**(env or {}), killpoints.VARIABLE: point})
        expected = 4 if point.endswith(":provider") else -9
        assert code == expected, f"{point}: not reached, or ended with {code} instead of {expected}:\n{words[-4000:]}"

    def down(self) -> None:
        """End it; no process and no listener may be left."""
        block = self.home.block if self.home.file.exists() else None
        code, words = self.twain("rehearse", "down", timeout=180)
        left = list(self.everything())
        processes.stop_all(self.home.root)
        assert code == 0, words
        assert not left, left
        assert not self.home.root.exists()
        if block is not None:
            assert not [str(one) for one in ports.listeners() if one.in_block(block)]

    def env(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TWAIN_", "PULUMI_"))}
        if "TWAIN_TOOL_CACHE" in os.environ:
            kept["TWAIN_TOOL_CACHE"] = os.environ["TWAIN_TOOL_CACHE"]
        kept |= {"PYTHONPATH": str(self.root), "NO_COLOR": "1"}
        return kept | (dict(self.extra) or {HOME_VARIABLE: str(self.home.root)})

    def kubectl(self, *args: str) -> str:
        """What the cell's API server answers to the cloud itself."""
        admin = self.home.cell(self.world, self.cell) / "admin.kubeconfig"
        command = [str(self.home.bin / "kubectl"), "--kubeconfig", str(admin), *args]
        return subprocess.run(command, text=True, capture_output=True, check=True, timeout=60).stdout

    def everything(self) -> Iterator[str]:
        """Every process that is of this rehearsal by its environment, its program or its arguments."""
        ours = {process.pid: process.command for process in processes.find(self.home.root)}
        yield from ours.values()
        spared = processes._ancestors()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) not in ours.keys() | spared:
                words = processes.command(int(entry.name))
                if f"{self.home.root}/" in words:
                    yield words

    def running(self) -> Counter[str]:
        """How many of each program run."""
        return Counter(program(words) for words in self.everything())

    def settle(self) -> None:
        """Wait until exactly what a cell runs is running."""
        assert until(lambda: self.running() == self.runs, _SETTLED_S), f"it runs {dict(self.running())}"

    def journal(self) -> list[dict[str, Any]]:
        """The journal's lines."""
        return [json.loads(line) for line in self.home.journal.read_text().splitlines()]

    def resources(self) -> dict[str, str]:
        """What the states of both stacks hold: id by URN, without what exists in the engine only."""
        found: dict[str, str] = {}
        for stack in self.stacks:
            for resource in self.deployment(stack)["resources"]:
                if resource.get("custom") and not resource["type"].startswith("pulumi:"):
                    found[resource["urn"]] = resource["id"]
        return found

    def deployment(self, stack: str) -> dict[str, Any]:
        """A stack's state, as its file has it."""
        file = self.home.world(self.world) / "state" / ".pulumi" / "stacks" / "twain" / f"{stack}.json"
        return json.loads(file.read_text())["checkpoint"]["latest"]

    def creates(self) -> list[str]:
        """The URN of every create that the clouds carried out, in their order."""
        return [row.urn for row in self.clouds()]

    def clouds(self) -> list[Any]:
        """What exists in the emulated clouds and in the cluster by declaration."""
        store = Store.open(self.home.world(self.world))
        try:
            return store.list_resources()
        finally:
            store.close()

    def problems(self, urns: set[str]) -> list[str]:
        """Whatever of orphans, of things half made, of locks is there. `urns` is what an undisturbed run makes."""
        return [*self._state_problems(urns), *self._machine_problems(), *self._lock_problems()]

    def _state_problems(self, urns: set[str]) -> Iterator[str]:
        state, rows = self.resources(), self.clouds()
        for stack in self.stacks:
            for pending in self.deployment(stack).get("pending_operations") or ():
                yield f"{stack} has a pending operation: {pending['type']} {pending['resource']['urn']}"
        yield from (f"in no state, but an undisturbed run has it: {urn}" for urn in sorted(urns - state.keys()))
        yield from (f"in a state, but an undisturbed run has none: {urn}" for urn in sorted(state.keys() - urns))
        for row in rows:
            if row.state != "live":
                yield f"{row.type} {row.id} is {row.state}"
            if row.urn not in state:
                yield f"exists and is in no state: {row.type} {row.id}"
            elif row.cloud != "kubernetes" and state[row.urn] != row.id:
                yield f"the state says {state[row.urn]}, the cloud {row.id}"
        yield from (f"made twice: {urn}" for urn, count in Counter(row.urn for row in rows).items() if count > 1)
        yield from (f"in a state and not there: {urn}" for urn in sorted(state.keys() - {row.urn for row in rows}))
        yield from self._object_problems(state)

    def _object_problems(self, state: Mapping[str, str]) -> Iterator[str]:
        document = json.loads(self.kubectl("get", ",".join(_DECLARED), "-A", "-o", "json", "--show-managed-fields"))
        live = {
            f"{item['kind']} {item['metadata']['namespace']}/{item['metadata']['name']}"
            for item in document["items"]
            if any(entry["manager"] == "pulumi" for entry in item["metadata"]["managedFields"])
        }
        kinds = {item.split(" ")[0] for item in live}
        named = {f"{urn.split('::')[2].split(':')[-1]} {id_}" for urn, id_ in state.items() if "kubernetes:" in urn}
        yield from (f"in the cluster and in no state: {item}" for item in sorted(live - named))
        yield from (f"not in the cluster: {item}" for item in sorted(named - live) if item.split(" ")[0] in kinds)

    def _machine_problems(self) -> Iterator[str]:
        if not until(lambda: self.running() == self.runs, _SETTLED_S):
            yield f"it runs {dict(self.running() - self.runs)} too much, {dict(self.runs - self.running())} too few"
        own = ports.sockets_of(process.pid for process in processes.find(self.home.root))
        for one in ports.listeners():
            if one.in_block(self.home.block) and one.inode not in own:
                yield f"somebody unknown listens at {one}"
            if one.inode in own and not one.address.startswith("127."):
                yield f"listens outside of loopback: {one}"

    def _lock_problems(self) -> Iterator[str]:
        for file in (self.home.world(self.world) / "state" / ".pulumi" / "locks").rglob("*"):
            if file.is_file():
                yield f"a lock of the engine is left: {file.name}"
        for file in (self.home.root / "lock", self.home.cell(self.world, self.cell) / "lock"):
            with file.open("a") as stream:
                try:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    yield f"held: {file}"
        if not background.runs(self.home.root / "keeper.lock"):
            yield "nobody holds the keeper's lock"


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition comes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def program(words: str) -> str:
    """The module of a Python process, the file's name of any other."""
    parts = words.split(" ")
    return parts[parts.index("-m") + 1] if "-m" in parts[1:3] else Path(parts[0]).name


def changes(world: Path) -> list[dict[str, int]]:
    """What each run of the engine that changed something says that it changed."""
    found: list[dict[str, int]] = []
    for path in sorted((world / "state" / ".pulumi" / "history").rglob("*.history.json")):
        told = json.loads(path.read_text()).get("resourceChanges") or {}
        found.append({kind: count for kind, count in told.items() if kind != "same" and count})
    return [changed for changed in found if changed]


def error_of(words: str, identity: str) -> str:
    """The printed error with this id: its message, where and fix."""
    parts = words.split("\nerror ") if not words.startswith("error ") else ["", *words[6:].split("\nerror ")]
    found = [part for part in parts[1:] if part.startswith(f"{identity}:")]
    assert found, f"no {identity} in:\n{words}"
    return "\n".join(found)
