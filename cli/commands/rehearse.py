"""`twain rehearse`: the whole system on one machine. The one module that imports `rehearsal`, and only inside verbs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli import errors
from cli.options import DURATION, output_option, pass_app
from cli.verbs import Kind, NounGroup, Verb, VerbCommand

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from cli.app import App
    from cli.output import Format

_ENGINE_WORDS_FIX = "read the words above; the journal and logs lie in the rehearsal's folder (twain rehearse status)"

_TOOL = Kind(
    name="ToolList",
    item={
        "name": "string",
        "version": "string|null",
        "pinned": "string",
        "source": "PATH|cached|missing",
        "path": "string|null",
        "note": "string",
    },
)
_STATUS = Kind(
    name="RehearsalStatus",
    item={
        "name": "string",
        "home": "string",
        "state": "string",
        "processes": "integer",
        "residentMiB": "integer",
        "cells": ["string"],
    },
)


def _rehearsal(module: str) -> ModuleType:
    """A module of the rehearsal. Its extra may be missing, and then the message names it."""
    import importlib

    try:
        return importlib.import_module(f"rehearsal.{module}")
    except ModuleNotFoundError as error:
        message = f"the rehearsal is not installed here: {error.name} is missing."
        raise errors.UsageError(
            message, fix='pip install "twain[rehearsal]", or make rehearse', id="CFG-EXTRA"
        ) from error


@click.group(cls=NounGroup)
def rehearse() -> None:
    """Run the whole system on this machine, without any cloud account.

    Real Pulumi engine, real Kubernetes control planes, real Prometheus. The clouds, their nodes and their GPUs are
    emulated, and so is the traffic; its truth is recorded, so that every figure can be checked.
    """


@rehearse.command(
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        mutates=True,
        examples=(
            "twain rehearse up",
            "twain rehearse up --cell cn-sha-1",
            "twain rehearse up --no-traffic",
            "twain rehearse up --no-cells --fleet my-fleet.yaml",
        ),
    ),
)
@click.option("--fleet", "fleet", metavar="FILE", help="The fleet; default stacks/fleets/rehearsal.yaml.")
@click.option("--cell", "cells", multiple=True, metavar="NAME", help="Only this cell; may be given again.")
@click.option("--workload", metavar="FILE", help="The workload to deploy; default examples/advisor.yaml.")
@click.option("--speed", type=click.FloatRange(min=1), default=None, help="What node and weight waits are divided by.")
@click.option("--no-traffic", is_flag=True, help="Stop after the cells are up: deploy nothing, send nothing.")
@click.option("--no-cells", is_flag=True, help="Stop before the cells: tools and engine only, for previews and checks.")
@click.option("-y", "--yes", is_flag=True, help="Accepted for scripts; nothing is asked here.")
@pass_app
def up(
    app: App,
    *,
    fleet: str | None,
    cells: tuple[str, ...],
    workload: str | None,
    speed: float | None,
    no_traffic: bool,
    no_cells: bool,
    yes: bool,
) -> None:
    """Bring the rehearsal up: tools, engine, cells, workload, traffic; then print what it found.

    Safe to repeat: a second run changes nothing, a killed one is resumed. It stops itself after eight hours.
    """
    homes = _rehearsal("home")
    runner = _rehearsal("up")
    root: Path = homes.checkout()
    options = runner.Options(
        fleet=Path(fleet).resolve() if fleet else root / "stacks" / "fleets" / "rehearsal.yaml",
        speed=speed or homes.default_speed(),
        cells=cells,
        for_plans=no_cells,
        workload=None
        if no_traffic or no_cells
        else Path(workload).resolve()
        if workload
        else root / "examples" / "advisor.yaml",
    )
    _outside_of_a_shell()
    outcome = _translate(lambda: runner.bring_up(homes.current(), options, app.console.note))
    from cli.rehearsal_summary import show

    show(app.console, outcome)


@rehearse.command(
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        mutates=True,
        examples=("twain rehearse down", "twain rehearse down --keep", "twain rehearse down --all"),
    ),
)
@click.option("--keep", is_flag=True, help="Stop the processes, keep the folder with logs and state.")
@click.option("--all", "everything", is_flag=True, help="Every rehearsal of this user, also of other checkouts.")
@pass_app
def down(app: App, *, keep: bool, everything: bool) -> None:
    """Stop every process of the rehearsal and remove its folder. Finds what a killed run left."""
    _outside_of_a_shell()
    homes = _rehearsal("home")
    ending = _rehearsal("down")
    targets = ending.all_homes() if everything else [homes.current()]
    for target in targets:
        _translate(lambda target=target: ending.take_down(target, app.console.note, keep=keep))


@rehearse.command(
    cls=VerbCommand,
    verb=Verb(data_class="metadata", kind=_STATUS, examples=("twain rehearse status", "twain rehearse status -o json")),
)
@output_option
@pass_app
def status(app: App, *, output: Format) -> None:
    """Whether the rehearsal is up, what it runs, and how much memory that takes."""
    _outside_of_a_shell()
    facts = _rehearsal("inspect").status(_rehearsal("home").current())
    _finish(app, _STATUS, [facts], output, columns=("name", "state", "processes", "residentMiB", "cells", "home"))


@rehearse.command(cls=VerbCommand, verb=Verb(data_class="metadata", kind=_TOOL, examples=("twain rehearse tools",)))
@output_option
@pass_app
def tools(app: App, *, output: Format) -> None:
    """The ten binaries: which version is used, and where it comes from. Builds nothing."""
    found = _rehearsal("tools").inspect()
    items = [
        {
            "name": tool.name,
            "version": tool.version,
            "pinned": tool.pinned,
            "source": tool.source,
            "path": str(tool.path) if tool.path else None,
            "note": tool.note,
        }
        for tool in found
    ]
    _finish(app, _TOOL, items, output, columns=("name", "version", "pinned", "source", "path", "note"))


@rehearse.command(
    cls=VerbCommand,
    context_settings={"ignore_unknown_options": True},
    verb=Verb(
        data_class="metadata",
        examples=(
            "twain rehearse shell --world cn",
            "twain rehearse shell --world row -- pulumi stack ls",
            "twain rehearse shell --world cn -- twain status",
        ),
    ),
)
@click.option("--world", type=click.Choice(["cn", "row"]), required=True, help="Whose operator to be.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def shell(*, world: str, command: tuple[str, ...]) -> None:
    """Be the operator of one world: its environment, its Pulumi state, its `twain`. Nothing of the other world.

    A shell and `pulumi` start in the world's Pulumi workspace, any other command where you are.
    """
    homes = _rehearsal("home")
    home = homes.current()
    if home.read() is None or not home.workspace(world).is_dir():
        message = f"world {world} of this rehearsal is not up."
        raise errors.NotFoundError(message, fix="twain rehearse up")
    _outside_of_a_shell()
    env: dict[str, str] = home.world_env(world)
    program = list(command) or [os.environ.get("SHELL") or "/bin/sh"]
    if not command:
        env["PS1"] = f"twain {world}> "
    if not command or Path(program[0]).name == "pulumi":
        os.chdir(home.workspace(world))
    try:
        _rehearsal("shell").become(home, world, program, env=env)
    except FileNotFoundError as error:
        message = f"{program[0]} is not on the PATH of the rehearsal."
        raise errors.NotFoundError(message, fix="give the path of the program") from error


_QUANTILES = {"p50": {"value": "number|null"}, "p95": {"value": "number|null"}, "p99": {"value": "number|null"}}
_TRUTH = Kind(
    name="RehearsalTruthList",
    item={
        "world": "cn|row",
        "cell": "string",
        "maison": "string",
        "workload": "string",
        "model": "string",
        "window": {"from": "RFC 3339", "to": "RFC 3339"},
        "requests": "integer",
        "tokens": {"prompt": "integer", "generation": "integer"},
        "ttft": _QUANTILES,
        "itl": _QUANTILES,
        "e2e": _QUANTILES,
        "queue": _QUANTILES,
    },
)
_LOAD = Kind(
    name="RehearsalLoadList",
    item={
        "world": "cn|row",
        "cell": "string",
        "window": {"from": "RFC 3339", "to": "RFC 3339"},
        "askedRate": "number",
        "achievedRate": "number",
        "sent": "integer",
        "answered": "integer",
        "streamed": "integer",
        "statuses": {"*": "integer"},
        "tokens": {"prompt": "integer", "generation": "integer"},
        "scheduleDelay": {"p50": "number|null", "p95": "number|null", "p99": "number|null"},
    },
)
_BORDER = Kind(
    name="RehearsalBorderList",
    item={"caller": "cn|row", "world": "cn|row", "mode": "open|refuse|drop-after-request|drop-before-gate"},
)


@rehearse.command(
    cls=VerbCommand,
    verb=Verb(
        data_class="metrics",
        kind=_TRUTH,
        examples=(
            "twain rehearse truth --since 15m",
            "twain rehearse truth --from 2026-11-21T10:00:00Z --to 2026-11-21T10:05:00Z -o json",
        ),
    ),
)
@click.option("--since", type=DURATION, metavar="DURATION", default=None, help="Window that ends now; default 15m.")
@click.option("--from", "from_", metavar="TIME", default=None, help="Begin of the window (RFC 3339).")
@click.option("--to", "to", metavar="TIME", default=None, help="End of the window (RFC 3339); default now.")
@output_option
@pass_app
def truth(app: App, *, since: float | None, from_: str | None, to: str | None, output: Format) -> None:
    """What truly happened: the engines' own record of every answer, to hold `metrics latency` against.

    Requests count by the time at which they completed, in [from, to). Quantiles are by nearest rank, in seconds.
    """
    from cli.windows import window_of

    home = _home_that_is_up()
    window = window_of(app.clock.now(), since=since, start=from_, end=to)
    paths = sorted(home.root.glob("*/cells/*/truth.sqlite"))
    items = _rehearsal("programs.truth").truth(paths, from_=window.start, to=window.end)
    _finish(
        app,
        _TRUTH,
        items,
        output,
        columns=(
            "world",
            "cell",
            "workload",
            "requests",
            "tokens.generation",
            "ttft.p50.value",
            "ttft.p95.value",
            "ttft.p99.value",
            "itl.p95.value",
            "e2e.p95.value",
        ),
    )


@rehearse.command(
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=_LOAD,
        mutates=True,
        examples=("twain rehearse load", "twain rehearse load --rate 5 --duration 40s --cell cn-sha-1 -o json"),
    ),
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0, min_open=True, max=1000),
    default=20.0,
    show_default=True,
    help="Requests per second into each cell.",
)
@click.option("--duration", type=DURATION, default="3m", show_default=True, help="How long requests are sent.")
@click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same requests.")
@click.option("--tokens", metavar="LOW-HIGH", default="8-32", show_default=True, help="Length of the answers.")
@click.option("--cell", "cells", multiple=True, metavar="NAME", help="Only this cell; may be given again.")
@click.option("--workload", metavar="FILE", help="The workload to send to; default examples/advisor.yaml.")
@output_option
@pass_app
def load(
    app: App,
    *,
    rate: float,
    duration: float,
    seed: int,
    tokens: str,
    cells: tuple[str, ...],
    workload: str | None,
    output: Format,
) -> None:
    """Send a seeded load to the gateways: `--rate` requests/s into each cell, a third of them streamed.

    Light traffic rests meanwhile. What was asked and what was achieved are both printed: a generator that came late
    measures itself.
    """
    home = _home_that_is_up()
    low, _, high = tokens.partition("-")
    if not (low.isdigit() and (high or low).isdigit()):
        message = f"{tokens!r} is not a range of tokens."
        raise errors.UsageError(message, fix="for example: --tokens 8-32", id="CFG-RANGE")
    traffic = _rehearsal("traffic")
    known = {path.parent.name: path.parent.parent.parent.name for path in home.root.glob("*/cells/*/cell.json")}
    unknown = sorted(set(cells) - set(known))
    if unknown:
        message = f"no cell {', '.join(unknown)} in this rehearsal; it has {', '.join(sorted(known)) or 'none'}."
        raise errors.NotFoundError(message, fix="twain rehearse status")
    chosen = sorted(cells or known)
    places = [traffic.Place(home=home, world=known[cell], cell=cell) for cell in chosen]
    file = Path(workload) if workload else _rehearsal("home").checkout() / "examples" / "advisor.yaml"
    plan: dict[str, Any] = {"rate": rate, "duration": duration, "seed": seed}
    plan["tokens"] = (int(low), int(high or low))
    try:
        found = traffic.send_to(places, file, **plan)
    except ValueError as error:
        message = f"{error}."
        raise errors.UsageError(message, id="CFG-LOAD") from error
    items = [{"world": known[cell], "cell": cell, **_load_item(found[cell])} for cell in chosen]
    columns = (
        "world",
        "cell",
        "askedRate",
        "achievedRate",
        "sent",
        "answered",
        "streamed",
        "statuses",
        "window.from",
        "window.to",
    )
    _finish(app, _LOAD, items, output, columns=columns)


def _load_item(summary: dict[str, Any]) -> dict[str, Any]:
    from datetime import UTC, datetime

    def moment(at: float) -> str:
        return datetime.fromtimestamp(at, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    kept = ("askedRate", "achievedRate", "sent", "answered", "streamed", "statuses", "tokens", "scheduleDelay")
    window = {"from": moment(summary["from"]), "to": moment(summary["to"])}
    return {"window": window, **{key: summary[key] for key in kept}}


@rehearse.command(
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=_BORDER,
        mutates=True,
        examples=(
            "twain rehearse partition on",
            "twain rehearse partition off",
            "twain rehearse partition on --cut drop-after-request",
        ),
    ),
)
@click.argument("state", type=click.Choice(["on", "off", "show"]))
@click.option(
    "--cut",
    type=click.Choice(["refuse", "drop-after-request", "drop-before-gate"]),
    default="refuse",
    show_default=True,
    help="How: nothing leaves; the answer is lost; the request is lost on its way.",
)
@output_option
@pass_app
def partition(app: App, *, state: str, cut: str, output: Format) -> None:
    """Cut the border between the worlds, or open it again, and see what your commands say then."""
    home = _home_that_is_up()
    border = _rehearsal("border")
    ways = border.existing(home)
    if not ways:
        message = "this rehearsal has no border: fewer than two worlds are up."
        raise errors.NotFoundError(message, fix="twain rehearse up")
    if state != "show":
        for way in ways:
            border.set_mode(way, cut if state == "on" else "open")
    items = [{"caller": way.caller, "world": way.world, "mode": border.mode(way)} for way in ways]
    _finish(app, _BORDER, items, output, columns=("caller", "world", "mode"))


def _home_that_is_up() -> Any:
    """This checkout's rehearsal. Raises NotFoundError when it is not up."""
    _outside_of_a_shell()
    home = _rehearsal("home").current()
    if home.read() is None:
        message = "this checkout's rehearsal is not up."
        raise errors.NotFoundError(message, fix="twain rehearse up")
    return home


