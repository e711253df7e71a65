"""The definitions in the tree are those of the pinned modules. `TWAIN_UPDATE_GOLDEN=1` writes them anew."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import yaml

from components.platform.definitions import DATA
from rehearsal import tools
from tests.definitions import bare

if TYPE_CHECKING:
    from pathlib import Path


def text(file: Path) -> str:
    """A module's definition as the tree holds it."""
    raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    raw.pop("status", None)
    raw["metadata"].pop("creationTimestamp", None)
    return json.dumps(bare(raw), separators=(",", ":"), sort_keys=True) + "\n"


def test_each_definition_is_its_module_s_without_the_texts_about_fields() -> None:
    made = {f"{file.stem}.json": text(file) for file in tools.crds()}
    if os.environ.get("TWAIN_UPDATE_GOLDEN") == "1":
        for name, content in made.items():
            (DATA / name).write_text(content, encoding="utf-8")
    assert {path.name: path.read_text(encoding="utf-8") for path in DATA.glob("*.json")} == made
