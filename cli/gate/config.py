"""What a gate is told: which world it is the door of, its own cell, and the world's other cells."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cli import cells, errors
from cli.serve.manifests import CellTarget, Pool

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class GateConfig:
    """The gate's own file, and the facts of the world's other cells (one JSON file each)."""

    world: str
    cell: str
    cloud: str
    region: str
    registry: str
    access: str
    pools: tuple[Pool, ...]
    gpu_quota: dict[str, int] = field(default_factory=dict)
    sisters: tuple[cells.CellFacts, ...] = ()

    def targets(self) -> dict[str, CellTarget]:
        """What an apply needs to know of every cell of the world, by name; the gate's own cell first."""
        own = self._target(self.cell, self.cloud, self.region, self.pools)
        others = {
            facts.cell: self._target(
                facts.cell,
                facts.cloud,
                facts.region,
                tuple(
                    Pool(name=pool.name, gpu_class=pool.gpu_class, gpus_per_node=pool.gpus_per_node, max=pool.max)
                    for pool in facts.gpu_pools
                ),
            )
            for facts in self.sisters
        }
        return {self.cell: own, **others}

    def _target(self, cell: str, cloud: str, region: str, pools: tuple[Pool, ...]) -> CellTarget:
        return CellTarget(
            cell=cell,
            world=self.world,
            cloud=cloud,
            region=region,
            registry=self.registry,
            pools=pools,
            gpu_quota=dict(self.gpu_quota),
        )


def load(path: Path, cells_dir: Path | None) -> GateConfig:
    """Read the gate's file and the other cells' facts. Raises UsageError naming the file and what it lacks.

    A cell of another world among the facts is refused: a gate must hold nothing of another world.
    """
    import yaml

    try:
        raw: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        config = GateConfig(
            world=raw["world"],
            cell=raw["cell"],
            cloud=raw["cloud"],
            region=raw["region"],
            registry=raw["registry"],
            access=raw.get("access", "pod-network"),
            pools=tuple(_pool(pool) for pool in raw.get("gpu_pools") or ()),
            gpu_quota={str(name): int(quota) for name, quota in (raw.get("gpu_quota") or {}).items()},
            sisters=_sisters(cells_dir, str(raw["world"]), str(raw["cell"])),
        )
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"the gate's configuration {path} cannot be used: {error!r}."
        raise errors.UsageError(message, fix="run: twain stack up --layer platform", id="CFG-GATE") from error
    return config


def _pool(raw: dict[str, Any]) -> Pool:
    return Pool(
        name=raw["name"], gpu_class=raw["gpu_class"], gpus_per_node=int(raw["gpus_per_node"]), max=int(raw["max"])
    )


def _sisters(folder: Path | None, world: str, own: str) -> tuple[cells.CellFacts, ...]:
    found: list[cells.CellFacts] = []
    for path in sorted(folder.glob("*.json")) if folder is not None and folder.is_dir() else ():
        facts = cells.from_json(json.loads(path.read_bytes()))
        if facts.world != world:
            message = f"{path.name} is a cell of world {facts.world}"
            raise ValueError(message)
        if facts.cell != own:
            found.append(facts)
    return tuple(found)
