"""Options that mean the same on every verb."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cli.app import App
from cli.reading import FORMATS, TIMEOUT, WORLDS, Scope, seconds

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")


class Duration(click.ParamType):
    """`90`, `90s`, `15m`, `1h`, `2d` as seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds, or a usage error that shows the forms."""
        if isinstance(value, int | float):
            return float(value)
        found = seconds(str(value))
        if found is None:
            self.fail(f"{value!r} is no duration; write 90s, 15m, 1h or 2d", param, ctx)
        return found


DURATION = Duration()

pass_app = click.make_pass_decorator(App)


def scope_options(function: F) -> F:
    """`--world`, `--cell` (repeatable), `--maison`, gathered into one argument `scope: Scope`."""

    @click.option("--world", type=click.Choice(WORLDS), default="all", show_default=True, help="World.")
    @click.option("--cell", "cells", multiple=True, metavar="NAME", help="Only this cell; may be given again.")
    @click.option("--maison", metavar="NAME", help="Only this maison.")
    @functools.wraps(function)
    def wrapper(*args: Any, world: str, cells: tuple[str, ...], maison: str | None, **kwargs: Any) -> Any:
        return function(*args, scope=Scope(world=world, cells=cells, maison=maison), **kwargs)

    return wrapper  # pyright: ignore[reportReturnType] - click reads the options off the wrapper


def output_option(function: F) -> F:
    """`-o/--output`, as `output: Format`."""
    return click.option(
        "-o", "--output", type=click.Choice(FORMATS), default="table", show_default=True, help="Form of the answer."
    )(function)


def watch_option(function: F) -> F:
    """`--watch [SECONDS]`, as `watch: float | None`: redraws on a terminal, else one JSON line per change."""
    return click.option(
        "-w", "--watch", type=DURATION, is_flag=False, flag_value="2s", default=None, metavar="[EVERY]",
        help="Again and again; every 2s unless told.",
    )(function)  # fmt: skip


def confirm_options(function: F) -> F:
    """`-y/--yes` and `--dry-run`, as `yes: bool, dry_run: bool`."""
    function = click.option("-y", "--yes", is_flag=True, help="Do not ask.")(function)
    return click.option("--dry-run", is_flag=True, help="Show the plan and stop.")(function)


def timeout_option(default: str | None = TIMEOUT) -> Callable[[F], F]:
    """`--timeout`, as `timeout: float` (seconds, for the whole command)."""
    return click.option(
        "--timeout", type=DURATION, default=default, show_default=default is not None, help="Deadline of the command."
    )


def file_option(function: F) -> F:
    """`-f/--file`, as `file: str`."""
    return click.option("-f", "--file", "file", required=True, metavar="FILE", help="The workload file.")(function)


def exit_code_option(function: F) -> F:
    """`--exit-code`, as `exit_code: bool`: differences end with 10."""
    return click.option("--exit-code", is_flag=True, help="End with 10 when there are differences.")(function)


def _set_context(ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
    if value:
        ctx.ensure_object(App).context_name = value


def context_option(function: F) -> F:
    """`--context`, the context to act as for this one command. Sets it on the App; no argument is passed."""
    return click.option(
        "--context", metavar="NAME", help="Act as this context.", expose_value=False, callback=_set_context
    )(function)


def read_options(function: F) -> F:
    """What every reading verb has: scope, output, timeout, context."""
    return scope_options(output_option(timeout_option()(context_option(function))))
