from __future__ import annotations

import pytest

from rehearsal.programs.gpus import gpu_model
from rehearsal.programs.vllm_args import parse
from rehearsal.programs.vllm_model import NotEnoughMemoryError, size, weights_gib

A100 = gpu_model("NVIDIA A100 80GB PCIe")


def test_a_32b_model_with_32k_context_fits_an_80_gb_card_only_barely() -> None:
    sizing = size(parse(["/m", "--max-model-len", "32768"], {}), gib=61, gpu=A100, gpus=1)
    assert 32768 <= sizing.num_gpu_blocks * 16 < 65536


@pytest.mark.parametrize(
    ("arguments", "gib", "gpu", "words"),
    [
        (["--max-model-len", "65536"], 61, "NVIDIA A100-SXM4-80GB", "estimated maximum model length is"),
        (["--gpu-memory-utilization", "0.5"], 61, "NVIDIA A100-SXM4-80GB", "No available memory for the cache blocks"),
        ([], 61, "NVIDIA A10", "CUDA out of memory"),
        (
            ["--tensor-parallel-size", "2"],
            61,
            "NVIDIA A100-SXM4-80GB",
            "World size (2) is larger than the number of available GPUs (1)",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_the_engine_s_words(
    arguments: list[str], gib: float, gpu: str, words: str
) -> None:
    with pytest.raises(NotEnoughMemoryError) as caught:
        size(parse(["/m", *arguments], {}), gib=gib, gpu=gpu_model(gpu), gpus=1)
    assert words in str(caught.value)


def test_a_step_grows_with_the_batch_and_its_context() -> None:
    sizing = size(parse(["/m"], {}), gib=61, gpu=A100, gpus=1)
    alone = sizing.step_s(tokens=1, context_tokens=100)
    assert alone < sizing.step_s(tokens=32, context_tokens=3200) < sizing.step_s(tokens=8192, context_tokens=8192)


def test_the_size_of_the_weights_is_declared_or_read_off_the_name() -> None:
    options = parse(["/models/qwen3-32b"], {})
    assert weights_gib(options, annotations={"twain/weights-gib": "61.5"}, env={}) == 61.5
    assert weights_gib(options, annotations={}, env={}) == pytest.approx(59.6, abs=0.1)
    assert weights_gib(parse(["/models/unknown"], {}), annotations={}, env={}) == 14
    # A pod's id in the path is no size.
    inside = parse(["/pods/61e8f528b-9ad5-4119-869a-e8ca8c07988b/models/unknown"], {})
    assert weights_gib(inside, annotations={}, env={}) == 14


def test_the_most_specific_name_of_a_gpu_model_wins() -> None:
    assert gpu_model("NVIDIA A100-SXM4-40GB").memory_mib == 40960
    assert gpu_model("NVIDIA H200").memory_mib > gpu_model("NVIDIA H20").memory_mib
    assert gpu_model("NVIDIA L4").memory_mib < gpu_model("NVIDIA L40S").memory_mib
