"""`rehearse down`: stops every process of a rehearsal and removes its folder. Safe to repeat, also after a kill."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rehearsal import blocks, processes, setup
from rehearsal import home as homes

if TYPE_CHECKING:
    from collections.abc import Callable

    from rehearsal.home import Home

_GRACE_S, _SHORT_GRACE_S = 10.0, 2.0


@dataclass(frozen=True, kw_only=True)
class Report:
    """What `down` did: how many processes it ended, and whether the folder is gone."""

    name: str
    ended: int
    removed: bool


def take_down(home: Home, say: Callable[[str], None], *, keep: bool = False) -> Report:
    """Stop the rehearsal. With `keep` its folder stays, for a look at logs and state."""
    if not home.root.exists() and not processes.find(home.root):
        return Report(name=home.name, ended=0, removed=True)
    with setup.locked(home):
        # Data that is about to be removed need not be closed in order: an API server takes its time for that.
        ended = processes.stop_all(home.root, grace_s=_GRACE_S if keep else _SHORT_GRACE_S)
        if not keep:
            # The lock file goes last and with it the folder; the descriptor keeps the lock until the block ends.
            shutil.rmtree(home.root)
            blocks.release(home)
    say(f"rehearsal {home.name}: {ended} processes ended, folder {'kept' if keep else 'removed'}")
    return Report(name=home.name, ended=ended, removed=not keep)


def all_homes() -> list[Home]:
    """Every rehearsal of this user, also of other checkouts."""
    root = homes.rehearsals_dir()
    return [homes.Home(folder) for folder in sorted(root.iterdir()) if folder.is_dir()] if root.is_dir() else []
