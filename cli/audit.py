"""The audit log: JSON lines, each with a hash of itself that covers the hash of the one before.

A changed byte and a line that was taken out break the chain at a line that can be named. A cut at the end does not:
that is found by the anchors that the cells keep (`cli.anchors`).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli import crash, errors, files

if TYPE_CHECKING:
    from pathlib import Path

    from cli.app import Clock

START = "0" * 64
_HEAD = b'{"hash": "'
_REST = len(_HEAD) + 64
_FIX = "keep the file, tell the data-protection contact, then move it aside: a new log begins"


@dataclass(frozen=True, kw_only=True)
class Chain:
    """A log as it was read: the whole entries up to the first bad one, with their hashes.

    `bad` is the number of the first bad line, None when the chain holds; `torn` counts bytes after the last newline,
    which a crash left and which never counted.
    """

    entries: tuple[dict[str, Any], ...]
    hashes: tuple[str, ...]
    bad: int | None = None
    why: str = ""
    torn: int = 0

    @property
    def head(self) -> str:
        """The hash of the last entry; zeros when there is none."""
        return self.hashes[-1] if self.hashes else START

    @property
    def name(self) -> str:
        """What the log is called in an anchor: the beginning of its first entry's hash."""
        return self.hashes[0][:16] if self.hashes else ""

    def holds(self, *, count: int, head: str) -> bool:
        """Whether the entry of that number is in it with that hash."""
        return 0 < count <= len(self.hashes) and self.hashes[count - 1] == head


class Audit:
    """Appends are exclusive and durable. `read().head` is what a cell anchors, so that a cut at the end shows too."""

    def __init__(self, path: Path, *, clock: Clock) -> None:
        self.path = path
        self._clock = clock

    def append(self, verb: str, *, context: str, identity: str, **facts: Any) -> str:
        """Record one use; returns the new head hash. Raises ResourceError when it cannot be made durable, PolicyError
        when the chain is broken."""
        files.private_dir(self.path.parent)
        entry = {
            "at": self._clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "verb": verb,
            "context": context,
            "identity": identity,
            **facts,
        }
        crash.point("audit.before")
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "r+b") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX)
                data = stream.read()
                chain = read(data)
                if (fault := self.fault(chain)) is not None:
                    raise fault
                if chain.torn:
                    stream.truncate(len(data) - chain.torn)
                line, head = _line({**entry, "prev": chain.head})
                stream.write(line)
                stream.flush()
                os.fsync(stream.fileno())
                if not data:
                    files.sync_dir(self.path.parent)
        except OSError as error:
            message = f"the audit log {self.path} cannot be written: {error.strerror}."
            raise errors.ResourceError(message, fix="free space; nothing was changed", id="AUD-001") from error
        crash.point("audit.written")
        return head

    def read(self) -> Chain:
        """The log as it is; an absent file is an empty one. Raises ResourceError for a file that cannot be read."""
        try:
            return read(self.path.read_bytes())
        except FileNotFoundError:
            return read(b"")
        except OSError as error:
            message = f"the audit log {self.path} cannot be read: {error.strerror}."
            raise errors.ResourceError(message, fix="check the owner of the file", id="AUD-001") from error

    def fault(self, chain: Chain) -> errors.PolicyError | None:
        """The error of a broken chain; None for one that holds."""
        if chain.bad is None:
            return None
        message = f"the audit log {self.path} is broken at line {chain.bad}: {chain.why}."
        return errors.PolicyError(message, fix=_FIX, where=f"{self.path}:{chain.bad}", id="AUD-002")


def read(data: bytes) -> Chain:
    """A log out of its bytes. Pure; every byte before the last newline is covered by a hash."""
    *lines, tail = data.split(b"\n")
    entries: list[dict[str, Any]] = []
    hashes: list[str] = []
    prev = START
    for number, line in enumerate(lines, start=1):
        digest = hashlib.sha256(b"{" + line[_REST + 3 :]).hexdigest()
        entry, why = _entry(line, digest=digest, prev=prev)
        if entry is None:
            return Chain(entries=tuple(entries), hashes=tuple(hashes), bad=number, why=why, torn=len(tail))
        prev = digest
        entries.append({key: value for key, value in entry.items() if key not in {"hash", "prev"}})
        hashes.append(prev)
    return Chain(entries=tuple(entries), hashes=tuple(hashes), torn=len(tail))


def _line(entry: dict[str, Any]) -> tuple[bytes, str]:
    """An entry as a line, and its hash: over the line's own bytes, so that no second spelling of it passes."""
    body = json.dumps(entry, sort_keys=True, ensure_ascii=True).encode()
    digest = hashlib.sha256(body).hexdigest()
    return _HEAD + digest.encode() + b'", ' + body[1:] + b"\n", digest


def _entry(line: bytes, *, digest: str, prev: str) -> tuple[dict[str, Any] | None, str]:
    """The entry of a line, or None and why it is none."""
    if not line.startswith(_HEAD) or line[_REST : _REST + 3] != b'", ':
        return None, "it is no entry"
    if line[len(_HEAD) : _REST] != digest.encode():
        return None, "it was changed after it was written"
    try:
        entry = json.loads(line)
    except ValueError:
        return None, "it is no entry"
    if not isinstance(entry, dict) or entry.get("prev") != prev:
        return None, "it does not follow the line before, which was changed or taken out"
    return entry, ""
