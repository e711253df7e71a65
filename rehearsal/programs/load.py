"""Seeded open-loop load on a cell's gateway: `rehearsal.programs.load --url U --ca F --key-file F --target M/W=NAME`.

One process, bounded in count and time; it ends by itself. Latency counts from the scheduled time, so that a stalled
server cannot hide its tail by keeping the client waiting.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sqlite3
import ssl
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec

from rehearsal.programs.load_plan import LIGHT_RATE, LONGEST_S, Plan, Result, Shot, Tally, Target, shots

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_FINISH_SECONDS = 60.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
  run TEXT NOT NULL, number INTEGER NOT NULL, maison TEXT NOT NULL, workload TEXT NOT NULL, model TEXT NOT NULL,
  streamed INTEGER NOT NULL, scheduled REAL NOT NULL, delay REAL NOT NULL, status TEXT NOT NULL,
  ttft REAL, e2e REAL NOT NULL,
  prompt_tokens INTEGER NOT NULL, generation_tokens INTEGER NOT NULL
);
"""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """The gateway: base URL, authority (None: the system's), bearer key, name in the certificate when not the URL's."""

    url: str
    key: str
    ca_file: Path | None = None
    server_name: str | None = None


class Generator:
    """Sends one plan. `paused()` is asked when a request is due; after `stop` what is in flight still finishes."""

    def __init__(
        self,
        plan: Plan,
        endpoint: Endpoint,
        *,
        paused: Callable[[], bool] = lambda: False,
        stop: asyncio.Event | None = None,
    ) -> None:
        self._plan = plan
        self._endpoint = endpoint
        self._paused = paused
        self._stop = stop or asyncio.Event()
        self._headers = {"Authorization": f"Bearer {endpoint.key}", "Content-Type": "application/json"}

    async def run(self) -> Tally:
        """Send everything, wait for the answers, tell what happened. Failing requests are results, not exceptions."""
        context = None
        if self._endpoint.url.startswith("https:"):
            context = ssl.create_default_context(cafile=self._endpoint.ca_file)
        connector = aiohttp.TCPConnector(limit=0, ssl=context if context is not None else True)
        timeout = aiohttp.ClientTimeout(total=self._plan.timeout)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            tally = Tally(plan=self._plan, began=time.time())
            await self._fire(session, tally)
            tally.ended = time.time()
        tally.results.sort(key=lambda result: result.index)
        return tally

    async def _fire(self, session: aiohttp.ClientSession, tally: Tally) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        tasks: set[asyncio.Task[None]] = set()
        for shot in shots(self._plan):
            if not await self._due(began + shot.at):
                tally.stopped_by = "signal"
                break
            if self._paused():
                tally.skipped += 1
                continue
            if len(tasks) >= self._plan.in_flight:
                tally.dropped += 1
                continue
            task = asyncio.create_task(self._one(session, shot, began + shot.at, tally))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=max(_FINISH_SECONDS, self._plan.timeout))
            for task in late:
                task.cancel()

    async def _due(self, moment: float) -> bool:
        """Wait for a moment of the loop's clock. False when told to stop."""
        left = moment - asyncio.get_running_loop().time()
        if left > 0:
            try:
                await asyncio.wait_for(self._stop.wait(), timeout=left)
            except TimeoutError:
                return True
        return not self._stop.is_set()

    async def _one(self, session: aiohttp.ClientSession, shot: Shot, due: float, tally: Tally) -> None:
        loop = asyncio.get_running_loop()
        delay = loop.time() - due
        scheduled = time.time() - delay
        reply = _Reply()
        try:
            async with session.post(
                self._endpoint.url.rstrip("/") + shot.target.path,
                data=msgspec.json.encode(shot.body),
                headers=self._headers | {"X-Request-Id": f"{self._plan.seed}-{shot.index}"},
                server_hostname=self._endpoint.server_name,
            ) as response:
                await reply.read(response, streamed=shot.streamed)
        except TimeoutError:
            reply.status = "timeout"
        except aiohttp.ClientConnectorError:
            reply.status = "unreachable"
        except (aiohttp.ClientError, msgspec.DecodeError):
            reply.status = "broken"
        tally.results.append(
            Result(
                index=shot.index,
                target=shot.target,
                streamed=shot.streamed,
                scheduled=scheduled,
                delay=delay,
                status=reply.status,
                ttft=None if reply.first is None else reply.first - due,
                e2e=loop.time() - due,
                prompt_tokens=reply.prompt_tokens,
                generation_tokens=reply.generation_tokens,
            )
        )


