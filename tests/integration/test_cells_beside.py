"""A new cell is five lines of the fleet: two of them come up beside one that is up, and nothing of that one changes."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal import processes
from rehearsal.home import Home
from tests.integration.small import ROOT, Small

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FLEET = ROOT / "stacks" / "fleets" / "rehearsal.yaml"
NEW = {
    "cn-bei-1": """\
    - name: cn-bei-1
      world: cn
      cloud: alicloud
      region: cn-beijing
      cidr: 10.76.0.0/14
""",
    "eu-swe-1": """\
    - name: eu-swe-1
      world: row
      cloud: azure
      region: swedencentral
      cidr: 10.80.0.0/14
""",
}
WORLDS = {"cn-bei-1": "cn", "eu-swe-1": "row"}


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Small]:
    small = Small(Home(tmp_path / "h"))
    try:
        small.up()
        yield small
        small.down()
    finally:
        processes.stop_all(small.home.root)


def test_two_cells_of_five_lines_come_up_beside_one_that_is_up(up: Small, tmp_path: Path) -> None:
    assert all(len(lines.splitlines()) == 5 for lines in NEW.values())
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(FLEET.read_text(encoding="utf-8") + "".join(NEW.values()), encoding="utf-8")
    before = {stack: up.deployment(stack) for stack in up.stacks}
    cells = [part for name in NEW for part in ("--cell", name)]
    code, words = up.twain("rehearse", "up", "--fleet", str(fleet), *cells, "--no-traffic")
    assert code == 0, words[-6000:]

    assert {stack: up.deployment(stack) for stack in up.stacks} == before
    old = _components(up, "cn", "cn-sha-1")
    assert len(old) > 12
    for name, world in WORLDS.items():
        assert _components(up, world, name) == old
        assert _spaces(up, world, name) >= {"maison-aurelia", "maison-calisto", "twain-system"}
    for layer in ("infra", "platform"):
        code, words = up.twain(
            "rehearse", "shell", "--world", "cn", "--",
            "pulumi", "preview", "--expect-no-changes", "--non-interactive", "--stack", f"rehearsal.cn-sha-1.{layer}",
        )  # fmt: skip
        assert code == 0, words[-4000:]


def _components(small: Small, world: str, cell: str) -> set[str]:
    """The components that a cell's own state holds: the same on every cloud."""
    file = small.home.world(world) / "state" / ".pulumi" / "stacks" / "twain" / f"rehearsal.{cell}.infra.json"
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return {one["type"] for one in document["checkpoint"]["latest"]["resources"] if one["type"].startswith("twain:")}


def _spaces(small: Small, world: str, cell: str) -> set[str]:
    """The namespaces that a cell's own API server lists."""
    admin = small.home.cell(world, cell) / "admin.kubeconfig"
    command = [str(small.home.bin / "kubectl"), "--kubeconfig", str(admin), "get", "namespaces", "-o", "name"]
    told = subprocess.run(command, text=True, capture_output=True, check=True, timeout=60).stdout
    return {line.partition("/")[2] for line in told.split()}
