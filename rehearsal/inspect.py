"""What a rehearsal runs at this moment, read from the kernel: processes, memory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rehearsal import processes

if TYPE_CHECKING:
    from rehearsal.home import Home


def status(home: Home) -> dict[str, Any]:
    """One item of `rehearse status`. State `up` means that a rehearsal exists and has processes, `stopped` that only
    its folder is left, `absent` that there is neither.
    """
    running = processes.find(home.root)
    known = home.read()
    cells = sorted(path.parent.name for path in home.root.glob("*/cells/*/cell.json"))
    return {
        "name": home.name,
        "home": str(home.root),
        "state": "up" if running and known else "stopped" if known or running else "absent",
        "processes": len(running),
        "residentMiB": round(sum(resident_bytes(process.pid) for process in running) / 2**20),
        "cells": cells,
    }


def resident_bytes(pid: int) -> int:
    """The proportional share of memory of a process: pages that several processes share are counted once in all."""
    try:
        for line in (Path("/proc") / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return 0
    return 0
