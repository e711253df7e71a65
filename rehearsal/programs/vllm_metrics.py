"""The exposition of a vLLM 0.33 engine: families, labels and edges as on the wire; help texts are ours.

Every label combination exists from the start, as in vLLM, so that a first scrape sees zeros and increases are exact.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rehearsal.programs.promtext import Family, Histogram, Value, render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CONTENT_TYPE = "text/plain; version=1.0.0; charset=utf-8"
FINISH_REASONS = ("stop", "length", "abort", "error", "repetition")
EDGES: Mapping[str, tuple[float, ...]] = {
    "request_latency": (0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680),
    "time_to_first_token": (
        0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640,
        2560,
    ),
    "inter_token_latency": (
        0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
    ),
    "iteration_tokens": (1, *(2.0**power for power in range(3, 15))),
    "request_params_n": (1, 2, 5, 10, 20),
    "request_num_preemptions": (1, 2, 3, 4, 5, 10, 20),
}  # fmt: skip
_HISTOGRAMS: tuple[tuple[str, str, str], ...] = (
    ("request_prompt_tokens", "request_tokens", "Prompt tokens per request."),
    ("request_generation_tokens", "request_tokens", "Generated tokens per request."),
    ("iteration_tokens_total", "iteration_tokens", "Tokens per engine step."),
    ("request_max_num_generation_tokens", "request_tokens", "Most tokens that a request may generate."),
    ("request_params_n", "request_params_n", "The n parameter of requests."),
    ("request_params_max_tokens", "request_tokens", "The max_tokens parameter of requests."),
    ("time_to_first_token_seconds", "time_to_first_token", "Seconds from arrival to the first token."),
    ("inter_token_latency_seconds", "inter_token_latency", "Seconds between two tokens of one request."),
    ("request_time_per_output_token_seconds", "inter_token_latency", "Mean seconds per output token of a request."),
    ("e2e_request_latency_seconds", "request_latency", "Seconds from arrival to the last token."),
    ("request_queue_time_seconds", "request_latency", "Seconds that a request waited to be scheduled."),
    ("request_inference_time_seconds", "request_latency", "Seconds that a request spent running."),
    ("request_prefill_time_seconds", "request_latency", "Seconds from scheduling to the first token."),
    ("request_decode_time_seconds", "request_latency", "Seconds from the first token to the last."),
    ("request_prefill_kv_computed_tokens", "request_tokens", "Prompt tokens computed, not taken from a cache."),
    ("request_num_preemptions", "request_num_preemptions", "How often a request was preempted."),
)
_HTTP_FINE = (0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 7.5, 10, 30, 60)
_HTTP_COARSE = (0.1, 0.5, 1)


def one_two_five(limit: int) -> tuple[float, ...]:
    """1, 2, 5, 10, 20 … up to `limit`: the edges of token counts depend on the model's context length."""
    edges: list[float] = []
    scale = 1
    while True:
        for mantissa in (1, 2, 5):
            if mantissa * scale > limit:
                return tuple(edges)
            edges.append(float(mantissa * scale))
        scale *= 10


