"""Gateway API objects to decisions: which rule a request takes, which backend, which pod. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

GATEWAY_GROUP = "gateway.networking.k8s.io"
POOL_GROUP = "inference.networking.k8s.io"
Object = Mapping[str, Any]
# Filters that the process knows; a rule with another one answers 500, as the Gateway API wants, instead of half of it.
_KNOWN_FILTERS = {"URLRewrite"}


@dataclass(frozen=True)
class Backend:
    """One backendRef of a rule. `port` is the Service's port, None for an InferencePool."""

    kind: str
    namespace: str
    name: str
    port: int | None
    weight: int


@dataclass(frozen=True)
class Rule:
    """One match of one rule of one HTTPRoute. `prefix` has no trailing slash; `broken` says why it cannot be served."""

    route: str
    prefix: str
    exact: bool
    method: str | None
    rewrite_prefix: str | None
    rewrite_full: str | None
    backends: tuple[Backend, ...]
    broken: str | None = None

    def matches(self, method: str, path: str) -> bool:
        """Element-wise prefix match: `/a/b` takes `/a/b` and `/a/b/c`, not `/a/bc`."""
        if self.method is not None and self.method != method:
            return False
        if self.exact:
            return path == self.prefix
        return path == self.prefix or path.startswith(f"{self.prefix}/") or self.prefix == ""

    def rewritten(self, path: str) -> str:
        """The path that the backend sees."""
        if self.rewrite_full is not None:
            return self.rewrite_full
        if self.rewrite_prefix is None:
            return path
        rest = path[len(self.prefix) :].lstrip("/")
        base = self.rewrite_prefix.rstrip("/")
        return f"{base}/{rest}" if rest or not base else base


@dataclass(frozen=True)
class Endpoint:
    """One Ready pod. Terminating and unready pods are none: they get no new requests."""

    pod: str
    namespace: str
    address: str
    uid: str
    labels: Mapping[str, str] = field(hash=False)
    ports: Mapping[str, int] = field(hash=False)


def endpoint(pod: Object) -> Endpoint | None:
    """The pod as an endpoint, or None when it must get no new request."""
    meta, status = pod["metadata"], pod.get("status", {})
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions") or ())
    if not ready or meta.get("deletionTimestamp") or not status.get("podIP"):
        return None
    named = (port for container in pod["spec"]["containers"] for port in container.get("ports") or ())
    return Endpoint(
        pod=meta["name"],
        namespace=meta["namespace"],
        address=status["podIP"],
        uid=meta["uid"],
        labels=meta.get("labels") or {},
        ports={port["name"]: int(port["containerPort"]) for port in named if port.get("name")},
    )


def rules(routes: Iterable[Object], *, gateway: Object, namespaces: Mapping[str, Mapping[str, str]]) -> list[Rule]:
    """All rules that are attached to this gateway, best match first: exact before prefix, longer before shorter, older
    routes first. `namespaces` maps names to labels, for listeners that select the namespaces of their routes.
    """
    found: list[tuple[tuple[Any, ...], Rule]] = []
    for route in routes:
        meta = route["metadata"]
        if not _attached(route, gateway) or not _allowed(meta["namespace"], gateway, namespaces):
            continue
        for rule in route.get("spec", {}).get("rules") or ():
            for match in rule.get("matches") or ({},):
                made = _rule(route, rule, match)
                order = (
                    not made.exact,
                    -len(made.prefix),
                    made.method is None,
                    meta.get("creationTimestamp", ""),
                    made.route,
                )
                found.append((order, made))
    return [made for _, made in sorted(found, key=lambda pair: pair[0])]


def _attached(route: Object, gateway: Object) -> bool:
    meta = gateway["metadata"]
    return any(
        ref.get("kind", "Gateway") == "Gateway"
        and ref["name"] == meta["name"]
        and ref.get("namespace", route["metadata"]["namespace"]) == meta["namespace"]
        for ref in route.get("spec", {}).get("parentRefs") or ()
    )


def _allowed(namespace: str, gateway: Object, namespaces: Mapping[str, Mapping[str, str]]) -> bool:
    for listener in gateway.get("spec", {}).get("listeners") or ():
        wanted = (listener.get("allowedRoutes") or {}).get("namespaces") or {}
        source = wanted.get("from", "Same")
        if source == "All" or (source == "Same" and namespace == gateway["metadata"]["namespace"]):
            return True
        if source == "Selector" and selects(wanted.get("selector") or {}, namespaces.get(namespace, {})):
            return True
    return False


def selects(selector: Object, labels: Mapping[str, str]) -> bool:
    """A Kubernetes label selector with matchLabels and matchExpressions; an empty one selects everything."""
    if any(labels.get(name) != value for name, value in (selector.get("matchLabels") or {}).items()):
        return False
    for expression in selector.get("matchExpressions") or ():
        value, values = labels.get(expression["key"]), expression.get("values") or ()
        held = {
            "In": value in values,
            "NotIn": value not in values,
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }[expression["operator"]]
        if not held:
            return False
    return True


