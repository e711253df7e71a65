from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rehearsal.programs.truth import nearest_rank, truth
from rehearsal.programs.truthlog import Finished, write

if TYPE_CHECKING:
    from pathlib import Path


def _finished(completed: float, *, workload: str = "advisor", ttft: float | None = 0.5, **rest: object) -> Finished:
    values: dict[str, object] = {
        "pod": "p",
        "namespace": "maison-aurelia",
        "maison": "aurelia",
        "workload": workload,
        "model": "m",
        "arrived": completed - 1,
        "completed": completed,
        "ttft": ttft,
        "e2e": 1.0,
        "queue": 0.0,
        "itl": (0.1, 0.3),
        "prompt_tokens": 10,
        "generation_tokens": 3,
        "finished_reason": "stop",
        "streamed": False,
    }
    return Finished(**{**values, **rest})  # type: ignore[arg-type]


def _path(tmp_path: Path, cell: str = "cn-sha-1", world: str = "cn") -> Path:
    return tmp_path / world / "cells" / cell / "truth.sqlite"


@pytest.mark.parametrize(
    ("count", "percent", "rank"), [(1, 99, 1), (20, 95, 19), (100, 99, 99), (100, 50, 50), (101, 50, 51), (10, 95, 10)]
)
def test_nearest_rank_is_exact_in_whole_numbers(count: int, percent: int, rank: int) -> None:
    assert nearest_rank([float(value) for value in range(1, count + 1)], percent) == rank


def test_nothing_has_no_quantile() -> None:
    assert nearest_rank([], 50) is None


def test_a_window_holds_its_begin_and_not_its_end(tmp_path: Path) -> None:
    path = _path(tmp_path)
    write(path, [_finished(100.0), _finished(150.0), _finished(200.0)])
    (row,) = truth([path], from_=100, to=200)
    assert row["requests"] == 2
    assert row["tokens"] == {"prompt": 20, "generation": 6}
    assert row["window"] == {"from": "1970-01-01T00:01:40Z", "to": "1970-01-01T00:03:20Z"}


def test_a_request_without_first_token_counts_but_has_no_ttft(tmp_path: Path) -> None:
    path = _path(tmp_path)
    write(path, [_finished(100.0, ttft=None, itl=())])
    (row,) = truth([path], from_=0, to=200)
    assert row["requests"] == 1
    assert row["ttft"]["p50"] == {"value": None}
    assert row["itl"]["p99"] == {"value": None}


def test_groups_join_cells_and_keep_workloads_apart(tmp_path: Path) -> None:
    one, other = _path(tmp_path), _path(tmp_path, "eu-ams-1", "row")
    write(one, [_finished(100.0), _finished(101.0, workload="coder")])
    write(other, [_finished(100.0, ttft=0.7)])
    assert len(truth([one, other], from_=0, to=200)) == 3
    rows = truth([one, other, tmp_path / "row/cells/eu-par-1/truth.sqlite"], from_=0, to=200, group=("workload",))
    assert [(row["workload"], row["requests"]) for row in rows] == [("advisor", 2), ("coder", 1)]
    assert rows[0]["ttft"]["p99"] == {"value": 0.7}
    assert "cell" not in rows[0]


def test_an_unknown_group_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot group by pod"):
        truth([_path(tmp_path)], from_=0, to=1, group=("pod",))


def test_floats_survive_to_the_last_bit(tmp_path: Path) -> None:
    path = _path(tmp_path)
    value = 0.1 + 0.2
    write(path, [_finished(100.0, ttft=value, itl=(value,))])
    (row,) = truth([path], from_=0, to=200)
    assert row["ttft"]["p50"]["value"] == value
    assert row["itl"]["p50"]["value"] == value
