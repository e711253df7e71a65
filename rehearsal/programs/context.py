"""What one simulated container sees of the world: its arguments, its pod, its node, its log, its stop signal."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from rehearsal.programs.gpus import GpuBoard
    from rehearsal.programs.truthlog import TruthLogs

# Exit codes as the container runtime reports them: 128 + signal.
EXIT_SIGKILL = 137
EXIT_SIGTERM = 143


class PodInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The pod of a container. `gpus` is the container's GPU limit, None when the starter did not say."""

    name: str
    namespace: str = "default"
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    container: str = "main"
    gpus: int | None = None
    mounts: tuple[str, ...] | None = None


class NodeInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The node of a container: how many GPUs it has and which model, as DCGM names it."""

    name: str
    gpus: int = 0
    gpu_model: str = ""


class StartOp(msgspec.Struct, frozen=True, kw_only=True, tag_field="op", tag="start"):
    """Start one program. `id` is the caller's, unique among running programs; `grace` is the pod's grace period (s)."""

    id: str
    program: str
    pod: PodInfo
    node: NodeInfo
    args: tuple[str, ...] = ()
    env: dict[str, str] = {}
    pod_ip: str = msgspec.field(name="podIP", default="127.0.0.1")
    image: str = ""
    root: str = "."
    log: str = ""
    grace: float = 30.0


class StopOp(msgspec.Struct, frozen=True, kw_only=True, tag_field="op", tag="stop"):
    """SIGTERM to one program; SIGKILL after `grace` seconds (default: the grace of its start)."""

    id: str
    grace: float | None = None


@dataclass(frozen=True)
class Shared:
    """What all programs of one simulator process share."""

    speed: float
    gpus: GpuBoard
    truth: TruthLogs
    truth_path: Path | None = None
    dns_log: Path | None = None
    notify: Callable[[Mapping[str, object]], None] = lambda _event: None


@dataclass(frozen=True)
class Context:
    """One run of one program. `terminated` is set once, by SIGTERM; a program decides itself how it drains."""

    start: StartOp
    shared: Shared
    terminated: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def pod(self) -> PodInfo:
        """The pod that this container belongs to."""
        return self.start.pod

    @property
    def node(self) -> NodeInfo:
        """The node that this container runs on."""
        return self.start.node

    @property
    def env(self) -> Mapping[str, str]:
        """The container's environment."""
        return self.start.env

    @property
    def root(self) -> Path:
        """The folder under which the container's volumes lie."""
        return Path(self.start.root)

    @property
    def truth_path(self) -> Path:
        """The cell's record of finished requests (two folders above the pod's root unless named)."""
        return self.shared.truth_path or self.root.parent.parent / "truth.sqlite"

    def log(self, text: str) -> None:
        """Append lines to the container's log. Opened per call: there are few lines, and rotation then just works."""
        if not self.start.log:
            return
        path = Path(self.start.log)
        try:
            with path.open("a", encoding="utf-8") as stream:
                stream.write(text if text.endswith("\n") else text + "\n")
        except FileNotFoundError:
            # The pod's folder goes with the pod; a last line has nowhere to be and nobody to read it.
            return

    def look_up(self, host: str, purpose: str) -> None:
        """Record that this pod asked for a name. None resolves here: the caller then fails as in reality."""
        event = {
            "time": time.time(),
            "namespace": self.pod.namespace,
            "pod": self.pod.name,
            "node": self.node.name,
            "host": host,
            "purpose": purpose,
        }
        self.shared.notify({"id": self.start.id, "event": "lookup", "host": host, "purpose": purpose})
        log = self.env.get("TWAIN_SIM_DNS_LOG") or self.shared.dns_log
        if log:
            with Path(log).open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(event) + "\n")

    async def wait(self, seconds: float) -> bool:
        """Wait like the real thing would, divided by the rehearsal's speed. False when SIGTERM came first."""
        try:
            await asyncio.wait_for(self.terminated.wait(), timeout=max(0.0, seconds) / self.shared.speed)
        except TimeoutError:
            return True
        return False


Program = Callable[[Context], Awaitable[int]]
