"""Which 127.<block>.0.0/16 a rehearsal has: one of its own, wherever its folder lies.

Claims lie in one folder of the user, one file per block with the path of its rehearsal in it. A claim holds while that
folder exists, so nothing has to be given back after a kill. Other users' rehearsals are seen by what listens.
"""

from __future__ import annotations

import fcntl
import hashlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rehearsal import home as homes
from rehearsal import ports

if TYPE_CHECKING:
    from collections.abc import Generator

    from rehearsal.home import Home

# Low blocks are left to other software on the machine.
_FIRST, _COUNT = 16, 220
CLAIMABLE = range(_FIRST, _FIRST + _COUNT)


class NoBlockError(RuntimeError):
    """Every block is held by another rehearsal."""


def claim(home: Home, *, wanted: int | None = None) -> int:
    """The block of this rehearsal: the one it has, else `wanted`, else a free one, begun at a hash of its folder.

    Two that claim at once never get the same. Raises NoBlockError.
    """
    with _registry() as folder:
        claims = _claims(folder)
        own = [block for block, root in claims.items() if root == home.root]
        if wanted is None and own:
            return own[0]
        block = wanted if wanted is not None and claims.get(wanted, home.root) == home.root else _free(home, claims)
        for old in own:
            (folder / str(old)).unlink()
        (folder / str(block)).write_text(f"{home.root}\n", encoding="utf-8")
        return block


def release(home: Home) -> None:
    """Give back what the rehearsal claimed. Repeatable."""
    with _registry() as folder:
        for block, root in _claims(folder).items():
            if root == home.root:
                (folder / str(block)).unlink(missing_ok=True)


def _free(home: Home, claims: dict[int, Path]) -> int:
    heard = {int(one.address.split(".")[1]) for one in ports.listeners() if one.address.startswith("127.")}
    start = int(hashlib.sha256(str(home.root).encode()).hexdigest()[:8], 16) % _COUNT
    for offset in range(_COUNT):
        block = _FIRST + (start + offset) % _COUNT
        if block not in claims and block not in heard:
            return block
    message = f"all {_COUNT} address blocks are held by other rehearsals, see {_folder()}"
    raise NoBlockError(message)


def _claims(folder: Path) -> dict[int, Path]:
    """The claims that hold. Those of rehearsals that are gone are removed."""
    found: dict[int, Path] = {}
    for file in folder.glob("[0-9]*"):
        root = Path(file.read_text(encoding="utf-8").strip())
        if root.is_dir():
            found[int(file.name)] = root
        else:
            file.unlink(missing_ok=True)
    return found


def _folder() -> Path:
    return homes.rehearsals_dir().parent / "blocks"


@contextmanager
def _registry() -> Generator[Path]:
    folder = _folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield folder
