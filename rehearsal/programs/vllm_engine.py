"""A continuous-batching engine in real time: what waits, what runs, how long a step takes, what is counted when."""

from __future__ import annotations

import asyncio
import random
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rehearsal.programs.vllm_model import BLOCK_TOKENS, Sizing

if TYPE_CHECKING:
    from rehearsal.programs.gpus import GpuLoad
    from rehearsal.programs.vllm_args import Options
    from rehearsal.programs.vllm_metrics import EngineMetrics

# Steps vary a little always, and a lot now and then (a recompiled kernel, a busy host).
_JITTER, _HICCUP_SHARE = 0.05, 0.004
# Remembered prompt blocks of the prefix cache; a real one is as large as the KV cache, this bounds our memory.
_PREFIX_BLOCKS = 4096


class RejectedError(Exception):
    """The queue is full or the engine is shutting down; `reason` is the metric's label, None for a shutdown."""

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(eq=False, slots=True)
class Request:
    """One request in the engine. `*_at` are monotonic seconds, `arrived` is unix seconds."""

    id: str
    prompt_tokens: int
    max_tokens: int
    target_tokens: int
    finish_reason: str
    streamed: bool
    arrived: float
    arrived_at: float
    prefix_blocks: tuple[int, ...] = ()
    slowness: float = 1.0
    cached_tokens: int = 0
    computed: int = 0
    chunk: int = 0
    blocks: int = 0
    generated: int = 0
    preemptions: int = 0
    scheduled_at: float | None = None
    first_at: float | None = None
    last_at: float | None = None
    itl: list[float] = field(default_factory=list)
    done: bool = False
    progress: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def to_compute(self) -> int:
        """Tokens whose keys and values must be there for the next token; after a preemption also generated ones."""
        return self.prompt_tokens + self.generated - (1 if self.generated else 0)


Finisher = Callable[[Request, float, float], None]


