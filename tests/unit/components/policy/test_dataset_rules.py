"""Datasets of a fleet: what is wrong about readers and worlds, all at once and each with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.errors import ResidencyError, SpecError
from components.policy import spec_rules
from components.policy.dataset_rules import MOST_OF_ONE_READER

FLEET = Path(__file__).resolve().parents[4] / "stacks" / "fleets" / "rehearsal.yaml"


def file_with(tmp_path: Path, *datasets: str) -> Path:
    text = FLEET.read_text(encoding="utf-8")
    listed = "".join(f"    - {{{one}}}\n" for one in datasets)
    path = tmp_path / "fleet.yaml"
    path.write_text(text.replace("  template:\n", f"  datasets:\n{listed}  template:\n", 1), encoding="utf-8")
    return path


def wrong(tmp_path: Path, *datasets: str) -> list[tuple[str, str]]:
    with pytest.raises(SpecError) as caught:
        spec_rules.load_checked(file_with(tmp_path, *datasets))
    assert all(problem.line for problem in caught.value.problems)
    return [(problem.code, problem.where) for problem in caught.value.problems]


def test_dedicated_and_shared_datasets_are_taken(tmp_path: Path) -> None:
    fleet = spec_rules.load_checked(
        file_with(
            tmp_path,
            "name: own, maison: aurelia, worlds: [cn], origin: cn-personal",
            "name: both, maison: aurelia, share: shared, readers: [calisto], worlds: [cn, row], origin: none",
            "name: unsaid, maison: calisto, worlds: [row]",
        )
    )
    assert [one.read_by for one in fleet.datasets] == [("aurelia",), ("aurelia", "calisto"), ("calisto",)]
    assert [one.name for one in fleet.datasets_of("cn")] == ["own", "both"]


def test_everything_that_is_wrong_about_readers_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    found = wrong(
        tmp_path,
        "name: a, maison: nobody, worlds: [cn], origin: none",
        "name: b, maison: aurelia, readers: [calisto], worlds: [cn], origin: none",
        "name: c, maison: aurelia, share: shared, worlds: [cn], origin: none",
        "name: d, maison: aurelia, share: shared, readers: [aurelia, ghost], worlds: [cn], origin: none",
        "name: d, maison: aurelia, worlds: [cn], origin: none",
    )
    assert sorted(found) == [
        ("SPEC-DATASET", "spec.datasets[0].maison"),
        ("SPEC-DATASET", "spec.datasets[1].readers"),
        ("SPEC-DATASET", "spec.datasets[2].share"),
        ("SPEC-DATASET", "spec.datasets[3].readers[0]"),
        ("SPEC-DATASET", "spec.datasets[3].readers[1]"),
        ("SPEC-DUPLICATE", "spec.datasets[4].name"),
    ]


@pytest.mark.parametrize(
    ("dataset", "where"),
    [
        ("origin: cn-personal, worlds: [row]", "worlds[0]"),
        ("origin: cn-personal, worlds: [cn, row]", "worlds[1]"),
        ("origin: row-personal, worlds: [cn, row]", "worlds[0]"),
        ("origin: unknown, worlds: [cn, row]", "origin"),
        ("worlds: [cn, row]", "origin"),
    ],
)
def test_data_is_read_in_no_world_that_its_origin_forbids(tmp_path: Path, dataset: str, where: str) -> None:
    with pytest.raises(ResidencyError) as caught:
        spec_rules.load_checked(file_with(tmp_path, f"name: a, maison: aurelia, {dataset}"))
    assert [(one.code, one.where) for one in caught.value.problems] == [("RES-021", f"spec.datasets[0].{where}")]


def test_a_maison_that_reads_more_than_the_narrowest_cloud_grants_is_told(tmp_path: Path) -> None:
    many = [
        f"name: d{number}, maison: aurelia, worlds: [row], origin: none" for number in range(MOST_OF_ONE_READER + 1)
    ]
    assert wrong(tmp_path, *many) == [("SPEC-DATASET", "spec.maisons[0].name")]
    assert len(spec_rules.load_checked(file_with(tmp_path, *many[1:])).datasets) == MOST_OF_ONE_READER


@pytest.mark.parametrize("readers", ["[calisto, calisto]", "calisto", "[NoName!]"])
def test_readers_are_a_list_of_names_each_once(tmp_path: Path, readers: str) -> None:
    found = wrong(tmp_path, f"name: a, maison: aurelia, share: shared, readers: {readers}, worlds: [cn], origin: none")
    assert any(where.startswith("spec.datasets[0].readers") for _, where in found)
