"""A stub API server in a thread, an operator's home folder, and a way to run the command line in this process."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from cli.app import App
from cli.commands import schema
from cli.console import Console
from cli.main import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[3]
FLEET = ROOT / "stacks" / "fleets" / "rehearsal.yaml"
WORKLOAD = ROOT / "examples" / "advisor.yaml"
_LIST = re.compile(r"^/(?:api|apis/[^/]+)/[^/]+(?:/namespaces/([^/]+))?/([a-z]+)$")
_ONE = re.compile(r"^/(?:api|apis/[^/]+)/[^/]+(?:/namespaces/([^/]+))?/([a-z]+)/([^/]+)$")


@dataclass
class Request:
    """One request as the stub saw it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class StubApi:
    """An API server of the simplest kind: objects by path, server-side apply as a replacement, watches that follow.

    `answers` come before everything else: a function of the request that gives `(status, headers, body)`, bytes to be
    written raw, "hang" (accept and say nothing), "reset" (close after the request), or None for the usual answer.
    """

    requests: list[Request] = field(default_factory=list)
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: list[Callable[[Request], Any]] = field(default_factory=list)
    ready: bool = True
    version: int = 1
    port: int = 0
    loop: asyncio.AbstractEventLoop | None = None
    _watchers: list[tuple[str, asyncio.Queue[dict[str, Any]]]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def writes(self) -> list[Request]:
        """Requests that change something, the anchors of the audit log aside: those have tests of their own."""
        changing = [r for r in self.requests if r.method != "GET" and not r.path.endswith("reviews")]
        return [r for r in changing if not (r.path.endswith("/configmaps") or "/configmaps/twain-audit-" in r.path)]

    @property
    def anchors(self) -> dict[str, str]:
        """What is anchored here of the audit log: log to the anchor's text."""
        found = [thing["data"] for path, thing in self.objects.items() if "/configmaps/twain-audit-" in path]
        return found[0] if found else {}

    def put(self, path: str, thing: dict[str, Any]) -> dict[str, Any]:
        """Store an object; Deployments become ready at once when the stub is `ready`."""
        self.version += 1
        old = self.objects.get(path)
        meta = thing.setdefault("metadata", {})
        meta.setdefault("name", path.rsplit("/", 1)[-1])
        if (match := _ONE.match(path)) is not None and match[1]:
            meta.setdefault("namespace", match[1])
        meta["uid"] = old["metadata"]["uid"] if old else f"uid-{self.version}"
        meta["resourceVersion"] = str(self.version)
        meta["generation"] = (old["metadata"]["generation"] + 1) if old else 1
        if thing.get("kind") == "Deployment":
            want = thing["spec"]["replicas"]
            have = want if self.ready else 0
            thing["status"] = {
                "observedGeneration": meta["generation"],
                "replicas": want,
                "updatedReplicas": want,
                "readyReplicas": have,
                "availableReplicas": have,
            }
        self.objects[path] = thing
        self._tell("MODIFIED" if old else "ADDED", path, thing)
        return thing

    def _tell(self, kind: str, path: str, thing: dict[str, Any]) -> None:
        for prefix, queue in self._watchers:
            if path.rsplit("/", 1)[0].endswith(prefix.rsplit("/", 1)[-1]):
                assert self.loop is not None
                self.loop.call_soon_threadsafe(queue.put_nowait, {"type": kind, "object": thing})

    def usual(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        """The answer of an API server that works."""
        path = request.path
        if path == "/version":
            return _ok({"major": "1", "minor": "36", "gitVersion": "v1.36.3"})
        if request.method == "PATCH":
            existed = path in self.objects
            return _ok(self.put(path, request.json), 200 if existed else 201)
        if request.method == "PUT":
            told = request.json["metadata"].get("resourceVersion")
            if told and path in self.objects and told != self.objects[path]["metadata"]["resourceVersion"]:
                return _status(409, "Conflict", f"{path} has been modified")
            return _ok(self.put(path, request.json))
        if request.method == "POST":
            return self._create(request)
        if request.method == "DELETE":
            gone = self.objects.pop(path, None)
            return _ok({"kind": "Status", "status": "Success"}) if gone else _missing(path)
        if path in self.objects:
            return _ok(self.objects[path])
        match = _LIST.match(path)
        return self._list(match[1], match[2], request) if match else _missing(path)

    def _create(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        thing = request.json
        if request.path.endswith("/token"):
            wanted = thing["spec"]
            status = {
                "token": f"token-for-{','.join(wanted['audiences'])}",
                "expirationTimestamp": "2027-01-01T00:00:00Z",
            }
            return _ok({**thing, "status": status}, 201)
        path = f"{request.path}/{thing['metadata']['name']}"
        if path in self.objects:
            return _status(409, "AlreadyExists", f"{path} already exists")
        return _ok(self.put(path, thing), 201)

    def _list(self, namespace: str | None, plural: str, request: Request) -> tuple[int, dict[str, str], bytes]:
        selector = dict(part.partition("=")[::2] for part in request.query.get("labelSelector", "").split(",") if part)
        items = []
        for path, thing in sorted(self.objects.items()):
            match = _ONE.match(path)
            if match is None or match[2] != plural or (namespace and match[1] != namespace):
                continue
            labels = (thing.get("metadata") or {}).get("labels") or {}
            if all(name in labels and value in {"", labels[name]} for name, value in selector.items()):
                items.append(thing)
        return _ok({"kind": "List", "metadata": {"resourceVersion": str(self.version)}, "items": items})

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read(reader)) is not None:
                self.requests.append(request)
                if not await self._answer(request, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        answer: Any = None
        for rule in self.answers:
            answer = rule(request)
            if answer is not None:
                break
        if answer == "hang":
            await asyncio.sleep(30)
            return False
        if answer == "reset":
            return False
        if isinstance(answer, bytes):
            writer.write(answer)
            await writer.drain()
            return False
        if answer is None and request.query.get("watch"):
            await self._watch(request, writer)
            return False
        status, headers, body = answer or self.usual(request)
        head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(head.encode() + b"\r\n" + body)
        await writer.drain()
        return True

    async def _watch(self, request: Request, writer: asyncio.StreamWriter) -> None:
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._watchers.append((request.path, queue))
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            line = json.dumps(await queue.get()).encode() + b"\n"
            writer.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
            await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    parts = urlsplit(target)
    query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    return Request(method, parts.path, query, headers, body)


def _ok(value: Any, status: int = 200) -> tuple[int, dict[str, str], bytes]:
    return status, {"content-type": "application/json"}, json.dumps(value).encode()


def _status(code: int, reason: str, message: str, **more: Any) -> tuple[int, dict[str, str], bytes]:
    return _ok({"kind": "Status", "status": "Failure", "reason": reason, "message": message, **more}, code)


def _missing(path: str) -> tuple[int, dict[str, str], bytes]:
    return _status(404, "NotFound", f"{path} not found")


@pytest.fixture
def status() -> Callable[..., tuple[int, dict[str, str], bytes]]:
    """Builds a Kubernetes Status answer."""
    return _status


@pytest.fixture
def make_api() -> Iterator[Callable[[], StubApi]]:
    """Starts stub API servers on loopback; all end with the test."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    servers: list[asyncio.Server] = []

    def make() -> StubApi:
        api = StubApi()

        async def start() -> None:
            server = await asyncio.start_server(api.serve, "127.0.0.1", 0)
            servers.append(server)
            api.port = server.sockets[0].getsockname()[1]
            api.loop = loop

        asyncio.run_coroutine_threadsafe(start(), loop).result(5)
        return api

    yield make

    async def stop() -> None:
        for server in servers:
            server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run_coroutine_threadsafe(stop(), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


@pytest.fixture
def api(make_api: Callable[[], StubApi]) -> StubApi:
    """One stub API server."""
    return make_api()


@dataclass
class Ran:
    """What one command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Stream(io.StringIO):
    """Text as a terminal or a pipe of an encoding would take it."""

    def __init__(self, *, tty: bool = False, encoding: str = "utf-8") -> None:
        super().__init__()
        self._tty, self._encoding = tty, encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return self._tty


@dataclass
class Operator:
    """A home folder with one context of world row, and its cells on stub API servers."""

    home: Path
    world: str = "row"
    gates: dict[str, dict[str, str]] = field(default_factory=dict)
    fleet: Path = FLEET
    tools: str = ":/usr/bin:/bin"

    def write(self) -> None:
        """Write contexts.json."""
        context = {
            "world": self.world,
            "identity": "sre",
            "fleet": str(self.fleet),
            "env": {"PATH": f"{self.home / 'bin'}{self.tools}"},
            "gates": self.gates,
        }
        document = {"current": "test", "contexts": {"test": context}}
        (self.home / "contexts.json").write_text(json.dumps(document))

    def cell(self, name: str, endpoint: str, *, cloud: str = "gcp", region: str = "europe-west4") -> None:
        """Make a cell known."""
        folder = self.home / "cells"
        folder.mkdir(exist_ok=True)
        facts = {
            "cell": name, "world": self.world, "cloud": cloud, "region": region, "endpoint": endpoint, "ca": None,
            "exec": {"command": "gke-gcloud-auth-plugin", "args": [], "env": {}},
        }  # fmt: skip
        (folder / f"{name}.json").write_text(json.dumps(facts))

    def app(self, *, tty: bool = False, encoding: str = "utf-8", env: dict[str, str] | None = None) -> App:
        console = Console(out=Stream(tty=tty, encoding=encoding), err=Stream(encoding=encoding), env=env or {})
        return App(home=self.home, console=console)

    def twain(self, *args: str, **terminal: Any) -> Ran:
        """Run one command in this process."""
        app = self.app(**terminal)
        code = run(list(args), app)
        ran = Ran(code, app.console.out.getvalue(), app.console.err.getvalue())  # type: ignore[attr-defined]
        if "json" in args and ran.out.startswith("{"):
            assert_declared(ran.json)
        return ran


def assert_declared(document: dict[str, Any]) -> None:
    """Every answer has the shape that `twain schema` tells: the same keys, in the items and beside them."""
    declared = schema.kinds()[document["kind"]]
    assert set(document) == {"apiVersion", "kind", "partial", "errors", "items", *declared.extra}
    for item in document["items"]:
        assert set(item) == set(declared.item), document["kind"]
    for error in document["errors"]:
        assert {"id", "cell", "message", "fix"} <= set(error) <= {"id", "cell", "message", "fix", "world"}


PLUGIN = """#!/bin/sh
echo '{"kind":"ExecCredential","status":{"token":"tok-1","expirationTimestamp":"2099-01-01T00:00:00Z"}}'
"""


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """An operator of world row with a credential plugin that works."""
    home = tmp_path / "home"
    (home / "bin").mkdir(parents=True)
    plugin = home / "bin" / "gke-gcloud-auth-plugin"
    plugin.write_text(PLUGIN)
    plugin.chmod(0o755)
    made = Operator(home)
    made.write()
    return made


@pytest.fixture
def row(operator: Operator, make_api: Callable[[], StubApi]) -> tuple[Operator, StubApi, StubApi]:
    """An operator with both row cells on stub API servers."""
    ams, par = make_api(), make_api()
    operator.cell("eu-ams-1", ams.url)
    operator.cell("eu-par-1", par.url, cloud="azure", region="francecentral")
    return operator, ams, par


@pytest.fixture(autouse=True)
def _no_ambient_context(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TWAIN_")]:
        monkeypatch.delenv(name)
