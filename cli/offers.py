"""Which GPUs can be had where, and at what dated price: the tables of machines and of prices. Asks no cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.clouds import gpu, regions
from components.clouds.gpu_models import MODELS
from components.pricing.catalog import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.clouds.gpu import Machine
    from components.pricing.model import Price

# The currency that the cloud bills this fleet's accounts in; a price in another one is shown where there is none.
_BILLED = {"alicloud": "CNY", "gcp": "USD", "azure": "EUR"}


EMPTY: dict[str, Any] = dict.fromkeys(
    [
        *("world", "cloud", "region", "class", "gpus", "model", "machine", "interconnect", "stock"),
        *("price", "reason", "source", "asOf"),
    ]
)


def classes() -> list[dict[str, Any]]:
    """Every class: its contract, the models that keep it, and the clouds that list a machine with one of those."""
    return [
        {
            "class": one.name,
            "memoryGiB": one.memory_gib,
            "tflops": one.tflops,
            "bf16": one.bf16,
            "fp8": one.fp8,
            "models": [model.name for model in MODELS.values() if one.met_by(model)],
            "clouds": [
                cloud
                for cloud, found in gpu.MACHINES.items()
                if any(machine.gpu_class == one.name for machine in found)
            ],
        }
        for one in gpu.CLASSES.values()
    ]


def offers(
    *, cloud: str | None = None, region: str | None = None, gpu_class: str | None = None, world: str | None = None
) -> Iterator[dict[str, Any]]:
    """One row per machine and region, then one per family of which no source says sizes and regions."""
    for name, machines in gpu.MACHINES.items():
        for machine in machines:
            for place in machine.regions:
                lies_in = regions.world_of(name, place)
                asked = ((cloud, name), (region, place), (world, lies_in), (gpu_class, machine.gpu_class))
                if all(_wanted(*pair) for pair in asked):
                    yield offer(name, place, machine)
    for family in gpu.UNLISTED:
        places = regions.WORLD_OF[family.cloud]
        may_be_there = (region is None or region in places) and (world is None or world in places.values())
        if may_be_there and _wanted(cloud, family.cloud) and _wanted(gpu_class, family.gpu_class):
            yield {
                **EMPTY,
                "cloud": family.cloud,
                "class": family.gpu_class,
                "machine": family.family,
                "model": family.gpu_model,
                "stock": "unknown",
                "reason": family.reason,
                "asOf": family.as_of,
            }


def offer(cloud: str, region: str, machine: Machine) -> dict[str, Any]:
    """A machine in a region, with its price or without."""
    return {
        "world": regions.world_of(cloud, region),
        "cloud": cloud,
        "region": region,
        "class": machine.gpu_class,
        "gpus": machine.gpus,
        "model": machine.gpu_model,
        "machine": machine.instance_type,
        "interconnect": machine.interconnect,
        "stock": machine.stock,
        # What is not sold on demand has no price on demand, whatever a calculator prints.
        "price": None if machine.stock == "spot only" else price(cloud, region, machine.instance_type),
        "reason": _reason(cloud, machine),
        "source": machine.source,
        "asOf": machine.as_of,
    }


def _reason(cloud: str, machine: Machine) -> str | None:
    if machine.stock == "on request":
        return "quota or allow-list: ask the cloud"
    return gpu.withheld(cloud, machine.gpu_class, machine.gpus)


def price(cloud: str, region: str, sku: str) -> dict[str, Any] | None:
    """The on-demand list price of a machine per hour, or None: unknown is not free."""
    catalog = load()
    first = _BILLED[cloud]
    for currency in (first, *sorted({"CNY", "EUR", "USD"} - {first})):
        found = catalog.find(cloud=cloud, region=region, sku=sku, currency=currency)
        if found is not None:
            return _price(found)
    return None


def _price(found: Price) -> dict[str, Any]:
    return {
        "perHour": str(found.price),
        "currency": found.currency,
        "asOf": found.as_of.isoformat(),
        "basis": found.basis,
        "source": found.source,
    }


def _wanted(asked: str | None, value: str | None) -> bool:
    return asked is None or asked == value
