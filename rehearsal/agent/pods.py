"""One pod on one of the cell's Nodes, from its binding to its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from typing import TYPE_CHECKING, Any

from rehearsal.agent import podstatus
from rehearsal.agent.containers import ContainerRunner, Hooks
from rehearsal.agent.launch import DEFAULT_GRACE, Start, launch
from rehearsal.agent.podstatus import ContainerState
from rehearsal.agent.podvolumes import PodVolumes
from rehearsal.agent.site import timestamp
from rehearsal.kube.client import STRATEGIC, ApiError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rehearsal.agent.podservices import Services
    from rehearsal.agent.runtime import Running
    from rehearsal.kube.client import Object

_LOG = logging.getLogger(__name__)
_SOURCE = "kubelet"
_DEBOUNCE_SECONDS = 0.005
_RETRY_SECONDS = 1.0


class PodRunner:
    """Runs one pod. `update` and `lost` tell it what the API server says; `run` lives as long as the pod."""

    def __init__(self, pod: Object, services: Services, *, node: Object, pod_ip: str, host_ip: str) -> None:
        self.pod = pod
        self.node = node
        self.uid: str = pod["metadata"]["uid"]
        self.pod_ip = pod_ip
        self._host_ip = host_ip
        self._services = services
        self._site = services.site
        self.folder = services.site.place.root / "pods" / self.uid
        self._dirty = asyncio.Event()
        self._deleting = asyncio.Event()
        self._lost = asyncio.Event()
        self._sent: Object | None = None
        self._ended = False
        self._started = pod.get("status", {}).get("startTime") or timestamp()
        self._volumes = PodVolumes(
            services, folder=self.folder, pod=lambda: self.pod, pod_ip=pod_ip, host_ip=host_ip, event=self._event
        )
        self._background: set[asyncio.Task[Any]] = set()
        spec = pod["spec"]
        before = pod.get("status", {})
        self.inits = [self._state(one, before, init=True) for one in spec.get("initContainers") or []]
        self.containers = [self._state(one, before, init=False) for one in spec["containers"]]
        policy = spec.get("restartPolicy", "Always")
        self._main = [
            self._runner(one, state, policy) for one, state in zip(spec["containers"], self.containers, strict=True)
        ]
        self._init = [
            self._runner(one, state, "Always" if state.sidecar else "OnFailure" if policy == "Always" else policy)
            for one, state in zip(spec.get("initContainers") or [], self.inits, strict=True)
        ]
        if pod["metadata"].get("deletionTimestamp"):
            self._deleting.set()

    # What the API server says

    def update(self, pod: Object) -> None:
        """The pod object changed."""
        self.pod = pod
        if pod["metadata"].get("deletionTimestamp"):
            self._deleting.set()

    def lost(self) -> None:
        """The pod object is gone: nothing of it may run on."""
        self._lost.set()
        self._deleting.set()

    # Life

    async def run(self) -> None:
        """Set up, run, end. Returns when no process of the pod runs and the API server knows it, or the pod is gone."""
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(self._report_for_ever())]
        try:
            work = asyncio.create_task(self._work())
            deleting = asyncio.create_task(self._deleting.wait())
            tasks += [work, deleting]
            await asyncio.wait([work, deleting], return_when=asyncio.FIRST_COMPLETED)
            if not self._deleting.is_set():
                # It came to its end by itself; the object stays until somebody deletes it.
                work.result()
                self._ended = True
                self._dirty.set()
                await self._deleting.wait()
            await self._end(work)
        finally:
            for task in [*tasks, *self._background]:
                task.cancel()
            self._volumes.close()
            await asyncio.gather(*tasks, *self._background, return_exceptions=True)

    async def _work(self) -> None:
        """Volumes, init containers in order, then the containers side by side until each has ended for good."""
        if _over(self.pod):
            self._adopt_end()
            return
        self._dirty.set()
        await self._volumes.materialise()
        self._keep(self._volumes.follow())
        for runner in self._init:
            if runner.state.sidecar:
                self._keep(runner.run())
                await self._until(lambda state=runner.state: state.started)
                continue
            code = await runner.run()
            if code != 0:
                return
        await asyncio.gather(*(runner.run() for runner in self._main))
        await self._stop([runner for runner in self._init if runner.state.sidecar], time.monotonic() + DEFAULT_GRACE)

    def _adopt_end(self) -> None:
        """A pod that was over before this agent began: its containers' last words stand."""
        status = self.pod["status"]
        for states, name in ((self.containers, "containerStatuses"), (self.inits, "initContainerStatuses")):
            known = {one["name"]: one for one in status.get(name) or []}
            for state in states:
                if state.name in known:
                    state.state, state.last = known[state.name].get("state", {}), known[state.name].get("lastState", {})
                    state.restarts = known[state.name].get("restartCount", 0)
        self._sent = None

    async def _end(self, work: asyncio.Task[None]) -> None:
        """Stop everything, tell the last state, remove the object. Without a pod object there is no grace."""
        if self._lost.is_set():
            for runner in [*self._main, *self._init]:
                runner.kill()
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await self._all_dead()
            return
        grace = self.pod["metadata"].get("deletionGracePeriodSeconds")
        deadline = time.monotonic() + (DEFAULT_GRACE if grace is None else float(grace))
        stopping = asyncio.create_task(self._stop_all(deadline))
        lost = asyncio.create_task(self._lost.wait())
        await asyncio.wait([stopping, lost], return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            for runner in [*self._main, *self._init]:
                runner.kill()
        await stopping
        lost.cancel()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await self._all_dead()
        self._ended = True
        if not self._lost.is_set():
            await self._report()
            await self._delete()

    async def _stop_all(self, deadline: float) -> None:
        await self._stop(self._main, deadline)
        await self._stop(list(reversed(self._init)), deadline)

    async def _stop(self, runners: list[ContainerRunner], deadline: float) -> None:
        await asyncio.gather(*(runner.stop(deadline) for runner in runners))

    async def _all_dead(self) -> None:
        """Processes that were cut off from their task: nothing may be left before the address is given out again."""
        for runner in [*self._main, *self._init]:
            runner.kill()

    async def _delete(self) -> None:
        path = self._path()
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "gracePeriodSeconds": 0,
            "preconditions": {"uid": self.uid},
        }
        while not self._lost.is_set():
            try:
                await self._site.client.delete(path, body)
            except ApiError as error:
                if error.code == 409:  # another pod has the name now
                    return
                _LOG.warning("pod %s not deleted: %s", path, error)
            except UnreachableError as error:
                _LOG.info("pod %s not deleted: %s", path, error)
            else:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), timeout=_RETRY_SECONDS)

    def _keep(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _until(self, true: Callable[[], bool]) -> None:
        while not true():
            changed = self._changed_event = asyncio.Event()
            await changed.wait()

    _changed_event: asyncio.Event | None = None

    # Status

    def _state(self, spec: Object, before: Object, *, init: bool) -> ContainerState:
        """The state to begin with; after a restart of the agent what ran before counts as a restart."""
        state = ContainerState(
            name=spec["name"],
            image=spec["image"],
            init=init,
            sidecar=init and spec.get("restartPolicy") == "Always",
        )
        known = next(
            (
                one
                for one in before.get("initContainerStatuses" if init else "containerStatuses") or []
                if one["name"] == spec["name"]
            ),
            None,
        )
        if known is not None:
            state.restarts = int(known.get("restartCount", 0))
            was = known.get("state") or {}
            if "running" in was:
                state.restarts += 1
                state.last = {
                    "terminated": {
                        "exitCode": 137,
                        "reason": "Error",
                        "message": "the node's agent was restarted",
                        "startedAt": was["running"].get("startedAt"),
                        "finishedAt": timestamp(),
                    }
                }
        if init:
            state.state = {"waiting": {"reason": "PodInitializing"}}
        return state

    def _changed(self) -> None:
        self._dirty.set()
        if self._changed_event is not None:
            self._changed_event.set()

    async def _report_for_ever(self) -> None:
        while True:
            await self._dirty.wait()
            await asyncio.sleep(_DEBOUNCE_SECONDS)
            self._dirty.clear()
            if not await self._report():
                await asyncio.sleep(_RETRY_SECONDS)
                self._dirty.set()

    async def _report(self) -> bool:
        """Tell the status if it is new; False when that must be tried again."""
        status = podstatus.build(
            self.pod,
            self.containers,
            self.inits,
            addresses={"pod": self.pod_ip, "host": self._host_ip},
            started=self._started,
            now=timestamp(),
            ended=self._ended,
        )
        if status == self._sent or self._lost.is_set():
            return True
        body = {"metadata": {"uid": self.uid}, "status": status}
        try:
            self.pod = await self._site.client.patch(f"{self._path()}/status", body, content=STRATEGIC)
        except UnreachableError:
            return False
        except ApiError as error:
            if error.code == 409:
                # Somebody wrote at the same moment. Were the name another pod's by now, the watch would say so.
                return False
            if error.code != 404:
                _LOG.warning("status of %s: %s", self._path(), error)
            return error.code < 500
        self._sent = json.loads(json.dumps(status))
        return True

    def _path(self) -> str:
        meta = self.pod["metadata"]
        return f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"

    async def _event(self, reason: str, message: str, *, warning: bool = False) -> None:
        item = {"apiVersion": "v1", "kind": "Pod", "metadata": self.pod["metadata"]}
        await self._site.event(item, reason=reason, message=message, source=_SOURCE, warning=warning)

    # Containers

    def _runner(self, spec: Object, state: ContainerState, policy: str) -> ContainerRunner:
        async def config_changed() -> None:
            await self._services.config_changed(self.pod["metadata"]["namespace"]).wait()

        async def event(reason: str, message: str, *, warning: bool = False) -> None:
            await self._event(reason, message, warning=warning)

        async def start_once(container: Object, restarts: int) -> Running:
            state.container_id = f"rehearsal://{self.uid}/{container['name']}/{restarts}"
            start = Start(
                pod=self.pod,
                node=self.node,
                container=container,
                root=self._volumes.root(container["name"]),
                log=self.log_path(container["name"], restarts),
                pod_ip=self.pod_ip,
                host_ip=self._host_ip,
            )
            return await launch(self._services, start)

        hooks = Hooks(
            launch=start_once,
            changed=self._changed,
            event=event,
            config_changed=config_changed,
            session=self._services.session,
            pod_ip=self.pod_ip,
        )
        return ContainerRunner(spec, state, hooks, policy=policy)

    def log_path(self, container: str, restarts: int) -> Path:
        """Where the output of one run of a container goes."""
        return self.folder / ".log" / container / f"{restarts}.log"


def _over(pod: Object) -> bool:
    """Whether the pod had come to its end already."""
    return pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}
