"""Shows how the building of the tools goes: one line per command, on a terminal or in a log."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

_PLAIN_INTERVAL_S = 15.0


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One thing to say about a build.

    `subject` is what is being built. `state`: `waiting` (another builder is at work), `working` (sent every second),
    `done` or `failed`. `seconds` counts since this subject was begun. `number` of `total` commands.
    `fetched`: it is downloaded, not compiled.
    """

    subject: str
    state: Literal["waiting", "working", "done", "failed"]
    seconds: float = 0.0
    number: int = 0
    total: int = 0
    detail: str = ""
    fetched: bool = False

    @property
    def line(self) -> str:
        """The event as a sentence for a log."""
        place = f"[{self.number}/{self.total}] " if self.total else ""
        note = f": {self.detail}" if self.detail else ""
        clock = f"({self.seconds:.0f} s)"
        doing, did, do = ("fetching", "fetched", "fetch") if self.fetched else ("building", "built", "build")
        match self.state:
            case "waiting":
                return f"waiting for {self.subject}{note}"
            case "done":
                return f"{place}{did} {self.subject} {clock}{note}"
            case "failed":
                return f"{place}could not {do} {self.subject} {clock}{note}"
            case "working":
                still = "" if self.seconds < 1 else "still "
                return f"{place}{still}{doing} {self.subject} {clock}{note}"


def to_stream(stream: TextIO | None = None) -> Callable[[Progress], None]:
    """A display for `tools.ensure`: on a terminal a line that counts; else plain lines, at most one in 15 s each."""
    out = stream if stream is not None else sys.stderr
    terminal = out.isatty()
    last: dict[str, float] = {}

    def show(event: Progress) -> None:
        if event.state == "working" and terminal:
            out.write(f"\r\x1b[2K{event.line}")
        elif event.state == "working":
            if event.subject in last and event.seconds - last[event.subject] < _PLAIN_INTERVAL_S:
                return
            last[event.subject] = event.seconds
            out.write(f"{event.line}\n")
        else:
            out.write(f"\r\x1b[2K{event.line}\n" if terminal else f"{event.line}\n")
        out.flush()

    return show
