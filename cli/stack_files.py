"""A backend that is a folder: where its files lie, and what can be read of them when the engine refuses all of them.

The engine lists stacks by reading every one, so that a single damaged file hides all others. That must not stop work
on a stack that is whole, nor the repair of the one that is not.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PROJECT = "twain"


def folder(env: Mapping[str, str]) -> Path | None:
    """The engine's folder of a file backend; None for a backend that is none."""
    url = urlsplit(env.get("PULUMI_BACKEND_URL", ""))
    return Path(unquote(url.netloc + url.path)) / ".pulumi" if url.scheme == "file" else None


def state(env: Mapping[str, str], stack: str) -> Path | None:
    """The file of a stack's state, where the backend is a folder."""
    place = folder(env)
    return None if place is None else place / "stacks" / PROJECT / f"{stack}.json"


def locks(env: Mapping[str, str], stack: str) -> Path | None:
    """The folder of a stack's locks, where the backend is a folder."""
    place = folder(env)
    return None if place is None else place / "locks" / "organization" / PROJECT / stack


def stacks(env: Mapping[str, str]) -> list[dict[str, Any]] | None:
    """The stacks as the engine would list them; of a damaged one only the name is known. None where unknown."""
    place = folder(env)
    if place is None or not (place / "stacks" / PROJECT).is_dir():
        return None
    return [_entry(path) for path in sorted((place / "stacks" / PROJECT).glob("*.json"))]


def filled(entries: Iterable[Mapping[str, Any]]) -> set[str]:
    """The stacks that hold anything: a preview leaves an empty one behind. What a damaged one holds is not known, so it
    counts: whoever works on it is told.
    """
    return {entry["name"] for entry in entries if entry.get("resourceCount") or entry.get("damaged")}


def _entry(path: Path) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": path.stem, "resourceCount": None, "lastUpdate": None, "updateInProgress": None}
    try:
        latest = (json.loads(path.read_bytes())["checkpoint"] or {}).get("latest") or {}
        entry["resourceCount"] = len(latest.get("resources") or ())
        entry["lastUpdate"] = (latest.get("manifest") or {}).get("time")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        entry["damaged"] = True
    return entry
