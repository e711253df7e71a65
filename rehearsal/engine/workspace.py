"""The generated, private workspace of one world: project file, state folder, passphrase, plugin executables."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

from rehearsal.engine.install import install_language_plugin, install_providers
from rehearsal.home import Home

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = "twain"
_PASSPHRASE_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """Where the engine works for one world. Creating the value touches no disk; `prepare` does."""

    world_dir: Path
    program_dir: Path

    @property
    def directory(self) -> Path:
        """The folder with the generated `Pulumi.yaml`: the engine's working directory."""
        return self.world_dir / "workspace"

    @property
    def config_dir(self) -> Path:
        """Stack settings (`Pulumi.<stack>.yaml`); beside the project, never in the checkout: they hold the
        encryption salt."""
        return self.directory / "config"

    @property
    def state_dir(self) -> Path:
        """The file backend's folder."""
        return self.world_dir / "state"

    @property
    def pulumi_home(self) -> Path:
        """The engine's own home, with the plugins."""
        return self.world_dir / "pulumi"

    @property
    def passphrase_file(self) -> Path:
        """The passphrase that encrypts this world's secrets; mode 0600, made once."""
        return self.world_dir / "passphrase"

    @property
    def home(self) -> Home:
        """The rehearsal that this world is part of."""
        return Home(self.world_dir.parent)

    def prepare(self) -> None:
        """Make everything that is missing; may be repeated, and never changes a passphrase that exists.

        Every folder of the world is 0700 and the passphrase 0600, whatever the caller's umask.
        """
        for folder in (self.world_dir, self.directory, self.config_dir, self.state_dir, self.pulumi_home):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder.chmod(0o700)
        _write_once_private(self.passphrase_file, secrets.token_urlsafe(_PASSPHRASE_BYTES))
        project = {
            "name": PROJECT,
            "runtime": {"name": "python"},
            "main": str(self.program_dir),
            "stackConfigDir": self.config_dir.name,
        }
        _write_if_different(self.directory / "Pulumi.yaml", yaml.safe_dump(project, sort_keys=False))
        install_providers(self.pulumi_home)
        install_language_plugin(self.pulumi_home)

    def environment(self) -> dict[str, str]:
        """The whole environment of an engine of this world; nothing else of the caller's reaches it."""
        return self.home.world_env(self.world_dir.name)


def _write_once_private(path: Path, text: str) -> None:
    """Create `path` with mode 0600, or leave the file that is there; of two racing callers one wins and both read
    the same."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        try:
            os.link(beside, path)
        except FileExistsError:
            path.chmod(0o600)
    finally:
        beside.unlink()


def _write_if_different(path: Path, text: str) -> None:
    if path.is_file() and path.read_text() == text:
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text)
    beside.replace(path)
