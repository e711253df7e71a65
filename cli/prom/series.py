"""One list of normalised series: what the engines and GPU exporters of several generations call the same thing.

The tables are data. Each canonical series lists the names it goes under, newest first; per scraped process the first
name that is present counts and the others are ignored, so that an engine that exposes an old and a new name at once
(vLLM 0.9 to 0.11) is not counted twice. Unknown families are never an error.

Units are fixed: seconds, bytes, watts, degrees Celsius, ratios from 0 to 1. What is absent is unknown, never 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Kind = Literal["counter", "gauge", "histogram"]
_SENTINEL = 2.0**63 - 16
"""NVIDIA's "no value" numbers begin here; they leak into expositions as if they were readings."""

MIB = 1024.0 * 1024.0


@dataclass(frozen=True, slots=True)
class Alias:
    """One name of a series and the factor that turns its unit into the canonical one.

    `maybe_percent` marks names that some exporters give in percent and others as a ratio: values above 1.5 are percent.
    """

    name: str
    scale: float = 1.0
    maybe_percent: bool = False


@dataclass(frozen=True, slots=True)
class Canonical:
    """A series of ours. `unit` is one of s, bytes, W, C, ratio, requests, tokens, code."""

    key: str
    kind: Kind
    unit: str
    aliases: tuple[Alias, ...]


def _series(key: str, kind: Kind, unit: str, *aliases: str | Alias) -> Canonical:
    return Canonical(key, kind, unit, tuple(Alias(one) if isinstance(one, str) else one for one in aliases))


INFERENCE: dict[str, Canonical] = {
    one.key: one
    for one in (
        _series("ttft", "histogram", "s", "vllm:time_to_first_token_seconds", "sglang:time_to_first_token_seconds"),
        _series(
            "itl",
            "histogram",
            "s",
            "vllm:inter_token_latency_seconds",
            "vllm:time_per_output_token_seconds",
            "sglang:inter_token_latency_seconds",
            "sglang:time_per_output_token_seconds",
        ),
        _series("e2e", "histogram", "s", "vllm:e2e_request_latency_seconds", "sglang:e2e_request_latency_seconds"),
        _series("queue", "histogram", "s", "vllm:request_queue_time_seconds", "sglang:queue_time_seconds"),
        _series("prompt_tokens", "counter", "tokens", "vllm:prompt_tokens_total", "sglang:prompt_tokens_total"),
        _series(
            "generation_tokens", "counter", "tokens", "vllm:generation_tokens_total", "sglang:generation_tokens_total"
        ),
        _series("finished", "counter", "requests", "vllm:request_success_total", "sglang:num_requests_total"),
        _series(
            "preemptions", "counter", "requests", "vllm:num_preemptions_total", "sglang:num_retracted_requests_total"
        ),
        _series("running", "gauge", "requests", "vllm:num_requests_running", "sglang:num_running_reqs"),
        _series("waiting", "gauge", "requests", "vllm:num_requests_waiting", "sglang:num_queue_reqs"),
        _series(
            "kv_cache", "gauge", "ratio", "vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc", "sglang:token_usage"
        ),
    )
}

