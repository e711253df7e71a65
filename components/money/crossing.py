"""Cost rows as they may cross the border: about what the world declares, and about nothing else.

A bill names what somebody once wrote into a tag. A name that the fleet does not declare (a maison that is gone, a word
of somebody's own) stays at home; its money is told as nobody's, in one sum with the rest of that.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from components.clouds import regions
from components.money.money import exact_sum, plain
from components.telemetry.contract import SHARED, UNKNOWN, listed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    Row = Mapping[str, Any]

OTHER = "other"
"""A provider that is none of the clouds."""

NOBODYS: dict[str, str | None] = {"provider": OTHER, "region": UNKNOWN, "cell": None, "maison": SHARED}
"""By label: what stands for a value that is not declared."""

_GROUP = ("world", "provider", "region", "cell", "maison", "currency", "month")
# The least settled of several counts for their sum.
_STATUS = ("provisional", "final", "locked")


def declared(
    rows: Iterable[Row], *, cells: Collection[str], maisons: Collection[str]
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The rows with only declared names in them, those of one group in one; and by label in how many another one
    stood.
    """
    allowed: dict[str, Collection[str | None]] = {
        "provider": {*regions.WORLD_OF, OTHER},
        "region": listed("region"),
        "cell": {*cells, None},
        "maison": {*maisons, SHARED, None},
    }
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    undeclared: dict[str, int] = {}
    for row in rows:
        made = dict(row)
        for label, names in allowed.items():
            if row[label] not in names:
                made[label] = NOBODYS[label]
                undeclared[label] = undeclared.get(label, 0) + 1
        group = tuple(made[name] for name in _GROUP)
        found[group] = _sum(found[group], made) if group in found else made
    return list(found.values()), undeclared


def _sum(one: Row, other: Row) -> dict[str, Any]:
    """Two rows of a group as one. What either does not know, the sum does not."""
    both = (one, other)
    effective = [Decimal(each["effective"]) for each in both if each["effective"] is not None]
    resources = [each["resources"] for each in both if each["resources"] is not None]
    return {
        **one,
        "billed": plain(exact_sum(Decimal(each["billed"]) for each in both)),
        "effective": plain(exact_sum(effective)) if len(effective) == len(both) else None,
        "status": min((each["status"] for each in both), key=_STATUS.index),
        "unpriced": sum(each["unpriced"] for each in both),
        "resources": sum(resources) if len(resources) == len(both) else None,
    }
