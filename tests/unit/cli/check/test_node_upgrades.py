"""A changed line about nodes is an upgrade: it is planned, the quotas are asked, and what a cloud refuses is told."""

from __future__ import annotations

import contextlib
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cli import errors, upgrades
from cli.check import cell as checking
from cli.check import run, upgrade
from cli.check.model import failed, ok, unknown
from cli.fleet import PoolView
from cli.kube import minors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class App:
    """Where the stub of a cell's API server is put."""

    kube: Any


STACK = SimpleNamespace(cell="eu-par-1", world="row", layer="infra", name="rehearsal.eu-par-1.infra")
EXISTING = [STACK.name]


def facts(home: Path, pools: tuple[dict[str, Any], ...] = (), /, **guarantees: str) -> None:
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
        "gpu_pools": pools,
        "other": other,
    }
    (folder / "eu-par-1.json").write_text(json.dumps(document), encoding="utf-8")


SILENT = errors.PartialError("nobody answers")
LOOKED = ok(upgrade.NODES, "kubelets", "3 of 1.36")


def app(home: Path, **declared: Any) -> Any:
    view = {"kubernetes_minor": "1.36", "world": "row", "cloud": "azure", "images": "automatic", "driver": "stable"}
    place = {"region": "francecentral", "zones": (), "gpu_pools": ()}
    cell = SimpleNamespace(**{**view, **place, "system_size": "cpu-4", **declared})
    fleet = SimpleNamespace(cell=lambda _name: cell)
    return SimpleNamespace(home=home, context=SimpleNamespace(world="row"), fleet=fleet, kube=App.kube)


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the account says of its quotas."""
    says = [unknown(checking.QUOTA, "GPUs", "nobody could ask")]
    monkeypatch.setattr(run, "quotas", lambda _app, _cell: says)
    return says


@pytest.fixture(autouse=True)
def live(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the live cell says of its nodes; an error is raised."""
    says: list[Any] = [LOOKED]

    @contextlib.asynccontextmanager
    async def kube(_cell: str) -> AsyncIterator[None]:
        if isinstance(says[0], errors.TwainError):
            raise says[0]
        yield

    async def running(_kube: object, **_more: object) -> minors.Running:
        return minors.Running(minor="1.36", program="1.36")

    async def asked(_kube: object, **_more: object) -> list[Any]:
        return says

    monkeypatch.setattr(App, "kube", staticmethod(kube), raising=False)
    monkeypatch.setattr(minors, "running", running)
    monkeypatch.setattr(upgrade, "live", asked)
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
    assert [one.findings for one in found] == [(LOOKED, *room), ()]
    upgrades.refuse(found)


def test_no_room_for_one_machine_more_stands_against_it(tmp_path: Path, room: list[Any]) -> None:
    room[:] = [failed(checking.QUOTA, "GPUs", "8 of 8 are used.", fix="ask for more")]
    facts(tmp_path, **{"gpu.driver": "stable"})
    found = upgrades.find(app(tmp_path, driver="newest"), [STACK], EXISTING)  # pyright: ignore[reportArgumentType]
    with pytest.raises(errors.TwainError) as caught:
        upgrades.refuse(found)
    assert caught.value.code == errors.FAILED


def test_nodes_of_a_cell_that_does_not_answer_are_not_replaced(
    tmp_path: Path, live: list[Any], room: list[Any]
) -> None:
    live[:] = [SILENT]
    facts(tmp_path, **{"nodes.images": "automatic"})
    found = upgrades.find(app(tmp_path, images="held"), [STACK], EXISTING)  # pyright: ignore[reportArgumentType]
    with pytest.raises(errors.TwainError, match="not known what new nodes would break: nobody answers") as caught:
        upgrades.refuse(found)
    assert caught.value.code == errors.PARTIAL
    assert room


def test_all_that_stands_against_it_is_told_at_once_and_once(tmp_path: Path, live: list[Any], room: list[Any]) -> None:
    live[:] = [failed(upgrade.NODES, "kubelets", "1 of 1.32 would be too far behind.", fix="replace it first")]
    room[:] = [failed(checking.QUOTA, "GPUs", "8 of 8 are used.", fix="ask for more")]
    facts(tmp_path, **{"nodes.images": "automatic", "gpu.driver": "stable"})
    found = upgrades.find(app(tmp_path, images="held", driver="newest"), [STACK], EXISTING)  # pyright: ignore[reportArgumentType]
    with pytest.raises(errors.Several) as caught:
        upgrades.refuse(found)
    assert [error.id for error in caught.value.errors] == ["CHK-KUBERNETES-NODES", "CHK-QUOTA"]


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


POOL: dict[str, Any] = {"name": "gpu80g", "gpu_class": "gpu-80g", "gpus_per_node": 1, "min": 0, "max": 4}


@pytest.mark.parametrize(
    ("cloud", "region", "was", "zones", "words"),
    [
        ("azure", "francecentral", ["1", "2"], ("2",), "1, 2 to 2"),
        ("azure", "francecentral", ["2"], (), "2 to 1, 2"),
        ("azure", "francecentral", ["1", "2"], (), None),
        ("azure", "francecentral", ["1", "2"], ("2", "1"), None),
        # Built by a program that did not tell: nobody knows.
        ("azure", "francecentral", [], ("2",), None),
        ("gcp", "europe-west4", ["europe-west4-a", "europe-west4-b"], ("europe-west4-b",), None),
        ("alicloud", "cn-shanghai", ["cn-shanghai-l", "cn-shanghai-m"], ("cn-shanghai-m",), None),
    ],
)
def test_a_pool_that_is_made_anew_for_other_zones_is_told_and_not_refused(
    tmp_path: Path, cloud: str, region: str, was: list[str], zones: tuple[str, ...], words: str | None
) -> None:
    facts(tmp_path, ({**POOL, "instance_type": "m", "zones": was},))
    declared = app(tmp_path, cloud=cloud, region=region, gpu_pools=(PoolView(**POOL, zones=zones),))
    found = upgrades.find(declared, [STACK], EXISTING)  # pyright: ignore[reportArgumentType]
    upgrades.refuse(found)
    anew = ": the pool is made anew, and its nodes go with the old one first"
    assert [one.words for one in found] == ([f"eu-par-1: zones of pool gpu80g {words}{anew}"] if words else [])


def test_a_pool_that_is_new_has_nothing_that_could_go(tmp_path: Path) -> None:
    facts(tmp_path)
    declared = app(tmp_path, gpu_pools=(PoolView(**POOL, zones=("1",)),))
    assert upgrades.find(declared, [STACK], EXISTING) == []  # pyright: ignore[reportArgumentType]
