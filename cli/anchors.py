"""Anchors: what the cells remember of an operator's audit log, so that a log that was cut or replaced is found out.

At each mutation the number of entries and the hash of the last one are written, with the operator's own identity, into
a ConfigMap of the cells that it is about. An anchor never moves back: where the log does not hold the anchored entry,
nothing is written and nothing else is done.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cli import crash, errors
from cli.kube import kinds
from cli.kube.client import ConflictError
from cli.net.http import Deadline
from cli.serve import names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cli.app import App
    from cli.audit import Audit, Chain
    from cli.kube.client import KubeClient

DEADLINE_S = 5.0
LABEL = "twain/audit"
_ATTEMPTS = 8

State = Literal["ok", "cut", "changed", "replaced", "absent", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """What one cell remembers of one log: how many entries, and the hash of the last one."""

    log: str
    entries: int
    head: str
    at: str

    def follows(self, chain: Chain) -> State:
        """Whether a log still holds what is anchored."""
        if chain.holds(count=self.entries, head=self.head):
            return "ok"
        if chain.name and self.log != chain.name:
            return "replaced"
        return "cut" if self.entries > len(chain.hashes) else "changed"


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What one cell says about the log."""

    cell: str
    state: State
    anchor: Anchor | None = None
    error: errors.TwainError | None = None


def place(home: Path) -> str:
    """The name of the ConfigMap of a home folder on this machine."""
    where = f"{socket.gethostname()}\0{home.resolve()}"
    return f"twain-audit-{hashlib.sha256(where.encode()).hexdigest()[:16]}"


async def record(app: App, verb: str, *, cells: Sequence[str], **facts: Any) -> list[Judged]:
    """Put a use of a right into the audit log and anchor it, before it is made use of.

    `cells` are those of our own world that it is about; without any, the world's gate cell keeps the anchor. A cell
    that cannot be asked gets its anchor with the next change. Raises PolicyError, before anything is written, where
    the log is broken or does not hold what a cell has anchored.
    """
    told = {"cells": list(cells), **facts}
    app.audit.append(verb, context=app.context.name, identity=app.context.identity, **told)
    chosen = list(cells) or [app.fleet.worlds[app.context.world].gate_cell]
    judged = await asyncio.gather(*(put(app, cell) for cell in chosen))
    for one in judged:
        if one.state not in {"ok", "unknown"}:
            raise broken(one, app.audit)
        if one.error is not None and not isinstance(one.error, errors.NotFoundError):
            app.console.note(f"note AUD-004: the audit log is not anchored in cell {one.cell}: {one.error.message}")
    return judged


def recorded(app: App, verb: str, *, cells: Sequence[str], **facts: Any) -> None:
    """`record`, for a verb that runs no loop yet."""
    app.run(record(app, verb, cells=cells, **facts))


async def catch_up(app: App, cells: Sequence[str]) -> None:
    """Anchor the log in cells that were not up when the entry was written. One that still is not is passed over."""
    await asyncio.gather(*(put(app, cell) for cell in cells))


async def put(app: App, cell: str, *, deadline_s: float = DEADLINE_S) -> Judged:
    """Anchor the log in a cell of our own world. `unknown` where the cell could not be asked; never raises for it."""
    try:
        async with app.kube(cell) as kube:
            return await _move(kube, app, Deadline(deadline_s))
    except errors.TwainError as error:
        return Judged(cell=cell, state="unknown", error=error)


async def judge(app: App, cell: str, chain: Chain, *, deadline_s: float) -> Judged:
    """Compare the log with what a cell has anchored. Changes nothing; `unknown` where the cell could not be asked."""
    try:
        async with app.kube(cell) as kube:
            found = await kube.find(_path(app.home), deadline=Deadline(deadline_s))
    except errors.TwainError as error:
        return Judged(cell=cell, state="unknown", error=error)
    return _judge(cell, _anchors(found), chain)


