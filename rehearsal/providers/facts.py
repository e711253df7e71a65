"""What the emulated clouds offer where. Deliberately not taken from `components.clouds`: a fake that shares the
product's tables cannot find their mistakes.

Regions and zones are the ones that a fleet of this product may name, inside and outside its worlds; machine types
are those of its size classes and their neighbours. Sources: the vendors' public region and size lists of 2026.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine type: GPUs per machine, the GPU's model as its driver prints it, and where it can be had."""

    gpus: int = 0
    gpu_model: str = ""
    cpus: int
    memory_gib: int
    regions: frozenset[str]


def _abc(region: str, letters: str, *, separator: str = "-") -> tuple[str, ...]:
    return tuple(f"{region}{separator}{letter}" for letter in letters)


ALICLOUD_ZONES: Final[dict[str, tuple[str, ...]]] = {
    "cn-beijing": _abc("cn-beijing", "fghijkl"),
    "cn-chengdu": _abc("cn-chengdu", "ab"),
    "cn-guangzhou": _abc("cn-guangzhou", "ab"),
    "cn-hangzhou": _abc("cn-hangzhou", "ghijk"),
    "cn-hongkong": _abc("cn-hongkong", "bcd"),
    "cn-shanghai": _abc("cn-shanghai", "befgklmn"),
    "cn-shenzhen": _abc("cn-shenzhen", "cdef"),
    "cn-wulanchabu": _abc("cn-wulanchabu", "abc"),
    "cn-zhangjiakou": _abc("cn-zhangjiakou", "abc"),
    "ap-southeast-1": _abc("ap-southeast-1", "abc", separator=""),
    "eu-central-1": _abc("eu-central-1", "abc", separator=""),
    "us-east-1": _abc("us-east-1", "ab", separator=""),
}
_ALI_MAIN: Final = frozenset({"cn-beijing", "cn-hangzhou", "cn-shanghai", "cn-shenzhen", "cn-wulanchabu"})
_ALI_ALL: Final = frozenset(ALICLOUD_ZONES)
_A100: Final = "NVIDIA A100-SXM4-80GB"
_A100_40: Final = "NVIDIA A100-SXM4-40GB"
_H100: Final = "NVIDIA H100 80GB HBM3"
_H100_NVL: Final = "NVIDIA H100 NVL"
ALICLOUD_MACHINES: Final[dict[str, Machine]] = {
    "ecs.g6.xlarge": Machine(cpus=4, memory_gib=16, regions=_ALI_ALL),
    "ecs.g7.large": Machine(cpus=2, memory_gib=8, regions=_ALI_ALL),
    "ecs.g7.xlarge": Machine(cpus=4, memory_gib=16, regions=_ALI_ALL),
    "ecs.g7.2xlarge": Machine(cpus=8, memory_gib=32, regions=_ALI_ALL),
    "ecs.g7.4xlarge": Machine(cpus=16, memory_gib=64, regions=_ALI_ALL),
    "ecs.g8i.xlarge": Machine(cpus=4, memory_gib=16, regions=_ALI_ALL),
    "ecs.gn6i-c4g1.xlarge": Machine(
        cpus=4, memory_gib=15, gpus=1, gpu_model="Tesla T4", regions=_ALI_ALL - {"cn-zhangjiakou"}
    ),
    "ecs.gn7i-c8g1.2xlarge": Machine(cpus=8, memory_gib=30, gpus=1, gpu_model="NVIDIA A10", regions=_ALI_ALL),
    "ecs.gn7i-c16g1.4xlarge": Machine(cpus=16, memory_gib=60, gpus=1, gpu_model="NVIDIA A10", regions=_ALI_ALL),
    "ecs.gn7i-c32g1.8xlarge": Machine(cpus=32, memory_gib=188, gpus=1, gpu_model="NVIDIA A10", regions=_ALI_ALL),
    "ecs.gn7e-c16g1.4xlarge": Machine(cpus=16, memory_gib=125, gpus=1, gpu_model=_A100, regions=_ALI_MAIN),
    "ecs.gn7e-c16g1.8xlarge": Machine(cpus=32, memory_gib=250, gpus=2, gpu_model=_A100, regions=_ALI_MAIN),
    "ecs.gn7e-c16g1.16xlarge": Machine(cpus=64, memory_gib=500, gpus=4, gpu_model=_A100, regions=_ALI_MAIN),
    "ecs.gn7e-c16g1.32xlarge": Machine(cpus=128, memory_gib=1000, gpus=8, gpu_model=_A100, regions=_ALI_MAIN),
}

