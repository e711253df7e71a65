"""A blocking client of one API server for the kubernetes provider: kubeconfig in, JSON in and out, one connection
per thread."""

from __future__ import annotations

import base64
import datetime
import http.client
import json
import os
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TIMEOUT_S: Final = 30.0
_CONNECT_TIMEOUT_S: Final = 5.0
_PLUGIN_TIMEOUT_S: Final = 15.0
# A token that ends sooner than this is fetched again, so that none ends on its way.
_TOKEN_MARGIN_S: Final = 60.0
_BODY_LIMIT: Final = 64 * 1024 * 1024

Object = dict[str, Any]


class KubeconfigError(RuntimeError):
    """The kubeconfig cannot be used; says which part."""


class UnreachableError(RuntimeError):
    """The cluster does not answer, or its credential plugin gave none; names the cluster."""


class ApiError(RuntimeError):
    """The API server's refusal: HTTP status and Kubernetes' own reason and message."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{reason or status}: {message}")
        self.status = status
        self.reason = reason


@dataclass(kw_only=True)
class Access:
    """One kubeconfig context. `name` is the cluster's name in it."""

    name: str
    server: str
    ca_pem: str
    cert_pem: str = ""
    key_pem: str = ""
    token: str = ""
    exec_spec: Mapping[str, Any] | None = None
    token_ends: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def parse(cls, text: str, *, context: str | None = None) -> Access:
        """From the text of a kubeconfig, or the path of one. Raises `KubeconfigError`."""
        try:
            raw = yaml.safe_load(text)
            if isinstance(raw, str):
                raw = yaml.safe_load(Path(raw).expanduser().read_text(encoding="utf-8"))
            wanted = context or raw["current-context"]
            chosen = next(entry["context"] for entry in raw["contexts"] if entry["name"] == wanted)
            cluster = next(entry["cluster"] for entry in raw["clusters"] if entry["name"] == chosen["cluster"])
            user = next(entry["user"] for entry in raw["users"] if entry["name"] == chosen["user"])
            return cls(
                name=str(chosen["cluster"]),
                server=str(cluster["server"]).rstrip("/"),
                ca_pem=_pem(cluster, "certificate-authority"),
                cert_pem=_pem(user, "client-certificate"),
                key_pem=_pem(user, "client-key"),
                token=str(user.get("token") or ""),
                exec_spec=user.get("exec"),
            )
        except (yaml.YAMLError, KeyError, TypeError, StopIteration, OSError, ValueError) as error:
            message = f"the provider's kubeconfig cannot be used: {type(error).__name__}: {error}"
            raise KubeconfigError(message) from error

    def bearer(self) -> str:
        """The bearer token, fetched by the exec plugin when there is one. Raises `UnreachableError`."""
        if self.exec_spec is None:
            return self.token
        with self.lock:
            if not self.token or time.time() > self.token_ends - _TOKEN_MARGIN_S:
                self._run_plugin(self.exec_spec)
            return self.token

    def _run_plugin(self, spec: Mapping[str, Any]) -> None:
        command = [str(spec["command"]), *map(str, spec.get("args") or ())]
        info = {"apiVersion": spec.get("apiVersion"), "kind": "ExecCredential", "spec": {"interactive": False}}
        environment = {**os.environ, "KUBERNETES_EXEC_INFO": json.dumps(info)}
        environment.update({entry["name"]: entry["value"] for entry in spec.get("env") or ()})
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=_PLUGIN_TIMEOUT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            message = f"cluster {self.name}: the credential plugin {command[0]} cannot be run: {error}"
            raise UnreachableError(message) from error
        if done.returncode != 0:
            message = f"cluster {self.name}: the credential plugin {command[0]} failed: {done.stderr.strip()[-500:]}"
            raise UnreachableError(message)
        try:
            status = json.loads(done.stdout)["status"]
        except (ValueError, KeyError) as error:
            message = f"cluster {self.name}: the credential plugin {command[0]} gave no ExecCredential"
            raise UnreachableError(message) from error
        self.token = str(status.get("token") or "")
        self.cert_pem = str(status.get("clientCertificateData") or self.cert_pem)
        self.key_pem = str(status.get("clientKeyData") or self.key_pem)
        ends = status.get("expirationTimestamp")
        self.token_ends = datetime.datetime.fromisoformat(ends).timestamp() if ends else time.time() + 300


