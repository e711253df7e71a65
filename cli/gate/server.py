"""A world's gate: `python -m cli.gate.server`. Three routes over HTTPS, and `/healthz` for the kubelet.

    GET  /v1/aggregates?section=metrics|cost|fleet|parity[&from=RFC3339&to=RFC3339]
    POST /v1/intents          {"key", "action", "workload"}
    GET  /v1/intents/{id}

Nothing else answers. No route carries content, kubeconfigs or state. Every answer of `/v1/aggregates` has gone through
the telemetry contract; every error is a fixed sentence. The access log holds method, path, status and caller.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import ssl
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from cli import errors
from cli.app import Clock
from cli.gate import config as configuration
from cli.gate.auth import Authenticator, Caller, RefusedError
from cli.gate.intents import BadIntentError, Intents
from cli.gate.sources import Sources
from cli.journal import Journal
from cli.kube.client import KubeClient
from cli.net.http import Deadline
from cli.prom.window import Window
from components.telemetry.contract import VERSION, ContractError, load_contract

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from cli.gate.config import GateConfig

_log = logging.getLogger("twain.gate")

ANSWER_WITHIN_S = 2.6
"""The caller gives the whole exchange 3 s; what is not known by now is said to be unknown."""

MAX_BODY = 256 * 1024
DEFAULT_WINDOW_S = 900.0
LONGEST_WINDOW_S = 31 * 86_400.0
_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, kw_only=True)
class Gate:
    """The parts of a running gate."""

    config: GateConfig
    auth: Authenticator
    sources: Sources
    intents: Intents


_GATE = web.AppKey("gate", Gate)


def make_app(gate: Gate) -> web.Application:
    """The application: routes, the error boundary, and the intents' own start and end."""
    app = web.Application(client_max_size=MAX_BODY, middlewares=[_boundary])
    app[_GATE] = gate
    app.router.add_get("/healthz", _healthz)
    app.router.add_get("/v1/aggregates", _aggregates)
    app.router.add_post("/v1/intents", _post_intent)
    app.router.add_get("/v1/intents/{id}", _get_intent)

    async def begin(_app: web.Application) -> None:
        gate.intents.start()

    async def end(_app: web.Application) -> None:
        await gate.intents.close()

    app.on_startup.append(begin)
    app.on_cleanup.append(end)
    return app


@web.middleware
async def _boundary(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Every error becomes a fixed sentence; what happened inside is for the gate's own log."""
    try:
        return await handler(request)
    except RefusedError as error:
        _log.warning("%s %s refused: %s", request.method, request.path, error)
        said = "the token is not accepted" if error.status == 401 else "the caller may not do this"
        return _error(error.status, said)
    except BadIntentError as error:
        return _error(error.status, str(error))
    except ContractError as error:
        return _error(400, str(error))
    except web.HTTPException as error:
        return _error(error.status, error.reason)
    except errors.TwainError as error:
        _log.warning("%s %s: %s", request.method, request.path, error)
        return _error(503, "the cell's API server gives no answer")


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"message": message}}, status=status)


