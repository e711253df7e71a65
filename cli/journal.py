"""The write-ahead journal: one JSON line per step, on disk before the step is taken.

A record is `{"op": KEY, "step": NAME, "at": RFC 3339, …}`; `op` is the idempotency key. A line that a crash tore off at
the end is not a record: readers skip it and the next append removes it. A torn line anywhere else means damage and is
refused.
"""

from __future__ import annotations

import fcntl
import json
import os
import uuid
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cli import crash, errors, files

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from cli.app import Clock

Record = dict[str, Any]


class Journal:
    """Appends are exclusive between processes and durable when `append` returns."""

    def __init__(self, path: Path, *, clock: Clock) -> None:
        self.path = path
        self._clock = clock

    def append(self, op: str, step: str, **facts: Any) -> Record:
        """Write one record and sync it. Raises ResourceError when it cannot be made durable: then do not act."""
        record: Record = {"op": op, "step": step, "at": _rfc3339(self._clock), **facts}
        crash.point(f"journal.{step}.before")
        line = _encode(record)
        try:
            with _locked(self.path) as descriptor:
                os.ftruncate(descriptor, _intact_length(_read_all(descriptor), self.path))
                os.lseek(descriptor, 0, os.SEEK_END)
                _write_all(descriptor, line)
                os.fsync(descriptor)
        except OSError as error:
            message = f"the journal {self.path} cannot be written: {error.strerror}."
            fix = "free space or correct the folder's owner; nothing was sent"
            raise errors.ResourceError(message, fix=fix, id="JRN-001") from error
        crash.point(f"journal.{step}.after")
        return record

    def records(self) -> list[Record]:
        """Every whole record, oldest first. Raises ResourceError when a line before the last is damaged."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return []
        return _decode(data, self.path)

    def of(self, op: str) -> list[Record]:
        """The records of one operation."""
        return [record for record in self.records() if record["op"] == op]

    @staticmethod
    def new_key() -> str:
        """A fresh idempotency key."""
        return str(uuid.uuid4())


def _rfc3339(clock: Clock) -> str:
    return clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _encode(record: Record) -> bytes:
    body = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"{zlib.crc32(body.encode()):08x} {body}\n".encode()


def _decode(data: bytes, path: Path) -> list[Record]:
    lines = data.split(b"\n")
    tail = lines.pop()  # what follows the last newline: empty, or torn
    records: list[Record] = []
    for number, line in enumerate(lines, start=1):
        record = _line(line)
        if record is None:
            if number == len(lines) and not tail:
                break
            message = f"line {number} of the journal {path} is damaged."
            fix = (
                f"keep a copy, then remove the line; what it recorded must be checked by hand: sed -n {number}p {path}"
            )
            raise errors.ResourceError(message, fix=fix, id="JRN-002")
        records.append(record)
    return records


def _line(line: bytes) -> Record | None:
    checksum, _, body = line.partition(b" ")
    try:
        if int(checksum, 16) != zlib.crc32(body):
            return None
        record = json.loads(body)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "op" in record else None


def _intact_length(data: bytes, path: Path) -> int:
    """How many bytes hold whole records; the rest is a torn tail."""
    count = len(_decode(data, path))
    position = 0
    for _ in range(count):
        position = data.index(b"\n", position) + 1
    return position


def _read_all(descriptor: int) -> bytes:
    os.lseek(descriptor, 0, os.SEEK_SET)
    parts: list[bytes] = []
    while chunk := os.read(descriptor, 1 << 20):
        parts.append(chunk)
    return b"".join(parts)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


@contextmanager
def _locked(path: Path) -> Generator[int]:
    files.private_dir(path.parent)
    fresh = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
        if fresh:
            files.sync_dir(path.parent)
    finally:
        os.close(descriptor)
