"""Gives each pod that the scheduler bound to one of our Nodes a runner and an address; takes both back at its end."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING

from rehearsal.agent.pods import PodRunner
from rehearsal.kube import kwok

if TYPE_CHECKING:
    from collections.abc import Callable

    from rehearsal.agent.nodes import Nodes
    from rehearsal.agent.podservices import Services
    from rehearsal.kube.client import Object

_LOG = logging.getLogger(__name__)
_FIRST_HOST, _LAST_HOST = 2, 254
# Folders of ended pods are kept for a while: the last words of a pod that is just gone can still be read on disk.
_KEPT_FOLDERS = 20


class HostNumbers:
    """The pod addresses of one Node: each number is given out once, the longest unused first."""

    def __init__(self) -> None:
        self._free: deque[int] = deque(range(_FIRST_HOST, _LAST_HOST + 1))

    def take(self, wanted: int | None = None) -> int | None:
        """A free number (the wanted one if it is free), or None when all are in use."""
        if wanted is not None and wanted in self._free:
            self._free.remove(wanted)
            return wanted
        return self._free.popleft() if self._free else None

    def give_back(self, number: int) -> None:
        """A number is free again."""
        if number not in self._free:
            self._free.append(number)


class ConfigChanges:
    """One event per namespace, set once at the next change of a ConfigMap or Secret in it."""

    def __init__(self) -> None:
        self._events: dict[str, asyncio.Event] = {}

    def next(self, namespace: str) -> asyncio.Event:
        """The event of the next change. Take it before looking, so that no change falls between."""
        return self._events.setdefault(namespace, asyncio.Event())

    def changed(self, item: Object) -> None:
        """A ConfigMap or Secret changed or went."""
        event = self._events.pop(item["metadata"].get("namespace", ""), None)
        if event is not None:
            event.set()


class Kubelet:
    """Plays the node agent of all Nodes of the cell."""

    def __init__(self, services: Services, nodes: Nodes, *, poke: Callable[[], None]) -> None:
        self._services = services
        self._nodes = nodes
        self._poke = poke
        self._numbers: dict[str, HostNumbers] = {}
        self._ended: deque[PodRunner] = deque()
        self.runners: dict[str, PodRunner] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._orphans: dict[str, Object] = {}

    def changed(self, pod: Object) -> None:
        """A pod is new or changed."""
        uid = pod["metadata"]["uid"]
        runner = self.runners.get(uid)
        if runner is not None:
            runner.update(pod)
        elif pod["spec"].get("nodeName"):
            self._begin(pod)
        self._poke()

    def gone(self, pod: Object) -> None:
        """A pod object vanished: its processes end now."""
        self._orphans.pop(pod["metadata"]["uid"], None)
        runner = self.runners.get(pod["metadata"]["uid"])
        if runner is not None:
            runner.lost()
        self._poke()

    def node_appeared(self) -> None:
        """Pods that were bound before their Node was known, with its capacity, can begin."""
        for pod in list(self._orphans.values()):
            self._begin(pod)

    def find(self, namespace: str, name: str) -> PodRunner | None:
        """The runner of a pod by name; the newest when an ended one of that name lingers."""
        for runner in reversed(list(self.runners.values())):
            meta = runner.pod["metadata"]
            if (meta["namespace"], meta["name"]) == (namespace, name):
                return runner
        return None

    def sweep(self) -> None:
        """Remove the folders of pods that went while no agent ran. Call once, when all present pods are known."""
        folder = self._services.site.place.root / "pods"
        for path in list(folder.iterdir()) if folder.is_dir() else []:
            if path.name not in self.runners:
                kwok.remove_tree(path)

    async def drain(self, node: str) -> None:
        """End every pod of a Node that goes away (what is left there belongs to DaemonSets)."""
        own = [runner for runner in self.runners.values() if runner.pod["spec"].get("nodeName") == node]
        for runner in own:
            meta = runner.pod["metadata"]
            body = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 2}
            await self._services.site.client.delete(f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}", body)
        tasks = [self._tasks[runner.uid] for runner in own if runner.uid in self._tasks]
        if tasks:
            await asyncio.wait(tasks, timeout=5.0)

    async def stop(self) -> None:
        """End every process of every pod at once, as a machine that is switched off; the objects stay."""
        for runner in list(self.runners.values()):
            runner.lost()
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=5.0)

    def _begin(self, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        name = pod["spec"]["nodeName"]
        node = self._nodes.present.get(name)
        number = None if node is None else self._nodes.number(node)
        # The pods' watch can be ahead of the Nodes': a Node as it was before it told its capacity has no GPUs.
        if node is None or number is None or not node.get("status", {}).get("capacity"):
            self._orphans[uid] = pod
            return
        self._orphans.pop(uid, None)
        addresses = self._services.site.addresses
        host_ip = addresses.node(number)
        host: int | None = None
        pod_ip = host_ip
        if not pod["spec"].get("hostNetwork"):
            before = pod.get("status", {}).get("podIP", "")
            wanted = (
                int(before.rpartition(".")[2])
                if before and before.rpartition(".")[0] == host_ip.rpartition(".")[0]
                else None
            )
            host = self._numbers.setdefault(name, HostNumbers()).take(wanted)
            if host is None:
                _LOG.warning("node %s has no pod address left for %s", name, pod["metadata"]["name"])
                self._orphans[uid] = pod
                return
            pod_ip = addresses.pod(number, host)
        runner = PodRunner(pod, self._services, node=node, pod_ip=pod_ip, host_ip=host_ip)
        self.runners[uid] = runner
        self._tasks[uid] = asyncio.create_task(self._run(runner, node=name, host=host))

    async def _run(self, runner: PodRunner, *, node: str, host: int | None) -> None:
        try:
            await runner.run()
        except Exception:  # noqa: BLE001
            # One pod's fault must not end the others; it is told in the agent's log and the pod stays as it is.
            _LOG.exception("pod %s", runner.pod["metadata"]["name"])
        finally:
            self.runners.pop(runner.uid, None)
            self._tasks.pop(runner.uid, None)
            if host is not None and node in self._numbers:
                self._numbers[node].give_back(host)
            self._ended.append(runner)
            if len(self._ended) > _KEPT_FOLDERS:
                kwok.remove_tree(self._ended.popleft().folder)
            self.node_appeared()
