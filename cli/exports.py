"""Export entries as the command line and the evidence list them, with the sums of a year."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from cli.app import App
    from components.policy.exports import Filed

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Listed:
    """Entries and thresholds of a year, as items."""

    year: int
    items: list[Row]
    thresholds: list[Row]


def listed(app: App, *, fleet: str | None, places: Sequence[str | Path]) -> Listed:
    """Every entry as it stands today, those that ran out first. Raises SpecError with every problem."""
    from components.policy import exports

    chosen: list[str | Path] = list(places)
    if fleet is not None or not places:
        own = exports.folder(fleet if fleet is not None else app.context.fleet)
        chosen = [*([own] if own.is_dir() else []), *chosen]
    return of(exports.load(chosen), app.clock.now().date())


def of(filed: Sequence[Filed], today: date) -> Listed:
    """These entries, and the sums of the year of a day."""
    from components.policy import exports

    order = ("expired", "active", "future")
    rows = sorted(
        (row(one, today) for one in filed), key=lambda one: (order.index(one["state"]), one["until"], one["id"])
    )
    thresholds = [
        {
            "id": one.threshold.id,
            "counts": one.threshold.counts,
            "at": one.threshold.at,
            "sum": one.sum,
            "reached": one.reached,
            "needs": one.threshold.needs,
            "short": list(one.short),
            "article": one.threshold.article,
            "source": one.threshold.source,
            "read": one.threshold.read,
        }
        for one in exports.count((one.entry for one in filed), today.year)
    ]
    return Listed(year=today.year, items=rows, thresholds=thresholds)


def row(filed: Filed, today: date) -> Row:
    """One entry as an item."""
    from components.policy import exports

    one = filed.entry
    return {
        **one.model_dump(mode="json", exclude={"volume", "critical_operator"}),
        "persons": one.volume.persons,
        "sensitive": one.volume.sensitive,
        "state": exports.standing(one, today),
        "daysLeft": max((one.until - today).days + 1, 0),
        "file": str(filed.path),
    }


def line(threshold: Row) -> str:
    """One threshold in words."""
    told = "reached" if threshold["reached"] else "below"
    need = f"{threshold['at']:,} {threshold['counts']} → {threshold['needs']}"
    return f"{threshold['sum']:,} of {need} ({threshold['article']}): {told}"
