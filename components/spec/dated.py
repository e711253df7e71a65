"""What people permit in files of their own, each with an end (waivers, export entries): found, read together, dated."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from components.errors import Problem, SpecError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

T = TypeVar("T")
Standing = Literal["active", "future", "expired"]


def standing(today: date, *, since: date | None, until: date) -> Standing:
    """Whether what is permitted between two days, both included, counts on a day."""
    if until < today:
        return "expired"
    return "future" if since is not None and today < since else "active"


def read(
    places: Iterable[str | Path], load: Callable[[Path], Iterable[T]], *, told: Callable[[Problem], Problem]
) -> tuple[list[tuple[Path, T]], list[Problem]]:
    """Everything that these files and folders (`*.yaml`) hold, in the order of the places, sorted in each, no file
    twice; and every problem of every file, in the words of `told`.
    """
    found: list[tuple[Path, T]] = []
    problems: list[Problem] = []
    for file in _files(places):
        try:
            found += [(file, one) for one in load(file)]
        except SpecError as error:
            problems += [told(problem) for problem in error.problems]
    return found, problems


def _files(places: Iterable[str | Path]) -> list[Path]:
    found: dict[Path, Path] = {}
    for place in places:
        root = Path(place)
        for file in sorted(root.glob("*.yaml")) if root.is_dir() else [root]:
            found.setdefault(file.resolve(), file)
    return list(found.values())
