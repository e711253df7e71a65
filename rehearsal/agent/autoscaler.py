"""The cloud's cluster autoscaler, acting: asks the planner, waits like a cloud, adds and removes Nodes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from typing import TYPE_CHECKING

from rehearsal.agent import planner, scheduling
from rehearsal.kube.cellfile import CellError
from rehearsal.kube.client import ApiError, UnreachableError
from rehearsal.providers.store import DATABASE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from rehearsal.agent.nodes import Nodes
    from rehearsal.agent.scheduling import Machine
    from rehearsal.agent.site import Site
    from rehearsal.kube.client import Object
    from rehearsal.providers.store import Pool

_LOG = logging.getLogger(__name__)
_SOURCE = "cluster-autoscaler"
# How often the world's file is asked whether it changed. SQLite has no events across processes; the question is one
# integer from shared memory.
_STORE_SECONDS = 1.0
# Between a change in the cell and the next look, so that a burst of pods is judged together.
_SETTLE_SECONDS = 0.1


class Autoscaler:
    """One per cell. `pods` is the live view of all pods by (namespace, name)."""

    def __init__(
        self,
        site: Site,
        nodes: Nodes,
        pods: Mapping[tuple[str, str], Object],
        *,
        drain: Callable[[str], Awaitable[None]],
    ) -> None:
        self._site = site
        self._nodes = nodes
        self._pods = pods
        self._drain = drain
        self._wake = asyncio.Event()
        self._coming: dict[str, int] = {}
        self._leaving: set[str] = set()
        self._idle_since: dict[str, float] = {}
        self._held_until: dict[str, float] = {}
        self._pools: list[Pool] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def poke(self) -> None:
        """Something in the cell changed: look again soon."""
        self._wake.set()

    async def run(self) -> None:
        """For ever: look when something changes, and when a wait comes to its end."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_store())
            group.create_task(self._loop())

    async def _watch_store(self) -> None:
        database = self._site.place.world / DATABASE
        with contextlib.closing(sqlite3.connect(database, timeout=5, isolation_level=None)) as connection:
            seen = -1
            while True:
                version = connection.execute("PRAGMA data_version").fetchone()[0]
                if version != seen:
                    seen = version
                    pools = self._site.store.pools(self._site.cell.cell)
                    if pools != self._pools:
                        self._pools = pools
                        self.poke()
                await asyncio.sleep(_STORE_SECONDS)

    async def _loop(self) -> None:
        while not self._pools:
            # Nothing is known of a cell without pools, not even that its Nodes are superfluous.
            await self._wake.wait()
            self._wake.clear()
        self._nodes.settle()
        await self._nodes.complete({pool.name: pool for pool in self._pools})
        while True:
            pause = self._look()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), timeout=pause)
            await asyncio.sleep(_SETTLE_SECONDS)
            self._wake.clear()

    def _look(self) -> float | None:
        """Decide once and start what was decided; returns the seconds until time alone changes the answer."""
        now = time.monotonic()
        by_node: dict[str, list[Object]] = {}
        waiting: list[Object] = []
        for pod in self._pods.values():
            name = pod["spec"].get("nodeName")
            if name:
                by_node.setdefault(name, []).append(pod)
            elif scheduling.unschedulable(pod) and not scheduling.of_daemon_set(pod):
                waiting.append(pod)
        staying = [
            planner.existing(node, by_node.get(name, ()))
            for name, node in self._nodes.present.items()
            if name not in self._leaving and name not in self._nodes.making and self._nodes.number(node) is not None
        ]
        held = {name for name, until in self._held_until.items() if until > now}
        plan = planner.scale_up(
            pools=self._pools,
            nodes=staying,
            coming=self._coming,
            waiting=waiting,
            held_back=held,
            room=self._nodes.room - sum(self._coming.values()),
            region=self._site.cell.region,
        )
        self._carry_out(plan, {(p["metadata"].get("namespace", ""), p["metadata"]["name"]): p for p in waiting})
        return self._retire(staying, by_node, now)

    def _carry_out(self, plan: planner.Plan, waiting: Mapping[tuple[str, str], Object]) -> None:
        by_name = {pool.name: pool for pool in self._pools}
        for name, number in plan.add.items():
            self._coming[name] = self._coming.get(name, 0) + number
            for _ in range(number):
                self._start(self._provision(by_name[name]))
        for place, message in plan.helped.items():
            self._start(self._tell(waiting[place], "TriggeredScaleUp", f"pod triggered scale-up: {message}"))
        for place, message in plan.refused.items():
            text = f"pod didn't trigger scale-up: {message}"
            self._start(self._tell(waiting[place], "NotTriggerScaleUp", text))

    async def _tell(self, pod: Object, reason: str, message: str) -> None:
        await self._site.event(pod, reason=reason, message=message, source=_SOURCE)

    def _retire(self, staying: list[Machine], by_node: Mapping[str, list[Object]], now: float) -> float | None:
        busy = {
            name
            for name, pods in by_node.items()
            if any(not scheduling.finished(pod) and not scheduling.of_daemon_set(pod) for pod in pods)
        }
        for machine in staying:
            if machine.name in busy:
                self._idle_since.pop(machine.name, None)
            else:
                self._idle_since.setdefault(machine.name, now)
        strays = {machine.name for machine in staying if planner.stray(machine, self._pools)}
        for name in planner.scale_down(
            pools=self._pools, nodes=staying, idle_since=self._idle_since, now=now, speed=self._site.speed
        ):
            self._leaving.add(name)
            self._start(self._remove(name, known=name not in strays))
        waits = [
            since + planner.idle_delay(self._site.speed) - now
            for name, since in self._idle_since.items()
            if name not in self._leaving
        ]
        waits += [until - now for until in self._held_until.values()]
        return min((max(0.2, wait) for wait in waits if wait > 0), default=None)

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _provision(self, pool: Pool) -> None:
        """One machine of a pool, as long as it takes; or none, when the cloud has none left."""
        try:
            await asyncio.sleep(planner.create_delay(self._site.speed))
            facts = {
                "op": "node",
                "type": "node",
                "cell": pool.cell,
                "name": pool.name,
                "pool": pool.name,
                "zone": self._nodes.zone_for(pool),
                "instance_type": pool.instance_type,
            }
            if self._site.store.take_fault(facts, kinds=("stock-out",)):
                pause = planner.stock_out_delay(self._site.speed)
                self._held_until[pool.name] = time.monotonic() + pause
                _LOG.warning("pool %s: %s is out of stock; asked again in %.0f s", pool.name, pool.instance_type, pause)
                return
            # The pool may have shrunk or gone while the machine was on its way.
            current = next((one for one in self._pools if one.name == pool.name), None)
            if current is not None:
                await self._nodes.create(current)
        except (ApiError, UnreachableError, CellError) as error:
            _LOG.warning("no machine for pool %s: %s", pool.name, error)
            await asyncio.sleep(1.0)
        finally:
            self._coming[pool.name] -= 1
            self.poke()

    async def _remove(self, name: str, *, known: bool) -> None:
        """Take a machine away: keep pods off, look once more, stop what still runs there, delete the Node."""
        try:
            await self._nodes.taint_leaving(name, planner.LEAVING_TAINT)
            if known and await self._has_work(name):
                await self._nodes.untaint(name, planner.LEAVING_TAINT)
                return
            await self._drain(name)
            await self._nodes.delete(name)
        except (ApiError, UnreachableError) as error:
            _LOG.warning("node %s not removed: %s", name, error)
        finally:
            self._leaving.discard(name)
            self._idle_since.pop(name, None)
            self.poke()

    async def _has_work(self, name: str) -> bool:
        answer = await self._site.client.get("/api/v1/pods", fieldSelector=f"spec.nodeName={name}")
        return any(not scheduling.finished(pod) and not scheduling.of_daemon_set(pod) for pod in answer["items"])
