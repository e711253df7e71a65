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


def test_blocks_of_two_rehearsals_never_meet(tmp_path: Path) -> None:
    first = homes.Home(homes.rehearsals_dir() / "one")
    second = homes.Home(homes.rehearsals_dir() / "two")
    wanted = homes.choose_block(second)
    first.root.mkdir(parents=True)
    first.file.write_text(json.dumps({"block": wanted}))
    assert homes.choose_block(second) != wanted
    assert homes.choose_block(first) == homes.choose_block(first)


def test_a_worlds_environment_holds_nothing_of_the_other_nor_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted")
    monkeypatch.setenv("KUBECONFIG", "/planted")
    env = homes.Home(Path("/x")).world_env("row")
    assert "planted" not in json.dumps(env)
    assert "/x/cn" not in json.dumps(env)
    assert env["PULUMI_BACKEND_URL"] == "file:///x/row/state"
