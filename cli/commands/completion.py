"""`twain completion`: scripts that ask twain itself, so that they are never out of date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.completions import HINTS, SCRIPTS
from cli.options import pass_app
from cli.verbs import Verb, VerbCommand

if TYPE_CHECKING:
    from cli.app import App


@click.command(
    cls=VerbCommand,
    verb=Verb(data_class="metadata", examples=tuple(HINTS.values())),
)
@click.argument("shell", type=click.Choice(sorted(SCRIPTS)))
@pass_app
def completion(app: App, *, shell: str) -> None:
    """Print the completion script of a shell. Loading it makes Tab complete nouns, verbs and options."""
    app.console.data(SCRIPTS[shell])
    if app.console.out_tty:
        app.console.note(f"to load it: {HINTS[shell]}")
