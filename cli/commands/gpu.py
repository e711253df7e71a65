"""`twain gpu`: classes, the machines that meet them, and what they cost where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cli import errors
from cli.options import Scope, context_option, output_option, pass_app, scope_options
from cli.verbs import Kind, NounGroup, Verb, VerbCommand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.app import App
    from cli.fleet import CellView, PoolView
    from cli.output import Column, Format

_PRICE = {
    "perHour": "money",
    "currency": "string",
    "asOf": "date",
    "basis": "sourced|derived|synthetic",
    "source": "string",
}
_OFFER = {
    "class": "string",
    "gpus": "integer|null",
    "model": "string|null",
    "machine": "string|null",
    "interconnect": "none|pcie|nvlink|null",
    "stock": "listed|on request|spot only|unknown|not listed",
    "price": _PRICE,
    "reason": "string|null",
    "source": "string|null",
    "asOf": "string|null",
}
CLASSES = Kind(
    name="GpuClassList",
    item={
        "class": "string",
        "memoryGiB": "integer",
        "tflops": "integer",
        "bf16": "boolean",
        "fp8": "boolean",
        "models": ["string"],
        "clouds": ["string"],
    },
)
OFFERS = Kind(
    name="GpuOfferList",
    item={"world": "cn|row|null", "cloud": "alicloud|gcp|azure", "region": "string|null", **_OFFER},
)
GPUS = Kind(
    name="GpuOfCellList",
    item={
        "world": "cn|row",
        "cell": "string",
        "cloud": "alicloud|gcp|azure",
        "region": "string",
        "pool": "string|null",
        "min": "integer|null",
        "max": "integer|null",
        **_OFFER,
    },
)


@click.group(cls=NounGroup)
def gpu() -> None:
    """GPU classes: which machine gives one where, at what dated price.

    A workload names a class, never a machine. Every price is a list price with its day and source; what no source
    tells is unknown, which is neither free nor absent.
    """


@gpu.command(
    "classes", cls=VerbCommand, verb=Verb(data_class="metadata", kind=CLASSES, examples=("twain gpu classes",))
)
@output_option
@pass_app
def classes(app: App, *, output: Format) -> None:
    """The classes: the least that one device has, and the models that have it."""
    from cli import offers
    from cli.output import Column, Report

    columns = (
        Column(title="CLASS", key="class"),
        Column(title="MEMORY", key="memoryGiB", show=lambda value: f">= {value} GiB", right=True),
        Column(title="COMPUTE", key="tflops", show=lambda value: f">= {value} TFLOPS", right=True),
        Column(title="BF16", key="bf16"),
        Column(title="FP8", key="fp8"),
        Column(title="CLOUDS", key="clouds"),
        Column(title="MODELS", key="models", wide=True),
    )
    report = Report(kind=CLASSES.name, items=offers.classes(), columns=columns, next="twain gpu offers --class gpu-80g")
    app.finish(report, output)


@gpu.command(
    "offers",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=OFFERS,
        examples=("twain gpu offers --class gpu-80g", "twain gpu offers --world cn -o wide"),
    ),
)
@click.option("--class", "gpu_class", metavar="CLASS", help="Only this class.")
@click.option("--cloud", type=click.Choice(["alicloud", "gcp", "azure"]), help="Only this cloud.")
@click.option("--region", metavar="NAME", help="Only this region.")
@click.option("--world", type=click.Choice(["cn", "row"]), help="Only regions of this world.")
@output_option
@pass_app
def offers(
    app: App, *, gpu_class: str | None, cloud: str | None, region: str | None, world: str | None, output: Format
) -> None:
    """Every machine with GPUs that a source lists, region by region. Needs no fleet and asks no cloud."""
    from cli import offers as found
    from cli.output import Column, Report

    _known_class(gpu_class)
    items = list(found.offers(cloud=cloud, region=region, gpu_class=gpu_class, world=world))
    columns = (
        Column(title="WORLD", key="world"),
        Column(title="CLOUD", key="cloud"),
        Column(title="REGION", key="region", missing="unknown"),
        *_columns(),
    )
    empty = "no source lists one; that is not a proof that there is none"
    app.finish(Report(kind=OFFERS.name, items=items, columns=columns, footer=_notes(items), empty=empty), output)


@gpu.command(
    "list",
    cls=VerbCommand,
    verb=Verb(data_class="metadata", kind=GPUS, examples=("twain gpu list", "twain gpu list --cell cn-sha-1 -o json")),
)
@scope_options
@click.option("--class", "gpu_class", metavar="CLASS", help="Only this class.")
@output_option
@context_option
@pass_app
def list_(app: App, *, scope: Scope, gpu_class: str | None, output: Format) -> None:
    """For each cell of the fleet every class: the machines of its region, and the pool that uses one."""
    from cli.output import Column, Report

    _known_class(gpu_class)
    for name in scope.cells:
        app.fleet.cell(name)
    items = [row for row in _of_cells(app, scope) if gpu_class in (None, row["class"])]
    columns = (
        Column(title="CELL", key=lambda item: f"{item['world']}/{item['cell']}"),
        Column(title="REGION", key="region"),
        *_columns(),
        Column(title="POOL", key=lambda item: f"{item['pool']} {item['min']}..{item['max']}" if item["pool"] else None),
    )
    app.finish(Report(kind=GPUS.name, items=items, columns=columns, footer=_notes(items), next="twain top gpu"), output)


def _known_class(name: str | None) -> None:
    from components.clouds import gpu as facts

    if name is not None and name not in facts.CLASSES:
        message = f"there is no GPU class {name!r}; there are {', '.join(facts.CLASSES)}."
        raise errors.NotFoundError(message, fix="twain gpu classes", id="GPU-404")


def _of_cells(app: App, scope: Scope) -> list[dict[str, Any]]:
    from cli import offers
    from components.clouds import gpu as facts

    rows: list[dict[str, Any]] = []
    for cell in app.fleet.cells:
        if not scope.has(world=cell.world, cell=cell.name):
            continue
        place = {"world": cell.world, "cell": cell.name, "cloud": cell.cloud, "region": cell.region}
        found = list(offers.offers(cloud=cell.cloud, region=cell.region))
        for name in facts.CLASSES:
            own = [row for row in found if row["class"] == name] or [_not_listed(cell.cloud, name)]
            pools = [pool for pool in cell.gpu_pools if pool.gpu_class == name]
            for row in own:
                users = [pool for pool in pools if _machine(cell, pool) == row["machine"] is not None]
                rows += [{**row, **place, **_used(pool)} for pool in users or [None]]
            # What the fleet asks for and no source lists is told all the same.
            rows += [
                {**_not_listed(cell.cloud, name), **place, **_used(pool), "gpus": pool.gpus_per_node}
                for pool in pools
                if _machine(cell, pool) is None
            ]
    return rows


def _machine(cell: CellView, pool: PoolView) -> str | None:
    """The machine that the pool is made of, where the tables have one."""
    from components.clouds import gpu as facts

    found = facts.machine(cell.cloud, cell.region, pool.gpu_class, pool.gpus_per_node)
    return found.instance_type if found is not None else None


def _used(pool: PoolView | None) -> dict[str, Any]:
    if pool is None:
        return {"pool": None, "min": None, "max": None}
    return {"pool": pool.name, "min": pool.min, "max": pool.max}


def _not_listed(cloud: str, name: str) -> dict[str, Any]:
    from cli import offers

    for row in offers.offers(cloud=cloud, gpu_class=name):
        if row["stock"] == "unknown":
            return row
    return {**offers.EMPTY, "class": name, "stock": "not listed", "reason": "no source lists one in this region"}


def _columns() -> tuple[Column, ...]:
    from cli.output import Column

    return (
        Column(title="CLASS", key="class"),
        Column(title="GPUS", key="gpus", right=True),
        Column(title="MODEL", key="model"),
        Column(title="MACHINE", key="machine"),
        Column(title="STOCK", key="stock", tone=lambda stock: None if stock == "listed" else "warn"),
        Column(title="PER HOUR", key=_per_hour, right=True, missing="unknown"),
        Column(title="AS OF", key="price.asOf"),
        Column(title="JOINED BY", key="interconnect", wide=True),
        Column(title="WHY", key="reason", wide=True),
        Column(title="LISTED BY", key="source", wide=True),
        Column(title="PRICE FROM", key="price.source", wide=True),
    )


def _per_hour(item: Mapping[str, Any]) -> str | None:
    found = item["price"]
    if found is None:
        return None
    return f"{found['perHour']} {found['currency']}{'*' if found['basis'] == 'synthetic' else ''}"


def _notes(items: list[dict[str, Any]]) -> list[str]:
    priced = [item for item in items if item["price"] is not None]
    notes = [f"{len(priced)} of {len(items)} with a known price; list prices before tax, on demand"] if items else []
    if any(item["price"]["basis"] == "synthetic" for item in priced):
        notes.append("* no public source: made up for the rehearsal")
    return notes
