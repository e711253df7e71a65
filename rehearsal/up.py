"""`rehearse up`: the main job on one machine, from nothing to a summary of what was found. Safe to repeat and to resume."""

from __future__ import annotations

import sys

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from rehearsal import setup, tools
from rehearsal.setup import Rehearsal
from rehearsal.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from components.spec.model import Cell
    from rehearsal.home import Home

T = TypeVar("T")

# Two engines at once: each costs a provider, a language host and a program, and the reference machine has two cores.
_ENGINES = 2


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `rehearse up` was asked for. `cells` empty means all cells of the fleet."""

    fleet: Path
    speed: float
    cells: tuple[str, ...] = ()
    workload: Path | None = None


@dataclass(kw_only=True)
class Outcome:
    """What came up, and how long each step took, in seconds."""

    cells: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


def bring_up(home: Home, options: Options, say: Callable[[str], None]) -> Outcome:
    """Bring the rehearsal up. Raises the error of the first part that failed; what is up stays up and a second run resumes."""
    with setup.locked(home):
        setup.create_home(home, speed=options.speed)
        steps = Steps(home.journal, say)
        say(f"rehearsal {home.name} in {home.root}")
        rehearsal = setup.open_rehearsal(home, options.fleet)
        cells = [cell for cell in rehearsal.fleet.cells if not options.cells or cell.name in options.cells]
        worlds = [world for world in rehearsal.worlds if any(cell.world == world for cell in cells)]
        steps.run("tools", lambda: setup.install_tools(home, tools.to_stream(sys.stderr)), label="tools: nine binaries")
        for world in worlds:
            steps.run(f"world.{world}", lambda world=world: setup.prepare_world(rehearsal, world))
        _cells(rehearsal, cells, steps)
        for world in worlds:
            steps.run(f"operator.{world}", lambda world=world: setup.write_operator(rehearsal, world, {}))
        return Outcome(cells=[cell.name for cell in cells], seconds=dict(steps.durations))


def _cells(rehearsal: Rehearsal, cells: list[Cell], steps: Steps) -> None:
    """All infra stacks, then all platform stacks: a gate's platform needs the facts of its world's other cells."""
    for layer in setup.LAYERS:
        _each(cells, lambda cell, layer=layer: _stack(rehearsal, cell, layer, steps))


def _stack(rehearsal: Rehearsal, cell: Cell, layer: str, steps: Steps) -> None:
    stack = rehearsal.stack(cell.name, layer)
    steps.run(
        f"stack.{cell.name}.{layer}",
        lambda: setup.stack_up(rehearsal, cell, layer),
        label=f"{cell.world}/{cell.name}: {stack} up ({cell.cloud}, {cell.region})",
    )
    if layer == "infra":
        steps.run(f"discover.{cell.name}", lambda: setup.after_infra(rehearsal, cell))
        steps.run(f"facts.{cell.name}", lambda: setup.write_cell_facts(rehearsal, cell))
    else:
        steps.run(f"secrets.{cell.name}", lambda: setup.after_platform(rehearsal, cell))


def _each(items: Iterable[T], action: Callable[[T], None]) -> None:
    """Run the action for every item, at most `_ENGINES` at once; every item is tried, then the first error is raised."""
    with ThreadPoolExecutor(max_workers=_ENGINES) as pool:
        futures = [pool.submit(action, item) for item in items]
    errors = [error for future in futures if (error := future.exception()) is not None]
    if errors:
        raise errors[0]
