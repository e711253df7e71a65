"""The command line of `vllm serve` 0.33: what it knows is accepted, the unknown ends with code 2."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Options that the simulation acts on are parsed below. These are accepted and have no effect here.
_VALUED_TEXT = (
    "--tokenizer --tokenizer-mode --dtype --quantization --revision --tokenizer-revision --code-revision"
    " --download-dir --hf-config-path --hf-overrides --hf-token --config-format --generation-config"
    " --override-generation-config --seed --max-logprobs --limit-mm-per-prompt --mm-processor-kwargs"
    " --mm-processor-cache-gb --pipeline-parallel-size --data-parallel-size --data-parallel-size-local"
    " --data-parallel-address --data-parallel-rpc-port --data-parallel-backend --data-parallel-rank"
    " --distributed-executor-backend --nnodes --node-rank --master-addr --master-port"
    " --max-parallel-loading-workers --block-size --kv-cache-dtype --kv-cache-memory-bytes --cpu-offload-gb"
    " --swap-space --num-gpu-blocks-override --prefix-caching-hash-algo --calculate-kv-scales"
    " --max-num-partial-prefills --max-long-partial-prefills --long-prefill-token-threshold --scheduling-policy"
    " --scheduler-cls --compilation-config --additional-config --kv-transfer-config --kv-events-config"
    " --speculative-config --lora-modules --max-loras --max-lora-rank --max-cpu-loras --chat-template"
    " --chat-template-content-format --response-role --tool-call-parser --tool-parser-plugin --reasoning-parser"
    " --structured-outputs-config --allowed-origins --allowed-methods --allowed-headers --allow-credentials"
    " --ssl-keyfile --ssl-certfile --ssl-ca-certs --root-path --middleware --uvicorn-log-level --log-config-file"
    " --max-log-len --otlp-traces-endpoint --collect-detailed-traces --api-server-count"
    " --show-hidden-metrics-for-version --model-loader-extra-config --ignore-patterns --rope-scaling --rope-theta"
    " --guided-decoding-backend --disable-access-log-for-endpoints --optimization-level --attention-backend"
    " --stream-interval --uds --task --runner --convert --config --all2all-backend --kv-offloading-size"
    " --kv-offloading-backend --logits-processors --profiler-config"
)
_VALUED = tuple(_VALUED_TEXT.split())
_SWITCHES_TEXT = (
    "--trust-remote-code --enforce-eager --skip-tokenizer-init --enable-prompt-embeds --disable-sliding-window"
    " --enable-sleep-mode --enable-expert-parallel --disable-custom-all-reduce --enable-chunked-prefill"
    " --enable-lora --enable-auto-tool-choice --enable-log-requests --enable-log-outputs --disable-log-stats"
    " --disable-uvicorn-access-log --disable-fastapi-docs --enable-prompt-tokens-details"
    " --enable-server-load-tracking --enable-force-include-usage --enable-request-id-headers --enable-mfu-metrics"
    " --kv-cache-metrics --return-tokens-as-token-ids --headless --async-scheduling --enable-prefix-caching"
    " --use-tqdm-on-load --enable-tokenizer-info-endpoint --disable-frontend-multiprocessing"
    " --disable-hybrid-kv-cache-manager"
)
_SWITCHES = tuple(_SWITCHES_TEXT.split())
LOAD_FORMATS_TEXT = (
    "auto pt safetensors npcache dummy tensorizer runai_streamer runai_streamer_sharded bitsandbytes"
    " sharded_state gguf mistral fastsafetensors instanttensor ipc_cache modelexpress"
)
LOAD_FORMATS = tuple(LOAD_FORMATS_TEXT.split())
BUCKET_FAMILIES = (
    "request_latency", "time_to_first_token", "inter_token_latency", "iteration_tokens", "request_tokens",
    "request_params_n", "request_num_preemptions", "kv_cache_residency",
)  # fmt: skip
_LAUNCHERS = (("vllm", "serve"), ("serve",), ("python3", "-m", "vllm.entrypoints.openai.api_server"))


class UsageError(Exception):
    """What argparse would have written to stderr before leaving with code 2."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        msg = f"{self.format_usage()}{self.prog}: error: {message}"
        raise UsageError(msg)


@dataclass(frozen=True)
class Options:
    """The arguments that shape a simulated engine. Times in seconds, lengths in tokens."""

    model: str
    served_names: tuple[str, ...]
    host: str | None
    port: int
    max_model_len: int | None
    max_num_seqs: int
    max_num_batched_tokens: int
    gpu_memory_utilization: float
    tensor_parallel_size: int
    api_keys: tuple[str, ...]
    shutdown_timeout: float
    max_num_queued_reqs: int | None
    max_num_queued_tokens: int | None
    load_format: str
    prefix_caching: bool
    access_log: bool
    quiet_endpoints: tuple[str, ...] = ()
    buckets: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


