"""Speaking to another world's gate: three calls, each with one deadline for the whole exchange.

Every call passes GATE_DEADLINE_S to the HTTP client explicitly: a gate that hangs must not hold up what our own world
says. What a failure means is decided here, once: nothing left (`NotSentError`, 13), the answer of a read is missing
(`PartialError`, 13), the answer of an intent is missing after it left (`OutcomeUnknownError`, 16), the token is not
accepted (`AuthError`, 3).
"""

from __future__ import annotations

import ipaddress
import json
import re
import stat
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from cli import errors
from cli.net import http

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, Mapping

    from cli.context import GateAccess

GATE_DEADLINE_S = 3.0
AGGREGATES = "/v1/aggregates"
INTENTS = "/v1/intents"


class NotSentError(errors.PartialError):
    """Nothing reached the gate: there is nothing to undo and nothing to ask about."""

    default_id = "GATE-UNREACHABLE"


@dataclass(frozen=True, kw_only=True)
class Aggregates:
    """A section as it left the other world. `items` carry their `kind`; `suppressed` counts the groups too small."""

    section: str
    contract: str
    items: list[dict[str, Any]]
    errors: list[errors.ErrorRow] = field(default_factory=list)
    suppressed: int = 0
    dropped: int = 0

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """The rows of one kind."""
        return [item for item in self.items if item.get("kind") == kind]


@dataclass(frozen=True, kw_only=True)
class IntentStatus:
    """Where an intent stands. `state` is accepted, running or done; `cells` holds one outcome per cell when done.

    An outcome is {cell, state, revision, desired, ready, error, code}: `state` as in `cli.serve.apply.State`, `error` a
    stable id and `code` its exit code. Names of pods and messages do not cross.
    """

    id: str
    state: str
    cells: list[dict[str, Any]] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """Whether every cell has an outcome."""
        return self.state == "done"


