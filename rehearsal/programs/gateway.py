"""The gateway process of a cell: `rehearsal.programs.gateway --kubeconfig F --gateway NS/NAME --listen ADDRESS:PORT`.

TLS from the Gateway's certificate, bearer keys from a Secret, routes by HTTPRoute, InferencePool and Service to Ready
pods. One JSON line per request goes to standard output; bodies, query strings and keys never do.
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import json
import os
import signal
import ssl
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from rehearsal.engine.lifeline import engine_gone
from rehearsal.kube.client import KubeClient, read_kubeconfig
from rehearsal.programs.gateway_state import ClusterState, informers, synced

if TYPE_CHECKING:
    from rehearsal.programs.gateway_table import Endpoint, Rule

_HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
# The gateway's key is for the gateway: engines never see it.
_NOT_FORWARDED = _HOP_BY_HOP | {"authorization", "host", "content-length"}
_BODY_LIMIT = 32 * 1024 * 1024
_ATTEMPTS = 3
_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=2, sock_read=600)
_DRAIN_SECONDS = 30.0
Log = Callable[[Mapping[str, Any]], None]


@dataclass
class _Entry:
    """One line of the access log."""

    began: float = field(default_factory=time.monotonic)
    fields: dict[str, Any] = field(default_factory=dict)

    def line(self, request: web.Request, status: int) -> dict[str, Any]:
        return {
            "time": time.time(),
            "method": request.method,
            "path": request.path,
            "status": status,
            "seconds": round(time.monotonic() - self.began, 6),
            **self.fields,
        }


class Gateway:
    """The request handler. `state` decides, `session` calls pods, `log` takes one entry per request."""

    def __init__(self, *, state: ClusterState, session: aiohttp.ClientSession, log: Log) -> None:
        self._state = state
        self._session = session
        self._log = log

    def application(self) -> web.Application:
        """Every method and path goes to one handler."""
        app = web.Application(client_max_size=_BODY_LIMIT)
        app.router.add_route("*", "/{path:.*}", self.handle)
        return app

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request from key check to last byte."""
        entry = _Entry()
        status = 499
        try:
            response = await self._serve(request, entry)
            status = response.status
        finally:
            self._log(entry.line(request, status))
        return response

    async def _serve(self, request: web.Request, entry: _Entry) -> web.StreamResponse:
        key = self._key(request)
        if key is None:
            return _refusal(401, "unauthorized", "A known bearer key is needed.", {"WWW-Authenticate": "Bearer"})
        entry.fields["key"] = key
        rule = self._state.rule(request.method, request.path)
        if rule is None:
            return _refusal(404, "no_route", f"No route matches {request.path}.")
        entry.fields["route"] = rule.route
        if rule.broken:
            return _refusal(500, "broken_route", f"Route {rule.route}: {rule.broken}.")
        return await self._forward(request, rule, entry)

    def _key(self, request: web.Request) -> str | None:
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not given:
            return None
        # No early exit: the time taken must not tell how many keys were tried.
        held = [name for name, key in self._state.keys().items() if hmac.compare_digest(given.strip().encode(), key)]
        return held[0] if held else None

    async def _forward(self, request: web.Request, rule: Rule, entry: _Entry) -> web.StreamResponse:
        backend = self._state.balancer.backend(rule.backends)
        if backend is None:
            return _refusal(503, "no_backend", f"Route {rule.route} has no backend with a weight.")
        entry.fields["backend"] = f"{backend.namespace}/{backend.name}"
        headers = _forwarded(request)
        body = await request.read()
        tried: set[str] = set()
        for _ in range(_ATTEMPTS):
            left = [one for one in self._state.targets(backend) if one[0].uid not in tried]
            chosen = self._state.balancer.pod(left)
            if chosen is None:
                break
            pod, port = chosen
            tried.add(pod.uid)
            entry.fields["pod"] = pod.pod
            try:
                return await self._call(
                    request, pod, f"http://{pod.address}:{port}{rule.rewritten(request.path)}", headers, body
                )
            except aiohttp.ClientConnectorError:
                # Nothing was sent: another pod may answer. Its readiness is about to say the same.
                continue
            except (aiohttp.ClientError, TimeoutError) as error:
                return _refusal(502, "bad_gateway", f"Pod {pod.pod} broke off: {type(error).__name__}.")
        reason = f"{len(tried)} Ready pod(s) refused the connection" if tried else "it has no Ready pod"
        return _refusal(
            503,
            "no_ready_endpoint",
            f"{backend.kind} {backend.namespace}/{backend.name}: {reason}.",
            {"Retry-After": "5"},
        )

    async def _call(
        self, request: web.Request, pod: Endpoint, url: str, headers: CIMultiDict[str], body: bytes
    ) -> web.StreamResponse:
        self._state.balancer.began(pod.uid)
        try:
            async with self._session.request(
                request.method, url, params=request.query, headers=headers, data=body or None, allow_redirects=False
            ) as upstream:
                return await _relay(request, upstream)
        finally:
            self._state.balancer.ended(pod.uid)


