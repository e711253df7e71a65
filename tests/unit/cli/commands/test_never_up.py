"""A fleet of which a preview has made stacks and nothing has been brought up: what is empty is not there."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cli import planned, stack_plans, subjects
from cli.app import Clock
from components.clouds import kubernetes
from components.errors import Problem
from components.parity import compare
from components.parity.capabilities import IDS
from components.policy.decide import Border
from components.spec.load import load_fleet
from tests.unit.cli.commands import test_stack as played
from tests.unit.cli.conftest import FLEET

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    first = sources(engine, "--cell", "eu-ams-1")
    assert first == {"eu-ams-1.infra": "engine", "eu-ams-1.platform": "planned from spec"}
    backend(engine, eu_ams_1__infra=0, eu_par_1__infra=None)
    assert sources(engine, "--cell", "eu-ams-1") == first


def test_an_infra_that_failed_halfway_has_no_outputs_for_its_platform(engine: Any) -> None:
    backend(engine, eu_ams_1__infra=12, eu_par_1__infra=12)
    (engine.home / "outputs.json").write_text("{}")
    assert set(sources(engine, "--layer", "platform", "--cell", "eu-ams-1").values()) == {"planned from spec"}


def test_the_platform_of_the_gate_reads_its_sisters_too(engine: Any) -> None:
    assert engine.app().fleet.worlds["row"].gate_cell == "eu-ams-1"
    backend(engine, eu_ams_1__infra=12, eu_par_1__infra=0)
    assert sources(engine, "--layer", "platform", "--cell", "eu-ams-1") == {"eu-ams-1.platform": "planned from spec"}
    backend(engine, eu_ams_1__infra=0, eu_par_1__infra=12)
    assert sources(engine, "--layer", "platform", "--cell", "eu-par-1") == {"eu-par-1.platform": "engine"}


def test_a_platform_that_is_up_is_compared_with_what_is_up(engine: Any) -> None:
    backend(engine, eu_ams_1__infra=12, eu_par_1__infra=12, eu_ams_1__platform=30, eu_par_1__platform=30)
    assert set(sources(engine, "--cell", "eu-ams-1").values()) == {"engine"}


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


def fleet_of(operator: Any, old: str, new: str) -> None:
    text = operator.fleet.read_text()
    assert old in text
    path = operator.home / "fleet.yaml"
    path.write_text(text.replace(old, new))
    document = json.loads((operator.home / "contexts.json").read_text())
    document["contexts"]["test"]["fleet"] = str(path)
    (operator.home / "contexts.json").write_text(json.dumps(document))


def test_a_plan_is_judged_as_the_guard_inside_the_program_judges() -> None:
    fleet = load_fleet(FLEET)
    rows = planned.plan(["rehearsal.eu-ams-1.infra"], fleet=FLEET, env=os.environ)
    (bucket,) = [row for row in rows if row["type"] == "gcp:storage/bucket:Bucket"]
    border = Border.of(fleet, "row")
    name = "rehearsal.eu-ams-1.infra"
    assert stack_plans.problems(stack_plans.Plan(stack=name, resources=rows, border=border)) == []
    bucket["inputs"]["versioning"]["enabled"] = False
    (found,) = stack_plans.problems(stack_plans.Plan(stack=name, resources=rows, border=border))
    assert (found.code, found.where, name in found.path) == ("SEC-026", "versioning.enabled", True)


def test_every_plan_is_judged_before_an_engine_starts(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(plan: stack_plans.Plan) -> Iterator[Problem]:
        assert len(plan.resources) > 20
        yield Problem(code="SPEC-VALUE", path=plan.stack, where="days", line=0, message="never.", fix="change it")

    monkeypatch.setattr(stack_plans, "JUDGES", (*stack_plans.JUDGES, never))
    for args in (("preview",), ("up", "-y")):
        ran = engine.twain("stack", *args, "--cell", "eu-ams-1")
        assert (ran.code, ran.err.count("error SPEC-VALUE")) == (2, 2), ran.err
    assert set(played.calls(engine)) <= {"stack ls --json"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{versioning: true,", "{versioning: false,", "SPEC-BUCKET"),
        ("    system_pool:", "    nodes: {images: held}\n    system_pool:", "SPEC-NODES"),
    ],
)
def test_what_the_guard_forbids_of_a_fleet_has_its_line_and_its_fix(engine: Any, old: str, new: str, said: str) -> None:
    fleet_of(engine, old, new)
    lines = (engine.home / "fleet.yaml").read_text().splitlines()
    ran = engine.twain("stack", "up", "-y")
    assert ran.code == 2, ran.err
    places = [line for line in ran.err.splitlines() if line.startswith("  where")]
    (number,) = {int(place.split("fleet.yaml:")[1].split(" ")[0]) for place in places}
    assert (f"error {said}" in ran.err, new.split("\n")[0].strip("{,") in lines[number - 1]) == (True, True), ran.err
    assert "  fix " in ran.err
    assert not played.calls(engine)


def moved_to(operator: Any, monkeypatch: pytest.MonkeyPatch, day: int) -> None:
    """The cell in Paris on a minor whose support ended in October, and the day."""
    known = kubernetes.CALENDARS["azure"]
    minors = tuple(replace(one, until="2026-10") if one.minor == "1.35" else one for one in known.minors)
    monkeypatch.setitem(kubernetes.CALENDARS, "azure", replace(known, minors=minors))
    now = datetime(2026, 10, 31, 12, tzinfo=UTC) + timedelta(days=day)
    monkeypatch.setattr(Clock, "now", lambda self: now)
    head = "      cidr: 10.72.0.0/14"
    fleet_of(operator, head, f'{head}\n      template: {{kubernetes_minor: "1.35"}}')


LOOK = ("stack", "preview", "--cell", "eu-par-1", "--layer", "infra")


@pytest.mark.parametrize("running", [None, "1.34"])
def test_a_minor_whose_support_is_over_is_not_for_a_new_cell_nor_for_an_upgrade(
    engine: Any, monkeypatch: pytest.MonkeyPatch, running: str | None
) -> None:
    if running is not None:
        backend(engine, eu_par_1__infra=12)
        (engine.home / "outputs.json").write_text(json.dumps({**played.OUTPUTS, "kubernetes_minor": running}))
    moved_to(engine, monkeypatch, 1)
    for args in (LOOK, ("stack", "up", *LOOK[2:], "-y")):
        ran = engine.twain(*args)
        assert (ran.code, "error SPEC-MINOR" in ran.err) == (2, True), ran.err
        assert "azure ended its support of Kubernetes 1.35 with 2026-10" in ran.err
        assert "spec.cells[2].template.kubernetes_minor" in ran.err
        assert "fix    use 1.34, 1.36" in ran.err
    assert not any(call.startswith(("up", "preview")) for call in played.calls(engine))


def test_where_it_runs_already_it_is_told_and_the_work_goes_on(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    backend(engine, eu_par_1__infra=12)
    (engine.home / "outputs.json").write_text(json.dumps({**played.OUTPUTS, "kubernetes_minor": "1.35"}))
    moved_to(engine, monkeypatch, 1)
    ran = engine.twain(*LOOK)
    assert (ran.code, "ended its support of Kubernetes 1.35" in ran.out + ran.err) == (0, True), ran.err


def test_support_lasts_to_the_last_day_of_its_month(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    moved_to(engine, monkeypatch, 0)
    ran = engine.twain(*LOOK)
    assert (ran.code, "ended its support" in ran.out + ran.err) == (0, False), ran.err


def test_the_tables_own_ends_are_judged_by_the_day() -> None:
    minor = kubernetes.CALENDARS["alicloud"].get("1.34")
    assert minor is not None
    assert [minor.ended(date(2026, month, 30)) for month in (8, 9, 10)] == [False, False, True]
