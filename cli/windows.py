"""The window of time that a person asks for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cli import errors

if TYPE_CHECKING:
    from cli.prom.window import Window

_USUAL_S = 900.0


def window_of(now: datetime, *, since: float | None, start: str | None, end: str | None) -> Window:
    """`--since` seconds up to `--to`, or from `--from` to `--to`; fifteen minutes up to now when neither is given.

    An end that lies in the future is now. Raises UsageError for what is no moment, and for an end before its begin.
    """
    from cli.prom.window import Window

    if since is not None and start is not None:
        message = "--since and --from say the same thing twice."
        raise errors.UsageError(message, fix="give one of them", id="CFG-WINDOW")
    present = now.timestamp()
    to = _moment(end, "--to") if end else present
    begin = _moment(start, "--from") if start else to - (since if since is not None else _USUAL_S)
    if begin >= to:
        message = f"the window ends at {end or 'now'}, before it begins."
        raise errors.UsageError(message, fix="give --from before --to", id="CFG-WINDOW")
    return Window(begin, min(to, present) if begin < present else to)


def _moment(text: str, option: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"{option} {text!r} is no moment."
        raise errors.UsageError(message, fix="write 2026-11-20T10:00:00Z", id="CFG-WINDOW") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
