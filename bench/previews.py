"""Previews of three cells at once beside each of them alone, and the memory of an engine's run.

    python bench/previews.py [--rounds 5]

A generated fleet, prepared with `twain rehearse up --no-cells` in a folder made for the purpose; no cell is up, so each
preview plans a whole `infra` stack on the real engine. Two engines run at most, on two cores: three cells take two
turns, so half of what a machine with more cores would win cannot be seen here.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import harness

if TYPE_CHECKING:
    from tests.integration.test_never_up import NeverUp

# Of six cells in turn on three clouds, four lie in this world; three of them are taken.
CELLS, WORLD, AT_ONCE = 6, "row", 3
GOAL = 1.3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    from tests import generated_fleet
    from tests.integration.test_never_up import never_up

    on = harness.machine()
    print(harness.heading(on), flush=True)
    made = generated_fleet.document(cells=CELLS)["spec"]["cells"]
    names = [cell["name"] for cell in made if cell["world"] == WORLD][:AT_ONCE]
    together = " + ".join(names)
    peaks: dict[str, int] = {}
    # Short: the rehearsal's sockets lie below it.
    with tempfile.TemporaryDirectory(prefix="twb-") as folder, never_up(Path(folder), cells=CELLS) as prepared:
        cases = {name: (lambda name=name: preview(prepared, peaks, name)) for name in names}
        taken = harness.interleaved({**cases, together: lambda: preview(prepared, peaks, *names)}, rounds=asked.rounds)
    slowest = max(names, key=lambda name: harness.spread(taken[name])["median"])
    figures: dict[str, Any] = harness.against(taken, slowest)
    found = harness.ratio(taken[together], taken[slowest])
    print(
        f"three at once against the slowest alone: {found}, goal {GOAL}: {'met' if found.value <= GOAL else 'missed'}"
    )
    for name, peak in peaks.items():
        print(f"{name:26}{peak:6} MiB at most, all its processes together (PSS)")
    harness.append("previews", {**figures, "slowest": slowest, "peakMiB": peaks}, on=on)


def preview(prepared: NeverUp, peaks: dict[str, int], *names: str) -> float:
    """Seconds of one `twain stack preview` of the infra layer of these cells."""
    cells = [part for name in names for part in ("--cell", name)]
    began = time.perf_counter()
    with prepared.watched() as seen:
        code, words = prepared.operator(WORLD, "stack", "preview", "--layer", "infra", *cells, "-o", "json")
    taken = time.perf_counter() - began
    if code != 0:
        raise SystemExit(f"the preview ended with {code}:\n{words}")
    label = " + ".join(names)
    peaks[label] = max(peaks.get(label, 0), round(seen.peak_bytes / 2**20))
    return taken


if __name__ == "__main__":
    main()
