"""What the gateway knows of its cluster, kept current by list and watch."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rehearsal.agent.informer import Informer
from rehearsal.programs.gateway_table import (
    GATEWAY_GROUP,
    POOL_GROUP,
    Backend,
    Balancer,
    Endpoint,
    Object,
    Rule,
    endpoint,
    rules,
    targets,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rehearsal.kube.client import KubeClient

_Place = tuple[str, str]


@dataclass
class ClusterState:
    """Objects by (namespace, name) and what follows from them. Decisions are made anew after any change, lazily."""

    namespace: str
    name: str
    keys_secret: str
    gateways: dict[_Place, Object] = field(default_factory=dict)
    routes: dict[_Place, Object] = field(default_factory=dict)
    pools: dict[_Place, Object] = field(default_factory=dict)
    services: dict[_Place, Object] = field(default_factory=dict)
    secrets: dict[_Place, Object] = field(default_factory=dict)
    namespaces: dict[_Place, Object] = field(default_factory=dict)
    pods: dict[_Place, Endpoint] = field(default_factory=dict)
    balancer: Balancer = field(default_factory=Balancer)
    changed: Callable[[], None] = lambda: None
    _rules: list[Rule] | None = None
    _targets: dict[Backend, list[tuple[Endpoint, int]]] = field(default_factory=dict)

    @property
    def gateway(self) -> Object | None:
        """The Gateway object that this process is."""
        return self.gateways.get((self.namespace, self.name))

    def put(self, kind: str, item: Object) -> None:
        """A new or changed object."""
        place = _place(item)
        if kind == "pods":
            found = endpoint(item)
            if found is None:
                self.pods.pop(place, None)
            else:
                self.pods[place] = found
        else:
            self._store(kind)[place] = item
        self._touch(kind)

    def drop(self, kind: str, item: Object) -> None:
        """An object is gone."""
        if kind == "pods":
            self.pods.pop(_place(item), None)
            self.balancer.forget(item["metadata"]["uid"])
        else:
            self._store(kind).pop(_place(item), None)
        self._touch(kind)

    def _store(self, kind: str) -> dict[_Place, Object]:
        stores: Mapping[str, dict[_Place, Object]] = {
            "gateways": self.gateways,
            "routes": self.routes,
            "pools": self.pools,
            "services": self.services,
            "secrets": self.secrets,
            "namespaces": self.namespaces,
        }
        return stores[kind]

    def _touch(self, kind: str) -> None:
        if kind in {"gateways", "routes", "namespaces"}:
            self._rules = None
        if kind in {"pods", "pools", "services"}:
            self._targets.clear()
        self.changed()

    def rule(self, method: str, path: str) -> Rule | None:
        """The rule that a request takes."""
        if self._rules is None:
            gateway = self.gateway
            labels = {name: item["metadata"].get("labels") or {} for (_, name), item in self.namespaces.items()}
            self._rules = [] if gateway is None else rules(self.routes.values(), gateway=gateway, namespaces=labels)
        return next((one for one in self._rules if one.matches(method, path)), None)

    def targets(self, backend: Backend) -> list[tuple[Endpoint, int]]:
        """The Ready pods of a backend."""
        if backend not in self._targets:
            self._targets[backend] = targets(
                backend, pools=self.pools, services=self.services, ready=list(self.pods.values())
            )
        return self._targets[backend]

    def keys(self) -> dict[str, bytes]:
        """Bearer keys by their name. None at all means that nobody gets in."""
        item = self.secrets.get((self.namespace, self.keys_secret))
        data: Mapping[str, str] = (item or {}).get("data") or {}
        return {name: base64.b64decode(value).strip() for name, value in data.items()}

    def certificate(self) -> tuple[bytes, bytes] | None:
        """Certificate chain and key (PEM) of the first TLS listener, None until both are there."""
        for listener in (self.gateway or {}).get("spec", {}).get("listeners") or ():
            for ref in (listener.get("tls") or {}).get("certificateRefs") or ():
                item = self.secrets.get((ref.get("namespace", self.namespace), ref["name"]))
                data: Mapping[str, str] = (item or {}).get("data") or {}
                if "tls.crt" in data and "tls.key" in data:
                    return base64.b64decode(data["tls.crt"]), base64.b64decode(data["tls.key"])
        return None


def _place(item: Object) -> _Place:
    meta = item["metadata"]
    return meta.get("namespace", ""), meta["name"]


def informers(client: KubeClient, state: ClusterState) -> list[Informer]:
    """One informer per kind. Secrets are watched in the gateway's own namespace only."""
    paths = {
        "gateways": f"/apis/{GATEWAY_GROUP}/v1/namespaces/{state.namespace}/gateways",
        "routes": f"/apis/{GATEWAY_GROUP}/v1/httproutes",
        "pools": f"/apis/{POOL_GROUP}/v1/inferencepools",
        "services": "/api/v1/services",
        "secrets": f"/api/v1/namespaces/{state.namespace}/secrets",
        "namespaces": "/api/v1/namespaces",
        "pods": "/api/v1/pods",
    }
    return [_informer(client, state, kind, path) for kind, path in paths.items()]


def _informer(client: KubeClient, state: ClusterState, kind: str, path: str) -> Informer:
    def changed(item: dict[str, Any]) -> None:
        state.put(kind, item)

    def gone(item: dict[str, Any]) -> None:
        state.drop(kind, item)

    return Informer(client, path, changed=changed, gone=gone)


async def synced(found: list[Informer]) -> None:
    """Return when every kind was listed once."""
    await asyncio.gather(*(one.synced.wait() for one in found))