GCP_ZONES: Final[dict[str, tuple[str, ...]]] = {
    "asia-east1": _abc("asia-east1", "abc"),
    "asia-east2": _abc("asia-east2", "abc"),
    "asia-northeast1": _abc("asia-northeast1", "abc"),
    "asia-southeast1": _abc("asia-southeast1", "abc"),
    "europe-west1": _abc("europe-west1", "bcd"),
    "europe-west3": _abc("europe-west3", "abc"),
    "europe-west4": _abc("europe-west4", "abc"),
    "europe-west9": _abc("europe-west9", "abc"),
    "us-central1": _abc("us-central1", "abcf"),
    "us-east4": _abc("us-east4", "abc"),
}
# Multi-regions and dual-regions: valid places for a bucket, not for a machine.
GCP_MULTI_REGIONS: Final = frozenset({"EU", "US", "ASIA", "EUR4", "NAM4"})
_GCP_ALL: Final = frozenset(GCP_ZONES)
_GCP_A100_40: Final = frozenset({"asia-northeast1", "asia-southeast1", "europe-west4", "us-central1"})
_GCP_H200: Final = frozenset({"europe-west1", "europe-west4", "us-central1", "us-east4"})
_GCP_A100_80: Final = frozenset({"asia-southeast1", "europe-west4", "us-central1", "us-east4"})
_GCP_L4: Final = frozenset(
    {"asia-northeast1", "asia-southeast1", "europe-west1", "europe-west4", "us-central1", "us-east4"}
)
GCP_MACHINES: Final[dict[str, Machine]] = {
    "e2-standard-2": Machine(cpus=2, memory_gib=8, regions=_GCP_ALL),
    "e2-standard-4": Machine(cpus=4, memory_gib=16, regions=_GCP_ALL),
    "e2-standard-8": Machine(cpus=8, memory_gib=32, regions=_GCP_ALL),
    "e2-standard-16": Machine(cpus=16, memory_gib=64, regions=_GCP_ALL),
    "n2-standard-4": Machine(cpus=4, memory_gib=16, regions=_GCP_ALL),
    "n1-standard-4": Machine(cpus=4, memory_gib=15, regions=_GCP_ALL),
    "n1-standard-8": Machine(cpus=8, memory_gib=30, regions=_GCP_ALL),
    "g2-standard-4": Machine(cpus=4, memory_gib=16, gpus=1, gpu_model="NVIDIA L4", regions=_GCP_L4),
    "g2-standard-8": Machine(cpus=8, memory_gib=32, gpus=1, gpu_model="NVIDIA L4", regions=_GCP_L4),
    "g2-standard-16": Machine(cpus=16, memory_gib=64, gpus=1, gpu_model="NVIDIA L4", regions=_GCP_L4),
    "g2-standard-24": Machine(cpus=24, memory_gib=96, gpus=2, gpu_model="NVIDIA L4", regions=_GCP_L4),
    "g2-standard-48": Machine(cpus=48, memory_gib=192, gpus=4, gpu_model="NVIDIA L4", regions=_GCP_L4),
    "a2-highgpu-1g": Machine(cpus=12, memory_gib=85, gpus=1, gpu_model=_A100_40, regions=_GCP_A100_40),
    "a2-ultragpu-1g": Machine(cpus=12, memory_gib=170, gpus=1, gpu_model=_A100, regions=_GCP_A100_80),
    "a2-ultragpu-2g": Machine(cpus=24, memory_gib=340, gpus=2, gpu_model=_A100, regions=_GCP_A100_80),
    "a2-ultragpu-4g": Machine(cpus=48, memory_gib=680, gpus=4, gpu_model=_A100, regions=_GCP_A100_80),
    "a2-ultragpu-8g": Machine(cpus=96, memory_gib=1360, gpus=8, gpu_model=_A100, regions=_GCP_A100_80),
    "a3-highgpu-1g": Machine(cpus=26, memory_gib=234, gpus=1, gpu_model=_H100, regions=_GCP_L4),
    "a3-highgpu-2g": Machine(cpus=52, memory_gib=468, gpus=2, gpu_model=_H100, regions=_GCP_L4),
    "a3-highgpu-4g": Machine(cpus=104, memory_gib=936, gpus=4, gpu_model=_H100, regions=_GCP_L4),
    "a3-highgpu-8g": Machine(cpus=208, memory_gib=1872, gpus=8, gpu_model=_H100, regions=_GCP_L4),
    "a3-ultragpu-8g": Machine(cpus=224, memory_gib=2952, gpus=8, gpu_model="NVIDIA H200", regions=_GCP_H200),
}
# Machine type prefix -> accelerators that may be attached to it.
GCP_ACCELERATORS: Final[dict[str, frozenset[str]]] = {
    "n1": frozenset({"nvidia-tesla-t4", "nvidia-tesla-v100", "nvidia-tesla-p4"}),
    "g2": frozenset({"nvidia-l4"}),
    "a2-ultragpu": frozenset({"nvidia-a100-80gb"}),
    "a2-highgpu": frozenset({"nvidia-tesla-a100"}),
    "a3": frozenset({"nvidia-h100-80gb", "nvidia-h100-mega-80gb", "nvidia-h200-141gb"}),
}

