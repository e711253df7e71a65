"""The rule table on the plans of stacks, before any engine starts: real programs, a played engine that must not run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli import planned, stack_plans
from components.rules import table
from components.rules.checks import matches
from components.rules.model import TypeRules
from tests.unit.cli.commands.test_stack import calls, engine, stacks

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["engine"]
STACK = "rehearsal.eu-ams-1.infra"
NETWORK = "gcp:compute/network:Network"
INFRA = ("stack", "preview", "--cell", "eu-ams-1", "--layer", "infra")
PAR = "region: francecentral\n"
# What it may be called there is the cloud's affair; one that is stricter than the fleet's own check refuses it.
MODEL = "      template:\n        ai_platform: {model: {name: mini, version: '1', publisher: OpenAI}}\n"


def changed(operator: Any, tmp_path: Path, *more: tuple[str, str]) -> Path:
    """The operator's fleet with lines after others."""
    document = json.loads((operator.home / "contexts.json").read_text())
    text = operator.fleet.read_text(encoding="utf-8")
    for line, added in more:
        assert line in text
        text = text.replace(line, line + added)
    path = tmp_path / "fleet.yaml"
    path.write_text(text, encoding="utf-8")
    document["contexts"]["test"]["fleet"] = str(path)
    (operator.home / "contexts.json").write_text(json.dumps(document))
    return path


def started(operator: Any) -> list[str]:
    """What the engine was asked for beside the list of its stacks."""
    return [call for call in calls(operator) if not call.startswith("stack ls")]


def row(type_: str, own: str, stack: str = STACK, /, **inputs: Any) -> dict[str, Any]:
    return {"urn": f"urn:pulumi:{stack}::twain::{type_}::{own}", "type": type_, "inputs": inputs}


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> tuple[list[Any], list[Any]]:
    """Plans as they are given, instead of the program's, and the stacks that were planned."""
    rows, asked = list[Any](), list[Any]()

    def plan(names: Any, **_more: Any) -> Any:
        asked.append(names)
        return [row for row in rows if row["urn"].split("::")[0].removeprefix("urn:pulumi:") in names]

    monkeypatch.setattr(planned, "plan", plan)
    # What the guard says of so little has tests of its own; it is the first to be asked.
    monkeypatch.setattr(stack_plans, "JUDGES", stack_plans.JUDGES[1:])
    return rows, asked


