"""The table of faults names tests, and they exist; every fault has a row."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "faults.md"
FAULTS = [f"F{number:02}" for number in range(1, 20)]
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def rows() -> dict[str, str]:
    """The rows of the table by their fault."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if re.match(r"\| F\d\d ", line)]
    return {line.split("|")[1].strip(): line for line in lines}


def test_every_fault_has_one_row_in_order() -> None:
    assert list(rows()) == FAULTS


@pytest.mark.parametrize("fault", FAULTS)
def test_each_row_names_tests_that_exist(fault: str) -> None:
    cells = [cell.strip() for cell in rows()[fault].strip("|").split("|")]
    assert all(cells)
    named = _TEST.findall(cells[3])
    assert named
    assert _TEST.sub("", cells[3]).strip(" ,") == ""
    for path, name in named:
        module = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        found = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == name]
        assert len(found) == 1, f"{path}::{name}"
        # A test that asserts nothing shows nothing.
        assert any(isinstance(node, ast.Assert | ast.With) or _checks(node) for node in ast.walk(found[0])), name


def _checks(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "ended"
