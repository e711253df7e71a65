"""Rules over a whole fleet that need cloud facts: jurisdictions, SKUs, zones, overlapping ranges. All problems at
once.
"""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import TYPE_CHECKING

from components.clouds import gpu, kubernetes, node_images, prepaid, regions, shares
from components.errors import NotSupportedError, Problem, ResidencyError, SpecError
from components.policy import account_rules, alarm_rules, cloud_rules, dataset_rules, fleet_rules, homes, pool_rules
from components.policy.places import region_of
from components.spec.load import lines, load_fleet
from components.spec.model import Fleet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from components.spec.model import Cell


def load_checked(path: str | Path) -> Fleet:
    """The fleet of a file that keeps every rule. Raises as `check`, with what is wrong about the file's form and about
    the fleet in one list.
    """
    form: tuple[Problem, ...] = ()
    assumed: tuple[str, ...] = ()
    try:
        fleet = load_fleet(path)
    except SpecError as error:
        if not isinstance(error.partial, Fleet):
            raise
        fleet, form, assumed = error.partial, error.problems, error.assumed
    others = [
        problem for problem in _found(fleet, str(path)) if not problem.about(assumed) and not _told(problem, form)
    ]
    _refuse([*form, *others])
    return fleet


def check(fleet: Fleet, path: str) -> None:
    """Raise ResidencyError when a rule of residency is broken, else SpecError when any other is; both carry all
    problems.
    """
    _refuse(_found(fleet, path))


def _found(fleet: Fleet, path: str) -> list[Problem]:
    return _with_lines(problems_of(fleet, path), path)


def _told(problem: Problem, before: tuple[Problem, ...]) -> bool:
    """Whether the form of this very place is wrong already."""
    return any(problem.where == other.where for other in before)


def _refuse(problems: list[Problem]) -> None:
    if any(problem.code.startswith("RES-") for problem in problems):
        raise ResidencyError(problems)
    if problems:
        raise SpecError(problems)


def _with_lines(problems: list[Problem], path: str) -> list[Problem]:
    """The problems with the line of their place, or of the nearest place around it that the file has."""
    known = lines(path) if problems else {}
    return [replace(problem, line=_line(known, problem.where)) for problem in problems]


def _line(known: Mapping[str, int], where: str) -> int:
    # "spec.cells[0] (pool gpu80g)": what stands in brackets is for people.
    place = where.partition(" ")[0]
    while place and place not in known:
        place = place[: max(place.rfind("."), place.rfind("["), 0)]
    return known.get(place, 0) if place else 0


def problems_of(fleet: Fleet, path: str) -> list[Problem]:
    """Every problem of the fleet, in the order of the file."""
    found: list[Problem] = []
    for name, world in fleet.worlds.items():
        found.extend(_allow_list(path, name, world.regions))
        found.extend(fleet_rules.guard_rails(fleet, world, path))
        found.extend(fleet_rules.told(world, path))
        found.extend(homes.kept(world, path))
        found.extend(alarm_rules.called(fleet, world, path))
    found.extend(_names(fleet, path))
    found.extend(fleet_rules.amounts(fleet, path))
    found.extend(cloud_rules.parts(fleet, path))
    found.extend(cloud_rules.groups(fleet, path))
    found.extend(account_rules.limits(fleet, path))
    for index, cell in enumerate(fleet.cells):
        where = f"spec.cells[{index}]"
        found.extend(_place(fleet, cell, path, where))
        found.extend(_two_zones(cell, path, where))
        found.extend(pool_rules.zones(fleet, cell, path, where))
        found.extend(_bucket(fleet, cell, path, where))
        found.extend(_minor(fleet, cell, path, where))
        found.extend(_driver(fleet, cell, path, where))
        found.extend(_machines(fleet, cell, path, where))
        found.extend(_files(fleet, cell, path, where))
        found.extend(_log_days(fleet, cell, path, where))
        found.extend(_prepaid(fleet, cell, path, where))
        found.extend(fleet_rules.budget(fleet, cell, path, where))
        found.extend(alarm_rules.managed(fleet, cell, path, where))
        found.extend(fleet_rules.hosted_model(fleet, cell, path, where))
        found.extend(cloud_rules.cell(fleet, cell, path, where))
        found.extend(_overlaps(fleet, cell, index, path, where))
    found.extend(dataset_rules.datasets(fleet, path))
    return found


def _allow_list(path: str, world: str, names: tuple[str, ...]) -> Iterator[Problem]:
    for index, region in enumerate(names):
        worlds = {found for cloud in regions.WORLD_OF if (found := regions.world_of(cloud, region)) is not None}
        if worlds != {world}:
            actual = f"it lies in world {', '.join(sorted(worlds))}" if worlds else "the tables do not know it"
            yield Problem(
                code="RES-001",
                path=path,
                where=f"spec.worlds.{world}.regions[{index}]",
                line=0,
                message=f"region {region} cannot be in the allow-list of world {world}: {actual}.",
                value=region,
                fix="remove it; cn-hongkong is not mainland China",
            )


