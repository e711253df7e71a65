"""Turns an exception into words and an exit code, in one place."""

from __future__ import annotations

import errno
import hashlib
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cli import errors, files, text

if TYPE_CHECKING:
    from pathlib import Path

    from cli.console import Console


# What a disk says when it takes no more. The same words for standard output, a report, a journal.
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG}


def translate(error: BaseException) -> errors.TwainError | None:
    """The error as ours, or None when it is a bug."""
    if isinstance(error, errors.TwainError):
        return error
    if isinstance(error, BaseExceptionGroup):
        inner = [translate(part) for part in error.exceptions]
        known = [part for part in inner if part is not None]
        return errors.Several(known) if known and len(known) == len(inner) else None
    if isinstance(error, OSError) and error.errno in _DISK:
        return _disk(error)
    module = type(error).__module__
    if module.startswith("components.") or any(base.__module__ == "components.errors" for base in type(error).__mro__):
        return _library(error)
    if module.startswith("cli.net"):
        return _network(error)
    return None


def _disk(error: OSError) -> errors.TwainError:
    place = f"{error.filename}: " if error.filename else ""
    message = f"nothing more can be written: {place}{error.strerror}."
    return errors.ResourceError(message, fix="free some space, or write elsewhere, then run it again", id="DSK-001")


def _library(error: BaseException) -> errors.TwainError | None:
    from components import errors as library

    if isinstance(error, library.SpecError | library.ResidencyError):
        problems = [_problem(problem) for problem in error.problems]
        return problems[0] if len(problems) == 1 else errors.Several(problems)
    if isinstance(error, library.NotSupportedError):
        return errors.UsageError(str(error), id="CFG-EXTRA")
    if isinstance(error, library.TwainLibraryError):
        return errors.TwainError(str(error), fix=getattr(error, "fix", None))
    return None


def _problem(problem: object) -> errors.TwainError:
    """One problem of a spec file. Residency rules end with 5, a quota that is too small with 4, everything else that
    the check finds with 2.
    """
    code = str(getattr(problem, "code", "SPEC-001"))
    path, line = str(getattr(problem, "path", "")), int(getattr(problem, "line", 0))
    where = f"{path}:{line}" if line else path
    trail = getattr(problem, "where", "")
    value = getattr(problem, "value", "")
    message = str(getattr(problem, "message", problem)) + (f" Found: {value}." if value else "")
    kind = errors.PolicyError if code.startswith("RES-") else errors.UsageError
    kind = errors.ResourceError if code == "SPEC-QUOTA" else kind
    fix = str(getattr(problem, "fix", "")) or None
    return kind(message, fix=fix, where=f"{where} ({trail})" if trail else where or None, id=code)


def _network(error: BaseException) -> errors.TwainError | None:
    from cli.net import http

    return http.as_twain_error(error) if isinstance(error, http.HttpError) else None


def show(error: errors.TwainError, console: Console) -> int:
    """Print every error as `error ID: message / where / fix`; returns the exit code."""
    for single in errors.flatten([error]):
        console.note(f"error {single.id}: {text.clean_lines(single.message)}")
        if single.where:
            console.note(f"  where  {single.where}")
        if single.fix:
            console.note(f"  fix    {single.fix}")
    return errors.exit_code(error)


def _stack(error: BaseException) -> str:
    """Where it happened, with what kind of error. Messages are left out: a KeyError's is the key, which is data."""
    lines: list[str] = []
    seen: set[int] = set()
    waiting: list[tuple[str, BaseException]] = [("", error)]
    while waiting:
        how, one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        lines += [how, *traceback.format_tb(one.__traceback__), f"{type(one).__module__}.{type(one).__qualname__}\n"]
        if one.__cause__ is not None:
            waiting.append(("\ncaused by\n", one.__cause__))
        elif one.__context__ is not None and not one.__suppress_context__:
            waiting.append(("\nwhile handling\n", one.__context__))
        if isinstance(one, BaseExceptionGroup):
            waiting += [("\none of\n", part) for part in one.exceptions]
    return "".join(lines)


def bug(error: BaseException, console: Console, home: Path, argv: list[str]) -> int:
    """Write a report about an error of ours and name it. The report holds the stack, not the values."""
    stack = _stack(error)
    report = hashlib.sha256(stack.encode()).hexdigest()[:10]
    path = home / "reports" / f"{report}.txt"
    head = f"twain {' '.join(argv[:2])}\n{datetime.now(UTC).isoformat()}\n\n"
    try:
        files.write_private(path, head + stack)
        place = str(path)
    except (errors.TwainError, OSError):
        place = "(the report could not be written)"
    console.note(f"error BUG-{report}: this is a fault of twain, not of yours: {type(error).__name__}: {error}")
    console.note(f"  where  {place}")
    console.note("  fix    please send the report; the command can be repeated safely")
    return errors.BUG