def broken(one: Judged, audit: Audit) -> errors.PolicyError:
    """The error of a log that does not hold what a cell has anchored."""
    said = f"{one.anchor.entries} entries up to {one.anchor.head[:12]}…" if one.anchor is not None else "entries"
    what = {
        "cut": "entries are missing at its end",
        "changed": "the anchored entry is another one now",
        "replaced": "it is another log",
    }[one.state]
    message = f"the audit log {audit.path} does not hold what cell {one.cell} has anchored ({said}): {what}."
    fix = "keep the file, tell the data-protection contact, then move it aside: a new log begins"
    return errors.PolicyError(message, fix=fix, where=one.cell, id="AUD-003")


async def _move(kube: KubeClient, app: App, deadline: Deadline) -> Judged:
    path = _path(app.home)
    crash.point("audit.anchor.before")
    for _ in range(_ATTEMPTS):
        found = await kube.find(path, deadline=deadline)
        # Read again for each attempt: another command of this operator may have written meanwhile.
        chain = app.audit.read()
        known = {one.log: one for one in _anchors(found)}
        mine = known.get(chain.name)
        if mine is not None and (state := mine.follows(chain)) != "ok":
            return Judged(cell=kube.cell, state=state, anchor=mine)
        if mine is not None and mine.entries == len(chain.hashes):
            return Judged(cell=kube.cell, state="ok", anchor=mine)
        new = Anchor(log=chain.name, entries=len(chain.hashes), head=chain.head, at=str(chain.entries[-1]["at"]))
        try:
            await _write(kube, app, found, new, deadline)
        except ConflictError:
            continue
        crash.point("audit.anchored")
        return Judged(cell=kube.cell, state="ok", anchor=new)
    message = f"the audit anchor of cell {kube.cell} is being changed by others all the time."
    raise errors.PartialError(message, where=kube.cell, fix="run the same command again", id="AUD-004")


async def _write(kube: KubeClient, app: App, found: dict[str, Any] | None, anchor: Anchor, deadline: Deadline) -> None:
    value = {
        "entries": anchor.entries, "head": anchor.head, "at": anchor.at,
        "identity": app.context.identity, "host": socket.gethostname(),
    }  # fmt: skip
    data = {**((found or {}).get("data") or {}), anchor.log: json.dumps(value, sort_keys=True)}
    metadata: dict[str, Any] = {
        "name": place(app.home),
        "namespace": names.SYSTEM_NAMESPACE,
        "labels": {names.MANAGED_BY: "twain", LABEL: "anchor"},
    }
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    if found is None:
        await kube.create(kinds.collection("v1", "ConfigMap", names.SYSTEM_NAMESPACE), manifest, deadline=deadline)
        return
    metadata["resourceVersion"] = found["metadata"]["resourceVersion"]
    await kube.replace(_path(app.home), manifest, deadline=deadline)


def _path(home: Path) -> str:
    return kinds.path("v1", "ConfigMap", place(home), names.SYSTEM_NAMESPACE)


def _anchors(found: dict[str, Any] | None) -> list[Anchor]:
    """The anchors of a ConfigMap. One that cannot be read anchors an entry that no log has: it is never passed over."""
    anchors: list[Anchor] = []
    for log, text in ((found or {}).get("data") or {}).items():
        try:
            raw = json.loads(text)
            anchors.append(Anchor(log=log, entries=int(raw["entries"]), head=str(raw["head"]), at=str(raw["at"])))
        except (ValueError, KeyError, TypeError):
            anchors.append(Anchor(log=log, entries=0, head="", at=""))
    return anchors


def _judge(cell: str, anchors: list[Anchor], chain: Chain) -> Judged:
    """The worst of what a cell remembers of this home's logs."""
    judged = [Judged(cell=cell, state=one.follows(chain), anchor=one) for one in anchors]
    wrong = [one for one in judged if one.state != "ok"]
    if wrong:
        # An anchor of this very log says more than one of a log that stood in its place.
        return next((one for one in wrong if one.state != "replaced"), wrong[0])
    return judged[0] if judged else Judged(cell=cell, state="absent")