class KubeApi:
    """One cluster. All methods may run in any thread. Reads may be repeated; an apply too, for it is idempotent."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._local = threading.local()
        self._kinds: dict[str, dict[str, tuple[str, bool]]] = {}

    def path(self, manifest: Object, *, default_namespace: str = "default") -> str:
        """Where the object of a manifest lives. Raises `ApiError` 404 when the cluster does not know its kind."""
        api_version, kind = str(manifest["apiVersion"]), str(manifest["kind"])
        plural, namespaced = self._kind(api_version, kind)
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        metadata = manifest["metadata"]
        name = urllib.parse.quote(str(metadata["name"]), safe="")
        if not namespaced:
            return f"{root}/{plural}/{name}"
        namespace = urllib.parse.quote(str(metadata.get("namespace") or default_namespace), safe="")
        return f"{root}/namespaces/{namespace}/{plural}/{name}"

    def get(self, path: str) -> Object | None:
        """The object, or None when it is not there."""
        try:
            return self._request("GET", path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def apply(self, path: str, manifest: Object, *, manager: str, dry_run: bool = False, force: bool = False) -> Object:
        """Server-side apply with strict field validation; returns the object as the server has it."""
        query = {"fieldManager": manager, "force": str(force).lower(), "fieldValidation": "Strict"}
        if dry_run:
            query["dryRun"] = "All"
        body = json.dumps(manifest).encode()
        return self._request(
            "PATCH", f"{path}?{urllib.parse.urlencode(query)}", body=body, content="application/apply-patch+yaml"
        )

    def delete(self, path: str) -> Object | None:
        """Begin the deletion (dependents too); the object as it is then, or None when it is gone already."""
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        try:
            return self._request("DELETE", path, body=json.dumps(options).encode())
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def wait_gone(self, path: str, *, uid: str, timeout_s: float) -> bool:
        """Watch until the object with this uid is gone; False when the time is over."""
        ends = time.monotonic() + timeout_s
        collection, _slash, name = path.rpartition("/")
        while (left := ends - time.monotonic()) > 0:
            found = self.get(path)
            if found is None or found["metadata"]["uid"] != uid:
                return True
            query = urllib.parse.urlencode(
                {
                    "watch": "true",
                    "fieldSelector": f"metadata.name={urllib.parse.unquote(name)}",
                    "resourceVersion": found["metadata"]["resourceVersion"],
                    "timeoutSeconds": str(max(1, int(left))),
                }
            )
            if any(event.get("type") == "DELETED" for event in self._stream(f"{collection}?{query}", timeout_s=left)):
                return True
        return False

    def _kind(self, api_version: str, kind: str) -> tuple[str, bool]:
        known = self._kinds.get(api_version, {})
        if kind not in known:
            root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
            try:
                listed = self._request("GET", root)["resources"]
            except ApiError as error:
                if error.status != 404:
                    raise
                listed = []
            known = {
                entry["kind"]: (entry["name"], entry["namespaced"]) for entry in listed if "/" not in entry["name"]
            }
            self._kinds[api_version] = known
        if kind not in known:
            raise ApiError(404, "NotFound", f"cluster {self.access.name} knows no kind {kind} in {api_version}")
        return known[kind]

    def _request(self, method: str, path: str, *, body: bytes | None = None, content: str = "application/json") -> Any:
        for attempt in (1, 2):
            try:
                connection = self._connection()
                connection.request(method, path, body=body, headers=self._headers(content if body else ""))
                response = connection.getresponse()
                raw = response.read(_BODY_LIMIT)
            except (OSError, http.client.HTTPException) as error:
                self._drop()
                # A kept connection may have been closed by the server meanwhile; everything here may be sent again.
                if attempt == 1 and isinstance(
                    error, http.client.RemoteDisconnected | ConnectionResetError | BrokenPipeError
                ):
                    continue
                raise UnreachableError(self._unreachable(error)) from error
            if response.status < 400:
                return json.loads(raw) if raw else {}
            raise _refusal(response.status, raw)
        raise AssertionError(method)

    def _stream(self, path: str, *, timeout_s: float) -> Iterator[Object]:
        """Watch events on a connection of their own, until the server ends or the time is over."""
        connection = self._connect(timeout_s=timeout_s + 5)
        try:
            connection.request("GET", path, headers=self._headers(""))
            response = connection.getresponse()
            if response.status >= 400:
                return
            for line in response:
                yield json.loads(line)
        except (TimeoutError, OSError, http.client.HTTPException, ValueError):
            return
        finally:
            connection.close()

    def _headers(self, content: str) -> dict[str, str]:
        headers = {"Accept": "application/json"} | ({"Content-Type": content} if content else {})
        token = self.access.bearer()
        return headers | ({"Authorization": f"Bearer {token}"} if token else {})

    def _connection(self) -> http.client.HTTPSConnection:
        if getattr(self._local, "connection", None) is None:
            # The plugin may bring a client certificate, so it runs before the first handshake.
            self.access.bearer()
            self._local.connection = self._connect(timeout_s=_TIMEOUT_S)
        return self._local.connection

    def _connect(self, *, timeout_s: float) -> http.client.HTTPSConnection:
        address = urllib.parse.urlsplit(self.access.server)
        context = ssl.create_default_context(cadata=self.access.ca_pem or None)
        if self.access.cert_pem:
            # The ssl module reads certificates from files only; this one lives for this call, readable by us alone.
            with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
                file.write(f"{self.access.cert_pem}\n{self.access.key_pem}\n")
                file.flush()
                context.load_cert_chain(file.name)
        connection = http.client.HTTPSConnection(
            address.hostname or "", address.port or 443, timeout=_CONNECT_TIMEOUT_S, context=context
        )
        try:
            connection.connect()
        except OSError as error:
            raise UnreachableError(self._unreachable(error)) from error
        connection.sock.settimeout(timeout_s)
        return connection

    def _drop(self) -> None:
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    def _unreachable(self, error: Exception) -> str:
        return (
            f"cluster {self.access.name} is unreachable at {self.access.server}: {error or type(error).__name__}; "
            "is its infra stack up, and its control plane running?"
        )


def _pem(holder: Mapping[str, Any], key: str) -> str:
    if holder.get(f"{key}-data"):
        return base64.b64decode(holder[f"{key}-data"]).decode()
    return Path(holder[key]).read_text(encoding="utf-8") if holder.get(key) else ""


def _refusal(status: int, raw: bytes) -> ApiError:
    try:
        body = json.loads(raw)
        return ApiError(status, str(body.get("reason", "")), str(body.get("message", "")))
    except ValueError:
        return ApiError(status, "", raw[:300].decode(errors="replace"))