class _Reply:
    """What one answer holds."""

    def __init__(self) -> None:
        self.status = "broken"
        self.first: float | None = None
        self.prompt_tokens = 0
        self.generation_tokens = 0

    async def read(self, response: aiohttp.ClientResponse, *, streamed: bool) -> None:
        if response.status != 200:
            await response.read()
            self.status = str(response.status)
            return
        if streamed:
            await self._stream(response)
        else:
            self._usage(msgspec.json.decode(await response.read()))
            self.status = "200"

    async def _stream(self, response: aiohttp.ClientResponse) -> None:
        loop = asyncio.get_running_loop()
        async for line in response.content:
            # The clock before the decoder.
            now = loop.time()
            if not line.startswith(b"data: "):
                continue
            data = line[6:].strip()
            if data == b"[DONE]":
                self.status = "200"
                return
            chunk: dict[str, Any] = msgspec.json.decode(data)
            if self.first is None and any(choice["delta"].get("content") for choice in chunk["choices"]):
                self.first = now
            self._usage(chunk)

    def _usage(self, body: dict[str, Any]) -> None:
        usage = body.get("usage")
        if usage:
            self.prompt_tokens = int(usage["prompt_tokens"])
            self.generation_tokens = int(usage["completion_tokens"])


def store(folder: Path, tally: Tally, *, name: str) -> dict[str, Any]:
    """Write `<name>.json` and rows of `load.sqlite`; returns the summary. Storing a name again replaces it."""
    folder.mkdir(parents=True, exist_ok=True)
    summary = tally.summary()
    with closing(sqlite3.connect(folder / "load.sqlite", timeout=10)) as connection, connection:
        connection.executescript(_SCHEMA)
        connection.execute("DELETE FROM requests WHERE run = ?", (name,))
        connection.executemany(
            "INSERT INTO requests VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)", [_row(name, result) for result in tally.results]
        )
    (folder / f"{name}.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return summary


def _row(name: str, result: Result) -> tuple[Any, ...]:
    target = result.target
    return (
        name, result.index, target.maison, target.workload, target.model, int(result.streamed), result.scheduled,
        result.delay, result.status, result.ttft, result.e2e, result.prompt_tokens, result.generation_tokens,
    )  # fmt: skip


def _range(text: str) -> tuple[int, int]:
    low, _, high = text.partition("-")
    return int(low), int(high or low)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="load", description="seeded open-loop load on a gateway")
    parser.add_argument("--url", required=True, help="https://ADDRESS:PORT of the gateway")
    parser.add_argument("--ca", type=Path, help="authority of the gateway's certificate (PEM)")
    parser.add_argument("--server-name", help="name in the certificate, when it is not the URL's host")
    parser.add_argument("--key-file", type=Path, help="file with the bearer key (else TWAIN_GATEWAY_KEY)")
    parser.add_argument(
        "--target", action="append", required=True, type=Target.parse, metavar="MAISON/WORKLOAD=MODEL[@WEIGHT]"
    )
    parser.add_argument("--profile", choices=("standard", "light"), default="standard")
    parser.add_argument("--rate", type=float, help="requests/s (default 20; light 0.5)")
    parser.add_argument("--duration", type=float, help="seconds (default 180; light 8 h)")
    parser.add_argument("--requests", type=int, help="at most this many")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--arrivals", choices=("poisson", "constant"), default="poisson")
    parser.add_argument("--streamed", type=float, default=1 / 3, help="share of streamed answers")
    parser.add_argument("--tokens", type=_range, default=(8, 32), metavar="LOW-HIGH")
    parser.add_argument(
        "--pause-file", type=Path, help="while the process that this file names lives, requests are skipped"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for NAME.json and load.sqlite")
    parser.add_argument("--name", default="load", help="name of this run")
    return parser


async def _main(arguments: argparse.Namespace, plan: Plan) -> dict[str, Any]:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    key = await asyncio.to_thread(_key, arguments.key_file)
    endpoint = Endpoint(url=arguments.url, key=key, ca_file=arguments.ca, server_name=arguments.server_name)
    pause: Path | None = arguments.pause_file
    paused = (lambda: False) if pause is None else (lambda: _is_paused(pause))
    tally = await Generator(plan, endpoint, paused=paused, stop=stop).run()
    return store(arguments.out, tally, name=arguments.name)


def _is_paused(file: Path) -> bool:
    """Whether a living process asked for a rest. One that was killed in the middle no longer does."""
    try:
        os.kill(int(file.read_text(encoding="utf-8")), 0)
    except (OSError, ValueError):
        return False
    return True


def _key(file: Path | None) -> str:
    return file.read_text(encoding="utf-8").strip() if file is not None else os.environ.get("TWAIN_GATEWAY_KEY", "")


def main(argv: Sequence[str] | None = None) -> int:
    """Command line. Prints the summary as JSON; 0 when every request was answered, else 1."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    light = arguments.profile == "light"
    rate = arguments.rate or (LIGHT_RATE if light else 20.0)
    duration = arguments.duration or (LONGEST_S if light else 180.0)
    try:
        plan = Plan(
            targets=tuple(arguments.target),
            rate=rate,
            duration=duration,
            requests=arguments.requests or int(rate * duration * 1.5) + 10,
            seed=arguments.seed,
            arrivals=arguments.arrivals,
            streamed=arguments.streamed,
            tokens=arguments.tokens,
        )
    except ValueError as error:
        parser.error(str(error))
    summary = asyncio.run(_main(arguments, plan))
    sys.stdout.write(json.dumps(summary) + "\n")
    return 0 if summary["answered"] == summary["sent"] else 1


if __name__ == "__main__":
    sys.exit(main())
