"""Who is calling, and may they: the cluster's own API server decides both, and nothing is decided here.

A gate token is a service account token of this world with the audience `twain-gate`. TokenReview says whose it is;
SubjectAccessReview on the made-up group `gate.twain` says what it may do. Answers are kept for at most 10 s, so a
revoked token stops working within that time.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cli import errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.kube.client import KubeClient
    from cli.net.http import Deadline

AUDIENCE = "twain-gate"
GROUP = "gate.twain"
KEEP_S = 10.0
_KEEP_AT_MOST = 10_000
_MAX_TOKEN = 16 * 1024

_TOKEN_REVIEW = "/apis/authentication.k8s.io/v1/tokenreviews"  # noqa: S105 - a path
_ACCESS_REVIEW = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


class RefusedError(Exception):
    """The caller may not. `status` is 401 (who are you) or 403 (you may not)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Whom the API server recognised."""

    username: str
    uid: str
    groups: tuple[str, ...]
    extra: dict[str, list[str]]


@dataclass
class Authenticator:
    """Asks one API server. `monotonic` gives seconds; answers are kept for KEEP_S."""

    kube: KubeClient
    monotonic: Callable[[], float]
    _callers: dict[str, tuple[float, Caller | None]] = field(default_factory=dict, init=False)
    _rights: dict[tuple[str, str, str], tuple[float, bool]] = field(default_factory=dict, init=False)

    async def admit(self, header: str | None, *, resource: str, verb: str, deadline: Deadline) -> Caller:
        """The caller behind an Authorization header, when they may `verb` the `resource`.

        Raises RefusedError, or TwainError when the API server gives no answer: then nobody is let in.
        """
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > _MAX_TOKEN:
            raise RefusedError(401, "a bearer token is needed")
        caller = await self._caller(token.strip(), deadline)
        if caller is None:
            raise RefusedError(401, "the token is not valid for this gate, or it has expired")
        if not await self._may(caller, resource, verb, deadline):
            message = f"{caller.username} may not {verb} {resource} of {GROUP}"
            raise RefusedError(403, message)
        return caller

    async def _caller(self, token: str, deadline: Deadline) -> Caller | None:
        key = hashlib.sha256(token.encode()).hexdigest()
        known = self._callers.get(key)
        if known is not None and self.monotonic() - known[0] < KEEP_S:
            return known[1]
        review = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": token, "audiences": [AUDIENCE]},
        }
        answer = await self.kube.create(_TOKEN_REVIEW, review, deadline=deadline)
        caller = _recognised(answer.get("status") or {})
        _keep(self._callers, key, (self.monotonic(), caller))
        return caller

    async def _may(self, caller: Caller, resource: str, verb: str, deadline: Deadline) -> bool:
        key = (caller.uid or caller.username, resource, verb)
        known = self._rights.get(key)
        if known is not None and self.monotonic() - known[0] < KEEP_S:
            return known[1]
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": caller.username,
                "uid": caller.uid,
                "groups": list(caller.groups),
                "extra": caller.extra,
                "resourceAttributes": {"group": GROUP, "resource": resource, "verb": verb},
            },
        }
        answer = await self.kube.create(_ACCESS_REVIEW, review, deadline=deadline)
        allowed = (answer.get("status") or {}).get("allowed") is True
        _keep(self._rights, key, (self.monotonic(), allowed))
        return allowed


def _recognised(status: dict[str, Any]) -> Caller | None:
    """The caller of a review. An audience field that is absent is a refusal: the server did not check ours."""
    if status.get("authenticated") is not True or AUDIENCE not in (status.get("audiences") or ()):
        return None
    user = status.get("user") or {}
    if not user.get("username"):
        return None
    return Caller(
        username=str(user["username"]),
        uid=str(user.get("uid") or ""),
        groups=tuple(str(group) for group in user.get("groups") or ()),
        extra={str(name): [str(one) for one in values] for name, values in (user.get("extra") or {}).items()},
    )


def _keep(store: dict[Any, Any], key: object, value: object) -> None:
    if len(store) >= _KEEP_AT_MOST:
        store.clear()
    store[key] = value


def unreachable(error: errors.TwainError) -> bool:
    """Whether an error means that the API server gave no answer (and not that it refused)."""
    return isinstance(error, errors.PartialError | errors.DeadlineError)
