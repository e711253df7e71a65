"""`twain cell`: one region on one cloud each."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from cli import errors
from cli.options import Scope, context_option, output_option, pass_app, scope_options
from cli.verbs import Kind, NounGroup, Verb, VerbCommand

if TYPE_CHECKING:
    from cli.app import App
    from cli.output import Format

_POOL = {
    "name": "string",
    "gpuClass": "string",
    "instanceType": "string|null",
    "gpusPerNode": "integer",
    "min": "integer",
    "max": "integer",
}
CELLS = Kind(
    name="CellList",
    item={
        "world": "cn|row",
        "cell": "string",
        "cloud": "alicloud|gcp|azure",
        "region": "string",
        "kubernetes": "string",
        "gate": "boolean",
        "state": "known|not up|other world",
        "endpoint": "string|null",
        "gpuPools": [_POOL],
    },
)


@click.group(cls=NounGroup)
def cell() -> None:
    """The cells of the fleet: one region on one cloud each, mirrored from one template."""


@cell.command(
    "list",
    cls=VerbCommand,
    verb=Verb(data_class="metadata", kind=CELLS, examples=("twain cell list", "twain cell list --world cn -o name")),
)
@scope_options
@output_option
@context_option
@pass_app
def list_(app: App, *, scope: Scope, output: Format) -> None:
    """Every cell of the fleet.

    Endpoints are known for the cells of the context's own world that have been brought up.
    """
    _show(app, scope, output)


@cell.command(
    "get", cls=VerbCommand, verb=Verb(data_class="metadata", kind=CELLS, examples=("twain cell get cn-sha-1",))
)
@click.argument("name")
@output_option
@context_option
@pass_app
def get(app: App, *, name: str, output: Format) -> None:
    """One cell."""
    app.fleet.cell(name)
    _show(app, Scope(cells=(name,)), output)


@cell.command(
    "kubeconfig",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        examples=("twain cell kubeconfig cn-sha-1 > kubeconfig", "kubectl --kubeconfig kubeconfig get nodes"),
    ),
)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@context_option
@pass_app
def kubeconfig(app: App, *, names: tuple[str, ...]) -> None:
    """Print a kubeconfig of cells of the own world; without NAME of all that were brought up.

    Each cell is a context of its own name, the first one is current. It holds exec plugins and CAs, no credential.
    """
    from components.cluster import kubeconfig as kubeconfigs

    chosen = names or _up(app)
    if not chosen:
        message = f"no cell of world {app.context.world} has been brought up in this context."
        raise errors.NotFoundError(message, fix="twain stack up", id="CELL-404")
    app.console.data(kubeconfigs.joined(_kubeconfig(app, name) for name in chosen))


def _up(app: App) -> tuple[str, ...]:
    from cli import cells

    known = set(cells.known(app.home))
    return tuple(found.name for found in app.fleet.cells if found.name in known and found.world == app.context.world)


def _kubeconfig(app: App, name: str) -> str:
    from components.cluster import kubeconfig as kubeconfigs

    facts = app.cell(name)
    if facts.ca is None:
        message = f"the CA of cell {name} is not known here."
        raise errors.UsageError(message, fix=f"twain stack outputs --cell {name}", where=name, id="CFG-CA")
    return kubeconfigs.assemble(cell=facts.cell, endpoint=facts.endpoint, ca_pem=facts.ca, exec_spec=asdict(facts.exec))


def _show(app: App, scope: Scope, output: Format) -> None:
    from cli.output import Column, Report

    fleet = app.fleet
    for name in scope.cells:
        fleet.cell(name)
    items = [_item(app, found.name) for found in fleet.cells if scope.has(world=found.world, cell=found.name)]
    columns = (
        Column(title="WORLD", key="world"),
        Column(title="CELL", key="cell"),
        Column(title="CLOUD", key="cloud"),
        Column(title="REGION", key="region"),
        Column(title="KUBERNETES", key="kubernetes"),
        Column(title="GPU POOLS", key=_pools),
        Column(title="STATE", key="state", tone=lambda state: "warn" if state == "not up" else None),
        Column(title="GATE", key="gate", wide=True),
        Column(title="ENDPOINT", key="endpoint", wide=True),
    )
    app.finish(Report(kind=CELLS.name, items=items, columns=columns, next="twain status"), output)


def _item(app: App, name: str) -> dict[str, Any]:
    from cli import cells

    fleet = app.fleet
    found = fleet.cell(name)
    own = found.world == app.context.world
    facts: cells.CellFacts | None = None
    if own:
        try:
            facts = cells.read(app.home, name)
        except errors.NotFoundError:
            facts = None
    pools = facts.gpu_pools if facts is not None and facts.gpu_pools else found.gpu_pools
    return {
        "world": found.world,
        "cell": found.name,
        "cloud": found.cloud,
        "region": found.region,
        "kubernetes": found.kubernetes_minor,
        "gate": fleet.worlds[found.world].gate_cell == name,
        "state": "other world" if not own else "known" if facts is not None else "not up",
        "endpoint": facts.endpoint if facts is not None else None,
        "gpuPools": [
            {
                "name": pool.name,
                "gpuClass": pool.gpu_class,
                "instanceType": getattr(pool, "instance_type", None) or None,
                "gpusPerNode": pool.gpus_per_node,
                "min": pool.min,
                "max": pool.max,
            }
            for pool in pools
        ],
    }


def _pools(item: Any) -> str:
    return (
        ", ".join(
            f"{pool['gpuClass']} {pool['min']}..{pool['max']} x {pool['gpusPerNode']}" for pool in item["gpuPools"]
        )
        or "-"
    )
