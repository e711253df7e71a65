"""A fleet that differs from the rehearsal's, and both command lines on it. What the rehearsal has is left as it is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from rehearsal.providers.store import Store

if TYPE_CHECKING:
    from tests.integration.conftest import Ran, Stage

# What an operator's home holds that a copy does not need.
_LEFT_OUT = ("lake", "cache", "*.lock", "*.jsonl", "*.html")


class Fleet:
    """A changed copy of the rehearsal's fleet in a folder of the test."""

    def __init__(self, stage: Stage, folder: Path, *changes: tuple[str, str], more: str = "") -> None:
        """`changes` are (old, new) in the text, `more` stands behind its last cell."""
        self.stage = stage
        self.folder = folder
        text = _fleet_of(stage.home.operator("row")).read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        self.path = folder / "fleet.yaml"
        self.path.write_text(text + more, encoding="utf-8")

    def line(self, text: str) -> int:
        """The number of the last line that begins with this text, blanks before it aside."""
        lines = self.path.read_text(encoding="utf-8").splitlines()
        return max(number for number, line in enumerate(lines, start=1) if line.strip().startswith(text))

    def pulumi(self, world: str, stack: str, *args: str) -> Ran:
        """Plain `pulumi ARGS` on a stack of the rehearsal, with settings of its own that name this fleet."""
        settings = yaml.safe_load((self._config(world) / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
        settings["config"] = {"twain:fleet": str(self.path)}
        own = self.folder / f"Pulumi.{stack}.yaml"
        own.write_text(yaml.safe_dump(settings), encoding="utf-8")
        return self.stage.shell(world, "pulumi", *args, "--stack", stack, "--config-file", str(own))

    def twain(self, world: str, *args: str) -> Ran:
        """`twain ARGS` as that world's operator, whose context names this fleet."""
        home = self.folder / "operators" / world
        if not home.is_dir():
            shutil.copytree(self.stage.home.operator(world), home, ignore=shutil.ignore_patterns(*_LEFT_OUT))
            document = json.loads((home / "contexts.json").read_text(encoding="utf-8"))
            for context in document["contexts"].values():
                context["fleet"] = str(self.path)
            (home / "contexts.json").write_text(json.dumps(document), encoding="utf-8")
        return self.stage.shell(world, "env", f"TWAIN_HOME={home}", "twain", *args)

    def _config(self, world: str) -> Path:
        return self.stage.home.workspace(world) / "config"


def _fleet_of(operator: Path) -> Path:
    (context,) = json.loads((operator / "contexts.json").read_text(encoding="utf-8"))["contexts"].values()
    return Path(context["fleet"])


def restore(stage: Stage, world: str, *stacks: str) -> None:
    """Bring stacks back to the rehearsal's own fleet."""
    for stack in stacks:
        ran = stage.shell(world, "pulumi", "up", "--yes", "--skip-preview", "--stack", stack)
        assert ran.code == 0, ran.out + ran.err


def made(stage: Stage, world: str) -> list[tuple[str, str, str]]:
    """Everything that the emulated clouds of a world ever made: (id, type, state)."""
    store = Store.open(stage.home.world(world))
    try:
        return [(row.id, row.type, row.state) for row in store.list_resources(live=False)]
    finally:
        store.close()
