"""A rehearsal's folders and environments: one name per checkout, nothing of one world in the other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rehearsal import home as homes


@pytest.fixture(autouse=True)
def _state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("TWAIN_REHEARSAL_HOME", raising=False)


def test_two_checkouts_of_the_same_folder_name_get_two_rehearsals(monkeypatch: pytest.MonkeyPatch) -> None:
    names: set[str] = set()
    for root in ("/a/twain", "/b/twain"):
        monkeypatch.setattr(homes, "checkout", lambda root=root: Path(root))
        names.add(homes.current().name)
    assert len(names) == 2
    assert all(name.startswith("twain-") for name in names)


def test_a_rehearsals_folder_is_named_without_links_and_relative_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.chdir(tmp_path / "real")
    for declared in (str(tmp_path / "link" / "r"), "../real/r", f"{tmp_path}/real/r/"):
        monkeypatch.setenv("TWAIN_REHEARSAL_HOME", declared)
        assert homes.current().root == tmp_path.resolve() / "real" / "r"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "link"))
    assert homes.rehearsals_dir() == tmp_path.resolve() / "real" / "twain" / "rehearsals"


def test_a_worlds_environment_holds_nothing_of_the_other_nor_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted")
    monkeypatch.setenv("KUBECONFIG", "/planted")
    env = homes.Home(Path("/x")).world_env("row")
    assert "planted" not in json.dumps(env)
    assert "/x/cn" not in json.dumps(env)
    assert env["PULUMI_BACKEND_URL"] == "file:///x/row/state"
