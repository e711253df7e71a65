"""What every record of a proof says: which commit, which code, and when."""

from __future__ import annotations

import hashlib
import json
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.integration.small import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = ROOT / "docs" / "proof"
CODE = ("cli", "components", "rehearsal", "stacks", "tests/integration/small.py", "tests/prove")


def commit() -> dict[str, Any]:
    """Which commit a proof is of, and whether the code held more than that."""
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, text=True, capture_output=True, check=True)
    changed = subprocess.run(
        ["git", "status", "--porcelain", "--", *CODE], cwd=ROOT, text=True, capture_output=True, check=True
    )
    return {"commit": head.stdout.strip(), "uncommitted": bool(changed.stdout.strip())}


def code() -> str:
    """A digest of what a proof runs through: it stays when only a page or another test changes."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *CODE]
    listed = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True).stdout
    digest = hashlib.sha256()
    for name in sorted(filter(None, listed.split("\0"))):
        if (ROOT / name).is_file():
            digest.update(name.encode() + b"\0" + (ROOT / name).read_bytes() + b"\0")
    return digest.hexdigest()


def kept(name: str, **same: Any) -> dict[str, Any] | None:
    """An earlier record of this name, if it is of the same code and of whatever else must be the same."""
    known, wanted = read(name), {"code": code(), **same}
    return known if {key: known.get(key) for key in wanted} == wanted else None


def read(name: str) -> dict[str, Any]:
    """An earlier record of this name, of whatever code; nothing where there is none that can be read."""
    try:
        return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def write(name: str, document: Mapping[str, Any]) -> None:
    """Put a record in place of the one before, whole or not at all."""
    path = FOLDER / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".tmp")
    stamped = {**document, "written": datetime.now(tz=UTC).isoformat(timespec="seconds")}
    beside.write_text(json.dumps(stamped, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)
