"""Intents: what another world asks to be done here. Journaled before anything is done, done once per key.

A record of the journal is on disk before the step that it names: `accepted` (with the whole intent) before the caller
is told, `running` before the first cell is touched, `done` with one outcome per cell. A gate that is killed in between
takes the intent up again when it starts; carrying it out again writes nothing that is in place already.

Outcomes hold a state, counts, a stable error id and an exit code. Messages stay here, in the gate's own log.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cli import errors
from cli.serve import apply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.gate.config import GateConfig
    from cli.journal import Journal
    from cli.kube.client import KubeClient
    from components.spec.model import Workload

_log = logging.getLogger("twain.gate")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{7,63}")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
ACTIONS = ("apply", "delete")
KEEP = 1000
"""How many intents are kept in memory; older finished ones are forgotten there and stay in the journal."""


class BadIntentError(ValueError):
    """The intent is not one of ours. `status` is the HTTP status that says so: 400, 409 or 422."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(kw_only=True)
class Intent:
    """One intent and where it stands."""

    key: str
    action: str
    workload: dict[str, Any]
    caller: str
    digest: str
    state: str = "accepted"
    cells: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """What the caller is told."""
        return {"id": self.key, "state": self.state, "cells": self.cells}


@dataclass
class Intents:
    """Accepts and carries out intents in every cell of the world. `start` first, `close` last."""

    config: GateConfig
    clients: Mapping[str, KubeClient]
    journal: Journal
    identity: str
    _known: dict[str, Intent] = field(default_factory=dict, init=False)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    _locks: dict[tuple[str, str], asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock), init=False)

    def start(self) -> None:
        """Read the journal and take up what was not finished."""
        for record in self.journal.records():
            self._replay(record)
        for intent in list(self._known.values()):
            if intent.state != "done":
                _log.info("intent %s is taken up again", intent.key)
                self._carry_out(intent)

    async def close(self) -> None:
        """Stop. What is not finished is taken up by the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def get(self, key: str) -> Intent | None:
        """The intent of a key."""
        return self._known.get(key)

    def accept(self, raw: Any, *, caller: str) -> tuple[Intent, bool]:
        """The intent, and whether it is new. A known key answers where that one stands; nothing is done twice.

        Raises BadIntentError, or ResourceError when the journal cannot be written: then nothing was accepted.
        """
        key, action, workload = _checked(raw, self.config.world)
        digest = hashlib.sha256(json.dumps([action, workload], sort_keys=True).encode()).hexdigest()
        known = self._known.get(key)
        if known is not None:
            if known.digest != digest:
                message = f"the key {key} was already used for something else"
                raise BadIntentError(message, 409)
            return known, False
        intent = Intent(key=key, action=action, workload=workload, caller=caller, digest=digest)
        self.journal.append(key, "accepted", action=action, workload=workload, caller=caller, digest=digest)
        self._remember(intent)
        self._carry_out(intent)
        return intent, True

    def _replay(self, record: dict[str, Any]) -> None:
        key = record["op"]
        if record["step"] == "accepted":
            self._remember(
                Intent(
                    key=key,
                    action=record["action"],
                    workload=record["workload"],
                    caller=record["caller"],
                    digest=record["digest"],
                )
            )
        elif record["step"] == "done" and key in self._known:
            self._known[key].state, self._known[key].cells = "done", record["cells"]

    def _remember(self, intent: Intent) -> None:
        self._known[intent.key] = intent
        if len(self._known) > KEEP:
            finished = [key for key, one in self._known.items() if one.state == "done"]
            for key in finished[: len(self._known) - KEEP]:
                del self._known[key]

    def _carry_out(self, intent: Intent) -> None:
        task = asyncio.create_task(self._run(intent))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, intent: Intent) -> None:
        name, maison = str(intent.workload["name"]), str(intent.workload["maison"])
        async with self._locks[maison, name]:
            intent.state = "running"
            self.journal.append(intent.key, "running")
            targets = self.config.targets()
            found = await asyncio.gather(
                *(self._in_cell(intent, kube, targets[cell]) for cell, kube in self.clients.items()),
                return_exceptions=True,
            )
            outcomes = [_or_bug(intent, cell, one) for cell, one in zip(self.clients, found, strict=True)]
            self.journal.append(intent.key, "done", cells=outcomes)
            intent.cells, intent.state = outcomes, "done"

    async def _in_cell(self, intent: Intent, kube: KubeClient, target: apply.CellTarget) -> dict[str, Any]:
        try:
            if intent.action == "delete":
                outcome = await apply.delete_in_cell(
                    kube,
                    maison=str(intent.workload["maison"]),
                    name=str(intent.workload["name"]),
                    cell=target.cell,
                    world=target.world,
                    identity=self.identity,
                )
            else:
                outcome = await apply.apply_in_cell(kube, workload_of(intent.workload), target, identity=self.identity)
        except errors.TwainError as error:
            _log.warning("intent %s in %s: %s", intent.key, target.cell, error)
            return _outcome(target.cell, apply.state_of(error), error=error)
        return _outcome(
            target.cell, outcome.state, revision=outcome.revision, desired=outcome.desired, ready=outcome.ready
        )


def _or_bug(intent: Intent, cell: str, found: dict[str, Any] | BaseException) -> dict[str, Any]:
    """The outcome of a cell; what nobody foresaw leaves it unknown, and the other cells keep theirs."""
    if isinstance(found, dict):
        return found
    if isinstance(found, asyncio.CancelledError):
        raise found
    _log.error("intent %s in %s ended in a bug", intent.key, cell, exc_info=found)
    return _outcome(cell, "unknown", error=errors.OutcomeUnknownError("a bug in the gate", id="GATE-BUG"))


def workload_of(raw: Mapping[str, Any]) -> Workload:
    """The workload of an intent. Raises BadIntentError naming each field that is wrong."""
    from pydantic import ValidationError

    from components.spec.model import Workload

    try:
        return Workload.model_validate_json(json.dumps(raw))
    except ValidationError as error:
        places = ", ".join(".".join(str(part) for part in one["loc"]) for one in error.errors()[:10])
        message = f"the workload is not as the spec says: {places}"
        raise BadIntentError(message, 422) from error


def _checked(raw: Any, world: str) -> tuple[str, str, dict[str, Any]]:
    if not isinstance(raw, dict) or set(raw) != {"key", "action", "workload"}:
        message = "an intent has exactly key, action and workload"
        raise BadIntentError(message)
    key, action, workload = raw["key"], raw["action"], raw["workload"]
    if not isinstance(key, str) or _KEY.fullmatch(key) is None:
        message = "the key is 8 to 64 letters, digits and dashes"
        raise BadIntentError(message)
    if action not in ACTIONS or not isinstance(workload, dict):
        message = f"the action is one of {', '.join(ACTIONS)} and the workload an object"
        raise BadIntentError(message)
    if action == "delete":
        if set(workload) != {"maison", "name"} or not all(_is_name(part) for part in workload.values()):
            message = "a deletion names exactly maison and name"
            raise BadIntentError(message, 422)
    elif world not in workload_of(workload).worlds:
        message = f"the workload is not for world {world}"
        raise BadIntentError(message, 422)
    return key, str(action), workload


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _outcome(
    cell: str,
    state: str,
    *,
    revision: str | None = None,
    desired: int | None = None,
    ready: int | None = None,
    error: errors.TwainError | None = None,
) -> dict[str, Any]:
    first = errors.flatten([error])[0] if error is not None else None
    return {
        "cell": cell,
        "state": state,
        "revision": revision,
        "desired": desired,
        "ready": ready,
        "error": first.id if first is not None else None,
        "code": errors.exit_code(error) if error is not None else errors.OK,
    }
