"""Seals a process off from folders it must not see, by the kernel: Landlock, without any privilege, inherited by all
that it starts.

An operator of one world is sealed off from the other world's folder: knowing the path does not help. The seal is an
allow-list, so everything beside the way to a sealed folder is allowed by name; on the way itself names may be listed
and nothing new made. Without Landlock (before Linux 5.13, or turned off) there is only the folders' mode 0700.
"""

from __future__ import annotations

import ctypes
import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Numbers and bits of include/uapi/linux/landlock.h; the three system calls have one number on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _RULE_PATH_BENEATH = 1, 1
_PR_SET_NO_NEW_PRIVS = 38
_READ_DIR = 1 << 3
_FILE_RIGHTS = (1 << 0) | (1 << 1) | (1 << 2)  # execute, write, read
# Rights on files and folders that each version of the interface knows, from version 1 on.
_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_TRUNCATE, _IOCTL = 1 << 14, 1 << 15


def version() -> int:
    """The version of Landlock that this kernel offers; 0 for none."""
    found = _call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))
    return max(found, 0)


def seal_off(folders: Iterable[Path]) -> bool:
    """Take every right on these folders from this process and its future children, for good. Absent ones are ignored.

    False when the kernel offers no Landlock: then nothing changed. Raises OSError when the kernel refuses.
    """
    offered = version()
    hidden = [Path(os.path.realpath(folder)) for folder in folders if folder.is_dir()]
    if not offered or not hidden:
        return not hidden
    rights = _RIGHTS[min(offered, max(_RIGHTS))]
    attributes = ctypes.create_string_buffer(struct.pack("=Q", rights), 8)
    ruleset = _checked(_call(_CREATE_RULESET, attributes, ctypes.c_size_t(8), ctypes.c_uint32(0)), "create a ruleset")
    try:
        for path, on_the_way in _allowed(hidden):
            _allow(ruleset, path, _READ_DIR if on_the_way else rights)
        libc = ctypes.CDLL(None, use_errno=True)
        _checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "renounce new privileges")
        _checked(_call(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0)), "seal this process")
    finally:
        os.close(ruleset)
    return True


def _allowed(hidden: list[Path]) -> Iterator[tuple[Path, bool]]:
    """(path, whether a hidden folder lies beneath it). A path on the way may only be listed."""
    ways = {parent for folder in hidden for parent in folder.parents}
    for way in ways:
        yield way, True
        try:
            entries = list(os.scandir(way))
        except OSError:
            continue
        for entry in entries:
            path = way / entry.name
            if path not in ways and path not in hidden:
                yield path, False


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        # O_PATH follows no link: the seal is about where things are, and a link's target has a rule of its own.
        place = os.open(path, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        if not path.is_dir() or path.is_symlink():
            rights &= _FILE_RIGHTS | _TRUNCATE | _IOCTL
        if path.is_symlink() or not rights:
            return
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, place), 12)
        done = _call(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_RULE_PATH_BENEATH), rule, ctypes.c_uint32(0))
        _checked(done, f"allow {path}")
    finally:
        os.close(place)


def _call(number: int, *arguments: object) -> int:
    return int(ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(number), *arguments))


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"cannot {what}: {os.strerror(number)}")
    return result
