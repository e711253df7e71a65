"""Rules over a fleet about values that are well formed, and that one cloud refuses, or our own guard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.clouds import limits
from components.clouds.addresses import pods_of
from components.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.spec.model import Cell, Fleet, Template


def cell(fleet: Fleet, one: Cell, path: str, where: str) -> Iterator[Problem]:
    """Everything here that is about one cell."""
    template = fleet.resolved(one.name).template
    yield from zones(one, path, where)
    yield from bucket(one, template, path, where)
    yield from nodes(one, template, path, where)
    yield from pods(one, template, path, where)


def declared(one: Cell, where: str, field: str) -> str:
    """Where a field of a cell's template stands: in the cell where it differs, else in the template of the fleet."""
    own = one.template is not None and getattr(one.template, field.partition(".")[0]) is not None
    return f"{where}.template.{field}" if own else f"spec.template.{field}"


def zones(one: Cell, path: str, where: str) -> Iterator[Problem]:
    """No more zones than the cell's cluster takes subnets."""
    most = limits.ZONES.get(one.cloud)
    if most is not None and len(one.zones) > most:
        yield Problem(
            code="SPEC-ZONE",
            path=path,
            where=f"{where}.zones",
            line=0,
            message=f"cell {one.name}: a cluster of {one.cloud} lies in {most} zones at most, and it names "
            f"{len(one.zones)}.",
            value=", ".join(one.zones),
            fix=f"name two to {most} zones, or none: then the first two of the region are taken",
        )


def bucket(one: Cell, template: Template, path: str, where: str) -> Iterator[Problem]:
    """Old versions are kept, and for as long as the cell's cloud can."""
    if not template.bucket.versioning:
        yield Problem(
            code="SPEC-BUCKET",
            path=path,
            where=declared(one, where, "bucket.versioning"),
            line=0,
            message=f"cell {one.name}: without versions nothing is kept that is overwritten; SEC-026 refuses it.",
            value="false",
            fix="remove it, or say true",
        )
    days, most = template.bucket.noncurrent_days, limits.NONCURRENT_DAYS.get(one.cloud)
    if most is not None and days > most:
        yield Problem(
            code="SPEC-VALUE",
            path=path,
            where=declared(one, where, "bucket.noncurrent_days"),
            line=0,
            message=f"cell {one.name}: {one.cloud} keeps old versions {most} days at most.",
            value=str(days),
            fix=f"use {most} or fewer, in the template or for this cell",
        )


def nodes(one: Cell, template: Template, path: str, where: str) -> Iterator[Problem]:
    """Images are held only where patches of known holes still come."""
    reason = limits.UNPATCHED.get(one.cloud) if template.nodes.images == "held" else None
    if reason is not None:
        yield Problem(
            code="SPEC-NODES",
            path=path,
            where=declared(one, where, "nodes.images"),
            line=0,
            message=f"cell {one.name}: {one.cloud} cannot hold node images: {reason}; SEC-016 refuses it.",
            value="held",
            fix="use automatic, in the template or for this cell",
        )


def pods(one: Cell, template: Template, path: str, where: str) -> Iterator[Problem]:
    """The pods' part of the cell's range holds a block for each node that there may be, those that replace others
    included.
    """
    block = limits.NODE_BLOCK.get(one.cloud)
    if block is None:
        return
    pools = [("system", template.system_pool.max), *((pool.name, pool.max) for pool in template.gpu_pools)]
    surge = template.nodes.surge
    needed = sum(count + surge for _, count in pools)
    plan = pods_of(one.cidr)
    room = 2 ** max(block - plan.prefixlen, 0)
    if needed <= room:
        return
    prefix = block - (needed - 1).bit_length() - 1
    counted = " + ".join(f"{name} {count}" for name, count in pools)
    yield Problem(
        code="SPEC-CIDR",
        path=path,
        where=f"{where}.cidr",
        line=0,
        message=(
            f"cell {one.name}: up to {needed} nodes ({counted}, and {surge} more in each pool while nodes are "
            f"replaced), and {one.cloud} gives each a /{block} of the pods' range {plan}, which holds {room}."
        ),
        value=one.cidr,
        fix=f"use a /{prefix} or larger, or lower max of the pools to {room - surge * len(pools)} nodes together",
    )


def parts(fleet: Fleet, path: str) -> Iterator[Problem]:
    """The names of maisons and datasets fit every cloud on which they become names of resources."""
    named = [("maison", index, one.name, frozenset(fleet.worlds)) for index, one in enumerate(fleet.maisons)]
    named += [("dataset", index, one.name, frozenset(one.worlds)) for index, one in enumerate(fleet.datasets)]
    for kind, index, name, worlds in named:
        for cloud, (pattern, words) in limits.FORBIDDEN_PARTS.items():
            cells = [one.name for one in fleet.cells if one.cloud == cloud and one.world in worlds]
            if cells and pattern.search(name):
                yield Problem(
                    code="SPEC-NAME",
                    path=path,
                    where=f"spec.{kind}s[{index}].name",
                    line=0,
                    message=(
                        f"{kind} {name}: {cloud} refuses {words} in the name of its container (cell "
                        f"{', '.join(cells)})."
                    ),
                    value=name,
                    fix=f"rename it, for instance {pattern.sub('-', name)}",
                )


def groups(fleet: Fleet, path: str) -> Iterator[Problem]:
    """Each maison's group is its own: whoever is in it sees that maison, and no other, and runs no world."""
    seen: dict[str, str] = {}
    for world in fleet.worlds.values():
        for role, group in (("sre", world.groups.sre), ("gate", world.groups.gate)):
            seen.setdefault(group, f"is the group `{role}` of world {world.name}")
    for index, maison in enumerate(fleet.maisons):
        before = seen.setdefault(maison.rbac_group, f"is the group of maison {maison.name}")
        if before != f"is the group of maison {maison.name}":
            yield Problem(
                code="SPEC-DUPLICATE",
                path=path,
                where=f"spec.maisons[{index}].rbac_group",
                line=0,
                message=f"maison {maison.name}: {maison.rbac_group!r} {before}; it would give the rights of both.",
                value=maison.rbac_group,
                fix="name a group of this maison's own",
            )
