"""The threat model names every rule and no other, in both languages, with the law and the control behind it."""

from __future__ import annotations

import re

import pytest

from components.policy.catalogue import RULES, THREATS
from components.policy.law import BASIS, CONTROLS, THREATS_ZH
from tests.docs import threat_page

RULE = re.compile(r"\b(?:RES|SEC)-\d{3}\b")
LANGUAGES = ("en", "zh")


def page(language: str) -> str:
    return threat_page.PAGES[language].read_text(encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_rule_is_in_the_page_and_the_page_names_no_other(language: str) -> None:
    rows = re.findall(r"^\| ((?:RES|SEC)-\d{3}) \| ([^|]+) \| ([^|]*) \|", page(language), re.MULTILINE)
    assert [rule for rule, _, _ in rows] == list(RULES)
    assert all(says.strip() and articles.strip() for _, says, articles in rows)
    assert set(RULE.findall(page(language))) == set(RULES)
    assert set(re.findall(r"\bT\d{2}\b", page(language))) == set(THREATS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tables_are_what_the_code_says(language: str) -> None:
    """To accept a change: python -m tests.docs.threat_page, and read the difference."""
    assert threat_page.held(page(language)) == threat_page.tables(language)


def test_each_rule_has_articles_and_a_control_and_no_other_has() -> None:
    assert set(BASIS) == set(RULES)
    assert set(THREATS_ZH) == set(THREATS)
    used = {name for basis in BASIS.values() for name in basis.controls}
    assert used == set(CONTROLS)
    for basis in BASIS.values():
        assert basis.controls
        assert set(basis.pipl) <= {"4", "6", "9", "19", "21", "23", "38", "39", "40", "51", "54", "55", "57", "73"}
        assert set(basis.cac) <= {str(number) for number in range(3, 12)}


def test_both_pages_say_that_they_are_no_legal_advice_and_what_is_not_covered() -> None:
    assert "not legal advice" in page("en")
    assert "不构成法律意见" in page("zh")
    uncovered = {language: page(language).partition(mark)[2].split("\n## ")[0]
                 for language, mark in (("en", "## What is not covered"), ("zh", "## 未覆盖的部分"))}  # fmt: skip
    counts = {language: len(re.findall(r"^- ", text, re.MULTILINE)) for language, text in uncovered.items()}
    assert counts["en"] == counts["zh"] >= 10
    # Headings and tables are the same in both, one for one.
    assert page("en").count("\n## ") == page("zh").count("\n## ")
    assert page("en").count("\n|") == page("zh").count("\n|")
