"""The cells that the contract is asked of, by cloud and by source: see tests/contract/cells.py."""

from __future__ import annotations

from functools import partial

import pytest

from tests.contract import cells


@pytest.fixture(params=list(cells.CELLS))
def cloud(request: pytest.FixtureRequest) -> str:
    """A cloud that a cell lies on."""
    return request.param


@pytest.fixture(params=cells.SOURCES)
def source(request: pytest.FixtureRequest) -> str:
    """Who answers the program."""
    return request.param


@pytest.fixture
def cell(cloud: str, source: str) -> cells.Made:
    """What was registered for the cell and answered, and the outputs of its stack."""
    if cloud not in cells.CELLS:
        pytest.skip(f"TWAIN_TEST_STACKS names no cell on {cloud}")
    return cells.cell(source, cloud)


@pytest.fixture
def infra() -> cells.Infra:
    """Runs the program with another fleet on the emulated clouds: `infra(cloud, path, cell=NAME)`."""
    if cells.ASKED:
        pytest.skip("another fleet is not tried on cells that are up")
    return partial(cells.infra, "emulated")
