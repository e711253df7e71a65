"""Writes the executables by which the engine finds the emulated clouds and the Python language host."""

from __future__ import annotations

import importlib.metadata
import os
import shlex
import sys
from pathlib import Path

# Engine package name -> (distribution of the SDK, module of the provider)
PROVIDERS = {
    "alicloud": ("pulumi-alicloud", "rehearsal.providers.alicloud"),
    "azure-native": ("pulumi-azure-native", "rehearsal.providers.azure_native"),
    "gcp": ("pulumi-gcp", "rehearsal.providers.gcp"),
    "kubernetes": ("pulumi-kubernetes", "rehearsal.providers.kubernetes"),
}
LANGUAGE_HOST = "pulumi-language-python"
# Some kernels cut at 128 bytes, newer ones at 256.
_SHEBANG_LIMIT = 127
_ROOT = Path(__file__).resolve().parents[2]


def install_providers(pulumi_home: Path, *, packages: tuple[str, ...] = tuple(PROVIDERS)) -> list[Path]:
    """Write one plugin executable per package under `pulumi_home/plugins`, at the version of the installed SDK.

    Returns the executables. Repeating it rewrites only what differs. Raises
    `importlib.metadata.PackageNotFoundError` when the SDK of a package is not installed.
    """
    written: list[Path] = []
    for package in packages:
        distribution, module = PROVIDERS[package]
        version = importlib.metadata.version(distribution)
        folder = pulumi_home / "plugins" / f"resource-{package}-v{version}"
        executable = folder / f"pulumi-resource-{package}"
        folder.mkdir(parents=True, exist_ok=True)
        _write_executable(executable, script(module))
        written.append(executable)
    return written


def install_language_plugin(pulumi_home: Path) -> Path:
    """Write the language host where the engine looks for language plugins; returns the executable. Repeatable."""
    folder = pulumi_home / "plugins" / f"language-python-v{importlib.metadata.version('pulumi')}"
    folder.mkdir(parents=True, exist_ok=True)
    executable = folder / LANGUAGE_HOST
    _write_executable(executable, script("rehearsal.engine.language_host"))
    return executable


def script(module: str, *, interpreter: str = sys.executable, function: str = "main") -> str:
    """The text of an executable that runs `module.function()` with this interpreter and this installation.

    The kernel cuts shebang lines short and at the first space, so a path that does not fit goes through the shell, in
    lines that Python reads as a string.
    """
    shebang = f"#!{interpreter}\n"
    if len(shebang) > _SHEBANG_LIMIT or " " in interpreter:
        shebang = f"#!/bin/sh\n'''exec' {shlex.quote(interpreter)} \"$0\" \"$@\"\n' '''\n"
    return (
        f"{shebang}"
        "import sys\n"
        f"sys.path.insert(0, {str(_ROOT)!r})\n"
        f"from {module} import {function}\n"
        f"result = {function}()\n"
        "sys.exit(result if isinstance(result, int) else 0)\n"
    )


def _write_executable(path: Path, text: str) -> None:
    if path.is_file() and path.read_text() == text and os.access(path, os.X_OK):
        return
    # Written beside and renamed, so that an engine that starts at this moment never reads half a script.
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text)
    beside.chmod(0o700)
    beside.replace(path)