def _length(text: str) -> int:
    scale = {"k": 1000, "K": 1024, "m": 1000_000, "M": 1024 * 1024}.get(text[-1:])
    return int(float(text[:-1]) * scale) if scale else int(text)


def _buckets(text: str) -> dict[str, tuple[float, ...]]:
    try:
        given = json.loads(text)
        found = {str(name): tuple(float(edge) for edge in edges) for name, edges in given.items()}
    except (ValueError, TypeError, AttributeError) as error:
        message = f"not a JSON object of numbers: {text!r}"
        raise argparse.ArgumentTypeError(message) from error
    for name, edges in found.items():
        if name not in BUCKET_FAMILIES:
            message = f"unknown histogram family {name!r} (choose from {', '.join(BUCKET_FAMILIES)})"
            raise argparse.ArgumentTypeError(message)
        if not edges or list(edges) != sorted(set(edges)):
            message = f"edges of {name!r} must be strictly increasing and not empty"
            raise argparse.ArgumentTypeError(message)
    return found


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1:
        message = f"must be in (0, 1], not {value}"
        raise argparse.ArgumentTypeError(message)
    return value


def _parser() -> _Parser:
    parser = _Parser(prog="vllm serve", usage="vllm serve [model_tag] [options]", add_help=False, allow_abbrev=False)
    parser.add_argument("model_tag", nargs="?")
    parser.add_argument("--model")
    parser.add_argument("--served-model-name", nargs="+", default=[])
    parser.add_argument("--host")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--max-model-len", type=_length)
    parser.add_argument("--max-num-seqs", type=int, default=256)
    parser.add_argument("--max-num-batched-tokens", type=_length, default=8192)
    parser.add_argument("--gpu-memory-utilization", type=_share, default=0.92)
    parser.add_argument("--tensor-parallel-size", "-tp", type=int, default=1)
    parser.add_argument("--api-key", nargs="+", default=[])
    parser.add_argument("--shutdown-timeout", type=float, default=0.0)
    parser.add_argument("--max-num-queued-reqs", type=int)
    parser.add_argument("--max-num-queued-tokens", type=_length)
    parser.add_argument("--load-format", choices=LOAD_FORMATS, default="auto")
    parser.add_argument("--custom-histogram-buckets", type=_buckets, default={})
    for name in _VALUED:
        parser.add_argument(name, nargs="*" if name in {"--lora-modules", "--middleware"} else None)
    for name in _SWITCHES:
        parser.add_argument(name, action=argparse.BooleanOptionalAction, default=None)
    return parser


def _spelled(argument: str) -> str:
    # vLLM takes `--max_model_len` for `--max-model-len`; values keep their underscores.
    if not argument.startswith("--"):
        return argument
    name, mark, value = argument.partition("=")
    return name.replace("_", "-") + mark + value


def parse(arguments: Sequence[str], env: Mapping[str, str]) -> Options:
    """The options of one engine. Raises UsageError with argparse's words for anything that vLLM would not take."""
    rest = list(arguments)
    for launcher in _LAUNCHERS:
        if tuple(rest[: len(launcher)]) == launcher:
            rest = rest[len(launcher) :]
            break
    parser = _parser()
    found = parser.parse_args([_spelled(argument) for argument in rest])
    model = found.model_tag or found.model or "Qwen/Qwen3-0.6B"
    keys = tuple(found.api_key) or ((env["VLLM_API_KEY"],) if env.get("VLLM_API_KEY") else ())
    quiet = found.disable_access_log_for_endpoints
    return Options(
        model=model,
        served_names=tuple(found.served_model_name) or (model,),
        host=found.host,
        port=found.port,
        max_model_len=found.max_model_len,
        max_num_seqs=found.max_num_seqs,
        max_num_batched_tokens=found.max_num_batched_tokens,
        gpu_memory_utilization=found.gpu_memory_utilization,
        tensor_parallel_size=found.tensor_parallel_size,
        api_keys=keys,
        shutdown_timeout=found.shutdown_timeout,
        max_num_queued_reqs=found.max_num_queued_reqs,
        max_num_queued_tokens=found.max_num_queued_tokens,
        load_format=found.load_format,
        prefix_caching=found.enable_prefix_caching is not False,
        access_log=not found.disable_uvicorn_access_log,
        quiet_endpoints=tuple(quiet.split(",")) if quiet else (),
        buckets=found.custom_histogram_buckets,
    )
