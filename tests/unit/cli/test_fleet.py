"""The cache of fleets: what it answers for, and what it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cli import fleet
from cli.fleet import FleetView
from components.errors import SpecError
from tests.recorder import FLEET

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_the_cache_answers_for_the_same_content_and_forgets_when_it_changes(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET.read_text(encoding="utf-8"), encoding="utf-8")
    first = FleetView.load(path, cache)
    assert FleetView.load(path, cache) == first
    assert len(list(cache.iterdir())) == 1
    path.write_text(path.read_text(encoding="utf-8").replace("max: 4", "max: 6"), encoding="utf-8")
    assert FleetView.load(path, cache).cells[0].gpu_pools[0].max == 6
    assert len(list(cache.iterdir())) == 2


def test_another_reader_of_fleets_does_not_take_what_an_older_one_kept(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = tmp_path / "spec"
    reader.mkdir()
    (reader / "model.py").write_text("a = 1\n")
    monkeypatch.setattr(fleet, "_READER", str(reader))
    FleetView.load(FLEET, cache)
    for kept in cache.iterdir():
        kept.write_text("{}")  # an older reader's answer, which would be refused
    (reader / "model.py").write_text("a = 10\n")
    assert FleetView.load(FLEET, cache).name == "rehearsal"
    assert len(list(cache.iterdir())) == 2


def test_a_file_that_cannot_be_read_is_told_and_nothing_is_kept(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(SpecError):
        FleetView.load(tmp_path / "none.yaml", cache)
    assert not cache.exists()
