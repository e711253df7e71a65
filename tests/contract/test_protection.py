"""Protection over three clouds: each store of a protected cell is refused to the engine, and to its cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
import pytest

from cli.stack_lifts import unprotected
from components.policy import stores
from tests.contract.cells import CELLS, Infra
from tests.recorder import FLEET

if TYPE_CHECKING:
    from pathlib import Path

    from tests.recorder import Registered

# What a cell keeps, whatever its cloud calls it. Secrets are declared on GCP only, the clusters' logs on all.
KEPT = {"bucket", "file store", "registry", "cluster", "key", "logs"}


@pytest.fixture(params=list(CELLS))
def protected(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, infra: Infra) -> Any:
    """The resources of a protected cell, and those that the program marked for the engine."""
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(FLEET.read_text().replace("protect: false", "protect: true"))
    marked: set[tuple[str, str]] = set()
    original = pulumi.CustomResource.__init__

    def noted(self: Any, t: str, name: str, props: Any = None, opts: Any = None, *args: Any, **more: Any) -> None:
        original(self, t, name, props, opts, *args, **more)
        if getattr(self, "_protect", False):
            marked.add((t, name))

    monkeypatch.setattr(pulumi.CustomResource, "__init__", noted)
    recorder, _ = infra(request.param, fleet)
    return recorder.resources, marked


def test_every_store_is_protected_in_the_engine_and_nothing_else(
    protected: tuple[list[Registered], set[tuple[str, str]]],
) -> None:
    resources, marked = protected
    found = {(one.type, one.name) for one in resources if stores.is_store(one.type)}
    assert found == marked
    assert {stores.STORES[type_] for type_, _ in found} >= KEPT
    assert _held(resources) >= 3


def test_a_lifted_cell_is_held_by_nothing(tmp_path: Path, cloud: str, infra: Infra) -> None:
    whole = FLEET.read_text().replace("protect: false", "protect: true")
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(unprotected(whole, CELLS[cloud]))
    recorder, _ = infra(cloud, fleet)
    assert _held(recorder.resources) == 0


def _held(resources: list[Registered]) -> int:
    """How many resources are kept by what their clouds are told."""
    return len(stores.held([{"type": one.type, "urn": f"::{one.name}", "inputs": one.inputs} for one in resources]))