GPU: dict[str, Canonical] = {
    one.key: one
    for one in (
        _series(
            "util",
            "gauge",
            "ratio",
            "DCGM_FI_DEV_GPU_UTIL_RATIO",
            Alias("DCGM_FI_DEV_GPU_UTIL", 0.01),
            Alias("nvidia_gpu_duty_cycle", 0.01),
        ),
        _series(
            "memory_used",
            "gauge",
            "bytes",
            "DCGM_FI_DEV_FB_USED_BYTES",
            Alias("DCGM_FI_DEV_FB_USED", MIB),
            "nvidia_gpu_memory_used_bytes",
            Alias("nvidia_gpu_memory_used_mb", MIB),
        ),
        _series("memory_free", "gauge", "bytes", "DCGM_FI_DEV_FB_FREE_BYTES", Alias("DCGM_FI_DEV_FB_FREE", MIB)),
        _series(
            "memory_reserved", "gauge", "bytes", "DCGM_FI_DEV_FB_RESERVED_BYTES", Alias("DCGM_FI_DEV_FB_RESERVED", MIB)
        ),
        _series(
            "memory_total",
            "gauge",
            "bytes",
            "DCGM_FI_DEV_FB_CAPACITY_BYTES",
            Alias("DCGM_FI_DEV_FB_TOTAL", MIB),
            "nvidia_gpu_memory_total_bytes",
            Alias("nvidia_gpu_memory_total_mb", MIB),
        ),
        _series(
            "power",
            "gauge",
            "W",
            "DCGM_FI_DEV_BOARD_POWER_WATTS",
            "DCGM_FI_DEV_POWER_USAGE",
            Alias("nvidia_gpu_power_usage_milliwatts", 0.001),
            "nvidia_gpu_power_usage",
        ),
        _series(
            "temperature",
            "gauge",
            "C",
            "DCGM_FI_DEV_GPU_TEMP_CELSIUS",
            "DCGM_FI_DEV_GPU_TEMP",
            "nvidia_gpu_temperature_celsius",
            "nvidia_gpu_temperature",
        ),
        _series(
            "sm_active",
            "gauge",
            "ratio",
            "DCGM_FI_PROF_SM_UTIL_RATIO",
            Alias("DCGM_FI_PROF_SM_ACTIVE", maybe_percent=True),
        ),
        _series(
            "tensor_active",
            "gauge",
            "ratio",
            "DCGM_FI_PROF_TENSOR_UTIL_RATIO",
            Alias("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", maybe_percent=True),
        ),
        _series(
            "dram_active",
            "gauge",
            "ratio",
            "DCGM_FI_PROF_DRAM_UTIL_RATIO",
            Alias("DCGM_FI_PROF_DRAM_ACTIVE", maybe_percent=True),
        ),
        _series("xid", "gauge", "code", "DCGM_FI_DEV_XID_ERROR", "DCGM_FI_DEV_XID_ERRORS"),
    )
}

_BY_NAME: dict[str, tuple[Canonical, int]] = {
    alias.name: (one, rank)
    for table in (INFERENCE, GPU)
    for one in table.values()
    for rank, alias in enumerate(one.aliases)
}

# What different exporters call the same label, in order of trust.
GPU_LABELS: dict[str, tuple[str, ...]] = {
    "gpu": ("gpu", "minor_number"),
    "uuid": ("UUID", "uuid", "gpu_uuid"),
    "model": ("modelName", "model_name", "name"),
    "node": ("node", "hostname", "Hostname", "node_name", "NodeName"),
    # `exported_*` first: where Prometheus owns `pod` and `namespace`, those name the exporter and not the workload.
    "pod": ("exported_pod", "pod_name", "PodName", "pod"),
    "namespace": ("exported_namespace", "namespace_name", "NamespaceName", "namespace"),
}

MODEL_LABELS = ("model_name", "name")


def canonical_of(name: str) -> tuple[Canonical, Alias] | None:
    """The canonical series that a sample name belongs to (`_bucket`, `_count`, `_sum` removed), or None."""
    found = _BY_NAME.get(name)
    if found is None:
        for suffix in ("_bucket", "_count", "_sum"):
            if name.endswith(suffix):
                found = _BY_NAME.get(name.removesuffix(suffix))
                if found is not None and found[0].kind != "histogram":
                    found = None
                break
    return None if found is None else (found[0], found[0].aliases[found[1]])


def sample_names(keys: Iterable[str], table: Mapping[str, Canonical]) -> list[str]:
    """Every sample name that carries one of the canonical series, for a query; histograms by buckets and counts."""
    names: list[str] = []
    for key in keys:
        one = table[key]
        for alias in one.aliases:
            if one.kind == "histogram":
                names += [f"{alias.name}_bucket", f"{alias.name}_count"]
            else:
                names.append(alias.name)
    return names


def normalise(alias: Alias, value: float) -> float | None:
    """The value in the canonical unit; None for what is no reading (NaN, infinities, blank sentinels)."""
    if not math.isfinite(value) or abs(value) >= _SENTINEL:
        return None
    if alias.maybe_percent and value > 1.5:
        value *= 0.01
    return value * alias.scale


def first_label(labels: Mapping[str, str], names: Iterable[str]) -> str:
    """The first of these labels that is present and not empty, or ''."""
    for name in names:
        value = labels.get(name, "")
        if value:
            return value
    return ""


def preferred(names: Iterable[str]) -> dict[str, str]:
    """Which of the present names stands for each canonical series: {canonical key: alias name}, newest first.

    `names` are sample names as exposed by one scraped process.
    """
    best: dict[str, int] = {}
    tables: dict[str, Canonical] = {}
    for name in names:
        found = canonical_of(name)
        if found is None:
            continue
        one, alias = found
        rank = one.aliases.index(alias)
        if rank < best.get(one.key, len(one.aliases)):
            best[one.key] = rank
            tables[one.key] = one
    return {key: tables[key].aliases[rank].name for key, rank in best.items()}
