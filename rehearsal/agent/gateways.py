"""The cloud's gateway controller: one process and one address per Gateway object, and the status that says so.

It is there where the cluster's declared inputs brought it, makes its class as the real ones do once the definitions are
there, and serves the Gateways of that class and no other.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import time
from typing import TYPE_CHECKING

from rehearsal.agent.backoff import Backoff
from rehearsal.agent.runtime import StartError
from rehearsal.agent.site import timestamp
from rehearsal.kube import cellfile
from rehearsal.kube.client import ApiError, UnreachableError

if TYPE_CHECKING:
    from rehearsal.agent.runtime import Children, ProcessRun
    from rehearsal.agent.site import Site
    from rehearsal.kube.client import Object

_LOG = logging.getLogger(__name__)
GATEWAYS = "/apis/gateway.networking.k8s.io/v1/gateways"
_CLASSES = "/apis/gateway.networking.k8s.io/v1/gatewayclasses"
_CONTROLLERS = {
    "ack-gateway": "gateway.envoyproxy.io/gatewayclass-controller",
    "gke-l7-rilb": "networking.gke.io/gateway",
    "istio": "istio.io/gateway-controller",
}
_MANAGER = "twain-cloud"
_LOOK_SECONDS = 1.0
_PORT = 8443
_MOST = 200
_GRACE_SECONDS = 5.0


def class_object(name: str) -> Object:
    """A cloud's GatewayClass. Pure."""
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": _MANAGER}},
        "spec": {"controllerName": _CONTROLLERS[name]},
    }


def conditions(gateway: Object, *, address: str, problem: str, now: str) -> Object:
    """The status of a Gateway: its address, Accepted and Programmed, for it and for each listener. Pure."""
    generation = gateway["metadata"].get("generation", 1)

    def condition(kind: str, known: list[Object], *, ok: bool) -> Object:
        value = "True" if ok else "False"
        before = next((one for one in known if one["type"] == kind), {})
        changed = before.get("lastTransitionTime", now) if before.get("status") == value else now
        return {
            "type": kind,
            "status": value,
            "reason": kind if ok else "Invalid" if kind == "Accepted" else "AddressNotUsable",
            "message": problem,
            "observedGeneration": generation,
            "lastTransitionTime": changed,
        }

    status = gateway.get("status") or {}
    known = status.get("conditions") or []
    listeners = {one["name"]: one for one in status.get("listeners") or []}
    return {
        "addresses": [{"type": "IPAddress", "value": address}],
        "conditions": [condition("Accepted", known, ok=True), condition("Programmed", known, ok=not problem)],
        "listeners": [
            {
                "name": listener["name"],
                "attachedRoutes": listeners.get(listener["name"], {}).get("attachedRoutes", 0),
                "supportedKinds": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute"}],
                "conditions": [
                    condition(
                        kind,
                        listeners.get(listener["name"], {}).get("conditions") or [],
                        ok=kind == "Accepted" or not problem,
                    )
                    for kind in ("Accepted", "Programmed")
                ],
            }
            for listener in gateway["spec"].get("listeners") or []
        ],
    }


