"""GPU classes and the machines that meet them, per cloud and region; sizes of CPU pools.

A class is a contract: usable memory and compute of one device at least so much, bf16 and fp8 or not. Availability is a
fact with a source and a date (`data/gpu_machines.csv`); a region that is not listed is not offered, as far as we know,
and the spec check says so.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    from components.clouds.gpu_models import GpuModel


Interconnect = Literal["none", "pcie", "nvlink"]
Stock = Literal["listed", "on request", "spot only"]


@dataclass(frozen=True, kw_only=True)
class GpuClass:
    """A capability contract, each figure the least that one device has: `memory_gib` usable, `tflops` dense bf16 (fp16
    without `bf16`).
    """

    name: str
    memory_gib: int
    tflops: int
    bf16: bool
    fp8: bool

    def met_by(self, model: GpuModel) -> bool:
        """Whether a model keeps the contract."""
        enough = model.memory_gib >= self.memory_gib and model.tflops >= self.tflops
        return enough and model.bf16 >= self.bf16 and model.fp8 >= self.fp8


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine type with GPUs: how many devices, which, joined how, in which regions, according to whom and when.

    `stock` says whether anybody may order it there (`listed`), the cloud decides (`on request`: quota, allow-list), or
    it is not sold on demand (`spot only`): no pool is made of it.
    """

    instance_type: str
    gpu_class: str
    gpus: int
    gpu_model: str
    accelerator: str
    interconnect: Interconnect
    stock: Stock
    regions: tuple[str, ...]
    source: str
    as_of: str


@dataclass(frozen=True, kw_only=True)
class Withheld:
    """Machines of a family that are not sold on demand, by their number of GPUs. Nodes that serve are not given back
    when the cloud asks for them, so that no pool is made of these.
    """

    cloud: str
    gpu_class: str
    machines: dict[int, str]
    reason: str
    source: str
    as_of: str


@dataclass(frozen=True, kw_only=True)
class Unlisted:
    """A family of machines without a source for its sizes and regions."""

    cloud: str
    family: str
    gpu_class: str
    gpu_model: str
    reason: str
    as_of: str


CLASSES = {
    one.name: one
    for one in (
        GpuClass(name="gpu-16g", memory_gib=15, tflops=60, bf16=False, fp8=False),
        GpuClass(name="gpu-24g", memory_gib=22, tflops=120, bf16=True, fp8=False),
        GpuClass(name="gpu-40g", memory_gib=39, tflops=300, bf16=True, fp8=False),
        GpuClass(name="gpu-48g", memory_gib=44, tflops=115, bf16=True, fp8=True),
        GpuClass(name="gpu-80g", memory_gib=75, tflops=300, bf16=True, fp8=False),
        GpuClass(name="gpu-80g-fp8", memory_gib=75, tflops=800, bf16=True, fp8=True),
        # Wide on purpose: parts made for export to China have the memory and bandwidth, and a sixth of the compute.
        GpuClass(name="gpu-90g-fp8", memory_gib=90, tflops=140, bf16=True, fp8=True),
        GpuClass(name="gpu-140g-fp8", memory_gib=140, tflops=900, bf16=True, fp8=True),
    )
}
DATA = Path(__file__).with_name("data") / "gpu_machines.csv"


def _read(path: Path) -> dict[str, tuple[Machine, ...]]:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = [(row["cloud"], _machine(row)) for row in csv.DictReader(stream)]
    return {
        cloud: tuple(machine for other, machine in rows if other == cloud) for cloud in ("alicloud", "gcp", "azure")
    }


def _machine(row: dict[str, str]) -> Machine:
    return Machine(
        instance_type=row["instance_type"],
        gpu_class=row["gpu_class"],
        gpus=int(row["gpus"]),
        gpu_model=row["gpu_model"],
        accelerator=row["accelerator"],
        interconnect=cast("Interconnect", row["interconnect"]),
        stock=cast("Stock", row["stock"]),
        regions=tuple(row["regions"].split(";")),
        source=row["source"],
        as_of=row["as_of"],
    )


# Per cloud in the order of preference: of two machines that give the same, the first is taken.
MACHINES: dict[str, tuple[Machine, ...]] = _read(DATA)

