"""How big a model is and how fast a GPU runs it: the arithmetic behind a simulated engine's memory and step times."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.programs.gpus import GpuModel
    from rehearsal.programs.vllm_args import Options

WEIGHTS_ANNOTATION = "twain/weights-gib"
WEIGHTS_VARIABLE = "TWAIN_WEIGHTS_GIB"
BLOCK_TOKENS = 16
DEFAULT_CONTEXT = 32768
# Reading weights from the object store or a mounted bucket, GiB/s; the rehearsal divides the wait by its speed.
LOAD_GIB_PER_S = 1.0
# The share of peak that a serving engine reaches, and what a step costs besides (kernel launches, sampling, Python).
_BANDWIDTH_SHARE, _FLOPS_SHARE, _STEP_OVERHEAD_S = 0.85, 0.5, 0.002
_GIB = 1024.0**3
# A driver, a CUDA context and NCCL take a part of every card before any engine does.
_RESERVED_GIB, _ACTIVATION_GIB = 0.75, 1.25
# Grouped-query models of today: about 256 KiB of keys and values per token at 32 B parameters.
_KV_BYTES_PER_TOKEN_PER_GIB = 4300.0


class NotEnoughMemoryError(Exception):
    """The engine cannot start on these GPUs; the text is what vLLM writes."""


@dataclass(frozen=True)
class Sizing:
    """One engine on its GPUs. `weights_gib` is over all of them; blocks hold BLOCK_TOKENS tokens of context."""

    weights_gib: float
    tensor_parallel: int
    max_model_len: int
    num_gpu_blocks: int
    used_mib_per_gpu: float
    gpu: GpuModel

    @property
    def parameters(self) -> float:
        """Number of parameters, at two bytes each."""
        return self.weights_gib * _GIB / 2

    def weight_read_s(self) -> float:
        """One pass of the weights through the memory interface: the floor of every step."""
        return self.weights_gib * _GIB / self.tensor_parallel / (self.gpu.bandwidth * _BANDWIDTH_SHARE)

    def compute_s(self, tokens: int) -> float:
        """The arithmetic of a step with this many tokens."""
        return 2 * self.parameters * tokens / self.tensor_parallel / (self.gpu.flops * _FLOPS_SHARE)

    def step_s(self, *, tokens: int, context_tokens: int) -> float:
        """One engine step: `tokens` computed over `context_tokens` of cache. Grows with the batch."""
        cache_s = context_tokens * self.kv_bytes / self.tensor_parallel / (self.gpu.bandwidth * _BANDWIDTH_SHARE)
        return max(self.weight_read_s() + cache_s, self.compute_s(tokens)) + _STEP_OVERHEAD_S

    @property
    def kv_bytes(self) -> float:
        """Bytes of keys and values of one token, over all GPUs."""
        return self.weights_gib * _KV_BYTES_PER_TOKEN_PER_GIB

    @property
    def load_s(self) -> float:
        """How long the weights take to load in reality."""
        return self.weights_gib / LOAD_GIB_PER_S


def weights_gib(options: Options, *, annotations: Mapping[str, str], env: Mapping[str, str]) -> float:
    """The size of the weights: the pod's annotation, its environment, else a guess from a name like `qwen3-32b`."""
    declared = annotations.get(WEIGHTS_ANNOTATION) or env.get(WEIGHTS_VARIABLE)
    if declared:
        return float(declared)
    for name in (options.model, *options.served_names):
        # The last part alone: the folders before it are where the pod's volume happens to lie.
        match = re.search(r"(?<![a-z0-9.])(\d+(?:\.\d+)?)b(?![a-z0-9])", PurePosixPath(name).name.lower())
        if match:
            return float(match[1]) * 1e9 * 2 / _GIB
    return 14.0


def size(options: Options, *, gib: float, gpu: GpuModel, gpus: int) -> Sizing:
    """Fit a model and its context on `gpus` GPUs. Raises NotEnoughMemoryError with vLLM's words."""
    parallel = options.tensor_parallel_size
    if parallel > gpus:
        message = (
            f"ValueError: World size ({parallel}) is larger than the number of available GPUs ({gpus}) in this node. "
            "If this is intentional, set --nnodes."
        )
        raise NotEnoughMemoryError(message)
    total = gpu.memory_mib / 1024
    share = gib / parallel
    if share > total - _RESERVED_GIB:
        message = (
            f"torch.OutOfMemoryError: CUDA out of memory. Tried to allocate {max(share / 64, 0.25):.2f} GiB. GPU 0 "
            f"has a total capacity of {total:.2f} GiB of which "
            f"{max(0.0, total - _RESERVED_GIB - share) + 0.1:.2f} GiB is free."
        )
        raise NotEnoughMemoryError(message)
    available = total * options.gpu_memory_utilization - _RESERVED_GIB - _ACTIVATION_GIB - share
    if available <= 0:
        message = (
            "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when "
            "initializing the engine."
        )
        raise NotEnoughMemoryError(message)
    per_token_gib = gib * _KV_BYTES_PER_TOKEN_PER_GIB / parallel / _GIB
    length = options.max_model_len or DEFAULT_CONTEXT
    fits = int(available / per_token_gib)
    if length > fits:
        message = (
            f"ValueError: To serve at least one request with the models's max seq len ({length}), "
            f"({length * per_token_gib:.2f} GiB KV cache is needed, which is larger than the available KV cache memory "
            f"({available:.2f} GiB). Based on the available memory, the estimated maximum model length is {fits}. Try "
            "increasing `gpu_memory_utilization` or decreasing `max_model_len` when initializing the engine."
        )
        raise NotEnoughMemoryError(message)
    return Sizing(
        weights_gib=gib,
        tensor_parallel=parallel,
        max_model_len=length,
        num_gpu_blocks=fits // BLOCK_TOKENS,
        used_mib_per_gpu=(total * options.gpu_memory_utilization) * 1024,
        gpu=gpu,
    )
