"""Puts the agent of one cell together and keeps it running until it is told to stop or has no reason left to run."""

from __future__ import annotations

import asyncio
import functools
import logging
import signal
from typing import TYPE_CHECKING, Any

import aiohttp

from rehearsal import tools_table
from rehearsal.agent.autoscaler import Autoscaler
from rehearsal.agent.gateways import GATEWAYS, GatewayController
from rehearsal.agent.informer import Informer
from rehearsal.agent.kubelet import ConfigChanges, Kubelet
from rehearsal.agent.logs import LogClocks, LogServer
from rehearsal.agent.nodes import Nodes
from rehearsal.agent.podservices import Services
from rehearsal.agent.runtime import Children, Simulators
from rehearsal.agent.site import Site
from rehearsal.kube import agentfile, cellfile
from rehearsal.kube.cellfile import Addresses, CellError
from rehearsal.kube.client import ApiError, KubeClient, UnreachableError, read_kubeconfig
from rehearsal.providers.store import Store

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from rehearsal.kube.client import Object

_LOG = logging.getLogger(__name__)
LIFETIME_SECONDS = 8 * 3600.0
LONELY_SECONDS = 60.0
_BEAT_SECONDS = 10.0


@functools.cache
def _tool(name: str) -> Path:
    """A real program of the rehearsal's tools."""
    from rehearsal.kube import toolpaths

    return toolpaths.tool(name)


async def _lonely(client: KubeClient) -> None:
    """Return when the API server has been away for a minute."""
    loop = asyncio.get_running_loop()
    seen = loop.time()
    while loop.time() - seen < LONELY_SECONDS:
        await asyncio.sleep(_BEAT_SECONDS)
        try:
            await client.get("/readyz")
            seen = loop.time()
        except (ApiError, UnreachableError) as error:
            _LOG.info("API server: %s", error)
    _LOG.warning("the API server has been away for %.0f s", LONELY_SECONDS)


async def run(world_dir: Path, cell: str) -> str:
    """Run the agent of a cell; returns why it ended: `told`, `lonely` (no API server) or `old`. Raises CellError for an
    unknown cell, and whatever broke one of its parts.
    """
    facts = cellfile.read(world_dir, cell)
    if facts is None:
        message = f"there is no cell {cell} in {world_dir}"
        raise CellError(message)
    place = cellfile.folders(world_dir, cell)
    block, speed = cellfile.rehearsal_facts(world_dir)
    store = Store.open(place.world)
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    async with (
        KubeClient(read_kubeconfig(place.admin_kubeconfig)) as client,
        aiohttp.ClientSession(connector=connector) as session,
    ):
        site = Site(
            client=client,
            cell=facts,
            place=place,
            addresses=Addresses(block, facts.index),
            speed=speed,
            store=store,
            version=f"v{tools_table.TOOLS['kube-apiserver'].version}",
        )
        try:
            return await _Agent(site, session).run(told)
        finally:
            store.close()


class _Agent:
    """The parts of one agent, and who hears of what."""

    def __init__(self, site: Site, session: aiohttp.ClientSession) -> None:
        self._site = site
        self._kept: set[asyncio.Task[Any]] = set()
        children = Children(site)
        site.children_changed = lambda: agentfile.record(site.place, children.pids)
        changes = ConfigChanges()
        client = site.client
        self._configs = [
            Informer(client, f"/api/v1/{kind}", changed=changes.changed, gone=changes.changed)
            for kind in ("configmaps", "secrets")
        ]
        self._nodes = Nodes(
            site,
            appeared=lambda address: self._keep(self._logs.listen(address)),
            vanished=lambda address: self._keep(self._logs.leave(address)),
        )
        services = Services(
            site=site,
            children=children,
            simulators=Simulators(site, children),
            session=session,
            config_maps=self._configs[0].items,
            secrets=self._configs[1].items,
            config_changed=changes.next,
            tool=_tool,
        )
        self._kubelet = Kubelet(services, self._nodes, poke=self._poke)
        self._pods = Informer(client, "/api/v1/pods", changed=self._kubelet.changed, gone=self._kubelet.gone)
        self._watched = Informer(client, "/api/v1/nodes", changed=self._node_changed, gone=self._nodes.gone)
        self._scaler = Autoscaler(site, self._nodes, self._pods.items, drain=self._kubelet.drain)
        self._gateways = GatewayController(site, children)
        self._routes = Informer(client, GATEWAYS, changed=self._gateways.changed, gone=self._gateways.gone)
        self._clocks = LogClocks(self._kubelet)
        self._logs = LogServer(self._kubelet, self._clocks)

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)

    def _poke(self) -> None:
        self._scaler.poke()

    def _node_changed(self, node: Object) -> None:
        self._nodes.changed(node)
        self._kubelet.node_appeared()
        self._poke()

    async def run(self, told: asyncio.Event) -> str:
        """Run until there is a reason to end; returns it. No child of the agent runs afterwards."""
        await self._logs.start(self._site.place.root)
        self._site.children_changed()
        informers = [*self._configs, self._watched]
        tasks = [asyncio.create_task(one.run()) for one in [*informers, self._routes]]
        tasks += [asyncio.create_task(self._gateways.run()), asyncio.create_task(self._nodes.keep_alive())]
        tasks += [asyncio.create_task(self._clocks.run())]
        ends: dict[str, asyncio.Task[Any]] = {
            "told": asyncio.create_task(told.wait()),
            "lonely": asyncio.create_task(_lonely(self._site.client)),
            "old": asyncio.create_task(asyncio.sleep(LIFETIME_SECONDS)),
        }
        # Pods begin when what they need is known; Nodes are judged when the pods on them are.
        tasks.append(asyncio.create_task(self._begin(informers)))
        try:
            await asyncio.wait([*ends.values(), *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
            return next(name for name, task in ends.items() if task.done())
        finally:
            await asyncio.gather(self._kubelet.stop(), self._gateways.stop())
            left: list[asyncio.Task[Any]] = [*ends.values(), *tasks, *self._kept]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            await self._logs.stop()

    async def _begin(self, first: list[Informer]) -> None:
        for informer in first:
            await informer.synced.wait()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pods.run())
            await self._pods.synced.wait()
            self._kubelet.sweep()
            group.create_task(self._scaler.run())
            _LOG.info("the agent of cell %s runs", self._site.cell.cell)
