"""Who made what in a cluster: creations are recorded in the world's store, so that what a killed run left is adopted
and what another declaration made is not."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from rehearsal.providers.records import NameTakenError
from rehearsal.providers.store import Resource, Store

if TYPE_CHECKING:
    from pathlib import Path

    from rehearsal.providers.kube_api import Object


class Claims:
    """The record of one world; without a folder there is none, and nothing is ever adopted."""

    def __init__(self, world_dir: Path | None) -> None:
        self._world_dir = world_dir
        self._local = threading.local()

    @property
    def _store(self) -> Store | None:
        if self._world_dir is None:
            return None
        if not hasattr(self._local, "store"):
            self._local.store = Store.open(self._world_dir)
        return self._local.store

    def begin(self, cluster: str, path: str, manifest: Object, *, urn: str, exists: bool) -> bool:
        """Record that an object is about to be made; whether it is there already and this declaration's own."""
        if self._store is None:
            return False
        row = Resource(
            id=f"{cluster}{path}",
            cloud="kubernetes",
            type=_type(manifest),
            name=str(manifest["metadata"]["name"]),
            key=f"{cluster}{path}",
            urn=urn,
            cell=cluster,
            created=time.time(),
        )
        if exists:
            found = self._store.get_resource(row.id, type=row.type)
            return found is not None and found.urn == urn
        # Somebody took it away behind our back; what we knew of it is void.
        self._store.delete_resource(row.type, row.id)
        self._store.begin_create(row)
        return False

    def take_over(self, cluster: str, path: str, manifest: Object, *, urn: str) -> None:
        """Record what shows by itself that it is this declaration's, recorded or not. Raises `NameTakenError`."""
        if self._store is None or self.begin(cluster, path, manifest, urn=urn, exists=True):
            return
        found = self._store.get_resource(f"{cluster}{path}", type=_type(manifest))
        if found is not None:
            message = f"{manifest['kind']} {manifest['metadata']['name']} in cluster {cluster} is of {found.urn}"
            raise NameTakenError(message)
        self.begin(cluster, path, manifest, urn=urn, exists=False)

    def done(self, cluster: str, path: str, manifest: Object) -> None:
        """Record that it is made."""
        if self._store is not None:
            self._store.finish_create(_type(manifest), f"{cluster}{path}", inputs={}, outputs={})

    def forget(self, cluster: str, path: str) -> None:
        """Record that it is gone."""
        if self._store is not None:
            found = self._store.get_resource(f"{cluster}{path}")
            if found is not None:
                self._store.delete_resource(found.type, found.id)


def _type(manifest: Object) -> str:
    return f"{manifest['apiVersion']}:{manifest['kind']}"
