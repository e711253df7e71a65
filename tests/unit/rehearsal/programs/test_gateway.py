"""The gateway over a fake API server and fake engines, all on loopback: TLS, keys, weights, drain, streams."""

from __future__ import annotations

import asyncio
import base64
import datetime
import ipaddress
import json
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from rehearsal.kube.client import Access, KubeClient
from rehearsal.programs import gateway
from rehearsal.programs.gateway_state import ClusterState
from rehearsal.programs.load import Endpoint, Generator
from rehearsal.programs.load_plan import Plan, Target

KEY = "key-of-the-test"
COLLECTIONS = {
    "gateways": "/apis/gateway.networking.k8s.io/v1/namespaces/twain-system/gateways",
    "httproutes": "/apis/gateway.networking.k8s.io/v1/httproutes",
    "inferencepools": "/apis/inference.networking.k8s.io/v1/inferencepools",
    "services": "/api/v1/services",
    "secrets": "/api/v1/namespaces/twain-system/secrets",
    "namespaces": "/api/v1/namespaces",
    "pods": "/api/v1/pods",
}


@dataclass
class FakeApi:
    """List and watch, as much as an informer needs."""

    items: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {kind: {} for kind in COLLECTIONS})
    watchers: dict[str, list[asyncio.Queue[dict[str, Any]]]] = field(default_factory=dict)
    version: int = 1

    def put(self, kind: str, item: dict[str, Any], event: str = "") -> None:
        self.version += 1
        item["metadata"] |= {"resourceVersion": str(self.version)}
        item["metadata"].setdefault("uid", f"{kind}-{item['metadata']['name']}")
        name = item["metadata"]["name"]
        known = name in self.items[kind]
        if event == "DELETED":
            self.items[kind].pop(name)
        else:
            self.items[kind][name] = item
        for queue in self.watchers.get(kind, []):
            queue.put_nowait({"type": event or ("MODIFIED" if known else "ADDED"), "object": item})

    def application(self) -> web.Application:
        app = web.Application()
        for kind, path in COLLECTIONS.items():
            app.router.add_get(path, self._handler(kind))
        return app

    def _handler(self, kind: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            if "watch" not in request.query:
                found = list(self.items[kind].values())
                return web.json_response({"items": found, "metadata": {"resourceVersion": str(self.version)}})
            queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
            self.watchers.setdefault(kind, []).append(queue)
            response = web.StreamResponse()
            await response.prepare(request)
            while True:
                await response.write(json.dumps(await queue.get()).encode() + b"\n")

        return handle


@dataclass
class FakeEngine:
    """Answers with its name; streams slowly; counts what it got."""

    name: str
    seen: list[web.Request] = field(default_factory=list)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    runner: web.AppRunner | None = None

    async def start(self, address: str, port: int) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self.runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, address, port).start()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        if request.path.endswith("/stream"):
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            await response.write(b"data: 1\n\n")
            await self.release.wait()
            await response.write(b"data: 2\n\n")
            return response
        if request.path.endswith("/chat/completions"):
            usage = {"prompt_tokens": 5, "completion_tokens": 8}
            if not (await request.json())["stream"]:
                return web.json_response({"usage": usage})
            chunks = [{"choices": [{"delta": {"content": "x"}}]}, {"choices": [], "usage": usage}]
            lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
            return web.Response(text="".join(lines) + "data: [DONE]\n\n", content_type="text/event-stream")
        return web.json_response({"pod": self.name, "path": request.path_qs, "headers": dict(request.headers)})


def _pod(name: str, address: str, *, ready: bool = True, **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "maison-a", "labels": labels},
        "spec": {"containers": [{"name": "c", "ports": [{"name": "http", "containerPort": 8000}]}]},
        "status": {"podIP": address, "conditions": [{"type": "Ready", "status": "True" if ready else "False"}]},
    }


def _route(name: str, *backends: dict[str, Any]) -> dict[str, Any]:
    rewrite = {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}}
    match = {"path": {"type": "PathPrefix", "value": f"/a/{name}/"}}
    rule = {"matches": [match], "filters": [rewrite], "backendRefs": list(backends)}
    parent = {"name": "cell", "namespace": "twain-system"}
    return {
        "metadata": {"name": name, "namespace": "maison-a"},
        "spec": {"parentRefs": [parent], "rules": [rule]},
    }


def _pool(name: str, port: int, **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "maison-a"},
        "spec": {"selector": {"matchLabels": labels}, "targetPorts": [{"number": port}]},
    }


@pytest.fixture(scope="module")
def certificate() -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gateway")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.public_bytes(pem), private


