"""The simulator process: real process, real socket; and its table of programs in-process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from rehearsal.programs.truth import truth

if TYPE_CHECKING:
    from collections.abc import Callable

REPOSITORY = Path(__file__).resolve().parents[4]


def _start(tmp_path: Path, name: str, port: int, **rest: Any) -> dict[str, Any]:
    cell = tmp_path / "cn" / "cells" / "cn-sha-1"
    return {
        "op": "start",
        "id": name,
        "program": "vllm",
        "args": ["/models/tiny", "--served-model-name", "tiny", "--port", str(port), "--shutdown-timeout", "5"],
        "podIP": "127.0.0.1",
        "pod": {"name": name, "namespace": "maison-a", "labels": {}, "annotations": {"twain/weights-gib": "0.5"}},
        "node": {"name": "n", "gpus": 8, "gpu_model": "NVIDIA A100-SXM4-80GB"},
        "root": str(cell / "pods" / name),
        "log": str(cell / f"{name}.log"),
        "grace": 5,
        **rest,
    }


class _Host:
    """A simulator process and its control connection."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.process, self.reader, self.writer = process, reader, writer

    @classmethod
    async def launch(cls, tmp_path: Path) -> _Host:
        path = tmp_path / "s"
        arrived: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        server = await asyncio.start_unix_server(lambda r, w: arrived.set_result((r, w)), path)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "rehearsal.programs.simhost",
            "--control",
            str(path),
            "--speed",
            "1000000",
            cwd=REPOSITORY,
        )
        reader, writer = await asyncio.wait_for(arrived, timeout=10)
        server.close()
        host = cls(process, reader, writer)
        assert await host.event() == {"event": "ready"}
        return host

    def send(self, operation: dict[str, Any] | str) -> None:
        text = operation if isinstance(operation, str) else json.dumps(operation)
        self.writer.write(text.encode() + b"\n")

    async def event(self) -> dict[str, Any]:
        return json.loads(await asyncio.wait_for(self.reader.readline(), timeout=5))

    async def gone(self) -> int:
        self.writer.close()
        await self.writer.wait_closed()
        return await asyncio.wait_for(self.process.wait(), timeout=5)


async def _healthy(port: int) -> None:
    async with aiohttp.ClientSession() as session:
        for _ in range(200):
            try:
                async with session.get(f"http://127.0.0.1:{port}/health"):
                    return
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.01)
    raise AssertionError("never healthy")


def test_programs_start_serve_and_stop_and_truth_is_on_disk_when_the_socket_closes(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    port = free_port()

    async def scenario() -> None:
        host = await _Host.launch(tmp_path)
        host.send(_start(tmp_path, "p", port))
        assert await host.event() == {"id": "p", "event": "started"}
        await _healthy(port)
        asked = {"model": "tiny", "prompt": "hello", "max_tokens": 8, "ignore_eos": True}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"http://127.0.0.1:{port}/v1/completions", json=asked) as answer,
        ):
            assert (await answer.json())["usage"]["completion_tokens"] == 8
        host.send({"op": "stop", "id": "p", "grace": 3})
        assert await host.event() == {"id": "p", "event": "exited", "code": 0, "reason": "Completed"}
        assert await host.gone() == 0

    asyncio.run(scenario())
    (row,) = truth([tmp_path / "cn" / "cells" / "cn-sha-1" / "truth.sqlite"], from_=0, to=4e9)
    assert row["requests"] == 1


def test_a_stop_without_grace_is_a_kill(tmp_path: Path, free_port: Callable[[], int]) -> None:
    port = free_port()

    async def scenario() -> None:
        host = await _Host.launch(tmp_path)
        host.send(_start(tmp_path, "p", port))
        await host.event()
        await _healthy(port)
        asked = {"model": "tiny", "prompt": "hello", "max_tokens": 5000, "ignore_eos": True}
        async with aiohttp.ClientSession() as session:
            request = asyncio.create_task(session.post(f"http://127.0.0.1:{port}/v1/completions", json=asked))
            await asyncio.sleep(0.1)
            host.send({"op": "stop", "id": "p", "grace": 0})
            assert (await host.event())["code"] == 137
            request.cancel()
            await asyncio.gather(request, return_exceptions=True)
        await host.gone()

    asyncio.run(scenario())


def test_a_wrong_operation_is_refused_and_harms_nothing(tmp_path: Path, free_port: Callable[[], int]) -> None:
    async def scenario() -> None:
        host = await _Host.launch(tmp_path)
        host.send("not json")
        assert (await host.event())["event"] == "refused"
        host.send(_start(tmp_path, "p", free_port(), program="sglang"))
        event = await host.event()
        assert (event["event"], event["id"]) == ("refused", "p")
        assert "no such program: sglang" in event["message"]
        host.send({"op": "stop", "id": "never"})
        host.send(_start(tmp_path, "q", free_port(), args=["--nonsense"]))
        assert (await host.event())["event"] == "started"
        assert (await host.event())["code"] == 2
        await host.gone()

    asyncio.run(scenario())


def test_a_look_up_is_told_to_the_starter(tmp_path: Path, free_port: Callable[[], int]) -> None:
    async def scenario() -> None:
        host = await _Host.launch(tmp_path)
        host.send(_start(tmp_path, "p", free_port(), args=["Qwen/Qwen3-32B"]))
        events = [await host.event() for _ in range(3)]
        assert {
            "id": "p",
            "event": "lookup",
            "host": "huggingface.co",
            "purpose": "weights of Qwen/Qwen3-32B",
        } in events
        assert events[-1]["code"] == 1
        await host.gone()

    asyncio.run(scenario())


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    # A parent that holds the control socket open in yet another process, so that only its death can be the reason.
    path = tmp_path / "s"
    script = (
        "import subprocess, sys, time\n"
        f"p = subprocess.Popen([sys.executable, '-m', 'rehearsal.programs.simhost', '--control', {str(path)!r}],"
        " stdout=subprocess.PIPE)\n"
        "p.stdout.readline()\n"
        "print(p.pid, flush=True)\n"
        "time.sleep(60)\n"
    )

    async def scenario() -> None:
        parent = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE
        )
        assert parent.stdout is not None
        child = int(await asyncio.wait_for(parent.stdout.readline(), timeout=10))
        _, writer = await asyncio.open_unix_connection(path)
        parent.kill()
        await parent.wait()
        limit = time.monotonic() + 4
        while _alive(child):
            assert time.monotonic() < limit, "still there"
            await asyncio.sleep(0.02)
        writer.close()
        await writer.wait_closed()

    asyncio.run(scenario())


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_sigterm_ends_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        host = await _Host.launch(tmp_path)
        host.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(host.process.wait(), timeout=5) == 0
        await host.gone()

    asyncio.run(scenario())
