"""`twain rehearse`: the whole system on one machine. The one module that imports `rehearsal`, and only inside verbs."""

from __future__ import annotations

import os
import sys
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

_PROCESS = Kind(name="RehearsalProcessList", item={"pid": "integer", "command": "string"})
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
    import importlib  # noqa: PLC0415

    try:
        return importlib.import_module(f"rehearsal.{module}")
    except ModuleNotFoundError as error:
        message = f"the rehearsal is not installed here: {error.name} is missing."
        raise errors.UsageError(message, fix='pip install "twain[rehearsal]", or make rehearse', id="CFG-EXTRA") from error


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
        examples=("twain rehearse up", "twain rehearse up --cell cn-sha-1", "twain rehearse up --no-traffic"),
    ),
)
@click.option("--fleet", "fleet", metavar="FILE", help="The fleet; default stacks/fleets/rehearsal.yaml.")
@click.option("--cell", "cells", multiple=True, metavar="NAME", help="Only this cell; may be given again.")
@click.option("--workload", metavar="FILE", help="The workload to deploy; default examples/advisor.yaml.")
@click.option("--speed", type=click.FloatRange(min=1), default=None, help="What node and weight waits are divided by.")
@click.option("--no-traffic", is_flag=True, help="Stop after the cells are up: deploy nothing, send nothing.")
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
    yes: bool,  # noqa: ARG001 - see its help
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
        workload=None if no_traffic else Path(workload).resolve() if workload else root / "examples" / "advisor.yaml",
    )
    outcome = _translate(lambda: runner.bring_up(homes.current(), options, app.console.note))
    sys.stdout.write(outcome.summary)


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
    facts = _rehearsal("inspect").status(_rehearsal("home").current())
    _finish(app, _STATUS, [facts], output, columns=("name", "state", "processes", "residentMiB", "cells", "home"))


@rehearse.command(
    cls=VerbCommand, verb=Verb(data_class="metadata", kind=_TOOL, examples=("twain rehearse tools",))
)
@output_option
@pass_app
def tools(app: App, *, output: Format) -> None:
    """The nine binaries: which version is used, and where it comes from. Builds nothing."""
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
    """Be the operator of one world: its environment, its Pulumi workspace, its `twain`. Nothing of the other world."""
    homes = _rehearsal("home")
    home = homes.current()
    if home.read() is None or not home.workspace(world).is_dir():
        message = f"world {world} of this rehearsal is not up."
        raise errors.NotFoundError(message, fix="twain rehearse up")
    env: dict[str, str] = home.world_env(world)
    program = list(command) or [os.environ.get("SHELL") or "/bin/sh"]
    if not command:
        env["PS1"] = f"twain {world}> "
    os.chdir(home.workspace(world))
    try:
        os.execvpe(program[0], program, env)  # noqa: S606 - this is the verb: become the command, without a shell
    except FileNotFoundError as error:
        message = f"{program[0]} is not on the PATH of the rehearsal."
        raise errors.NotFoundError(message, fix="give the path of the program") from error


def _translate(action: Callable[[], Any]) -> Any:
    """Map the rehearsal's own errors to exit codes. Spec errors are mapped at the boundary for every verb."""
    setup = _rehearsal("setup")
    try:
        return action()
    except setup.LockedError as error:
        raise errors.LockHeldError(str(error), fix="wait for it, or end that process", id="REH-LOCK") from error
    except setup.StackFailedError as error:
        raise errors.ResourceError(str(error), fix=_ENGINE_WORDS_FIX, id="REH-STACK") from error


def _finish(app: App, kind: Kind, items: list[dict[str, Any]], output: Format, *, columns: tuple[str, ...]) -> None:
    from cli.output import Column, Report  # noqa: PLC0415

    report = Report(kind=kind.name, items=items, columns=tuple(Column(title=name, key=name) for name in columns))
    app.finish(report, output)
