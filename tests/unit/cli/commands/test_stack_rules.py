"""The rule table on the plans of stacks, before any engine starts: real programs, a played engine that must not run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli import planned, stack_rules
from tests.unit.cli.commands.test_stack import calls, engine, stacks

if TYPE_CHECKING:
    import pytest

__all__ = ["engine"]
LARGEST = ("min: 0, max: 4}", "min: 0, max: 1500}")


def changed(operator: Any, tmp_path: Path, *changes: tuple[str, str]) -> Path:
    """The operator's fleet with some words changed."""
    document = json.loads((operator.home / "contexts.json").read_text())
    text = operator.fleet.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "fleet.yaml"
    path.write_text(text, encoding="utf-8")
    document["contexts"]["test"]["fleet"] = str(path)
    (operator.home / "contexts.json").write_text(json.dumps(document))
    return path


def test_what_a_cloud_would_refuse_ends_with_2_before_the_engine_starts(engine: Any, tmp_path: Path) -> None:
    system = "system_pool: {size: cpu-4, min: 1, max: %s}"
    changed(engine, tmp_path, LARGEST, (system % 3, system % 1001))
    for verb in (("preview",), ("up", "-y"), ("up", "--dry-run")):
        ran = engine.twain("stack", *verb, "--cell", "eu-par-1", "--layer", "infra")
        assert ran.code == 2, ran.err
        assert ran.err.count("error SPEC-RULE: ") == 2
        assert "maxCount must lie between 0 and 1000, not 1500. Found: 1500." in ran.err
        assert "agentPoolProfiles[0].maxCount must lie between 0 and 1000, not 1001. Found: 1001." in ran.err
        assert "rehearsal.eu-par-1.infra: azure-native:containerservice:AgentPool eu-par-1-gpu80g" in ran.err
        assert "registry/packages/azure-native/api-docs/containerservice/agentpool/" in ran.err
        assert not (engine.home / "calls").exists()