async def get_aggregates(
    gate: GateAccess, section: str, params: Mapping[str, str] | None = None, *, deadline_s: float = GATE_DEADLINE_S
) -> Aggregates:
    """One section of the telemetry contract: metrics, cost, fleet or parity. `params` may hold `from` and `to`
    (RFC 3339). Raises NotSentError, PartialError, AuthError, UsageError."""
    answer = await _call(gate, "GET", AGGREGATES, params={"section": section, **(params or {})}, deadline_s=deadline_s)
    raw = _body(gate, answer, write=False)
    try:
        return Aggregates(
            section=str(raw["section"]),
            contract=str(raw["contract"]),
            items=[dict(item) for item in raw["items"]],
            errors=[_cell_error(gate.world, one) for one in raw["errors"]],
            suppressed=int(raw["suppressed"]),
            dropped=int(raw["dropped"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _bad_answer(gate, f"the answer has no usable {error}", write=False) from error


async def send_intent(
    gate: GateAccess,
    *,
    key: str,
    action: str,
    workload: Mapping[str, Any],
    deadline_s: float = GATE_DEADLINE_S,
) -> IntentStatus:
    """Ask the other world to carry something out. `key` is the idempotency key: sending it again changes nothing and
    answers where the first one stands. `action` is `apply` (with the whole workload) or `delete` (with its `maison` and
    `name`). Raises NotSentError, OutcomeUnknownError, AuthError, UsageError (the gate refused the workload)."""
    body = json.dumps({"key": key, "action": action, "workload": workload}, sort_keys=True).encode()
    answer = await _call(gate, "POST", INTENTS, body=body, deadline_s=deadline_s)
    return _intent(gate, answer, write=True)


async def get_intent(gate: GateAccess, key: str, *, deadline_s: float = GATE_DEADLINE_S) -> IntentStatus:
    """Where an intent stands. Raises NotFoundError when the gate knows no such key, and as `get_aggregates` does."""
    answer = await _call(gate, "GET", f"{INTENTS}/{quote(key, safe='')}", deadline_s=deadline_s)
    return _intent(gate, answer, write=False)


async def _call(
    gate: GateAccess,
    method: str,
    path: str,
    *,
    params: Mapping[str, str] | None = None,
    body: bytes | None = None,
    deadline_s: float,
) -> http.Response:
    headers = {"authorization": f"Bearer {_token(gate)}"}
    if body is not None:
        headers["content-type"] = "application/json"
    write = method == "POST"
    async with _client(gate) as client:
        try:
            return await client.request(
                method, path, params=params, headers=headers, body=body, deadline=http.Deadline(deadline_s)
            )
        except http.TlsFailed as error:
            raise http.as_twain_error(error, where=gate.world) from error
        except http.HttpError as error:
            raise _transport_error(gate, error, write=write) from error


@asynccontextmanager
async def _client(gate: GateAccess) -> AsyncGenerator[http.HttpClient]:
    async with http.HttpClient(gate.url, ssl_context=_tls(gate)) as client:
        yield client


def _tls(gate: GateAccess) -> ssl.SSLContext | None:
    parts = urlsplit(gate.url)
    if parts.scheme != "https":
        message = f"the gate of {gate.world} must be reached over https, not {parts.scheme or 'nothing'}."
        raise errors.UsageError(message, fix="correct the gate's url in the context", id="CFG-GATE")
    context = http.tls(gate.ca())
    if gate.ca() is not None and _is_address(parts.hostname or ""):
        # A gate's CA signs that gate's certificate and no other, so the signature is the name; the address may change.
        context.check_hostname = False
    return context


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _token(gate: GateAccess) -> str:
    token = gate.token()
    mode = stat.S_IMODE(gate.token_file.stat().st_mode)
    if mode & 0o077:
        message = f"the gate token {gate.token_file} can be read by others (mode {mode:04o})."
        raise errors.AuthError(message, fix=f"chmod 600 {gate.token_file}", id="AUTH-MODE")
    return token


def _transport_error(gate: GateAccess, error: http.HttpError, *, write: bool) -> errors.TwainError:
    if not error.sent:
        message = f"the gate of world {gate.world} is unreachable: {error}"
        return NotSentError(message, where=None, fix="try again when the path between the worlds is back")
    if write:
        message = f"the gate of world {gate.world} gave no answer after the intent had left: {error}"
        fix = "run the same command again: the same key is sent, and nothing happens twice"
        return errors.OutcomeUnknownError(message, fix=fix, id="GATE-UNKNOWN")
    message = f"the gate of world {gate.world} gave no whole answer: {error}"
    return errors.PartialError(message, fix="try again", id="GATE-NOANSWER")


def _intent(gate: GateAccess, answer: http.Response, *, write: bool) -> IntentStatus:
    raw = _body(gate, answer, write=write)
    try:
        return IntentStatus(id=str(raw["id"]), state=str(raw["state"]), cells=[dict(one) for one in raw["cells"]])
    except (KeyError, TypeError, ValueError) as error:
        raise _bad_answer(gate, f"the answer has no usable {error}", write=write) from error


def _body(gate: GateAccess, answer: http.Response, *, write: bool) -> dict[str, Any]:
    try:
        raw = json.loads(answer.body)
    except ValueError:
        raw = None
    if answer.status in {200, 201, 202} and isinstance(raw, dict):
        return raw
    detail = raw.get("error") if isinstance(raw, dict) else None
    said = str(detail.get("message", "")) if isinstance(detail, dict) else f"HTTP {answer.status}"
    raise _refusal(gate, answer.status, said, write=write, refused=isinstance(detail, dict))


def _refusal(gate: GateAccess, status: int, said: str, *, write: bool, refused: bool) -> errors.TwainError:
    """The error of an answer that is no success. `refused`: the gate itself says that it did nothing."""
    who = f"the gate of world {gate.world}"
    if status == 401:
        fix = f"ask an operator of {gate.world} for a new token: twain context grant --to NAME --ttl 1h"
        return errors.AuthError(f"{who} does not accept our token: {said}.", fix=fix, id="AUTH-GATE")
    if status == 403:
        return errors.AuthError(f"{who} forbids it: {said}.", fix="ask for the right to do this", id="AUTH-GATE-403")
    if status == 404:
        return errors.NotFoundError(f"{who} knows no such thing: {said}.", id="GATE-404")
    if status in {400, 409, 413, 422} and refused:
        return errors.UsageError(f"{who} refused the request: {said}.", id=f"GATE-{status}")
    if refused and status == 503:
        return NotSentError(f"{who} cannot work now and did nothing: {said}.", fix="try again")
    return _bad_answer(gate, said, write=write)


def _bad_answer(gate: GateAccess, said: str, *, write: bool) -> errors.TwainError:
    message = f"the gate of world {gate.world} answered with something else than an answer: {said}"
    if write:
        return errors.OutcomeUnknownError(message, fix="run the same command again", id="GATE-UNKNOWN")
    return errors.PartialError(message, fix="try again", id="GATE-NOANSWER")


_REASONS = {
    "unreachable": "the cell's API server gives no answer",
    "metrics-unreachable": "the cell's Prometheus gives no answer",
    "not-collected": "nothing of this section is collected there",
    "failed": "the cell could not be read",
}


_REFUSED = re.compile(r"refused ((?:[a-zA-Z0-9]{1,32}\.){0,6}[a-zA-Z0-9]{1,32})")


def _cell_error(world: str, raw: Mapping[str, Any]) -> errors.ErrorRow:
    reason = str(raw.get("reason"))
    cell = str(raw["cell"]) if raw.get("cell") else None
    refused = _REFUSED.fullmatch(reason)
    if refused:
        message = f"the gate of world {world} keeps rows back: their {refused[1]} is not declared there"
        fix = f"an operator of {world} runs: twain cost publish"
        return errors.ErrorRow(id="GATE-REFUSED", message=message, cell=cell, world=world, fix=fix)
    message = f"{_REASONS.get(reason, 'unknown')} (as the gate of world {world} says)"
    return errors.ErrorRow(
        id="GATE-NOTCOLLECTED" if reason == "not-collected" else "GATE-CELL", message=message, cell=cell, world=world
    )
