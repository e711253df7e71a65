"""Forty cells that were never up: all eighty stacks previewed, from either world. What it took goes to
`docs/proof/fleet.json`.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal.home import WORLDS
from tests.integration.test_never_up import envelope, never_up
from tests.prove import proofs

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.prove
CELLS, STACKS = 40, 80
PEAK_GIB = 4


def test_eighty_stacks_are_previewed_by_two_engines_at_most(tmp_path: Path) -> None:
    runs: list[dict[str, Any]] = []
    with never_up(tmp_path, cells=CELLS) as prepared:
        for world in WORLDS:
            began = time.monotonic()
            with prepared.watched() as seen:
                code, words = prepared.operator(world, "stack", "preview", "--all", "-o", "json", timeout=3000)
            assert code == 0, words
            items = envelope(words)["items"]
            assert len({item["stack"] for item in items}) == STACKS
            assert 1 <= seen.engines <= 2
            assert seen.peak_bytes <= PEAK_GIB * 2**30
            runs.append(
                {
                    "world": world,
                    "stacks": len(items),
                    "by": dict(Counter(item["source"] for item in items)),
                    "resources": sum(len(item["resources"]) for item in items),
                    "enginesAtOnce": seen.engines,
                    "peakMiB": round(seen.peak_bytes / 2**20),
                    "seconds": round(time.monotonic() - began),
                }
            )
    document = {
        "what": "twain stack preview --all on a generated fleet of forty cells that was never up",
        **proofs.commit(),
        "runs": runs,
    }
    proofs.write("fleet", document)