class EngineMetrics:
    """The series of one engine. Attributes are named like the metrics, without prefix and unit."""

    def __init__(
        self, *, model: str, max_model_len: int, cache: Mapping[str, Any], buckets: Mapping[str, Sequence[float]]
    ) -> None:
        self._labels = {"engine": "0", "model_name": model}
        self._families: list[Family] = []
        self._edges = {**EDGES, "request_tokens": one_two_five(max_model_len), **buckets}
        self._process()
        self.num_requests_running = self._gauge("num_requests_running", "Requests in the running batch.")
        self.num_requests_waiting = self._gauge("num_requests_waiting", "Requests waiting to be scheduled.")
        self.waiting = self._labelled(
            "num_requests_waiting_by_reason",
            "gauge",
            "Requests waiting, by reason.",
            "reason",
            ("capacity", "deferred"),
        )
        sleep = ("awake", "weights_offloaded", "discard_all")
        self._labelled("engine_sleep_state", "gauge", "Sleep state of the engine.", "sleep_state", sleep)[
            "awake"
        ].value = 1
        self.kv_cache_usage_perc = self._gauge("kv_cache_usage_perc", "Share of the KV cache in use; 1 is all of it.")
        self._counters()
        self._http()
        self.histograms = {name: self._histogram(name, family, text) for name, family, text in _HISTOGRAMS}
        info = Family("vllm:cache_config_info", "gauge", "Configuration of the KV cache.")
        info.value({**{key: str(value) for key, value in cache.items()}, "engine": "0"}, initial=1)
        self._families.append(info)
        self._families.extend(self._http_families)

    def _family(self, name: str, kind: str, text: str) -> Family:
        family = Family(f"vllm:{name}", kind, text)
        self._families.append(family)
        return family

    def _gauge(self, name: str, text: str) -> Value:
        return self._family(name, "gauge", text).value(self._labels)

    def _counter(self, name: str, text: str) -> Value:
        return self._family(name, "counter", text).value(self._labels)

    def _labelled(self, name: str, kind: str, text: str, label: str, values: Sequence[str]) -> dict[str, Value]:
        family = self._family(name, kind, text)
        return {value: family.value({**self._labels, label: value}) for value in values}

    def _histogram(self, name: str, edges: str, text: str) -> Histogram:
        return self._family(name, "histogram", text).histogram(self._labels, self._edges[edges])

    def _process(self) -> None:
        info = Family("python_info", "gauge", "Python platform information.")
        info.value(
            {"implementation": "CPython", "major": "3", "minor": "12", "patchlevel": "12", "version": "3.12.12"},
            initial=1,
        )
        started = Family("process_start_time_seconds", "gauge", "Start time of the process since the epoch.")
        started.value({}, initial=round(time.time(), 2))
        self._families.extend((info, started))

    def _counters(self) -> None:
        self.prefix_cache_queries = self._counter("prefix_cache_queries", "Prefix cache queries, in tokens.")
        self.prefix_cache_hits = self._counter("prefix_cache_hits", "Prefix cache hits, in tokens.")
        self._counter("external_prefix_cache_queries", "Queries of prefix caches of others, in tokens.")
        self._counter("external_prefix_cache_hits", "Hits in prefix caches of others, in tokens.")
        self._counter("mm_cache_queries", "Queries of the multi-modal cache, in items.")
        self._counter("mm_cache_hits", "Hits in the multi-modal cache, in items.")
        self.num_preemptions = self._counter("num_preemptions", "Preemptions.")
        self.prompt_tokens = self._counter("prompt_tokens", "Prompt tokens processed.")
        self.prompt_tokens_by_source = self._labelled(
            "prompt_tokens_by_source", "counter", "Prompt tokens by where they came from.", "source",
            ("local_compute", "local_cache_hit", "external_kv_transfer"),
        )  # fmt: skip
        self.prompt_tokens_cached = self._counter("prompt_tokens_cached", "Prompt tokens taken from a cache.")
        self.cached_by_source = self._labelled(
            "prompt_tokens_cached_by_source", "counter", "Cached prompt tokens by kind of cache.", "source",
            ("device", "host", "p2p", "disk", "external_unspecified"),
        )  # fmt: skip
        self.generation_tokens = self._counter("generation_tokens", "Tokens generated.")
        self.request_success = self._labelled(
            "request_success", "counter", "Finished requests by reason.", "finished_reason", FINISH_REASONS
        )
        rejections = self._family("admission_rejections", "counter", "Requests refused because the queue was full.")
        model = {"model_name": self._labels["model_name"]}
        self.admission_rejections = {
            reason: rejections.value({**model, "reason": reason})
            for reason in ("max_num_queued_reqs", "max_num_queued_tokens")
        }

    def _http(self) -> None:
        requests = Family("http_requests", "counter", "HTTP requests by method, status and handler.")
        fine = Family("http_request_duration_highr_seconds", "histogram", "Latency with many buckets.")
        coarse = Family("http_request_duration_seconds", "histogram", "Latency by handler with few buckets.")
        self._http_families = (requests, fine, coarse)
        self._http_fine = fine.histogram({}, _HTTP_FINE)
        self._http_requests: dict[tuple[str, str, str], Value] = {}
        self._http_coarse: dict[tuple[str, str], Histogram] = {}

    def http(self, *, handler: str, method: str, status: int, seconds: float) -> None:
        """Count one HTTP answer, as the server's instrumentation does."""
        requests, _fine, coarse = self._http_families
        group = f"{status // 100}xx"
        key = (handler, method, group)
        if key not in self._http_requests:
            self._http_requests[key] = requests.value({"handler": handler, "method": method, "status": group})
        self._http_requests[key].add()
        if key[:2] not in self._http_coarse:
            self._http_coarse[key[:2]] = coarse.histogram({"handler": handler, "method": method}, _HTTP_COARSE)
        self._http_coarse[key[:2]].observe(seconds)
        self._http_fine.observe(seconds)

    def text(self) -> str:
        """The body of `/metrics`."""
        return render(self._families)
