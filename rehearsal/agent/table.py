"""Which program an image is: the last part of its repository decides. An image that is not here runs nothing."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rehearsal.agent import promconfig, rewrite

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rehearsal.kube.client import Object


@dataclass(frozen=True, kw_only=True)
class Run:
    """One container about to run: what a program entry needs to make its command line."""

    pod: Object
    container: Object
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    root: Path
    mounts: tuple[str, ...]
    pod_ip: str
    server: str
    tool: Callable[[str], Path]


@dataclass(frozen=True, kw_only=True)
class Program:
    """How an image runs: inside the cell's simulator process, or as a process of its own (`command` gives its line)."""

    name: str
    kind: Literal["simulated", "process"]
    entry_points: tuple[str, ...] = ()
    command: Callable[[Run], Sequence[str]] | None = None


def _prometheus(run: Run) -> list[str]:
    """The real server, bound to the pod's address, with the configuration as it would read inside the cluster."""
    arguments: list[str] = []
    bound = False
    config: Path | None = None
    for argument in run.arguments:
        name, sign, value = argument.partition("=")
        if name == "--web.listen-address" and sign:
            arguments.append(f"{name}={rewrite.listen_address(value, run.pod_ip)}")
            bound = True
        elif name == "--config.file" and sign:
            config = Path(value)
            arguments.append(
                f"{name}={promconfig.localise(config, root=run.root, mounts=run.mounts, server=run.server)}"
            )
        else:
            arguments.append(argument)
    if not bound:
        arguments.append(f"--web.listen-address={run.pod_ip}:9090")
    if not any(argument.startswith("--storage.tsdb.path") for argument in arguments):
        arguments.append(f"--storage.tsdb.path={run.root / 'prometheus-data'}")
    return [str(run.tool("prometheus")), *arguments]


def _alertmanager(run: Run) -> list[str]:
    """The real one, bound to the pod's address; the paths in its configuration lie under the pod's folder."""
    arguments: list[str] = []
    for argument in run.arguments:
        name, sign, value = argument.partition("=")
        if name == "--web.listen-address" and sign:
            arguments.append(f"{name}={rewrite.listen_address(value, run.pod_ip)}")
        elif name == "--config.file" and sign:
            local = promconfig.localise(Path(value), root=run.root, mounts=run.mounts, server=run.server)
            arguments.append(f"{name}={local}")
        else:
            arguments.append(argument)
    return [str(run.tool("alertmanager")), *arguments]


def _gate(run: Run) -> list[str]:
    return [sys.executable, "-m", "cli.gate.server", *run.arguments]


def _device_plugin(_run: Run) -> list[str]:
    """It holds its place: here a Node's GPUs come from its machine type, not from a kubelet that was told of them."""
    return ["sleep", "infinity"]


def _load(run: Run) -> list[str]:
    return [sys.executable, "-m", "rehearsal.programs.load", *run.arguments]


PROGRAMS: dict[str, Program] = {
    "vllm-openai": Program(name="vllm", kind="simulated", entry_points=("vllm", "python3", "python")),
    "dcgm-exporter": Program(name="dcgm", kind="simulated", entry_points=("dcgm-exporter",)),
    "prometheus": Program(name="prometheus", kind="process", entry_points=("prometheus",), command=_prometheus),
    "alertmanager": Program(name="alertmanager", kind="process", entry_points=("alertmanager",), command=_alertmanager),
    "twain-gate": Program(name="gate", kind="process", entry_points=("twain-gate", "gate"), command=_gate),
    "nvidia-device-plugin": Program(
        name="device-plugin", kind="process", entry_points=("nvidia-device-plugin",), command=_device_plugin
    ),
    "load-generator": Program(name="load", kind="process", entry_points=("load-generator",), command=_load),
}


def repository_name(image: str) -> str:
    """The last part of an image's repository: `host:5000/team/vllm-openai:v1@sha256:…` → `vllm-openai`."""
    path = image.partition("@")[0]
    return path.rpartition("/")[2].partition(":")[0]


def refusal(container: Object) -> str:
    """Why the rehearsal cannot run this container; empty when it can."""
    image = container.get("image", "")
    program = PROGRAMS.get(repository_name(image))
    if program is None:
        return f"the rehearsal runs no such image: {image}; it runs {', '.join(sorted(PROGRAMS))}"
    command = container.get("command") or []
    if command and Path(command[0]).name not in program.entry_points:
        return f"the rehearsal runs {repository_name(image)} with its own entry point only, not `{command[0]}`"
    return ""


def program(container: Object) -> Program:
    """The program of a container that `refusal` let pass. Raises KeyError otherwise."""
    return PROGRAMS[repository_name(container.get("image", ""))]
