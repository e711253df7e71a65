"""What this operator knows of the cells of its own world: cached infra outputs, one file per cell."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from cli import errors, files

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class ExecSpec:
    """The credential plugin of a cell: a command of the allow-list, never a path."""

    command: str
    args: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class GpuPoolFacts:
    """One GPU pool as it was built; `min` and `max` count nodes. `zones` are empty where an older program built it."""

    name: str
    gpu_class: str
    instance_type: str
    gpus_per_node: int
    min: int
    max: int
    zones: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CellFacts:
    """One cell, as its infra stack's outputs and its lock tell it."""

    cell: str
    world: str
    cloud: str
    region: str
    endpoint: str
    ca: str | None
    exec: ExecSpec
    kubernetes_minor: str = ""
    gpu_pools: tuple[GpuPoolFacts, ...] = ()
    # Outputs that only `cell get` and `stack outputs` show.
    other: dict[str, Any] = field(default_factory=dict)


def folder(home: Path) -> Path:
    """Where the cell files lie."""
    return home / "cells"


def known(home: Path) -> list[str]:
    """The cells that have a file, sorted."""
    place = folder(home)
    return sorted(path.stem for path in place.glob("*.json")) if place.is_dir() else []


def read(home: Path, cell: str) -> CellFacts:
    """The facts of a cell. Raises NotFoundError when it was never brought up from here."""
    path = folder(home) / f"{cell}.json"
    try:
        return from_json(json.loads(path.read_bytes()))
    except FileNotFoundError as error:
        message = f"nothing is known of cell {cell}: its infra stack has not been brought up in this context."
        raise errors.NotFoundError(
            message, fix=f"twain stack outputs --cell {cell}", where=cell, id="CELL-404"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{path} cannot be read: {error}."
        raise errors.UsageError(message, fix=f"twain stack outputs --cell {cell}", where=cell, id="CFG-CELL") from error


def write(home: Path, facts: CellFacts) -> Path:
    """Keep the facts of a cell, 0600. Repeating it changes nothing."""
    path = folder(home) / f"{facts.cell}.json"
    content = json.dumps(asdict(facts), indent=2, sort_keys=True) + "\n"
    if not path.exists() or path.read_text(encoding="utf-8") != content:
        files.write_private(path, content)
    return path


def forget(home: Path, cell: str) -> None:
    """Remove a cell's file, when there is one."""
    (folder(home) / f"{cell}.json").unlink(missing_ok=True)


def from_json(raw: dict[str, Any]) -> CellFacts:
    """Facts out of a cell file."""
    plugin = raw["exec"]
    return CellFacts(
        cell=raw["cell"],
        world=raw["world"],
        cloud=raw["cloud"],
        region=raw["region"],
        endpoint=raw["endpoint"],
        ca=raw.get("ca"),
        exec=_exec(plugin),
        kubernetes_minor=raw.get("kubernetes_minor", ""),
        gpu_pools=tuple(_pool(pool) for pool in raw.get("gpu_pools") or ()),
        other=raw.get("other") or {},
    )


def from_outputs(outputs: dict[str, Any], *, ca_pem: str | None) -> CellFacts:
    """Facts out of the outputs of an infra stack; `ca_pem` from the cell lock stands in where the outputs have none."""
    taken = {"cell", "world", "cloud", "region", "cluster_endpoint", "cluster_ca", "cluster_exec", "gpu_pools"}
    try:
        return CellFacts(
            cell=outputs["cell"],
            world=outputs["world"],
            cloud=outputs["cloud"],
            region=outputs["region"],
            endpoint=outputs["cluster_endpoint"],
            ca=outputs.get("cluster_ca") or ca_pem,
            exec=_exec(outputs["cluster_exec"]),
            kubernetes_minor=str(outputs.get("kubernetes_minor") or ""),
            gpu_pools=tuple(_pool(pool) for pool in outputs.get("gpu_pools") or ()),
            other={key: value for key, value in outputs.items() if key not in {*taken, "kubernetes_minor"}},
        )
    except (KeyError, TypeError, AttributeError) as error:
        message = f"the infra stack's outputs are incomplete: {error}."
        raise errors.ResourceError(message, fix="twain stack up --layer infra", id="STK-OUTPUTS") from error


def _exec(raw: dict[str, Any]) -> ExecSpec:
    env = raw.get("env") or {}
    if isinstance(env, list):  # the form of a kubeconfig
        env = {entry["name"]: entry["value"] for entry in env}
    return ExecSpec(command=raw["command"], args=tuple(raw.get("args") or ()), env=dict(env))


def _pool(raw: dict[str, Any]) -> GpuPoolFacts:
    return GpuPoolFacts(
        name=raw["name"],
        gpu_class=raw["gpu_class"],
        instance_type=raw.get("instance_type") or "",
        gpus_per_node=int(raw["gpus_per_node"]),
        min=int(raw["min"]),
        max=int(raw["max"]),
        zones=tuple(map(str, raw.get("zones") or ())),
    )


def cell_facts(outputs: dict[str, Any], *, lock_dir: Path) -> dict[str, Any]:
    """The content of a cell file, out of the outputs of an infra stack and the cell's lock file."""
    from components.spec.lock import read_lock

    lock = read_lock(lock_dir, str(outputs.get("cell")))
    return asdict(from_outputs(outputs, ca_pem=lock.cluster_ca if lock is not None else None))