def _names(fleet: Fleet, path: str) -> Iterator[Problem]:
    """A bucket's name on GCP must not hold the vendor's; ours begin with the fleet's."""
    for index, cell in enumerate(fleet.cells):
        if cell.cloud == "gcp" and "goog" in f"{fleet.name}-{cell.name}":
            yield Problem(
                code="SPEC-NAME",
                path=path,
                where=f"spec.cells[{index}].name",
                line=0,
                message=f"cell {cell.name}: no bucket of gcp may hold `goog`; ours begin with the fleet.",
                value=f"{fleet.name}-{cell.name}",
                fix="rename the fleet or the cell",
            )


def _place(fleet: Fleet, cell: Cell, path: str, where: str) -> Iterator[Problem]:
    world = fleet.worlds.get(cell.world)
    actual = regions.world_of(cell.cloud, cell.region)
    if actual != cell.world:
        known = f"lies in world {actual}" if actual else f"is not a known region of {cell.cloud}"
        yield Problem(
            code="RES-001" if actual else "RES-002",
            path=path,
            where=f"{where}.region",
            line=0,
            message=f"cell {cell.name} of world {cell.world}: region {cell.region} {known}.",
            value=cell.region,
            fix=f"use one of {', '.join(world.regions) if world else 'the regions of its world'}",
        )
    elif world is not None and cell.region not in world.regions:
        yield Problem(
            code="RES-001",
            path=path,
            where=f"{where}.region",
            line=0,
            message=f"cell {cell.name}: region {cell.region} is not in the allow-list of world {cell.world}.",
            value=cell.region,
            fix=f"use one of {', '.join(world.regions)}, or add it to worlds.{cell.world}.regions",
        )
    if actual is None:
        return
    try:
        offered = regions.zones(cell.cloud, cell.region)
    except NotSupportedError as error:
        if not cell.zones or regions.zoneless(cell.cloud, cell.region):
            at = f"{where}.region" if regions.zoneless(cell.cloud, cell.region) else f"{where}.zones"
            yield Problem(code="SPEC-ZONE", path=path, where=at, line=0, message=f"cell {cell.name}: {error}.")
        return
    for zone in cell.zones:
        if zone not in offered:
            yield Problem(
                code=pool_rules.code_of(fleet, cell, zone),
                path=path,
                where=f"{where}.zones",
                line=0,
                message=f"cell {cell.name}: {cell.region} has no zone {zone}.",
                value=zone,
                fix=f"use some of {', '.join(offered)}",
            )


def _two_zones(cell: Cell, path: str, where: str) -> Iterator[Problem]:
    """What must outlive a zone stands in two."""
    if cell.zones and len(set(cell.zones)) < 2:
        yield Problem(
            code="SPEC-ZONE",
            path=path,
            where=f"{where}.zones",
            line=0,
            message=f"cell {cell.name}: its database and its cache stand in two zones, and it names one.",
            value=", ".join(cell.zones),
            fix="name two zones or more, or none: then the first two of the region are taken",
        )


def _bucket(fleet: Fleet, cell: Cell, path: str, where: str) -> Iterator[Problem]:
    """A bucket that lies elsewhere than its cell is judged as the cell is."""
    declared = cell.overrides.gcp.bucket_location if cell.overrides and cell.overrides.gcp else ""
    allowed = fleet.worlds[cell.world].regions if cell.world in fleet.worlds else ()
    region = region_of(cell.cloud, declared)
    if not declared or region == cell.region:
        return
    if region in allowed:
        yield Problem(
            code="SPEC-BUCKET",
            path=path,
            where=f"{where}.overrides.gcp.bucket_location",
            line=0,
            message=f"cell {cell.name}: its key lies in {cell.region}, and a bucket in {declared} takes no such key.",
            value=declared,
            fix=f"remove it, or say {cell.region}",
        )
        return
    actual = regions.world_of(cell.cloud, region)
    if actual is None:
        reason = "the tables do not know it as one single region; a multi-region is several"
    elif actual != cell.world:
        reason = f"it lies in world {actual}"
    else:
        reason = f"it is not in the allow-list of world {cell.world}"
    yield Problem(
        code="RES-001" if actual else "RES-002",
        path=path,
        where=f"{where}.overrides.gcp.bucket_location",
        line=0,
        message=f"cell {cell.name} of world {cell.world}: its buckets cannot lie in {declared}: {reason}.",
        value=declared,
        fix=f"remove it, or use one of {', '.join(allowed)}",
    )


