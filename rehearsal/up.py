"""`rehearse up`: the main job on one machine, from nothing to a summary. Safe to repeat and to resume."""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from components.spec.load import load_workload
from rehearsal import bills, border, gates, keeper, processes, setup, tools, traffic
from rehearsal.engine.pulumi import interrupt
from rehearsal.kube import controlplane
from rehearsal.programs.truth import truth
from rehearsal.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from components.spec.model import Cell, Workload
    from rehearsal.home import Home
    from rehearsal.setup import Rehearsal

T = TypeVar("T")

# Two engines at once: each costs a provider, a language host and a program, and the reference machine has two cores.
_ENGINES = 2
# The first load, so that there is something to see: enough requests for the telemetry contract's smallest group.
_FIRST_RATE, _FIRST_S, _ENOUGH = 4.0, 10.0, 30
# After traffic ends a window is whole once every pod was scraped again.
_SETTLE_S = 6.0
_ASK = "15m"
_FOR_SUMMARY = {
    "serve": ["serve", "list"],
    "latency": ["metrics", "latency", "--since", _ASK],
    "cost": ["cost", "report"],
}


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `rehearse up` was asked for. `cells` empty means all cells of the fleet; no workload, no traffic. With
    `for_plans` it stops where stacks can be previewed and none is up.
    """

    fleet: Path
    speed: float
    cells: tuple[str, ...] = ()
    workload: Path | None = None
    for_plans: bool = False


@dataclass(kw_only=True)
class Outcome:
    """What came up. `seconds` per step; `asker` is the world whose operator asked, `seen` what its verbs printed:
    (command line, exit code, output), `items` their JSON for the summary. `first_token_s` counts from the start until
    each world had given a token.
    """

    home: Path
    cells: list[Cell] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    total_s: float = 0.0
    asker: str = ""
    seen: list[tuple[str, int, str]] = field(default_factory=list)
    items: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    report: Path | None = None
    first_token_s: float | None = None


def bring_up(home: Home, options: Options, say: Callable[[str], None]) -> Outcome:
    """Bring the rehearsal up. Raises the error of the first part that failed; a second run resumes."""
    began, began_at = time.monotonic(), time.time()
    # All that a person may have written wrongly is read before anything is made.
    rehearsal = setup.open_rehearsal(home, options.fleet)
    workload = load_workload(options.workload) if options.workload else None
    cells = _chosen(rehearsal, options.cells)
    with setup.locked(home):
        setup.create_home(home, speed=options.speed)
        steps = Steps(home.journal, say)
        say(f"rehearsal {home.name} in {home.root}")
        left = processes.end_leftovers(home.root)
        if left:
            say(f"  ended {left} processes that an interrupted run had left")
        worlds = [world for world in rehearsal.worlds if any(cell.world == world for cell in cells)]
        steps.run("ports", lambda: setup.check_ports(home))
        steps.run("tools", lambda: setup.install_tools(home, tools.to_stream(sys.stderr)), label="tools: ten binaries")
        if not options.for_plans:
            steps.run("keeper", lambda: keeper.start(home))
        for world in worlds:
            steps.run(f"world.{world}", lambda world=world: setup.prepare_world(rehearsal, world))
        if options.for_plans:
            return _for_plans(rehearsal, worlds, steps, began)
        _each(cells, lambda cell: steps.run(f"revive.{cell.name}", lambda: _revive(rehearsal, cell)))
        _stacks(rehearsal, cells, steps)
        _border(rehearsal, worlds, steps)
        outcome = Outcome(home=home.root, cells=cells, asker=worlds[-1])
        if workload is not None and options.workload is not None:
            serving = [cell for cell in cells if cell.world in workload.worlds]
            _serve(rehearsal, options.workload, workload, serving, steps)
            outcome.first_token_s = _first_token(home, serving, began_at)
        for world in worlds:
            steps.run(
                f"bills.{world}", lambda world=world: _bill(rehearsal, world), label=f"{world}: bills, and their sums"
            )
        flows = workload is not None
        label = f"what an operator of {outcome.asker} sees"
        steps.run("look", lambda: _look(home, outcome, flows=flows), label=label)
        outcome.seconds = dict(steps.durations)
        outcome.total_s = time.monotonic() - began
        return outcome


def _operators(rehearsal: Rehearsal, worlds: list[str], steps: Steps) -> None:
    """A context in each world, with the ways to the others that are known by now."""
    for world in worlds:
        entries = gates.entries(rehearsal, world)
        steps.run(
            f"operator.{world}", lambda world=world, entries=entries: setup.write_operator(rehearsal, world, entries)
        )


def _for_plans(rehearsal: Rehearsal, worlds: list[str], steps: Steps, began: float) -> Outcome:
    """The operators of the worlds, with an engine and no cell. What is up already stays up, and known."""
    _operators(rehearsal, worlds, steps)
    return Outcome(
        home=rehearsal.home.root,
        seconds=dict(steps.durations),
        total_s=time.monotonic() - began,
        asker=worlds[-1],
    )


def _chosen(rehearsal: Rehearsal, names: tuple[str, ...]) -> list[Cell]:
    known = {cell.name: cell for cell in rehearsal.fleet.cells}
    unknown = sorted(set(names) - set(known))
    if unknown:
        message = f"fleet {rehearsal.fleet.name} has no cell {', '.join(unknown)}; it has {', '.join(known)}"
        raise setup.UnknownCellError(message)
    return [cell for name, cell in known.items() if not names or name in names]


def _revive(rehearsal: Rehearsal, cell: Cell) -> None:
    controlplane.revive(rehearsal.home.world(cell.world), cell=cell.name)


def _stacks(rehearsal: Rehearsal, cells: list[Cell], steps: Steps) -> None:
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


def _border(rehearsal: Rehearsal, worlds: list[str], steps: Steps) -> None:
    """Contexts, the gates' tokens, and the recorder between the worlds."""
    home = rehearsal.home
    _operators(rehearsal, worlds, steps)
    ways = [way for way in gates.crossings(rehearsal) if {way.caller, way.world} <= set(worlds)]
    for way in ways:
        steps.run(f"gate.{way.world}", lambda way=way: gates.wait_ready(rehearsal, way.world))
        steps.run(f"token.{way.caller}-{way.world}", lambda way=way: gates.hand_over(home, way))
        label = f"border {way.caller} -> {way.world}: gate token handed over, recorder on"
        steps.run(f"border.{way.caller}-{way.world}", lambda way=way: border.start(way), label=label)
        entries = gates.entries(rehearsal, way.caller)
        steps.run(
            f"context.{way.caller}",
            lambda way=way, entries=entries: setup.write_operator(rehearsal, way.caller, entries),
        )


