"""The fleet as read verbs need it: plain values from the cache, without pydantic and YAML when the cache is warm."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cli import errors

if TYPE_CHECKING:
    from pathlib import Path

# What reads fleets.
_READER = f"{os.path.dirname(os.path.dirname(__file__))}/components/spec"  # noqa: PTH120


@dataclass(frozen=True, kw_only=True)
class PoolView:
    """A GPU pool of a cell as the fleet declares it; `min` and `max` count nodes. Empty `zones` are all of the cell."""

    name: str
    gpu_class: str
    gpus_per_node: int
    min: int
    max: int
    zones: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class WorldView:
    """A world of the fleet."""

    name: str
    regions: tuple[str, ...]
    registry: str
    access: str
    gate_cell: str
    backend: str
    secrets_provider: str


@dataclass(frozen=True, kw_only=True)
class CellView:
    """A cell of the fleet."""

    name: str
    world: str
    cloud: str
    region: str
    cidr: str
    kubernetes_minor: str
    gpu_pools: tuple[PoolView, ...]
    zones: tuple[str, ...] = ()
    protect: bool = True
    system_size: str = "cpu-4"
    images: str = "automatic"
    driver: str = "stable"
    surge: int = 1

    def max_gpus(self, gpu_class: str) -> int:
        """How many GPUs of a class the cell can grow to."""
        return sum(pool.max * pool.gpus_per_node for pool in self.gpu_pools if pool.gpu_class == gpu_class)


@dataclass(frozen=True, kw_only=True)
class FleetView:
    """The fleet, ready to look things up in."""

    name: str
    path: Path
    reporting_currency: str
    worlds: dict[str, WorldView]
    cells: tuple[CellView, ...]
    maisons: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path, cache: Path) -> FleetView:
        """Read a fleet file through the cache. Raises SpecError with every problem."""
        return cls.of(_cached(path, cache), path)

    @classmethod
    def of(cls, raw: dict[str, Any], path: Path) -> FleetView:
        """A view of the fleet's plain values."""
        return cls(
            name=raw["name"],
            path=path,
            reporting_currency=raw["reporting_currency"],
            worlds={name: _world(name, world) for name, world in raw["worlds"].items()},
            cells=tuple(_cell(cell, raw["template"]) for cell in raw["cells"]),
            maisons={maison["name"]: maison for maison in raw.get("maisons") or ()},
        )

    def cell(self, name: str) -> CellView:
        """A cell by name. Raises NotFoundError with the names that exist."""
        for cell in self.cells:
            if cell.name == name:
                return cell
        message = f"there is no cell {name!r} in fleet {self.name}; it has {', '.join(c.name for c in self.cells)}."
        raise errors.NotFoundError(message, fix="twain cell list", id="CELL-404")

    def cells_of(self, world: str) -> tuple[CellView, ...]:
        """The cells of a world, in the order of the file."""
        return tuple(cell for cell in self.cells if cell.world == world)


def _cached(path: Path, cache: Path) -> dict[str, Any]:
    """The fleet as plain values. A warm cache needs neither pydantic nor YAML; a cold one validates, and is filled."""
    import json

    raw = kept = None
    try:
        raw = path.read_bytes()
        kept = _file_of(raw, cache)
        return json.loads(kept.read_bytes())
    except (OSError, ValueError):
        from components.spec.load import load_fleet

    found = load_fleet(path, raw=raw).model_dump_json()
    if kept is not None:
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = kept.with_suffix(f".tmp{os.getpid()}")
        temporary.write_text(found, encoding="utf-8")
        temporary.replace(kept)
    return json.loads(found)


def _file_of(raw: bytes, cache: Path) -> Path:
    """Where the cache keeps a fleet of these bytes, as this version of the spec reads them: another reader, another
    file.
    """
    import hashlib

    digest = hashlib.sha256(raw)
    with os.scandir(_READER) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            if entry.name.endswith(".py"):
                found = entry.stat()
                digest.update(f"{entry.name} {found.st_size} {found.st_mtime_ns}\n".encode())
    return cache / f"fleet-{digest.hexdigest()[:24]}.json"


def _world(name: str, raw: dict[str, Any]) -> WorldView:
    return WorldView(
        name=name,
        regions=tuple(raw["regions"]),
        registry=raw["registry"],
        access=raw["access"],
        gate_cell=raw["gate_cell"],
        backend=raw["state"]["backend"],
        secrets_provider=raw["state"]["secrets_provider"],
    )


def _cell(raw: dict[str, Any], template: dict[str, Any]) -> CellView:
    patch = {key: value for key, value in (raw.get("template") or {}).items() if value is not None}
    resolved = {**template, **patch}
    return CellView(
        name=raw["name"],
        world=raw["world"],
        cloud=raw["cloud"],
        region=raw["region"],
        cidr=raw["cidr"],
        zones=tuple(raw.get("zones") or ()),
        kubernetes_minor=resolved["kubernetes_minor"],
        protect=resolved.get("protect", True),
        system_size=(resolved.get("system_pool") or {}).get("size", "cpu-4"),
        **(resolved.get("nodes") or {}),
        gpu_pools=tuple(
            PoolView(
                name=pool["name"],
                gpu_class=pool["gpu_class"],
                gpus_per_node=pool["gpus_per_node"],
                min=pool["min"],
                max=pool["max"],
                zones=tuple(pool.get("zones") or ()),
            )
            for pool in resolved["gpu_pools"]
        ),
    )
