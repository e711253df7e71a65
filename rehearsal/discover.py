"""Plays the look-ups in the clouds' accounts: facts that no resource output may carry, pinned in the cell lock files.

Writes the same lock file that a look-up in a real account writes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from components.spec.lock import CellLock, read_lock, write_lock
from rehearsal.kube import cellfile

if TYPE_CHECKING:
    from pathlib import Path


def discover(world_dir: Path, cell: str) -> CellLock:
    """Pin the facts of a cell. An unchanged fact leaves the file untouched, so a second run changes nothing.

    Raises LookupError when the emulated cloud has no such cluster.
    """
    facts = cellfile.read(world_dir, cell)
    if facts is None or not facts.ca:
        message = f"the emulated cloud has no running cluster for cell {cell}; bring its infra stack up first"
        raise LookupError(message)
    known = read_lock(world_dir / "locks", cell)
    if known is not None and known.cluster_ca == facts.ca:
        return known
    # What else was looked up is about the account and not about this cluster; its id is.
    kept = {name: value for name, value in known.facts.items() if name != "cluster_id"} if known is not None else {}
    pinned = {**kept, "cluster_ca": facts.ca}
    lock = CellLock(
        cell=cell,
        discovered=datetime.now(tz=UTC).isoformat(timespec="seconds"),
        source=f"emulated {facts.cloud}",
        facts=pinned,
    )
    write_lock(world_dir / "locks", lock)
    return lock