def _serve(rehearsal: Rehearsal, file: Path, workload: Workload, cells: list[Cell], steps: Steps) -> None:
    """Deploy as an operator does: from one world, into the other through its gate. Then let traffic flow."""
    home = rehearsal.home
    asker = cells[-1].world
    args = ["serve", "apply", "-f", str(file), "-y"]
    if len(cells) < len([cell for cell in rehearsal.fleet.cells if cell.world in workload.worlds]):
        args += [part for cell in cells for part in ("--cell", cell.name)]
    steps.run(
        "serve", lambda: setup.twain_checked(home, asker, args),
        label=f"twain serve apply -f {file.name} (asked in {asker})",
    )  # fmt: skip
    places = [traffic.Place(home=home, world=cell.world, cell=cell.name) for cell in cells]
    for place in places:
        steps.run(f"light.{place.cell}", lambda place=place: traffic.start_light(place, workload))
    if all(_requests(place) >= _ENOUGH for place in places):
        return
    label = f"traffic: {_FIRST_RATE:g} requests/s for {_FIRST_S:g} s into each gateway"
    steps.run(
        "traffic",
        lambda: traffic.send(places, workload, rate=_FIRST_RATE, duration=_FIRST_S, name="first"),
        label=label,
    )
    time.sleep(_SETTLE_S)


def _requests(place: traffic.Place) -> int:
    """How many requests the cell answered in the last quarter of an hour."""
    now = time.time()
    return sum(row["requests"] for row in truth([place.folder / "truth.sqlite"], from_=now - 900, to=now))


def _first_token(home: Home, cells: list[Cell], began_at: float) -> float | None:
    """Seconds from the start until every world had given a token; None when they had before."""
    firsts: dict[str, float] = {}
    for cell in cells:
        path = home.cell(cell.world, cell.name) / "truth.sqlite"
        if path.exists():
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
                (first,) = connection.execute("SELECT min(arrived + ttft) FROM requests").fetchone()
            if first is not None:
                firsts[cell.world] = min(first, firsts.get(cell.world, first))
    last = max(firsts.values(), default=0.0)
    return last - began_at if last > began_at and len(firsts) == len({cell.world for cell in cells}) else None


def _bill(rehearsal: Rehearsal, world: str) -> None:
    """The month's bills; their sums go to the gate, where the world has one by now."""
    home = rehearsal.home
    bills.emit(home.world(world), now=datetime.now(tz=UTC))
    if home.cell(world, rehearsal.gate_cell(world)).is_dir():
        setup.twain_checked(home, world, ["cost", "publish", "-y"])


def _look(home: Home, outcome: Outcome, *, flows: bool) -> None:
    """Ask what an operator asks. An answer with an exit code is an answer: it is shown as it came."""
    outcome.report = home.operator(outcome.asker) / "cost-report.html"
    asked: list[list[str]] = [["status"], ["parity", "check"]]
    if flows:
        asked += [["top", "gpu"], ["metrics", "latency", "--since", _ASK]]
    asked.append(["cost", "report"])
    for args in asked:
        extra = ["--html", str(outcome.report)] if args[0] == "cost" else []
        done = setup.twain(home, outcome.asker, [*args, *extra], timeout_s=120)
        words = done.stdout if done.returncode == 0 else done.stdout + done.stderr
        outcome.seen.append((f"twain {' '.join(args)}", done.returncode, words))
    for key, args in _FOR_SUMMARY.items():
        done = setup.twain(home, outcome.asker, [*args, "-o", "json"], timeout_s=120)
        if done.stdout.startswith("{"):
            outcome.items[key] = json.loads(done.stdout)["items"]


def _each(items: Iterable[T], action: Callable[[T], object]) -> None:
    """Run the action for every item, at most `_ENGINES` at once; all are tried, then the first error is raised.

    An interrupt is handed on to the engines: each ends what it is at, writes its state and stops.
    """
    with ThreadPoolExecutor(max_workers=_ENGINES) as pool:
        futures = [pool.submit(action, item) for item in items]
        try:
            wait(futures)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            interrupt()
            raise
    errors = [error for future in futures if (error := future.exception()) is not None]
    if errors:
        raise errors[0]
