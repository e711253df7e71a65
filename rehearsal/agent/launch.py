"""From a container's specification to a running program: environment, arguments, command line, simulator's order."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rehearsal.agent import machines, podenv, rewrite, table, volumes
from rehearsal.agent.podenv import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rehearsal.agent.podservices import Services
    from rehearsal.agent.runtime import Running
    from rehearsal.kube.client import Object

DEFAULT_GRACE = 30.0


@dataclass(frozen=True, kw_only=True)
class Start:
    """One run of one container: where it is, what it sees, where its output goes."""

    pod: Object
    node: Object
    container: Object
    root: Path
    log: Path
    pod_ip: str
    host_ip: str


async def launch(services: Services, start: Start) -> Running:
    """Start a container. Raises ConfigError for what is missing, StartError when the program does not start."""
    container, root = start.container, start.root
    mounts = volumes.mount_paths(container)
    values = podenv.environment(
        start.pod,
        container,
        config_maps=services.config_maps,
        secrets=services.secrets,
        pod_ip=start.pod_ip,
        host_ip=start.host_ip,
    )
    values = {name: rewrite.under_root(value, mounts, root) for name, value in values.items()}
    environment = _cell_environment(services, start) | values
    given = [*(container.get("command") or [])[1:], *(container.get("args") or [])]
    arguments = rewrite.arguments(given, environment=environment, mounts=mounts, root=root)
    start.log.parent.mkdir(parents=True, exist_ok=True)
    program = table.program(container)
    if program.kind == "simulated":
        return await services.simulators.start(operation(start, program, arguments=arguments, environment=environment))
    if program.command is None:
        message = f"program {program.name} has no command"
        raise ConfigError(message)
    run = table.Run(
        pod=start.pod,
        container=container,
        arguments=tuple(arguments),
        environment=environment,
        root=root,
        mounts=tuple(mounts),
        pod_ip=start.pod_ip,
        server=services.site.cell.endpoint,
        tool=services.tool,
    )
    own = _own_environment(root) | environment
    return await services.children.start(program.command(run), environment=own, folder=root, log=start.log)


def _cell_environment(services: Services, start: Start) -> dict[str, str]:
    """What a cluster puts into every container, and where this machine keeps the pod's files."""
    host, _, port = services.site.cell.endpoint.removeprefix("https://").partition(":")
    return {
        "KUBERNETES_SERVICE_HOST": host,
        "KUBERNETES_SERVICE_PORT": port,
        "TWAIN_POD_ROOT": str(start.root),
        "POD_IP": start.pod_ip,
        "HOSTNAME": start.pod["metadata"]["name"],
    }


def operation(
    start: Start, program: table.Program, *, arguments: list[str], environment: Mapping[str, str]
) -> dict[str, Any]:
    """The simulator's `start`, without `op`. Its id is new for each run."""
    meta, container, node = start.pod["metadata"], start.container, start.node
    capacity = node.get("status", {}).get("capacity") or {}
    limits = (container.get("resources") or {}).get("limits") or {}
    grace = start.pod["spec"].get("terminationGracePeriodSeconds")
    return {
        "id": f"{meta['uid']}/{container['name']}/{time.monotonic_ns()}",
        "program": program.name,
        "args": arguments,
        "env": dict(environment),
        "podIP": start.pod_ip,
        "image": container["image"],
        "pod": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "labels": meta.get("labels") or {},
            "annotations": meta.get("annotations") or {},
            "container": container["name"],
            "gpus": int(limits.get(machines.GPU_RESOURCE, 0)),
            "mounts": volumes.mount_paths(container),
        },
        "node": {
            "name": node["metadata"]["name"],
            "gpus": int(capacity.get(machines.GPU_RESOURCE, 0)),
            "gpu_model": (node["metadata"].get("annotations") or {}).get(machines.GPU_MODEL_ANNOTATION, ""),
        },
        "root": str(start.root),
        "log": str(start.log),
        "grace": DEFAULT_GRACE if grace is None else float(grace),
    }


def _own_environment(root: Path) -> dict[str, str]:
    """The little of this machine that a container's process gets."""
    # TWAIN_REHEARSAL_WORLD is what a cloud's metadata service would be: credential plugins know their world by it.
    kept = ("PATH", "PYTHONPATH", "LANG", "TWAIN_REHEARSAL_HOME", "TWAIN_REHEARSAL_WORLD")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "HOME": str(root),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }
