"""`twain store restore-test` on cells that are up: measured, compared, gone; refused, killed, and taken up again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from rehearsal.providers.store import Store
from tests.integration.conftest import ROOT
from tests.integration.test_rehearsal_check import declare

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.conftest import Stage

CELLS = {"cn-sha-1": ("cn", "alicloud"), "eu-ams-1": ("row", "gcp"), "eu-par-1": ("row", "azure")}
# Databases of these types, and what buckets are made of.
STORES = (
    *("alicloud:rds/instance:Instance", "gcp:sql/databaseInstance:DatabaseInstance"),
    *("azure-native:dbforpostgresql:Server", "alicloud:oss/bucket:Bucket", "gcp:storage/bucket:Bucket"),
    "azure-native:storage:BlobContainer",
)


def upload(stage: Stage, cell: str, folder: Path) -> None:
    """Put an object into the cell's bucket with its cloud's own tool."""
    world, cloud = CELLS[cell]
    file = folder / "weights.txt"
    file.write_text("weights of a test\n", encoding="utf-8")
    ran = stage.operator(world, "stack", "outputs", "--cell", cell, "--layer", "infra", "-o", "json")
    bucket = next(item["outputs"]["weights_bucket"] for item in ran.items)
    key = "restore/weights"
    account, _, container = str(bucket["url"]).removeprefix("az://").partition("/")
    command = {
        "alicloud": ("aliyun", "ossutil", "cp", str(file), f"{bucket['url']}/{key}"),
        "gcp": ("gcloud", "storage", "cp", str(file), f"{bucket['url']}/{key}"),
        "azure": (
            *("az", "storage", "blob", "upload", "--account-name", account, "--auth-mode", "login"),
            *("--container-name", container, "--name", key, "--file", str(file)),
        ),
    }[cloud]
    done = stage.shell(world, *command)
    assert done.code == 0, done.err


def standing(stage: Stage, world: str) -> set[str]:
    """The ids of everything that a restore could make."""
    with closing(Store.open(stage.home.world(world))) as store:
        return {one.id for type_ in STORES for one in store.list_resources(type=type_)}


@pytest.mark.parametrize("cell", CELLS)
def test_both_stores_of_a_cell_come_back_and_nothing_is_left(stage: Stage, cell: str, tmp_path: Path) -> None:
    world, _ = CELLS[cell]
    upload(stage, cell, tmp_path)
    before = standing(stage, world)
    ran = stage.operator(world, "store", "restore-test", "--cell", cell, "-y", "-o", "json")
    assert ran.code == 0, ran.err + ran.out
    assert [item["store"] for item in ran.items] == ["database", "bucket"]
    for item in ran.items:
        assert (item["state"], item["scratch"]["state"]) == ("restored", "removed")
        assert item["rpo"]["state"] == item["rto"]["state"] == "measured"
        assert {row["state"] for row in item["compared"]} <= {"equal", "unknown"}
    contents = [row for item in ran.items for row in item["compared"] if row["what"] in {"contents", "objects"}]
    assert [row["state"] for row in contents] == ["unknown", "equal"]
    assert standing(stage, world) == before
    entries = stage.operator(world, "audit", "list", "-o", "json").items
    noted = [entry for entry in entries if entry["verb"] == "store restore-test" and entry["cells"] == [cell]]
    assert noted[-1]["facts"]["scratches"] == [item["scratch"]["name"] for item in ran.items]


def test_a_dry_run_and_other_peoples_cells_make_nothing(stage: Stage) -> None:
    before = standing(stage, "row") | standing(stage, "cn")
    ran = stage.operator("row", "store", "restore-test", "--cell", "eu-ams-1", "--store", "database", "--dry-run")
    assert ran.code == 0, ran.err
    assert "then remove it" in ran.err
    assert stage.operator("row", "store", "restore-test", "--cell", "cn-sha-1", "-y").code == 5
    assert stage.operator("row", "store", "restore-test", "--cell", "nowhere", "-y").code == 6
    assert standing(stage, "row") | standing(stage, "cn") == before


def test_killed_in_the_middle_the_next_run_removes_what_was_left(stage: Stage) -> None:
    before = standing(stage, "row")
    command = ["store", "restore-test", "--cell", "eu-par-1", "--store", "database", "-y", "-o", "json"]
    whole = [sys.executable, "-m", "cli.main", "rehearse", "shell", "--world", "row", "--", "twain", *command]
    process = subprocess.Popen(
        whole, env=stage._env({}), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,  # pyright: ignore[reportPrivateUsage]
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        until = time.monotonic() + 120
        while not (left := standing(stage, "row") - before) and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert len(left) == 1
    ran = stage.operator("row", *command)
    assert ran.code == 0, ran.err
    (item,) = ran.items
    assert item["removedBefore"] == [left.pop().rsplit("/", 1)[-1]]
    assert item["state"] == "restored"
    assert standing(stage, "row") == before


def test_without_a_backup_it_says_so_and_ends_with_4(stage: Stage) -> None:
    declare(stage, "cn", "alicloud", {"no_backups": True})
    try:
        ran = stage.operator(
            "cn", "store", "restore-test", "--cell", "cn-sha-1", "--store", "database", "-y", "-o", "json"
        )
    finally:
        declare(stage, "cn", "alicloud", {})
    assert ran.code == 4, ran.err
    (item,) = ran.items
    assert (item["state"], item["scratch"]["name"]) == ("no-backup", None)
    assert item["rpo"] == {"seconds": None, "state": "unknown", "reason": "there is no point to go back to"}
