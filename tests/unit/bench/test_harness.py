"""The arithmetic behind the published figures. Nothing here measures time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench import harness

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]
SCRIPTS = sorted(path.name for path in (ROOT / "bench").glob("*.py") if path.name != "harness.py")


def test_every_case_runs_once_per_round_and_the_first_round_does_not_count() -> None:
    order: list[str] = []

    def case(name: str) -> Callable[[], float]:
        def run() -> float:
            order.append(name)
            return float(len(order))

        return run

    taken = harness.interleaved({"a": case("a"), "b": case("b")}, rounds=5)
    assert {name: len(values) for name, values in taken.items()} == {"a": 5, "b": 5}
    assert [sorted(order[i : i + 2]) for i in range(0, 12, 2)] == [["a", "b"]] * 6
    assert min(min(values) for values in taken.values()) > 2


def test_a_ratio_is_that_of_the_medians_and_lies_in_its_interval() -> None:
    found = harness.ratio([2.0, 4.0, 6.0, 4.0], [1.0, 2.0, 3.0, 2.0])
    assert found.value == 2.0
    assert found.low <= found.value <= found.high


def test_a_machine_that_slows_down_half_way_does_not_change_the_ratio() -> None:
    ours, theirs = [3.0] * 10 + [9.0] * 10, [1.0] * 10 + [3.0] * 10
    found = harness.ratio(ours, theirs)
    assert (found.low, found.value, found.high) == (3.0, 3.0, 3.0)


@pytest.mark.parametrize(
    ("values", "median", "p95"), [([1.0], 1.0, 1.0), ([float(n) for n in range(1, 21)], 10.5, 19.0), ([3, 1, 2], 2, 3)]
)
def test_the_spread_is_by_nearest_rank(values: list[float], median: float, p95: float) -> None:
    found = harness.spread(values)
    assert (found["median"], found["p95"], found["min"], found["n"]) == (median, p95, min(values), len(values))


def test_a_result_is_one_dated_line_with_its_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "ROOT", tmp_path)
    monkeypatch.setattr(harness, "RESULTS", tmp_path / "results")
    on = harness.machine()
    for figure in (1, 2):
        harness.append("some", {"figure": figure}, on=on)
    lines = [json.loads(line) for line in (tmp_path / "results" / "some.jsonl").read_text().splitlines()]
    assert [line["figure"] for line in lines] == [1, 2]
    assert lines[0]["machine"] == on
    assert lines[0]["at"].endswith("+00:00")
    assert {"cpu", "cores", "memoryGiB", "kernel", "python", "load", "quiet"} <= set(on)


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_readme_tells_how_to_run_each_script(script: str) -> None:
    assert f"python bench/{script}" in (ROOT / "bench" / "README.md").read_text(encoding="utf-8")
