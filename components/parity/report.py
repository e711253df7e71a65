"""Verdicts as a table: for the documentation and for a terminal without the command line's renderer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.parity.compare import Verdict


def markdown(verdicts: Sequence[Verdict]) -> str:
    """A Markdown table, one row per capability, one column per cell. Ends with a newline."""
    cells = list(dict.fromkeys(cell for verdict in verdicts for cell in verdict.values))
    head = ["capability", *cells, "verdict", "reason"]
    rows = [
        [verdict.capability, *(verdict.values.get(cell) or "unknown" for cell in cells), verdict.verdict, _why(verdict)]
        for verdict in verdicts
    ]
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(text.replace('|', chr(92) + '|') for text in line)} |\n" for line in lines)


def _why(verdict: Verdict) -> str:
    waiver = f"waiver {verdict.waiver}: " if verdict.waiver and verdict.verdict == "equivalent" else ""
    return f"{waiver}{verdict.reason or ''}"
