"""What an account holds: a fleet that puts more into one is told with the limit and its source."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest
import yaml

from cli import errors, planned
from cli.failures import translate
from components.clouds.accounts import LIMITS
from components.errors import SpecError
from components.policy import account_rules, spec_rules
from components.spec.load import load_fleet
from tests import generated_fleet

if TYPE_CHECKING:
    from pathlib import Path

TYPES = {
    "RAM roles": "alicloud:ram/role:Role",
    "RAM policies": "alicloud:ram/policy:Policy",
    "log exclusions": "gcp:logging/projectExclusion:ProjectExclusion",
    "service accounts": "gcp:serviceaccount/account:Account",
}


def in_one_project(path: Path, *, cells: int, maisons: int = 2) -> Path:
    document = generated_fleet.document(cells=cells, maisons=maisons)
    for cell in document["spec"]["cells"]:
        cell.pop("overrides", None)
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


def test_ten_cells_fit_into_a_project_and_eleven_are_a_quota_too_small(tmp_path: Path) -> None:
    spec_rules.load_checked(in_one_project(tmp_path / "ten.yaml", cells=30))
    with pytest.raises(SpecError) as caught:
        spec_rules.load_checked(in_one_project(tmp_path / "eleven.yaml", cells=33))
    (problem,) = caught.value.problems
    assert (problem.code, problem.where, problem.line > 0) == ("SPEC-QUOTA", "spec.cells[31]", True)
    assert "need 11 log exclusions, and it holds 10 (Cloud Logging API, exclusions)" in problem.message
    told = translate(caught.value)
    assert told is not None
    assert errors.exit_code(told) == 4


def test_the_generated_fleet_spreads_its_cells_over_projects(tmp_path: Path) -> None:
    fleet = spec_rules.load_checked(generated_fleet.write(tmp_path / "fleet.yaml", cells=40))
    assert account_rules.quotas(fleet) == []


def test_a_quota_that_can_be_raised_is_told_and_stops_nothing(tmp_path: Path) -> None:
    fleet = spec_rules.load_checked(in_one_project(tmp_path / "fleet.yaml", cells=6, maisons=50))
    (told,) = account_rules.quotas(fleet)
    assert "2 cells of world row share one account of gcp" in told
    assert "need 102 service accounts, and it holds 100" in told


def test_what_a_cell_needs_is_what_its_program_declares(tmp_path: Path) -> None:
    path = generated_fleet.write(tmp_path / "fleet.yaml", cells=2, maisons=3)
    for cell in load_fleet(path).cells:
        rows = planned.plan([f"generated.{cell.name}.infra"], fleet=path, env=os.environ)
        kinds = Counter(row["type"] for row in rows)
        for limit in LIMITS[cell.cloud]:
            assert kinds[TYPES[limit.what]] == limit.needed(cells=1, maisons=3), limit.what