class Engine:
    """One engine: submit requests, await their progress. `finished(request, completed, e2e)` is called once per
    request, right after its values went into the histograms.
    """

    def __init__(
        self, *, options: Options, sizing: Sizing, metrics: EngineMetrics, load: GpuLoad, seed: str, finished: Finisher
    ) -> None:
        self._options = options
        self._sizing = sizing
        self._metrics = metrics
        self._load = load
        self._random = random.Random(seed)
        self._finished = finished
        self._waiting: deque[Request] = deque()
        self._running: list[Request] = []
        self._used_blocks = 0
        self._prefixes: OrderedDict[int, None] = OrderedDict()
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._accepting = True

    def submit(self, request: Request) -> None:
        """Queue a request. Raises RejectedError where vLLM answers 503."""
        if not self._accepting:
            msg = "The engine is shutting down and takes no new requests."
            raise RejectedError(msg)
        options = self._options
        if options.max_num_queued_reqs is not None and len(self._waiting) >= options.max_num_queued_reqs:
            self._metrics.admission_rejections["max_num_queued_reqs"].add()
            msg = f"The queue holds {len(self._waiting)} requests, its limit."
            raise RejectedError(msg, reason="max_num_queued_reqs")
        queued_tokens = sum(waiting.prompt_tokens for waiting in self._waiting)
        if (
            options.max_num_queued_tokens is not None
            and queued_tokens + request.prompt_tokens > options.max_num_queued_tokens
        ):
            self._metrics.admission_rejections["max_num_queued_tokens"].add()
            msg = f"The queue holds {queued_tokens} prompt tokens."
            raise RejectedError(msg, reason="max_num_queued_tokens")
        self._waiting.append(request)
        self._idle.clear()
        self._work.set()
        self._gauges()

    def abort(self, request: Request) -> None:
        """The client went away. Does nothing to a finished request."""
        if request.done:
            return
        if request in self._running:
            self._running.remove(request)
        elif request in self._waiting:
            self._waiting.remove(request)
        request.finish_reason = "abort"
        self._finish(request, now=time.monotonic())
        self._gauges()

    async def drain(self) -> None:
        """Take nothing new and return when all in flight is done."""
        self._accepting = False
        await self._idle.wait()

    def silence(self) -> None:
        """After the end: what is still in flight is neither counted nor recorded."""
        self._accepting = False
        for request in (*self._running, *self._waiting):
            request.done = True
        self._running.clear()
        self._waiting.clear()

    async def run(self) -> None:
        """Step for as long as there is work; runs until cancelled."""
        while True:
            await self._work.wait()
            while self._waiting or self._running:
                await self._step()
            self._work.clear()
            self._idle.set()

    async def _step(self) -> None:
        tokens = self._schedule()
        context = sum(request.computed + request.generated for request in self._running)
        slowness = max((request.slowness for request in self._running if request.chunk), default=1.0)
        jitter = self._random.lognormvariate(0, _JITTER) * slowness
        if self._random.random() < _HICCUP_SHARE:
            jitter *= self._random.uniform(1.5, 4)
        planned = self._sizing.step_s(tokens=tokens, context_tokens=context) * jitter
        began = time.monotonic()
        await asyncio.sleep(planned)
        now = time.monotonic()
        self._account(now - began, tokens=tokens)
        self._emit(now)
        self._gauges()

    def _account(self, seconds: float, *, tokens: int) -> None:
        self._load.busy_s += seconds
        self._load.tensor_s += min(seconds, self._sizing.compute_s(tokens))
        self._load.dram_s += min(seconds, self._sizing.weight_read_s())

    def _schedule(self) -> int:
        """Move what fits from waiting to running and give every running request its part of this step."""
        options = self._options
        budget = options.max_num_batched_tokens
        tokens = 0
        preempted = self._metrics.num_preemptions.value
        for request in list(self._running):
            if request in self._running and self._grow(request):
                request.chunk = min(budget, max(0, request.to_compute - request.computed))
                spent = request.chunk or 1
                budget -= spent
                tokens += spent
        # As in vLLM, a step that had to preempt admits nobody: the victim would only come back to be preempted again.
        calm = self._metrics.num_preemptions.value == preempted
        while calm and self._waiting and len(self._running) < options.max_num_seqs and budget > 0:
            request = self._waiting[0]
            if not self._fits(request):
                break
            self._waiting.popleft()
            self._admit(request)
            request.chunk = min(budget, request.to_compute - request.computed)
            budget -= request.chunk
            tokens += request.chunk
        return tokens

    def _fits(self, request: Request) -> bool:
        needed = request.to_compute // BLOCK_TOKENS + 1
        return self._used_blocks + needed <= self._sizing.num_gpu_blocks

    def _admit(self, request: Request) -> None:
        request.blocks = request.to_compute // BLOCK_TOKENS + 1
        self._used_blocks += request.blocks
        if request.scheduled_at is None:
            request.scheduled_at = time.monotonic()
            request.cached_tokens = self._cached(request)
        request.computed = request.cached_tokens
        self._running.append(request)

    def _cached(self, request: Request) -> int:
        """Leading prompt tokens that the prefix cache holds; the last token is always computed, as in vLLM."""
        if not self._options.prefix_caching:
            return 0
        hits = 0
        for block in request.prefix_blocks:
            if block not in self._prefixes:
                break
            self._prefixes.move_to_end(block)
            hits += 1
        for block in request.prefix_blocks:
            self._prefixes[block] = None
        while len(self._prefixes) > _PREFIX_BLOCKS:
            self._prefixes.popitem(last=False)
        cached = min(hits * BLOCK_TOKENS, request.prompt_tokens - 1)
        self._metrics.prefix_cache_queries.add(request.prompt_tokens)
        self._metrics.prefix_cache_hits.add(cached)
        return cached

    def _grow(self, request: Request) -> bool:
        """A block for the next token; where there is none the youngest request is preempted, in the end this one."""
        if (request.prompt_tokens + request.generated) // BLOCK_TOKENS + 1 <= request.blocks:
            return True
        while self._used_blocks >= self._sizing.num_gpu_blocks:
            victim = self._running[-1]
            self._preempt(victim)
            if victim is request:
                return False
        request.blocks += 1
        self._used_blocks += 1
        return True

    def _preempt(self, request: Request) -> None:
        self._running.remove(request)
        self._used_blocks -= request.blocks
        request.blocks = request.computed = request.chunk = 0
        request.preemptions += 1
        self._metrics.num_preemptions.add()
        self._waiting.appendleft(request)

    def _emit(self, now: float) -> None:
        """The end of a step: every request whose context is there gets its token."""
        step_tokens = 0
        for request in list(self._running):
            request.computed += request.chunk
            step_tokens += request.chunk
            request.chunk = 0
            if request.computed < request.to_compute:
                continue
            step_tokens += 1
            self._token(request, now)
            if request.generated >= request.target_tokens:
                self._running.remove(request)
                self._finish(request, now=now)
        self._metrics.histograms["iteration_tokens_total"].observe(step_tokens)

    def _token(self, request: Request, now: float) -> None:
        metrics = self._metrics
        if request.first_at is None or request.last_at is None:
            request.first_at = now
            metrics.histograms["time_to_first_token_seconds"].observe(now - request.arrived_at)
            metrics.prompt_tokens.add(request.prompt_tokens)
            metrics.prompt_tokens_by_source["local_compute"].add(request.prompt_tokens - request.cached_tokens)
            metrics.prompt_tokens_by_source["local_cache_hit"].add(request.cached_tokens)
            metrics.prompt_tokens_cached.add(request.cached_tokens)
            metrics.cached_by_source["device"].add(request.cached_tokens)
        else:
            gap = now - request.last_at
            request.itl.append(gap)
            metrics.histograms["inter_token_latency_seconds"].observe(gap)
        request.last_at = now
        request.generated += 1
        request.computed = max(request.computed, request.to_compute)
        metrics.generation_tokens.add()
        if request.streamed:
            request.progress.set()

    def _finish(self, request: Request, *, now: float) -> None:
        """Observe everything that is known at the end, tell the truth, wake the waiter. No await between: a scrape sees
        all or nothing of it.
        """
        request.done = True
        self._used_blocks -= request.blocks
        request.blocks = 0
        metrics, seen = self._metrics, self._metrics.histograms
        e2e = now - request.arrived_at
        metrics.request_success[request.finish_reason].add()
        seen["e2e_request_latency_seconds"].observe(e2e)
        seen["request_prompt_tokens"].observe(request.prompt_tokens)
        seen["request_generation_tokens"].observe(request.generated)
        seen["request_max_num_generation_tokens"].observe(request.generated)
        seen["request_params_n"].observe(1)
        seen["request_params_max_tokens"].observe(request.max_tokens)
        seen["request_num_preemptions"].observe(request.preemptions)
        if request.scheduled_at is not None:
            seen["request_queue_time_seconds"].observe(request.scheduled_at - request.arrived_at)
        if request.scheduled_at is not None and request.first_at is not None and request.last_at is not None:
            seen["request_prefill_time_seconds"].observe(request.first_at - request.scheduled_at)
            seen["request_decode_time_seconds"].observe(request.last_at - request.first_at)
            seen["request_inference_time_seconds"].observe(request.last_at - request.scheduled_at)
            seen["request_prefill_kv_computed_tokens"].observe(request.prompt_tokens - request.cached_tokens)
            per_token = (request.last_at - request.first_at) / (request.generated - 1) if request.generated > 1 else 0.0
            seen["request_time_per_output_token_seconds"].observe(per_token)
        self._finished(request, time.time(), e2e)
        request.progress.set()

    def _gauges(self) -> None:
        waiting = len(self._waiting)
        self._metrics.num_requests_running.value = len(self._running)
        self._metrics.num_requests_waiting.value = waiting
        self._metrics.waiting["capacity"].value = waiting
        self._metrics.kv_cache_usage_perc.value = self._used_blocks / self._sizing.num_gpu_blocks
