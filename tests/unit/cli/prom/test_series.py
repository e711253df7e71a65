from __future__ import annotations

from pathlib import Path

import pytest

from cli.prom import series
from cli.prom.exposition import parse

FOREIGN = Path(__file__).resolve().parents[5] / "shared" / "data" / "expositions"


def test_a_name_belongs_to_one_canonical_series() -> None:
    names = [alias.name for table in (series.INFERENCE, series.GPU) for one in table.values() for alias in one.aliases]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("vllm:time_to_first_token_seconds_bucket", "ttft"),
        ("sglang:queue_time_seconds_count", "queue"),
        ("vllm:prompt_tokens_total", "prompt_tokens"),
        ("DCGM_FI_DEV_FB_USED_BYTES", "memory_used"),
        ("nvidia_gpu_duty_cycle", "util"),
    ],
)
def test_samples_find_their_series(name: str, key: str) -> None:
    found = series.canonical_of(name)
    assert found is not None
    assert found[0].key == key


@pytest.mark.parametrize(
    "name", ["vllm:iteration_tokens_total_bucket", "vllm:prompt_tokens_total_count", "up", "vllm:new"]
)
def test_other_samples_belong_to_none(name: str) -> None:
    assert series.canonical_of(name) is None


def test_an_old_and_a_new_name_at_once_count_once() -> None:
    names = ["vllm:time_per_output_token_seconds_bucket", "vllm:inter_token_latency_seconds_bucket"]
    assert series.preferred(names) == {"itl": "vllm:inter_token_latency_seconds"}
    assert series.preferred(names[:1]) == {"itl": "vllm:time_per_output_token_seconds"}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DCGM_FI_DEV_GPU_UTIL", 50.0, 0.5),
        ("DCGM_FI_DEV_GPU_UTIL_RATIO", 0.5, 0.5),
        ("DCGM_FI_DEV_FB_USED", 1.0, 1048576.0),
        ("DCGM_FI_DEV_FB_USED_BYTES", 1048576.0, 1048576.0),
        ("DCGM_FI_PROF_SM_ACTIVE", 0.8, 0.8),
        ("DCGM_FI_PROF_SM_ACTIVE", 80.0, 0.8),
        ("nvidia_gpu_power_usage_milliwatts", 27000.0, 27.0),
        ("DCGM_FI_DEV_GPU_TEMP", 9223372036854775794.0, None),
        ("DCGM_FI_DEV_GPU_TEMP", float("nan"), None),
    ],
)
def test_every_generation_gives_the_same_units(name: str, value: float, expected: float | None) -> None:
    found = series.canonical_of(name)
    assert found is not None
    assert series.normalise(found[1], value) == pytest.approx(expected) if expected is not None else True
    assert (series.normalise(found[1], value) is None) == (expected is None)


@pytest.mark.skipif(not FOREIGN.is_dir(), reason="expositions of other projects are not on this machine")
@pytest.mark.parametrize(
    ("file", "keys"),
    [
        ("vllm-v1-0.11-qwen1.5-full", {"ttft", "itl", "e2e", "queue", "prompt_tokens", "generation_tokens"}),
        ("sglang-0.3-gemma2-docs", {"ttft", "itl", "e2e", "prompt_tokens", "generation_tokens"}),
        ("dcgm-a-a100-idle", {"util", "memory_used", "memory_free", "power", "temperature"}),
        ("dcgm-c-names-test", {"util", "sm_active", "tensor_active", "dram_active"}),
        ("ack-nvidia-gpu-t4", {"util", "memory_used", "memory_total", "power"}),
        ("nvidia-gpu-legacy-p4", {"memory_used", "memory_total", "power", "temperature"}),
    ],
)
def test_expositions_made_by_others_have_the_series_we_need(file: str, keys: set[str]) -> None:
    body = (FOREIGN / f"{file}.prom").read_text()
    found = parse(body if body.endswith("\n") else body + "\n")
    assert keys <= set(series.preferred(one.name for one in found.values))
