"""The default counters of three generations of dcgm-exporter: names, kinds, units, and where each value comes from.

A: up to 4.5, B: 4.6 to 4.8, C: 4.9 on (names and units changed; spellings after the vendor's field catalogue).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MIB = 1024.0 * 1024.0


@dataclass(frozen=True)
class Sample:
    """One GPU at one collection. Ratios 0..1, memory in MiB, energy in J, clocks in MHz, rates in bytes/s."""

    busy: float
    tensor: float
    dram: float
    power_w: float
    energy_j: float
    used_mib: float
    free_mib: float
    reserved_mib: float
    temperature_c: float
    sm_mhz: float
    memory_mhz: float
    pcie_bytes: float


@dataclass(frozen=True)
class Field:
    """One family. `integer` fields are written without decimals, as the exporter does."""

    name: str
    kind: str
    text: str
    value: Callable[[Sample], float]
    integer: bool = True


@dataclass(frozen=True)
class Generation:
    """How one generation of the exporter speaks."""

    name: str
    fields: tuple[Field, ...]
    host_label: str
    driver_label: str


def _zero(_sample: Sample) -> float:
    return 0.0


_OLD = (
    Field("DCGM_FI_DEV_SM_CLOCK", "gauge", "SM clock frequency (in MHz).", lambda s: s.sm_mhz),
    Field("DCGM_FI_DEV_MEM_CLOCK", "gauge", "Memory clock frequency (in MHz).", lambda s: s.memory_mhz),
    Field("DCGM_FI_DEV_MEMORY_TEMP", "gauge", "Memory temperature (in C).", lambda s: s.temperature_c - 2),
    Field("DCGM_FI_DEV_GPU_TEMP", "gauge", "GPU temperature (in C).", lambda s: s.temperature_c),
    Field("DCGM_FI_DEV_POWER_USAGE", "gauge", "Power draw (in W).", lambda s: s.power_w, integer=False),
    Field(
        "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "counter", "Energy since boot (in mJ).", lambda s: s.energy_j * 1000
    ),
    Field("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "counter", "Total number of PCIe retries.", _zero),
    Field("DCGM_FI_DEV_GPU_UTIL", "gauge", "GPU utilization (in %).", lambda s: s.busy * 100),
    Field("DCGM_FI_DEV_MEM_COPY_UTIL", "gauge", "Memory utilization (in %).", lambda s: s.dram * 100),
    Field("DCGM_FI_DEV_ENC_UTIL", "gauge", "Encoder utilization (in %).", _zero),
    Field("DCGM_FI_DEV_DEC_UTIL", "gauge", "Decoder utilization (in %).", _zero),
    Field("DCGM_FI_DEV_FB_FREE", "gauge", "Framebuffer memory free (in MiB).", lambda s: s.free_mib),
    Field("DCGM_FI_DEV_FB_USED", "gauge", "Framebuffer memory used (in MiB).", lambda s: s.used_mib),
    Field("DCGM_FI_DEV_FB_RESERVED", "gauge", "Framebuffer memory reserved (in MiB).", lambda s: s.reserved_mib),
    Field("DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", "counter", "Rows remapped for uncorrectable errors.", _zero),
    Field("DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", "counter", "Rows remapped for correctable errors.", _zero),
    Field("DCGM_FI_DEV_ROW_REMAP_FAILURE", "gauge", "Whether remapping of rows has failed.", _zero),
    Field("DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL", "counter", "NVLink bandwidth over all lanes.", _zero),
    Field("DCGM_FI_DEV_VGPU_LICENSE_STATUS", "gauge", "vGPU license status.", _zero),
    Field("DCGM_FI_PROF_GR_ENGINE_ACTIVE", "gauge", "Ratio of engine activity.", lambda s: s.busy, integer=False),
    Field("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "gauge", "Ratio of tensor activity.", lambda s: s.tensor, integer=False),
    Field("DCGM_FI_PROF_DRAM_ACTIVE", "gauge", "Ratio of memory activity.", lambda s: s.dram, integer=False),
    Field("DCGM_FI_PROF_PCIE_TX_BYTES", "gauge", "Bytes per second sent over PCIe.", lambda s: s.pcie_bytes),
    Field("DCGM_FI_PROF_PCIE_RX_BYTES", "gauge", "Bytes per second received over PCIe.", lambda s: s.pcie_bytes),
)  # fmt: skip
# Known, and absent: this gauge holds the last code, and no GPU here has had an error yet.
SILENT = frozenset(("DCGM_FI_DEV_XID_ERRORS", "DCGM_FI_DEV_XID_ERROR"))
# The exporter of 4.5.3 to 4.8.2 leaves XID_ERRORS out until the first one; newer generations count them from zero.
_XID_TOTAL = Field("DCGM_EXP_XID_ERRORS_TOTAL", "counter", "XID errors since the exporter's start.", _zero)
_NEW = (
    Field("DCGM_FI_DEV_SM_CLOCK_HERTZ", "gauge", "SM clock frequency in hertz.", lambda s: s.sm_mhz * 1e6),
    Field("DCGM_FI_DEV_MEM_CLOCK_HERTZ", "gauge", "Memory clock frequency in hertz.", lambda s: s.memory_mhz * 1e6),
    Field("DCGM_FI_DEV_MEMORY_TEMP_CELSIUS", "gauge", "Memory temperature.", lambda s: s.temperature_c - 2),
    Field("DCGM_FI_DEV_GPU_TEMP_CELSIUS", "gauge", "GPU temperature.", lambda s: s.temperature_c),
    Field("DCGM_FI_DEV_BOARD_POWER_WATTS", "gauge", "Power draw.", lambda s: s.power_w, integer=False),
    Field("DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL", "counter", "Energy since boot.", lambda s: s.energy_j, integer=False),
    Field("DCGM_FI_DEV_PCIE_REPLAY_TOTAL", "counter", "PCIe retries.", _zero),
    Field("DCGM_FI_DEV_GPU_UTIL_RATIO", "gauge", "GPU utilization.", lambda s: s.busy, integer=False),
    Field("DCGM_FI_DEV_MEMORY_UTIL_RATIO", "gauge", "Memory utilization.", lambda s: s.dram, integer=False),
    Field("DCGM_FI_DEV_ENC_UTIL_RATIO", "gauge", "Encoder utilization.", _zero, integer=False),
    Field("DCGM_FI_DEV_DEC_UTIL_RATIO", "gauge", "Decoder utilization.", _zero, integer=False),
    Field("DCGM_FI_DEV_FB_FREE_BYTES", "gauge", "Framebuffer memory free.", lambda s: s.free_mib * _MIB),
    Field("DCGM_FI_DEV_FB_USED_BYTES", "gauge", "Framebuffer memory used.", lambda s: s.used_mib * _MIB),
    Field("DCGM_FI_DEV_FB_RESERVED_BYTES", "gauge", "Framebuffer memory reserved.", lambda s: s.reserved_mib * _MIB),
    Field(
        "DCGM_FI_DEV_FB_CAPACITY_BYTES",
        "gauge",
        "Framebuffer memory.",
        lambda s: (s.free_mib + s.used_mib + s.reserved_mib) * _MIB,
    ),
    Field("DCGM_FI_DEV_ROW_REMAP_UNCORRECTABLE_TOTAL", "counter", "Rows remapped for uncorrectable errors.", _zero),
    Field("DCGM_FI_DEV_ROW_REMAP_CORRECTABLE_TOTAL", "counter", "Rows remapped for correctable errors.", _zero),
    Field("DCGM_FI_DEV_ROW_REMAP_FAILED", "gauge", "Whether remapping of rows has failed.", _zero),
    Field("DCGM_FI_PROF_GR_ENGINE_UTIL_RATIO", "gauge", "Graphics engine activity.", lambda s: s.busy, integer=False),
    Field("DCGM_FI_PROF_TENSOR_UTIL_RATIO", "gauge", "Tensor pipe activity.", lambda s: s.tensor, integer=False),
    Field("DCGM_FI_PROF_DRAM_UTIL_RATIO", "gauge", "Memory interface activity.", lambda s: s.dram, integer=False),
    Field("DCGM_FI_PROF_PCIE_TX_BYTES", "gauge", "Bytes per second sent over PCIe.", lambda s: s.pcie_bytes),
    Field("DCGM_FI_PROF_PCIE_RX_BYTES", "gauge", "Bytes per second received over PCIe.", lambda s: s.pcie_bytes),
)
# Off by default, known when a counters file asks for them.
EXTRA: Mapping[str, Field] = {
    field.name: field
    for field in (
        Field(
            "DCGM_FI_PROF_SM_ACTIVE",
            "gauge",
            "Ratio of cycles an SM has a warp.",
            lambda s: s.busy * 0.9,
            integer=False,
        ),
        Field("DCGM_FI_PROF_SM_OCCUPANCY", "gauge", "Ratio of resident warps.", lambda s: s.busy * 0.25, integer=False),
        Field("DCGM_FI_PROF_SM_UTIL_RATIO", "gauge", "SM activity.", lambda s: s.busy * 0.9, integer=False),
        Field("DCGM_FI_PROF_SM_OCCUPANCY_RATIO", "gauge", "SM occupancy.", lambda s: s.busy * 0.25, integer=False),
    )
}
GENERATIONS: Mapping[str, Generation] = {
    "A": Generation("A", _OLD, "Hostname", "DCGM_FI_DRIVER_VERSION"),
    "B": Generation("B", (*_OLD, _XID_TOTAL), "hostname", "DCGM_FI_DRIVER_VERSION"),
    "C": Generation("C", (*_NEW, _XID_TOTAL), "hostname", "DCGM_FI_SYSTEM_DRIVER_VERSION"),
}
DEFAULT_GENERATION = "B"


def generation(image: str) -> Generation:
    """The generation that an image's tag names: `…:4.5.2-4.8.1-ubuntu22.04` is DCGM 4.5.2 with exporter 4.8.1,
    `…:4.9.0` is exporter 4.9.0. Without a readable tag, B.
    """
    tag = image.rpartition("@")[0] or image
    tag = tag.rpartition("/")[2].partition(":")[2]
    versions = re.findall(r"(?:^|-)v?(\d+)\.(\d+)(?:\.\d+)?", tag)
    if not versions:
        return GENERATIONS[DEFAULT_GENERATION]
    exporter = (
        (int(versions[:2][-1][0]), int(versions[:2][-1][1]))
        if len(versions) > 1
        else (int(versions[0][0]), int(versions[0][1]))
    )
    if exporter >= (4, 9):
        return GENERATIONS["C"]
    return GENERATIONS["B"] if exporter >= (4, 6) else GENERATIONS["A"]
