"""GPU models: what one device has, whatever machine it sits in.

Memory is what the driver reports, so what a process may use. Compute is dense bf16 (fp16 for the T4, which has no
bf16), bandwidth that of the device's own memory. Source of all: NVIDIA's data sheets of each product, as of 2026-08.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class GpuModel:
    """One model. `memory_gib` as the driver reports it, `tflops` dense, `bandwidth_gb_s` in 10^9 bytes per second."""

    name: str
    memory_gib: float
    bf16: bool
    fp8: bool
    tflops: float
    bandwidth_gb_s: int


def _model(name: str, gib: float, tflops: float, bandwidth: int, *, bf16: bool = True, fp8: bool = False) -> GpuModel:
    return GpuModel(name=name, memory_gib=gib, bf16=bf16, fp8=fp8, tflops=tflops, bandwidth_gb_s=bandwidth)


MODELS = {
    model.name: model
    for model in (
        _model("Tesla T4", 15.0, 65, 320, bf16=False),
        _model("NVIDIA A10", 22.5, 125, 600),
        _model("NVIDIA L4", 22.5, 121, 300, fp8=True),
        _model("NVIDIA A100-SXM4-40GB", 40.0, 312, 1555),
        _model("NVIDIA L20", 45.0, 119.5, 864, fp8=True),
        _model("NVIDIA A100-SXM4-80GB", 80.0, 312, 2039),
        _model("NVIDIA A100 80GB PCIe", 80.0, 312, 1935),
        _model("NVIDIA H100 80GB HBM3", 79.6, 989, 3350, fp8=True),
        _model("NVIDIA H100 NVL", 93.6, 835, 3900, fp8=True),
        _model("NVIDIA H20", 95.6, 148, 4000, fp8=True),
        _model("NVIDIA H200", 140.4, 989, 4800, fp8=True),
    )
}
