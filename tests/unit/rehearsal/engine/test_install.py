"""The plugin executables."""

from __future__ import annotations

import importlib.metadata
import subprocess
from typing import TYPE_CHECKING

from rehearsal.engine import install

if TYPE_CHECKING:
    from pathlib import Path


def test_each_plugin_lies_where_the_engine_looks_for_the_sdks_version(tmp_path: Path) -> None:
    written = install.install_providers(tmp_path)
    version = importlib.metadata.version("pulumi-gcp")
    assert tmp_path / "plugins" / f"resource-gcp-v{version}" / "pulumi-resource-gcp" in written
    assert len(written) == len(install.PROVIDERS)
    assert all(path.stat().st_mode & 0o777 == 0o700 for path in written)


def test_a_second_installation_rewrites_nothing(tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in install.install_providers(tmp_path)}
    assert {path: path.stat().st_mtime_ns for path in install.install_providers(tmp_path)} == before


def test_a_damaged_executable_is_written_again(tmp_path: Path) -> None:
    host = install.install_language_plugin(tmp_path)
    text = host.read_text()
    host.write_text("broken")
    install.install_language_plugin(tmp_path)
    assert host.read_text() == text


def test_a_plugin_outside_a_rehearsal_says_where_it_belongs(tmp_path: Path) -> None:
    (plugin,) = install.install_providers(tmp_path, packages=("gcp",))
    done = subprocess.run([plugin, "127.0.0.1:1"], env={}, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "TWAIN_REHEARSAL_WORLD is not set" in done.stderr


def test_a_long_path_of_the_interpreter_does_not_break_the_executable(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120) / ("e" * 120)
    deep.mkdir(parents=True)
    python = deep / "python with space"
    python.symlink_to(install.sys.executable)
    script = deep / "plugin"
    script.write_text(install.script("platform", interpreter=str(python), function="python_version"))
    script.chmod(0o700)
    done = subprocess.run([script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
