"""Forty generated cells: nothing wrong with the fleet, no range twice, no name twice."""

from __future__ import annotations

import ipaddress
from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from components.clouds.profile import NAME_RULES
from components.policy import spec_rules
from stacks import program
from tests import generated_fleet
from tests.recorder import environment, run

if TYPE_CHECKING:
    from pathlib import Path

CELLS = 40


def test_forty_cells_pass_the_check_and_no_range_meets_another(tmp_path: Path) -> None:
    fleet = spec_rules.load_checked(generated_fleet.write(tmp_path / "fleet.yaml", cells=CELLS))
    assert len(fleet.cells) == CELLS
    ranges = [ipaddress.ip_network(cell.cidr) for cell in fleet.cells]
    assert not [(a, b) for a, b in combinations(ranges, 2) if a.overlaps(b)]


@pytest.mark.parametrize("count", [9, pytest.param(CELLS, marks=pytest.mark.prove)])
def test_no_two_cells_claim_the_same_worldwide_name(tmp_path: Path, count: int) -> None:
    path = generated_fleet.write(tmp_path / "fleet.yaml", cells=count)
    seen: dict[tuple[str, str], list[str]] = {}
    for cell in spec_rules.load_checked(path).cells:
        backend = f"file:///nowhere/{cell.world}/state"
        with environment(TWAIN_REHEARSAL_HOME="/nowhere", PULUMI_BACKEND_URL=backend):
            recorder, _ = run(program.main, stack=f"generated.{cell.name}.infra", config={"fleet": str(path)})
        for kind, _, inputs in recorder.graph():
            for (wanted, name), rule in NAME_RULES.items():
                if rule.worldwide and wanted == kind and name in inputs:
                    seen.setdefault((kind, name), []).append(inputs[name])
    # Every cloud has some, and each cell has its own.
    assert {kind.partition(":")[0] for kind, _ in seen} == {"alicloud", "gcp", "azure-native"}
    for key, names in seen.items():
        assert len(names) >= count // 3, key
        assert len(set(names)) == len(names), f"{key}: {sorted(names)}"
