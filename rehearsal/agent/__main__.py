"""`python -m rehearsal.agent --world-dir DIR --cell NAME`: the agent of one cell. A second one ends at once."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path

from rehearsal.agent import app
from rehearsal.kube import agentfile, cellfile, kwok, processes


def main(argv: list[str] | None = None) -> int:
    """0 when it ended as it should (also when another agent runs already), 1 when it broke; its log says why."""
    parser = argparse.ArgumentParser(prog="rehearsal.agent", description="the agent of one emulated cell")
    parser.add_argument("--world-dir", type=Path, required=True)
    parser.add_argument("--cell", required=True)
    parser.add_argument("--detach", action="store_true", help="leave the starter at once")
    given = parser.parse_args(argv)
    if given.detach and os.fork():
        return 0
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr, force=True
    )
    place = cellfile.folders(given.world_dir, given.cell)
    lock = agentfile.acquire(place)
    if lock is None:
        logging.getLogger(__name__).info("an agent of cell %s runs already", given.cell)
        return 0
    # What an earlier agent left running although it was killed: nobody else looks after it any more.
    processes.stop(agentfile.recorded(place), grace=2.0)
    agentfile.record(place, [])
    why = asyncio.run(app.run(given.world_dir, given.cell))
    logging.getLogger(__name__).info("the agent of cell %s ends: %s", given.cell, why)
    if why == "old":
        kwok.stop(place)
    return 0


if __name__ == "__main__":
    sys.exit(main())