class _Gateway:
    """One Gateway object and its process."""

    def __init__(self, item: Object, number: int, site: Site, children: Children) -> None:
        self.item = item
        self.number = number
        self._site = site
        self._children = children
        self._run: ProcessRun | None = None
        self._stopping = asyncio.Event()
        self._said: Object | None = None

    @property
    def address(self) -> str:
        return self._site.addresses.gateway(self.number)

    async def run(self) -> None:
        """Keep the process up until told to stop."""
        backoff = Backoff()
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                self._run = await self._start()
            except StartError as error:
                await self.report(str(error))
            else:
                await self.report("")
                code, _ = await self._run.wait()
                self._run = None
                if not self._stopping.is_set():
                    meta = self.item["metadata"]
                    _LOG.warning("gateway %s/%s ended with %s", meta["namespace"], meta["name"], code)
                    await self.report(f"the gateway process ended with {code}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), timeout=backoff.next(time.monotonic() - began))

    async def _start(self) -> ProcessRun:
        meta = self.item["metadata"]
        folder = self._site.place.root / "gateways"
        folder.mkdir(mode=0o700, exist_ok=True)
        name = f"{meta['namespace']}/{meta['name']}"
        arguments = [sys.executable, "-m", "rehearsal.programs.gateway"]
        arguments += ["--kubeconfig", str(self._site.place.admin_kubeconfig), "--gateway", name]
        arguments += ["--listen", f"{self.address}:{_PORT}"]
        log = folder / f"{meta['namespace']}.{meta['name']}.log"
        return await self._children.start(arguments, environment=os.environ, folder=folder, log=log)

    async def report(self, problem: str) -> None:
        """Write the status when it says something new."""
        status = conditions(self.item, address=self.address, problem=problem, now=timestamp())
        if status == self._said:
            return
        meta = self.item["metadata"]
        path = f"/apis/gateway.networking.k8s.io/v1/namespaces/{meta['namespace']}/gateways/{meta['name']}/status"
        try:
            self.item = await self._site.client.patch(path, {"status": status})
            self._said = status
        except (ApiError, UnreachableError) as error:
            _LOG.info("status of gateway %s: %s", meta["name"], error)

    async def stop(self) -> None:
        """SIGTERM, SIGKILL after the grace."""
        self._stopping.set()
        run = self._run
        if run is not None:
            run.terminate(_GRACE_SECONDS)
            ended = asyncio.ensure_future(run.wait())
            await asyncio.wait({ended}, timeout=_GRACE_SECONDS)
            if not ended.done():
                run.kill()


class GatewayController:
    """Follows the Gateway objects of the cell, and whether there is a controller at all."""

    def __init__(self, site: Site, children: Children) -> None:
        self._site = site
        self._children = children
        self._gateways: dict[str, _Gateway] = {}
        self._seen: dict[str, Object] = {}
        self._class = ""
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve the class that the cluster's inputs brought, as long as they do."""
        made = ""
        while True:
            facts = cellfile.read(self._site.place.world, self._site.place.cell)
            wanted = facts.gateway_class if facts is not None else ""
            if wanted != made:
                made = wanted if not wanted or await self._make_class(wanted) else made
            if wanted != self._class:
                self._class = wanted
                for item in list(self._seen.values()):
                    self.changed(item)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _make_class(self, name: str) -> bool:
        """Whether the class is there now: without its definition there is none, and the next look tries again."""
        try:
            made = await self._site.client.apply(f"{_CLASSES}/{name}", class_object(name), manager=_MANAGER)
            accepted = {
                "type": "Accepted",
                "status": "True",
                "reason": "Accepted",
                "message": "",
                "observedGeneration": made["metadata"].get("generation", 1),
                "lastTransitionTime": timestamp(),
            }
            await self._site.client.patch(f"{_CLASSES}/{name}/status", {"status": {"conditions": [accepted]}})
        except (ApiError, UnreachableError) as error:
            _LOG.info("class %s: %s", name, error)
            return False
        return True

    def changed(self, item: Object) -> None:
        """A Gateway is new or changed."""
        uid = item["metadata"]["uid"]
        self._seen[uid] = item
        if item["spec"].get("gatewayClassName") != self._class:
            self._leave(uid)
            return
        known = self._gateways.get(uid)
        if known is not None:
            before = known.item["metadata"].get("generation")
            known.item = item
            if before != item["metadata"].get("generation"):
                self._keep(known.report(""))
            return
        number = self._number(item)
        if number is None:
            _LOG.warning("no address is left for gateway %s", item["metadata"]["name"])
            return
        gateway = _Gateway(item, number, self._site, self._children)
        self._gateways[uid] = gateway
        self._keep(gateway.run())

    def gone(self, item: Object) -> None:
        """A Gateway vanished."""
        self._seen.pop(item["metadata"]["uid"], None)
        self._leave(item["metadata"]["uid"])

    def _leave(self, uid: str) -> None:
        gateway = self._gateways.pop(uid, None)
        if gateway is not None:
            self._keep(gateway.stop())

    def _number(self, item: Object) -> int | None:
        """The address it had, when free; else the lowest free one."""
        taken = {gateway.number for gateway in self._gateways.values()}
        held = [one.get("value") for one in (item.get("status") or {}).get("addresses") or []]
        for number in range(_MOST):
            if self._site.addresses.gateway(number) in held and number not in taken:
                return number
        return next((number for number in range(_MOST) if number not in taken), None)

    def _keep(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Stop every gateway process."""
        await asyncio.gather(*(gateway.stop() for gateway in self._gateways.values()))
