"""A fleet that was never up: an engine, no cell, no control plane. What can be said of it before it costs anything."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal import processes
from rehearsal.home import WORLDS, Home
from rehearsal.inspect import resident_bytes
from tests import generated_fleet
from tests.integration.small import Small

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CELLS = 3
_EVERY_S = 0.1


@dataclass
class Watch:
    """What ran while a command was at work: the most engines at once, the most memory of all processes together."""

    engines: int = 0
    peak_bytes: int = 0
    programs: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class NeverUp:
    """A prepared rehearsal of a generated fleet, without a cell."""

    small: Small
    fleet: Path

    def operator(self, world: str, *args: str, timeout: float = 600) -> tuple[int, str]:
        return self.small.twain("rehearse", "shell", "--world", world, "--", "twain", *args, timeout=timeout)

    @contextmanager
    def watched(self) -> Iterator[Watch]:
        """Look at every process of the rehearsal until the block ends."""
        seen, done = Watch(), threading.Event()

        def look() -> None:
            while not done.wait(_EVERY_S):
                running = processes.find(self.small.home.root)
                named = [one.command for one in running]
                seen.engines = max(
                    seen.engines, sum(" preview " in f"{one} " and "pulumi" in one.split(" ")[0] for one in named)
                )
                seen.peak_bytes = max(seen.peak_bytes, sum(resident_bytes(one.pid) for one in running))
                seen.programs.update(named)

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield seen
        finally:
            done.set()
            thread.join()


@contextmanager
def never_up(folder: Path, *, cells: int) -> Iterator[NeverUp]:
    """Prepare one; taken down at the end, and nothing of it may be left."""
    fleet = generated_fleet.write(folder / "fleet.yaml", cells=cells)
    small = Small(Home(folder / "r"))
    try:
        code, words = small.twain("rehearse", "up", "--no-cells", "--fleet", str(fleet))
        assert code == 0, words
        yield NeverUp(small, fleet)
    finally:
        small.down()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NeverUp]:
    with never_up(tmp_path_factory.mktemp("never"), cells=CELLS) as made:
        yield made


def envelope(words: str) -> dict[str, Any]:
    """The JSON document in what a command printed, its notes aside."""
    return json.JSONDecoder().raw_decode(words[words.index("{") :])[0]


def test_preparing_brings_no_cell_up_and_leaves_no_process(prepared: NeverUp) -> None:
    assert not list(prepared.small.everything())
    assert not list(prepared.small.home.root.glob("*/cells/*"))
    code, words = prepared.small.twain("rehearse", "up", "--no-cells", "--fleet", str(prepared.fleet))
    assert code == 0, words
    assert "brought no cell up" in words


@pytest.mark.parametrize("world", WORLDS)
def test_every_stack_of_both_layers_is_previewed_and_no_control_plane_runs(prepared: NeverUp, world: str) -> None:
    with prepared.watched() as seen:
        code, words = prepared.operator(world, "stack", "preview", "--all", "-o", "json")
    assert code == 0, words
    items = envelope(words)["items"]
    assert sorted((item["cell"], item["layer"]) for item in items) == sorted(
        (cell["name"], layer)
        for cell in generated_fleet.document(cells=CELLS)["spec"]["cells"]
        for layer in ("infra", "platform")
    )
    for item in items:
        own = item["world"] == world
        engine = own and item["layer"] == "infra"
        assert item["source"] == ("engine" if engine else "planned from spec"), item
        assert len(item["resources"]) > 20
        assert item["changes"]["create"] == (len(item["resources"]) if own else None)
    assert 1 <= seen.engines <= 2
    assert not [one for one in seen.programs if "kube-apiserver" in one or "etcd" in one]


def test_a_preview_leaves_only_empty_stacks(prepared: NeverUp) -> None:
    code, words = prepared.operator("row", "stack", "list", "-o", "json")
    assert code == 0, words
    assert {item["state"] for item in envelope(words)["items"]} == {"empty"}
