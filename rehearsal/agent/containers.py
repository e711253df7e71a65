"""One container of a pod: started, probed, restarted with growing pauses, stopped with grace."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rehearsal.agent import probes, table
from rehearsal.agent.backoff import Backoff
from rehearsal.agent.podenv import ConfigError
from rehearsal.agent.runtime import StartError
from rehearsal.agent.site import timestamp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import aiohttp

    from rehearsal.agent.podstatus import ContainerState
    from rehearsal.agent.runtime import Running
    from rehearsal.kube.client import Object

_LOG = logging.getLogger(__name__)
_KILLED = 137
# What cannot be set up (a missing Secret) is tried again this often; a change that is watched wakes it sooner.
_SETUP_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """What a container needs of its pod. `launch` starts it once; `event` records (reason, message, warning)."""

    launch: Callable[[Object, int], Awaitable[Running]]
    changed: Callable[[], None]
    event: Callable[..., Awaitable[None]]
    config_changed: Callable[[], Awaitable[None]]
    session: aiohttp.ClientSession
    pod_ip: str


class ContainerRunner:
    """Runs one container until it is stopped or may not run again. `run` returns when nothing of it runs any more."""

    def __init__(self, spec: Object, state: ContainerState, hooks: Hooks, *, policy: str) -> None:
        self.spec = spec
        self.state = state
        self._hooks = hooks
        self._policy = policy
        self._stopping = asyncio.Event()
        self._current: Running | None = None
        self._backoff = Backoff()

    async def run(self) -> int | None:
        """The last exit code; None when it never ran."""
        while not self._stopping.is_set():
            if not await self._set_up():
                return self.state.exit_code
            began = time.monotonic()
            code = await self._once()
            if self._stopping.is_set() or not self._again(code):
                return code
            await self._pause(self._backoff.next(time.monotonic() - began))
        return self.state.exit_code

    def _again(self, code: int) -> bool:
        return self._policy == "Always" or (self._policy == "OnFailure" and code != 0)

    async def _set_up(self) -> bool:
        """Wait until the container can run; False when it was stopped meanwhile."""
        why = table.refusal(self.spec)
        if why:
            self._wait("ErrImageNeverPull", why)
            await self._hooks.event("ErrImageNeverPull", why, warning=True)
            await self._stopping.wait()
            return False
        try:
            for name in ("startupProbe", "livenessProbe", "readinessProbe"):
                probes.read(self.spec, name, pod_ip=self._hooks.pod_ip)
        except ConfigError as error:
            self._wait("CreateContainerConfigError", str(error))
            await self._hooks.event("Failed", f"Error: {error}", warning=True)
            await self._stopping.wait()
            return False
        return True

    def _wait(self, reason: str, message: str) -> None:
        if "terminated" in self.state.state:
            self.state.last = self.state.state
        self.state.state = {"waiting": {"reason": reason, "message": message}}
        self.state.ready = self.state.started = False
        self._hooks.changed()

    async def _once(self) -> int:
        """Start, probe, wait for the end; returns the exit code."""
        while True:
            try:
                self._current = await self._hooks.launch(self.spec, self.state.restarts)
                break
            except ConfigError as error:
                self._wait("CreateContainerConfigError", str(error))
                await self._hooks.event("Failed", f"Error: {error}", warning=True)
                if await self._interrupted(self._hooks.config_changed(), _SETUP_SECONDS):
                    return _KILLED
            except StartError as error:
                self._ended(128, "StartError", str(error), timestamp())
                await self._hooks.event("Failed", f"Error: {error}", warning=True)
                return 128
        begun = timestamp()
        if "terminated" in self.state.state:
            self.state.last = self.state.state
        self.state.state = {"running": {"startedAt": begun}}
        self.state.started = "startupProbe" not in self.spec
        self.state.ready = self.state.started and "readinessProbe" not in self.spec
        self._hooks.changed()
        probing = asyncio.create_task(self._probe())
        probing.add_done_callback(self._probed)
        try:
            code, reason = await self._current.wait()
        finally:
            probing.cancel()
        self._ended(code, reason, "", begun)
        return code

    def _probed(self, task: asyncio.Task[None]) -> None:
        """A fault of the prober itself must not pass for a container that is never ready."""
        if not task.cancelled() and (fault := task.exception()) is not None:
            _LOG.error("probes of container %s broke", self.spec["name"], exc_info=fault)

    def _ended(self, code: int, reason: str, message: str, begun: str) -> None:
        self._current = None
        ended: dict[str, Any] = {
            "exitCode": code,
            "reason": _word(code, reason),
            "startedAt": begun,
            "finishedAt": timestamp(),
        }
        text = message or ("" if reason in {"Completed", "Error"} else reason)
        if text:
            ended["message"] = text
        if self.state.container_id:
            ended["containerID"] = self.state.container_id
        self.state.state = {"terminated": ended}
        self.state.ready = self.state.started = False
        self._hooks.changed()

    async def _pause(self, delay: float) -> None:
        if delay > 0:
            message = f"back-off {delay:.0f}s restarting failed container={self.spec['name']}"
            self._wait("CrashLoopBackOff", message)
            await self._hooks.event(
                "BackOff", f"Back-off restarting failed container {self.spec['name']}", warning=True
            )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), timeout=delay)
        self.state.restarts += 1

    async def _interrupted(self, other: Awaitable[None], limit: float) -> bool:
        """Wait for `other`, at most `limit` seconds; True when the container was told to stop."""
        waits = {asyncio.ensure_future(other), asyncio.ensure_future(self._stopping.wait())}
        await asyncio.wait(waits, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        for one in waits:
            one.cancel()
        return self._stopping.is_set()

    async def _probe(self) -> None:
        """Startup first, then readiness and liveness side by side."""
        startup = probes.read(self.spec, "startupProbe", pod_ip=self._hooks.pod_ip)
        if startup is not None:
            await self._follow(startup, "Startup", None)
            if not self.state.started:
                return
        async with asyncio.TaskGroup() as group:
            for name, word in (("readinessProbe", "Readiness"), ("livenessProbe", "Liveness")):
                probe = probes.read(self.spec, name, pod_ip=self._hooks.pod_ip)
                if probe is not None:
                    value = False if word == "Readiness" else True  # noqa: SIM211  (said as the probe's own default)
                    group.create_task(self._follow(probe, word, value))

    async def _follow(self, probe: probes.Probe, word: str, value: bool | None) -> None:  # noqa: FBT001
        verdict = probes.Verdict(probe, value)
        await asyncio.sleep(probe.initial_delay)
        while True:
            wrong = await probes.ask(self._hooks.session, probe)
            changed = verdict.take(not wrong)
            if wrong:
                await self._hooks.event("Unhealthy", f"{word} probe failed: {wrong}", warning=True)
            if changed and word == "Readiness":
                self.state.ready = bool(verdict.value)
                self._hooks.changed()
            elif changed and verdict.value is False:
                message = f"Container {self.spec['name']} failed {word.lower()} probe, will be restarted"
                await self._hooks.event("Killing", message)
                self._stop_current(float(self.spec.get("terminationGracePeriodSeconds") or 30))
                return
            elif changed and word == "Startup":
                self.state.started = True
                self.state.ready = "readinessProbe" not in self.spec
                self._hooks.changed()
                return
            await asyncio.sleep(probe.period)

    def _stop_current(self, grace: float) -> None:
        current = self._current
        if current is not None:
            current.terminate(grace)
            asyncio.get_running_loop().call_later(grace, current.kill)

    async def stop(self, deadline: float) -> None:
        """Run the preStop hook, SIGTERM, and SIGKILL at the deadline (monotonic). Returns when told, not when ended."""
        self._stopping.set()
        current = self._current
        if current is None:
            return
        await self._pre_stop(deadline)
        left = max(0.0, deadline - time.monotonic())
        current.terminate(left)
        ended = asyncio.ensure_future(current.wait())
        await asyncio.wait({ended}, timeout=left)
        if not ended.done():
            current.kill()

    def kill(self) -> None:
        """SIGKILL now, no hook."""
        self._stopping.set()
        if self._current is not None:
            self._current.kill()

    async def _pre_stop(self, deadline: float) -> None:
        hook = (self.spec.get("lifecycle") or {}).get("preStop")
        if not hook:
            return
        left = max(0.0, deadline - time.monotonic())
        if "sleep" in hook:
            await asyncio.sleep(min(left, float(hook["sleep"]["seconds"])))
        elif "httpGet" in hook:
            probe = probes.read(
                {**self.spec, "preStop": {**hook, "timeoutSeconds": max(1.0, left)}},
                "preStop",
                pod_ip=self._hooks.pod_ip,
            )
            wrong = await probes.ask(self._hooks.session, probe) if probe else ""
            if wrong:
                await self._hooks.event("FailedPreStopHook", wrong, warning=True)
        else:
            message = (
                "the rehearsal runs no commands inside containers: this preStop hook was skipped; use sleep or httpGet"
            )
            await self._hooks.event("FailedPreStopHook", message, warning=True)


def _word(code: int, reason: str) -> str:
    if reason == "StartError":
        return reason
    return "Completed" if code == 0 else "Error"
