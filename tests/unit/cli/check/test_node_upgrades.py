"""A changed line about nodes is an upgrade: it is planned, the quotas are asked, and what a cloud refuses is told."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cli import errors, upgrades
from cli.check import cell as checking
from cli.check import run
from cli.check.model import failed, unknown

if TYPE_CHECKING:
    from pathlib import Path

STACK = SimpleNamespace(cell="eu-par-1", world="row", layer="infra", name="rehearsal.eu-par-1.infra")
EXISTING = [STACK.name]


def facts(home: Path, **guarantees: str) -> None:
    folder = home / "cells"
    folder.mkdir(exist_ok=True)
    other = {"guarantees": guarantees, "system_pool": {"size": "cpu-4", "min": 1, "max": 3}}
    document = {
        "cell": "eu-par-1",
        "world": "row",
        "cloud": "azure",
        "region": "francecentral",
        "endpoint": "https://127.0.0.1:1",
        "exec": {"command": "kubelogin", "args": [], "env": {}},
        "kubernetes_minor": "1.36",
        "other": other,
    }
    (folder / "eu-par-1.json").write_text(json.dumps(document), encoding="utf-8")


def app(home: Path, **declared: Any) -> Any:
    view = {"kubernetes_minor": "1.36", "world": "row", "cloud": "azure", "images": "automatic", "driver": "stable"}
    cell = SimpleNamespace(**{**view, "system_size": "cpu-4", **declared})
    fleet = SimpleNamespace(cell=lambda _name: cell)
    return SimpleNamespace(home=home, context=SimpleNamespace(world="row"), fleet=fleet)


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the account says of its quotas."""
    says = [unknown(checking.QUOTA, "GPUs", "nobody could ask")]
    monkeypatch.setattr(run, "quotas", lambda _app, _cell: says)
    return says


def test_a_cell_that_has_what_the_fleet_says_is_on_no_way(tmp_path: Path, room: list[Any]) -> None:
    facts(tmp_path, **{"nodes.images": "automatic", "gpu.driver": "stable"})
    assert upgrades.find(app(tmp_path), [STACK], EXISTING) == []  # pyright: ignore[reportArgumentType]
    # A cell without GPUs has no driver, and one that was brought up before says nothing.
    facts(tmp_path, **{"gpu.driver": "n/a"})
    assert upgrades.find(app(tmp_path, driver="newest"), [STACK], EXISTING) == []  # pyright: ignore[reportArgumentType]
    assert room


def test_other_images_and_another_driver_are_planned_and_an_unknown_quota_is_told_only(
    tmp_path: Path, room: list[Any]
) -> None:
    facts(tmp_path, **{"nodes.images": "automatic", "gpu.driver": "stable"})
    found = upgrades.find(app(tmp_path, images="held", driver="newest"), [STACK], EXISTING)  # pyright: ignore[reportArgumentType]
    assert [one.words for one in found] == [
        "eu-par-1: node images automatic to held",
        "eu-par-1: GPU driver stable to newest",
    ]
    assert found[0].findings == tuple(room)
    upgrades.refuse(found)


def test_no_room_for_one_machine_more_stands_against_it(tmp_path: Path, room: list[Any]) -> None:
    room[:] = [failed(checking.QUOTA, "GPUs", "8 of 8 are used.", fix="ask for more")]
    facts(tmp_path, **{"gpu.driver": "stable"})
    found = upgrades.find(app(tmp_path, driver="newest"), [STACK], EXISTING)  # pyright: ignore[reportArgumentType]
    with pytest.raises(errors.TwainError) as caught:
        upgrades.refuse(found)
    assert caught.value.code == errors.FAILED


@pytest.mark.parametrize(("cloud", "refused"), [("azure", True), ("gcp", False), ("alicloud", False)])
def test_another_machine_for_the_system_pool_is_refused_where_the_cloud_would(
    tmp_path: Path, room: list[Any], cloud: str, refused: bool
) -> None:
    facts(tmp_path)
    found = upgrades.find(app(tmp_path, cloud=cloud, system_size="cpu-8"), [STACK], EXISTING)  # pyright: ignore[reportArgumentType]
    assert bool(found) is refused
    if refused:
        with pytest.raises(errors.TwainError, match="cpu-4 to cpu-8"):
            upgrades.refuse(found)
    assert room
