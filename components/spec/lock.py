"""The cell lock file: facts that only a look-up in the cloud can give, pinned so that programs make no look-ups.

One JSON file per cell, `<cell>.json`, in the folder `$TWAIN_LOCK_DIR`, or beside the fleet in `<fleet>.lock/`.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from components.errors import Problem, SpecError


@dataclass(frozen=True, kw_only=True)
class CellLock:
    """Pinned facts of one cell. `cluster_id` guards against the lock of a cluster that has since been replaced."""

    cell: str
    discovered: str
    source: str
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def cluster_ca(self) -> str | None:
        """The cluster's CA certificate, PEM, when it was looked up."""
        return self.facts.get("cluster_ca")

    def problem(self, path: Path, cluster_id: str) -> Problem | None:
        """What is wrong with this lock, in the file `path`, for a cell whose cluster is this one: it was made anew
        since, and what was looked up of the old one is not true of it. A lock, or a cluster, that tells no id is not
        judged.
        """
        pinned = self.facts.get("cluster_id", "")
        if not pinned or not cluster_id or pinned == cluster_id:
            return None
        return Problem(
            code="SPEC-LOCK",
            path=str(path),
            where="facts.cluster_id",
            line=0,
            message=f"the cluster of cell {self.cell} is {cluster_id}, and what is pinned is of another one, as of "
            f"{self.discovered}: it was replaced since.",
            value=pinned,
            fix=f"twain cell discover {self.cell} looks the new one up, if you know why it was replaced",
        )


def lock_dir(fleet_path: str | Path) -> Path:
    """The folder of lock files that belongs to a fleet file."""
    declared = os.environ.get("TWAIN_LOCK_DIR")
    path = Path(fleet_path)
    return Path(declared) if declared else path.with_name(path.stem + ".lock")


def read_lock(folder: Path, cell: str) -> CellLock | None:
    """The lock of a cell, or None when nothing was pinned yet. Raises SpecError for a file that cannot be read."""
    path = folder / f"{cell}.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return CellLock(
            cell=str(raw["cell"]),
            discovered=str(raw["discovered"]),
            source=str(raw["source"]),
            facts={str(key): str(value) for key, value in raw["facts"].items()},
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = Problem(
            code="SPEC-LOCK",
            path=str(path),
            where="",
            line=0,
            message=f"the lock file of cell {cell} cannot be read: {error}.",
            fix="delete it and pin the facts anew (in a rehearsal: twain rehearse up)",
        )
        raise SpecError([problem]) from error


def write_lock(folder: Path, lock: CellLock) -> Path:
    """Write the lock of a cell in one step: a reader sees the old file or the new one, never half of one."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{lock.cell}.json"
    temporary = path.with_suffix(f".tmp{os.getpid()}")
    with temporary.open("w", encoding="utf-8") as stream:
        json.dump(asdict(lock), stream, indent=2, sort_keys=True)
        stream.write("\n")
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    return path
