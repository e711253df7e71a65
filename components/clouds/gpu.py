"""GPU classes and the machines that meet them, per cloud and region; sizes of CPU pools.

A class is a contract: usable memory per device at least so much, bf16 or not. Availability is a fact with a source and
a date; a region that is not listed is not offered, as far as we know, and the spec check says so.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class GpuClass:
    """A capability contract. `memory_gib` is usable memory per device."""

    name: str
    memory_gib: int
    bf16: bool


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine type with GPUs: how many devices, which, in which regions, according to whom and when."""

    instance_type: str
    gpu_class: str
    gpus: int
    gpu_model: str
    accelerator: str
    regions: tuple[str, ...]
    source: str
    as_of: str


CLASSES = {
    "gpu-16g": GpuClass(name="gpu-16g", memory_gib=15, bf16=False),
    "gpu-24g": GpuClass(name="gpu-24g", memory_gib=22, bf16=True),
    "gpu-80g": GpuClass(name="gpu-80g", memory_gib=75, bf16=True),
}

_ALI_LIST = "per-region on-demand list of a third party; re-check with the cloud's instance type query"
_GCP_LIST = "region list of a public price catalogue (gpu-prices data, August 2026)"
_AZ_LIST = "region list of a public price catalogue (gpu-prices data, August 2026)"
_A100 = "NVIDIA A100-SXM4-80GB"

MACHINES: dict[str, tuple[Machine, ...]] = {
    "alicloud": (
        Machine(
            instance_type="ecs.gn6i-c4g1.xlarge",
            gpu_class="gpu-16g",
            gpus=1,
            gpu_model="Tesla T4",
            accelerator="Tesla-T4",
            regions=("cn-beijing", "cn-chengdu", "cn-guangzhou", "cn-hangzhou", "cn-shanghai", "cn-shenzhen"),
            source=_ALI_LIST,
            as_of="2024-12",
        ),
        Machine(
            instance_type="ecs.gn7i-c16g1.4xlarge",
            gpu_class="gpu-24g",
            gpus=1,
            gpu_model="NVIDIA A10",
            accelerator="NVIDIA-A10",
            regions=("cn-beijing", "cn-chengdu", "cn-guangzhou", "cn-hangzhou", "cn-shanghai", "cn-shenzhen"),
            source=_ALI_LIST,
            as_of="2024-12",
        ),
        Machine(
            instance_type="ecs.gn7e-c16g1.4xlarge",
            gpu_class="gpu-80g",
            gpus=1,
            gpu_model=_A100,
            accelerator="NVIDIA-A100-SXM4-80GB",
            regions=("cn-beijing", "cn-hangzhou", "cn-shanghai", "cn-shenzhen", "cn-wulanchabu"),
            source=_ALI_LIST,
            as_of="2024-12",
        ),
    ),
    "gcp": (
        Machine(
            instance_type="g2-standard-8",
            gpu_class="gpu-24g",
            gpus=1,
            gpu_model="NVIDIA L4",
            accelerator="nvidia-l4",
            regions=("asia-northeast1", "asia-southeast1", "europe-west1", "europe-west4", "us-central1", "us-east4"),
            source=_GCP_LIST,
            as_of="2026-08",
        ),
        Machine(
            instance_type="a2-ultragpu-1g",
            gpu_class="gpu-80g",
            gpus=1,
            gpu_model=_A100,
            accelerator="nvidia-a100-80gb",
            regions=("asia-southeast1", "europe-west4", "us-central1", "us-east4"),
            source=_GCP_LIST,
            as_of="2026-08",
        ),
    ),
    "azure": (
        Machine(
            instance_type="Standard_NC4as_T4_v3",
            gpu_class="gpu-16g",
            gpus=1,
            gpu_model="Tesla T4",
            accelerator="nvidia",
            regions=("eastus", "francecentral", "swedencentral", "westeurope"),
            source=_AZ_LIST,
            as_of="2026-08-20",
        ),
        Machine(
            instance_type="Standard_NV36ads_A10_v5",
            gpu_class="gpu-24g",
            gpus=1,
            gpu_model="NVIDIA A10",
            accelerator="nvidia",
            regions=("eastus", "francecentral", "swedencentral", "westeurope"),
            source=_AZ_LIST,
            as_of="2026-08-20",
        ),
        Machine(
            instance_type="Standard_NC24ads_A100_v4",
            gpu_class="gpu-80g",
            gpus=1,
            gpu_model="NVIDIA A100 80GB PCIe",
            accelerator="nvidia",
            regions=("eastus", "francecentral", "swedencentral", "westeurope"),
            source=_AZ_LIST,
            as_of="2026-08-20",
        ),
    ),
}

_CPU = {
    "alicloud": {"cpu-4": "ecs.g7.xlarge", "cpu-8": "ecs.g7.2xlarge", "cpu-16": "ecs.g7.4xlarge"},
    "gcp": {"cpu-4": "e2-standard-4", "cpu-8": "e2-standard-8", "cpu-16": "e2-standard-16"},
    "azure": {"cpu-4": "Standard_D4ds_v5", "cpu-8": "Standard_D8ds_v5", "cpu-16": "Standard_D16ds_v5"},
}
# What each cloud calls its implementation of the Gateway API.
GATEWAY_CLASS = {"alicloud": "ack-gateway", "gcp": "gke-l7-rilb", "azure": "approuting-istio"}


def machine(cloud: str, region: str, gpu_class: str, gpus: int) -> Machine | None:
    """The machine that gives `gpus` devices of a class in a region, or None when none is known to be offered."""
    for candidate in MACHINES.get(cloud, ()):
        if candidate.gpu_class == gpu_class and candidate.gpus == gpus and region in candidate.regions:
            return candidate
    return None


def regions_of(cloud: str, gpu_class: str, gpus: int) -> tuple[str, ...]:
    """Where a class is offered on a cloud, sorted; for messages."""
    found = {
        region
        for candidate in MACHINES.get(cloud, ())
        if candidate.gpu_class == gpu_class and candidate.gpus == gpus
        for region in candidate.regions
    }
    return tuple(sorted(found))


def cpu_machine(cloud: str, size: str) -> str:
    """The machine type of a neutral CPU size."""
    return _CPU[cloud][size]
