"""Another world's cells, through its gate: intents that are kept in the journal until their outcome is known.

The same command again finds the unfinished intent and sends the same key, so that nothing happens twice there.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cli import errors
from cli.net.http import Deadline
from cli.serve.apply import CellOutcome, state_of

if TYPE_CHECKING:
    from cli.context import GateAccess
    from cli.journal import Journal, Record

Action = Literal["apply", "delete"]
ASK_EVERY_S = 1.0
# The gate needs a while beyond the rollout's own deadline to write down how it ended.
MARGIN_S = 30.0
# Steps after which an intent is finished and its key is not used again.
FINISHED = frozenset({"done", "superseded", "refused"})


@dataclass(frozen=True, kw_only=True)
class Intent:
    """What another world is asked. `workload` is the whole one for `apply`; maison and name for `delete`."""

    world: str
    action: Action
    workload: dict[str, Any]
    wait_s: float

    @property
    def subject(self) -> tuple[str, str, str]:
        """What it is about; one unfinished intent per subject."""
        return self.world, str(self.workload["maison"]), str(self.workload["name"])

    @property
    def digest(self) -> str:
        """Tells one wish from another about the same subject."""
        body = json.dumps([self.action, self.workload], sort_keys=True)
        return hashlib.sha256(body.encode()).hexdigest()


def key_for(journal: Journal, intent: Intent) -> str:
    """The key to send: that of the same unfinished intent, or a new one. Another unfinished wish is superseded."""
    for key, last in _unfinished(journal, intent).items():
        if last["digest"] == intent.digest:
            return key
        journal.append(key, "superseded", **_about(intent, digest=last["digest"]))
    return journal.new_key()


def _unfinished(journal: Journal, intent: Intent) -> dict[str, Record]:
    """The last record of every unfinished intent about this subject, by key."""
    latest: dict[str, Record] = {}
    for record in journal.records():
        if tuple(record.get("subject") or ()) == intent.subject:
            latest[record["op"]] = record
    return {key: record for key, record in latest.items() if record["step"] not in FINISHED}


def _has_left(journal: Journal, key: str) -> bool:
    """Whether an earlier run may have got this intent across: being refused now does not undo that."""
    return any(record["step"] in {"unknown", "accepted"} for record in journal.of(key))


def _about(intent: Intent, *, digest: str | None = None) -> dict[str, Any]:
    return {"subject": list(intent.subject), "action": intent.action, "digest": digest or intent.digest}


async def carry_out(gate: GateAccess, journal: Journal, intent: Intent) -> list[CellOutcome]:
    """Send an intent and wait for its outcome per cell. Never raises TwainError: what went wrong is in the outcomes.

    `not sent` (13): nothing left. `unknown` (16): it left and no answer came, or it is not finished yet. Both stay in
    the journal.
    """
    from cli.gate import client

    key = key_for(journal, intent)
    journal.append(key, "intent", workload=intent.workload, **_about(intent))
    try:
        status = await client.send_intent(gate, key=key, action=intent.action, workload=intent.workload)
    except client.NotSentError as error:
        journal.append(key, "not-sent", reason=error.message, **_about(intent))
        kept = f"{error.message} The intent is kept with key {key}."
        told = errors.PartialError(kept, fix="run the same command again", id=error.id)
        return [CellOutcome(cell=None, world=intent.world, state="not sent", changed=None, error=told)]
    except errors.OutcomeUnknownError as error:
        journal.append(key, "unknown", reason=error.message, **_about(intent))
        kept = f"{error.message} The intent is kept with key {key}."
        lost = errors.OutcomeUnknownError(kept, fix=error.fix, id=error.id)
        return [CellOutcome(cell=None, world=intent.world, state="unknown", changed=None, error=lost)]
    except errors.TwainError as error:
        left = _has_left(journal, key)
        journal.append(key, "unknown" if left else "refused", reason=error.message, **_about(intent))
        state = "unknown" if left else state_of(error)
        return [CellOutcome(cell=None, world=intent.world, state=state, changed=None, error=error)]
    journal.append(key, "accepted", **_about(intent))
    cells = await _outcome(gate, key, status.cells if status.done else None, Deadline(intent.wait_s + MARGIN_S))
    if cells is None:
        message = f"world {intent.world} took the intent {key} and has not finished it."
        late = errors.OutcomeUnknownError(message, fix="run the same command again: it asks for the same intent")
        return [CellOutcome(cell=None, world=intent.world, state="unknown", changed=None, error=late)]
    journal.append(key, "done", cells=[[cell.get("cell"), cell.get("state")] for cell in cells], **_about(intent))
    return [_cell_outcome(intent.world, cell) for cell in cells]


async def _outcome(
    gate: GateAccess, key: str, known: list[dict[str, Any]] | None, deadline: Deadline
) -> list[dict[str, Any]] | None:
    """The outcome per cell, or None when there is none before the deadline. The gate has no events, so it is asked."""
    from cli.gate import client

    while known is None:
        if deadline.left <= ASK_EVERY_S:
            return None
        await asyncio.sleep(ASK_EVERY_S)
        try:
            status = await client.get_intent(gate, key)
        except (errors.PartialError, errors.DeadlineError):
            continue  # the path was cut meanwhile; the intent goes on inside
        except errors.TwainError:
            return None
        known = status.cells if status.done else None
    return known


def _cell_outcome(world: str, cell: dict[str, Any]) -> CellOutcome:
    code = int(cell.get("code") or 0)
    error: errors.TwainError | None = None
    if code:
        message = f"cell {cell.get('cell')} of world {world}: {cell.get('state')} ({cell.get('error')})."
        fix = f"an operator of {world} sees the pod and the reason"
        where = str(cell.get("cell"))
        error = errors.of_code(code)(message, where=where, fix=fix, id=str(cell.get("error") or "GATE-CELL"))
    return CellOutcome(
        cell=cell.get("cell"),
        world=world,
        state=cell.get("state") or "unknown",
        revision=cell.get("revision"),
        desired=cell.get("desired"),
        ready=cell.get("ready"),
        changed=None,
        error=error,
    )
