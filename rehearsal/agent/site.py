"""What all parts of one cell's agent share: the API client, the cell's facts, folders and address plan, its events."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rehearsal.kube import cellfile
from rehearsal.kube.client import ApiError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rehearsal.kube.cellfile import Addresses, Cell, Folders
    from rehearsal.kube.client import KubeClient, Object
    from rehearsal.providers.store import Store

_LOG = logging.getLogger(__name__)
_REMEMBERED = 2000


def timestamp(at: float | None = None) -> str:
    """RFC 3339, whole seconds, UTC: the form of metav1.Time."""
    moment = datetime.now(UTC) if at is None else datetime.fromtimestamp(at, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_timestamp() -> str:
    """RFC 3339 with microseconds, UTC: the form of metav1.MicroTime."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seconds(text: str) -> float:
    """Unix seconds of an RFC 3339 time."""
    return datetime.fromisoformat(text).timestamp()


@dataclass
class Site:
    """One cell, from the inside of its agent."""

    client: KubeClient
    cell: Cell
    place: Folders
    addresses: Addresses
    speed: float
    store: Store
    version: str
    children_changed: Callable[[], None] = lambda: None
    _told: dict[tuple[str, str, str], None] = field(default_factory=dict[tuple[str, str, str], None])

    @property
    def kubelet(self) -> str:
        """The version of a machine made now: the control plane's, which an upgrade may have changed meanwhile."""
        facts = cellfile.read(self.place.world, self.place.cell)
        minor = facts.minor if facts is not None else self.cell.minor
        return self.version if self.version.startswith(f"v{minor}.") else f"v{minor}.0"

    async def event(self, item: Object, *, reason: str, message: str, source: str, warning: bool = False) -> None:
        """Record an Event on an object, once per object, reason and message. Never fails: an event is a courtesy."""
        meta = item["metadata"]
        mark = (meta.get("uid", ""), reason, message)
        if mark in self._told:
            return
        self._told[mark] = None
        if len(self._told) > _REMEMBERED:
            del self._told[next(iter(self._told))]
        namespace = meta.get("namespace") or "default"
        now = timestamp()
        body: Object = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{meta['name']}.", "namespace": namespace},
            "involvedObject": {
                "apiVersion": item.get("apiVersion", "v1"),
                "kind": item.get("kind", "Pod"),
                "name": meta["name"],
                "namespace": meta.get("namespace", ""),
                "uid": meta.get("uid", ""),
            },
            "reason": reason,
            "message": message[:1024],
            "type": "Warning" if warning else "Normal",
            "source": {"component": source},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            await self.client.create(f"/api/v1/namespaces/{namespace}/events", body)
        except (ApiError, UnreachableError) as error:
            _LOG.info("event %s on %s not recorded: %s", reason, meta["name"], error)