async def _healthz(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def _admitted(request: web.Request, *, resource: str, verb: str, deadline: Deadline) -> Caller:
    header = request.headers.get("Authorization")
    return await request.app[_GATE].auth.admit(header, resource=resource, verb=verb, deadline=deadline)


async def _aggregates(request: web.Request) -> web.Response:
    deadline = Deadline(ANSWER_WITHIN_S)
    caller = await _admitted(request, resource="aggregates", verb="get", deadline=deadline)
    gate = request.app[_GATE]
    section = request.query.get("section", "")
    window = _window(request.query, now=gate.sources.now())
    filtered, failed = await gate.sources.section(section, window, deadline=deadline)
    _log.info("aggregates %s for %s: %d rows", section, caller.username, len(filtered.items))
    if filtered.dropped or filtered.rejected:
        kept = (filtered.dropped, filtered.rejected, filtered.refused)
        _log.warning("the contract kept back keys %s and %d rows, for what is not declared in %s", *kept)
    return web.json_response(
        {
            "apiVersion": "twain/v1",
            "kind": "Aggregates",
            "contract": VERSION,
            "world": gate.config.world,
            "section": section,
            "partial": bool(failed),
            "errors": failed,
            "suppressed": filtered.suppressed,
            "dropped": sum(filtered.dropped.values()) + filtered.rejected,
            "items": filtered.items,
        }
    )


async def _post_intent(request: web.Request) -> web.Response:
    caller = await _admitted(request, resource="intents", verb="create", deadline=Deadline(ANSWER_WITHIN_S))
    try:
        raw = await request.json()
    except ValueError as error:
        message = "the body is not JSON"
        raise BadIntentError(message) from error
    intent, new = request.app[_GATE].intents.accept(raw, caller=caller.username)
    _log.info("intent %s (%s) of %s: %s", intent.key, intent.action, caller.username, "new" if new else intent.state)
    return web.json_response(intent.as_json(), status=202 if new else 200)


async def _get_intent(request: web.Request) -> web.Response:
    await _admitted(request, resource="intents", verb="get", deadline=Deadline(ANSWER_WITHIN_S))
    intent = request.app[_GATE].intents.get(request.match_info["id"])
    if intent is None:
        return _error(404, "no intent of this id")
    return web.json_response(intent.as_json())


def _window(query: Mapping[str, str], *, now: float) -> Window:
    try:
        end = _moment(query["to"]) if "to" in query else now
        start = _moment(query["from"]) if "from" in query else end - DEFAULT_WINDOW_S
        window = Window(start, min(end, now))
    except ValueError as error:
        message = "`from` and `to` are moments in RFC 3339, `from` before `to` and in the past"
        raise BadIntentError(message) from error
    if window.length_s > LONGEST_WINDOW_S:
        message = "the window is longer than 31 days"
        raise BadIntentError(message)
    return window


def _moment(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _clients(config: GateConfig, *, account: Path, home: Path) -> dict[str, KubeClient]:
    """A client for every cell of the world: our own with the pod's account, the others with their exec plugins."""
    own = KubeClient.in_cluster(
        cell=config.cell,
        host=os.environ["KUBERNETES_SERVICE_HOST"],
        port=os.environ["KUBERNETES_SERVICE_PORT"],
        ca_pem=(account / "ca.crt").read_text(encoding="utf-8"),
        token_path=account / "token",
    )
    others = {facts.cell: KubeClient.for_cell(facts, env=dict(os.environ), home=home) for facts in config.sisters}
    return {config.cell: own, **others}


def build(config: GateConfig, *, clients: Mapping[str, KubeClient], folder: Path, identity: str) -> Gate:
    """A gate out of its parts. `folder` holds its journal and what it remembers; it must survive a restart."""
    return Gate(
        config=config,
        auth=Authenticator(clients[config.cell], time.monotonic),
        sources=Sources(
            config=config, clients=clients, contract=load_contract(), now=time.time, home=folder / "memory"
        ),
        intents=Intents(
            config=config, clients=clients, journal=Journal(folder / "intents.jsonl", clock=Clock()), identity=identity
        ),
    )


async def serve(gate: Gate, *, tls: Path, host: str, port: int, stop: asyncio.Event) -> None:
    """Listen until `stop`. The certificate is read again for new connections when its files change."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(tls / "tls.crt", tls / "tls.key")
    runner = web.AppRunner(make_app(gate), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, ssl_context=context).start()
        _log.info("the gate of world %s listens on %s:%d", gate.config.world, host, port)
        renewal = asyncio.create_task(_renew(context, tls))
        await stop.wait()
        renewal.cancel()
    finally:
        await runner.cleanup()


async def _renew(context: ssl.SSLContext, tls: Path) -> None:
    """Kubernetes swaps the mounted Secret without an event that a process could wait for, so its time is read."""
    seen = (tls / "tls.crt").stat().st_mtime_ns
    while True:
        await asyncio.sleep(30)
        try:
            changed = (tls / "tls.crt").stat().st_mtime_ns
            if changed != seen:
                context.load_cert_chain(tls / "tls.crt", tls / "tls.key")
                seen = changed
        except (OSError, ssl.SSLError) as error:
            _log.warning("the new certificate cannot be read: %s", error)


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="cli.gate.server", description="The gate of a world.")
    parser.add_argument("--config", type=Path, required=True, help="gate.yaml")
    parser.add_argument("--cells", type=Path, help="folder with one JSON file per other cell of the world")
    parser.add_argument("--tls", type=Path, required=True, help="folder with tls.crt and tls.key")
    parser.add_argument("--journal", type=Path, required=True, help="folder that survives a restart")
    parser.add_argument("--listen", required=True, help="ADDRESS:PORT")
    parser.add_argument("--service-account", type=Path, default=None, help="folder with token and ca.crt")
    return parser.parse_args(argv)


async def _run(arguments: argparse.Namespace) -> None:
    config = configuration.load(arguments.config, arguments.cells)
    root = os.environ.get("TWAIN_POD_ROOT", "")
    account = arguments.service_account or Path(f"{root}{_SERVICE_ACCOUNT}")
    arguments.journal.mkdir(parents=True, exist_ok=True)
    clients = _clients(config, account=account, home=arguments.journal / "memory")
    identity = f"{os.environ.get('TWAIN_IDENTITY', 'gate')}@{config.world}"
    gate = build(config, clients=clients, folder=arguments.journal, identity=identity)
    host, _, port = arguments.listen.rpartition(":")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(gate, tls=arguments.tls, host=host.strip("[]"), port=int(port), stop=stop)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the gate until SIGTERM. 2 when its configuration cannot be used."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        asyncio.run(_run(_arguments(sys.argv[1:] if argv is None else argv)))
    except errors.TwainError as error:
        _log.error("%s", error)
        return errors.exit_code(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
