"""The audit log: JSON lines, each holding the hash of the one before, so that a change or a cut in the middle shows."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from cli import errors, files

if TYPE_CHECKING:
    from pathlib import Path

    from cli.app import Clock

_START = "0" * 64


class Audit:
    """Appends are exclusive and durable. `head` is what a cell anchors, so that a cut at the end shows too."""

    def __init__(self, path: Path, *, clock: Clock) -> None:
        self.path = path
        self._clock = clock

    def append(self, verb: str, *, context: str, identity: str, **facts: Any) -> str:
        """Record one use; returns the new head hash. Raises ResourceError when it cannot be made durable."""
        files.private_dir(self.path.parent)
        entry = {
            "at": self._clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "verb": verb,
            "context": context,
            "identity": identity,
            **facts,
        }
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "r+b") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX)
                data = stream.read()
                whole = data[: data.rfind(b"\n") + 1]
                if whole != data:  # a crash tore the last line off; it never counted
                    stream.truncate(len(whole))
                head = _verify(whole, self.path)
                line = json.dumps({"prev": head, **entry}, sort_keys=True, ensure_ascii=True)
                stream.write(line.encode() + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            message = f"the audit log {self.path} cannot be written: {error.strerror}."
            raise errors.ResourceError(message, fix="free space; nothing was changed", id="AUD-001") from error
        return _hash(line.encode())

    def head(self) -> str:
        """The hash of the last entry; zeros when there is none. Raises ResourceError for a broken chain."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return _START
        return _verify(data[: data.rfind(b"\n") + 1], self.path)


def _verify(data: bytes, path: Path) -> str:
    head = _START
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            prev = json.loads(line).get("prev")
        except (ValueError, AttributeError):
            prev = None
        if prev != head:
            message = f"the audit log {path} is broken at line {number}: it does not follow the line before."
            raise errors.ResourceError(message, fix="keep the file and tell the data-protection contact", id="AUD-002")
        head = _hash(line)
    return head


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
