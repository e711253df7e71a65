"""Waivers as files: what is wrong about them is told of all at once, and what is written reads back."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from components.errors import SpecError
from components.parity import waivers
from components.spec.model import Waiver

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 11, 20)


def put(folder: Path, name: str, *, drop: str = "", **changes: str) -> Path:
    fields = {
        "capability": "api.private",
        "cells": "[eu-par-1]",
        "owner": "platform@example.com",
        "reason": "the tunnel is built next month",
        "until": "2026-12-31",
    }
    fields |= {key: value for key, value in changes.items() if key != "id"}
    body = "".join(f"  {key}: {value}\n" for key, value in fields.items() if key != drop)
    path = folder / f"{name}.yaml"
    identifier = changes.get("id", name)
    path.write_text(
        f"apiVersion: twain/v1\nkind: Waiver\nmetadata: {{id: {identifier}}}\nspec:\n{body}", encoding="utf-8"
    )
    return path


def problems(*places: Path) -> list[str]:
    with pytest.raises(SpecError) as caught:
        waivers.load(places)
    return [str(problem) for problem in caught.value.problems]


def test_a_waiver_without_an_end_is_refused_in_words_that_say_why(tmp_path: Path) -> None:
    path = put(tmp_path, "W-1", drop="until")
    (problem,) = problems(tmp_path)
    assert problem == (
        f"SPEC-MISSING {path}:4 (spec.until): a waiver without an end would be a permission for ever. "
        "Fix: add until: YYYY-MM-DD, the last day on which it counts"
    )


@pytest.mark.parametrize(
    ("change", "place", "said"),
    [
        ({"capability": "api.privat"}, "spec.capability", "did you mean api.private?"),
        ({"since": "2027-01-01"}, "spec.since", "it ends on 2026-12-31, before it begins"),
        ({"until": "soon"}, "spec.until", "date"),
        ({"owner": "x"}, "spec.owner", "at least 2"),
        ({"owner": "'    '"}, "spec.owner", "at least 2"),
        ({"reason": "'            '"}, "spec.reason", "at least 10"),
        ({"reason": "because"}, "spec.reason", "at least 10"),
        ({"cells": "[]"}, "spec.cells", "at least 1"),
        ({"nutil": "2026-12-31"}, "spec.nutil", "did you mean 'until'?"),
    ],
)
def test_what_is_wrong_about_a_waiver_is_told_with_its_place(
    tmp_path: Path, change: dict[str, str], place: str, said: str
) -> None:
    put(tmp_path, "W-1", **change)
    (problem,) = problems(tmp_path)
    assert f"({place})" in problem
    assert said in problem


def test_two_that_excuse_the_same_on_the_same_day_contradict_each_other(tmp_path: Path) -> None:
    first = put(tmp_path, "W-1", cells="[eu-par-1, eu-ams-1]")
    second = put(tmp_path, "W-2", until="2027-03-31", owner="security@example.com")
    (problem,) = problems(tmp_path)
    assert problem.startswith(
        f"SPEC-WAIVER {second}:6 (spec.cells): W-2 and W-1 ({first}) both excuse api.private of eu-par-1"
    )
    assert "until 2027-03-31 for security@example.com, until 2026-12-31 for platform@example.com" in problem


def test_one_after_the_other_of_other_cells_and_of_other_capabilities_agree(tmp_path: Path) -> None:
    put(tmp_path, "W-1")
    put(tmp_path, "W-2", since="2027-01-01", until="2027-03-31")
    put(tmp_path, "W-3", cells="[eu-ams-1]")
    put(tmp_path, "W-4", capability="audit.log")
    found = {one.waiver.id: waivers.standing(one.waiver, TODAY) for one in waivers.load([tmp_path])}
    assert found == {"W-1": "active", "W-2": "future", "W-3": "active", "W-4": "active"}
    assert waivers.standing(waivers.load([tmp_path / "W-1.yaml"])[0].waiver, date(2027, 1, 1)) == "expired"


def test_one_id_is_taken_once_and_a_file_that_is_named_twice_counts_once(tmp_path: Path) -> None:
    path = put(tmp_path, "W-1")
    assert len(waivers.load([tmp_path, path])) == 1
    put(tmp_path, "more", id="W-1", capability="audit.log")
    (problem,) = problems(tmp_path)
    assert "this id is taken by" in problem


def test_the_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    put(tmp_path, "W-1", drop="until")
    put(tmp_path, "W-2", capability="nothing.like.it")
    put(tmp_path, "W-3", drop="owner")
    assert len(problems(tmp_path, tmp_path / "absent")) == 4


def test_what_is_written_reads_back_whatever_a_person_wrote(tmp_path: Path) -> None:
    given = Waiver(
        id="W-9",
        capability="kubernetes.minor",
        cells=("cn-sha-1", "eu-par-1"),
        owner='ann "the boss" <ann@example.com>',
        reason="第一行: # no comment\n  - until: never, & *alias",
        since=date(2026, 11, 1),
        until=date(2027, 1, 31),
        value="1.35",
    )
    path = tmp_path / "W-9.yaml"
    path.write_text(waivers.text(given), encoding="utf-8")
    (found,) = waivers.load([path])
    assert found.waiver == given
