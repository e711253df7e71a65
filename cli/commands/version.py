"""`twain version`."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import click

from cli.options import output_option, pass_app
from cli.verbs import Kind, Verb, VerbCommand
from cli.version import __version__

if TYPE_CHECKING:
    from cli.app import App
    from cli.output import Format

_VERSIONS = Kind(name="VersionList", item={"name": "string", "version": "string|null"})
_PARTS = ("click", "msgspec", "h11", "pydantic", "PyYAML", "pulumi", "duckdb")


@click.command(
    cls=VerbCommand,
    verb=Verb(data_class="metadata", kind=_VERSIONS, examples=("twain version", "twain version -o json")),
)
@output_option
@pass_app
def version(app: App, *, output: Format) -> None:
    """The version of twain and of what it stands on. `unknown` means not installed."""
    from importlib import metadata

    from cli.output import Column, Report

    items: list[dict[str, str | None]] = [
        {"name": "twain", "version": __version__},
        {"name": "python", "version": platform.python_version()},
    ]
    for part in _PARTS:
        try:
            items.append({"name": part, "version": metadata.version(part)})
        except metadata.PackageNotFoundError:
            items.append({"name": part, "version": None})
    columns = (
        Column(title="NAME", key="name"),
        Column(title="VERSION", key="version", missing="not installed"),
    )
    app.finish(Report(kind=_VERSIONS.name, items=items, columns=columns), output)
