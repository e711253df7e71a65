"""Which pod holds which GPU of a node, and how hard it works it. Engines write here, the DCGM simulator reads."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.programs.context import NodeInfo, PodInfo

_GPU_NAMES = uuid.UUID("8a2f6f0e-8e0b-4d1c-9a53-3f4c5a3f7e21")


@dataclass(frozen=True)
class GpuModel:
    """What the simulation needs of a GPU model. Memory in MiB as the driver reports it, bandwidth in bytes/s, dense
    bf16 in flop/s, power in W. From the vendor's data sheets.
    """

    memory_mib: int
    bandwidth: float
    flops: float
    idle_w: float
    limit_w: float
    sm_mhz: int = 1410
    memory_mhz: int = 1593


_MODELS: Mapping[str, GpuModel] = {
    "A100-SXM4-80GB": GpuModel(81920, 2.039e12, 312e12, 55, 400),
    "A100 80GB PCIe": GpuModel(81920, 1.935e12, 312e12, 45, 300),
    "A100-SXM4-40GB": GpuModel(40960, 1.555e12, 312e12, 50, 400, memory_mhz=1215),
    "H100": GpuModel(81559, 3.35e12, 989e12, 70, 700, sm_mhz=1980, memory_mhz=2619),
    "H200": GpuModel(143771, 4.8e12, 989e12, 75, 700, sm_mhz=1980, memory_mhz=3201),
    "H20": GpuModel(97871, 4.0e12, 148e12, 70, 500, sm_mhz=1980, memory_mhz=2619),
    "L20": GpuModel(46068, 0.864e12, 119e12, 35, 275, sm_mhz=2520, memory_mhz=9001),
    "L40S": GpuModel(46068, 0.864e12, 362e12, 35, 350, sm_mhz=2520, memory_mhz=9001),
    "L4": GpuModel(23034, 0.3e12, 121e12, 16, 72, sm_mhz=2040, memory_mhz=6251),
    "A10": GpuModel(23028, 0.6e12, 125e12, 18, 150, sm_mhz=1695, memory_mhz=6251),
    "T4": GpuModel(15360, 0.32e12, 65e12, 10, 70, sm_mhz=1590, memory_mhz=5001),
    "V100": GpuModel(16384, 0.9e12, 125e12, 25, 300, sm_mhz=1530, memory_mhz=877),
}
_DEFAULT_MODEL = "A100-SXM4-80GB"


def gpu_model(name: str) -> GpuModel:
    """The facts of a model by the name that DCGM gives it; the longest known part of the name wins."""
    known = [part for part in _MODELS if part.lower() in name.lower()]
    return _MODELS[max(known, key=len) if known else _DEFAULT_MODEL]


@dataclass
class GpuLoad:
    """Cumulative work of one holder, per GPU. Seconds only grow: a reader takes differences over its own interval."""

    busy_s: float = 0.0
    tensor_s: float = 0.0
    dram_s: float = 0.0
    memory_mib: float = 0.0


@dataclass(frozen=True)
class Holding:
    """One pod on some GPUs of one node."""

    pod: PodInfo
    node: str
    indexes: tuple[int, ...]
    load: GpuLoad


@dataclass
class GpuBoard:
    """The GPUs of all nodes whose pods run in this process."""

    holdings: dict[str, list[Holding]] = field(default_factory=dict)

    def acquire(self, pod: PodInfo, node: NodeInfo, *, count: int) -> Holding:
        """Take the lowest free indexes. Fewer than `count` when the node has fewer: the engine then says so itself."""
        taken = {index for holding in self.holdings.get(node.name, []) for index in holding.indexes}
        free = [index for index in range(node.gpus) if index not in taken]
        holding = Holding(pod=pod, node=node.name, indexes=tuple(free[:count]), load=GpuLoad())
        self.holdings.setdefault(node.name, []).append(holding)
        return holding

    def release(self, holding: Holding) -> None:
        """Give the GPUs back. Safe to repeat."""
        held = self.holdings.get(holding.node, [])
        if holding in held:
            held.remove(holding)
        if not held:
            self.holdings.pop(holding.node, None)

    def holder(self, node: str, index: int) -> Holding | None:
        """Who holds one GPU, or None when it is idle."""
        return next((held for held in self.holdings.get(node, []) if index in held.indexes), None)


def gpu_uuid(node: str, index: int) -> str:
    """A GPU's stable UUID: a node keeps its GPUs for its life."""
    return f"GPU-{uuid.uuid5(_GPU_NAMES, f'{node}/{index}')}"
