"""`twain world`: the jurisdictions of the fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cli import errors
from cli.options import context_option, output_option, pass_app
from cli.verbs import Kind, NounGroup, Verb, VerbCommand

if TYPE_CHECKING:
    from cli.app import App
    from cli.output import Format, Report

WORLDS = Kind(
    name="WorldList",
    item={
        "world": "cn|row",
        "own": "boolean",
        "regions": ["string"],
        "cells": ["string"],
        "gateCell": "string",
        "registry": "string",
        "backend": "string",
        "access": "pod-network|api-proxy",
        "reach": "direct|gate|none",
    },
)


@click.group(cls=NounGroup)
def world() -> None:
    """The worlds of the fleet: which regions belong to each, where its state lives, how it is reached from here."""


@world.command(
    "list",
    cls=VerbCommand,
    verb=Verb(data_class="metadata", kind=WORLDS, examples=("twain world list", "twain world list -o json")),
)
@output_option
@context_option
@pass_app
def list_(app: App, *, output: Format) -> None:
    """Every world of the fleet."""
    app.finish(_report(app, None), output)


@world.command(
    "get", cls=VerbCommand, verb=Verb(data_class="metadata", kind=WORLDS, examples=("twain world get cn -o yaml",))
)
@click.argument("name")
@output_option
@context_option
@pass_app
def get(app: App, *, name: str, output: Format) -> None:
    """One world."""
    app.finish(_report(app, name), output)


def _report(app: App, name: str | None) -> Report:
    from cli.output import Column, Report

    fleet, context = app.fleet, app.context
    if name is not None and name not in fleet.worlds:
        message = f"there is no world {name!r} in fleet {fleet.name}; it has {', '.join(fleet.worlds)}."
        raise errors.NotFoundError(message, fix="twain world list", id="WLD-404")
    items: list[dict[str, Any]] = [
        {
            "world": found.name,
            "own": found.name == context.world,
            "regions": list(found.regions),
            "cells": [cell.name for cell in fleet.cells_of(found.name)],
            "gateCell": found.gate_cell,
            "registry": found.registry,
            "backend": found.backend,
            "access": found.access,
            "reach": "direct" if found.name == context.world else "gate" if found.name in context.gates else "none",
        }
        for found in fleet.worlds.values()
        if name in {None, found.name}
    ]
    columns = (
        Column(title="WORLD", key="world"),
        Column(title="OWN", key="own"),
        Column(title="REACH", key="reach"),
        Column(title="CELLS", key="cells"),
        Column(title="REGIONS", key="regions"),
        Column(title="GATE", key="gateCell"),
        Column(title="STATE", key="backend", wide=True),
        Column(title="REGISTRY", key="registry", wide=True),
    )
    return Report(kind=WORLDS.name, items=items, columns=columns, next="twain cell list")
