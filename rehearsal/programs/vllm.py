"""The simulated vLLM 0.33: starts, serves and stops as the real server would with the pod's own arguments."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from rehearsal.programs import vllm_api, vllm_args, vllm_model
from rehearsal.programs.context import EXIT_SIGTERM, Context
from rehearsal.programs.gpus import Holding, gpu_model
from rehearsal.programs.truthlog import Finished
from rehearsal.programs.vllm_engine import Engine, Finisher, Request
from rehearsal.programs.vllm_metrics import EngineMetrics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.programs.vllm_args import Options
    from rehearsal.programs.vllm_model import Sizing

_OBJECT_STORES = ("s3://", "gs://", "az://")
_TRUE = ("1", "true", "yes", "on")


class StartError(Exception):
    """The server ends with code 1 after writing this."""


async def run(context: Context) -> int:
    """One engine from first to last log line; its exit code."""
    try:
        options = vllm_args.parse(context.start.args, context.env)
    except vllm_args.UsageError as error:
        context.log(str(error))
        return 2
    _say(context, f"vLLM API server version {vllm_api.VERSION}")
    count = context.pod.gpus if context.pod.gpus is not None else max(1, options.tensor_parallel_size)
    holding = context.shared.gpus.acquire(context.pod, context.node, count=count)
    try:
        return await _serve(context, options, holding)
    except StartError as error:
        context.log(f"(EngineCore pid=2) ERROR {error}")
        context.log("(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above.")
        return 1
    finally:
        context.shared.gpus.release(holding)


async def _serve(context: Context, options: Options, holding: Holding) -> int:
    _find_weights(context, options)
    sizing = _size(context, options, holding)
    _say(context, f"Loading weights from {_shown(context, options)} ({sizing.weights_gib:.1f} GiB)")
    holding.load.memory_mib = 500
    if options.load_format != "dummy" and not await context.wait(sizing.load_s):
        return EXIT_SIGTERM
    holding.load.memory_mib = sizing.used_mib_per_gpu
    tokens = sizing.num_gpu_blocks * vllm_model.BLOCK_TOKENS
    _say(context, f"GPU KV cache size: {tokens:,} tokens")
    _say(
        context,
        f"Maximum concurrency for {sizing.max_model_len:,} tokens per request: {tokens / sizing.max_model_len:.2f}x",
    )
    metrics = EngineMetrics(
        model=options.served_names[0],
        max_model_len=sizing.max_model_len,
        cache=_cache_config(options, sizing),
        buckets=options.buckets,
    )
    engine = Engine(
        options=options,
        sizing=sizing,
        metrics=metrics,
        load=holding.load,
        seed=context.start.id,
        finished=_recorder(context, options),
    )
    return await _listen(context, options, engine, metrics, sizing)


async def _listen(context: Context, options: Options, engine: Engine, metrics: EngineMetrics, sizing: Sizing) -> int:
    served = vllm_api.Served(
        options=options,
        engine=engine,
        metrics=metrics,
        max_model_len=sizing.max_model_len,
        root=_shown(context, options),
        seed=context.start.id,
        log=context.log,
    )
    address = context.start.pod_ip
    if options.host not in (None, "", "0.0.0.0", "::", address):
        # Inside a pod this is the pod's own loopback: nobody outside reaches it, probes included.
        _say(context, f"Starting vLLM API server on http://{options.host}:{options.port}")
        await context.terminated.wait()
        return 0
    try:
        runner = await vllm_api.listen(vllm_api.application(served), address=address, port=options.port)
    except OSError as error:
        context.log(f"(APIServer pid=1) OSError: [Errno {error.errno}] {error.strerror}: {address}:{options.port}")
        return 1
    _say(context, f"Starting vLLM API server 0 on http://0.0.0.0:{options.port}")
    context.log("(APIServer pid=1) INFO:     Application startup complete.")
    steps = asyncio.create_task(engine.run())
    try:
        await _until_stopped(context, options, engine, steps)
    finally:
        # Steps end first: what SIGTERM aborts is counted nowhere, as nobody could scrape it any more.
        steps.cancel()
        with suppress(asyncio.CancelledError):
            await steps
        engine.silence()
        await runner.cleanup()
    context.log("(APIServer pid=1) INFO:     Application shutdown complete.")
    return 0


async def _until_stopped(context: Context, options: Options, engine: Engine, steps: asyncio.Task[None]) -> None:
    told = asyncio.create_task(context.terminated.wait())
    try:
        await asyncio.wait((told, steps), return_when=asyncio.FIRST_COMPLETED)
    finally:
        told.cancel()
    if steps.done():
        steps.result()
    _say(context, f"Shutting down, waiting up to {options.shutdown_timeout:g} s for requests in flight")
    if not await vllm_api.until_quiet(engine, seconds=options.shutdown_timeout):
        _say(context, "Aborting requests in flight")


def _find_weights(context: Context, options: Options) -> None:
    """Raises StartError where the real server would find no weights, after the name look-ups that it would make."""
    model = options.model
    if model.startswith("/"):
        mounts = context.pod.mounts
        inside = model.startswith(f"{context.root}/")
        if mounts is not None and not inside and not any(model.startswith(mount.rstrip("/")) for mount in mounts):
            msg = f"OSError: Invalid repository ID or local directory specified: '{model}'"
            raise StartError(msg)
        return
    if model.startswith(_OBJECT_STORES):
        if not options.load_format.startswith("runai_streamer"):
            msg = f"ValueError: {model} needs --load-format runai_streamer"
            raise StartError(msg)
        return
    if "://" in model:
        msg = f"ValueError: unsupported scheme in {model}; supported are {', '.join(_OBJECT_STORES)}"
        raise StartError(msg)
    _ask_hub(context, model)


def _ask_hub(context: Context, model: str) -> None:
    env = context.env
    if _on(env, "VLLM_USE_MODELSCOPE"):
        # Its offline switch is another one: HF_HUB_OFFLINE does not silence it.
        context.look_up("www.modelscope.cn", f"weights of {model}")
        msg = f"requests.exceptions.ConnectionError: Failed to resolve 'www.modelscope.cn' while loading {model}"
        raise StartError(msg)
    if _on(env, "HF_HUB_OFFLINE") or _on(env, "TRANSFORMERS_OFFLINE"):
        msg = (
            f"OSError: We couldn't find the files of {model} in the local cache, and outgoing traffic has been "
            "disabled (HF_HUB_OFFLINE=1)."
        )
        raise StartError(msg)
    host = env.get("HF_ENDPOINT", "https://huggingface.co").split("://")[-1].split("/")[0]
    context.look_up(host, f"weights of {model}")
    msg = (
        f"OSError: We couldn't connect to 'https://{host}' to load the files of {model}, and couldn't find them in the "
        "cached files."
    )
    raise StartError(msg)


def _shown(context: Context, options: Options) -> str:
    """The model as the container knows it: a mounted path without the folder that holds the mounts here."""
    return options.model.removeprefix(str(context.root))


def _on(env: Mapping[str, str], name: str) -> bool:
    return env.get(name, "").lower() in _TRUE


def _size(context: Context, options: Options, holding: Holding) -> Sizing:
    gib = vllm_model.weights_gib(options, annotations=context.pod.annotations, env=context.env)
    try:
        return vllm_model.size(options, gib=gib, gpu=gpu_model(context.node.gpu_model), gpus=len(holding.indexes))
    except vllm_model.NotEnoughMemoryError as error:
        raise StartError(str(error)) from error


def _cache_config(options: Options, sizing: Sizing) -> dict[str, object]:
    return {
        "block_size": vllm_model.BLOCK_TOKENS,
        "cache_dtype": "auto",
        "calculate_kv_scales": False,
        "enable_prefix_caching": options.prefix_caching,
        "gpu_memory_utilization": options.gpu_memory_utilization,
        "is_attention_free": False,
        "kv_cache_memory_bytes": None,
        "num_cpu_blocks": None,
        "num_gpu_blocks": sizing.num_gpu_blocks,
        "num_gpu_blocks_override": None,
        "prefix_caching_hash_algo": "sha256",
        "sliding_window": None,
    }


def _recorder(context: Context, options: Options) -> Finisher:
    labels, namespace = context.pod.labels, context.pod.namespace
    workload = labels.get("twain/workload") or labels.get("app.kubernetes.io/name") or context.pod.name
    maison = labels.get("twain/maison") or namespace.removeprefix("maison-")

    def record(request: Request, completed: float, e2e: float) -> None:
        first, scheduled = request.first_at, request.scheduled_at
        finished = Finished(
            pod=context.pod.name,
            namespace=namespace,
            maison=maison,
            workload=workload,
            model=options.served_names[0],
            arrived=request.arrived,
            completed=completed,
            ttft=None if first is None else first - request.arrived_at,
            e2e=e2e,
            queue=None if scheduled is None else scheduled - request.arrived_at,
            itl=tuple(request.itl),
            prompt_tokens=request.prompt_tokens,
            generation_tokens=request.generated,
            finished_reason=request.finish_reason,
            streamed=request.streamed,
        )
        context.shared.truth.record(context.truth_path, finished)

    return record


def _say(context: Context, text: str) -> None:
    moment = time.strftime("%m-%d %H:%M:%S", time.gmtime())
    context.log(f"(APIServer pid=1) INFO {moment} {text}")
