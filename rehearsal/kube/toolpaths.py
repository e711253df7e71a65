"""Where the real programs are: the rehearsal's tools, or one declared folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def paths(names: Iterable[str]) -> dict[str, Path]:
    """Program name → path; built first where they are missing. `TWAIN_TOOL_DIR` names a folder that holds them all."""
    folder = os.environ.get("TWAIN_TOOL_DIR")
    if folder:
        return {name: Path(folder) / name for name in names}
    from rehearsal import tools

    return {name: tool.path for name, tool in tools.ensure(list(names)).items()}


def tool(name: str) -> Path:
    """One program's path."""
    return paths([name])[name]
