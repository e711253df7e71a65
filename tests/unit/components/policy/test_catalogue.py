"""The page of the rules says what the table says."""

from __future__ import annotations

from pathlib import Path

from tests.docs.residency_page import render

PAGE = Path(__file__).resolve().parents[4] / "docs" / "reference" / "residency-rules.md"


def test_the_page_of_the_rules_is_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == render()
