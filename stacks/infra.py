"""The `infra` layer of a cell, read top to bottom: network, key, cluster, GPU pools, bucket, identity, files,
observability, registry, secrets, database, cache, budget, the hook into the cloud's AI platform, the organisation's
guard rails.
"""

from __future__ import annotations

import asyncio
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pulumi

from components import registry
from components.ai_platform.contract import AiPlatformInputs
from components.base import Place
from components.bucket.contract import BucketInputs
from components.budget.contract import BudgetInputs
from components.cache.contract import CacheInputs
from components.clouds import budgets, gpu
from components.clouds.accounts import speaks_for_account
from components.clouds.organisations import speaks_for_node
from components.clouds.pods import SERVICE_ACCOUNT
from components.clouds.regions import world_of
from components.cluster.contract import ClusterInputs
from components.container_registry.contract import ContainerRegistryInputs
from components.database.contract import DatabaseInputs
from components.file_share.contract import FileShareInputs
from components.guard_rails.contract import GuardRailsInputs
from components.identity.contract import IdentityInputs
from components.key.contract import KeyInputs
from components.network.contract import NetworkInputs
from components.network.plan import AddressPlan
from components.nodepool.contract import NodePoolInputs
from components.observability.contract import ObservabilityInputs
from components.parity import state
from components.platform.names import PROMETHEUS, SYSTEM_NAMESPACE, dataset_part, maison_namespace
from components.secret_store.contract import SecretStoreInputs
from stacks import exports

if TYPE_CHECKING:
    from stacks.settings import Settings


def build(settings: Settings, seen: list[tuple[str, str, dict[str, Any]]], declared: list[pulumi.Resource]) -> None:
    """Declare the cloud resources of the cell and export what others read.

    `seen` is where the guard notes each accepted resource (type, name, inputs) while the program runs; `declared` is
    where every resource is noted as soon as it is declared.
    """
    cell, cloud = settings.cell, settings.cell.cell.cloud
    name = cell.cell.name
    place = Place.of(settings.fleet, cell)
    plan = AddressPlan.of(cell.cell.cidr)
    provider = registry.resolve("provider", cloud)("cloud", place)

    def make(component: str, logical: str, inputs: Any) -> Any:
        options = pulumi.ResourceOptions(providers=[provider])
        return registry.resolve(component, cloud)(logical, inputs, options).outputs

    network = make("network", name, NetworkInputs(place=place, plan=plan))
    key = make("key", name, KeyInputs(place=place, scope=network.scope))
    cluster = make("cluster", name, ClusterInputs(place=place, plan=plan, network=network, key=key))
    pools: list[dict[str, Any]] = []
    made: list[Any] = []
    for pool in cell.template.gpu_pools:
        machine = gpu.machine(cloud, cell.cell.region, pool.gpu_class, pool.gpus_per_node)
        if machine is None:  # the spec check has refused this before; the type checker does not know
            continue
        asked = NodePoolInputs(
            place=place,
            pool=pool,
            instance_type=machine.instance_type,
            accelerator=machine.accelerator,
            network=network,
            cluster=cluster,
            key=key,
        )
        made.append(make("nodepool", f"{name}-{pool.name}", asked))
        pools.append(
            {**pool.model_dump(mode="json"), "instance_type": machine.instance_type, "zones": list(asked.zones)}
        )
    spaces = {maison.name: maison_namespace(maison.name) for maison in settings.fleet.maisons}
    shared = {dataset.name: dataset_part(dataset.name) for dataset in settings.fleet.datasets_of(cell.cell.world)}
    bucket = make(
        "bucket",
        name,
        BucketInputs(
            place=place,
            purpose="weights",
            parts=(*spaces.values(), *shared.values()),
            key=key,
            scope=network.scope,
            network=network,
        ),
    )
    identity = make(
        "identity",
        name,
        IdentityInputs(
            place=place,
            namespaces=spaces,
            service_account=SERVICE_ACCOUNT,
            cluster=cluster,
            bucket=bucket,
            datasets=_datasets_by_reader(settings),
            key=key,
            scope=network.scope,
        ),
    )
    files = make("file_share", name, FileShareInputs(place=place, plan=plan, network=network, key=key))
    observability = make(
        "observability",
        name,
        ObservabilityInputs(
            place=place,
            network=network,
            key=key,
            cluster=cluster,
            for_account=speaks_for_account(settings.fleet, cell.cell),
            writer=f"{SYSTEM_NAMESPACE}/{PROMETHEUS}",
        ),
    )
    images = make(
        "container_registry",
        name,
        ContainerRegistryInputs(
            place=place,
            network=network,
            key=key,
            cluster=cluster,
            parts=tuple(spaces.values()),
        ),
    )
    secrets = make(
        "secret_store",
        name,
        SecretStoreInputs(
            place=place,
            network=network,
            key=key,
            identity=identity,
            maisons=tuple(spaces),
        ),
    )
    database = make(
        "database",
        name,
        DatabaseInputs(place=place, plan=plan, network=network, key=key, identity=identity),
    )
    cache = make(
        "cache",
        name,
        CacheInputs(place=place, plan=plan, network=network, key=key, identity=identity),
    )
    watcher, percent = budgets.watcher(settings.fleet, cell.cell)
    maisons = settings.fleet.maisons
    budget = make(
        "budget",
        name,
        BudgetInputs(place=place, network=network, maisons=maisons, watcher=watcher, percent=percent),
    )
    models = make("ai_platform", name, AiPlatformInputs(place=place, network=network, key=key, images=images))
    rails = make("guard_rails", name, _rails(settings, place))
    parts = [network, key, cluster, *made, bucket, identity, files, observability, images, secrets]
    parts += [database, cache, budget, rails, models]
    exports.collect(
        cell,
        network=network,
        key=key,
        cluster=cluster,
        gpu_pools=pools,
        bucket=bucket,
        datasets=shared,
        identity=identity,
        files=files,
        observability=observability,
        images=images,
        secrets=secrets,
        database=database,
        cache=cache,
        budget=budget,
        rails=rails,
        models=models,
        guarantees=_guarantees(cloud, seen, declared, parts),
    ).export()


def _datasets_by_reader(settings: Settings) -> dict[str, dict[str, str]]:
    """By maison, the parts of the bucket that hold the datasets it reads in this cell's world."""
    found: dict[str, dict[str, str]] = {}
    for dataset in settings.fleet.datasets_of(settings.cell.cell.world):
        for maison in dataset.read_by:
            found.setdefault(maison, {})[dataset.name] = dataset_part(dataset.name)
    return found


def _rails(settings: Settings, place: Place) -> GuardRailsInputs:
    """What the organisation is told by this cell: nothing, unless it is the one that speaks for its world and cloud."""
    cell, world = place.cell.cell, place.cell.world
    attach_to = world.guard_rails.get(cell.cloud, "") if speaks_for_node(settings.fleet, cell) else ""
    regions = tuple(region for region in world.regions if world_of(cell.cloud, region) == world.name)
    return GuardRailsInputs(place=place, attach_to=attach_to, regions=regions)


def _guarantees(
    cloud: str, seen: list[tuple[str, str, dict[str, Any]]], declared: list[pulumi.Resource], parts: list[Any]
) -> pulumi.Output[dict[str, str | None]]:
    """What the declared resources guarantee, told only when all of them exist: also those of which no part tells
    anything, as a policy of backups.
    """
    waited: list[pulumi.Output[Any]] = []
    for value in (getattr(part, field.name) for part in parts for field in fields(part)):
        several = value.values() if isinstance(value, dict) else [value]
        waited += [one for one in several if isinstance(one, pulumi.Output)]

    async def registered() -> None:
        await asyncio.gather(*(one.urn.future() for one in declared))

    return pulumi.Output.all(registered(), *waited).apply(lambda _: state.infra(seen, cloud))
