"""What a reading verb can be asked, and a reader of its words that needs no library.

click is a quarter of what a reading verb does before its first byte leaves. So words that are plainly right are read
here. For anything else (help, an error, an option with an optional value) the answer is None, and click, which declares
the same options in `cli.options`, reads them again and says what is wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Format = Literal["table", "wide", "json", "yaml", "jsonl", "csv", "name"]
FORMATS: tuple[Format, ...] = ("table", "wide", "json", "yaml", "jsonl", "csv", "name")
WORLDS = ("cn", "row", "all")
TIMEOUT = "10s"

_DURATION = re.compile(r"^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, None: 1.0}
_LONG = {"-o": "--output"}
_KNOWN = ("--world", "--cell", "--maison", "--output", "--timeout", "--context")


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Which part of the fleet a verb looks at. Empty `cells` and no `maison` mean all."""

    world: str = "all"
    cells: tuple[str, ...] = ()
    maison: str | None = None

    def has(self, *, world: str, cell: str | None = None) -> bool:
        """Whether a cell (or, without one, a world) lies in the scope."""
        if self.world not in {"all", world}:
            return False
        return cell is None or not self.cells or cell in self.cells


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The words of a reading verb, understood."""

    scope: Scope
    output: Format
    timeout: float
    context: str | None


def seconds(text: str) -> float | None:
    """`90`, `90s`, `15m`, `1h`, `2d` as seconds; None for anything else."""
    match = _DURATION.match(text)
    return float(match.group(1)) * _UNITS[match.group(2)] if match is not None else None


def understand(words: list[str]) -> Asked | None:
    """The words after the verb, or None where click has to read them."""
    given: dict[str, list[str]] = {name: [] for name in _KNOWN}
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        name = _LONG.get(name, name) if not equals else name
        if not equals:
            value = next(rest, "")
        if name not in given or not value or value.startswith("-"):
            return None
        given[name].append(value)
    world, output = _last(given["--world"], "all"), _last(given["--output"], "table")
    timeout = seconds(_last(given["--timeout"], TIMEOUT))
    if world not in WORLDS or output not in FORMATS or timeout is None:
        return None
    return Asked(
        scope=Scope(world=world, cells=tuple(given["--cell"]), maison=_last(given["--maison"], "") or None),
        output=output,
        timeout=timeout,
        context=_last(given["--context"], "") or None,
    )


def _last(values: list[str], default: str) -> str:
    return values[-1] if values else default
