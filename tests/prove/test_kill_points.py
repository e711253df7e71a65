"""Every point at which a rehearsal can be killed on its way up: killed there, run again, nothing left over.

The points are those of an undisturbed run: both ends of each journal step, both ends of each create of a cloud. Who
dies at a create is drawn by the seed (`TWAIN_PROVE_SEED`). Every result is written to `docs/proof/kill.json` at once;
a run that was stopped goes on where it was, as long as the code is the same.
"""

from __future__ import annotations

import os
import random
import subprocess
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
NAME = "kill"


def test_killed_at_every_point_and_run_again_it_converges(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seed = int(os.environ.get("TWAIN_PROVE_SEED", "1"))
    urns, points = _undisturbed(Small(Home(tmp_path / "h")), random.Random(seed))
    with capsys.disabled():
        _say(f"\nseed {seed}: {len(points)} points\n" + "\n".join(points))
        proof = _resumed(seed, points)
        for number, point in enumerate(points, 1):
            known = proof["points"].get(point)
            if known is None or known["problems"]:
                known = proof["points"][point] = _killed_and_resumed(Small(Home(tmp_path / "h")), point, urns)
                _write(proof, points)
            _say(f"{number}/{len(points)} {point} {known['seconds']:.0f} s {known['problems'] or 'ok'}")
    _write(proof, points)
    assert len(points) >= 30
    assert {point: found["problems"] for point, found in proof["points"].items() if found["problems"]} == {}


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def _undisturbed(small: Small, draw: random.Random) -> tuple[set[str], list[str]]:
    """What a run that nobody kills makes, and its points."""
    try:
        small.up()
        urns = set(small.resources())
        assert small.problems(urns) == []
        steps = list(dict.fromkeys(line["step"] for line in small.journal()))
        creates = killpoints.of_creates(sorted(small.creates()))
        small.down()
    finally:
        processes.stop_all(small.home.root)
    points = [*killpoints.of_steps(steps), *(f"{point}:{draw.choice(killpoints.VICTIMS)}" for point in creates)]
    # Steps and creates in turn, so that a run that is stopped early has seen some of all.
    draw.shuffle(points)
    return urns, points


def _killed_and_resumed(small: Small, point: str, urns: set[str]) -> dict[str, Any]:
    began = time.monotonic()
    problems: list[str] = []
    try:
        small.killed_at(point)
        small.up()
        problems = small.problems(urns)
        small.down()
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        problems.append(f"{type(error).__name__}: {error}"[:2000])
        _clear(small)
    finally:
        processes.stop_all(small.home.root)
    return {"seconds": round(time.monotonic() - began, 1), "problems": problems}


def _clear(small: Small) -> None:
    """What a failure left must not fail the next point."""
    if small.home.root.exists():
        small.twain("rehearse", "down")


def _resumed(seed: int, points: list[str]) -> dict[str, Any]:
    """This run's record, with the points that an earlier run of the same code and seed has been through."""
    known = proofs.kept(NAME, seed=seed) or {"points": []}
    rows = {entry.pop("point"): entry for entry in known["points"]}
    kept = {point: found for point, found in rows.items() if point in points}
    return {**proofs.commit(), "code": proofs.code(), "seed": seed, "points": kept}


def _write(proof: dict[str, Any], points: list[str]) -> None:
    rows = [{"point": point, **proof["points"][point]} for point in points if point in proof["points"]]
    failed = sum(bool(row["problems"]) for row in rows)
    document = {
        "what": "twain rehearse up (one cell), killed with SIGKILL at a named point and run again",
        **proof,
        "counts": {"points": len(points), "run": len(rows), "converged": len(rows) - failed, "failed": failed},
        "points": rows,
    }
    proofs.write(NAME, document)
