"""Verbs that show content. They hang below the nouns that they belong to; here they share their rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.options import DURATION, Scope, pass_app, read_options
from cli.verbs import Kind, Verb, VerbCommand

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from cli.app import App
    from cli.output import Format

    F = TypeVar("F", bound=Callable[..., Any])

LINES = Kind(
    name="LogLines",
    item={
        "world": "cn|row",
        "cell": "string",
        "maison": "string",
        "workload": "string",
        "pod": "string",
        "container": "string",
        "line": "string",
    },
)


def glass_options(function: F) -> F:
    """`--break-glass` and `--reason`, as `break_glass: bool, reason: str | None`: every content verb has them."""
    function = click.option("--reason", metavar="TEXT", help="Why; kept in the audit log. Needed with --break-glass.")(
        function
    )
    return click.option(
        "--break-glass", is_flag=True, help="See the content of another maison of the own world. Is recorded."
    )(function)


@click.command(
    "logs",
    cls=VerbCommand,
    verb=Verb(
        data_class="content",
        kind=LINES,
        examples=(
            "twain serve logs advisor --tail 20",
            'twain serve logs concierge --break-glass --reason "INC-4711: empty answers since 14:00"',
        ),
    ),
)
@click.argument("name", metavar="WORKLOAD")
@click.option("--tail", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Lines of each container.")
@click.option("--since", type=DURATION, default=None, metavar="AGE", help="Only lines younger than this: 90s, 15m.")
@click.option("--previous", is_flag=True, help="Of the container that ended before this one.")
@glass_options
@read_options
@pass_app
def logs(
    app: App,
    *,
    name: str,
    tail: int,
    since: float | None,
    previous: bool,
    break_glass: bool,
    reason: str | None,
    scope: Scope,
    output: Format,
    timeout: float,
) -> None:
    """What a workload's containers wrote, in the cells of the own world. Printed, never written to a file.

    Content does not cross the border: for a cell of the other world this ends with 5, and nothing breaks that glass.
    Inside the world, the workload of a maison that is not the context's own needs --break-glass --reason. Each use,
    and each refusal, is in the audit log before a line is read.
    """
    from cli import content
    from cli.output import Column, Report
    from cli.serve import logs as reading

    glass = content.Glass(broken=break_glass, reason=reason).checked()
    wanted = reading.Wanted(tail=tail, since_s=since, previous=previous)
    found = app.run(reading.read(app, name, scope, wanted=wanted, glass=glass, deadline_s=timeout))
    several = len({(row["cell"], row["pod"], row["container"]) for row in found.rows}) > 1
    columns = (
        Column(title="CELL", key="cell", wide=not several),
        Column(title="POD", key="pod", wide=not several),
        Column(title="CONTAINER", key="container", wide=True),
        Column(title="LINE", key="line"),
    )
    report = Report(kind=LINES.name, items=found.rows, columns=columns, errors=found.errors, empty="no line yet")
    app.finish(report, output)