# Azure names its zones 1, 2, 3 in each region; these regions have none.
AZURE_REGIONS: Final[dict[str, tuple[str, ...]]] = {
    "chinaeast2": (),
    "chinanorth3": ("1", "2", "3"),
    "eastasia": ("1", "2", "3"),
    "eastus": ("1", "2", "3"),
    "francecentral": ("1", "2", "3"),
    "francesouth": (),
    "germanywestcentral": ("1", "2", "3"),
    "northeurope": ("1", "2", "3"),
    "swedencentral": ("1", "2", "3"),
    "westeurope": ("1", "2", "3"),
}
_AZ_ALL: Final = frozenset(AZURE_REGIONS)
_AZ_GPU: Final = frozenset({"eastus", "francecentral", "swedencentral", "westeurope"})
_AZ_H100: Final = frozenset({"eastus", "swedencentral", "westeurope"})
_AZ_H200: Final = frozenset({"francecentral", "swedencentral"})
_A100_PCIE: Final = "NVIDIA A100 80GB PCIe"
AZURE_MACHINES: Final[dict[str, Machine]] = {
    "Standard_D2ds_v5": Machine(cpus=2, memory_gib=8, regions=_AZ_ALL),
    "Standard_D4ds_v5": Machine(cpus=4, memory_gib=16, regions=_AZ_ALL),
    "Standard_D8ds_v5": Machine(cpus=8, memory_gib=32, regions=_AZ_ALL),
    "Standard_D16ds_v5": Machine(cpus=16, memory_gib=64, regions=_AZ_ALL),
    "Standard_D4s_v5": Machine(cpus=4, memory_gib=16, regions=_AZ_ALL),
    "Standard_NC4as_T4_v3": Machine(cpus=4, memory_gib=28, gpus=1, gpu_model="Tesla T4", regions=_AZ_GPU),
    "Standard_NC8as_T4_v3": Machine(cpus=8, memory_gib=56, gpus=1, gpu_model="Tesla T4", regions=_AZ_GPU),
    "Standard_NC16as_T4_v3": Machine(cpus=16, memory_gib=110, gpus=1, gpu_model="Tesla T4", regions=_AZ_GPU),
    "Standard_NC64as_T4_v3": Machine(cpus=64, memory_gib=440, gpus=4, gpu_model="Tesla T4", regions=_AZ_GPU),
    "Standard_NV72ads_A10_v5": Machine(cpus=72, memory_gib=880, gpus=2, gpu_model="NVIDIA A10", regions=_AZ_GPU),
    "Standard_ND96amsr_A100_v4": Machine(cpus=96, memory_gib=1900, gpus=8, gpu_model=_A100, regions=_AZ_GPU),
    "Standard_NC40ads_H100_v5": Machine(cpus=40, memory_gib=320, gpus=1, gpu_model=_H100_NVL, regions=_AZ_H100),
    "Standard_NC80adis_H100_v5": Machine(cpus=80, memory_gib=640, gpus=2, gpu_model=_H100_NVL, regions=_AZ_H100),
    "Standard_ND96isr_H100_v5": Machine(cpus=96, memory_gib=1900, gpus=8, gpu_model=_H100, regions=_AZ_H100),
    "Standard_ND96isr_H200_v5": Machine(cpus=96, memory_gib=1850, gpus=8, gpu_model="NVIDIA H200", regions=_AZ_H200),
    "Standard_NV36ads_A10_v5": Machine(cpus=36, memory_gib=440, gpus=1, gpu_model="NVIDIA A10", regions=_AZ_GPU),
    "Standard_NC24ads_A100_v4": Machine(cpus=24, memory_gib=220, gpus=1, gpu_model=_A100_PCIE, regions=_AZ_GPU),
    "Standard_NC48ads_A100_v4": Machine(cpus=48, memory_gib=440, gpus=2, gpu_model=_A100_PCIE, regions=_AZ_GPU),
    "Standard_NC96ads_A100_v4": Machine(cpus=96, memory_gib=880, gpus=4, gpu_model=_A100_PCIE, regions=_AZ_GPU),
}

# What each cloud makes clusters of and takes them to, as their release calendars of summer 2026 say.
KUBERNETES_MINORS: Final[dict[str, tuple[str, ...]]] = {
    "alicloud": ("1.34", "1.35", "1.36"),
    "azure": ("1.34", "1.35", "1.36"),
    "gcp": ("1.33", "1.34", "1.35", "1.36"),
}


def machine(cloud: str, instance_type: str) -> Machine | None:
    """The facts of a machine type, or None when the rehearsal's cloud does not know it."""
    tables = {
        "alicloud": ALICLOUD_MACHINES,
        "gcp": GCP_MACHINES,
        "azure": AZURE_MACHINES,
        "azure-native": AZURE_MACHINES,
    }
    return tables[cloud].get(instance_type)
