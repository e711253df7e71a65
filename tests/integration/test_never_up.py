"""A fleet that was never up: an engine, no cell, no control plane. What can be said of it before it costs anything."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal import processes
from rehearsal.home import WORLDS, Home
from rehearsal.inspect import resident_bytes
from tests import generated_fleet
from tests.integration.small import Small

if TYPE_CHECKING:
    from collections.abc import Iterator

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
                engines = {one.pid for one in running if _is_engine(one.command)}
                # What an engine has just forked has its command line until it becomes another program.
                seen.engines = max(seen.engines, sum(_parent(pid) not in {None, *engines} for pid in engines))
                seen.peak_bytes = max(seen.peak_bytes, sum(resident_bytes(one.pid) for one in running))
                seen.programs.update(one.command for one in running)

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield seen
        finally:
            done.set()
            thread.join()


def _is_engine(command: str) -> bool:
    return " preview " in f"{command} " and "pulumi" in command.split(" ")[0]


def _parent(pid: int) -> int | None:
    """The process that began another one; None when that is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    except OSError:
        return None


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


def test_a_second_preview_and_parity_know_that_empty_stacks_are_not_up(prepared: NeverUp) -> None:
    code, words = prepared.operator("row", "stack", "preview", "--layer", "platform", "-o", "json")
    assert code == 0, words
    assert {item["source"] for item in envelope(words)["items"]} == {"planned from spec"}
    code, words = prepared.operator("row", "parity", "check", "--world", "row", "-o", "json")
    assert code == 13, words
    assert {error["id"] for error in envelope(words)["errors"]} == {"CELL-404"}
