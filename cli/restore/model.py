"""What a restore test knows: the original, the newest point it can be put back to, the scratch, and what was measured.

`unknown` is a result here as everywhere: a figure that nobody told and nothing showed has no value and a reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from cli import errors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

Kind = Literal["database", "bucket"]
KINDS: tuple[Kind, ...] = ("database", "bucket")
# Of many objects that differ so many are named; all are counted.
_NAMED = 10


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A store as its cloud describes it. `settings` and `objects` (name to checksum) are compared with the scratch's;
    None as a value is unknown, `objects` None means that the contents cannot be read at all, for the reason given.
    """

    region: str
    settings: Mapping[str, str | None]
    objects: Mapping[str, str | None] | None = None
    unread: str = ""


@dataclass(frozen=True, kw_only=True)
class Point:
    """The newest moment that the store can be put back to, and who says so; `earliest` where it is told."""

    at: datetime
    says: str
    earliest: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Scratch:
    """A restored store: `id` as the cloud names it, `name` as we do."""

    id: str
    name: str
    region: str
    state: Literal["working", "ready", "failed"]
    says: str = ""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A figure in seconds. `declared` is what the cloud or the fleet says, `measured` what this test has seen."""

    seconds: float | None
    state: Literal["measured", "declared", "unknown"]
    reason: str

    def as_json(self) -> dict[str, Any]:
        """The figure with its standing."""
        value = None if self.seconds is None else round(self.seconds, 1)
        return {"seconds": value, "state": self.state, "reason": self.reason}


def unknown(reason: str) -> Measure:
    """A figure that there is not."""
    return Measure(seconds=None, state="unknown", reason=reason)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One thing of the original beside the same of the scratch."""

    what: str
    expected: str | None
    found: str | None
    state: Literal["equal", "different", "unknown"]
    reason: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The row of the report."""
        told = {"what": self.what, "expected": self.expected, "found": self.found}
        return {**told, "state": self.state, "reason": self.reason}


State = Literal["planned", "restored", "different", "empty", "no-backup", "failed", "refused", "unknown"]


@dataclass(kw_only=True)
class Outcome:
    """How the test of one store ended. `scratch_state`: `none` was made, `removed`, or `left` behind."""

    world: str
    cell: str
    kind: Kind
    source: str
    region: str
    state: State
    rpo: Measure
    rto: Measure
    point: Point | None = None
    scratch: str | None = None
    scratch_state: Literal["none", "removed", "left"] = "none"
    removed_before: list[str] = field(default_factory=list[str])
    compared: list[Compared] = field(default_factory=list[Compared])
    errors: list[errors.TwainError] = field(default_factory=list[errors.TwainError])

    def as_json(self) -> dict[str, Any]:
        """The item of the report."""
        return {
            "world": self.world, "cell": self.cell, "store": self.kind, "source": self.source, "region": self.region,
            "state": self.state, "restoredTo": _told(self.point.at) if self.point else None,
            "earliest": _told(self.point.earliest) if self.point else None,
            "rpo": self.rpo.as_json(), "rto": self.rto.as_json(),
            "compared": [one.as_json() for one in self.compared],
            "scratch": {"name": self.scratch, "state": self.scratch_state},
            "removedBefore": self.removed_before,
        }  # fmt: skip

    def rows(self) -> list[errors.ErrorRow]:
        """The errors of this store."""
        return [errors.row_of(error, cell=self.cell, world=self.world) for error in self.errors]


def compare(original: Facts, restored: Facts) -> list[Compared]:
    """Every setting, then the contents. A value that either side does not tell is unknown, never equal. Pure."""
    rows: list[Compared] = []
    for what, expected in original.settings.items():
        found = restored.settings.get(what)
        if expected is None or found is None:
            rows.append(Compared(what=what, expected=expected, found=found, state="unknown", reason="it is not told"))
        else:
            state = "equal" if expected == found else "different"
            rows.append(Compared(what=what, expected=expected, found=found, state=state))
    if original.objects is None or restored.objects is None:
        reason = original.unread or restored.unread or "the contents cannot be read"
        return [*rows, Compared(what="contents", expected=None, found=None, state="unknown", reason=reason)]
    return [*rows, *_objects(original.objects, restored.objects)]


def _objects(expected: Mapping[str, str | None], found: Mapping[str, str | None]) -> list[Compared]:
    wrong: list[Compared] = []
    unsure: list[Compared] = []
    for name in sorted({*expected, *found}):
        mine, theirs = expected.get(name), found.get(name)
        row = f"object {name}"
        if name not in found:
            wrong.append(Compared(what=row, expected=mine, found=None, state="different", reason="it was not restored"))
        elif name not in expected:
            why = "the original has no such object"
            wrong.append(Compared(what=row, expected=None, found=theirs, state="different", reason=why))
        elif mine is None or theirs is None:
            why = "the cloud tells no checksum of it"
            unsure.append(Compared(what=row, expected=mine, found=theirs, state="unknown", reason=why))
        elif mine != theirs:
            wrong.append(Compared(what=row, expected=mine, found=theirs, state="different", reason="other bytes"))
    same = len(expected) - sum(one.what.removeprefix("object ") in expected for one in [*wrong, *unsure])
    total = Compared(
        what="objects",
        expected=str(len(expected)),
        found=str(len(found)),
        state="different" if wrong else "unknown" if unsure else "equal",
        reason=f"{same} with the same checksum, {len(wrong)} that differ, {len(unsure)} without a checksum",
    )
    return [total, *wrong[:_NAMED], *unsure[: _NAMED - len(wrong[:_NAMED])]]


def _told(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z") if at is not None else None