async def _relay(request: web.Request, upstream: aiohttp.ClientResponse) -> web.StreamResponse:
    """Pass an answer on as it comes, chunk by chunk."""
    response = web.StreamResponse(status=upstream.status, reason=upstream.reason)
    for name, value in upstream.headers.items():
        if name.lower() not in _HOP_BY_HOP:
            response.headers.add(name, value)
    await response.prepare(request)
    try:
        async for chunk in upstream.content.iter_any():
            await response.write(chunk)
    except (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError):
        # The head is out already: a cut connection is the only honest end, a clean one would look complete.
        if request.transport is not None:
            request.transport.abort()
        return response
    await response.write_eof()
    return response


def _forwarded(request: web.Request) -> CIMultiDict[str]:
    headers: CIMultiDict[str] = CIMultiDict(
        (name, value) for name, value in request.headers.items() if name.lower() not in _NOT_FORWARDED
    )
    headers.setdefault("X-Request-Id", uuid.uuid4().hex)
    return headers


def _refusal(status: int, kind: str, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    body = {"error": {"message": message, "type": kind, "code": status, "source": "gateway"}}
    return web.json_response(body, status=status, headers=headers)


def load_certificate(context: ssl.SSLContext, pair: tuple[bytes, bytes]) -> None:
    """Give the context this chain and key for new handshakes. The file exists for this call, readable by us alone."""
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(pair[0] + b"\n" + pair[1])
        file.flush()
        context.load_cert_chain(file.name)


async def serve(
    *, client: KubeClient, state: ClusterState, listen: tuple[str, int], log: Log, stop: asyncio.Event
) -> None:
    """Serve until `stop` is set, then let requests in flight finish. Listens only once a certificate is there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    certified = asyncio.Event()
    shown: list[tuple[bytes, bytes]] = []

    def changed() -> None:
        pair = state.certificate()
        if pair is not None and [pair] != shown:
            load_certificate(context, pair)
            shown[:] = [pair]
            certified.set()

    state.changed = changed
    found = informers(client, state)
    tasks = [asyncio.create_task(one.run()) for one in found]
    try:
        await _until(stop, asyncio.gather(synced(found), certified.wait()))
        connector = aiohttp.TCPConnector(limit=0, limit_per_host=0)
        async with aiohttp.ClientSession(
            connector=connector, timeout=_TIMEOUT, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            gateway = Gateway(state=state, session=session, log=log)
            runner = web.AppRunner(
                gateway.application(), access_log=None, handler_cancellation=True, shutdown_timeout=_DRAIN_SECONDS
            )
            await runner.setup()
            try:
                if not stop.is_set():
                    await web.TCPSite(runner, *listen, ssl_context=context, backlog=1024).start()
                    log({"time": time.time(), "event": "listening", "address": f"{listen[0]}:{listen[1]}"})
                    await stop.wait()
            finally:
                await runner.cleanup()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _until(stop: asyncio.Event, wanted: asyncio.Future[Any]) -> None:
    told = asyncio.create_task(stop.wait())
    await asyncio.wait((told, wanted), return_when=asyncio.FIRST_COMPLETED)
    for task in (told, wanted):
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _write(entry: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(entry) + "\n")
    sys.stdout.flush()


async def _main(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    async def watch_parent() -> None:
        await engine_gone(arguments.parent)
        stop.set()

    watcher = asyncio.create_task(watch_parent())
    namespace, _, name = arguments.gateway.partition("/")
    host, _, port = arguments.listen.rpartition(":")
    state = ClusterState(namespace=namespace, name=name, keys_secret=arguments.keys_secret)
    async with KubeClient(read_kubeconfig(arguments.kubeconfig)) as client:
        await serve(client=client, state=state, listen=(host, int(port)), log=_write, stop=stop)
    watcher.cancel()


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of the gateway process. It ends with its parent."""
    parser = argparse.ArgumentParser(prog="gateway", description="gateway of one rehearsed cell")
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--gateway", required=True, metavar="NAMESPACE/NAME")
    parser.add_argument("--listen", required=True, metavar="ADDRESS:PORT")
    parser.add_argument("--keys-secret", default="gateway-keys", help="Secret with one bearer key per data entry")
    arguments = parser.parse_args(argv)
    arguments.parent = os.getppid()
    asyncio.run(_main(arguments))
    return 0


if __name__ == "__main__":
    sys.exit(main())
