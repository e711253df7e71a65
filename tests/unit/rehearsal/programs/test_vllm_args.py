from __future__ import annotations

import pytest

from rehearsal.programs.vllm_args import UsageError, parse


def test_the_workload_s_own_arguments_are_understood() -> None:
    options = parse(
        [
            "/models/qwen3-32b",
            "--max-model-len",
            "32768",
            "--gpu-memory-utilization",
            "0.92",
            "--served-model-name",
            "qwen3-32b",
            "--port",
            "8000",
            "--tensor-parallel-size",
            "1",
            "--shutdown-timeout",
            "30",
            "--disable-access-log-for-endpoints",
            "/health,/metrics",
            "--custom-histogram-buckets",
            '{"time_to_first_token":[0.5,1.0]}',
        ],
        {},
    )
    assert options.model == "/models/qwen3-32b"
    assert options.served_names == ("qwen3-32b",)
    assert (options.port, options.max_model_len, options.shutdown_timeout) == (8000, 32768, 30)
    assert options.quiet_endpoints == ("/health", "/metrics")
    assert options.buckets == {"time_to_first_token": (0.5, 1.0)}


@pytest.mark.parametrize(
    "launcher", [[], ["serve"], ["vllm", "serve"], ["python3", "-m", "vllm.entrypoints.openai.api_server", "--model"]]
)
def test_every_way_to_launch_it_names_the_model(launcher: list[str]) -> None:
    assert parse([*launcher, "Qwen/Qwen3-32B", "--max_model_len=8k"], {}).model == "Qwen/Qwen3-32B"


def test_underscores_in_names_are_dashes_but_values_are_kept() -> None:
    options = parse(["/m", "--served_model_name=a_b"], {})
    assert options.served_names == ("a_b",)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["/m", "--max-modle-len", "1"], "unrecognized arguments: --max-modle-len 1"),
        (["/m", "--port", "http"], "argument --port: invalid int value"),
        (["/m", "--gpu-memory-utilization", "1.2"], "must be in (0, 1]"),
        (["/m", "--load-format", "zip"], "argument --load-format: invalid choice"),
        (["/m", "--custom-histogram-buckets", '{"ttft":[1]}'], "unknown histogram family 'ttft'"),
        (["/m", "--custom-histogram-buckets", '{"request_latency":[2,1]}'], "strictly increasing"),
    ],
)
def test_what_it_does_not_know_is_refused_in_argparse_s_words(arguments: list[str], words: str) -> None:
    with pytest.raises(UsageError, match="vllm serve: error: ") as caught:
        parse(arguments, {})
    assert words in str(caught.value)


def test_the_key_comes_from_the_argument_before_the_environment() -> None:
    assert parse(["/m"], {"VLLM_API_KEY": "from-env"}).api_keys == ("from-env",)
    assert parse(["/m", "--api-key", "a", "b"], {"VLLM_API_KEY": "from-env"}).api_keys == ("a", "b")
