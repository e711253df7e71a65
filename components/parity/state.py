"""What a resource graph guarantees: read from inputs, cloud by cloud, into the words of the capability list.

A setting that is absent counts as the cloud's default, which is never the safe one. One that cannot be read (not known
yet, secret) makes the capability unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.parity import alicloud, azure, gcp, kubernetes, serving
from components.parity.graph import Graph
from components.parity.pools import OF_POOLS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from components.parity.graph import Reader, Row

CLOUDS: dict[str, Mapping[str, Reader]] = {
    "alicloud": alicloud.READERS,
    "gcp": gcp.READERS,
    "azure": azure.READERS,
}
INFRA = tuple(alicloud.READERS)
PLATFORM = tuple(kubernetes.READERS)
WORKLOAD = tuple(serving.READERS)
_PACKAGES = {"alicloud": "alicloud", "gcp": "gcp", "azure-native": "azure"}
_POOLS = {"alicloud": alicloud.pools, "gcp": gcp.pools, "azure": azure.pools}

Values = dict[str, str | None]


def guarantees(resources: Iterable[Row], cloud: str | None) -> Values:
    """Every capability's value, of all layers. None is `unknown`: the graph does not tell. Without a cloud, all that
    is the cloud's is unknown. Pure.
    """
    rows = list(resources)
    return {**infra(rows, cloud), **platform(rows), **workload(rows)}


def infra(resources: Iterable[Row], cloud: str | None) -> Values:
    """What the cloud's resources guarantee."""
    graph = Graph.of(resources)
    if cloud is None:
        return dict.fromkeys(INFRA)
    return {name: read(graph) for name, read in CLOUDS[cloud].items()}


def platform(resources: Iterable[Row]) -> Values:
    """What is installed in the cluster guarantees."""
    graph = Graph.of(resources)
    return {name: read(graph) for name, read in kubernetes.READERS.items()}


def workload(resources: Iterable[Row]) -> Values:
    """What a served model's objects guarantee."""
    graph = Graph.of(resources)
    return {name: read(graph) for name, read in serving.READERS.items()}


def unread(resources: Iterable[Row], cloud: str | None, values: Values) -> dict[str, str]:
    """Why a capability that is read from pools is not known (its value in `values` is None), for people."""
    reasons = "; ".join(_POOLS[cloud](Graph.of(resources)).unread) if cloud else ""
    return {name: reasons for name in OF_POOLS if reasons and values.get(name) is None}


def details(resources: Iterable[Row], cloud: str | None) -> dict[str, str]:
    """What stands behind a value, for people: the GPU models of a class, the arguments of a digest."""
    graph = Graph.of(resources)
    found: dict[str, str] = {}
    models = _POOLS[cloud](graph).models() if cloud else None
    if models:
        found["gpu.class"] = found["gpu.rate"] = models
    own = [serving.arguments(container) or [] for _, container in serving.engines(graph)]
    if own:
        found["engine.arguments"] = "; ".join(" ".join(one) for one in own)
    return found


def clouds_of(resources: Iterable[Row]) -> tuple[str, ...]:
    """The clouds that a graph has resources of, sorted."""
    kinds = Graph.of(resources).by_type
    return tuple(sorted({cloud for kind in kinds if (cloud := _PACKAGES.get(kind.partition(":")[0]))}))
