"""The volumes of one pod while it lives: written before its containers start, kept current, tokens renewed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

from rehearsal.agent import volumes
from rehearsal.agent.podenv import ConfigError
from rehearsal.kube.client import ApiError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from rehearsal.agent.podservices import Services
    from rehearsal.kube.client import Object

_LOG = logging.getLogger(__name__)
_RETRY_SECONDS = 1.0
_TOKEN_RENEW_AT = 0.8


class PodVolumes:
    """The volumes of one pod. `pod` gives the current object; `event` records (reason, message, warning)."""

    def __init__(
        self,
        services: Services,
        *,
        folder: Path,
        pod: Callable[[], Object],
        pod_ip: str,
        host_ip: str,
        event: Callable[..., Awaitable[None]],
    ) -> None:
        self._services = services
        self._folder = folder
        self._pod = pod
        self._pod_ip = pod_ip
        self._host_ip = host_ip
        self._event = event
        self._written: dict[str, tuple[str, ...]] = {}
        self._background: set[asyncio.Task[Any]] = set()
        meta, spec = pod()["metadata"], pod()["spec"]
        self._name = f"{meta['namespace']}/{meta['name']}"
        self._roots = volumes.roots(folder, [*(spec.get("initContainers") or []), *spec["containers"]])

    def root(self, container: str) -> Path:
        """The folder that a container sees as `/`."""
        return self._roots[container]

    def close(self) -> None:
        """End what renews in the background."""
        for task in self._background:
            task.cancel()

    def _keep(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def materialise(self) -> None:
        """Write every volume and make the links; waits while something that is mounted does not exist yet."""
        volumes_folder = self._folder / ".volumes"
        self._folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        for volume in self._pod()["spec"].get("volumes") or []:
            while True:
                changed = self._services.config_changed(self._pod()["metadata"]["namespace"])
                try:
                    await self._write(volume)
                    break
                except ConfigError as error:
                    text = f'MountVolume.SetUp failed for volume "{volume["name"]}": {error}'
                    await self._event("FailedMount", text, warning=True)
                except (ApiError, UnreachableError) as error:
                    _LOG.info("volume %s of %s: %s", volume["name"], self._name, error)
                    await asyncio.sleep(_RETRY_SECONDS)
                    continue
                await changed.wait()
        for container in [*(self._pod()["spec"].get("initContainers") or []), *self._pod()["spec"]["containers"]]:
            volumes.link(self._roots[container["name"]], container, volumes_folder)

    async def _write(self, volume: Object) -> None:
        name = volume["name"]
        folder = self._folder / ".volumes" / name
        held = volumes.content(
            self._pod(),
            volume,
            config_maps=self._services.config_maps,
            secrets=self._services.secrets,
            pod_ip=self._pod_ip,
            host_ip=self._host_ip,
        )
        if held is None:
            folder.mkdir(parents=True, exist_ok=True)
            return
        files = dict(held.files)
        first = name not in self._written
        for wish in held.tokens:
            if first:
                token, lifetime = await self._token(wish)
                files[wish.path] = token
                self._keep(self._renew(folder, wish, lifetime))
            else:
                files[wish.path] = (folder / wish.path).read_bytes()
        volumes.write(folder, files, before=self._written.get(name, ()))
        self._written[name] = tuple(files)

    async def _token(self, wish: volumes.TokenWish) -> tuple[bytes, float]:
        meta = self._pod()["metadata"]
        account = self._pod()["spec"].get("serviceAccountName") or "default"
        body: Object = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {
                "expirationSeconds": wish.lifetime,
                "boundObjectRef": {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "name": meta["name"],
                    "uid": self._pod()["metadata"]["uid"],
                },
            },
        }
        if wish.audience:
            body["spec"]["audiences"] = [wish.audience]
        path = f"/api/v1/namespaces/{meta['namespace']}/serviceaccounts/{account}/token"
        answer = await self._services.site.client.create(path, body)
        return answer["status"]["token"].encode(), float(answer["spec"]["expirationSeconds"])

    async def _renew(self, folder: Path, wish: volumes.TokenWish, lifetime: float) -> None:
        pause = lifetime * _TOKEN_RENEW_AT
        while True:
            await asyncio.sleep(pause)
            try:
                token, lifetime = await self._token(wish)
                volumes.write(folder, {wish.path: token})
                pause = lifetime * _TOKEN_RENEW_AT
            except (ApiError, UnreachableError) as error:
                _LOG.warning("token of %s not renewed: %s", self._name, error)
                pause = 10.0

    async def follow(self) -> None:
        """Write changed ConfigMaps and Secrets again, as a node does; what vanished stays as it was."""
        kinds = ("configMap", "secret", "projected")
        followed = [v for v in self._pod()["spec"].get("volumes") or [] if any(kind in v for kind in kinds)]
        while followed:
            await self._services.config_changed(self._pod()["metadata"]["namespace"]).wait()
            for volume in followed:
                with contextlib.suppress(ConfigError, ApiError, UnreachableError):
                    await self._write(volume)
