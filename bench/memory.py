"""What a running rehearsal keeps in memory, by part: proportional shares (PSS), so that shared pages count once.

python bench/memory.py          the rehearsal of this checkout, or of $TWAIN_REHEARSAL_HOME
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import harness
from rehearsal import home, inspect, processes

# The first of these that stands in a command line names its part.
PARTS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "etcd",
    "prometheus",
    "alertmanager",
    "rehearsal.programs.gateway",
    "rehearsal.programs.simhost",
    "rehearsal.programs.load",
    "rehearsal.border",
    "cli.gate",
    "rehearsal.agent",
    "rehearsal.keeper",
)


def measured(place: home.Home) -> dict[str, Any]:
    """MiB and processes, in all and by part, largest first."""
    parts: dict[str, list[float]] = defaultdict(list)
    for process in processes.find(place.root):
        # A short-lived check of a probe has ended before its memory is read: it holds none.
        share = inspect.resident_bytes(process.pid) / 2**20
        if share:
            parts[next((part for part in PARTS if part in process.command), "other")].append(share)
    rows = {name: {"processes": len(shares), "MiB": round(sum(shares))} for name, shares in parts.items()}
    return {
        "cells": len(list(place.root.glob("*/cells/*/cell.json"))),
        "processes": sum(len(shares) for shares in parts.values()),
        "MiB": round(sum(sum(shares) for shares in parts.values())),
        "parts": dict(sorted(rows.items(), key=lambda row: -row[1]["MiB"])),
    }


def show(found: dict[str, Any]) -> None:
    """The table of `measured`."""
    for name, row in found["parts"].items():
        print(f"  {name:28}{row['MiB']:6} MiB{row['processes']:5} processes")
    print(f"  {'all':28}{found['MiB']:6} MiB{found['processes']:5} processes, {found['cells']} cells")


def main() -> None:
    on = harness.machine()
    found = measured(home.current())
    if not found["processes"]:
        raise SystemExit(f"no rehearsal runs in {home.current().root}; bring one up: make rehearse")
    print(harness.heading(on))
    show(found)
    harness.append("memory", found, on=on)


if __name__ == "__main__":
    main()
