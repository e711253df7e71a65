"""The logs of a workload's pods, read through the API servers of our own world's cells."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cli import content, errors
from cli.kube import decode, kinds
from cli.net.http import Deadline
from cli.serve import names
from cli.serve.scope import unreachable

if TYPE_CHECKING:
    from cli.app import App
    from cli.content import Glass
    from cli.options import Scope

VERB = "serve logs"
BYTES_MOST = 1 << 20
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_PREFIX = names.namespace("")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which lines: the last so many, of the last so many seconds, of the container's life before this one."""

    tail: int = 100
    since_s: float | None = None
    previous: bool = False

    def params(self, container: str) -> dict[str, str]:
        """The query of the API server's log route."""
        found = {"container": container, "tailLines": str(self.tail), "limitBytes": str(BYTES_MOST)}
        if self.since_s is not None:
            found["sinceSeconds"] = str(max(1, round(self.since_s)))
        return found | ({"previous": "true"} if self.previous else {})


@dataclass(frozen=True, kw_only=True)
class Source:
    """One container of the workload."""

    world: str
    cell: str
    maison: str
    pod: str
    container: str


@dataclass(kw_only=True)
class Read:
    """Lines with where they come from, and what could not be read."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    errors: list[errors.ErrorRow] = field(default_factory=list)


async def read(app: App, name: str, scope: Scope, *, wanted: Wanted, glass: Glass, deadline_s: float) -> Read:
    """The lines of every pod of the workload in our own world's cells of the scope.

    Raises PolicyError before anything is asked or read where content may not be seen, NotFoundError where no cell of
    ours has the workload, UsageError where two maisons have one of that name.
    """
    if not _NAME.fullmatch(name):
        message = f"{name!r} cannot be a workload's name."
        raise errors.UsageError(message, fix="twain serve list", id="CFG-NAME")
    cells = content.own_cells(app, VERB, scope, name=name)
    deadline = Deadline(deadline_s)
    parts = await asyncio.gather(*(_pods(app, cell.name, name, deadline) for cell in cells))
    sources = [one for found, _ in parts for one in found if scope.maison in {None, one.maison}]
    result = Read(errors=[error for _, found in parts for error in found])
    if not sources:
        return _nothing(app, name, result)
    maison = _one_maison(name, sources)
    asked = list(dict.fromkeys(one.cell for one in sources))
    seen, silent = await content.allow(app, VERB, cells=asked, maison=maison, name=name, glass=glass)
    result.errors += silent
    told = await asyncio.gather(*(_lines(app, one, name, wanted, deadline) for one in sources if one.cell in seen))
    for part in told:
        result.rows += part.rows
        result.errors += part.errors
    return result


def _nothing(app: App, name: str, result: Read) -> Read:
    if result.errors:  # the cell that has it may be the one that is silent
        return result
    message = f"no pod of a workload {name!r} runs in world {app.context.world}."
    raise errors.NotFoundError(message, fix="twain serve list", id="SRV-404")


def _one_maison(name: str, sources: list[Source]) -> str:
    found = sorted({one.maison for one in sources})
    if len(found) > 1:
        message = f"{', '.join(found)} each have a workload {name}."
        raise errors.UsageError(message, fix="--maison NAME", id="CFG-MAISON")
    return found[0]


async def _pods(app: App, cell: str, name: str, deadline: Deadline) -> tuple[list[Source], list[errors.ErrorRow]]:
    world = app.context.world
    params = {"labelSelector": f"{names.WORKLOAD}={name}"}
    try:
        async with app.kube(cell) as kube:
            found = await decode.listed(
                kube, kinds.collection("v1", "Pod"), decode.Pod, params=params, deadline=deadline
            )
    except errors.TwainError as error:
        return [], [unreachable(error, cell=cell, world=world)]
    # The namespace says whose it is: a label is what its owner wrote.
    return [
        Source(
            world=world,
            cell=cell,
            maison=pod.metadata.namespace.removeprefix(_PREFIX),
            pod=pod.metadata.name,
            container=container.name,
        )
        for pod in sorted(found.items, key=lambda pod: pod.metadata.name)
        if pod.metadata.namespace.startswith(_PREFIX)
        for container in pod.spec.containers
    ], []


async def _lines(app: App, one: Source, name: str, wanted: Wanted, deadline: Deadline) -> Read:
    path = f"{kinds.path('v1', 'Pod', one.pod, names.namespace(one.maison))}/log"
    try:
        async with app.kube(one.cell) as kube:
            body = await kube.get_bytes(path, params=wanted.params(one.container), deadline=deadline)
    except errors.TwainError as error:
        return Read(errors=[unreachable(error, cell=one.cell, world=one.world)])
    base = {"world": one.world, "cell": one.cell, "maison": one.maison, "workload": name}
    place = {**base, "pod": one.pod, "container": one.container}
    return Read(rows=[{**place, "line": line} for line in body.decode(errors="replace").splitlines()])