def _outside_of_a_shell() -> None:
    """The rehearsal itself is run from outside: an operator of one world is sealed off from the other."""
    world = os.environ.get("TWAIN_WORLD")
    if world and os.environ.get("TWAIN_REHEARSAL_WORLD"):
        message = f"this is the shell of world {world}: from here the rehearsal cannot be seen as a whole."
        raise errors.UsageError(message, fix="leave the shell (exit) and repeat the command", id="REH-SHELL")


def _translate(action: Callable[[], Any]) -> Any:
    """Map the rehearsal's own errors to exit codes. Spec errors are mapped at the boundary for every verb."""
    setup = _rehearsal("setup")
    try:
        return action()
    except setup.LockedError as error:
        raise errors.LockHeldError(str(error), fix="wait for it, or end that process", id="REH-LOCK") from error
    except setup.UnknownCellError as error:
        raise errors.NotFoundError(
            str(error), fix="name a cell of the fleet, or none for all", id="REH-CELL"
        ) from error
    except setup.PortTakenError as error:
        raise errors.ResourceError(str(error), fix=error.fix, id="REH-PORT") from error
    except setup.StackFailedError as error:
        raise _engine_error(error) from error
    except (_rehearsal("kube.cellfile").CellError, _rehearsal("engine.pulumi").EngineTimeoutError) as error:
        raise errors.ResourceError(str(error), fix=_ENGINE_WORDS_FIX, id="REH-CELL-FAILED") from error
    except setup.VerbFailedError as error:
        raise errors.of_code(error.code)(str(error), fix=_ENGINE_WORDS_FIX, id="REH-VERB") from error
    except _rehearsal("tools").ToolBuildError as error:
        raise errors.ResourceError(str(error), fix=error.fix, id="REH-TOOL") from error


