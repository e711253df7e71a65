"""Numbers in pages that are no measurement: what a run prints is the same number each time, so the page must say it.

In the captured output of a page such a number is compared with what is printed, exactly (`promised`). In prose it is
compared with the table that it counts (`told`).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# Each group is a number that is promised.
_PROMISED = [re.compile(pattern) for pattern in (
    r"^\s*rehearsal\.\S+\s.*?\s(\d+)\s*$",                                             # pulumi stack ls
    r"^\w+\s+rehearsal\.\S+\s+\S+\s+(?:infra|platform)\s+up\s+(\d+)\s",                  # twain stack list
    r"^\s*[+~-] (\d+) (?:to create|to update|to delete|to replace|created|updated|deleted)\s*$",
    r"^\s*(\d+) unchanged\s*$",
    r"\b(\d+) capabilities: (\d+) \w[\w ]*(?:, (\d+) \w[\w ]*)?(?:, (\d+) \w[\w ]*)?(?:, (\d+) \w[\w ]*)?\.",
    r"\ball (\d+) are (?:on|offered)\b",
    r"\b(\d+) violations: (\d+) of (\d+) resources have rules, in (\d+) sources",
)]  # fmt: skip
_STACK = re.compile(r"\brehearsal\.(?P<cell>[a-z0-9-]+)\.(?P<layer>infra|platform)\b")
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def promised(line: str) -> list[tuple[int, int]]:
    """Where in a shown line the numbers stand that a run must print as they are."""
    return [
        found.span(group)
        for pattern in _PROMISED
        if (found := pattern.search(line)) is not None
        for group in range(1, pattern.groups + 1)
        if found.span(group) != (-1, -1)
    ]


def resources(line: str) -> tuple[str, str, int] | None:
    """Cell, layer and the number of resources of a stack that a shown line tells, or None."""
    stack, spans = _STACK.search(line), promised(line)
    if stack is None or len(spans) != 1:
        return None
    return stack["cell"], stack["layer"], int(line[slice(*spans[0])])


def deployed(root: Path, cell: str, layer: str) -> int:
    """How many resources the state of a stack of the rehearsal has: those of its golden graph, the stack itself, the
    stacks that it reads, and the engine's own provider that reads them.
    """
    rows = json.loads((root / "tests" / "golden" / "graphs" / f"{cell}.{layer}.json").read_text(encoding="utf-8"))
    read = read_of_others(root, cell, layer)
    return len(rows) + 1 + len(read) + bool(read)


def read_of_others(root: Path, cell: str, layer: str) -> list[str]:
    """The stacks that a stack reads: a platform its own infra, the gate's cell also its sisters'."""
    from components.spec.load import load_fleet

    if layer == "infra":
        return []
    fleet = load_fleet(root / "stacks" / "fleets" / "rehearsal.yaml")
    own = fleet.resolved(cell)
    sisters = [one.name for one in fleet.cells_of(own.cell.world) if one.name != cell]
    return [cell, *(sisters if own.world.gate_cell == cell else ())]


def number(text: str) -> int:
    """A number, in digits or as a word."""
    plain = text.replace(",", "").lower()
    return int(plain) if plain.isdigit() else WORDS.index(plain)


def _proof(root: Path, name: str) -> dict[str, Any]:
    return json.loads((root / "docs" / "proof" / f"{name}.json").read_text(encoding="utf-8"))


def _tools(_root: Path) -> int:
    from rehearsal import tools_table

    return len(tools_table.TOOLS)


def _capabilities(_root: Path) -> int:
    from components.parity.capabilities import CAPABILITIES

    return len(CAPABILITIES)


def _unread(_root: Path) -> int:
    from tests.sweep import oracle

    return sum(not one.read for one in oracle.regions())


_NUMBER = rf"(\d[\d,]*|{'|'.join(WORDS[2:])})"
# What prose says → what is counted.
TOLD: dict[str, Callable[[Path], int]] = {
    rf"\b{_NUMBER} binaries\b": _tools,
    rf"\bTools: {_NUMBER} commands\b": _tools,
    rf"\b{_NUMBER} tools \(": _tools,
    rf"\b{_NUMBER} capabilities\b": _capabilities,
    rf"\bsweep of {_NUMBER} regions\b": lambda root: _proof(root, "sweep")["regions"],
    rf"\bregions, {_NUMBER} places\b": lambda root: _proof(root, "sweep")["places"],
    rf"\b{_NUMBER} combinations\b": lambda root: sum(_proof(root, "sweep")["combinations"].values()),
    rf"\b{_NUMBER} of the sweep's regions\b": _unread,
    rf"\ball {_NUMBER} points\b": lambda root: _proof(root, "kill")["counts"]["converged"],
}


def told(text: str, root: Path) -> Iterator[tuple[str, int, int]]:
    """(what is said, the number said, the number that is true) of every such sentence of a page."""
    for pattern, count in TOLD.items():
        for found in re.finditer(pattern, text, re.IGNORECASE):
            yield found[0], number(found[1]), count(root)
