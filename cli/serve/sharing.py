"""The ways that a shared workload opens: an address inside the cluster, and for each reader a policy on both sides.

A dedicated workload is asked through the cell's gateway alone. A shared one has a Service beside it; its own policy
lets the readers' namespaces in, and a policy in each reader's namespace lets that maison's pods out to it, but for its
engines, which open no connection at all. What lies in a reader's namespace carries the labels of the workload, so that
it is found again when a reader is taken out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli.kube import kinds
from cli.serve import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cli.kube import decode
    from cli.kube.client import KubeClient
    from cli.net.http import Deadline
    from components.spec.model import Workload

    Manifest = dict[str, Any]

_NAMESPACE = "kubernetes.io/metadata.name"
_PORTS = [{"port": names.PORT, "protocol": "TCP"}]
# What a workload has only while it is shared, and how much of it can be left over in other namespaces.
_KINDS = (("networking.k8s.io/v1", "NetworkPolicy"), ("v1", "Service"))


def way(maison: str, name: str) -> str:
    """The name of the policies that let a workload's readers out to it. No name of a maison or of a workload holds a
    dot, so no two workloads have the same.
    """
    return f"asks.{maison}.{name}"


def readers(workload: Workload) -> tuple[str, ...]:
    """The maisons whose pods may ask it beside the gateway's callers."""
    return workload.readers if workload.share == "shared" else ()


def told_by(item: decode.Deployment) -> tuple[str, ...]:
    """The same, as a cell's object says it."""
    return tuple(one for one in item.metadata.annotation(names.READERS).split(",") if one)


def ingress(workload: Workload) -> list[dict[str, Any]]:
    """The rules of the workload's own policy that let its readers in."""
    spaces = [names.namespace(reader) for reader in readers(workload)]
    chosen = {"matchExpressions": [{"key": _NAMESPACE, "operator": "In", "values": spaces}]}
    return [{"from": [{"namespaceSelector": chosen}], "ports": _PORTS}] if spaces else []


def bodies(workload: Workload) -> Iterator[tuple[str, str, dict[str, str], dict[str, Any]]]:
    """What is made beside a shared workload: version, kind, name and namespace, spec."""
    if not readers(workload):
        return
    own = {"name": workload.name, "namespace": names.namespace(workload.maison)}
    pods = {names.WORKLOAD: workload.name}
    ports = [{"name": "http", "port": names.PORT, "targetPort": names.PORT, "protocol": "TCP"}]
    yield "v1", "Service", own, {"type": "ClusterIP", "selector": pods, "ports": ports}
    there = {
        "namespaceSelector": {"matchLabels": {_NAMESPACE: own["namespace"]}},
        "podSelector": {"matchLabels": pods},
    }
    for reader in readers(workload):
        place = {"name": way(workload.maison, workload.name), "namespace": names.namespace(reader)}
        engines = {"matchExpressions": [{"key": names.WORKLOAD, "operator": "DoesNotExist"}]}
        spec = {"podSelector": engines, "policyTypes": ["Egress"], "egress": [{"to": [there], "ports": _PORTS}]}
        yield "networking.k8s.io/v1", "NetworkPolicy", place, spec


def told(kind: str, metadata: dict[str, Any], own: str) -> str:
    """`KIND/NAME` as outcomes say it, with its namespace where that is not the workload's own."""
    space = metadata["namespace"]
    return f"{kind}/{metadata['name']}" if space == own else f"{kind}/{space}/{metadata['name']}"


async def left_over(
    kube: KubeClient, *, maison: str, name: str, wanted: Iterable[Manifest], deadline: Deadline
) -> list[tuple[str, str, dict[str, Any]]]:
    """What the cell has of a workload's ways and `wanted` has not: version, kind, metadata. Raises TwainError."""
    kept = {(one["kind"], one["metadata"]["namespace"], one["metadata"]["name"]) for one in wanted}
    chosen = {"labelSelector": f"{names.WORKLOAD}={name},{names.MAISON}={maison}"}
    found: list[tuple[str, str, dict[str, Any]]] = []
    for version, kind in _KINDS:
        for one in await kube.list(kinds.collection(version, kind), params=chosen, deadline=deadline):
            metadata = one["metadata"]
            ours = metadata["name"] == {"Service": name}.get(kind, way(maison, name))
            if ours and (kind, metadata["namespace"], metadata["name"]) not in kept:
                found.append((version, kind, metadata))
    return found
