"""The fleet is changed and plain `pulumi` is asked: what it would do, and what it refuses before anything is made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal.providers.store import Store
from tests.integration.fleets import Fleet, made, restore

if TYPE_CHECKING:
    from pathlib import Path

    from rehearsal.providers.store import Pool
    from tests.integration.conftest import Stage

LARGER = ("gpus_per_node: 1, min: 0, max: 4", "gpus_per_node: 1, min: 0, max: 6")
WORLDS = {"cn-sha-1": "cn", "eu-ams-1": "row", "eu-par-1": "row"}
POOLS = {
    "cn-sha-1": "alicloud:cs/nodePool:NodePool",
    "eu-ams-1": "gcp:container/nodePool:NodePool",
    "eu-par-1": "azure-native:containerservice:AgentPool",
}


def steps(plan: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What a preview would do: (operation, type, name)."""
    return [
        (step["op"], step["urn"].split("::")[2].rsplit("$", 1)[-1], step["urn"].rsplit("::", 1)[-1])
        for step in plan["steps"]
        if step["op"] != "same"
    ]


@pytest.mark.parametrize("cell", WORLDS)
def test_a_larger_gpu_pool_in_the_template_is_one_update_of_each_cell(stage: Stage, tmp_path: Path, cell: str) -> None:
    fleet = Fleet(stage, tmp_path, LARGER)
    plan = fleet.pulumi(WORLDS[cell], f"rehearsal.{cell}.infra", "preview", "--json").json
    assert steps(plan) == [("update", POOLS[cell], f"{cell}-gpu80g")]
    assert set(plan["changeSummary"]) == {"same", "update"}


def test_the_larger_pool_is_the_same_pool_when_it_is_really_brought_up(stage: Stage, tmp_path: Path) -> None:
    stack = "rehearsal.eu-par-1.infra"
    fleet = Fleet(stage, tmp_path, LARGER)
    before = made(stage, "row")
    pool = gpu_pool(stage)
    assert pool.max == 4
    try:
        ran = fleet.pulumi("row", stack, "up", "--yes")
        assert ran.code == 0, ran.out + ran.err
        larger = gpu_pool(stage)
        assert (larger.max, larger.resource, larger.created) == (6, pool.resource, pool.created)
        assert made(stage, "row") == before
    finally:
        restore(stage, "row", stack)
    assert gpu_pool(stage) == pool


def gpu_pool(stage: Stage) -> Pool:
    """The GPU pool of eu-par-1 as its cloud has it."""
    store = Store.open(stage.home.world("row"))
    try:
        (found,) = [pool for pool in store.pools("eu-par-1") if pool.kind == "gpu"]
        return found
    finally:
        store.close()


CELL = """
    - name: {name}
      world: {world}
      cloud: {cloud}
      region: {region}
      cidr: 10.76.0.0/14
"""
VIOLATIONS = {
    "a Chinese cell in Hong Kong": ("cn", "hkg-1", "alicloud", "cn-hongkong", "", "RES-001", "region: cn-hongkong"),
    "another cell in Beijing": ("row", "pek-1", "alicloud", "cn-beijing", "", "RES-001", "region: cn-beijing"),
    "a bucket in all of the EU": (
        "row",
        "eu-ams-2",
        "gcp",
        "europe-west4",
        "      overrides: {gcp: {bucket_location: EU}}\n",
        "RES-002",
        "overrides:",
    ),
}


@pytest.mark.parametrize("case", VIOLATIONS)
def test_plain_up_of_a_fleet_that_breaks_residency_makes_nothing_and_names_the_rule(
    stage: Stage, tmp_path: Path, case: str
) -> None:
    world, name, cloud, region, more, rule, place = VIOLATIONS[case]
    fleet = Fleet(
        stage, tmp_path, more=CELL.format(name=name, world=world, cloud=cloud, region=region).lstrip("\n") + more
    )
    stack = f"rehearsal.{name}.infra"
    before = made(stage, world)
    assert stage.shell(world, "pulumi", "stack", "init", stack).code == 0
    try:
        ran = fleet.pulumi(world, stack, "up", "--yes")
        text = ran.out + ran.err
        assert ran.code != 0
        for part in (rule, f"{fleet.path}:{fleet.line(place)} (spec.cells[3]", "Found: ", "Fix: "):
            assert part in text
        assert resources(stage, world, stack) == []
        assert made(stage, world) == before
        preview = fleet.twain(world, "stack", "preview")
        assert preview.code == 5
        assert f"error {rule}" in preview.err
        assert f"where  {fleet.path}:{fleet.line(place)}" in preview.err
    finally:
        if resources(stage, world, stack):
            fleet.pulumi(world, stack, "destroy", "--yes", "--skip-preview")
        assert stage.shell(world, "pulumi", "stack", "rm", "--yes", stack).code == 0
    assert made(stage, world) == before


def resources(stage: Stage, world: str, stack: str) -> list[dict[str, Any]]:
    """What the state of a stack holds."""
    deployment = json.loads(stage.shell(world, "pulumi", "stack", "export", "--stack", stack).out)["deployment"]
    return deployment.get("resources") or []
