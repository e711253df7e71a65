"""A list kept current by a watch. Survives an expired version (410) and an API server that is away for a while."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from rehearsal.kube.client import ApiError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rehearsal.kube.client import KubeClient, Object

_LOG = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0


def key(item: Object) -> tuple[str, str]:
    """(namespace, name); the namespace is empty for cluster-wide objects."""
    meta = item["metadata"]
    return meta.get("namespace", ""), meta["name"]


class Informer:
    """All objects of one collection by (namespace, name).

    `changed(item)` is called for each new or changed object, `gone(item)` for each that vanished, also when that was
    learnt from a fresh list. A name that came back with another uid is first gone, then new.
    """

    def __init__(
        self, client: KubeClient, path: str, *, changed: Callable[[Object], None], gone: Callable[[Object], None]
    ) -> None:
        self.items: dict[tuple[str, str], Object] = {}
        self.synced = asyncio.Event()
        self._client = client
        self._path = path
        self._changed = changed
        self._gone = gone

    async def run(self) -> None:
        """List, then watch, for ever. End it by cancelling."""
        pause = _FIRST_PAUSE
        while True:
            try:
                version = await self._list()
                pause = _FIRST_PAUSE
                while True:
                    version = await self._follow(version)
            except UnreachableError as error:
                _LOG.info("%s: %s", self._path, error)
            except ApiError as error:
                if error.code == 404:
                    # A type whose definition is not installed (yet).
                    pause = _LONGEST_PAUSE
                elif error.code != 410:
                    _LOG.warning("%s: %s", self._path, error)
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)

    async def _list(self) -> str:
        answer = await self._client.get(self._path)
        present = {key(item): item for item in answer["items"]}
        for place in [place for place in self.items if place not in present]:
            self._drop(place)
        for item in present.values():
            self._put(item)
        self.synced.set()
        return answer["metadata"]["resourceVersion"]

    async def _follow(self, version: str) -> str:
        async for kind, item in self._client.watch(self._path, version=version):
            version = item["metadata"]["resourceVersion"]
            if kind == "DELETED":
                self.items[key(item)] = item
                self._drop(key(item))
            elif kind != "BOOKMARK":
                self._put(item)
        return version

    def _put(self, item: Object) -> None:
        place = key(item)
        known = self.items.get(place)
        if known is not None:
            if known["metadata"]["uid"] != item["metadata"]["uid"]:
                self._drop(place)
            elif known["metadata"]["resourceVersion"] == item["metadata"]["resourceVersion"]:
                return
        self.items[place] = item
        self._changed(item)

    def _drop(self, place: tuple[str, str]) -> None:
        item = self.items.pop(place, None)
        if item is not None:
            self._gone(item)
