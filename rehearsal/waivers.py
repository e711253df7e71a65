"""The waivers of a rehearsal: what its clouds do not give each other, declared by the matrix, for a season.

They are generated at each set-up, so that a rehearsal shows what a fleet under review looks like: differences with an
owner, a reason and an end, none of them hidden.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from components.parity import waivers
from components.parity.capabilities import CAPABILITIES
from components.spec.model import Waiver

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from components.spec.model import Fleet

SEASON = timedelta(days=90)
OWNER = "platform engineering (rehearsal)"


def declared(fleet: Fleet, today: date) -> list[Waiver]:
    """One waiver per capability that some cell of the fleet has and another cannot have yet."""
    found: list[Waiver] = []
    for capability in CAPABILITIES:
        lacking = [cell for cell in fleet.cells if not capability.clouds[cell.cloud].there]
        if not lacking or len(lacking) == len(fleet.cells):
            continue
        given = capability.clouds[lacking[0].cloud]
        found.append(
            Waiver(
                id=f"W-REHEARSAL-{len(found) + 1}",
                capability=capability.id,
                cells=tuple(cell.name for cell in lacking),
                owner=OWNER,
                reason=f"{given.means} there: {given.why}",
                until=today + SEASON,
            )
        )
    return found


def write(folder: Path, fleet: Fleet, today: date) -> None:
    """Write them, and take away those of an earlier set-up; what a person put beside them stays."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in folder.glob("W-REHEARSAL-*.yaml"):
        old.unlink()
    for one in declared(fleet, today):
        (folder / f"{one.id}.yaml").write_text(waivers.text(one), encoding="utf-8")
