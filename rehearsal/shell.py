"""Being the operator of one world: that world's environment, sealed off from the other worlds' folders."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from rehearsal import home as homes
from rehearsal import seal
from rehearsal.home import Home

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def become(home: Home, world: str, command: Sequence[str], *, env: Mapping[str, str]) -> NoReturn:
    """Become the command. The border's record and other worlds' folders cannot be opened by it, nor by its children.

    Raises FileNotFoundError when there is no such program on the PATH of `env`.
    """
    hidden = [home.world(other) for other in homes.WORLDS if other != world]
    if not seal.seal_off([*hidden, home.border]):
        sys.stderr.write("note: this kernel has no Landlock; other worlds are closed by file mode only\n")
    os.execvpe(command[0], list(command), dict(env))  # noqa: S606 - the purpose: become the command, without a shell


def main() -> NoReturn:
    """`python -m rehearsal.shell HOME WORLD COMMAND…`, in an environment that is the world's already."""
    become(Home(Path(sys.argv[1])), sys.argv[2], sys.argv[3:], env=os.environ)


if __name__ == "__main__":
    main()
