"""Backups of the emulated databases, and restores of them into new ones, as long as a real one takes by the clock of
the rehearsal.

A log is written away every five minutes from the creation on; a restore takes five minutes. Both are divided
by the rehearsal's speed. An account's declared faults: `no_backups`, `restore_fails`, `restore_differs`,
`restore_elsewhere` (a region), `undeletable`.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from rehearsal import home

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.providers.store import Resource, Store

LOG_S, RESTORE_S = 300.0, 300.0
# Our own note in a restored database's outputs; no answer of a tool holds it.
_NOTE = "twainRestore"
_DISKS = ("instanceStorage", "diskSize", "storageSizeGB")


def speed() -> float:
    """What waits are divided by here."""
    try:
        return home.current().speed
    except FileNotFoundError:
        return home.default_speed()


def window(row: Resource, declared: Mapping[str, Any], *, now: float) -> tuple[float, float] | None:
    """The earliest and the latest moment that a database can be put back to; None while there is no log of it."""
    step = LOG_S / speed()
    steps = int((now - row.created) / step)
    if steps < 1 or declared.get("no_backups"):
        return None
    return row.created + step, row.created + steps * step


def restore(
    store: Store, row: Resource, declared: Mapping[str, Any], *, new: Resource, point: float
) -> tuple[Resource | None, str]:
    """A new database out of an old one's backup: (what is being made, why not)."""
    now = time.time()
    held = window(row, declared, now=now)
    # Times are told and taken in whole seconds.
    if held is None or not int(held[0]) <= point <= now:
        return None, "the restore time lies outside of what is kept"
    if any(one.id == new.id or one.key == new.key for one in store.list_resources(type=row.type)):
        return None, f"{new.name} exists already"
    inputs = _smaller(new.inputs) if declared.get("restore_differs") else new.inputs
    note = {"until": now + RESTORE_S / speed(), "fails": bool(declared.get("restore_fails"))}
    region = str(declared.get("restore_elsewhere") or new.region)
    made = replace(
        new,
        region=region,
        inputs=inputs,
        outputs={**new.outputs, _NOTE: note},
        created=now,
        urn="",
        parents=row.parents,
    )
    store.put_resource(made)
    return made, ""


def phase(row: Resource) -> Literal["working", "ready", "failed"]:
    """How far a database is; one that was not restored is ready. A restore that fails does so half way."""
    note = row.outputs.get(_NOTE)
    if note is None:
        return "ready"
    left = note["until"] - time.time()
    if note["fails"]:
        return "failed" if left < RESTORE_S / speed() / 2 else "working"
    return "working" if left > 0 else "ready"


def _smaller(value: Any) -> Any:
    """The same with a smaller disk."""
    if isinstance(value, dict):
        return {key: one - 5 if key in _DISKS else _smaller(one) for key, one in value.items()}
    return value
