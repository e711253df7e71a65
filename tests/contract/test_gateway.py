"""Who implements a cell's gateway is declared: its class, its definitions, and an address inside the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from components.clouds.gateways import GROUPS, IMPLEMENTATIONS
from components.spec.load import load_fleet
from tests.contract import cells, test_platform
from tests.recorder import FLEET, PEM

if TYPE_CHECKING:
    from pathlib import Path

    from tests.recorder import Recorder

GATEWAY = "kubernetes:gateway.networking.k8s.io/v1:Gateway"
DEFINITION = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"
SPEC = load_fleet(FLEET)
CELLS = {cell.name: cell.cloud for cell in SPEC.cells}


def platform(cell: str, locks: Path, fleet: Path = FLEET) -> Recorder:
    return test_platform.platform(cell, locks, fleet=fleet, cluster_ca=PEM)


@pytest.mark.parametrize("source", cells.SOURCES)
@pytest.mark.parametrize("cloud", cells.CELLS)
def test_a_cell_tells_the_class_that_its_cluster_brings_a_controller_for(cloud: str, source: str) -> None:
    gateway = cells.infra(source, cloud)[1]["gateway"]
    assert gateway["class"] == IMPLEMENTATIONS[cloud].gateway_class
    assert set(gateway["definitions"]) <= set(GROUPS)


@pytest.mark.parametrize("cell", CELLS)
def test_a_gateway_asks_for_the_class_that_the_cluster_brings_at_an_address_inside(tmp_path: Path, cell: str) -> None:
    implementation = IMPLEMENTATIONS[CELLS[cell]]
    (gateway,) = platform(cell, tmp_path).of(GATEWAY)
    assert gateway.inputs["spec"]["gatewayClassName"] == implementation.gateway_class
    told = gateway.inputs["spec"].get("infrastructure", {}).get("annotations", {})
    assert told == dict(implementation.internal)


@pytest.mark.parametrize("cell", CELLS)
def test_every_definition_comes_with_the_cluster_or_with_the_platform_and_never_twice(
    tmp_path: Path, cell: str
) -> None:
    brought = cells.infra("recorder", CELLS[cell])[1]["gateway"]["definitions"]
    declared = {one.inputs["spec"]["group"] for one in platform(cell, tmp_path).of(DEFINITION)}
    assert declared | set(brought) == set(GROUPS)
    assert declared & set(brought) == set()


def test_a_minor_in_which_a_cluster_does_not_bring_a_definition_yet_has_it_of_the_platform(tmp_path: Path) -> None:
    fleet = tmp_path / "older.yaml"
    text = FLEET.read_text(encoding="utf-8")
    place = "      region: europe-west4\n"
    text = text.replace(place, f'{place}      template: {{kubernetes_minor: "1.33"}}\n')
    fleet.write_text(text, encoding="utf-8")
    found = platform("eu-ams-1", tmp_path, fleet).of(DEFINITION)
    assert [one.inputs["metadata"]["name"] for one in found] == ["inferencepools.inference.networking.k8s.io"]
