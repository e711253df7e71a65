"""What a cloud's own alerting tells although the cell itself is dead: which alarms there are, and whom they are told.
The same on every cloud. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from components.base import Place
    from components.spec.model import Receiver

SILENT: Final = "silent"
AUDIT: Final = "audit"
ALARMS: Final = (SILENT, AUDIT)
# A Prometheus that is replaced is back within minutes; an alert that nobody gets for longer is an outage of its own.
SILENT_S: Final = 600
# As often as Alertmanager repeats itself.
REPEAT_S: Final = 4 * 3600
_NOBODY: Final = "the fleet names no receiver that the clouds tell (worlds.W.alerts[].told_by)"
_KEPT_IN: Final = "the cell's metrics stay in the cell (observability.metrics), so the cloud cannot miss them"
_OTHERS: Final = "another cell of the account watches its audit trail"


def receivers(place: Place) -> tuple[Receiver, ...]:
    """Whom the clouds tell in this cell's world."""
    return tuple(one for one in place.cell.world.alerts if "cloud" in one.told_by)


def silent(place: Place) -> str:
    """The expression that has a value once no metric of the cell has arrived: Prometheus writes `up` itself."""
    return f'absent(up{{cell="{place.cell.cell.name}"}})'


def words(place: Place, alarm: str) -> str:
    """What the alarm says to people."""
    cell = place.cell.cell.name
    said = {
        SILENT: f"No metric of cell {cell} has arrived for {SILENT_S // 60} minutes: its own alerts may be dead too",
        AUDIT: f"The audit trail that cell {cell} declares was changed or switched off",
    }
    return said[alarm]


def unwatched(place: Place, *, audited: bool = True) -> dict[str, str]:
    """Each alarm that is not declared, and why. `audited`: this cell declares the audit trail of its account."""
    if not receivers(place):
        return dict.fromkeys(ALARMS, _NOBODY)
    found = {} if place.cell.template.observability.metrics == "managed" else {SILENT: _KEPT_IN}
    return found if audited else found | {AUDIT: _OTHERS}
