"""Real plans of three mirrored cells, one per cloud, both layers and a workload; and ways to change them.

The cloud's resources are the golden graphs, which are held against the program elsewhere; what is installed in the
cluster is planned here.
"""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli import subjects
from cli.fleet import FleetView
from components.spec.load import load_fleet, load_workload

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[4]
FLEET = ROOT / "stacks" / "fleets" / "rehearsal.yaml"
WORKLOAD = ROOT / "examples" / "advisor.yaml"
GOLDEN = ROOT / "tests" / "golden" / "graphs"
CELLS = {"alicloud": "cn-sha-1", "gcp": "eu-ams-1", "azure": "eu-par-1"}
Rows = list[dict[str, Any]]


@cache
def _platforms() -> dict[str, Rows]:
    stacks = [f"rehearsal.{cell}.platform" for cell in CELLS.values()]
    done = subprocess.run(
        [sys.executable, "-m", "stacks.planner", *stacks, "--fleet", str(FLEET)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows: Rows = json.loads(done.stdout)["resources"]
    return {cell: [row for row in rows if f"urn:pulumi:rehearsal.{cell}." in row["urn"]] for cell in CELLS.values()}


@cache
def _all() -> dict[str, Rows]:
    fleet = FleetView.of(load_fleet(FLEET).model_dump(mode="json"), FLEET)
    workload = load_workload(WORKLOAD)
    rows: dict[str, Rows] = {}
    for cell in fleet.cells:
        golden = json.loads((GOLDEN / f"{cell.name}.infra.json").read_text(encoding="utf-8"))
        infra = [{"type": one["type"], "urn": f"urn::{one['name']}", "inputs": one["inputs"]} for one in golden]
        rows[cell.name] = [*infra, *_platforms()[cell.name], *subjects.served(fleet, cell, [workload])]
    return rows


def plan(cloud: str) -> Rows:
    """The plan of the cell on a cloud, to be changed at will."""
    return copy.deepcopy(_all()[CELLS[cloud]])


def of_type(rows: Rows, token: str) -> list[dict[str, Any]]:
    """The inputs of every resource of a type."""
    return [row["inputs"] for row in rows if row["type"] == token]


def put(
    rows: Rows, token: str, path: str, value: Any, *, where: Callable[[dict[str, Any]], bool] | None = None
) -> None:
    """Set an input of every resource of a type (of those that `where` is true of); there must be one."""
    chosen = [one for one in of_type(rows, token) if where is None or where(one)]
    assert chosen, token
    for inputs in chosen:
        place: Any = inputs
        *around, last = path.split(".")
        for step in around:
            place = place.setdefault(step, {})
        place[last] = value(place.get(last)) if callable(value) else value


def drop(rows: Rows, token: str) -> None:
    """Take every resource of a type away; there must be one."""
    assert of_type(rows, token), token
    rows[:] = [row for row in rows if row["type"] != token]


def add(rows: Rows, token: str, inputs: dict[str, Any]) -> None:
    """Put a resource in."""
    rows.append({"type": token, "urn": f"urn::{token}::more", "inputs": inputs})
