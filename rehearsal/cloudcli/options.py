"""Reading a tool's arguments: words, and `--option value` or `--option=value`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Plain(str):
    """An answer that a command prints as it is, whatever format it is asked for."""

    __slots__ = ()


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A command: its words in order, its options by name without dashes."""

    words: tuple[str, ...]
    options: dict[str, str]

    def option(self, name: str) -> str:
        """The value of an option, or empty."""
        return self.options.get(name, "")


def read(arguments: Sequence[str], *, bare: frozenset[str] = frozenset()) -> Asked:
    """Split arguments; `bare` are the options that take no value."""
    words: list[str] = []
    options: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            words.append(word)
            continue
        name, attached, value = word.removeprefix("--").partition("=")
        if not attached and name not in bare and rest:
            value = rest.pop(0)
        options[name] = value
    return Asked(words=tuple(words), options=options)
