"""The contract of a cell, asked of cells that are up: the same body as in tests/contract, over the engine's state."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from tests.integration.conftest import ROOT

if TYPE_CHECKING:
    from tests.integration.conftest import Stage

STACKS = {"cn": "rehearsal.cn-sha-1.infra", "row": "rehearsal.eu-ams-1.infra,rehearsal.eu-par-1.infra"}
FILES = ("test_cell.py", "test_databases_and_caches.py", "test_ai_platform.py")


@pytest.mark.parametrize("world", STACKS)
def test_cells_that_are_up_keep_the_contract(stage: Stage, world: str) -> None:
    asked = ["env", f"PYTHONPATH={ROOT}", f"TWAIN_TEST_STACKS={STACKS[world]}"]
    files = [str(ROOT / "tests" / "contract" / name) for name in FILES]
    ran = stage.shell(
        world,
        *asked,
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",
        "stack",
        *files,
        timeout=600,
    )
    assert ran.code == 0, ran.out[-6000:]
    found = re.search(r"(\d+) passed", ran.out)
    assert found is not None
    assert int(found[1]) >= 15 * len(STACKS[world].split(","))


def test_a_stack_that_is_not_there_is_no_contract_kept(stage: Stage) -> None:
    asked = ["env", f"PYTHONPATH={ROOT}", "TWAIN_TEST_STACKS=rehearsal.eu-par-1.infra"]
    file = str(ROOT / "tests" / "contract" / "test_cell.py")
    ran = stage.shell("cn", *asked, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "tags", file)
    assert ran.code != 0
    assert "rehearsal.eu-par-1.infra cannot be read" in ran.out
