"""A second `rehearse up` of the shared rehearsal, three cells in two worlds: it finds all and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rehearsal import processes
from rehearsal.home import WORLDS
from tests.docs import pages
from tests.integration.small import RUNNING, changes, program

if TYPE_CHECKING:
    from tests.integration.conftest import Ran, Stage

# What a second run must find and leave; pods come and go with their Nodes.
LASTING = {*RUNNING, "rehearsal.border", "rehearsal.programs.load", "rehearsal.programs.simhost"} - {"cli.gate.server"}

# What a second run has no reason to say again.
ONLY_FIRST = ("  traffic: ", "first token in every world ")


@pytest.fixture(scope="module")
def again(stage: Stage) -> tuple[dict[str, Any], Ran, dict[str, Any]]:
    """All that a second run must leave, what it printed, and all that it left."""
    before = _whole(stage)
    ran = stage.checked("rehearse", "up", timeout=900)
    return before, ran, _whole(stage)


def test_a_second_run_of_three_cells_keeps_revisions_contexts_tokens_and_processes(
    again: tuple[dict[str, Any], Ran, dict[str, Any]],
) -> None:
    before, _, after = again
    assert len(before["served"]) == 3
    assert len(before["tokens"]) == 2
    assert len(before["changes"]) >= 6
    assert after == before


def test_the_readme_shows_what_is_printed(again: tuple[dict[str, Any], Ran, dict[str, Any]]) -> None:
    """Line by line and in no order: stacks come up beside each other."""
    _, ran, _ = again
    (block,) = [one for one in pages.blocks(pages.ROOT / "README.md") if one.lines[0].startswith("rehearsal … in …")]
    first = [line for line in block.lines if line.startswith(ONLY_FIRST)]
    assert len(first) == len(ONLY_FIRST)
    printed = ran.err + ran.out
    lost = [line for line in block.lines if line not in first and pages.missing([line], printed)]
    assert lost == [], printed


def _whole(stage: Stage) -> dict[str, Any]:
    home = stage.home
    private = ("contexts.json", "cells/*.json", "gates/*.token")
    kept = ("name", "cell", "revision", "image", "weights", "desired", "ready")
    running = [(program(process.command), process.pid, process.started) for process in processes.find(home.root)]
    return {
        "served": [
            {key: item[key] for key in kept} for item in stage.operator("row", "serve", "list", "-o", "json").items
        ],
        "operators": {path: path.read_bytes() for name in private for path in home.root.glob(f"*/operator/{name}")},
        "tokens": [path.read_bytes() for path in sorted(home.root.glob("*/operator/gates/*.token"))],
        "cells": {path: path.read_bytes() for path in home.root.glob("*/cells/*/cell.json")},
        "secrets": {path: path.read_bytes() for path in home.root.glob("*/cells/*/secrets/*")},
        "pinned": {path: path.read_bytes() for path in home.root.glob("*/locks/*.json")},
        "processes": {entry for entry in running if entry[0] in LASTING},
        "changes": [changed for world in WORLDS for changed in changes(home.world(world))],
    }
