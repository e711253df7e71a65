"""A gate in this process, over TLS, with a stub API server behind it and the real client before it."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import json
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cli.context import GateAccess
from cli.gate import server
from cli.gate.config import GateConfig
from cli.kube.client import KubeClient, StaticToken
from cli.net.http import HttpClient
from cli.serve.manifests import Pool

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

PROXY = "/api/v1/namespaces/twain-system/services/prometheus:9090/proxy/api/v1/query"
SECRET = "canary-pod-7f9c"


def certificate(folder: Path) -> None:
    """A self-signed certificate that is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gate")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "tls.key").write_bytes(pem)
    (folder / "tls.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))


@dataclass
class World:
    """What the stub API server of the gate's cell says."""

    api: Any
    folder: Path
    authenticated: bool = True
    audiences: tuple[str, ...] = ("twain-gate",)
    allowed: tuple[str, ...] = ("aggregates/get", "intents/create", "intents/get")
    matrix: list[dict[str, Any]] = field(default_factory=list)
    vector: list[dict[str, Any]] = field(default_factory=list)
    reviews: list[str] = field(default_factory=list)
    now: float = 0.0

    def __post_init__(self) -> None:
        self.api.answers.append(self.answer)
        certificate(self.folder)
        (self.folder / "token").write_text("the-gate-token\n")
        (self.folder / "token").chmod(0o600)

    def answer(self, request: Any) -> Any:
        if request.path.endswith("/tokenreviews"):
            self.reviews.append("token")
            assert request.json["spec"]["audiences"] == ["twain-gate"]
            user = {"username": "system:serviceaccount:twain-system:row-sre", "uid": "u1", "groups": ["g"]}
            known = self.authenticated and request.json["spec"]["token"] == "the-gate-token"
            status = {"authenticated": known, **({"user": user, "audiences": list(self.audiences)} if known else {})}
            return self.json({"status": status}, 201)
        if request.path.endswith("/subjectaccessreviews"):
            self.reviews.append("access")
            asked = request.json["spec"]["resourceAttributes"]
            assert asked["group"] == "gate.twain"
            return self.json({"status": {"allowed": f"{asked['resource']}/{asked['verb']}" in self.allowed}}, 201)
        if request.path == PROXY:
            query = request.query["query"]
            result, kind = (self.matrix, "matrix") if query.endswith("ms]") else (self.vector_for(query), "vector")
            return self.json({"status": "success", "data": {"resultType": kind, "result": result}})
        return None

    def vector_for(self, query: str) -> list[dict[str, Any]]:
        return [{"metric": {}, "value": [0, "1"]}] if query == "count(up)" else []

    def json(self, value: Any, status: int = 200) -> tuple[int, dict[str, str], bytes]:
        return status, {"content-type": "application/json"}, json.dumps(value).encode()

    def kube(self) -> KubeClient:
        return KubeClient("cn-sha-1", HttpClient(self.api.url), StaticToken("inside"), 5.0)

    def gate(self) -> server.Gate:
        config = GateConfig(
            world="cn",
            cell="cn-sha-1",
            cloud="alicloud",
            region="cn-shanghai",
            registry="registry.example",
            access="api-proxy",
            gpu_quota={"aurelia": 8, "calisto": 4},
            pools=(Pool(name="gpu80g", gpu_class="gpu-80g", gpus_per_node=1, max=4),),
        )
        return server.build(config, clients={"cn-sha-1": self.kube()}, folder=self.folder, identity="gate@cn")

    def access(self, port: int) -> GateAccess:
        ca = (self.folder / "tls.crt").read_text()
        url = f"https://127.0.0.1:{port}"
        return GateAccess(world="cn", url=url, ca_pem=ca, token_file=self.folder / "token")

    @asynccontextmanager
    async def running(self, gate: server.Gate | None = None) -> AsyncGenerator[GateAccess]:
        """A gate that listens; yields how to reach it."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        stop = asyncio.Event()
        task = asyncio.create_task(
            server.serve(gate or self.gate(), tls=self.folder, host="127.0.0.1", port=port, stop=stop)
        )
        for _ in range(500):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)
        try:
            yield self.access(port)
        finally:
            stop.set()
            await task

    def deployment(
        self, name: str, *, maison: str = "aurelia", replicas: int = 2, annotations: dict[str, str] | None = None
    ) -> None:
        path = f"/apis/apps/v1/namespaces/maison-{maison}/deployments/{name}"
        labels = {"twain/workload": name, "twain/maison": maison, "twain/revision": "abc123", "owner": SECRET}
        found = {
            "twain/image-digest": f"sha256:{'a' * 64}",
            "twain/weights-digest": f"sha256:{'b' * 64}",
            "twain/served-name": "qwen3-32b",
            **(annotations or {}),
        }
        self.api.put(
            path,
            {
                "kind": "Deployment",
                "metadata": {"name": name, "labels": labels, "annotations": found},
                "spec": {"replicas": replicas},
            },
        )


@pytest.fixture
def make_certificate() -> Callable[[Path], None]:
    """Writes a new certificate into a folder."""
    return certificate


@pytest.fixture
def world(api: Any, tmp_path: Path) -> World:
    """The cn world with its gate cell on a stub API server."""
    return World(api, tmp_path)
