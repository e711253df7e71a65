"""What a program refuses before its first resource."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.errors import ResidencyError, SpecError
from components.spec.load import load_fleet
from stacks import settings

ROOT = Path(__file__).resolve().parents[3]
FLEET = ROOT / "stacks" / "fleets" / "rehearsal.yaml"


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("TWAIN_REHEARSAL_HOME", "/home/r")
    monkeypatch.setenv("PULUMI_BACKEND_URL", "file:///home/r/cn/state")
    monkeypatch.setattr(settings.pulumi, "get_stack", lambda: "rehearsal.cn-sha-1.infra")
    monkeypatch.setattr(settings.pulumi, "get_project", lambda: "twain")
    return monkeypatch


def test_the_name_of_a_stack_says_everything(stack: pytest.MonkeyPatch) -> None:
    del stack
    found = settings.read()
    assert (found.env, found.layer, found.cell.cell.name) == ("rehearsal", "infra", "cn-sha-1")
    assert found.fleet_path == FLEET
    assert found.stack("eu-ams-1", "platform") == "organization/twain/rehearsal.eu-ams-1.platform"


@pytest.mark.parametrize(
    "name", ["dev", "rehearsal.cn-sha-1", "rehearsal.cn-sha-1.apps", "Rehearsal.cn-sha-1.infra", ""]
)
def test_a_stack_name_of_another_form_is_refused(stack: pytest.MonkeyPatch, name: str) -> None:
    stack.setattr(settings.pulumi, "get_stack", lambda: name)
    with pytest.raises(SpecError, match="SPEC-STACK"):
        settings.read()


def test_a_cell_that_the_fleet_lacks_is_refused_with_those_it_has(stack: pytest.MonkeyPatch) -> None:
    stack.setattr(settings.pulumi, "get_stack", lambda: "rehearsal.cn-bei-1.infra")
    with pytest.raises(SpecError, match="cn-sha-1, eu-ams-1, eu-par-1"):
        settings.read()


@pytest.mark.parametrize(
    "backend", ["file:///home/r/row/state", "file:///home/r/cn/state2", "gs://twain-row", "https://api.pulumi.com", ""]
)
def test_a_backend_that_is_not_the_worlds_own_is_refused(
    stack: pytest.MonkeyPatch, tmp_path: Path, backend: str
) -> None:
    stack.setenv("PULUMI_BACKEND_URL", backend)
    stack.setenv("PULUMI_HOME", str(tmp_path))
    with pytest.raises(ResidencyError, match=r"RES-010.*twain stack env --world cn"):
        settings.read()


def test_a_trailing_slash_makes_no_other_backend(stack: pytest.MonkeyPatch) -> None:
    stack.setenv("PULUMI_BACKEND_URL", "file:///home/r/cn/state/")
    settings.read()


def test_without_the_variable_the_backend_is_the_one_that_was_logged_in_to(
    stack: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stack.delenv("PULUMI_BACKEND_URL")
    stack.setenv("PULUMI_HOME", str(tmp_path))
    (tmp_path / "credentials.json").write_text(json.dumps({"current": "file:///home/r/row/state"}))
    with pytest.raises(ResidencyError, match="row/state"):
        settings.read()
    (tmp_path / "credentials.json").write_text(json.dumps({"current": "file:///home/r/cn/state"}))
    settings.read()


def test_a_backend_whose_variable_is_not_set_is_refused(stack: pytest.MonkeyPatch) -> None:
    stack.delenv("TWAIN_REHEARSAL_HOME")
    with pytest.raises(ResidencyError, match="variable that is not set"):
        settings.read()


def test_a_plan_without_an_engine_needs_no_backend(stack: pytest.MonkeyPatch) -> None:
    stack.setenv("PULUMI_BACKEND_URL", "gs://elsewhere")
    assert settings.read(check_state=False).cell == load_fleet(FLEET).resolved("cn-sha-1")
