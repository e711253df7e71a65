"""A container's arguments and environment, as this machine needs them: references resolved, mount paths under the pod's
own folder. Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_REFERENCE = re.compile(r"\$(\$?)\(([A-Za-z_][A-Za-z0-9_.-]*)\)")


def expand(text: str, environment: Mapping[str, str]) -> str:
    """Resolve `$(NAME)`; `$$(NAME)` stays as `$(NAME)`, an unknown name stays as it is."""

    def one(match: re.Match[str]) -> str:
        if match.group(1):
            return match.group(0)[1:]
        return environment.get(match.group(2), match.group(0))

    return _REFERENCE.sub(one, text)


def under_root(text: str, mounts: Iterable[str], root: Path) -> str:
    """A value that begins with a mount path, or holds one after `=`, moved under `root`; any other value as it is."""
    for mount in sorted(mounts, key=len, reverse=True):
        path = mount.rstrip("/")
        if not path:
            continue
        if _begins(text, path):
            return _moved(text, root)
        before, sign, after = text.partition("=")
        if sign and _begins(after, path):
            return f"{before}={_moved(after, root)}"
    return text


def _moved(path: str, root: Path) -> str:
    """A path under `root`; one that lies there already stays (a mount may be a folder above the root)."""
    return path if _begins(path, str(root)) else f"{root}{path}"


def _begins(text: str, path: str) -> bool:
    return text == path or text.startswith(f"{path}/")


def arguments(values: Iterable[str], *, environment: Mapping[str, str], mounts: Iterable[str], root: Path) -> list[str]:
    """All arguments of a container, ready to run."""
    places = list(mounts)
    return [under_root(expand(value, environment), places, root) for value in values]


def listen_address(text: str, pod_ip: str) -> str:
    """`HOST:PORT` with the pod's own address where the host is empty, a wildcard or `localhost`."""
    host, _, port = text.rpartition(":")
    return f"{pod_ip}:{port}" if host in {"", "0.0.0.0", "[::]", "::", "localhost"} else text
