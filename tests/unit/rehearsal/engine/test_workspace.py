"""The generated workspace of a world."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from rehearsal.engine.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(world_dir=tmp_path / "home" / "cn", program_dir=tmp_path / "repo" / "stacks")
    made.prepare()
    return made


def test_the_project_runs_the_programs_folder_and_keeps_its_settings_to_itself(workspace: Workspace) -> None:
    project = yaml.safe_load((workspace.directory / "Pulumi.yaml").read_text())
    assert project["name"] == "twain"
    assert project["main"] == str(workspace.program_dir)
    assert (workspace.directory / project["stackConfigDir"]).resolve() == workspace.config_dir.resolve()
    assert not workspace.program_dir.exists()


def test_everything_of_a_world_is_for_its_owner_only(workspace: Workspace) -> None:
    folders = [
        workspace.world_dir,
        workspace.directory,
        workspace.state_dir,
        workspace.pulumi_home,
        workspace.config_dir,
    ]
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}
    assert workspace.passphrase_file.stat().st_mode & 0o777 == 0o600


def test_a_passphrase_is_made_once(workspace: Workspace) -> None:
    first = workspace.passphrase_file.read_text()
    workspace.prepare()
    assert workspace.passphrase_file.read_text() == first
    assert len(first) >= 40


def test_two_worlds_have_different_passphrases(tmp_path: Path, workspace: Workspace) -> None:
    other = Workspace(world_dir=tmp_path / "home" / "row", program_dir=workspace.program_dir)
    other.prepare()
    assert other.passphrase_file.read_text() != workspace.passphrase_file.read_text()


def test_the_environment_is_the_worlds_own_and_nothing_of_the_callers(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALICLOUD_ACCESS_KEY", "a real key")
    env = workspace.environment()
    assert "ALICLOUD_ACCESS_KEY" not in env
    assert env["PULUMI_BACKEND_URL"] == f"file://{workspace.state_dir}"
    assert env["PULUMI_HOME"] == str(workspace.pulumi_home)
    assert env["TWAIN_REHEARSAL_WORLD"] == str(workspace.world_dir)
