"""A dataset is added to the fleet of cells that are up: what the engine would make, and who reads it then."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from components.clouds.pods import SERVICE_ACCOUNT
from components.policy.grants import Access
from tests.integration.fleets import Fleet, restore
from tests.integration.test_rehearsal_change import WORLDS, steps

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.conftest import Stage

MAISONS = ("aurelia", "calisto")
# Per cell: what two readers of one dataset are beside what is there.
MORE = {
    "cn-sha-1": [
        ("update", "alicloud:ram/policy:Policy", "cn-sha-1-inference-aurelia"),
        ("update", "alicloud:ram/policy:Policy", "cn-sha-1-inference-calisto"),
    ],
    "eu-ams-1": [
        ("create", "gcp:storage/bucketIAMMember:BucketIAMMember", "eu-ams-1-inference-aurelia.catalogue"),
        ("create", "gcp:storage/bucketIAMMember:BucketIAMMember", "eu-ams-1-inference-calisto.catalogue"),
    ],
    "eu-par-1": [
        ("create", "azure-native:authorization:RoleAssignment", "eu-par-1-inference-aurelia.catalogue"),
        ("create", "azure-native:authorization:RoleAssignment", "eu-par-1-inference-calisto.catalogue"),
        ("create", "azure-native:storage:BlobContainer", "eu-par-1-weights-data-catalogue"),
    ],
}


def dataset(readers: str, *, worlds: str = "cn, row", origin: str = "none") -> tuple[str, str]:
    """The change that puts one dataset of aurelia into the fleet."""
    told = f"name: catalogue, maison: aurelia, {readers} worlds: [{worlds}], origin: {origin}"
    return "  template:\n", f"  datasets:\n    - {{{told}}}\n  template:\n"


@pytest.mark.parametrize("cell", WORLDS)
def test_a_dataset_with_a_reader_is_one_grant_for_each_of_the_two(stage: Stage, tmp_path: Path, cell: str) -> None:
    fleet = Fleet(stage, tmp_path, dataset("share: shared, readers: [calisto],"))
    plan = fleet.pulumi(WORLDS[cell], f"rehearsal.{cell}.infra", "preview", "--json").json
    assert sorted(steps(plan)) == MORE[cell]


def test_once_it_is_up_its_own_maison_reads_it_and_nobody_else(stage: Stage, tmp_path: Path) -> None:
    stack = "rehearsal.eu-par-1.infra"
    fleet = Fleet(stage, tmp_path, dataset(""))
    try:
        ran = fleet.pulumi("row", stack, "up", "--yes", "--skip-preview")
        assert ran.code == 0, ran.out + ran.err
        rows = json.loads(stage.shell("row", "pulumi", "stack", "export", "--stack", stack).out)
        rows = rows["deployment"]["resources"]
        (container,) = [row["id"] for row in rows if str(row.get("id")).endswith("/data-catalogue")]
        found = {maison: _reads(rows, maison, container) for maison in MAISONS}
        assert found == {"aurelia": True, "calisto": False}
    finally:
        restore(stage, "row", stack)


def _reads(rows: list[dict[str, Any]], maison: str, container: str) -> bool:
    access = Access(rows, "azure", namespace=f"maison-{maison}", account=SERVICE_ACCOUNT)
    return access.reads_object(container, "rows.parquet")


def test_data_of_people_in_china_is_refused_abroad_before_anything_is_made(stage: Stage, tmp_path: Path) -> None:
    fleet = Fleet(stage, tmp_path, dataset("share: shared, readers: [calisto],", origin="cn-personal"))
    ran = fleet.twain("row", "stack", "preview", "--cell", "eu-ams-1")
    assert ran.code == 5
    assert "RES-021" in ran.err
    assert f"{fleet.path}:{fleet.line('- {name: catalogue')}" in ran.err
