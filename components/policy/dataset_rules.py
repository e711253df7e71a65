"""Rules over the datasets of a fleet: who reads them, and in which world they may lie. All problems at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.errors import Problem
from components.policy.kube_objects import ELSEWHERE
from components.spec import sharing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.spec.model import Dataset, Fleet

# A principal of GCP has at most 20 conditional bindings of one role on one bucket; one of them is for its own part.
MOST_OF_ONE_READER = 19


def datasets(fleet: Fleet, path: str) -> Iterator[Problem]:
    """Every problem of every dataset, in the order of the file."""
    for index, dataset in enumerate(fleet.datasets):
        where = f"spec.datasets[{index}]"
        yield from _readers(fleet, dataset, path, where)
        yield from _worlds(fleet, dataset, path, where)
    for index, maison in enumerate(fleet.maisons):
        for world in fleet.worlds:
            count = sum(maison.name in dataset.read_by for dataset in fleet.datasets_of(world))
            if count > MOST_OF_ONE_READER:
                yield Problem(
                    code="SPEC-DATASET",
                    path=path,
                    where=f"spec.maisons[{index}].name",
                    line=0,
                    message=(
                        f"maison {maison.name} reads {count} datasets in world {world}; its identity on gcp can be "
                        f"given {MOST_OF_ONE_READER}."
                    ),
                    value=maison.name,
                    fix="put what the same maisons read into one dataset",
                )


def _readers(fleet: Fleet, dataset: Dataset, path: str, where: str) -> Iterator[Problem]:
    known = {maison.name for maison in fleet.maisons}

    def problem(field: str, message: str, value: str, fix: str) -> Problem:
        text = f"dataset {dataset.name}: {message}"
        return Problem(
            code="SPEC-DATASET", path=path, where=f"{where}.{field}", line=0, message=text, value=value, fix=fix
        )

    if dataset.maison not in known:
        fix = f"use one of {', '.join(sorted(known)) or 'none: the fleet has no maison'}"
        yield problem("maison", f"the fleet has no maison {dataset.maison!r}.", dataset.maison, fix)
    for fault in (*sharing.strangers(dataset, known), *sharing.contradictions(dataset, "dataset")):
        yield problem(fault.field, fault.message, fault.value, fault.fix)


def _worlds(fleet: Fleet, dataset: Dataset, path: str, where: str) -> Iterator[Problem]:
    for place, world in enumerate(dataset.worlds):
        spot = f"{where}.worlds[{place}]"
        if world not in fleet.worlds:
            yield Problem(
                code="SPEC-DATASET",
                path=path,
                where=spot,
                line=0,
                message=f"dataset {dataset.name}: the fleet has no world {world}.",
                value=world,
                fix=f"use one of {', '.join(fleet.worlds)}",
            )
        if ELSEWHERE.get(dataset.origin) == world:
            yield Problem(
                code="RES-021",
                path=path,
                where=spot,
                line=0,
                message=(
                    f"dataset {dataset.name}: data of origin {dataset.origin} may not be in world {world}, and so "
                    f"nobody there can read it."
                ),
                value=world,
                fix="keep it in its own world, or name its true origin",
            )
    if dataset.origin == "unknown" and len(dataset.worlds) > 1:
        yield Problem(
            code="RES-021",
            path=path,
            where=f"{where}.origin",
            line=0,
            message=(
                f"dataset {dataset.name}: it lies in {' and '.join(dataset.worlds)}, and nobody says where its data "
                f"comes from; what may be personal stays in one world."
            ),
            value="unknown",
            fix="name its origin, or keep it in one world",
        )
