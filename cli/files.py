"""Small file habits: private, whole, on disk before we say so."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cli import errors

if TYPE_CHECKING:
    from pathlib import Path


def private_dir(path: Path) -> Path:
    """Make a folder that only its owner can enter; returns it. Repeating it changes nothing. Raises ResourceError."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        message = f"the folder {path} cannot be made: {error.strerror}."
        fix = "check the owner of the folder above, or set TWAIN_HOME to another one"
        raise errors.ResourceError(message, fix=fix, id="DSK-001") from error
    return path


def write_private(path: Path, content: str | bytes) -> None:
    """Replace a file in one step with mode 0600, synced: a reader sees the old file or the new one."""
    private_dir(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    data = content.encode() if isinstance(content, str) else content
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        message = f"{path} cannot be written: {error.strerror}."
        raise errors.ResourceError(
            message, fix="check the free space and the owner of its folder", id="DSK-001"
        ) from error
    sync_dir(path.parent)


def sync_dir(path: Path) -> None:
    """Put a folder's entries on disk, so that a rename survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_text(path: Path, what: str) -> str:
    """The file's text. Raises UsageError that says what it should have been."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{what} cannot be read from {path}: {error}."
        raise errors.UsageError(message, fix="check the path and its mode", id="CFG-FILE") from error