def _engine_error(error: Any) -> errors.TwainError:
    """What the engine's words mean, where they are known: a rule, the passphrase, a lock. Else that it failed."""
    from cli import engine

    result = engine.Result(code=error.result.returncode, out=error.result.stdout, err=error.result.stderr)
    known = engine.failure(result, what=str(error).partition(":")[0])
    if isinstance(known, errors.ResourceError | errors.NotFoundError):
        return errors.ResourceError(str(error), fix=_ENGINE_WORDS_FIX, id="REH-STACK")
    return known


def _finish(app: App, kind: Kind, items: list[dict[str, Any]], output: Format, *, columns: tuple[str, ...]) -> None:
    from cli.output import Column, Report

    shown = tuple(
        Column(title=_HEADS.get(name, name.upper()), key=name, show=_SHOWS.get(name), right=name in _RIGHT)
        for name in columns
    )
    app.finish(Report(kind=kind.name, items=items, columns=shown), output)


def _time_taken(value: float) -> str:
    from cli.commands.metrics import seconds_text

    return seconds_text(value)


_TIMES = {
    "ttft.p50.value": "TTFT p50",
    "ttft.p95.value": "p95",
    "ttft.p99.value": "p99",
    "itl.p95.value": "ITL p95",
    "e2e.p95.value": "E2E p95",
}
_RATES = {"askedRate": "ASKED/s", "achievedRate": "ACHIEVED/s"}
_HEADS = {
    **_TIMES,
    **_RATES,
    "residentMiB": "RESIDENT MiB",
    "tokens.generation": "TOKENS",
    "window.from": "FROM",
    "window.to": "TO",
}
_COUNTS = ("processes", "residentMiB", "requests", "tokens.generation", "sent", "answered", "streamed")
_RIGHT = frozenset((*_TIMES, *_RATES, *_COUNTS))
_SHOWS: dict[str, Callable[[Any], str]] = {
    **dict.fromkeys(_TIMES, _time_taken),
    **dict.fromkeys(_RATES, lambda value: f"{value:.4g}"),
    "cells": ", ".join,
    "statuses": lambda value: ", ".join(f"{code}: {count}" for code, count in sorted(value.items())),
}
