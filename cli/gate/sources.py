"""What the gate reads inside its world for each section, over all of the world's cells at once.

A cell that gives no answer becomes an error with one of four fixed reasons: the words of an error inside never leave.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cli import errors
from cli.collect import cell as collecting
from cli.collect import fleet, gpu
from cli.kube import kinds
from components.telemetry.contract import SHARED, Contract, Filtered, filter_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from pathlib import Path

    from cli.gate.config import GateConfig
    from cli.kube.client import KubeClient
    from cli.net.http import Deadline
    from cli.prom.window import Window

Pairs = list[tuple[str, dict[str, Any]]]
SECTIONS = ("metrics", "cost", "fleet", "parity")
SYSTEM = "twain-system"
REFUSED = "refused "
"""Begins the reason of rows that are kept back; the dotted name of the field follows, never its value."""
GUARANTEES = "guarantees"
"""The ConfigMap of each cell in which the platform writes what the cell guarantees: capability id to value."""

COST, COST_KEY = "cost", "cost.json"
"""The ConfigMap of the gate's cell in which `twain cost publish` writes what the world cost, as contract rows."""


@dataclass(kw_only=True)
class Gathered:
    """(kind, row) pairs, and for each cell that could not say everything a reason."""

    pairs: Pairs = field(default_factory=list)
    errors: list[dict[str, str | None]] = field(default_factory=list)
    # Per kind of row the groups that this world declares: the filter lets no other leave.
    known: dict[str, set[tuple[Any, ...]]] = field(default_factory=dict)

    def declare(self, kind: str, *group: str | None) -> None:
        """Note a group that rows of a kind may be about."""
        self.known.setdefault(kind, set()).add(group)

    def failed(self, cell: str | None, reason: str) -> None:
        """Note that a cell could not say everything."""
        self.errors.append({"cell": cell, "reason": reason})


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Every cell of the world, ready to be asked. `now` gives unix seconds."""

    config: GateConfig
    clients: Mapping[str, KubeClient]
    contract: Contract
    now: Callable[[], float]
    home: Path

    async def section(self, name: str, window: Window, *, deadline: Deadline) -> tuple[Filtered, list[dict[str, Any]]]:
        """A section after the contract's filter, with the errors of cells. Raises ContractError for no such section."""
        self.contract.section(name)
        gathered = Gathered()
        self._declare(gathered)
        if name == "cost":
            await self._cost(gathered, deadline)
        else:
            ask = {"metrics": self._metrics, "fleet": self._fleet, "parity": self._parity}[name]
            await self._everywhere(gathered, lambda cell, kube: ask(gathered, cell, kube, window, deadline))
        order = {cell: place for place, cell in enumerate(self.clients)}
        gathered.pairs.sort(key=lambda pair: order.get(str(pair[1].get("cell")), len(order)))
        filtered = filter_rows(self.contract, name, gathered.pairs, known=gathered.known)
        if name == "cost":
            # A sum that lacks rows says so: by the field, which is a word of the contract.
            for place in sorted(filtered.refused):
                gathered.failed(None, f"{REFUSED}{place}")
        return filtered, gathered.errors

    def _declare(self, gathered: Gathered) -> None:
        """The groups of the world: its cells, and the maisons that the gate was told of."""
        world = self.config.world
        for cell in self.clients:
            for kind in ("gpu", "cell", "guarantee"):
                gathered.declare(kind, world, cell)
            for maison in self.config.gpu_quota:
                gathered.declare("workload", world, cell, maison)
        # What lies in no cell, and what no maison alone has run up.
        for cell in (*self.clients, None):
            for maison in (*self.config.gpu_quota, SHARED, None):
                gathered.declare("cost", world, cell, maison)

    async def _everywhere(
        self, gathered: Gathered, ask: Callable[[str, KubeClient], Coroutine[Any, Any, None]]
    ) -> None:
        async def one(cell: str, kube: KubeClient) -> None:
            try:
                await ask(cell, kube)
            except errors.TwainError as error:
                gathered.failed(cell, reason_of(error))

        await asyncio.gather(*(one(cell, kube) for cell, kube in self.clients.items()))

    async def _metrics(
        self, gathered: Gathered, cell: str, kube: KubeClient, window: Window, deadline: Deadline
    ) -> None:
        world, access, now = self.config.world, self.config.access, self.now()
        latency, gpus = await asyncio.gather(
            collecting.latency_of(kube, window, world=world, access=access, now=now, deadline=deadline, home=self.home),
            collecting.gpus_of(kube, world=world, access=access, now=now, deadline=deadline, home=self.home),
        )
        for one in latency.declared:
            if one.maison not in self.config.gpu_quota:
                # A label of a Deployment declares a workload of a maison, and no maison.
                continue
            gathered.declare("latency", world, cell, one.maison, one.workload, one.model)
        # A row of which nothing is known would read as a group that is too small; the error says it instead.
        gathered.pairs += [("latency", row.as_contract()) for row in latency.rows if row.state == "ok"]
        gathered.pairs += [("gpu", gpu.as_contract(row)) for row in gpu.by_class(gpus.rows)]
        for error, rows in ((latency.error, latency.rows), (gpus.error, gpus.rows)):
            if error is not None:
                gathered.failed(cell, "metrics-unreachable" if rows else reason_of(error))
                break

    async def _fleet(self, gathered: Gathered, cell: str, kube: KubeClient, window: Window, deadline: Deadline) -> None:
        del cell, window
        gathered.pairs += await fleet.of_cell(kube, world=self.config.world, deadline=deadline)

    async def _parity(
        self, gathered: Gathered, cell: str, kube: KubeClient, window: Window, deadline: Deadline
    ) -> None:
        del window
        found = await kube.find(kinds.path("v1", "ConfigMap", GUARANTEES, SYSTEM), deadline=deadline)
        if found is None:
            gathered.failed(cell, "not-collected")
            return
        gathered.pairs += [
            ("guarantee", {"world": self.config.world, "cell": cell, "capability": name, "value": value})
            for name, value in sorted((found.get("data") or {}).items())
        ]

    async def _cost(self, gathered: Gathered, deadline: Deadline) -> None:
        own = self.clients[self.config.cell]
        try:
            found = await own.find(kinds.path("v1", "ConfigMap", COST, SYSTEM), deadline=deadline)
            rows = None if found is None else json.loads(found["data"][COST_KEY])["items"]
        except errors.TwainError as error:
            gathered.failed(None, reason_of(error))
            return
        except (KeyError, TypeError, ValueError):
            gathered.failed(None, "failed")
            return
        if rows is None:
            gathered.failed(None, "not-collected")
            return
        gathered.pairs += [("cost", dict(row)) for row in rows if isinstance(row, dict)]


def reason_of(error: errors.TwainError) -> str:
    """One of the fixed reasons for an error inside."""
    return "unreachable" if isinstance(error, errors.PartialError | errors.DeadlineError) else "failed"
