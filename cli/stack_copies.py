"""Copies of a stack's state: rotated, synced, each named by its time and checksum; and taking one back."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cli import errors, files, stack_files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from cli.engine import Engine

KEPT = 10
_DIGITS = 16
_TIME = "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True, kw_only=True)
class Copy:
    """One copy. `whole` is False where its content is not what its name says."""

    id: str
    at: str
    whole: bool
    resources: int | None
    path: Path


def folder(home: Path, stack: str) -> Path:
    """Where the copies of a stack lie."""
    return home / "state" / stack


def keep(home: Path, stack: str, content: bytes) -> Path:
    """Put a copy aside, unless the newest is the same; the newest ten stay. Raises ResourceError."""
    place = files.private_dir(folder(home, stack))
    digest = hashlib.sha256(content).hexdigest()
    copies = sorted(place.glob("*.json"))
    if copies and copies[-1].stem.endswith(digest[:_DIGITS]) and copies[-1].read_bytes() == content:
        return copies[-1]
    path = place / f"{datetime.now(UTC):{_TIME}}-{digest[:_DIGITS]}.json"
    files.write_private(path, content)
    for old in [*copies, path][:-KEPT]:
        old.unlink(missing_ok=True)
    return path


def found(home: Path, stack: str) -> list[Copy]:
    """The copies of a stack, the newest first, each read and compared with its checksum."""
    return [_read(path) for path in sorted(folder(home, stack).glob("*.json"), reverse=True)]


def take(copies: list[Copy], wanted: str, stack: str) -> tuple[Copy, dict[str, Any]]:
    """The copy of this id, or the newest whole one for `latest`, and its content.

    Raises NotFoundError for none, ResourceError for one that is not whole.
    """
    fits = [copy for copy in copies if copy.id == wanted or (wanted == "latest" and copy.whole)]
    if not fits:
        message = f"there is no {'whole ' if wanted == 'latest' else ''}copy {wanted!r} of stack {stack}."
        raise errors.NotFoundError(message, fix=f"twain stack restore {stack}", where=stack, id="STK-COPY")
    content = fits[0].path.read_bytes()
    if not _whole(fits[0].path, content):
        message = f"the copy {wanted} of stack {stack} is damaged: its content does not have its checksum."
        fix = f"choose another: twain stack restore {stack}"
        raise errors.ResourceError(message, fix=fix, where=stack, id="STK-COPY")
    return fits[0], json.loads(content)


def restore(engine: Engine, stack: str, document: Mapping[str, Any], *, note: Callable[[str], None]) -> None:
    """Put a copy in the place of the state, what is there now kept aside. The caller holds the lock."""
    now = engine.exported(stack)
    if now is not None:
        engine.keep_copy(stack)
    elif (aside := _aside(engine, stack)) is not None:
        note(f"what is there now cannot be read; it is kept as {aside}")
    pending = (document.get("deployment") or {}).get("pending_operations") or ()
    for operation in pending:
        note(
            f"the copy was made while {operation['type']} {operation['resource']['urn'].rsplit('::', 1)[-1]} was under "
            "way: compare with the cloud"
        )
    engine.import_state(stack, dict(document))


def told(copies: list[Copy], now: datetime) -> list[str]:
    """A line for each copy: id, age, whether it is whole."""
    lines: list[str] = []
    for copy in copies:
        age = int((now - datetime.fromisoformat(copy.at)).total_seconds())
        state = f"{copy.resources} resources, checksum right" if copy.whole else "damaged"
        lines.append(f"  {copy.id}  {age // 3600} h {age // 60 % 60} min old, {state}")
    return lines


def _read(path: Path) -> Copy:
    content = path.read_bytes()
    whole = _whole(path, content)
    resources = len((json.loads(content).get("deployment") or {}).get("resources") or ()) if whole else None
    try:
        at = datetime.strptime(path.stem.partition("-")[0], _TIME).replace(tzinfo=UTC)
    except ValueError:
        at, whole = datetime.fromtimestamp(path.stat().st_mtime, UTC), False
    when = at.isoformat(timespec="seconds").replace("+00:00", "Z")
    return Copy(id=path.stem, at=when, whole=whole, resources=resources if whole else None, path=path)


def _whole(path: Path, content: bytes) -> bool:
    if path.stem.rpartition("-")[2] != hashlib.sha256(content).hexdigest()[:_DIGITS]:
        return False
    try:
        return isinstance(json.loads(content), dict)
    except ValueError:
        return False


def _aside(engine: Engine, stack: str) -> Path | None:
    """Keep the bytes that the engine cannot read, where the backend is a folder."""
    source = stack_files.state(engine.env, stack)
    if source is None or not source.is_file():
        return None
    target = files.private_dir(folder(engine.home, stack)) / f"unreadable-{datetime.now(UTC):{_TIME}}"
    shutil.copyfile(source, target)
    target.chmod(0o600)
    return target
