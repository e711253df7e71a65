"""Looking into accounts before anything is tried, and pinning what no resource tells, as the operator of a world."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from rehearsal.providers.store import Store

if TYPE_CHECKING:
    from tests.integration.conftest import Stage

CELLS = {"cn": "cn-sha-1", "row": "eu-par-1"}


def declare(stage: Stage, world: str, cloud: str, account: dict[str, object]) -> None:
    """What somebody has done to an emulated account."""
    store = Store.open(stage.home.world(world))
    try:
        store.set_meta(f"account.{cloud}", json.dumps(account))
    finally:
        store.close()


@pytest.mark.parametrize("world", CELLS)
def test_a_cell_that_is_up_has_all_that_it_needs(stage: Stage, world: str) -> None:
    ran = stage.operator(world, "check", "--cell", CELLS[world], "-o", "json")
    assert ran.code == 0, ran.err
    assert {item["state"] for item in ran.items} == {"ok"}
    assert {item["check"] for item in ran.items} >= {"credentials", "services", "quota", "machines", "network"}


def test_all_that_is_wrong_with_an_account_is_told_at_once(stage: Stage) -> None:
    wrong = {"off": ["Microsoft.KeyVault"], "barred": ["Standard_D4ds_v5"], "networks": {"legacy": ["10.72.0.0/16"]}}
    declare(stage, "row", "azure", wrong)
    try:
        ran = stage.operator("row", "check", "--cell", "eu-par-1", "-o", "json")
    finally:
        declare(stage, "row", "azure", {})
    assert ran.code == 4, ran.err
    bad = {(item["check"], item["subject"]): item["fix"] for item in ran.items if item["state"] == "failed"}
    assert set(bad) == {("services", "Microsoft.KeyVault"), ("machines", "Standard_D4ds_v5"), ("network", "legacy")}
    assert bad["services", "Microsoft.KeyVault"] == "az provider register --namespace Microsoft.KeyVault"
    assert len(ran.json["errors"]) == 3


def test_another_worlds_account_is_not_looked_into(stage: Stage) -> None:
    for verb in (("check", "--cell"), ("cell", "discover")):
        assert stage.operator("row", *verb, "cn-sha-1").code == 5


@pytest.mark.parametrize("world", CELLS)
def test_what_no_resource_tells_is_pinned_and_a_second_look_changes_nothing(stage: Stage, world: str) -> None:
    first = stage.operator(world, "cell", "discover", CELLS[world], "-o", "json")
    assert first.code == 0, first.err
    file = stage.home.world(world) / "locks" / f"{CELLS[world]}.json"
    pinned = file.read_bytes()
    facts = json.loads(pinned)["facts"]
    assert facts["cluster_ca"].startswith("-----BEGIN CERTIFICATE-----")
    assert facts["cluster_id"]
    assert "1.36" in facts["kubernetes_minors"].split(",")
    again = stage.operator(world, "cell", "discover", CELLS[world], "-o", "json")
    assert {item["state"] for item in again.items} == {"same"}
    assert file.read_bytes() == pinned
