"""A small asynchronous client of one Kubernetes API server: JSON in, JSON out, watches with little work per event.

Objects stay plain dictionaries. Errors carry the API server's own status.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import aiohttp
import msgspec
import yaml

from components.errors import TwainLibraryError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

JSON = "application/json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=5)
# The server ends a watch after this many seconds; a fresh one then continues where it stood.
_WATCH_SECONDS = 290
_LINE_LIMIT = 8 * 1024 * 1024

Object = dict[str, Any]


class ApiError(TwainLibraryError):
    """The API server refused a request. `code` is the HTTP status, `reason` Kubernetes' word for it."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"{code} {reason}: {message}")


class UnreachableError(TwainLibraryError):
    """The API server did not answer."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """Where an API server is and how to be trusted by it. Either a client certificate or a token (or its file)."""

    server: str
    ca_pem: str
    client_cert_pem: str = ""
    client_key_pem: str = ""
    token: str = ""
    token_file: str = ""


def read_kubeconfig(path: Path) -> Access:
    """Access from the current context of a kubeconfig, without exec plugins. Raises KeyError for a broken file."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    context = next(c["context"] for c in raw["contexts"] if c["name"] == raw["current-context"])
    cluster = next(c["cluster"] for c in raw["clusters"] if c["name"] == context["cluster"])
    user = next(u["user"] for u in raw["users"] if u["name"] == context["user"])

    def pem(holder: Mapping[str, str], key: str) -> str:
        if f"{key}-data" in holder:
            return base64.b64decode(holder[f"{key}-data"]).decode()
        return Path(holder[key]).read_text(encoding="utf-8") if key in holder else ""

    return Access(
        server=cluster["server"],
        ca_pem=pem(cluster, "certificate-authority"),
        client_cert_pem=pem(user, "client-certificate"),
        client_key_pem=pem(user, "client-key"),
        token=user.get("token", ""),
        token_file=user.get("tokenFile", ""),
    )


def kubeconfig(access: Access, *, name: str) -> str:
    """A kubeconfig with everything inside it (YAML)."""

    def data(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    user: Object = {}
    if access.client_cert_pem:
        user = {
            "client-certificate-data": data(access.client_cert_pem),
            "client-key-data": data(access.client_key_pem),
        }
    elif access.token_file:
        user = {"tokenFile": access.token_file}
    elif access.token:
        user = {"token": access.token}
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": name, "cluster": {"server": access.server, "certificate-authority-data": data(access.ca_pem)}}
            ],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
    )


def tls_context(access: Access) -> ssl.SSLContext:
    """A TLS context that trusts this cluster's authority only, with the client certificate when there is one."""
    context = ssl.create_default_context(cadata=access.ca_pem)
    if access.client_cert_pem:
        # The ssl module reads certificates from files only; the file lives for this call, readable by us alone.
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(f"{access.client_cert_pem}\n{access.client_key_pem}\n")
            file.flush()
            context.load_cert_chain(file.name)
    return context


class KubeClient:
    """One API server. Use as `async with`; all methods may run concurrently."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(ssl=tls_context(self.access), limit=64)
        self._session = aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT, read_bufsize=_LINE_LIMIT)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()
            # Closed connections tell their owner in the loop's next rounds; a loop that ends first would warn of them.
            for _round in range(3):
                await asyncio.sleep(0)

    def _headers(self, content: str = "") -> dict[str, str]:
        headers = {"Content-Type": content} if content else {}
        if self.access.token_file:
            # Read each time: whoever owns the file renews it.
            headers["Authorization"] = f"Bearer {Path(self.access.token_file).read_text(encoding='utf-8').strip()}"
        elif self.access.token:
            headers["Authorization"] = f"Bearer {self.access.token}"
        return headers

    @property
    def session(self) -> aiohttp.ClientSession:
        """The open HTTP session."""
        if self._session is None:
            message = "use KubeClient as `async with`"
            raise RuntimeError(message)
        return self._session

    async def request(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: Any = None, content: str = JSON
    ) -> Any:
        """One request. Returns the decoded JSON (or text). Raises ApiError, UnreachableError."""
        data = None if body is None else msgspec.json.encode(body)
        try:
            async with self.session.request(
                method,
                f"{self.access.server}{path}",
                params=params,
                data=data,
                headers=self._headers(content if data is not None else ""),
            ) as response:
                raw = await response.read()
                if response.status >= 400:
                    raise _refused(response.status, raw)
                if response.content_type == JSON:
                    return msgspec.json.decode(raw)
                return raw.decode(errors="replace")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            message = f"{method} {path} on {self.access.server}: {error or type(error).__name__}"
            raise UnreachableError(message) from error

    async def get(self, path: str, **params: str) -> Any:
        """Read one object or a list."""
        return await self.request("GET", path, params=params)

    async def create(self, path: str, body: Object) -> Object:
        """POST an object to its collection."""
        return await self.request("POST", path, body=body)

    async def patch(self, path: str, body: Any, *, content: str = MERGE) -> Object:
        """PATCH; JSON merge patch unless told otherwise."""
        return await self.request("PATCH", path, body=body, content=content)

    async def apply(self, path: str, body: Object, *, manager: str) -> Object:
        """Server-side apply, taking over conflicting fields. Repeating it changes nothing."""
        params = {"fieldManager": manager, "force": "true"}
        return await self.request("PATCH", path, params=params, body=body, content=APPLY)

    async def delete(self, path: str, body: Object | None = None) -> None:
        """Delete; an object that is gone already is no error."""
        try:
            await self.request("DELETE", path, body=body)
        except ApiError as error:
            if error.code != 404:
                raise

    async def watch(self, path: str, *, version: str, **params: str) -> AsyncGenerator[tuple[str, Object]]:
        """Events (type, object) after `version` until the server ends the watch. Raises ApiError(410) when that version
        is too old: list again.
        """
        query = params | {
            "watch": "true",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(_WATCH_SECONDS),
        }
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=_WATCH_SECONDS + 30)
        decoder = msgspec.json.Decoder()
        try:
            async with self.session.get(
                f"{self.access.server}{path}", params=query, timeout=timeout, headers=self._headers()
            ) as response:
                if response.status >= 400:
                    raise _refused(response.status, await response.read())
                try:
                    async for line in response.content:
                        event = decoder.decode(line)
                        if event["type"] == "ERROR":
                            status = event["object"]
                            raise ApiError(status.get("code", 500), status.get("reason", ""), status.get("message", ""))
                        yield event["type"], event["object"]
                finally:
                    _abort(response)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            message = f"watch {path} on {self.access.server}: {error or type(error).__name__}"
            raise UnreachableError(message) from error


def _abort(response: aiohttp.ClientResponse) -> None:
    """End a stream that was left in its middle: a polite TLS farewell would outlive us, waiting for its answer."""
    connection = response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()


def _refused(status: int, raw: bytes) -> ApiError:
    try:
        body = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        body = None
    if isinstance(body, dict):
        return ApiError(status, str(body.get("reason", "")), str(body.get("message", "")))
    return ApiError(status, "", raw[:300].decode(errors="replace"))
