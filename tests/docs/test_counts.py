"""Numbers in pages that are no measurement are true: by the golden graphs, by the tables that they count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.docs import counts, pages

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("page", pages.pages(), ids=lambda page: str(page.relative_to(pages.ROOT)))
def test_a_page_says_how_many_resources_a_stack_of_the_rehearsal_has(page: Path) -> None:
    wrong: list[str] = []
    for block in pages.blocks(page):
        for line in block.lines if block.info == "text" else ():
            told = counts.resources(line)
            if told is not None and (true := counts.deployed(pages.ROOT, told[0], told[1])) != told[2]:
                wrong.append(f"{block}: {line.strip()!r}: the stack has {true}")
    assert wrong == []


def test_there_are_pages_that_say_so() -> None:
    told = {
        counts.resources(line)
        for page in pages.guided()
        for block in pages.blocks(page)
        for line in block.lines
    } - {None}  # fmt: skip
    assert len(told) >= 6


@pytest.mark.parametrize("page", pages.pages(), ids=lambda page: str(page.relative_to(pages.ROOT)))
def test_what_a_page_counts_is_as_many(page: Path) -> None:
    wrong = [
        f"{words!r}, and there are {true}"
        for words, said, true in counts.told(page.read_text(encoding="utf-8"), pages.ROOT)
        if said != true
    ]
    assert wrong == []


def test_every_kind_of_count_is_somewhere_in_the_pages() -> None:
    whole = "\n".join(page.read_text(encoding="utf-8") for page in pages.pages())
    found = {words for words, _said, _true in counts.told(whole, pages.ROOT)}
    assert len(found) >= len(counts.TOLD)


@pytest.mark.parametrize(
    ("shown", "printed", "other"),
    [
        ("rehearsal.cn-sha-1.infra  …  72", "rehearsal.cn-sha-1.infra  2 minutes ago  72", "72x 2 minutes ago  71"),
        ("    45 unchanged", "Resources:\n    45 unchanged", "    46 unchanged"),
        ("    ~ 1 to update", "    ~ 1 to update", "    ~ 2 to update"),
        ("48 capabilities: 1 unknown, 47 equal.", "48 capabilities: 1 unknown, 47 equal.",
         "48 capabilities: 2 unknown, 46 equal."),
        ("cn-sha-1  services  account  ok  all 5 are on", "cn-sha-1  services  account  ok  all 5 are on",
         "cn-sha-1  services  account  ok  all 6 are on"),
        ("row  rehearsal.a.infra  a  infra  up  51  2026-11-21", "row  rehearsal.a.infra  a  infra  up  51  2027-01-01",
         "row  rehearsal.a.infra  a  infra  up  52  2026-11-21"),
        ("  tools: ten binaries   0.1 s", "  tools: ten binaries   9.7 s", "  tools: nine binaries   0.1 s"),
    ],
)  # fmt: skip
def test_a_number_that_is_no_measurement_is_compared_and_one_that_is_not(shown: str, printed: str, other: str) -> None:
    assert pages.missing([shown], printed) == []
    assert pages.missing([shown], other) == [shown]


@pytest.mark.parametrize(
    "line",
    ["3/3 cells answer; 6/12 GPUs present", "cn  cn-sha-1  5  4.678  46  46", "total  0.6691888912 CNY (1 bill file)"],
)
def test_a_measurement_promises_no_number(line: str) -> None:
    assert counts.promised(line) == []


def test_a_stale_number_is_found_in_words_and_in_digits() -> None:
    text = "It gets nine tools (Pulumi and others). Parity of 49 capabilities."
    assert [(said, said == true) for _words, said, true in counts.told(text, pages.ROOT)] == [(9, False), (49, False)]
