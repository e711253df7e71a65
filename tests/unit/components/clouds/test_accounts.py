"""Who declares what an account has only one of, and how ids of accounts are taken apart."""

from __future__ import annotations

from pathlib import Path

from components.clouds.accounts import key_parts, speaks_for_account
from components.spec.load import load_fleet
from components.spec.model import Fleet, Overrides

FLEET = Path(__file__).resolve().parents[4] / "stacks" / "fleets" / "rehearsal.yaml"


def speakers(fleet: Fleet) -> list[str]:
    return [cell.name for cell in fleet.cells if speaks_for_account(fleet, cell)]


def test_each_account_of_a_world_has_exactly_one_speaker() -> None:
    assert speakers(load_fleet(FLEET)) == ["cn-sha-1", "eu-ams-1", "eu-par-1"]


def test_the_cell_of_the_gate_speaks_before_the_first_of_the_file() -> None:
    fleet = load_fleet(FLEET)
    gate = fleet.cell("eu-ams-1")
    sister = gate.model_copy(update={"name": "eu-ams-2"})
    assert speakers(fleet.model_copy(update={"cells": (sister, gate)})) == ["eu-ams-1"]
    others = tuple(fleet.cell("eu-par-1").model_copy(update={"name": name}) for name in ("eu-par-2", "eu-par-1"))
    assert speakers(fleet.model_copy(update={"cells": others})) == ["eu-par-2"]


def test_a_project_of_its_own_has_a_speaker_of_its_own() -> None:
    fleet = load_fleet(FLEET)
    gate = fleet.cell("eu-ams-1")
    for project, speaking in (("another-project", ["eu-ams-1", "eu-ams-2"]), ("twain-rehearsal-row", ["eu-ams-1"])):
        own = Overrides.model_validate({"gcp": {"project": project}})
        sister = gate.model_copy(update={"name": "eu-ams-2", "overrides": own})
        assert speakers(fleet.model_copy(update={"cells": (gate, sister)})) == speaking


def test_a_key_of_azure_is_a_vault_and_a_name() -> None:
    assert key_parts("https://v.vault.azure.net/keys/k/0123") == ("https://v.vault.azure.net", "k")
