"""Datasets with named readers, told from what a fleet would make on every cloud; and each promise broken once."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from components.clouds.pods import SERVICE_ACCOUNT
from components.platform.names import maison_namespace
from components.policy.grants import Access
from stacks import program
from tests.contract.test_tenants import CELLS
from tests.recorder import FLEET, environment, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Rows = list[dict[str, Any]]

# One dataset's name begins like another's, and one maison's like another's; `world` stands for that of the cell.
MAISONS = ("aurelia", "aurelia-2", "calisto", "delfina")
DATASETS = """  datasets:
    - {name: catalogue, maison: aurelia, share: shared, readers: [calisto], worlds: [WORLD], origin: none}
    - {name: catalogue-2, maison: aurelia-2, worlds: [WORLD], origin: none}
    - {name: elsewhere, maison: aurelia, share: shared, readers: [delfina], worlds: [OTHER], origin: none}
"""
READERS = {"catalogue": {"aurelia", "calisto"}, "catalogue-2": {"aurelia-2"}}
_MADE: dict[str, tuple[Rows, dict[str, Any]]] = {}


def make(cloud: str, folder: Path) -> tuple[Rows, dict[str, Any]]:
    """The rows and outputs of one cell's infra layer."""
    if cloud in _MADE:
        return _MADE[cloud]
    cell, world, other = CELLS[cloud], *(("cn", "row") if cloud == "alicloud" else ("row", "cn"))
    text = FLEET.read_text(encoding="utf-8")
    more = "".join(
        f"    - {{name: {name}, rbac_group: {name}, gpu_quota: 1, budget: {{amount: '1.00', currency: EUR}}}}\n"
        for name in ("aurelia-2", "delfina")
    )
    datasets = DATASETS.replace("WORLD", world).replace("OTHER", other)
    fleet = folder / "fleet.yaml"
    fleet.write_text(text.replace("  template:\n", f"{more}{datasets}  template:\n", 1), encoding="utf-8")
    where = f"file:///nowhere/{world}/state"
    with environment(TWAIN_REHEARSAL_HOME="/nowhere", PULUMI_BACKEND_URL=where, TWAIN_LOCK_DIR=str(folder)):
        recorder, outputs = run(program.main, stack=f"rehearsal.{cell}.infra", config={"fleet": str(fleet)})
    _MADE[cloud] = recorder.rows(), outputs
    return _MADE[cloud]


def part(rows: Rows, cloud: str, url: str) -> tuple[str, str]:
    """(bucket, prefix) of a part by its URL; on Azure the id of its container."""
    if cloud == "azure":
        name, kind = url.rpartition("/")[2], "azure-native:storage:BlobContainer"
        (found,) = [row["id"] for row in rows if row["type"] == kind and row["inputs"]["containerName"] == name]
        return found, ""
    bucket, _, prefix = url.partition("://")[2].partition("/")
    return bucket, prefix


def readers(rows: Rows, cloud: str, url: str) -> set[str]:
    """The maisons whose pods get an object of a part, or list it."""
    bucket, prefix = part(rows, cloud, url)
    found: set[str] = set()
    for maison in MAISONS:
        access = Access(rows, cloud, namespace=maison_namespace(maison), account=SERVICE_ACCOUNT)
        read = access.reads_object(bucket, f"{prefix}rows.parquet")
        assert access.lists(bucket, prefix) is read
        found |= {maison} if read else set()
    return found


@pytest.fixture(params=list(CELLS))
def cloud(request: pytest.FixtureRequest) -> str:
    return request.param


def test_a_dataset_is_read_by_whom_it_names_and_by_nobody_else(cloud: str, tmp_path: Path) -> None:
    rows, outputs = make(cloud, tmp_path)
    told = outputs["weights_bucket"]["datasets"]
    assert {name: readers(rows, cloud, url) for name, url in told.items()} == READERS


def test_a_dataset_of_the_other_world_has_no_place_here(cloud: str, tmp_path: Path) -> None:
    rows, outputs = make(cloud, tmp_path)
    assert set(outputs["weights_bucket"]["datasets"]) == set(READERS)
    assert "elsewhere" not in json.dumps([row["inputs"] for row in rows])
    assert not any("elsewhere" in row["name"] for row in rows if "name" in row)


def test_a_reader_gets_nothing_else_of_the_keeper(cloud: str, tmp_path: Path) -> None:
    rows, outputs = make(cloud, tmp_path)
    for maison in MAISONS:
        assert readers(rows, cloud, outputs["weights_bucket"]["maisons"][maison]) == {maison}


def test_no_grant_on_a_dataset_lets_anybody_write(cloud: str, tmp_path: Path) -> None:
    rows, _ = make(cloud, tmp_path)
    reader = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
    for row in rows:
        inputs = row["inputs"]
        if row["type"] == "azure-native:authorization:RoleAssignment" and "/data-" in inputs["scope"]:
            assert inputs["roleDefinitionId"].endswith(reader)
        if row["type"] == "gcp:storage/bucketIAMMember:BucketIAMMember" and "/data-" in str(inputs.get("condition")):
            assert inputs["role"] == "roles/storage.objectViewer"
        if row["type"] == "alicloud:ram/policy:Policy" and "/data-" in inputs["policyDocument"]:
            actions = {one for part in json.loads(inputs["policyDocument"])["Statement"] for one in part["Action"]}
            assert actions == {"oss:GetObject", "oss:ListObjects", "kms:Decrypt"}


def _without_end(rows: Rows) -> None:
    """What begins like the dataset is in it."""
    for row in rows:
        for key in ("policyDocument", "condition"):
            if key in row["inputs"]:
                text = json.dumps(row["inputs"][key]).replace("data-catalogue/", "data-catalogue")
                row["inputs"][key] = json.loads(text)


def _other_reader(rows: Rows) -> None:
    """Somebody who is not named is given the same grant."""
    for row in list(rows):
        inputs = row["inputs"]
        if "/data-catalogue" in str(inputs.get("scope")) and "aurelia-2" in str(inputs["principalId"]):
            rows.append({**row, "inputs": {**inputs, "scope": inputs["scope"].removesuffix("-2")}})


def _whole_group(rows: Rows) -> None:
    """The role is given on all of the group and no longer on the container."""
    for row in rows:
        scope = str(row["inputs"].get("scope"))
        if "/data-" in scope:
            row["inputs"]["scope"] = scope.partition("/providers/")[0]


@pytest.mark.parametrize(
    ("broken", "plant", "stranger"),
    [
        ("alicloud", _without_end, ("catalogue-2", "calisto")),
        ("gcp", _without_end, ("catalogue-2", "calisto")),
        ("azure", _other_reader, ("catalogue", "aurelia-2")),
        ("azure", _whole_group, ("catalogue-2", "calisto")),
    ],
)
def test_a_grant_that_is_too_wide_is_found(
    broken: str, plant: Callable[[Rows], None], stranger: tuple[str, str], tmp_path: Path
) -> None:
    whole, outputs = make(broken, tmp_path)
    rows = copy.deepcopy(whole)
    plant(rows)
    name, maison = stranger
    url = outputs["weights_bucket"]["datasets"][name]
    assert maison not in readers(whole, broken, url)
    assert maison in readers(rows, broken, url)
