"""The OpenAI-compatible HTTP surface of a simulated vLLM engine."""

from __future__ import annotations

import asyncio
import hmac
import json
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from rehearsal.programs import vllm_text
from rehearsal.programs.vllm_engine import Engine, RejectedError, Request
from rehearsal.programs.vllm_metrics import CONTENT_TYPE, EngineMetrics

if TYPE_CHECKING:
    from rehearsal.programs.vllm_args import Options

VERSION = "0.33.0"
# vLLM guards these prefixes only: /metrics and /health stay open even with a key.
_GUARDED = ("/v1", "/v2", "/inference")
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Served:
    """What the handlers of one engine need."""

    options: Options
    engine: Engine
    metrics: EngineMetrics
    max_model_len: int
    root: str
    seed: str
    log: Callable[[str], None]


class ApiError(Exception):
    """An answer in vLLM's error shape."""

    def __init__(self, status: int, kind: str, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": status}}


def application(served: Served) -> web.Application:
    """The routes of one engine."""
    api = _Api(served)
    app = web.Application(middlewares=[api.instrument], client_max_size=32 * 1024 * 1024)
    app.router.add_get("/health", api.health)
    app.router.add_get("/version", api.version)
    app.router.add_get("/metrics", api.metrics)
    app.router.add_get("/v1/models", api.models)
    app.router.add_post("/v1/chat/completions", api.chat)
    app.router.add_post("/v1/completions", api.completions)
    return app


class _Api:
    def __init__(self, served: Served) -> None:
        self._served = served
        self._created = int(time.time())

    @web.middleware
    async def instrument(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Key check, error shape, request counters and the access log."""
        began = time.monotonic()
        status = 500
        try:
            response = await self._guarded(request, handler)
            status = response.status
        finally:
            resource = request.match_info.route.resource
            name = resource.canonical if resource is not None else "none"
            if name not in {"/metrics", "/health"}:
                self._served.metrics.http(
                    handler=name, method=request.method, status=status, seconds=time.monotonic() - began
                )
            options = self._served.options
            if options.access_log and request.path not in options.quiet_endpoints:
                self._served.log(
                    f'(APIServer pid=1) INFO: {request.remote} - "{request.method} {request.path} HTTP/1.1" {status}'
                )
        return response

    async def _guarded(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        keys = self._served.options.api_keys
        if keys and request.path.startswith(_GUARDED):
            given = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
            if not any(hmac.compare_digest(given, key.encode()) for key in keys):
                return web.json_response({"error": "Unauthorized"}, status=401)
        try:
            return await handler(request)
        except ApiError as error:
            return web.json_response(error.body, status=error.status)
        except web.HTTPNotFound:
            return web.json_response({"detail": "Not Found"}, status=404)
        except web.HTTPMethodNotAllowed:
            return web.json_response({"detail": "Method Not Allowed"}, status=405)

    async def health(self, _request: web.Request) -> web.Response:
        """Empty 200 for as long as the engine runs, draining or not."""
        return web.Response()

    async def version(self, _request: web.Request) -> web.Response:
        """The engine's version."""
        return web.json_response({"version": VERSION})

    async def metrics(self, _request: web.Request) -> web.Response:
        """The exposition; plain text whatever the client accepts."""
        return web.Response(body=self._served.metrics.text().encode(), headers={"Content-Type": CONTENT_TYPE})

    async def models(self, _request: web.Request) -> web.Response:
        """The served names."""
        options = self._served.options
        data = [
            {
                "id": name,
                "object": "model",
                "created": self._created,
                "owned_by": "vllm",
                "root": self._served.root,
                "parent": None,
                "max_model_len": self._served.max_model_len,
            }
            for name in options.served_names
        ]
        return web.json_response({"object": "list", "data": data})

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """`POST /v1/chat/completions`."""
        return await _Answer(self._served, chat=True).serve(request)

    async def completions(self, request: web.Request) -> web.StreamResponse:
        """`POST /v1/completions`."""
        return await _Answer(self._served, chat=False).serve(request)


class _Answer:
    """One chat or text completion."""

    def __init__(self, served: Served, *, chat: bool) -> None:
        self._served = served
        self._chat = chat
        self._arrived, self._arrived_at = time.time(), time.monotonic()

    async def serve(self, http: web.Request) -> web.StreamResponse:
        body = await self._body(http)
        name = http.headers.get("X-Request-Id") or uuid.uuid4().hex
        self._id = f"{'chatcmpl' if self._chat else 'cmpl'}-{name}"
        self._model = self._checked_model(body)
        request = self._request(body, name)
        options: Any = body.get("stream_options") or {}
        self._include_usage = bool(isinstance(options, dict) and options.get("include_usage"))
        try:
            self._served.engine.submit(request)
        except RejectedError as error:
            raise ApiError(503, "ServiceUnavailableError", str(error)) from error
        self._words = vllm_text.words(random.Random(f"{self._served.seed}/{name}/words"), request.target_tokens)
        try:
            return await (self._stream(http, request) if request.streamed else self._whole(request))
        finally:
            # A client that left, or a server that is stopped, cancels this handler.
            self._served.engine.abort(request)

    async def _body(self, http: web.Request) -> dict[str, Any]:
        try:
            body = msgspec.json.decode(await http.read())
        except msgspec.DecodeError as error:
            raise ApiError(400, "BadRequestError", f"The body is not JSON: {error}") from error
        if not isinstance(body, dict):
            raise ApiError(400, "BadRequestError", "The body must be a JSON object.")
        return body

    def _checked_model(self, body: dict[str, Any]) -> str:
        names = self._served.options.served_names
        model = body.get("model") or names[0]
        if model not in names:
            raise ApiError(404, "NotFoundError", f"The model `{model}` does not exist.", param="model")
        return str(model)

    def _request(self, body: dict[str, Any], name: str) -> Request:
        try:
            text, template = vllm_text.prompt_text(body)
            asked = body.get("max_completion_tokens") or body.get("max_tokens")
            max_tokens = None if asked is None else int(asked)
            min_tokens = int(body.get("min_tokens") or 0)
            copies = int(body.get("n") or 1)
        except (ValueError, TypeError) as error:
            raise ApiError(400, "BadRequestError", str(error)) from error
        if copies != 1:
            raise ApiError(
                400, "BadRequestError", "The simulated engine gives one answer per request: n must be 1.", param="n"
            )
        if max_tokens is not None and max_tokens < 1:
            raise ApiError(
                400, "BadRequestError", f"max_tokens must be at least 1, got {max_tokens}.", param="max_tokens"
            )
        prompt_tokens = vllm_text.token_count(text) + template
        limit = self._served.max_model_len
        if prompt_tokens + (max_tokens or 1) > limit:
            raise ApiError(
                400,
                "BadRequestError",
                f"This model's maximum context length is {limit} tokens. However, you requested {max_tokens or 1} "
                f"output tokens and your prompt contains {prompt_tokens} input tokens. Please reduce the length of the "
                "input prompt or the number of requested output tokens.",
                param="input_tokens",
            )
        source = random.Random(f"{self._served.seed}/{name}")
        bound = max_tokens or limit - prompt_tokens
        target, reason = vllm_text.answer_length(
            source, max_tokens=bound, min_tokens=min_tokens, ignore_eos=bool(body.get("ignore_eos"))
        )
        return Request(
            id=name,
            prompt_tokens=prompt_tokens,
            max_tokens=bound,
            target_tokens=target,
            finish_reason=reason,
            streamed=bool(body.get("stream")),
            arrived=self._arrived,
            arrived_at=self._arrived_at,
            prefix_blocks=vllm_text.prefix_blocks(self._model, text),
            slowness=source.lognormvariate(0.05, 0.1),
        )

    def _usage(self, request: Request) -> dict[str, Any]:
        return {
            "prompt_tokens": request.prompt_tokens,
            "total_tokens": request.prompt_tokens + request.generated,
            "completion_tokens": request.generated,
            "prompt_tokens_details": None,
        }

    async def _whole(self, request: Request) -> web.Response:
        while not request.done:
            await request.progress.wait()
            request.progress.clear()
        text = "".join(self._words[: request.generated])
        ending = {"logprobs": None, "finish_reason": request.finish_reason, "stop_reason": None}
        message = {"role": "assistant", "content": text, "tool_calls": []}
        choice = {"index": 0, **({"message": message} if self._chat else {"text": text}), **ending}
        return web.json_response(
            {
                "id": self._id,
                "object": "chat.completion" if self._chat else "text_completion",
                "created": int(self._arrived),
                "model": self._model,
                "choices": [choice],
                "usage": self._usage(request),
            }
        )

    async def _stream(self, http: web.Request, request: Request) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}
        )
        sent = 0
        await self._first_progress(request)
        await response.prepare(http)
        if self._chat:
            await response.write(self._event({"role": "assistant", "content": ""}, None))
        while True:
            done = request.done
            for index in range(sent, request.generated):
                last = done and index == request.generated - 1
                await response.write(self._event(self._words[index], request.finish_reason if last else None))
            sent = request.generated
            if done and sent == request.generated:
                break
            await self._first_progress(request)
        if self._include_usage:
            await response.write(self._line({"choices": [], "usage": self._usage(request)}))
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response

    @staticmethod
    async def _first_progress(request: Request) -> None:
        await request.progress.wait()
        if not request.done:
            request.progress.clear()

    def _event(self, piece: str | dict[str, str], reason: str | None) -> bytes:
        if self._chat:
            delta = piece if isinstance(piece, dict) else {"content": piece}
            choice: dict[str, Any] = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        else:
            choice = {"index": 0, "text": piece, "logprobs": None, "finish_reason": reason, "stop_reason": None}
        return self._line({"choices": [choice]})

    def _line(self, rest: dict[str, Any]) -> bytes:
        kind = "chat.completion.chunk" if self._chat else "text_completion"
        chunk = {"id": self._id, "object": kind, "created": int(self._arrived), "model": self._model, **rest}
        return f"data: {json.dumps(chunk)}\n\n".encode()


async def listen(app: web.Application, *, address: str, port: int) -> web.AppRunner:
    """Serve on one pod address. A client that goes away cancels its handler, so that its request is aborted."""
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, address, port, backlog=1024).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner


async def until_quiet(engine: Engine, *, seconds: float) -> bool:
    """Drain for at most `seconds`. False when requests are still in flight then."""
    if seconds <= 0:
        return False
    try:
        await asyncio.wait_for(engine.drain(), timeout=seconds)
    except TimeoutError:
        return False
    return True
