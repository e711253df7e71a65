"""How long a rehearsal takes from nothing to the first token in both worlds, and what it then keeps in memory.

    python bench/rehearse.py              tools cached: warm
    python bench/rehearse.py --cold       an empty tool cache of its own (about ten minutes of two cores, 3 GiB)
    python bench/rehearse.py --keep       leaves the rehearsal up

It runs `twain rehearse up` on a folder made for the purpose, as `make rehearse` does once the virtual environment is
there, and takes it down again. The clock starts before the process is made. The first token of a world is the earliest
that the simulators themselves wrote down; how long each step took is read from the rehearsal's journal.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import harness, memory
from rehearsal.home import HOME_VARIABLE, Home

GOAL_S, ACCEPTED_S = 90.0, 150.0


def first_tokens(place: Path, began_at: float) -> dict[str, float]:
    """World -> seconds from the beginning to its first token. A world that gave none is missing."""
    firsts: dict[str, float] = {}
    for path in place.glob("*/cells/*/truth.sqlite"):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            (moment,) = connection.execute("SELECT min(arrived + ttft) FROM requests").fetchone()
        if moment is not None:
            world = path.parents[2].name
            firsts[world] = round(min(moment - began_at, firsts.get(world, moment)), 1)
    return dict(sorted(firsts.items()))


def steps(place: Path) -> dict[str, float]:
    """Step -> seconds, of the steps that took one or more."""
    lines = (json.loads(line) for line in (place / "journal.jsonl").read_text(encoding="utf-8").splitlines())
    return {line["step"]: line["seconds"] for line in lines if line.get("seconds", 0.0) >= 1.0}


def measured(place: Path, env: dict[str, str], arguments: list[str]) -> dict[str, Any]:
    """One `up` on a folder that does not exist yet."""
    began, began_at = time.monotonic(), time.time()
    command = [sys.executable, "-m", "cli.main", "rehearse", "up", *arguments]
    done = subprocess.run(command, env=env, cwd=harness.ROOT, stdout=subprocess.DEVNULL, check=False)
    whole = time.monotonic() - began
    if done.returncode != 0:
        raise SystemExit(f"`twain rehearse up` ended with {done.returncode}; its own words stand above")
    tokens = first_tokens(place, began_at)
    return {
        "worlds": tokens,
        "firstTokenSeconds": max(tokens.values()) if tokens else None,
        "allSeconds": round(whole, 1),
        "steps": steps(place),
        "memory": memory.measured(Home(place)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cold", action="store_true", help="build the tools into an empty cache")
    parser.add_argument("--keep", action="store_true", help="leave the rehearsal up")
    parser.add_argument("arguments", nargs="*", help="more for `twain rehearse up`, after --")
    asked = parser.parse_args()
    on = harness.machine()
    print(harness.heading(on), flush=True)
    # Short: the rehearsal's sockets lie below it.
    folder = Path(tempfile.mkdtemp(prefix="twb-"))
    place = folder / "h"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("TWAIN_", "PULUMI_"))}
    env |= {HOME_VARIABLE: str(place), "PYTHONPATH": str(harness.ROOT)}
    if "TWAIN_TOOL_CACHE" in os.environ:
        env["TWAIN_TOOL_CACHE"] = os.environ["TWAIN_TOOL_CACHE"]
    if asked.cold:
        env["TWAIN_TOOL_CACHE"] = str(folder / "tools")
    down = [sys.executable, "-m", "cli.main", "rehearse", "down"]
    try:
        found = measured(place, env, asked.arguments)
    finally:
        if not asked.keep:
            subprocess.run(down, env=env, cwd=harness.ROOT, stdout=subprocess.DEVNULL, check=False)
    tools = found["steps"].get("tools", 0.0)
    for world, seconds in found["worlds"].items():
        print(f"first token in {world:5}{seconds:8.1f} s")
    print(f"everything         {found['allSeconds']:8.1f} s")
    print(f"of it the tools    {tools:8.1f} s ({'cold' if asked.cold else 'cached'})")
    memory.show(found["memory"])
    first = found["firstTokenSeconds"]
    if not asked.cold and first is not None:
        verdict = "meets the goal of" if first <= GOAL_S else "is accepted below" if first <= ACCEPTED_S else "misses"
        print(
            f"nothing to first token in all worlds: {first} s, {verdict} {GOAL_S if first <= GOAL_S else ACCEPTED_S} s"
        )
    line = {"tools": "cold" if asked.cold else "cached", **found}
    harness.append("rehearse", line, on=on)
    if asked.keep:
        print(f"it stays up in {place}; to end it: {HOME_VARIABLE}={place} twain rehearse down")
    else:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
