"""A whole cell of each cloud, killed at both ends of every create on its way up, in one life.

`test_kill_points` begins anew for each point; here each run goes on from where the last one was killed, as a night of
power cuts would have it. In the first life several creates are under way at once, and those beside the one that is
killed are done when the next run comes: they get their turn in the next lives, in which the engine does one thing at a
time. At the end of each life the cell must be what a run that
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
from rehearsal.engine import pulumi
from rehearsal.home import Home
from tests.integration.small import Small
from tests.prove import proofs

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.prove
NAME = "creates"
CELLS = (("cn-sha-1", "cn"), ("eu-ams-1", "row"), ("eu-par-1", "row"))
_ONE_AT_A_TIME = {pulumi.PARALLEL: "1"}
_SEED = int(os.environ.get("TWAIN_PROVE_SEED", "1"))


@pytest.mark.parametrize(("cell", "world"), CELLS)
def test_a_cell_that_is_killed_at_every_create_becomes_what_it_is_without(
    cell: str, world: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        small = Small(Home(tmp_path / "h"), world=world, cell=cell)
        whole, urns, creates = _undisturbed(small, {})
        _, same, in_turn = _undisturbed(small, _ONE_AT_A_TIME)
        assert (same, sorted(in_turn)) == (urns, sorted(creates))
        draw = random.Random(_SEED)
        victims = {point: draw.choice(killpoints.VICTIMS) for point in killpoints.of_creates(in_turn)}
        proof = _kept()
        lives = _lives(proof["cells"].get(cell, {}))
        order = killpoints.of_creates(in_turn if lives else creates)
        points = [f"{point}:{victims[point]}" for point in order]
        left = [point for point in points if not any(point in life["points"] for life in lives)]
        _say(f"\n{cell}: {len(points)} points, {len(left)} of them left")
        while left:
            life = _life(whole, urns, left, _ONE_AT_A_TIME if lives else {})
            assert life["points"], "a life without a death"
            lives.append(life)
            points = [f"{point}:{victims[point]}" for point in killpoints.of_creates(in_turn)]
            left = [point for point in points if not any(point in one["points"] for one in lives)]
            told = {"points": len(points), "left": len(left), "lives": lives}
            proof["cells"][cell] = {**proofs.commit(), "code": proofs.code(), "seed": _SEED, **told}
            proofs.write(NAME, proof)
            _say(f"{cell}: {len(life['points'])} deaths, {life['seconds']:.0f} s: {life['problems'] or 'whole'}")
            assert life["problems"] == []
    assert len(points) >= 100


def _undisturbed(small: Small, env: dict[str, str]) -> tuple[Small, set[str], list[str]]:
    """A cell that nobody disturbs: with what it runs, what its state holds, and its creates in their order."""
    try:
        small.up(env)
        urns, creates, runs = set(small.resources()), small.creates(), small.running()
        whole = Small(small.home, world=small.world, cell=small.cell, runs=runs)
        assert whole.problems(urns) == []
        whole.down()
    finally:
        processes.stop_all(small.home.root)
    return whole, urns, creates


def _life(small: Small, urns: set[str], points: list[str], env: dict[str, str]) -> dict[str, Any]:
    """From nothing to a whole cell, dying at each point that is still ahead when its turn comes."""
    began = time.monotonic()
    died: list[str] = []
    try:
        for point in points:
            if _ahead(small, point):
                small.killed_at(point, env)
                died.append(point)
                _say(f"  {len(died)} {point} {time.monotonic() - began:.0f} s")
        small.up(env)
        problems = small.problems(urns)
        small.down()
    finally:
        processes.stop_all(small.home.root)
    return {
        "seconds": round(time.monotonic() - began, 1),
        "at_once": "one" if env else "many",
        "points": died,
        "problems": problems,
    }


def _ahead(small: Small, point: str) -> bool:
    """Whether the create of a point is not done yet."""
    if not small.home.root.exists():
        return True
    resource = point.partition(":")[2].rpartition(":")[0].rpartition(":")[0]
    done = {killpoints.of_creates([row.urn])[0].partition(":")[2] for row in small.clouds() if row.state == "live"}
    return f"{resource}:before" not in done


def _kept() -> dict[str, Any]:
    """The record, in which each cell says of which code it is."""
    what = "twain rehearse up (one cell of each cloud), killed with SIGKILL at both ends of every create, and run on"
    return {"what": what, "cells": proofs.read(NAME).get("cells", {})}


def _lives(cell: dict[str, Any]) -> list[dict[str, Any]]:
    """The lives of an earlier run of a cell, by the same code and seed."""
    same = (cell.get("code"), cell.get("seed")) == (proofs.code(), _SEED)
    return cell["lives"] if same else []


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()