# Devices that a cloud is known to have, and of which no source says which machine can be had where. A fleet cannot use
# them until somebody looks that up in an account; `twain gpu offers` names them, so that nobody takes them for absent.
UNLISTED = (
    Unlisted(
        cloud="alicloud",
        family="ecs.gn8v, ecs.ebmgn8v",
        gpu_class="gpu-90g-fp8",
        gpu_model="NVIDIA H20",
        reason="in the container service's tables; the vendor does not print the model, which is widely read as H20, "
        "made for export to China; sizes and regions by request",
        as_of="2026-08",
    ),
    Unlisted(
        cloud="alicloud",
        family="ecs.gn8is, ecs.ebmgn8is",
        gpu_class="gpu-48g",
        gpu_model="NVIDIA L20",
        reason="in the container service's tables; the container instance service says of it: some regions outside "
        "China, by request; elsewhere not stated",
        as_of="2026-08",
    ),
)


WITHHELD = (
    Withheld(
        cloud="gcp",
        gpu_class="gpu-80g-fp8",
        machines={1: "a3-highgpu-1g", 2: "a3-highgpu-2g", 4: "a3-highgpu-4g"},
        reason="sold as Spot or by Flex-start only, and pools here are on demand",
        source="cloud.google.com, accelerator-optimized machine family, A3 High",
        as_of="2026-08",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Node:
    """How the GPUs of a cloud's nodes are made usable: who brings the driver, who the device plugin."""

    driver: str
    device_plugin: str
    pinned_by: str


# Vendors' node pool documentation, August 2026.
NODES = {
    "alicloud": Node(
        driver="the cloud",
        device_plugin="the cloud",
        pinned_by="node label ack.aliyun.com/nvidia-driver-version",
    ),
    "gcp": Node(driver="the cloud", device_plugin="the cloud", pinned_by="gpu_driver_version of the node pool"),
    "azure": Node(driver="the cloud", device_plugin="twain", pinned_by="the node image"),
}

_CPU = {
    "alicloud": {"cpu-4": "ecs.g7.xlarge", "cpu-8": "ecs.g7.2xlarge", "cpu-16": "ecs.g7.4xlarge"},
    "gcp": {"cpu-4": "e2-standard-4", "cpu-8": "e2-standard-8", "cpu-16": "e2-standard-16"},
    "azure": {"cpu-4": "Standard_D4ds_v5", "cpu-8": "Standard_D8ds_v5", "cpu-16": "Standard_D16ds_v5"},
}
# Clouds whose GPU nodes bring the plugin that offers their GPUs to the scheduler, beside the driver.
BRINGS_DEVICE_PLUGIN = frozenset({"alicloud", "gcp"})


def machine(cloud: str, region: str, gpu_class: str, gpus: int) -> Machine | None:
    """The machine that gives `gpus` devices of a class in a region, or None when none is known to be sold on demand."""
    found = (one for one in _on_demand(cloud, gpu_class) if one.gpus == gpus and region in one.regions)
    return next(found, None)


def sizes_of(cloud: str, region: str, gpu_class: str) -> tuple[int, ...]:
    """How many GPUs of a class a machine may have in a region, sorted; for messages."""
    return tuple(sorted({one.gpus for one in _on_demand(cloud, gpu_class) if region in one.regions}))


def withheld(cloud: str, gpu_class: str, gpus: int) -> str | None:
    """The machine that would give `gpus` devices of a class and is not sold on demand, and why; None where there is
    none.
    """
    for one in WITHHELD:
        if (one.cloud, one.gpu_class) == (cloud, gpu_class) and gpus in one.machines:
            return f"{one.machines[gpus]} is {one.reason}"
    return None


def _on_demand(cloud: str, gpu_class: str) -> list[Machine]:
    return [one for one in MACHINES.get(cloud, ()) if one.gpu_class == gpu_class and one.stock != "spot only"]


def regions_of(cloud: str, gpu_class: str, gpus: int) -> tuple[str, ...]:
    """Where a class is offered on a cloud, sorted; for messages."""
    return tuple(sorted({at for one in _on_demand(cloud, gpu_class) if one.gpus == gpus for at in one.regions}))


def cpu_machine(cloud: str, size: str) -> str:
    """The machine type of a neutral CPU size."""
    return _CPU[cloud][size]
