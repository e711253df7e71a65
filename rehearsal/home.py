"""Where a rehearsal keeps its things, and the environment of each of its worlds.

Everything of a world lies beneath one folder of mode 0700, so that what a process of one world can see is a question of
one path. Nothing lies in the checkout.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from components.spec.model import WorldName

WORLDS: tuple[WorldName, ...] = ("cn", "row")
_DEFAULT_SPEED = 60.0
# What every process of a rehearsal carries, and by which it is found again.
HOME_VARIABLE = "TWAIN_REHEARSAL_HOME"
_KEPT_VARIABLES = (
    "HOME",
    "LANG",
    "LC_ALL",
    "TERM",
    "TMPDIR",
    "USER",
    "LOGNAME",
    "XDG_CACHE_HOME",
    "XDG_STATE_HOME",
    "TWAIN_TOOL_CACHE",
    "NO_COLOR",
    "CLICOLOR_FORCE",
    "COLUMNS",
)


@dataclass(frozen=True)
class Home:
    """The folders of one rehearsal. Creating the value touches no disk."""

    root: Path

    @property
    def name(self) -> str:
        """The rehearsal's name: the checkout's folder and a hash of its real path."""
        return self.root.name

    @property
    def file(self) -> Path:
        """`rehearsal.json`: name, address block, speed, creation time, checkout."""
        return self.root / "rehearsal.json"

    @property
    def bin(self) -> Path:
        """Executables of the rehearsal: exec plugins, language host, pinned tools."""
        return self.root / "bin"

    @property
    def log(self) -> Path:
        """Logs of processes that belong to no cell."""
        return self.root / "log"

    @property
    def border(self) -> Path:
        """What crossed between the worlds, byte for byte."""
        return self.root / "border"

    @property
    def journal(self) -> Path:
        """The steps of `up` and `down`, for resuming after a kill."""
        return self.root / "journal.jsonl"

    def world(self, world: str) -> Path:
        """Everything of one world."""
        return self.root / world

    def cell(self, world: str, cell: str) -> Path:
        """Everything of one cell."""
        return self.root / world / "cells" / cell

    def operator(self, world: str) -> Path:
        """TWAIN_HOME of the operator of one world."""
        return self.root / world / "operator"

    def workspace(self, world: str) -> Path:
        """The generated Pulumi workspace of one world."""
        return self.root / world / "workspace"

    def read(self) -> dict[str, object] | None:
        """The contents of `rehearsal.json`, or None when this rehearsal was never set up."""
        try:
            return json.loads(self.file.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None

    @property
    def block(self) -> int:
        """The address block, from `rehearsal.json`. Raises FileNotFoundError before `up`."""
        return int(json.loads(self.file.read_text(encoding="utf-8"))["block"])

    @property
    def speed(self) -> float:
        """What waits (node creation, weight loading) are divided by."""
        return float(json.loads(self.file.read_text(encoding="utf-8"))["speed"])

    def world_env(self, world: str) -> dict[str, str]:
        """The environment of every process of a world: of the caller only a short list, of the other world nothing.
        The list is closed so that a cloud credential of the machine never reaches an emulated cloud.
        """
        folder = self.world(world)
        env = {key: os.environ[key] for key in _KEPT_VARIABLES if key in os.environ}
        path = [str(self.bin), str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]
        return env | {
            "PATH": os.pathsep.join(path),
            HOME_VARIABLE: str(self.root),
            "TWAIN_REHEARSAL_WORLD": str(folder),
            "TWAIN_WORLD": world,
            "TWAIN_LOCK_DIR": str(folder / "locks"),
            "TWAIN_HOME": str(self.operator(world)),
            "PULUMI_HOME": str(folder / "pulumi"),
            "KUBECACHEDIR": str(folder / "kubectl"),
            "KUBECONFIG": str(self.operator(world) / "kubeconfig"),
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(folder / "passphrase"),
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
            "PULUMI_PYTHON_CMD": sys.executable,
            "PYTHONDONTWRITEBYTECODE": os.environ.get("PYTHONDONTWRITEBYTECODE", ""),
            "GRPC_VERBOSITY": "NONE",
        }


def rehearsals_dir() -> Path:
    """The folder that holds all rehearsals of this user but those whose folder was named."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state).resolve() / "twain" / "rehearsals"


def checkout() -> Path:
    """The root of the checkout that this package was imported from."""
    return Path(__file__).resolve().parent.parent


def current() -> Home:
    """The rehearsal of this checkout; `TWAIN_REHEARSAL_HOME` names another one.

    Without symbolic links and relative parts: its processes are found again by exactly this path.
    """
    declared = os.environ.get(HOME_VARIABLE)
    if declared:
        return Home(Path(declared).expanduser().resolve())
    root = checkout()
    label = re.sub(r"[^a-z0-9]+", "-", root.name.lower()).strip("-") or "twain"
    digest = hashlib.sha256(str(root).encode()).hexdigest()[:8]
    return Home(rehearsals_dir() / f"{label}-{digest}")


def default_speed() -> float:
    """The divisor of waits: `TWAIN_REHEARSAL_SPEED`, or 60 (a minute becomes a second)."""
    return float(os.environ.get("TWAIN_REHEARSAL_SPEED", _DEFAULT_SPEED))
