"""The terminal: data to stdout, everything else to stderr."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TextIO

from cli import text as text_

if TYPE_CHECKING:
    from collections.abc import Mapping

Tone = Literal["good", "bad", "warn", "dim", "strong"]
_TONES: dict[str, str] = {"good": "32", "bad": "31", "warn": "33", "dim": "2", "strong": "1"}


def wants_color(env: Mapping[str, str], *, tty: bool) -> bool:
    """`NO_COLOR` says no, `CLICOLOR_FORCE` says yes, else a terminal decides."""
    if env.get("NO_COLOR"):
        return False
    if env.get("CLICOLOR_FORCE", "0") not in {"", "0"}:
        return True
    return tty and env.get("TERM", "") != "dumb"


@dataclass
class Console:
    """Two streams and what they can show. Nothing else in the command line writes to them."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @property
    def out_tty(self) -> bool:
        """Whether stdout is a terminal."""
        return self.out.isatty()

    @property
    def interactive(self) -> bool:
        """Whether a person can be asked: both ends are a terminal and `TWAIN_NO_PROMPT` is not set."""
        return sys.stdin.isatty() and self.err.isatty() and self.env.get("TWAIN_NO_PROMPT", "") in {"", "0"}

    @property
    def color(self) -> bool:
        """Whether tones are drawn on stdout."""
        return wants_color(self.env, tty=self.out_tty)

    def tone(self, value: str, tone: str | None) -> str:
        """The text in a tone (good, bad, warn, dim, strong), where colours are wanted."""
        if tone not in _TONES or not self.color:
            return value
        return f"\x1b[{_TONES[tone]}m{value}\x1b[0m"

    def data(self, value: str) -> None:
        """Write data to stdout and end the line."""
        self._write(self.out, value)

    def note(self, value: str = "") -> None:
        """Write a line for people to stderr. Control characters are taken out."""
        self._write(self.err, text_.clean_lines(value))

    def prompt(self, question: str) -> str:
        """Ask on stderr and read one line; an end of file reads as no answer."""
        self.err.write(to_stream(self.err, f"{text_.clean(question)} [y/N] "))
        self.err.flush()
        return sys.stdin.readline().strip()

    def _write(self, stream: TextIO, value: str) -> None:
        stream.write(to_stream(stream, value if value.endswith("\n") else value + "\n"))
        stream.flush()


def to_stream(stream: TextIO, value: str) -> str:
    """The text in characters that the stream can take."""
    return value if value.isascii() else text_.to_encoding(value, getattr(stream, "encoding", None) or "utf-8")
