"""The life of the cell's Nodes: made, kept alive by their Leases, removed; each recorded for the bill."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from rehearsal.agent import machines
from rehearsal.agent.site import micro_timestamp, seconds, timestamp
from rehearsal.kube.cellfile import MAX_NODES
from rehearsal.kube.client import STRATEGIC, ApiError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rehearsal.agent.site import Site
    from rehearsal.kube.client import Object
    from rehearsal.providers.store import Pool

_LOG = logging.getLogger(__name__)
_RENEW_SECONDS = 10.0
_READY_EVERY = 30  # renewals, so every five minutes
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"


class Nodes:
    """The Nodes of one cell. `present` is fed by a watch; an address is given to one Node and comes back with it."""

    def __init__(self, site: Site, *, appeared: Callable[[str], None], vanished: Callable[[str], None]) -> None:
        self.present: dict[str, Object] = {}
        # Name → (pool, zone) of Nodes in the making: the autoscaler counts those as coming, not as there.
        self.making: dict[str, tuple[str, str]] = {}
        self._site = site
        self._appeared = appeared
        self._vanished = vanished
        self._reserved: set[int] = set()

    def changed(self, node: Object) -> None:
        """A Node is new or changed."""
        name = node["metadata"]["name"]
        new = name not in self.present
        self.present[name] = node
        number = self.number(node)
        if number is not None:
            self._reserved.discard(number)
            if new:
                self._appeared(self._site.addresses.node(number))

    def gone(self, node: Object) -> None:
        """A Node is no more, whoever removed it."""
        name = node["metadata"]["name"]
        self.present.pop(name, None)
        number = self.number(node)
        if number is not None:
            self._vanished(self._site.addresses.node(number))
        self._site.store.node_deleted(cell=self._site.cell.cell, name=name)

    def number(self, node: Object) -> int | None:
        """The Node's place in the address plan, None for a foreign Node."""
        return self._site.addresses.node_number(node["spec"].get("podCIDR", ""))

    @property
    def room(self) -> int:
        """How many more machines the address plan holds."""
        return MAX_NODES - len(self._taken())

    def _taken(self) -> set[int]:
        numbers = {number for node in self.present.values() if (number := self.number(node)) is not None}
        return numbers | self._reserved

    def settle(self) -> None:
        """Make the record agree with the API server after a start: Nodes that vanished end now, those without a record
        begin at their creation.
        """
        cell = self._site.cell.cell
        recorded = {record.name: record for record in self._site.store.nodes(cell)}
        for name in recorded:
            if name not in self.present:
                self._site.store.node_deleted(cell=cell, name=name)
        for name, node in self.present.items():
            if name not in recorded and machines.pool_of(node):
                self._record(node)

    def _record(self, node: Object) -> None:
        labels = node["metadata"]["labels"]
        capacity = node.get("status", {}).get("capacity") or {}
        self._site.store.node_created(
            cell=self._site.cell.cell,
            pool=machines.pool_of(node),
            name=node["metadata"]["name"],
            instance_type=labels.get("node.kubernetes.io/instance-type", ""),
            zone=labels.get("topology.kubernetes.io/zone", ""),
            gpus=int(capacity.get(machines.GPU_RESOURCE, 0)),
            created=seconds(node["metadata"]["creationTimestamp"]),
        )

    def zone_for(self, pool: Pool) -> str:
        """The zone in which the next machine of a pool stands."""
        used: dict[str, int] = {}
        for name, (owner, zone) in self.making.items():
            if owner == pool.name and name not in self.present:
                used[zone] = used.get(zone, 0) + 1
        for node in self.present.values():
            if machines.pool_of(node) == pool.name:
                zone = node["metadata"]["labels"].get("topology.kubernetes.io/zone", "")
                used[zone] = used.get(zone, 0) + 1
        return machines.round_robin(pool.zones, used, region=self._site.cell.region)

    async def create(self, pool: Pool) -> str:
        """Add one machine of a pool and make it Ready; returns its name. Raises ApiError, UnreachableError, and
        CellError when the address plan is full.
        """
        site = self._site
        taken = self._taken()
        number = next((n for n in range(1, MAX_NODES + 1) if n not in taken), MAX_NODES + 1)
        cidr = site.addresses.pod_cidr(number)
        self._reserved.add(number)
        zone = self.zone_for(pool)
        name = machines.new_name(pool, cluster=site.cell.cell, region=site.cell.region)
        try:
            self.making[name] = (pool.name, zone)
            body = machines.node(pool, name=name, zone=zone, region=site.cell.region, pod_cidr=cidr)
            made = await site.client.create("/api/v1/nodes", body)
            # The bill begins at the API server's own time of creation, so that both tell the same life.
            site.store.node_created(
                cell=site.cell.cell,
                pool=pool.name,
                name=name,
                instance_type=pool.instance_type,
                zone=zone,
                gpus=pool.gpus,
                created=seconds(made["metadata"]["creationTimestamp"]),
            )
            await self._renew(name)
            address = site.addresses.node(number)
            status = machines.status(pool, address=address, now=timestamp(), version=site.kubelet)
            # The watch may be behind: what was just made counts from now on.
            self.changed(await self._ready(name, status))
            site.store.node_ready(cell=site.cell.cell, name=name)
        finally:
            self._reserved.discard(number)
            self.making.pop(name, None)
        _LOG.info("node %s of pool %s is ready at %s", name, pool.name, address)
        return name

    async def complete(self, pools: dict[str, Pool]) -> None:
        """Make Ready what an earlier agent created and did not finish."""
        for name, node in list(self.present.items()):
            pool = pools.get(machines.pool_of(node))
            number = self.number(node)
            if pool is not None and number is not None and not (node.get("status", {}).get("addresses")):
                address = self._site.addresses.node(number)
                body = machines.status(pool, address=address, now=timestamp(), version=self._site.kubelet)
                await self._ready(name, body)
                self._site.store.node_ready(cell=self._site.cell.cell, name=name)

    async def taint_leaving(self, name: str, taint: str) -> None:
        """Keep new pods off a Node that is about to go."""
        node = self.present.get(name)
        if node is None:
            return
        taints = [one for one in node["spec"].get("taints") or [] if one["key"] != taint]
        taints.append({"key": taint, "effect": "NoSchedule"})
        await self._site.client.patch(f"/api/v1/nodes/{name}", {"spec": {"taints": taints}})

    async def untaint(self, name: str, taint: str) -> None:
        """Let pods onto a Node again."""
        node = await self._site.client.get(f"/api/v1/nodes/{name}")
        taints = [one for one in node["spec"].get("taints") or [] if one["key"] != taint]
        await self._site.client.patch(f"/api/v1/nodes/{name}", {"spec": {"taints": taints}})

    async def delete(self, name: str) -> None:
        """Remove a machine: its Node and Lease; the record of its life ends now. Repeatable."""
        await self._site.client.delete(f"/api/v1/nodes/{name}")
        self._site.store.node_deleted(cell=self._site.cell.cell, name=name)
        await self._site.client.delete(f"{_LEASES}/{name}")
        _LOG.info("node %s removed", name)

    async def keep_alive(self) -> None:
        """Renew every Node's Lease each ten seconds and its Ready condition each five minutes; for ever."""
        count = 0
        while True:
            for name in list(self.present):
                try:
                    await self._renew(name)
                    if count % _READY_EVERY == 0:
                        await self._ready(name, {"status": machines.ready(timestamp())})
                except (ApiError, UnreachableError) as error:
                    _LOG.info("node %s not renewed: %s", name, error)
            count += 1
            await asyncio.sleep(_RENEW_SECONDS)

    async def _ready(self, name: str, body: Object) -> Object:
        return await self._site.client.patch(f"/api/v1/nodes/{name}/status", body, content=STRATEGIC)

    async def _renew(self, name: str) -> None:
        body = machines.lease(name, micro_timestamp())
        try:
            await self._site.client.patch(f"{_LEASES}/{name}", {"spec": body["spec"]})
        except ApiError as error:
            if error.code != 404:
                raise
            await self._site.client.create(_LEASES, body)