def _minor(fleet: Fleet, cell: Cell, path: str, where: str) -> Iterator[Problem]:
    """The cell's cloud makes clusters of this Kubernetes minor and takes them to it."""
    minor, calendar = fleet.resolved(cell.name).template.kubernetes_minor, kubernetes.CALENDARS[cell.cloud]
    if calendar.get(minor) is None:
        yield Problem(
            code="SPEC-MINOR",
            path=path,
            where=f"{where}.template.kubernetes_minor",
            line=0,
            message=(
                f"cell {cell.name}: {cell.cloud} does not offer Kubernetes {minor}, as its calendar of "
                f"{kubernetes.AS_OF} says."
            ),
            value=minor,
            fix=f"use {', '.join(calendar.names)}, in the template or for this cell",
        )


def _driver(fleet: Fleet, cell: Cell, path: str, where: str) -> Iterator[Problem]:
    """The cell's cloud can be told of this driver, and engines start on it."""
    template = fleet.resolved(cell.name).template
    reason = node_images.driver_problem(cell.cloud, template.nodes.driver) if template.gpu_pools else None
    if reason is not None:
        yield Problem(
            code="SPEC-DRIVER",
            path=path,
            where=f"{where}.template.nodes.driver",
            line=0,
            message=f"cell {cell.name}: no driver {template.nodes.driver} for the GPU nodes of {cell.cloud}: {reason}.",
            value=template.nodes.driver,
            fix=f"use {node_images.instead(cell.cloud)}, in the template or for this cell",
        )


def _machines(fleet: Fleet, cell: Cell, path: str, where: str) -> Iterator[Problem]:
    if regions.world_of(cell.cloud, cell.region) is None:
        return
    for pool in fleet.resolved(cell.name).template.gpu_pools:
        if pool.gpu_class not in gpu.CLASSES:
            yield Problem(
                code="SPEC-CLASS",
                path=path,
                where=f"{where} (pool {pool.name})",
                line=0,
                message=f"there is no GPU class {pool.gpu_class!r}.",
                value=pool.gpu_class,
                fix=f"use one of {', '.join(sorted(gpu.CLASSES))}",
            )
        elif gpu.machine(cell.cloud, cell.region, pool.gpu_class, pool.gpus_per_node) is None:
            yield pool_rules.not_sold(cell, pool, path, where)


def _files(fleet: Fleet, cell: Cell, path: str, where: str) -> Iterator[Problem]:
    """The size of the file share is one that the cell's cloud can make."""
    size = fleet.resolved(cell.name).template.file_share.size_gib
    if not shares.SIZES[cell.cloud].takes(size):
        yield Problem(
            code="SPEC-SIZE",
            path=path,
            where=f"{where}.template.file_share.size_gib",
            line=0,
            message=f"cell {cell.name}: {cell.cloud} cannot make a file share of {size} GiB.",
            value=str(size),
            fix=f"use {shares.SIZES[cell.cloud]}, in the template or for this cell",
        )


_SIX_MONTHS = 180


def _log_days(fleet: Fleet, cell: Cell, path: str, where: str) -> Iterator[Problem]:
    """In mainland China logs are kept six months at least."""
    days = fleet.resolved(cell.name).template.observability.log_days
    if cell.world == "cn" and days < _SIX_MONTHS:
        yield Problem(
            code="SPEC-LOGS",
            path=path,
            where=f"{where}.template.observability.log_days",
            line=0,
            message=f"cell {cell.name} of world cn: logs would be kept {days} days; the law asks for six months.",
            value=str(days),
            fix=f"use {_SIX_MONTHS} or more",
        )


def _prepaid(fleet: Fleet, cell: Cell, path: str, where: str) -> Iterator[Problem]:
    """What is bought in advance is acknowledged by a person, in the fleet."""
    bought = prepaid.REGISTRY.get(cell.cloud)
    if bought is None or fleet.resolved(cell.name).template.registry.prepaid_acknowledged:
        return
    yield Problem(
        code="SPEC-PREPAID",
        path=path,
        where=f"{where}.template.registry.prepaid_acknowledged",
        line=0,
        message=f"cell {cell.name}: {bought}.",
        value="false",
        fix="set registry: {prepaid_acknowledged: true} in the template or for this cell, or take the cell out",
    )


def _overlaps(fleet: Fleet, cell: Cell, index: int, path: str, where: str) -> Iterator[Problem]:
    mine = ipaddress.IPv4Network(cell.cidr)
    for other in fleet.cells[:index]:
        if mine.overlaps(ipaddress.IPv4Network(other.cidr)):
            yield Problem(
                code="SPEC-CIDR",
                path=path,
                where=f"{where}.cidr",
                line=0,
                message=f"cell {cell.name}: {cell.cidr} overlaps {other.cidr} of cell {other.name}.",
                value=cell.cidr,
                fix="give each cell a range of its own, also across worlds",
            )
