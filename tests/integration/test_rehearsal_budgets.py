"""Budgets are asked for in the fleet of cells that are up, of the real engine: one for the cell and one per maison."""

from __future__ import annotations

import datetime
import json
from typing import TYPE_CHECKING

import pytest

from tests.contract.test_budget import ASKED, KINDS
from tests.integration.fleets import Fleet, restore
from tests.integration.test_rehearsal_change import steps

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.conftest import Stage

CELLS = {"gcp": ("eu-ams-1", "10.68.0.0/14"), "azure": ("eu-par-1", "10.72.0.0/14")}


def asked(cloud: str) -> tuple[str, str]:
    """The change that gives a cell a budget, from this month on."""
    month = datetime.datetime.now(tz=datetime.UTC).strftime("%Y-%m")
    block = ASKED[cloud].replace("since: '2026-11'", f"since: '{month}'")
    old = f"      cidr: {CELLS[cloud][1]}"
    return old, f"{old}\n      budget: {block}"


@pytest.mark.parametrize("cloud", CELLS)
def test_a_budget_is_one_for_the_cell_and_one_for_each_maison(stage: Stage, tmp_path: Path, cloud: str) -> None:
    cell, kind = CELLS[cloud][0], KINDS[cloud]
    fleet = Fleet(stage, tmp_path, asked(cloud))
    plan = fleet.pulumi("row", f"rehearsal.{cell}.infra", "preview", "--json").json
    assert sorted(steps(plan)) == [
        ("create", kind, f"{cell}-budget"),
        ("create", kind, f"{cell}-budget-aurelia"),
        ("create", kind, f"{cell}-budget-calisto"),
    ]


def test_once_it_is_up_the_stack_says_what_is_watched_and_what_is_not(stage: Stage, tmp_path: Path) -> None:
    stack = "rehearsal.eu-par-1.infra"
    fleet = Fleet(stage, tmp_path, asked("azure"))
    try:
        ran = fleet.pulumi("row", stack, "up", "--yes", "--skip-preview")
        assert ran.code == 0, ran.out + ran.err
        told = json.loads(stage.shell("row", "pulumi", "stack", "output", "budget", "--json", "--stack", stack).out)
        assert set(told["maisons"]) == {"aurelia", "calisto"}
        # 33 % of what the fleet gives to aurelia.
        assert told["maisons"]["aurelia"]["limit"] == {"amount": "6600.00", "currency": "EUR"}
        ids = [told["id"], *(one["id"] for one in told["maisons"].values())]
        assert len(set(ids)) == 3
        assert all("/providers/Microsoft.Consumption/budgets/" in one for one in ids)
        assert set(told["unwatched"]) == {"nodes", "stores"}
        again = fleet.pulumi("row", stack, "preview", "--expect-no-changes")
        assert again.code == 0, again.out + again.err
    finally:
        restore(stage, "row", stack)
