"""The whole resource graph of each layer of a cell on each cloud, as JSON that is reviewed like code: type, name,
parent and inputs of every resource. `TWAIN_UPDATE_GOLDEN=1` writes the files anew.

The platform is declared from what the infra layers of its world hand over, so that a change of one that reaches the
other is seen in both.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest

from components.spec.load import load_fleet
from components.spec.model import Cloud
from stacks import program
from stacks.settings import Layer
from tests.recorder import FLEET, PEM, Recorder, environment, run

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent / "graphs"
SPEC = load_fleet(FLEET)
CELLS = {cell.cloud: cell.name for cell in SPEC.cells}
CLOUDS: tuple[str, ...] = get_args(Cloud)
LAYERS: tuple[str, ...] = get_args(Layer)
# How much of a difference a failing test shows.
_SHOWN = 120
# Longer texts on one line are broken where they list alternatives: admission rules name every host of a world.
_LONG = 400


@cache
def handed_over(cell: str) -> dict[str, Any]:
    """The outputs of a cell's infra layer. No cloud tells a recorder its CA, which a lock file may hold as well."""
    return {**declared(cell, "infra")[1], "cluster_ca": PEM}


def declared(
    cell: str, layer: str, references: Mapping[str, Mapping[str, Any]] | None = None
) -> tuple[Recorder, dict[str, Any]]:
    """What a layer of a cell registers, and its outputs."""
    world = SPEC.cell(cell).world
    with environment(
        TWAIN_REHEARSAL_HOME="/nowhere",
        PULUMI_BACKEND_URL=f"file:///nowhere/{world}/state",
        TWAIN_LOCK_DIR="/nowhere/locks",
    ):
        return run(
            program.main,
            stack=f"rehearsal.{cell}.{layer}",
            recorder=Recorder(references=references or {}),
            config={"fleet": str(FLEET)},
        )


def graph(cell: str, layer: str) -> list[dict[str, Any]]:
    """The rows of a golden file."""
    stacks = {} if layer == "infra" else {
        f"organization/twain/rehearsal.{one.name}.infra": handed_over(one.name)
        for one in SPEC.cells if one.world == SPEC.cell(cell).world
    }  # fmt: skip
    recorder, _ = declared(cell, layer, stacks)
    return [
        {"type": kind, "name": name, "parent": parent, "inputs": readable(digested(kind, inputs))}
        for kind, name, parent, inputs in recorder.placed()
    ]


def digested(kind: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """A definition's long schema as its digest: the file that it is read from is what is reviewed."""
    if not kind.endswith(":CustomResourceDefinition"):
        return inputs
    digest = hashlib.sha256(json.dumps(inputs["spec"], sort_keys=True).encode()).hexdigest()
    return {**inputs, "spec": {"sha256": digest}}


def readable(value: Any) -> Any:
    """Texts of several lines as lists of lines, so that a difference is a line and not a screen."""
    if isinstance(value, dict):
        return {key: readable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [readable(item) for item in value]
    if isinstance(value, str) and "\n" in value:
        return {"lines": [broken(line) for line in value.split("\n")]}
    return broken(value) if isinstance(value, str) else value


def broken(line: str) -> Any:
    """A long line in its parts; together they are the line."""
    if len(line) <= _LONG or "|" not in line:
        return line
    return {"parts": [part for part in line.replace("|", "|\n").split("\n") if part]}


def text(rows: list[dict[str, Any]]) -> str:
    return json.dumps(rows, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_layer_of_a_cell_declares_exactly_these_resources(cloud: str, layer: str) -> None:
    path = FOLDER / f"{CELLS[cloud]}.{layer}.json"
    now = text(graph(CELLS[cloud], layer))
    if os.environ.get("TWAIN_UPDATE_GOLDEN") == "1":
        path.parent.mkdir(exist_ok=True)
        path.write_text(now, encoding="utf-8")
    kept = path.read_text(encoding="utf-8")
    told = list(difflib.unified_diff(kept.splitlines(), now.splitlines(), path.name, "as declared now", lineterm=""))
    assert not told, "\n".join([*told[:_SHOWN], "", "TWAIN_UPDATE_GOLDEN=1 writes the file anew; read the difference"])


def test_there_is_a_graph_of_each_layer_on_each_cloud_and_no_other() -> None:
    assert set(CELLS) == set(CLOUDS)
    assert {path.name for path in FOLDER.iterdir()} == {
        f"{CELLS[cloud]}.{layer}.json" for cloud in CLOUDS for layer in LAYERS
    }


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_every_parent_is_a_resource_of_the_same_graph_and_components_hold_what_is_theirs(
    cloud: str, layer: str
) -> None:
    rows = json.loads((FOLDER / f"{CELLS[cloud]}.{layer}.json").read_text(encoding="utf-8"))
    known = Counter(f"{row['type']} {row['name']}" for row in rows)
    assert [name for name, times in known.items() if times > 1] == []
    assert {row["parent"] for row in rows} - {""} <= set(known)
    # What hangs on nothing is a component, a provider or an object of the cluster, never a resource of a cloud.
    loose = {row["type"].partition(":")[0] for row in rows if not row["parent"]}
    assert loose <= {"twain", "pulumi", "kubernetes"}


def test_a_layer_is_declared_the_same_way_twice_wherever_it_runs() -> None:
    cell = CELLS["gcp"]
    with environment(TZ="Asia/Shanghai"):
        assert text(graph(cell, "platform")) == text(graph(cell, "platform"))


def test_the_parts_of_a_long_line_are_the_line() -> None:
    line = "|".join(["a", "b" * 500, "", "c"])
    assert "".join(broken(line)["parts"]) == line
    assert readable({"a": ["x\ny"]}) == {"a": [{"lines": ["x", "y"]}]}
