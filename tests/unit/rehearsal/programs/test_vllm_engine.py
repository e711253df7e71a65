from __future__ import annotations

import asyncio
import time

from rehearsal.programs.gpus import GpuLoad, gpu_model
from rehearsal.programs.vllm_args import parse
from rehearsal.programs.vllm_engine import Engine, Request
from rehearsal.programs.vllm_metrics import EngineMetrics
from rehearsal.programs.vllm_model import Sizing


class _Bench:
    """An engine of two-millisecond steps with a given number of cache blocks."""

    def __init__(self, *arguments: str, blocks: int = 1000) -> None:
        options = parse(["/m", *arguments], {})
        sizing = Sizing(
            weights_gib=0.1,
            tensor_parallel=1,
            max_model_len=4096,
            num_gpu_blocks=blocks,
            used_mib_per_gpu=1000,
            gpu=gpu_model("H100"),
        )
        self.load = GpuLoad()
        self.metrics = EngineMetrics(model="m", max_model_len=4096, cache={}, buckets={})
        self.finished: list[Request] = []
        self.engine = Engine(
            options=options,
            sizing=sizing,
            metrics=self.metrics,
            load=self.load,
            seed="seed",
            finished=lambda request, _completed, _e2e: self.finished.append(request),
        )

    def run(self, *requests: Request) -> None:
        async def scenario() -> None:
            steps = asyncio.create_task(self.engine.run())
            for request in requests:
                self.engine.submit(request)
            await asyncio.wait_for(self.engine.drain(), timeout=4)
            steps.cancel()
            await asyncio.gather(steps, return_exceptions=True)

        asyncio.run(scenario())


def _request(name: str, *, prompt: int = 20, tokens: int = 30, blocks: tuple[int, ...] = ()) -> Request:
    return Request(
        id=name,
        prompt_tokens=prompt,
        max_tokens=tokens,
        target_tokens=tokens,
        finish_reason="length",
        streamed=False,
        arrived=time.time(),
        arrived_at=time.monotonic(),
        prefix_blocks=blocks,
    )


def test_a_full_cache_preempts_the_youngest_and_everybody_still_gets_every_token() -> None:
    # Each request ends with 50 tokens of context, four blocks; two fit at first and grow into each other.
    bench = _Bench(blocks=6)
    requests = [_request(name) for name in "abc"]
    bench.run(*requests)
    assert [request.generated for request in requests] == [30, 30, 30]
    assert requests[0].preemptions == 0
    assert bench.metrics.num_preemptions.value == sum(request.preemptions for request in requests) > 0
    assert bench.metrics.generation_tokens.value == 90
    assert bench.metrics.kv_cache_usage_perc.value == 0
    assert bench.metrics.histograms["request_num_preemptions"].count == 3


def test_no_more_than_max_num_seqs_run_and_the_others_queue() -> None:
    bench = _Bench("--max-num-seqs", "1")
    first, second = _request("a"), _request("b")
    bench.run(first, second)
    assert [request.id for request in bench.finished] == ["a", "b"]
    assert second.scheduled_at is not None
    assert first.last_at is not None
    assert second.scheduled_at >= first.last_at


def test_a_long_prompt_is_prefilled_in_chunks_of_the_token_budget() -> None:
    bench = _Bench("--max-num-batched-tokens", "100")
    bench.run(_request("a", prompt=350, tokens=1))
    assert bench.metrics.histograms["iteration_tokens_total"].count == 4
    assert bench.metrics.histograms["inter_token_latency_seconds"].count == 0


def test_a_repeated_prefix_comes_from_the_cache_and_is_counted_so() -> None:
    bench = _Bench("--max-num-seqs", "1")
    bench.run(_request("a", prompt=40, tokens=1, blocks=(1, 2)), _request("b", prompt=40, tokens=1, blocks=(1, 2)))
    metrics = bench.metrics
    assert (metrics.prefix_cache_queries.value, metrics.prefix_cache_hits.value) == (80, 32)
    assert metrics.cached_by_source["device"].value == 32
    assert metrics.prompt_tokens_by_source["local_compute"].value == 48


def test_without_prefix_caching_everything_is_computed() -> None:
    bench = _Bench("--no-enable-prefix-caching", "--max-num-seqs", "1")
    bench.run(_request("a", prompt=40, tokens=1, blocks=(1, 2)), _request("b", prompt=40, tokens=1, blocks=(1, 2)))
    assert bench.metrics.prefix_cache_queries.value == 0
    assert bench.metrics.prompt_tokens_by_source["local_compute"].value == 80


def test_work_is_told_to_the_gpu_board_and_never_exceeds_the_time_that_passed() -> None:
    bench = _Bench()
    began = time.monotonic()
    bench.run(_request("a"))
    assert 0 < bench.load.dram_s <= bench.load.busy_s <= time.monotonic() - began
