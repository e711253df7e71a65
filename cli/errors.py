"""The errors that the command line ends with, and the exit code of each (DESIGN §7).

Library code raises `components.errors`; `cli.failures` maps those here. A message names the object that knows why,
`fix` the next thing to do, `id` is stable: scripts and documentation refer to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable

OK = 0
UNCLASSIFIED = 1
USAGE = 2
AUTH = 3
FAILED = 4
POLICY = 5
NOT_FOUND = 6
NO_CHANGES = 7
CANCELLED = 8
TIMEOUT = 9
DIFFERENCES = 10
SLO_MISSED = 11
BUDGET = 12
PARTIAL = 13
LOCKED = 14
ROLLED_BACK = 15
UNKNOWN = 16
BUG = 255

# The first of these that occurred is the code of the whole command. Codes that the list does not rank come after it.
PRECEDENCE = (
    BUG,
    POLICY,
    USAGE,
    AUTH,
    LOCKED,
    UNKNOWN,
    ROLLED_BACK,
    FAILED,
    PARTIAL,
    TIMEOUT,
    BUDGET,
    SLO_MISSED,
    DIFFERENCES,
    CANCELLED,
    NOT_FOUND,
    UNCLASSIFIED,
    NO_CHANGES,
)

MEANINGS = {
    OK: "ok",
    UNCLASSIFIED: "unclassified",
    USAGE: "usage or configuration",
    AUTH: "authentication",
    FAILED: "resource or rollout failed",
    POLICY: "policy (residency)",
    NOT_FOUND: "not found",
    NO_CHANGES: "no changes (only with a flag that asks)",
    CANCELLED: "cancelled",
    TIMEOUT: "timeout",
    DIFFERENCES: "differences (with --exit-code)",
    SLO_MISSED: "SLO missed",
    BUDGET: "budget exceeded",
    PARTIAL: "partial: some cells unreachable",
    LOCKED: "lock held",
    ROLLED_BACK: "rolled back",
    UNKNOWN: "outcome unknown",
    BUG: "internal bug, with a report id",
}


def worst(codes: Iterable[int]) -> int:
    """The exit code of a command whose parts ended with these codes; 0 when there are none but 0."""
    seen = {code for code in codes if code != OK}
    for code in PRECEDENCE:
        if code in seen:
            return code
    return UNCLASSIFIED if seen else OK


class TwainError(Exception):
    """An error that a person can act on. Subclasses differ by exit code and by default id."""

    code: ClassVar[int] = UNCLASSIFIED
    default_id: ClassVar[str] = "TWN-001"

    def __init__(
        self,
        message: str,
        *,
        fix: str | None = None,
        where: str | None = None,
        id: str | None = None,  # noqa: A002 - the name in the envelope and in the documentation
    ) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.where = where
        self.id = id or self.default_id


class UsageError(TwainError):
    """The command line, the configuration or a file that a person wrote is wrong."""

    code = USAGE
    default_id = "CFG-001"


class AuthError(TwainError):
    """A credential is missing, expired or refused."""

    code = AUTH
    default_id = "AUTH-001"


class ResourceError(TwainError):
    """A resource or a rollout failed, or there is not enough of something."""

    code = FAILED
    default_id = "RUN-001"


class PolicyError(TwainError):
    """Residency or another policy forbids it."""

    code = POLICY
    default_id = "RES-001"


class NotFoundError(TwainError):
    """There is no object of that name."""

    code = NOT_FOUND
    default_id = "OBJ-001"


class NoChangesError(TwainError):
    """Nothing changed, and the caller asked to be told so by the exit code."""

    code = NO_CHANGES
    default_id = "CHG-001"


class CancelledByUserError(TwainError):
    """A person said no, or sent SIGINT or SIGTERM."""

    code = CANCELLED
    default_id = "USR-001"


class DeadlineError(TwainError):
    """The deadline passed before the answer; nothing was written."""

    code = TIMEOUT
    default_id = "NET-009"


class DifferencesError(TwainError):
    """There are differences, and `--exit-code` was given."""

    code = DIFFERENCES
    default_id = "DIF-001"


class SloMissedError(TwainError):
    """An SLO was missed."""

    code = SLO_MISSED
    default_id = "SLO-001"


class BudgetError(TwainError):
    """A budget is exceeded."""

    code = BUDGET
    default_id = "BUD-001"


class PartialError(TwainError):
    """A cell or a world could not be reached; what it would have said is unknown."""

    code = PARTIAL
    default_id = "NET-001"


class LockHeldError(TwainError):
    """Somebody else is at work on the same thing."""

    code = LOCKED
    default_id = "LCK-001"


class RolledBackError(TwainError):
    """The change was taken back."""

    code = ROLLED_BACK
    default_id = "RUN-015"


class OutcomeUnknownError(TwainError):
    """A write was sent and no answer came, or one that cannot be read: it may or may not have happened."""

    code = UNKNOWN
    default_id = "NET-016"


class Several(TwainError):  # noqa: N818 - it is as many errors as it holds
    """More than one error. The code is `worst` of theirs; all are printed."""

    def __init__(self, errors: Iterable[TwainError]) -> None:
        self.errors: tuple[TwainError, ...] = tuple(flatten(errors))
        super().__init__("; ".join(error.message for error in self.errors))

    @property
    def exit_code(self) -> int:
        """The code of the whole."""
        return worst(error.code for error in self.errors)


def flatten(errors: Iterable[TwainError]) -> list[TwainError]:
    """Every error, with the members of `Several` in their place."""
    flat: list[TwainError] = []
    for error in errors:
        flat.extend(error.errors if isinstance(error, Several) else [error])
    return flat


def exit_code(error: TwainError) -> int:
    """The exit code that this error ends the command with."""
    return error.exit_code if isinstance(error, Several) else error.code


@dataclass(frozen=True, kw_only=True)
class ErrorRow:
    """One entry of the envelope's `errors`, and its exit code."""

    id: str
    message: str
    cell: str | None = None
    world: str | None = None
    fix: str | None = None
    code: int = PARTIAL

    def as_json(self) -> dict[str, str | None]:
        """`{id, cell, message, fix}`, with `world` where no cell is meant."""
        row: dict[str, str | None] = {"id": self.id, "cell": self.cell, "message": self.message, "fix": self.fix}
        if self.world is not None:
            row["world"] = self.world
        return row


def row_of(error: TwainError, *, cell: str | None = None, world: str | None = None) -> ErrorRow:
    """The envelope row of an error."""
    return ErrorRow(
        id=error.id, message=error.message, cell=cell or error.where, world=world, fix=error.fix, code=exit_code(error)
    )


def of_code(code: int) -> type[TwainError]:
    """The error class of an exit code: for outcomes that come from elsewhere as a number."""
    for kind in TwainError.__subclasses__():
        if kind.code == code:
            return kind
    return TwainError
