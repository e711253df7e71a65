"""Figures against the truth: the command line prints what the engines recorded, in every cell, from both worlds."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal import traffic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.conftest import Ran, Stage

CELLS = {"cn-sha-1": "cn", "eu-ams-1": "row", "eu-par-1": "row"}
WORKLOAD = "advisor"
RATE, LOAD_S = 5.0, 40.0
SCRAPE_S = 5.0
# The window begins and ends this long outside the load: two scrapes of every pod.
MARGIN_S = 2 * SCRAPE_S + 1
PHASES = ("ttft", "itl", "e2e", "queue")


def stamp(at: float) -> str:
    return datetime.fromtimestamp(at, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def by_cell(ran: Ran) -> dict[str, dict[str, Any]]:
    """The one row of the workload under load per cell; other tests may have had others there, minutes ago."""
    found = [item for item in ran.items if item.get("workload", WORKLOAD) == WORKLOAD]
    assert len({item["cell"] for item in found}) == len(found), found
    return {item["cell"]: item for item in found}


class Loaded:
    """A rehearsal after a seeded load, with nothing else around it. `asked` is requests per second and seconds."""

    def __init__(
        self, stage: Stage, asked: tuple[float, float], load: dict[str, dict[str, Any]], window: tuple[float, float]
    ) -> None:
        self.stage, self.asked, self.load, self.window = stage, asked, load, window

    def truth(self, start: float, end: float) -> dict[str, dict[str, Any]]:
        return by_cell(
            self.stage.checked("rehearse", "truth", "--from", stamp(start), "--to", stamp(end), "-o", "json")
        )

    def printed(self, world: str, start: float, end: float) -> dict[str, dict[str, Any]]:
        asked = ("metrics", "latency", "--from", stamp(start), "--to", stamp(end), "-o", "json")
        ran = self.stage.operator(world, *asked)
        assert ran.code == 0, ran.out + ran.err
        return by_cell(ran)


@pytest.fixture(scope="module")
def loaded(stage: Stage) -> Iterator[Loaded]:
    yield from under_load(stage, rate=RATE, seconds=LOAD_S)


def under_load(stage: Stage, *, rate: float, seconds: float) -> Iterator[Loaded]:
    """Send a seeded load into every cell, with margins of silence; light traffic rests until the caller is done."""
    places = [traffic.Place(home=stage.home, world=world, cell=cell) for cell, world in CELLS.items()]
    # Paused before and after the load too, so that the margins of the window are truly empty.
    with traffic.light_paused(places):
        # What was in flight comes home, and every pod is scraped once more: the first edge may see one scrape back.
        time.sleep(SCRAPE_S + 3)
        begin = time.time()
        time.sleep(MARGIN_S)
        ran = stage.checked(
            "rehearse", "load", "--rate", f"{rate:g}", "--duration", f"{seconds:g}s", "--seed", "7", "-o", "json"
        )
        for place in places:
            place.pause_file.write_text(f"{os.getpid()}\n")
        time.sleep(MARGIN_S)
        yield Loaded(stage, (rate, seconds), by_cell(ran), (begin, time.time()))


def test_the_generator_says_what_was_asked_and_what_was_achieved(loaded: Loaded) -> None:
    assert set(loaded.load) == set(CELLS)
    for item in loaded.load.values():
        rate, seconds = loaded.asked
        assert item["askedRate"] == rate
        assert item["achievedRate"] == pytest.approx(item["sent"] / seconds, rel=0.1)
        assert item["sent"] == item["answered"] == item["statuses"]["200"]
        # Seeded: about a third is streamed, and an answer has 8 to 32 tokens.
        assert 0.2 < item["streamed"] / item["sent"] < 0.5
        assert 8 <= item["tokens"]["generation"] / item["sent"] <= 32


def test_outside_of_the_load_counts_are_equal_and_every_quantile_lies_in_its_bucket(loaded: Loaded) -> None:
    truth = loaded.truth(*loaded.window)
    for world in ("cn", "row"):
        printed = loaded.printed(world, *loaded.window)
        assert set(printed) == set(truth) == set(CELLS)
        for cell, true in truth.items():
            row = printed[cell]
            assert true["requests"] == loaded.load[cell]["sent"] > 0
            assert (row["requests"], row["tokens"]) == (true["requests"], true["tokens"])
            for phase in PHASES:
                for name, quantile in true[phase].items():
                    bucket = row[phase][name]
                    where = f"{world} sees {cell} {phase} {name}: {quantile} in {bucket}"
                    assert bucket["low"] <= quantile["value"], where
                    assert bucket["high"] is None or quantile["value"] <= bucket["high"], where


def test_a_window_cut_inside_the_load_is_wrong_by_a_scrape_interval_per_edge_at_most(loaded: Loaded) -> None:
    middle = sum(loaded.window) / 2
    start, end = middle - 8, middle + 8
    truth = loaded.truth(start, end)
    printed = {cell: loaded.printed(world, start, end)[cell] for cell, world in CELLS.items()}
    near = [loaded.truth(edge + side, edge + side + SCRAPE_S) for edge in (start, end) for side in (-SCRAPE_S, 0.0)]
    for cell, true in truth.items():
        counts = [found[cell]["requests"] if cell in found else 0 for found in near]
        bound = max(counts[:2]) + max(counts[2:])
        assert abs(printed[cell]["requests"] - true["requests"]) <= bound, (cell, printed[cell], true)


def test_both_worlds_read_the_same_figures_of_a_cell(loaded: Loaded) -> None:
    seen = {world: loaded.printed(world, *loaded.window) for world in ("cn", "row")}
    for cell in CELLS:
        ours, theirs = seen["cn"][cell], seen["row"][cell]
        for key in ("requests", "tokens", "window", *PHASES):
            assert ours[key] == theirs[key], (cell, key)


def gpus_of_nodes(stage: Stage) -> dict[str, int]:
    """How many GPUs the Nodes of each cell have, asked of the API servers."""
    found: dict[str, int] = {}
    for cell, world in CELLS.items():
        admin = str(stage.cell(cell) / "admin.kubeconfig")
        nodes = stage.shell(world, "kubectl", "--kubeconfig", admin, "get", "nodes", "-o", "json").json["items"]
        found[cell] = sum(int(node["status"]["allocatable"].get("nvidia.com/gpu", 0)) for node in nodes)
    return found


def test_gpus_are_listed_singly_at_home_and_by_class_abroad(stage: Stage) -> None:
    for _ in range(10):
        nodes = gpus_of_nodes(stage)
        seen = {world: stage.operator(world, "metrics", "gpu", "-o", "json").items for world in ("cn", "row")}
        # Pools grow and shrink by themselves: only a look at a fleet that stood still says anything.
        if gpus_of_nodes(stage) == nodes:
            break
    for world, items in seen.items():
        for cell, home in CELLS.items():
            rows = [item for item in items if item["cell"] == cell]
            level = "gpu" if home == world else "class"
            assert {row["level"] for row in rows} == {level}
            assert sum(row["count"] for row in rows) == nodes[cell] >= 2
            assert len(rows) == (nodes[cell] if level == "gpu" else 1)
            assert {row["node"] is None for row in rows} == {level == "class"}
