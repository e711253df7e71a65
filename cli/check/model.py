"""A finding: one thing that was looked at, and what is to be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cli import errors

if TYPE_CHECKING:
    from collections.abc import Iterable

State = Literal["ok", "failed", "unknown"]
MACHINES = "machines"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One check of one cell. `subject` says of what, `says` what was found; `code` is the exit code of a failed one.

    `unknown` is a result: nobody could be asked, or the answer did not tell. It never counts as `ok`.
    """

    check: str
    subject: str
    state: State
    says: str
    fix: str | None = None
    code: int = errors.FAILED
    source: str | None = None

    def as_json(self, *, world: str, cell: str | None) -> dict[str, Any]:
        """The item of the report."""
        return {
            "world": world,
            "cell": cell,
            "check": self.check,
            "subject": self.subject,
            "state": self.state,
            "says": self.says,
            "source": self.source,
            "fix": self.fix,
        }

    def as_row(self, *, world: str, cell: str | None) -> errors.ErrorRow | None:
        """The error that a failed or unknown finding is; None for what is in order."""
        if self.state == "ok":
            return None
        code = self.code if self.state == "failed" else errors.PARTIAL
        message = f"{self.check} of {cell or f'world {world}'}: {self.subject}: {self.says}"
        return errors.ErrorRow(
            id=f"CHK-{self.check.upper()}", message=message, cell=cell, world=world, fix=self.fix, code=code
        )


def ok(check: str, subject: str, says: str, *, source: str | None = None) -> Finding:
    """Something in order."""
    return Finding(check=check, subject=subject, state="ok", says=says, source=source)


def unknown(check: str, subject: str, says: str, *, fix: str | None = None, source: str | None = None) -> Finding:
    """Something that could not be learnt."""
    return Finding(check=check, subject=subject, state="unknown", says=says, fix=fix, source=source)


def failed(
    check: str, subject: str, says: str, *, fix: str, code: int = errors.FAILED, source: str | None = None
) -> Finding:
    """Something that is wrong."""
    return Finding(check=check, subject=subject, state="failed", says=says, fix=fix, code=code, source=source)


def as_error(finding: Finding, *, cell: str) -> errors.TwainError:
    """The error of a failed or unknown finding, to be raised together with others."""
    code = finding.code if finding.state == "failed" else errors.PARTIAL
    message = f"{cell}: {finding.subject}: {finding.says}"
    return errors.of_code(code)(message, fix=finding.fix, where=cell, id=f"CHK-{finding.check.upper()}")


def rows(findings: Iterable[Finding], *, world: str, cell: str | None) -> list[errors.ErrorRow]:
    """The errors among findings."""
    return [row for finding in findings if (row := finding.as_row(world=world, cell=cell)) is not None]
