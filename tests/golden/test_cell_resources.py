"""The page that accounts for every resource of a cell, against what the cells declare: cloud by cloud, both ways."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.registry import COMPONENTS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "cell-resources.md"
CELLS = {"alicloud": "cn-sha-1", "gcp": "eu-ams-1", "azure": "eu-par-1"}
# How many resources the list of a whole cell has, per cloud.
EXPECTED = {"alicloud": 45, "gcp": 48, "azure": 60}
_ROW = re.compile(r"^\| `(?P<type>[^`]+)` \| (?P<expected>\d+|–) \| (`(?P<component>\w+)`|none) \| ?(?P<note>.*?) ?\|$")


@dataclass(frozen=True, kw_only=True)
class Row:
    type: str
    expected: int
    component: str
    note: str

    @property
    def asked_for(self) -> bool:
        """Declared only if the fleet names it, which the rehearsal's does not."""
        return self.note.startswith("with `")


def rows(cloud: str) -> list[Row]:
    section = PAGE.read_text(encoding="utf-8").split(f"\n## {cloud}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    found = [_ROW.match(line) for line in lines]
    assert None not in found, [line for line, match in zip(lines, found, strict=True) if match is None]
    return [
        Row(
            type=match["type"],
            expected=0 if match["expected"] == "–" else int(match["expected"]),
            component=match["component"] or "",
            note=match["note"],
        )
        for match in found
        if match is not None
    ]


def declared(cloud: str) -> set[str]:
    graph = json.loads((Path(__file__).parent / "graphs" / f"{CELLS[cloud]}.infra.json").read_text(encoding="utf-8"))
    return {row["type"] for row in graph if not row["type"].startswith(("twain:", "pulumi:"))}


@pytest.mark.parametrize("cloud", CELLS)
def test_every_type_that_a_cell_declares_has_a_row_and_every_row_is_declared(cloud: str) -> None:
    page = [row.type for row in rows(cloud) if row.component in COMPONENTS and not row.asked_for]
    assert sorted(page) == sorted(declared(cloud))


@pytest.mark.parametrize("cloud", CELLS)
def test_what_is_not_there_has_a_reason_and_what_is_asked_for_a_component(cloud: str) -> None:
    types = [row.type for row in rows(cloud)]
    assert len(types) == len(set(types))
    for row in rows(cloud):
        assert row.component or len(row.note) >= 20, row
        if not row.component or row.asked_for:
            assert row.type not in declared(cloud), row


@pytest.mark.parametrize("cloud", CELLS)
def test_the_whole_list_is_accounted_for(cloud: str) -> None:
    assert sum(row.expected for row in rows(cloud)) == EXPECTED[cloud]


@pytest.mark.parametrize("cloud", CELLS)
def test_a_component_declares_what_the_page_says_of_it(cloud: str) -> None:
    for row in rows(cloud):
        if row.component not in COMPONENTS:
            continue
        folder = ROOT / "components" / row.component
        source = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob(f"{cloud}*.py")))
        assert f".{row.type.rsplit(':', 1)[1]}(" in source, row
