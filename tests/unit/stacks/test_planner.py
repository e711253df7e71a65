"""A plan without engine, cloud or cluster."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.parity.state import infra
from components.policy.decide import decide

ROOT = Path(__file__).resolve().parents[3]
FLEET = ROOT / "stacks" / "fleets" / "rehearsal.yaml"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def plan(stack: str, fleet: Path = FLEET) -> tuple[int, list[dict[str, Any]], str]:
    done = subprocess.run(
        [sys.executable, "-m", "stacks.planner", stack, "--fleet", str(fleet)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, json.loads(done.stdout)["resources"] if done.returncode == 0 else [], done.stderr


@pytest.mark.parametrize(("cell", "cloud"), [("cn-sha-1", "alicloud"), ("eu-ams-1", "gcp"), ("eu-par-1", "azure")])
def test_an_infra_stack_is_planned_with_its_guarantees_and_no_violation(cell: str, cloud: str) -> None:
    status, resources, errors = plan(f"rehearsal.{cell}.infra")
    assert (status, errors) == (0, "")
    found = infra(resources, cloud)
    assert (found["kubernetes.minor"], found["api.private"], found["gpu.class"]) == ("1.36", "private", "gpu-80g/1")
    # What the plan does not know yet (ids, keys) hides no guarantee; of one device no source gives a figure.
    assert {name for name, value in found.items() if value is None} == ({"gpu.rate"} if cloud == "azure" else set())
    world, regions = ("cn", ["cn-shanghai"]) if cloud == "alicloud" else ("row", ["europe-west4", "francecentral"])
    assert decide(resources, world=world, allowed=regions) == []
    assert UNKNOWN in json.dumps(resources)


def test_a_platform_stack_is_planned_although_its_infra_is_not_up() -> None:
    status, resources, _ = plan("rehearsal.eu-ams-1.platform")
    assert status == 0
    assert {row["source"] for row in resources} == {"planned from spec"}
    assert any(row["type"] == "kubernetes:apps/v1:Deployment" for row in resources)


def test_a_wrong_fleet_ends_with_2_and_its_problems(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET.read_text().replace("cidr: 10.72.0.0/14", "cidr: 10.68.0.0/14"))
    status, _, errors = plan("rehearsal.cn-sha-1.infra", path)
    assert status == 2
    assert "SPEC-CIDR" in errors