@dataclass
class Setup:
    api: FakeApi
    engines: dict[str, FakeEngine]
    session: aiohttp.ClientSession
    url: str
    port: int
    log: list[Any]
    stop: asyncio.Event

    async def get(self, path: str, *, key: str | None = KEY) -> tuple[int, Any]:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        async with self.session.get(f"{self.url}{path}", headers=headers) as answer:
            return answer.status, await answer.json()

    def stream(self) -> Any:
        return self.session.get(f"{self.url}/a/advisor/stream", headers={"Authorization": f"Bearer {KEY}"})

    async def until(self, path: str, status: int) -> None:
        for _ in range(200):
            if (await self.get(path))[0] == status:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"{path} never answered {status}")


def _secret(name: str, **data: bytes) -> dict[str, Any]:
    encoded = {key.replace("_", "."): base64.b64encode(value).decode() for key, value in data.items()}
    return {"metadata": {"name": name, "namespace": "twain-system"}, "data": encoded}


@asynccontextmanager
async def _cell(certificate: tuple[bytes, bytes], free_port: Callable[[], int]) -> AsyncIterator[Setup]:
    api, engine_port = FakeApi(), free_port()
    engines = {name: FakeEngine(name) for name in ("one", "two")}
    for index, engine in enumerate(engines.values()):
        await engine.start(f"127.0.0.{index + 2}", engine_port)
        api.put("pods", _pod(engine.name, f"127.0.0.{index + 2}", app="advisor", half=engine.name))
    api.put("namespaces", {"metadata": {"name": "maison-a", "labels": {"twain/maison": "a"}}})
    selector = {"matchExpressions": [{"key": "twain/maison", "operator": "Exists"}]}
    allowed = {"namespaces": {"from": "Selector", "selector": selector}}
    listener = {"tls": {"certificateRefs": [{"name": "gateway-tls"}]}, "allowedRoutes": allowed}
    api.put("gateways", {"metadata": {"name": "cell", "namespace": "twain-system"}, "spec": {"listeners": [listener]}})
    api.put("secrets", _secret("gateway-tls", tls_crt=certificate[0], tls_key=certificate[1]))
    api.put("secrets", _secret("gateway-keys", load=KEY.encode()))
    api.put("inferencepools", _pool("advisor", engine_port, app="advisor"))
    api.put("httproutes", _route("advisor", {"kind": "InferencePool", "name": "advisor"}))
    runner = web.AppRunner(api.application(), handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    api_port, port = free_port(), free_port()
    await web.TCPSite(runner, "127.0.0.1", api_port).start()
    log: list[Any] = []
    listening, stop = asyncio.Event(), asyncio.Event()

    def write(entry: Any) -> None:
        log.append(entry)
        listening.set()

    trust = ssl.create_default_context(cadata=certificate[0].decode())
    state = ClusterState(namespace="twain-system", name="cell", keys_secret="gateway-keys")
    access = Access(server=f"http://127.0.0.1:{api_port}", ca_pem=certificate[0].decode())
    connector = aiohttp.TCPConnector(ssl=trust, force_close=True)
    async with KubeClient(access) as client, aiohttp.ClientSession(connector=connector) as session:
        served = asyncio.create_task(
            gateway.serve(client=client, state=state, listen=("127.0.0.1", port), log=write, stop=stop)
        )
        try:
            await asyncio.wait_for(listening.wait(), timeout=5)
            yield Setup(api, engines, session, f"https://127.0.0.1:{port}", engine_port, log, stop)
        finally:
            stop.set()
            await asyncio.wait_for(served, timeout=5)
            for one in (runner, *(engine.runner for engine in engines.values())):
                if one is not None:
                    await one.cleanup()


@pytest.fixture
def run(
    certificate: tuple[bytes, bytes], free_port: Callable[[], int]
) -> Callable[[Callable[[Setup], Awaitable[None]]], None]:
    def with_cell(body: Callable[[Setup], Awaitable[None]]) -> None:
        async def scenario() -> None:
            async with _cell(certificate, free_port) as setup:
                await body(setup)

        asyncio.run(scenario())

    return with_cell


Run = Callable[[Callable[[Setup], Awaitable[None]]], None]


def test_without_a_known_key_nobody_gets_in_and_no_engine_is_asked(run: Run) -> None:
    async def body(cell: Setup) -> None:
        for key in (None, "wrong", ""):
            status, found = await cell.get("/a/advisor/v1/models", key=key)
            assert status == 401
            assert found["error"]["type"] == "unauthorized"
        assert not cell.engines["one"].seen
        assert not cell.engines["two"].seen
        cell.api.put("secrets", _secret("gateway-keys", other=b"renewed"))
        await cell.until("/a/advisor/", 401)
        assert (await cell.get("/a/advisor/", key="renewed"))[0] == 200

    run(body)


def test_a_request_is_rewritten_spread_over_pods_and_logged_without_its_key(run: Run) -> None:
    async def body(cell: Setup) -> None:
        found = [await cell.get("/a/advisor/v1/models?x=1") for _ in range(6)]
        assert {status for status, _ in found} == {200}
        assert {answer["path"] for _, answer in found} == {"/v1/models?x=1"}
        assert Counter(answer["pod"] for _, answer in found) == {"one": 3, "two": 3}
        headers = {name.lower() for name in found[0][1]["headers"]}
        assert "x-request-id" in headers
        assert "authorization" not in headers
        entry = cell.log[-1]
        assert (entry["status"], entry["key"], entry["route"], entry["path"]) == (
            200,
            "load",
            "maison-a/advisor",
            "/a/advisor/v1/models",
        )
        assert KEY not in json.dumps(cell.log)

    run(body)


def test_a_path_without_a_route_is_404(run: Run) -> None:
    async def body(cell: Setup) -> None:
        assert (await cell.get("/a/other/v1/models"))[0] == 404

    run(body)


def test_an_unready_or_terminating_pod_gets_no_new_request_and_finishes_its_old_one(run: Run) -> None:
    async def body(cell: Setup) -> None:
        cell.api.put("pods", _pod("two", "127.0.0.3", ready=False, app="advisor"))
        await asyncio.sleep(0.1)
        async with cell.stream() as answer:
            assert await answer.content.readline() == b"data: 1\n"
            leaving = _pod("one", "127.0.0.2", app="advisor")
            leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
            cell.api.put("pods", leaving)
            await cell.until("/a/advisor/", 503)
            _, found = await cell.get("/a/advisor/")
            assert found["error"]["type"] == "no_ready_endpoint"
            cell.engines["one"].release.set()
            assert (await answer.read()).endswith(b"data: 2\n\n")
        cell.api.put("pods", _pod("two", "127.0.0.3", app="advisor"))
        await cell.until("/a/advisor/", 200)
        assert (await cell.get("/a/advisor/"))[1]["pod"] == "two"

    run(body)


def test_a_pod_that_refuses_the_connection_is_passed_over(run: Run) -> None:
    async def body(cell: Setup) -> None:
        runner = cell.engines["one"].runner
        assert runner is not None
        await runner.cleanup()
        found = [await cell.get("/a/advisor/") for _ in range(4)]
        assert [answer["pod"] for _, answer in found] == ["two"] * 4

    run(body)


def test_backends_are_chosen_by_weight_also_plain_services(run: Run) -> None:
    async def body(cell: Setup) -> None:
        cell.api.put("inferencepools", _pool("only-one", cell.port, half="one"))
        service = {"metadata": {"name": "only-two", "namespace": "maison-a"}}
        service["spec"] = {"selector": {"half": "two"}, "ports": [{"port": 80, "targetPort": cell.port}]}  # type: ignore[assignment]
        cell.api.put("services", service)
        pool = {"kind": "InferencePool", "name": "only-one", "weight": 3}
        cell.api.put("httproutes", _route("split", pool, {"name": "only-two", "port": 80, "weight": 1}))
        await cell.until("/a/split/", 200)
        count = Counter([(await cell.get("/a/split/"))[1]["pod"] for _ in range(40)])
        assert count == {"one": 30, "two": 10}

    run(body)


def test_chunks_pass_as_they_come(run: Run) -> None:
    async def body(cell: Setup) -> None:
        async with cell.stream() as answer:
            first = await asyncio.wait_for(answer.content.readline(), timeout=2)
            assert first == b"data: 1\n"
            for engine in cell.engines.values():
                engine.release.set()
            assert b"data: 2" in await answer.read()

    run(body)


def test_sigterm_lets_a_request_in_flight_finish(run: Run) -> None:
    async def body(cell: Setup) -> None:
        async with cell.stream() as answer:
            await answer.content.readline()
            cell.stop.set()
            await asyncio.sleep(0.05)
            with pytest.raises(aiohttp.ClientConnectorError):
                await cell.get("/a/advisor/")
            for engine in cell.engines.values():
                engine.release.set()
            assert b"data: 2" in await answer.read()

    run(body)


def test_seeded_load_goes_through_the_gateway_at_the_asked_rate(
    run: Run, certificate: tuple[bytes, bytes], tmp_path: Any
) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_bytes(certificate[0])

    async def body(cell: Setup) -> None:
        target = Target("a", "advisor", "m")
        plan = Plan(targets=(target,), rate=50, duration=1.0, requests=100, seed=3, arrivals="constant")
        paused = iter([True] * 5 + [False] * 200)
        endpoint = Endpoint(url=cell.url, key=KEY, ca_file=authority)
        tally = await Generator(plan, endpoint, paused=lambda: next(paused)).run()
        summary = tally.summary()
        assert summary["statuses"] == {"200": 45}
        assert summary["skippedWhilePaused"] == 5
        assert summary["tokens"] == {"prompt": 225, "generation": 360}
        assert [result.index for result in tally.results] == list(range(5, 50))
        assert all((result.ttft is not None) == result.streamed for result in tally.results)
        assert max(result.delay for result in tally.results) < 0.5
        wrong = await Generator(plan, Endpoint(url=cell.url, key="wrong", ca_file=authority)).run()
        assert set(wrong.summary()["statuses"]) == {"401"}

    run(body)
