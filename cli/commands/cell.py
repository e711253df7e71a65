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
        "nodes": {"images": "automatic|held", "driver": "string", "surge": "integer"},
        "gate": "boolean",
        "state": "known|not up|other world",
        "endpoint": "string|null",
        "gpuPools": [_POOL],
        "running": {
            "minor": "string",
            "program": "string",
            "emulated": "boolean",
            "nodes": {"MINOR": "integer"},
            "images": {"IMAGE": "integer"},
            "drivers": {"DRIVER": "integer"},
        },
    },
)
_ASK_S = 5.0
PINNED = Kind(
    name="CellLockList",
    item={
        "world": "cn|row",
        "cell": "string",
        "fact": "string",
        "value": "string|null",
        "state": "new|changed|same|unknown",
        "source": "string",
        "reason": "string|null",
    },
    extra={"file": "string"},
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
    """One cell, and what its API server says of itself and its nodes: minors, images and GPU drivers.

    A control plane may play a minor that is not its own, as those of a rehearsal do; then `emulated` is true. Of a cell
    of another world, or one that is not up, `running` is null. A cell that does not answer ends with 13.
    """
    declared = app.fleet.cell(name)
    asked = declared.world == app.context.world and name in _up(app)
    found, silent = _running(app, name) if asked else (None, [])
    _show(app, Scope(cells=(name,)), output, running={name: found}, found=silent)


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


@cell.command(
    "discover",
    cls=VerbCommand,
    verb=Verb(data_class="metadata", kind=PINNED, examples=("twain cell discover cn-sha-1",)),
)
@click.argument("name")
@output_option
@context_option
@pass_app
def discover(app: App, *, name: str, output: Format) -> None:
    """Look up in the cell's account what no resource tells, and pin it in the cell's lock file.

    The CA of the cluster, the zones in which its machine types can be ordered, the Kubernetes minors on offer; with
    source and date. Programs read the file and make no look-ups themselves. Asked with the cloud's own command line, as
    `twain check` does. A second run changes nothing; what cannot be asked keeps what was pinned, and ends with 13.
    """
    from cli.check import discover as discovering
    from cli.check import run
    from cli.output import Column, Report
    from components.policy import spec_rules

    declared = app.fleet.cell(name)
    run.own_only(app, declared)
    subject, probe = run.asked(app, spec_rules.load_checked(app.context.fleet), name)
    path, facts = discovering.pin(app, subject, probe)
    items = [fact.as_json(world=declared.world, cell=name, source=run.source_of(subject)) for fact in facts]
    silent = [
        errors.ErrorRow(id="CELL-FACT", message=f"{fact.name}: {fact.reason}", cell=name, fix=fact.fix)
        for fact in facts
        if fact.state == "unknown"
    ]
    changed = [fact for fact in facts if fact.state in {"new", "changed"}]
    columns = (
        Column(title="CELL", key="cell"),
        Column(title="FACT", key="fact"),
        Column(title="STATE", key="state", tone=lambda state: "warn" if state == "unknown" else None),
        Column(title="VALUE", key="value", missing="unknown"),
        Column(title="SOURCE", key="source", wide=True),
    )
    report = Report(
        kind=PINNED.name,
        items=items,
        columns=columns,
        errors=silent,
        extra={"file": str(path)},
        footer=[f"pinned in {path}." if changed else f"{path} is as it was."],
        next=f"twain stack outputs --cell {name}" if changed else None,
    )
    app.finish(report, output)


def _running(app: App, name: str) -> tuple[dict[str, Any] | None, list[errors.ErrorRow]]:
    import asyncio

    from cli.kube import minors
    from cli.net.deadline import Deadline
    from cli.serve.scope import unreachable

    async def ask() -> dict[str, Any] | None:
        deadline = Deadline(_ASK_S)
        async with app.kube(name) as kube:
            version = await minors.running(kube, deadline=deadline)
            return minors.as_json(version, await minors.made(kube, deadline=deadline))

    try:
        return asyncio.run(ask()), []
    except errors.TwainError as error:
        return None, [unreachable(error, cell=name, world=app.context.world)]


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


def _show(
    app: App,
    scope: Scope,
    output: Format,
    *,
    running: dict[str, dict[str, Any] | None] | None = None,
    found: list[errors.ErrorRow] | None = None,
) -> None:
    from cli.output import Column, Report

    fleet = app.fleet
    for name in scope.cells:
        fleet.cell(name)
    items = [_item(app, one.name) for one in fleet.cells if scope.has(world=one.world, cell=one.name)]
    for item in items:
        item["running"] = (running or {}).get(item["cell"])
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
    footer = [line for item in items if (line := _runs(item))]
    report = Report(
        kind=CELLS.name, items=items, columns=columns, errors=found or [], footer=footer, next="twain status"
    )
    app.finish(report, output)


def _runs(item: dict[str, Any]) -> str | None:
    """What runs, for people: an emulated minor is never shown as if it were real."""
    running = item["running"]
    if running is None:
        return None
    played = f", emulated by a control plane of {running['program']}" if running["emulated"] else ""
    nodes = _counted(running["nodes"]) or "none"
    made = "".join(
        f"; {words}: {_counted(running[key])}"
        for key, words in (("images", "images"), ("drivers", "GPU drivers"))
        if running[key]
    )
    behind = "" if running["minor"] == item["kubernetes"] else f"; the fleet declares {item['kubernetes']}"
    declared = item["nodes"]
    kept = f"images {declared['images']}, GPU driver {declared['driver']}"
    return (
        f"{item['cell']} runs Kubernetes {running['minor']}{played}{behind}; nodes: {nodes}{made}. The fleet: {kept}."
    )


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} x {name}" for name, count in counts.items())


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
        "nodes": {"images": found.images, "driver": found.driver, "surge": found.surge},
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
