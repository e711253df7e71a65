"""A thin client of one cell's API server: JSON in, JSON out, errors that name the object that knows why."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self

from cli import errors
from cli.kube import kinds
from cli.kube.kubeconfig import ExecToken
from cli.net import http
from cli.net.http import Deadline

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from cli.cells import CellFacts

FIELD_MANAGER = "twain"
PAGE = 500
_APPLY = "application/apply-patch+yaml"  # JSON is YAML
_MERGE = "application/merge-patch+json"


class TokenSource(Protocol):
    """Where bearer tokens come from."""

    async def get(self, *, fresh: bool = False) -> str:
        """A token; `fresh` after a 401."""
        ...


@dataclass(frozen=True)
class StaticToken:
    """A token that is given: inside a cluster, and in tests. `path` is read again each time, as it is rotated."""

    token: str = ""
    path: Path | None = None

    async def get(self, *, fresh: bool = False) -> str:
        """The token."""
        del fresh
        return self.path.read_text(encoding="utf-8").strip() if self.path is not None else self.token


class ApiError(errors.ResourceError):
    """The API server refused. `status` is the HTTP status, `reason` Kubernetes' own word, `details` its details."""

    default_id = "KUBE-001"

    def __init__(self, message: str, *, status: int, reason: str, details: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(message, **kwargs)
        self.status = status
        self.reason = reason
        self.details = details


class ConflictError(ApiError):
    """Another manager owns a field, or the object changed meanwhile."""

    default_id = "KUBE-409"


class MissingError(errors.NotFoundError):
    """The API server has no such object."""

    default_id = "KUBE-404"


@dataclass
class KubeClient:
    """One cell. Use as `async with`. Every call has a deadline: its own, or `timeout` seconds.

    A GET is repeated on 429 and 5xx within the deadline; a write never is, but for 429, where the server says that
    it did not look at it.
    """

    cell: str
    http: http.HttpClient
    token: TokenSource
    timeout: float = 10.0
    writes: int = field(default=0, init=False)

    @classmethod
    def for_cell(cls, facts: CellFacts, *, env: dict[str, str], home: Path, timeout: float = 10.0) -> KubeClient:
        """A client with the cell's exec plugin. Opens nothing."""
        token = ExecToken(facts.exec, facts.cell, facts.endpoint, home / "tokens", {**env, "TWAIN_CELL": facts.cell})
        context = http.tls(facts.ca) if facts.endpoint.startswith("https:") else None
        return cls(facts.cell, http.HttpClient(facts.endpoint, ssl_context=context), token, timeout)

    @classmethod
    def in_cluster(
        cls, *, cell: str, host: str, port: str, ca_pem: str, token_path: Path, timeout: float = 10.0
    ) -> KubeClient:
        """A client of the cluster that we run in, with the pod's own service account."""
        base = f"https://{f'[{host}]' if ':' in host else host}:{port}"
        return cls(cell, http.HttpClient(base, ssl_context=http.tls(ca_pem)), StaticToken(path=token_path), timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self.http.close()

    async def open(self, count: int, deadline: Deadline) -> None:
        """Open so many connections at once, for requests that are to go out together. Raises TwainError."""
        try:
            await self.http.open(count, deadline)
        except http.HttpError as error:
            raise http.as_twain_error(error, where=self.cell) from error

    async def raw(
        self,
        method: str,
        path: str,
        *,
        params: Any = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        deadline: Deadline | None = None,
        accept: str = "application/json",
    ) -> http.Response:
        """One request with a token, refreshed once on 401. Raises TwainError; 2xx is returned."""
        limit = deadline or Deadline(self.timeout)
        write = method not in {"GET", "HEAD"} and not path.endswith(("accessreviews", "tokenreviews"))
        attempt = 0
        fresh = False
        while True:
            headers = {"authorization": f"Bearer {await self.token.get(fresh=fresh)}", "accept": accept}
            if body is not None:
                headers["content-type"] = content_type
            try:
                answer = await self.http.request(
                    method, path, params=params, headers=headers, body=body, deadline=limit
                )
            except http.HttpError as error:
                raise http.as_twain_error(error, write=write, where=self.cell) from error
            if answer.status == 401 and not fresh:
                fresh = True
                continue
            attempt += 1
            pause = _pause(answer, attempt, write=write)
            if pause is None or pause >= limit.left or attempt > 5:
                break
            await _sleep(pause)
        if answer.status >= 300:
            raise api_error(answer, cell=self.cell, what=f"{method} {path}")
        self.writes += 1 if write else 0
        return answer

    async def get(self, path: str, *, params: Any = None, deadline: Deadline | None = None) -> dict[str, Any]:
        """The object at a path. Raises MissingError for 404."""
        return json.loads((await self.raw("GET", path, params=params, deadline=deadline)).body)

    async def get_bytes(self, path: str, *, params: Any = None, deadline: Deadline | None = None) -> bytes:
        """What lies at a path, undecoded."""
        return (await self.raw("GET", path, params=params, deadline=deadline)).body

    async def find(self, path: str, *, deadline: Deadline | None = None) -> dict[str, Any] | None:
        """The object at a path, or None."""
        try:
            return await self.get(path, deadline=deadline)
        except MissingError:
            return None

    async def pages(
        self, path: str, *, params: dict[str, str] | None = None, deadline: Deadline | None = None
    ) -> AsyncIterator[bytes]:
        """A list in pages of 500. Raises ApiError (410) when the list took too long to read."""
        limit = deadline or Deadline(self.timeout)
        query = {**(params or {}), "limit": str(PAGE)}
        token = ""
        while True:
            body = await self.get_bytes(
                path, params={**query, **({"continue": token} if token else {})}, deadline=limit
            )
            yield body
            token = _continue(body)
            if not token:
                return

    async def list(
        self, path: str, *, params: dict[str, str] | None = None, deadline: Deadline | None = None
    ) -> list[dict[str, Any]]:
        """Every object of a list, over all pages."""
        items: list[dict[str, Any]] = []
        async for page in self.pages(path, params=params, deadline=deadline):
            items.extend(json.loads(page).get("items") or [])
        return items

    async def apply(
        self,
        manifest: dict[str, Any],
        *,
        field_manager: str = FIELD_MANAGER,
        force: bool = False,
        dry_run: bool = False,
        deadline: Deadline | None = None,
    ) -> dict[str, Any]:
        """Server-side apply; returns the object. Repeating it changes nothing. Raises ConflictError naming the
        manager."""
        params = {"fieldManager": field_manager, "force": "true" if force else "false"}
        if dry_run:
            params["dryRun"] = "All"
        answer = await self.raw(
            "PATCH",
            kinds.path_of(manifest),
            params=params,
            body=json.dumps(manifest, sort_keys=True).encode(),
            content_type=_APPLY,
            deadline=deadline,
        )
        return json.loads(answer.body)

    async def create(self, path: str, manifest: dict[str, Any], *, deadline: Deadline | None = None) -> dict[str, Any]:
        """Create an object in a collection. Raises ConflictError when it exists."""
        body = json.dumps(manifest).encode()
        return json.loads((await self.raw("POST", path, body=body, deadline=deadline)).body)

    async def replace(self, path: str, manifest: dict[str, Any], *, deadline: Deadline | None = None) -> dict[str, Any]:
        """Replace an object; its resourceVersion is the precondition. Raises ConflictError."""
        body = json.dumps(manifest).encode()
        return json.loads((await self.raw("PUT", path, body=body, deadline=deadline)).body)

    async def patch(self, path: str, change: dict[str, Any], *, deadline: Deadline | None = None) -> dict[str, Any]:
        """A JSON merge patch."""
        body = json.dumps(change).encode()
        return json.loads((await self.raw("PATCH", path, body=body, content_type=_MERGE, deadline=deadline)).body)

    async def delete(
        self, path: str, *, uid: str | None = None, propagation: str = "Background", deadline: Deadline | None = None
    ) -> bool:
        """Delete an object; False when there was none. `uid` is a precondition."""
        options: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        try:
            await self.raw("DELETE", path, body=json.dumps(options).encode(), deadline=deadline)
        except MissingError:
            return False
        return True

    async def watch(
        self, path: str, *, params: dict[str, str] | None = None, deadline: Deadline
    ) -> AsyncIterator[dict[str, Any]]:
        """Events `{type, object}`: what is there first (ADDED), then every change, until the deadline."""
        from cli.kube.watch import watch

        async for event in watch(self, path, params=params or {}, deadline=deadline):
            yield event

    async def can_i(self, verb: str, resource: str, *, group: str = "", namespace: str | None = None) -> bool:
        """Whether we may do this (SelfSubjectAccessReview)."""
        attributes = {"verb": verb, "resource": resource, "group": group, "namespace": namespace or ""}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        answer = await self.create("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
        return bool(answer.get("status", {}).get("allowed"))


def api_error(answer: http.Response, *, cell: str, what: str) -> errors.TwainError:
    """The error of an answer that is no success. A redirect is one: it is never followed."""
    raw = _status(answer.body)
    message = str(raw.get("message") or f"HTTP {answer.status}")
    reason, details = str(raw.get("reason") or ""), dict(raw.get("details") or {})
    if 300 <= answer.status < 400:
        text = f"the API server of {cell} redirected {what}, which is never followed."
        return errors.ResourceError(text, where=cell, fix="check the cell's endpoint", id="NET-REDIRECT")
    if answer.status == 401:
        text = f"the API server of {cell} does not accept our credential: {message}."
        return errors.AuthError(text, where=cell, fix="sign in again with the cloud's tool", id="AUTH-401")
    if answer.status == 403:
        text = f"the API server of {cell} forbids {what}: {message}."
        return errors.AuthError(text, where=cell, fix="ask for the role of this verb", id="AUTH-403")
    if answer.status == 404:
        return MissingError(f"{message} (cell {cell}).", where=cell)
    if answer.status == 409:
        return _conflict(message, reason, details, cell, what)
    error = ApiError(f"{what}: {message}", status=answer.status, reason=reason, details=details, where=cell)
    error.id = f"KUBE-{answer.status}"
    return error


def _conflict(message: str, reason: str, details: dict[str, Any], cell: str, what: str) -> errors.TwainError:
    causes = [cause for cause in details.get("causes") or () if cause.get("reason") == "FieldManagerConflict"]
    fix = None
    if causes:
        fields = "; ".join(f"{cause.get('field')}: {cause.get('message')}" for cause in causes)
        message = f"other managers hold fields of {what.rsplit(' ', 1)[-1]}: {fields}."
        fix = "let the other manager go, or take the fields over on purpose"
    return ConflictError(message, status=409, reason=reason, details=details, where=cell, fix=fix)


def _status(body: bytes) -> dict[str, Any]:
    try:
        raw = json.loads(body)
    except ValueError:
        return {}
    return raw if isinstance(raw, dict) and raw.get("kind") == "Status" else {}


def _continue(body: bytes) -> str:
    from cli.kube.decode import list_meta

    return list_meta(body).continue_ or ""


def _pause(answer: http.Response, attempt: int, *, write: bool) -> float | None:
    """Seconds to wait before asking again, or None not to. Full jitter; Retry-After counts when it is sane."""
    if answer.status != 429 and (write or answer.status not in {500, 502, 503, 504}):
        return None
    ceiling = min(5.0, 0.1 * 2.0**attempt)
    try:
        asked = float(answer.header("retry-after") or "")
    except ValueError:
        asked = 0.0
    floor = asked if 0.0 < asked < 3600.0 else 0.0
    import random

    return floor + random.uniform(0.0, ceiling)  # noqa: S311 - jitter


async def _sleep(seconds: float) -> None:
    import asyncio

    await asyncio.sleep(seconds)
