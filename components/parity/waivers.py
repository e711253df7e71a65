"""Waivers as files: read, checked against each other and against the list of capabilities, written.

What is wrong about any of them is told about all of them at once. Two that claim the same capability of the same cell
on the same day contradict each other: nobody could say who answers for the difference, or when it ends.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from components.errors import Problem, SpecError
from components.parity.capabilities import IDS
from components.spec import dated
from components.spec.load import lines, load_waivers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from pathlib import Path

    from components.spec.dated import Standing
    from components.spec.model import Waiver

CODE = "SPEC-WAIVER"


@dataclass(frozen=True, kw_only=True)
class Filed:
    """A waiver and the file that it stands in."""

    path: Path
    waiver: Waiver


def standing(waiver: Waiver, today: date) -> Standing:
    """Whether a waiver counts on a day."""
    return dated.standing(today, since=waiver.since, until=waiver.until)


def load(places: Iterable[str | Path]) -> tuple[Filed, ...]:
    """Every waiver of these files and folders (`*.yaml`), in the order of the places, sorted in each.

    Raises SpecError with every problem of every file.
    """
    read, problems = dated.read(places, load_waivers, told=_plainer)
    found = tuple(Filed(path=file, waiver=one) for file, one in read)
    problems += check(found)
    if problems:
        raise SpecError(problems)
    return found


def _plainer(problem: Problem) -> Problem:
    """A missing end, in words that say why one is asked for."""
    if (problem.code, problem.where) != ("SPEC-MISSING", "spec.until"):
        return problem
    return replace(
        problem,
        message="a waiver without an end would be a permission for ever.",
        fix="add until: YYYY-MM-DD, the last day on which it counts",
    )


def check(filed: Sequence[Filed]) -> list[Problem]:
    """What is wrong about waivers beyond their form: no such capability, ends before it begins, two of one id, two
    that claim the same.
    """
    problems: list[Problem] = []
    for position, one in enumerate(filed):
        waiver = one.waiver
        if waiver.capability not in IDS:
            near = difflib.get_close_matches(waiver.capability, IDS, n=1)
            fix = f"did you mean {near[0]}?" if near else "twain parity explain lists them"
            problems.append(_problem(one, "spec.capability", "there is no such capability.", waiver.capability, fix))
        if waiver.since is not None and waiver.until < waiver.since:
            message = f"it ends on {waiver.until}, before it begins."
            problems.append(_problem(one, "spec.since", message, str(waiver.since), "correct one of the two days"))
        for other in filed[:position]:
            problems += _against(one, other)
    return problems


def _against(one: Filed, other: Filed) -> list[Problem]:
    first, second = other.waiver, one.waiver
    if first.id == second.id:
        message = f"this id is taken by {other.path}."
        return [_problem(one, "metadata.id", message, second.id, "give each waiver an id of its own")]
    both = sorted(set(first.cells) & set(second.cells))
    if first.capability != second.capability or not both or not _overlap(first, second):
        return []
    message = (
        f"{second.id} and {first.id} ({other.path}) both excuse {second.capability} of {', '.join(both)}: "
        f"until {second.until} for {second.owner}, until {first.until} for {first.owner}."
    )
    fix = "keep one of the two, or let one begin after the other ends"
    return [_problem(one, "spec.cells", message, ", ".join(both), fix)]


def _overlap(one: Waiver, other: Waiver) -> bool:
    return all(a.since is None or a.since <= b.until for a, b in ((one, other), (other, one)))


def _problem(one: Filed, where: str, message: str, value: str, fix: str) -> Problem:
    line = lines(one.path).get(where, 0)
    return Problem(code=CODE, path=str(one.path), where=where, line=line, message=message, value=value, fix=fix)


def text(waiver: Waiver) -> str:
    """A waiver as the file that says it. What a person wrote is quoted, so that it stays what it is."""
    rows = [
        "apiVersion: twain/v1",
        "kind: Waiver",
        "metadata:",
        f"  id: {json.dumps(waiver.id)}",
        "spec:",
        f"  capability: {waiver.capability}",
        f"  cells: [{', '.join(waiver.cells)}]",
        f"  owner: {json.dumps(waiver.owner, ensure_ascii=False)}",
        f"  reason: {json.dumps(waiver.reason, ensure_ascii=False)}",
        *([f"  since: {waiver.since}"] if waiver.since else []),
        f"  until: {waiver.until}",
        *([f"  value: {json.dumps(waiver.value)}"] if waiver.value else []),
    ]
    return "\n".join(rows) + "\n"
