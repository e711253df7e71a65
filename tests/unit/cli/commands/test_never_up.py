"""A fleet of which a preview has made stacks and nothing has been brought up: what is empty is not there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cli import subjects
from components.parity import compare
from components.parity.capabilities import IDS
from tests.unit.cli.commands import test_stack as played

engine = played.engine
CELLS = ("eu-ams-1", "eu-par-1")


def backend(operator: Any, **counts: int | None) -> None:
    """The stacks of the backend, by cell and layer, with how many resources each holds."""
    entries = [{"name": f"rehearsal.{name.replace('_', '-').replace('--', '.')}", "resourceCount": count}
               for name, count in counts.items()]  # fmt: skip
    (operator.home / "stacks.json").write_text(json.dumps(entries))


def sources(operator: Any, *args: str) -> dict[str, str]:
    ran = operator.twain("stack", "preview", *args, "-o", "json")
    assert ran.code == 0, ran.err
    return {item["stack"].partition(".")[2]: item["source"] for item in ran.json["items"]}


def test_a_second_preview_finds_empty_stacks_and_plans_the_platforms_from_the_spec_again(engine: Any) -> None:
    first = sources(engine)
    assert {first[f"{cell}.platform"] for cell in CELLS} == {"planned from spec"}
    backend(engine, eu_ams_1__infra=0, eu_par_1__infra=None)
    assert sources(engine) == first


def test_an_infra_that_failed_halfway_has_no_outputs_for_its_platform(engine: Any) -> None:
    backend(engine, eu_ams_1__infra=12, eu_par_1__infra=12)
    (engine.home / "outputs.json").write_text("{}")
    assert set(sources(engine, "--layer", "platform").values()) == {"planned from spec"}


def test_a_platform_reads_the_sisters_only_in_the_cell_of_the_gate(engine: Any) -> None:
    backend(engine, eu_ams_1__infra=12, eu_par_1__infra=0)
    first = sources(engine, "--layer", "platform")
    backend(engine, eu_ams_1__infra=0, eu_par_1__infra=12)
    second = sources(engine, "--layer", "platform")
    gate = engine.app().fleet.worlds["row"].gate_cell
    assert {gate, *CELLS} == set(CELLS)
    assert first[f"{gate}.platform"] == second[f"{gate}.platform"] == "planned from spec"
    (other,) = set(CELLS) - {gate}
    assert sorted((first[f"{other}.platform"], second[f"{other}.platform"])) == ["engine", "planned from spec"]


def test_a_platform_that_is_up_is_compared_with_what_is_up(engine: Any) -> None:
    backend(engine, eu_ams_1__infra=12, eu_par_1__infra=12, eu_ams_1__platform=30, eu_par_1__platform=30)
    assert set(sources(engine).values()) == {"engine"}


def test_cells_whose_state_is_empty_are_not_up_for_parity(engine: Any) -> None:
    backend(engine, eu_ams_1__infra=0, eu_ams_1__platform=0, eu_par_1__infra=0)
    ran = engine.twain("parity", "check", "--world", "row", "-o", "json")
    assert (ran.code, ran.json["partial"]) == (13, True)
    found = [(error["id"], error["cell"], "--planned" in error["fix"]) for error in ran.json["errors"]]
    assert found == [("CELL-404", cell, True) for cell in CELLS]
    assert not any(call.startswith("stack export") for call in played.calls(engine))


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, str | None]]:
    """What the compared cells are found to guarantee: nothing, where nothing is put in."""
    told: dict[str, dict[str, str | None]] = {}

    def live(app: Any, own: Any, others: Any, served: Any) -> subjects.Found:
        cells = [*own, *(cell for some in others.values() for cell in some)]
        return subjects.Found(subjects=[
            subjects.Subject(name=cell.name, source="state", values=told.get(cell.name, dict.fromkeys(IDS)),
                             about=compare.About(), world=cell.world) for cell in cells])  # fmt: skip

    monkeypatch.setattr(subjects, "live", live)
    return told


@pytest.mark.parametrize("args", [("check",), ("diff", "eu-ams-1", "eu-par-1", "--live")])
def test_where_nothing_could_be_compared_a_script_is_not_told_that_all_agree(
    operator: Any, silent: dict[str, dict[str, str | None]], args: tuple[str, ...]
) -> None:
    ran = operator.twain("parity", *args, "--exit-code", "-o", "json")
    assert {item["verdict"] for item in ran.json["items"]} == {"unknown"}
    assert ran.code == 16
    assert operator.twain("parity", *args).code == 0
    silent.update({name: {**dict.fromkeys(IDS), "api.private": "good"} for name in ("cn-sha-1", *CELLS)})
    assert operator.twain("parity", *args, "--exit-code").code == 0
