"""Zones of a GPU pool, from the account that sells its machine in one zone to the engine's plan; and a cluster that is
not the one whose facts are pinned. Nothing of the shared rehearsal is changed.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.integration.fleets import Fleet
from tests.integration.test_rehearsal_check import declare

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.conftest import Stage

CIDR = {"eu-ams-1": "cidr: 10.68.0.0/14", "eu-par-1": "cidr: 10.72.0.0/14"}
ANEW = "the pool is made anew, and its nodes go with the old one first"


def in_zones(cell: str, line: str) -> tuple[str, str]:
    """The change that gives a cell these pools."""
    return CIDR[cell], f"{CIDR[cell]}\n      template:\n        {line}"


def pool(zones: str) -> str:
    return f"gpu_pools: [{{name: gpu80g, gpu_class: gpu-80g, max: 4, zones: {zones}}}]"


def test_a_machine_that_is_sold_in_one_zone_fails_until_the_told_line_is_written(stage: Stage, tmp_path: Path) -> None:
    declare(stage, "row", "gcp", {"barred_zones": {"a2-ultragpu-1g": ["europe-west4-b"]}})
    try:
        before = stage.operator("row", "check", "--cell", "eu-ams-1", "-o", "json")
        (bad,) = [item for item in before.items if item["state"] != "ok"]
        place, line = bad["fix"].split(" write ")
        after = Fleet(stage, tmp_path, in_zones("eu-ams-1", line)).twain(
            "row", "check", "--cell", "eu-ams-1", "-o", "json"
        )
    finally:
        declare(stage, "row", "gcp", {})
    assert (before.code, bad["check"], bad["subject"]) == (4, "machines", "a2-ultragpu-1g")
    assert place == "under template of cell eu-ams-1"
    assert after.code == 0, after.err
    (mended,) = [item for item in after.items if item["subject"] == "a2-ultragpu-1g"]
    assert mended["says"] == "offered in europe-west4-a"


@pytest.mark.parametrize(
    ("cell", "zones", "key", "op"),
    [
        ("eu-ams-1", "[europe-west4-b]", "nodeLocations", "update"),
        ("eu-par-1", '["2"]', "availabilityZones", "replace"),
    ],
)
def test_other_zones_of_a_pool_that_is_up_are_what_its_cloud_makes_of_them(
    stage: Stage, tmp_path: Path, cell: str, zones: str, key: str, op: str
) -> None:
    fleet = Fleet(stage, tmp_path, in_zones(cell, pool(zones)))
    ran = fleet.pulumi("row", f"rehearsal.{cell}.infra", "preview", "--json")
    assert ran.code == 0, ran.err
    # Outputs of components and of the stack follow; no other resource is touched.
    resources = (one for one in json.loads(ran.out)["steps"] if "$" in one["urn"].split("::")[2])
    steps = {one["op"]: one for one in resources if one["op"] != "same"}
    assert {one["urn"].split("::")[-1] for one in steps.values()} == {f"{cell}-gpu80g"}
    assert op in steps
    assert key in {word.partition("[")[0] for word in steps[op]["detailedDiff"]}
    if op == "replace":
        dry = fleet.twain("row", "stack", "up", "--cell", cell, "--layer", "infra", "--dry-run")
        assert dry.code == 0, dry.err
        assert f"plan: upgrade {cell}: zones of pool gpu80g 1, 2 to 2: {ANEW}" in dry.err


def test_the_platform_is_not_built_on_a_cluster_that_is_not_the_pinned_one(stage: Stage, tmp_path: Path) -> None:
    cell, locks = "cn-sha-1", tmp_path / "locks"
    shutil.copytree(stage.home.world("cn") / "locks", locks)
    document = json.loads((locks / f"{cell}.json").read_text(encoding="utf-8"))
    document["facts"]["cluster_id"] = "c-of-old"
    (locks / f"{cell}.json").write_text(json.dumps(document), encoding="utf-8")
    outputs = json.loads(
        stage.shell("cn", "pulumi", "stack", "output", "--json", "--stack", f"rehearsal.{cell}.infra").out
    )
    preview = ("pulumi", "--cwd", str(stage.home.workspace("cn")), "preview", "--stack", f"rehearsal.{cell}.platform")
    refused = stage.shell("cn", "env", f"TWAIN_LOCK_DIR={locks}", *preview)
    assert refused.code != 0
    said = refused.out + refused.err
    assert f"the cluster of cell {cell} is {outputs['cluster_id']}" in said
    assert "Found: c-of-old" in said
    assert f"twain cell discover {cell}" in said
    document["facts"]["cluster_id"] = outputs["cluster_id"]
    (locks / f"{cell}.json").write_text(json.dumps(document), encoding="utf-8")
    taken = stage.shell("cn", "env", f"TWAIN_LOCK_DIR={locks}", *preview)
    assert taken.code == 0, taken.out + taken.err
