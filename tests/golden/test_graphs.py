"""The whole resource graph of each cell of the rehearsal, as JSON. `TWAIN_UPDATE_GOLDEN=1` writes the files anew."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from stacks import program
from tests.recorder import FLEET, environment, run

FOLDER = Path(__file__).parent / "graphs"
CELLS = {"cn-sha-1": "cn", "eu-ams-1": "row", "eu-par-1": "row"}


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_declares_exactly_these_resources(cell: str) -> None:
    backend = f"file:///nowhere/{CELLS[cell]}/state"
    with environment(TWAIN_REHEARSAL_HOME="/nowhere", PULUMI_BACKEND_URL=backend):
        recorder, _ = run(program.main, stack=f"rehearsal.{cell}.infra", config={"fleet": str(FLEET)})
    rows = [{"type": kind, "name": name, "inputs": inputs} for kind, name, inputs in recorder.graph()]
    text = json.dumps(rows, indent=1, sort_keys=True) + "\n"
    path = FOLDER / f"{cell}.json"
    if os.environ.get("TWAIN_UPDATE_GOLDEN") == "1":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8")) == rows
