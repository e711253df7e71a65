"""The exception family of the library.

Each class is named for who must act; the command line maps classes to exit codes in one table (`cli/errors.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class TwainLibraryError(Exception):
    """Base of every error that the library raises on purpose."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One fault in a file that a person wrote.

    `code` is a stable id: `SPEC-…` for the form of the file, `RES-…` for residency. `line` counts from 1; 0 when the
    place is the whole file.
    """

    code: str
    path: str
    where: str
    line: int
    message: str
    value: str = ""
    fix: str = ""

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        if self.where:
            place = f"{place} ({self.where})"
        text = f"{self.code} {place}: {self.message}"
        if self.value:
            text = f"{text} Found: {self.value}."
        return f"{text} Fix: {self.fix}" if self.fix else text

    def about(self, words: Iterable[str]) -> bool:
        """Whether it speaks of one of these."""
        return any(word in text for word in words for text in (self.message, self.value, self.fix))


class SpecError(TwainLibraryError):
    """A fleet, workload or waiver file is wrong. Carries every problem found, not the first.

    `partial` is what the file says without the fields that nobody knows and with something in the place of those that
    are wrong (`assumed`), where that makes sense: rules that need the whole can then still be told in the same breath.
    """

    def __init__(self, problems: Iterable[Problem], *, partial: object = None, assumed: tuple[str, ...] = ()) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        self.partial = partial
        self.assumed = assumed
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ResidencyError(TwainLibraryError):
    """Something would leave its world. Carries every violation as a problem with its rule id."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class NotSupportedError(TwainLibraryError):
    """A component or cloud that this installation lacks; the message names the extra or the place to add it."""
