"""The simulated engine end to end: real HTTP on loopback, real time, waits divided by a million."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from rehearsal.programs import vllm
from rehearsal.programs.context import Context
from rehearsal.programs.truth import truth

MakeContext = Callable[..., Context]
# A tiny model: steps of about two milliseconds keep these tests short.
TINY = {"twain/weights-gib": "0.5"}


async def _up(context: Context, port: int) -> asyncio.Task[int]:
    task = asyncio.create_task(vllm.run(context))
    async with aiohttp.ClientSession() as session:
        for _ in range(200):
            try:
                async with session.get(f"http://127.0.0.1:{port}/health") as answer:
                    assert answer.status == 200
                    return task
            except aiohttp.ClientConnectorError:
                assert not task.done(), task
                await asyncio.sleep(0.01)
    raise AssertionError("never healthy")


def _with_engine(
    make: MakeContext,
    port: int,
    body: Callable[[aiohttp.ClientSession, Context], Awaitable[None]],
    *extra: str,
    **rest: Any,
) -> tuple[int, Context]:
    rest.setdefault("annotations", TINY)
    context = make("/models/tiny", "--served-model-name", "tiny", "--port", str(port), *extra, **rest)

    async def scenario() -> int:
        task = await _up(context, port)
        async with aiohttp.ClientSession(base_url=f"http://127.0.0.1:{port}") as session:
            await body(session, context)
        context.terminated.set()
        code = await asyncio.wait_for(task, timeout=3)
        context.shared.truth.flush()
        return code

    return asyncio.run(scenario()), context


def _chat(tokens: int = 8, **rest: Any) -> dict[str, Any]:
    return {
        "model": "tiny",
        "messages": [{"role": "user", "content": "how are you"}],
        "max_tokens": tokens,
        "ignore_eos": True,
        **rest,
    }


def test_a_chat_answer_has_the_asked_tokens_and_their_count(
    make_context: MakeContext, free_port: Callable[[], int]
) -> None:
    async def body(session: aiohttp.ClientSession, _context: Context) -> None:
        async with session.post("/v1/chat/completions", json=_chat(8)) as answer:
            found = await answer.json()
        assert answer.status == 200
        assert found["usage"]["completion_tokens"] == 8
        assert found["choices"][0]["finish_reason"] == "length"
        assert len(found["choices"][0]["message"]["content"].split()) == 8
        async with session.get("/v1/models") as answer:
            assert [one["id"] for one in (await answer.json())["data"]] == ["tiny"]
        async with session.get("/version") as answer:
            assert await answer.json() == {"version": "0.33.0"}

    code, _ = _with_engine(make_context, free_port(), body)
    assert code == 0


def test_a_stream_has_one_chunk_per_token_then_usage_then_done(
    make_context: MakeContext, free_port: Callable[[], int]
) -> None:
    async def body(session: aiohttp.ClientSession, _context: Context) -> None:
        asked = _chat(8, stream=True, stream_options={"include_usage": True})
        async with session.post("/v1/chat/completions", json=asked) as answer:
            lines = [line async for line in answer.content if line.strip()]
        assert lines[-1] == b"data: [DONE]\n"
        chunks = [json.loads(line[6:]) for line in lines[:-1]]
        assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
        assert len([c for c in chunks if c["choices"] and c["choices"][0]["delta"].get("content")]) == 8
        assert chunks[-2]["choices"][0]["finish_reason"] == "length"
        assert chunks[-1]["usage"]["completion_tokens"] == 8

    _with_engine(make_context, free_port(), body)


def test_errors_have_the_api_s_shape(make_context: MakeContext, free_port: Callable[[], int]) -> None:
    async def body(session: aiohttp.ClientSession, _context: Context) -> None:
        for asked, status, words in (
            (_chat(5000), 400, "maximum context length is 4096 tokens"),
            (_chat(model="other"), 404, "The model `other` does not exist."),
            (_chat(n=2), 400, "n must be 1"),
            ({"model": "tiny"}, 400, "prompt or messages"),
        ):
            async with session.post("/v1/chat/completions", json=asked) as answer:
                found = await answer.json()
            assert answer.status == status
            assert words in found["error"]["message"]
            assert found["error"]["code"] == status

    _with_engine(make_context, free_port(), body, "--max-model-len", "4096")


def test_the_key_guards_the_api_but_neither_health_nor_metrics(
    make_context: MakeContext, free_port: Callable[[], int]
) -> None:
    async def body(session: aiohttp.ClientSession, _context: Context) -> None:
        for path, headers, status in (
            ("/v1/models", {}, 401),
            ("/v1/models", {"Authorization": "Bearer wrong"}, 401),
            ("/v1/models", {"Authorization": "Bearer secret"}, 200),
            ("/metrics", {}, 200),
        ):
            async with session.get(path, headers=headers) as answer:
                assert answer.status == status, path

    _with_engine(make_context, free_port(), body, env={"VLLM_API_KEY": "secret"})


def test_a_full_queue_answers_503_and_counts_the_refusal(
    make_context: MakeContext, free_port: Callable[[], int]
) -> None:
    async def body(session: aiohttp.ClientSession, _context: Context) -> None:
        async def one() -> int:
            async with session.post("/v1/chat/completions", json=_chat(30)) as answer:
                await answer.read()
                return answer.status

        statuses = await asyncio.gather(*(one() for _ in range(8)))
        assert sorted(set(statuses)) == [200, 503]
        async with session.get("/metrics") as answer:
            text = await answer.text()
        refused = (
            f'vllm:admission_rejections_total{{model_name="tiny",reason="max_num_queued_reqs"}} {statuses.count(503)}.0'
        )
        assert refused in text

    _with_engine(make_context, free_port(), body, "--max-num-queued-reqs", "1", "--max-num-seqs", "1")


def test_truth_and_histograms_hold_the_same_requests_and_every_quantile_lies_in_its_bucket(
    make_context: MakeContext, free_port: Callable[[], int]
) -> None:
    seen: list[str] = []

    async def body(session: aiohttp.ClientSession, _context: Context) -> None:
        async def one(index: int) -> None:
            await asyncio.sleep(index * 0.01)
            asked = _chat(8 + index % 25, stream=index % 3 == 0)
            async with session.post(
                "/v1/chat/completions", json=asked, headers={"X-Request-Id": f"r{index}"}
            ) as answer:
                await answer.read()

        await asyncio.gather(*(one(index) for index in range(60)))
        async with session.get("/metrics") as answer:
            seen.append(await answer.text())

    _, context = _with_engine(make_context, free_port(), body, annotations={"twain/weights-gib": "4"})
    (row,) = truth([context.truth_path], from_=0, to=4e9)
    assert (row["world"], row["cell"], row["maison"], row["workload"]) == ("cn", "cn-sha-1", "aurelia", "advisor")
    assert row["requests"] == 60
    buckets = _buckets(seen[0])
    tokens = sum(8 + index % 25 for index in range(60))
    assert row["tokens"]["generation"] == tokens
    for phase, name, count in (
        ("ttft", "time_to_first_token_seconds", 60),
        ("itl", "inter_token_latency_seconds", tokens - 60),
        ("e2e", "e2e_request_latency_seconds", 60),
        ("queue", "request_queue_time_seconds", 60),
    ):
        found = buckets[f"vllm:{name}"]
        assert found[-1][1] == count
        for percent in (50, 95, 99):
            low, high = _bucket(found, percent)
            assert low < row[phase][f"p{percent}"]["value"] <= high, (phase, percent)


def test_the_sums_of_truth_are_the_sums_of_the_histograms(
    make_context: MakeContext, free_port: Callable[[], int]
) -> None:
    sums: dict[str, float] = {}

    async def body(session: aiohttp.ClientSession, _context: Context) -> None:
        for index in range(5):
            async with session.post("/v1/chat/completions", json=_chat(8, stream=index % 2 == 0)) as answer:
                await answer.read()
        async with session.get("/metrics") as answer:
            for family in text_string_to_metric_families(await answer.text()):
                sums.update({sample.name: sample.value for sample in family.samples if sample.name.endswith("_sum")})

    _, context = _with_engine(make_context, free_port(), body)
    with closing(sqlite3.connect(context.truth_path)) as connection:
        rows = connection.execute("SELECT ttft, e2e, queue, itl FROM requests ORDER BY rowid").fetchall()
    assert sums["vllm:time_to_first_token_seconds_sum"] == sum(row[0] for row in rows)
    assert sums["vllm:e2e_request_latency_seconds_sum"] == sum(row[1] for row in rows)
    assert sums["vllm:request_queue_time_seconds_sum"] == sum(row[2] for row in rows)
    assert sums["vllm:inter_token_latency_seconds_sum"] == sum(gap for row in rows for gap in json.loads(row[3]))


def test_a_client_that_leaves_is_an_abort_in_the_counters_and_in_truth(
    make_context: MakeContext, free_port: Callable[[], int]
) -> None:
    async def body(session: aiohttp.ClientSession, _context: Context) -> None:
        async with session.post("/v1/chat/completions", json=_chat(2000, stream=True)) as answer:
            await answer.content.readline()
            answer.close()
        for _ in range(100):
            async with session.get("/metrics") as scrape:
                if 'finished_reason="abort",model_name="tiny"} 1.0' in await scrape.text():
                    return
            await asyncio.sleep(0.01)
        raise AssertionError("not aborted")

    _, context = _with_engine(make_context, free_port(), body)
    (row,) = truth([context.truth_path], from_=0, to=4e9)
    assert row["requests"] == 1


def test_sigterm_aborts_what_is_in_flight_and_counts_it_nowhere(
    make_context: MakeContext, free_port: Callable[[], int]
) -> None:
    port = free_port()
    context = make_context("/models/tiny", "--served-model-name", "tiny", "--port", str(port), annotations=TINY)

    async def scenario() -> int:
        task = await _up(context, port)
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=_chat(4000, stream=True)) as answer,
        ):
            await answer.content.readline()
            context.terminated.set()
            try:
                rest = await answer.read()
            except aiohttp.ClientError:
                rest = b""
            assert b"[DONE]" not in rest
        return await asyncio.wait_for(task, timeout=3)

    assert asyncio.run(scenario()) == 0
    context.shared.truth.flush()
    assert truth([context.truth_path], from_=0, to=4e9) == []


def test_a_shutdown_timeout_lets_requests_in_flight_finish_while_health_stays_200(
    make_context: MakeContext, free_port: Callable[[], int]
) -> None:
    port = free_port()
    context = make_context(
        "/models/tiny", "--served-model-name", "tiny", "--port", str(port), "--shutdown-timeout", "3", annotations=TINY
    )

    async def scenario() -> int:
        task = await _up(context, port)
        base = f"http://127.0.0.1:{port}"
        asked = _chat(200, stream=True)
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{base}/v1/chat/completions", json=asked) as answer,
        ):
            await answer.content.readline()
            context.terminated.set()
            await asyncio.sleep(0)
            async with session.get(f"{base}/health") as health:
                assert health.status == 200
            async with session.post(f"{base}/v1/chat/completions", json=_chat(8)) as refused:
                assert refused.status == 503
            assert b"[DONE]" in await answer.read()
        return await asyncio.wait_for(task, timeout=3)

    assert asyncio.run(scenario()) == 0


def test_a_hub_id_looks_the_hub_up_and_then_fails_as_in_reality(make_context: MakeContext) -> None:
    context = make_context("Qwen/Qwen3-32B")
    assert asyncio.run(vllm.run(context)) == 1
    (event,) = [json.loads(line) for line in _looked_up(context).splitlines()]
    assert (event["host"], event["pod"]) == ("huggingface.co", "advisor-0")
    assert "We couldn't connect to 'https://huggingface.co'" in _log(context)


def test_a_hub_id_with_the_offline_flag_asks_nobody(make_context: MakeContext) -> None:
    context = make_context("Qwen/Qwen3-32B", env={"HF_HUB_OFFLINE": "1"})
    assert asyncio.run(vllm.run(context)) == 1
    assert _looked_up(context) == ""
    assert "outgoing traffic has been disabled" in _log(context)


def test_the_hub_s_offline_flag_does_not_silence_modelscope(make_context: MakeContext) -> None:
    context = make_context("Qwen/Qwen3-32B", env={"HF_HUB_OFFLINE": "1", "VLLM_USE_MODELSCOPE": "true"})
    assert asyncio.run(vllm.run(context)) == 1
    assert "www.modelscope.cn" in _looked_up(context)


def test_an_unknown_argument_ends_with_code_2_and_says_so_in_the_log(make_context: MakeContext) -> None:
    context = make_context("/models/m", "--max-modle-len", "1")
    assert asyncio.run(vllm.run(context)) == 2
    assert "vllm serve: error: unrecognized arguments: --max-modle-len 1" in _log(context)


def test_a_path_that_no_volume_holds_is_not_found(make_context: MakeContext) -> None:
    context = make_context("/models/m", mounts=("/weights",))
    assert asyncio.run(vllm.run(context)) == 1
    assert "Invalid repository ID or local directory specified: '/models/m'" in _log(context)


def test_a_model_that_does_not_fit_ends_with_code_1_and_frees_the_gpu(make_context: MakeContext) -> None:
    context = make_context("/models/m", "--max-model-len", "131072")
    assert asyncio.run(vllm.run(context)) == 1
    assert "estimated maximum model length is" in _log(context)
    assert context.shared.gpus.holdings == {}


def _log(context: Context) -> str:
    return Path(context.start.log).read_text(encoding="utf-8")


def _looked_up(context: Context) -> str:
    log = context.shared.dns_log
    assert log is not None
    return log.read_text(encoding="utf-8") if log.exists() else ""


def _buckets(text: str) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.endswith("_bucket"):
                found.setdefault(family.name, []).append((float(sample.labels["le"]), sample.value))
    return found


def _bucket(found: list[tuple[float, float]], percent: int) -> tuple[float, float]:
    rank = percent * found[-1][1] / 100
    low = 0.0
    for edge, count in found:
        if count >= rank:
            return low, edge
        low = edge
    raise AssertionError("empty")
