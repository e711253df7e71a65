"""A whole cell of each cloud, killed at both ends of every create on its way up, in one life.

`test_kill_points` begins anew for each point; here each run goes on from where the last one was killed, as a night of
power cuts would have it. Several creates are under way at once, and those beside the one that is killed are done when
the next run comes: they get their turn in the next life. At the end of each life the cell must be what a run that
nobody kills makes, in the state, in the cloud and in the cluster. Results go to `docs/proof/creates.json` at once; a
run that was stopped goes on with the points that are left, as long as the code is the same.
"""

from __future__ import annotations

import os
import random
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal import killpoints, processes
from rehearsal.home import Home
from tests.integration.small import Small
from tests.prove import proofs

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.prove
NAME = "creates"
CELLS = (("cn-sha-1", "cn"), ("eu-ams-1", "row"), ("eu-par-1", "row"))
_SEED = int(os.environ.get("TWAIN_PROVE_SEED", "1"))


@pytest.mark.parametrize(("cell", "world"), CELLS)
def test_a_cell_that_is_killed_at_every_create_becomes_what_it_is_without(
    cell: str, world: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        whole, urns, creates = _undisturbed(Small(Home(tmp_path / "h"), world=world, cell=cell))
        draw = random.Random(_SEED)
        points = [f"{point}:{draw.choice(killpoints.VICTIMS)}" for point in killpoints.of_creates(creates)]
        proof = _kept()
        lives = proof["cells"].get(cell, {}).get("lives", [])
        left = [point for point in points if not any(point in life["points"] for life in lives)]
        _say(f"\n{cell}: {len(points)} points, {len(left)} of them left")
        while left:
            life = _life(whole, urns, left)
            assert life["points"], "a life without a death"
            lives.append(life)
            left = [point for point in left if point not in life["points"]]
            proof["cells"][cell] = {"points": len(points), "left": len(left), "lives": lives}
            proofs.write(NAME, proof)
            _say(f"{cell}: {len(life['points'])} deaths, {life['seconds']:.0f} s: {life['problems'] or 'whole'}")
            assert life["problems"] == []
    assert len(points) >= 100


def _undisturbed(small: Small) -> tuple[Small, set[str], list[str]]:
    """A cell that nobody disturbs: with what it runs, what its state holds, and its creates in their order."""
    try:
        small.up()
        urns, creates, runs = set(small.resources()), small.creates(), small.running()
        whole = Small(small.home, world=small.world, cell=small.cell, runs=runs)
        assert whole.problems(urns) == []
        whole.down()
    finally:
        processes.stop_all(small.home.root)
    return whole, urns, creates


def _life(small: Small, urns: set[str], points: list[str]) -> dict[str, Any]:
    """From nothing to a whole cell, dying at each point that is still ahead when its turn comes."""
    began = time.monotonic()
    died: list[str] = []
    try:
        for point in points:
            if _ahead(small, point):
                small.killed_at(point)
                died.append(point)
                _say(f"  {len(died)} {point} {time.monotonic() - began:.0f} s")
        small.up()
        problems = small.problems(urns)
        small.down()
    finally:
        processes.stop_all(small.home.root)
    return {"seconds": round(time.monotonic() - began, 1), "points": died, "problems": problems}


def _ahead(small: Small, point: str) -> bool:
    """Whether the create of a point is not done yet."""
    if not small.home.root.exists():
        return True
    resource = point.partition(":")[2].rpartition(":")[0].rpartition(":")[0]
    done = {killpoints.of_creates([row.urn])[0].partition(":")[2] for row in small.clouds() if row.state == "live"}
    return f"{resource}:before" not in done


def _kept() -> dict[str, Any]:
    """This run's record, with the lives of an earlier one of the same code and seed."""
    earlier = proofs.kept(NAME, seed=_SEED) or {}
    what = "twain rehearse up (one cell of each cloud), killed with SIGKILL at both ends of every create, and run on"
    cells = earlier.get("cells", {})
    return {"what": what, **proofs.commit(), "code": proofs.code(), "seed": _SEED, "cells": cells}


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()
