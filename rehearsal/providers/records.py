"""What the world store holds, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

FaultKind = Literal["throttle", "stock-out", "timeout", "not-yet-visible", "crash-before", "crash-between", "hang"]
State = Literal["creating", "live", "deleting", "deleted"]


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource of an emulated cloud; `created` and `deleted` in unix seconds."""

    id: str
    cloud: str
    type: str
    name: str
    key: str
    urn: str = ""
    cell: str = ""
    region: str = ""
    zone: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    outputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    created: float = 0.0
    deleted: float | None = None
    state: str = "live"
    # `<type>|<id>` of what this one hangs from; a parent with live children cannot be deleted.
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Taint:
    """A Kubernetes taint."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True, kw_only=True)
class Pool:
    """A node pool as the cloud offers it: sizes, and what its Nodes carry. `gpus` counts per Node."""

    name: str
    cell: str
    cloud: str
    kind: Literal["system", "gpu"]
    gpu_class: str | None
    instance_type: str
    gpus: int
    min: int
    max: int
    zones: tuple[str, ...]
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    resource: str = ""
    created: float = 0.0


@dataclass(frozen=True, kw_only=True)
class NodeRecord:
    """The life of one Node: what the bill is made from. Times in unix seconds."""

    cell: str
    pool: str
    name: str
    instance_type: str
    zone: str
    gpus: int
    created: float
    ready: float | None
    deleted: float | None


@dataclass(frozen=True, kw_only=True)
class ClusterRecord:
    """One emulated cluster and where its control plane answers."""

    id: str
    cell: str
    cloud: str
    region: str
    endpoint: str
    ca: str
    minor: str
    created: float
    deleted: float | None


class NameTakenError(RuntimeError):
    """Another live resource holds this physical name."""