def test_what_a_cloud_would_refuse_is_told_before_the_engine_starts(
    engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, served = table.of_type, "azure-native:cognitiveservices:Deployment"
    stricter = TypeRules(type_name=served, rules=(matches("deploymentName", "[a-z]{5,9}", "5 to 9 letters"),))
    monkeypatch.setattr(table, "of_type", lambda token: stricter if token == served else known(token))
    changed(engine, tmp_path, (PAR, MODEL))
    ran = engine.twain("stack", "preview", "--cell", "eu-par-1", "--layer", "infra")
    assert ran.code == 2, ran.err
    assert (
        ran.err.count("error ")
        == ran.err.count("error SPEC-RULE: pattern: deploymentName 'mini' is no valid name")
        == 1
    )
    assert "rehearsal.eu-par-1.infra: azure-native:cognitiveservices:Deployment eu-par-1-ai (deploymentName)" in ran.err
    assert "https://www.pulumi.com/registry/packages/azure-native/api-docs/cognitiveservices/deployment/" in ran.err
    assert started(engine) == []


def test_all_stacks_are_told_at_once(engine: Any, played: tuple[list[Any], list[Any]]) -> None:
    other = "rehearsal.eu-par-1.infra"
    played[0].extend(
        [
            row(NETWORK, "a", name="A_b", mtu=9000),
            row("azure-native:storage:BlobServiceProperties", "b", other, deleteRetentionPolicy={"days": 400}),
            row(NETWORK, "c", name="04da6b54-80e4-46f7-96ec-b56ff0331ba9"),
        ]
    )
    for verb in (("preview",), ("up", "-y"), ("up", "--dry-run")):
        ran = engine.twain("stack", *verb, "--layer", "infra")
        assert ran.code == 2, ran.err
        assert "range: mtu must lie between 1300 and 8896, not 9000. Found: 9000." in ran.err
        assert "deleteRetentionPolicy.days must lie between 1 and 365, not 400. Found: 400." in ran.err
        assert f"where  {STACK}: {NETWORK} a (name)" in ran.err
        assert f"{NETWORK} c" not in ran.err
        assert started(engine) == []


def test_a_stack_without_a_fault_is_planned_once_for_as_long_as_nothing_changes(
    engine: Any, tmp_path: Path, played: tuple[list[Any], list[Any]]
) -> None:
    path, plans = changed(engine, tmp_path), played[1]
    for _ in range(2):
        assert engine.twain(*INFRA).code == 0
    assert plans == [[STACK]]
    path.write_text(path.read_text(encoding="utf-8").replace("noncurrent_days: 30", "noncurrent_days: 31"))
    assert engine.twain(*INFRA).code == 0
    assert plans == [[STACK], [STACK]]
    (engine.home / "judged" / STACK).write_text("torn")
    assert engine.twain(*INFRA).code == 0
    assert len(plans) == 3


def given(operator: Any, name: str, value: str) -> None:
    """A variable of the context's environment."""
    document = json.loads((operator.home / "contexts.json").read_text())
    document["contexts"]["test"]["env"][name] = value
    (operator.home / "contexts.json").write_text(json.dumps(document))


@pytest.mark.parametrize("name", ["ARM_SUBSCRIPTION_ID", "GOOGLE_ZONE", "CLOUDSDK_COMPUTE_ZONE", "ALICLOUD_PROFILE"])
def test_another_environment_is_planned_anew_and_a_secret_there_is_not_read(
    engine: Any, tmp_path: Path, played: tuple[list[Any], list[Any]], name: str
) -> None:
    changed(engine, tmp_path)
    for times, (variable, value) in enumerate(((name, "a"), (name, "b"), ("TWAIN_SOME_TOKEN", "no plan has it")), 1):
        given(engine, variable, value)
        for _ in range(2):
            assert engine.twain(*INFRA).code == 0
        assert len(played[1]) == min(times, 2)


def test_a_fleet_that_changes_while_it_is_planned_is_planned_again(
    engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, played: tuple[list[Any], list[Any]]
) -> None:
    path, plan = changed(engine, tmp_path), planned.plan

    def edited(names: Any, **more: Any) -> Any:
        path.write_text(path.read_text(encoding="utf-8").replace("noncurrent_days: 30", "noncurrent_days: 31"))
        return plan(names, **more)

    monkeypatch.setattr(planned, "plan", edited)
    for times in (1, 2, 2):
        assert engine.twain(*INFRA).code == 0
        assert len(played[1]) == times


def test_what_cannot_be_kept_or_read_costs_a_plan_and_nothing_else(
    engine: Any, played: tuple[list[Any], list[Any]]
) -> None:
    kept = engine.home / "judged"
    kept.write_text("no folder")
    assert engine.twain(*INFRA).code == 0
    kept.unlink()
    assert engine.twain(*INFRA).code == 0
    (kept / STACK).write_bytes(b"\xff\xfe")
    assert engine.twain(*INFRA).code == 0
    assert engine.twain(*INFRA).code == 0
    assert len(played[1]) == 3


def test_a_stack_that_somebody_else_brought_up_is_planned_again(
    engine: Any, played: tuple[list[Any], list[Any]]
) -> None:
    played[0].append(row(NETWORK, "net", name="new", description="same", routingMode="GLOBAL"))
    assert engine.twain(*INFRA).code == 0
    stacks(engine, STACK)
    (engine.home / "state.json").write_text("{ no state")
    assert engine.twain(*INFRA).code == 0
    deployed = [row(NETWORK, "net", name="old", description="same")]
    (engine.home / "state.json").write_text(json.dumps({"version": 3, "deployment": {"resources": deployed}}))
    assert "net would be replaced: name cannot change once it is made" in engine.twain(*INFRA).err
    assert len(played[1]) == 3


def test_what_would_be_replaced_is_told_each_time_and_is_no_fault(
    engine: Any, played: tuple[list[Any], list[Any]]
) -> None:
    stacks(engine, STACK)
    played[0].append(row(NETWORK, "net", name="new", description="same", routingMode="GLOBAL"))
    up = row(
        f"twain:index:Network${NETWORK}", "net", name="old", description="same", project="p", routingMode="REGIONAL"
    )
    deployment = {"version": 3, "deployment": {"resources": [{**up, "type": NETWORK}]}}
    (engine.home / "state.json").write_text(json.dumps(deployment))
    for _ in range(2):
        ran = engine.twain("stack", "preview", "--cell", "eu-ams-1", "--layer", "infra")
        assert ran.code == 0, ran.err
        assert f"{STACK}: {NETWORK} net would be replaced: name cannot change once it is made" in ran.err
        assert ran.err.count("would be replaced") == 1
    assert any("export" in call for call in calls(engine))
