from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from rehearsal.programs.vllm_metrics import CONTENT_TYPE, EngineMetrics, one_two_five

GOLDEN = Path(__file__).parent / "golden" / "vllm-0.33-fresh.prom"
REAL = Path(__file__).resolve().parents[5] / "shared" / "data" / "expositions" / "vllm-v1-0.11-qwen1.5-full.prom"
# Gone between 0.11 and 0.33, or of a part of the server that is not played.
GONE = {"vllm:time_per_output_token_seconds"}


def _metrics(max_model_len: int = 32768) -> EngineMetrics:
    return EngineMetrics(model="qwen3-32b", max_model_len=max_model_len, cache={"block_size": 16}, buckets={})


def _shape(text: str) -> dict[str, tuple[str, frozenset[str], frozenset[str]]]:
    """Family → type, label names, edges."""
    shape: dict[str, tuple[str, frozenset[str], frozenset[str]]] = {}
    for family in text_string_to_metric_families(text):
        names = frozenset(name for sample in family.samples for name in sample.labels)
        edges = frozenset(sample.labels["le"] for sample in family.samples if "le" in sample.labels)
        shape[family.name] = (family.type, names, edges)
    return shape


def test_a_fresh_engine_shows_every_series_at_zero() -> None:
    text = _metrics().text()
    values = {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.endswith(("_total", "_count", "_bucket"))
    }
    assert len(values) > 30
    assert set(values.values()) == {0.0}


def test_the_families_of_0_33_are_there_and_the_renamed_ones_are_not() -> None:
    text = _metrics().text()
    names = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    for name in (
        "vllm:num_requests_running",
        "vllm:num_requests_waiting_by_reason",
        "vllm:kv_cache_usage_perc",
        "vllm:engine_sleep_state",
        "vllm:prompt_tokens_total",
        "vllm:prompt_tokens_by_source_total",
        "vllm:prompt_tokens_cached_by_source_total",
        "vllm:request_success_total",
        "vllm:admission_rejections_total",
        "vllm:num_preemptions_total",
        "vllm:cache_config_info",
        "vllm:iteration_tokens_total",
        "vllm:time_to_first_token_seconds",
        "vllm:inter_token_latency_seconds",
        "vllm:request_time_per_output_token_seconds",
        "vllm:e2e_request_latency_seconds",
        "vllm:request_queue_time_seconds",
        "vllm:request_num_preemptions",
        "vllm:time_to_first_token_seconds_created",
    ):
        assert name in names
    assert not names & {"vllm:gpu_cache_usage_perc", "vllm:time_per_output_token_seconds", "vllm:num_requests_swapped"}
    assert 'vllm:request_success_total{engine="0",finished_reason="repetition",model_name="qwen3-32b"} 0.0' in text
    assert 'vllm:admission_rejections_total{model_name="qwen3-32b",reason="max_num_queued_reqs"} 0.0' in text
    assert CONTENT_TYPE.startswith("text/plain; version=1.0.0")


def test_edges_are_those_of_the_engine() -> None:
    shape = _shape(_metrics().text())
    assert {"0.001", "0.25", "2560.0", "+Inf"} <= shape["vllm:time_to_first_token_seconds"][2]
    assert len(shape["vllm:time_to_first_token_seconds"][2]) == 23
    assert len(shape["vllm:e2e_request_latency_seconds"][2]) == 22
    assert len(shape["vllm:inter_token_latency_seconds"][2]) == 20
    assert max(float(edge) for edge in shape["vllm:request_prompt_tokens"][2] - {"+Inf"}) == 20000


def test_edges_of_token_counts_follow_the_context_length() -> None:
    assert one_two_five(100) == (1, 2, 5, 10, 20, 50, 100)
    assert one_two_five(40960)[-1] == 20000


def test_custom_buckets_replace_a_whole_family() -> None:
    metrics = EngineMetrics(model="m", max_model_len=100, cache={}, buckets={"time_to_first_token": (0.5, 0.6)})
    shape = _shape(metrics.text())
    assert shape["vllm:time_to_first_token_seconds"][2] == {"0.5", "0.6", "+Inf"}


@pytest.mark.skipif(not REAL.exists(), reason="the real body of a vLLM 0.11 pod is not on this machine")
def test_what_a_real_engine_showed_is_shown_here_with_the_same_labels_and_edges() -> None:
    real = _shape(REAL.read_text(encoding="utf-8"))
    # That pod ran a model with another context length, so edges of token counts are compared at its own.
    largest = max(float(edge) for edge in real["vllm:request_prompt_tokens"][2] - {"+Inf"})
    ours = _shape(_metrics(int(largest)).text())
    compared = 0
    for name, (kind, labels, edges) in real.items():
        if not name.startswith("vllm:") or name.removesuffix("_created") in GONE or name == "vllm:cache_config_info":
            continue
        assert ours[name][0] == kind, name
        assert ours[name][1] == labels, name
        if name != "vllm:request_success":
            assert ours[name][2] == edges, name
        compared += 1
    assert compared >= 40


def test_the_whole_body_is_the_golden_one() -> None:
    """Times apart. A wanted change: run with TWAIN_UPDATE_GOLDEN=1 and read the difference."""
    metrics = _metrics()
    metrics.http(handler="/v1/chat/completions", method="POST", status=200, seconds=0.2)
    times = re.compile(r"^(\S+_created(?:\{.*\})?|process_start_time_seconds) \S+$", re.MULTILINE)
    body = times.sub(r"\1 TIME", metrics.text())
    if os.environ.get("TWAIN_UPDATE_GOLDEN"):
        GOLDEN.write_text(body, encoding="utf-8")
    assert body == GOLDEN.read_text(encoding="utf-8")