def _rule(route: Object, rule: Object, match: Object) -> Rule:
    namespace, name = route["metadata"]["namespace"], route["metadata"]["name"]
    path = match.get("path") or {}
    kind, value = path.get("type", "PathPrefix"), path.get("value", "/")
    rewrite: Mapping[str, Any] = {}
    broken = None
    for one in rule.get("filters") or ():
        if one["type"] not in _KNOWN_FILTERS:
            broken = f"filter {one['type']} is not supported here"
        elif one["type"] == "URLRewrite":
            rewrite = one["urlRewrite"].get("path") or {}
    if kind == "RegularExpression" or match.get("headers") or match.get("queryParams"):
        broken = "only path and method matches are supported here"
    backends: list[Backend] = []
    for ref in rule.get("backendRefs") or ():
        if ref.get("namespace", namespace) != namespace:
            broken = f"backend {ref['namespace']}/{ref['name']} lies in another namespace and no grant allows it"
        backends.append(
            Backend(
                kind=ref.get("kind", "Service"),
                namespace=namespace,
                name=ref["name"],
                port=ref.get("port"),
                weight=int(ref.get("weight", 1)),
            )
        )
    exact = kind == "Exact"
    return Rule(
        route=f"{namespace}/{name}",
        prefix=value if exact else value.rstrip("/"),
        exact=exact,
        method=match.get("method"),
        rewrite_prefix=rewrite.get("replacePrefixMatch"),
        rewrite_full=rewrite.get("replaceFullPath"),
        backends=tuple(backends),
        broken=broken,
    )


def targets(
    backend: Backend,
    *,
    pools: Mapping[tuple[str, str], Object],
    services: Mapping[tuple[str, str], Object],
    ready: Sequence[Endpoint],
) -> list[tuple[Endpoint, int]]:
    """The Ready pods of a backend with the port to call; empty also for a backend that does not exist."""
    place = (backend.namespace, backend.name)
    if backend.kind == "InferencePool":
        pool = pools.get(place)
        if pool is None:
            return []
        selector = pool["spec"].get("selector") or {}
        ports = pool["spec"].get("targetPorts") or ()
        if not selector.get("matchLabels") or not ports:
            return []
        number = int(ports[0]["number"])
        return [(pod, number) for pod in ready if pod.namespace == backend.namespace and selects(selector, pod.labels)]
    service = services.get(place)
    if backend.kind != "Service" or service is None or not service["spec"].get("selector"):
        return []
    port = next((one for one in service["spec"].get("ports") or () if one["port"] == backend.port), None)
    if port is None:
        return []
    selector = {"matchLabels": service["spec"]["selector"]}
    matched = [pod for pod in ready if pod.namespace == backend.namespace and selects(selector, pod.labels)]
    target = port.get("targetPort", port["port"])
    numbers = [(pod, target if isinstance(target, int) else pod.ports.get(target)) for pod in matched]
    return [(pod, number) for pod, number in numbers if number is not None]


@dataclass
class Balancer:
    """Smooth weighted round robin over backends, least requests in flight over pods."""

    _credit: dict[Backend, float] = field(default_factory=dict)
    _in_flight: dict[str, int] = field(default_factory=dict)
    _turn: dict[str, int] = field(default_factory=dict)
    _turns: int = 0

    def backend(self, choices: Sequence[Backend]) -> Backend | None:
        """The next backend by weight; zero weights get nothing, None when all are zero."""
        weighted = [one for one in choices if one.weight > 0]
        if not weighted:
            return None
        for one in weighted:
            self._credit[one] = self._credit.get(one, 0.0) + one.weight
        best = max(weighted, key=lambda one: self._credit[one])
        self._credit[best] -= sum(one.weight for one in weighted)
        return best

    def pod(self, choices: Sequence[tuple[Endpoint, int]]) -> tuple[Endpoint, int] | None:
        """The pod with the fewest requests in flight; among equals the one whose last turn is longest ago."""
        if not choices:
            return None
        chosen = min(choices, key=lambda one: (self._in_flight.get(one[0].uid, 0), self._turn.get(one[0].uid, -1)))
        self._turns += 1
        self._turn[chosen[0].uid] = self._turns
        return chosen

    def began(self, uid: str) -> None:
        """A request went to this pod."""
        self._in_flight[uid] = self._in_flight.get(uid, 0) + 1

    def ended(self, uid: str) -> None:
        """It is over, however it ended."""
        left = self._in_flight.get(uid, 0) - 1
        if left > 0:
            self._in_flight[uid] = left
        else:
            self._in_flight.pop(uid, None)

    def forget(self, uid: str) -> None:
        """A pod is gone for good."""
        self._turn.pop(uid, None)

    def in_flight(self, uid: str) -> int:
        """Requests in flight at a pod."""
        return self._in_flight.get(uid, 0)
