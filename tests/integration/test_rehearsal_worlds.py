"""Two worlds on one machine, seen by the real engine: each knows its own stacks and nothing of the other's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Stage

STACKS = {
    "cn": ["rehearsal.cn-sha-1.infra", "rehearsal.cn-sha-1.platform"],
    "row": [
        "rehearsal.eu-ams-1.infra",
        "rehearsal.eu-ams-1.platform",
        "rehearsal.eu-par-1.infra",
        "rehearsal.eu-par-1.platform",
    ],
}


@pytest.mark.parametrize("world", STACKS)
def test_the_engine_and_the_command_line_list_the_same_stacks(stage: Stage, world: str) -> None:
    listed = stage.shell(world, "pulumi", "stack", "ls", "--json")
    assert sorted(entry["name"] for entry in json.loads(listed.out)) == STACKS[world]
    items = stage.operator(world, "stack", "list", "-o", "json").items
    assert sorted(item["stack"] for item in items) == STACKS[world]


@pytest.mark.parametrize("stack", [stack for stacks in STACKS.values() for stack in stacks])
def test_a_plain_preview_after_up_expects_no_changes(stage: Stage, stack: str) -> None:
    world = "cn" if ".cn-" in stack else "row"
    ran = stage.shell(world, "pulumi", "preview", "--expect-no-changes", "--stack", stack)
    assert ran.code == 0, ran.out + ran.err


def test_no_file_of_the_other_worlds_state_names_the_chinese_cell(stage: Stage) -> None:
    files = [path for path in (stage.home.world("row") / "state").rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if b"cn-sha-1" in path.read_bytes()]
