"""The rule table on the plans of stacks, before any engine starts: real programs, a played engine that must not run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli import planned, stack_rules
from tests.unit.cli.commands.test_stack import calls, engine, stacks

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["engine"]
STACK = "rehearsal.eu-ams-1.infra"
NETWORK = "gcp:compute/network:Network"
PAR, AMS = "region: francecentral\n", "region: europe-west4\n"
# The fleet's own check takes any text for both: which form they have is the cloud's affair.
NOBODY = "      budget: {currency: EUR, since: '2027-01', alerts: somebody}\n"
NOWHERE = "      budget: {account: 12-34, currency: EUR, since: '2027-01', alerts: projects/p-1/topics/money}\n"


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


def test_what_the_clouds_would_refuse_is_told_at_once_and_no_engine_starts(engine: Any, tmp_path: Path) -> None:
    changed(engine, tmp_path, (PAR, NOBODY), (AMS, NOWHERE))
    for verb in (("preview",), ("up", "--dry-run")):
        ran = engine.twain("stack", *verb, "--layer", "infra")
        assert ran.code == 2, ran.err
        assert "billingAccount '12-34' is no billing account" in ran.err
        assert "'somebody' is no id of an action group" in ran.err
        assert "rehearsal.eu-par-1.infra: azure-native:consumption:Budget eu-par-1-budget" in ran.err
        assert f"{STACK}: gcp:billing/budget:Budget eu-ams-1-budget" in ran.err
        assert "https://www.pulumi.com/registry/packages/gcp/api-docs/billing/budget/" in ran.err
        assert "error SPEC-RULE: " in ran.err
        assert "error RES-" not in ran.err
        assert not (engine.home / "calls").exists()


def test_a_stack_without_a_fault_is_planned_once_for_as_long_as_nothing_changes(
    engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, plans, plan = changed(engine, tmp_path), list[Any](), planned.plan

    def noted(names: Any, **more: Any) -> Any:
        plans.append(names)
        return plan(names, **more)

    monkeypatch.setattr(stack_rules.planned, "plan", noted)
    for _ in range(2):
        assert engine.twain("stack", "preview", "--cell", "eu-ams-1", "--layer", "infra").code == 0
    assert plans == [[STACK]]
    path.write_text(path.read_text(encoding="utf-8").replace("noncurrent_days: 30", "noncurrent_days: 31"))
    assert engine.twain("stack", "preview", "--cell", "eu-ams-1", "--layer", "infra").code == 0
    assert plans == [[STACK], [STACK]]
    (engine.home / "judged" / STACK).write_text("torn")
    assert engine.twain("stack", "preview", "--cell", "eu-ams-1", "--layer", "infra").code == 0
    assert len(plans) == 3


def test_what_would_be_replaced_is_told_each_time_and_is_no_fault(engine: Any) -> None:
    stacks(engine, STACK)
    urn = f"urn:pulumi:{STACK}::twain::twain:index:Network${NETWORK}::eu-ams-1-network"
    up = {"urn": urn, "type": NETWORK, "inputs": {"name": "another", "project": "p", "mtu": 1460}}
    deployment = {"version": 3, "deployment": {"resources": [up]}}
    (engine.home / "state.json").write_text(json.dumps(deployment))
    for _ in range(2):
        ran = engine.twain("stack", "preview", "--cell", "eu-ams-1", "--layer", "infra")
        assert ran.code == 0, ran.err
        assert f"{STACK}: {NETWORK} eu-ams-1-network would be replaced: name cannot change once it is made" in ran.err
        assert ran.err.count("would be replaced") == 1
    assert any("export" in call for call in calls(engine))


def test_a_plan_that_cannot_be_made_is_left_to_the_engine(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_names: Any, **_more: Any) -> Any:
        from cli import errors

        raise errors.UsageError("the program says no.")

    monkeypatch.setattr(stack_rules.planned, "plan", refused)
    assert engine.twain("stack", "preview", "--cell", "eu-ams-1", "--layer", "infra").code == 0
    assert not (engine.home / "judged").exists()
    assert any(call.startswith("preview") for call in calls(engine))
