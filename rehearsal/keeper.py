"""Keeps a rehearsal honest while nobody looks: writes the bills every hour, ends everything after eight hours."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rehearsal import background, bills, down, setup
from rehearsal import home as homes
from rehearsal.home import Home

if TYPE_CHECKING:
    from collections.abc import Sequence

LIFETIME_S = 8 * 3600.0
BILLS_EVERY_S = 3600.0
_RETRY_S = 30.0


def start(home: Home) -> bool:
    """Start the keeper of a rehearsal, detached; False when it runs already."""
    command = [sys.executable, "-m", "rehearsal.keeper", str(home.root)]
    env = home.world_env("row") | {"PYTHONPATH": str(homes.checkout())}
    for name in [key for key in env if key.startswith(("PULUMI_", "TWAIN_"))]:
        del env[name]
    env["TWAIN_REHEARSAL_HOME"] = str(home.root)
    return background.start_once(home.root / "keeper.lock", command, env=env, log=home.log / "keeper.log")


def keep(home: Home, *, lifetime_s: float, bills_every_s: float, stop: threading.Event) -> None:
    """Work until `stop`, or until the lifetime is over; then end the rehearsal's processes and leave its folder."""
    end = time.monotonic() + lifetime_s
    while (left := end - time.monotonic()) > 0:
        if stop.wait(min(left, bills_every_s)) or not home.root.is_dir():
            return
        for world in homes.WORLDS:
            if home.world(world).is_dir():
                bills.emit(home.world(world), now=datetime.now(tz=UTC))
    while not stop.is_set():
        try:
            down.take_down(home, lambda line: print(line, flush=True), keep=True)  # noqa: T201 - its log
        except setup.LockedError:
            stop.wait(_RETRY_S)
        else:
            return


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m rehearsal.keeper HOME`."""
    parser = argparse.ArgumentParser(prog="rehearsal.keeper")
    parser.add_argument("home", type=Path)
    parser.add_argument("--lifetime", type=float, default=LIFETIME_S, metavar="SECONDS")
    parser.add_argument("--bills-every", type=float, default=BILLS_EVERY_S, metavar="SECONDS")
    asked = parser.parse_args(argv)
    keep(Home(asked.home), lifetime_s=asked.lifetime, bills_every_s=asked.bills_every, stop=threading.Event())
    return 0


if __name__ == "__main__":
    sys.exit(main())
