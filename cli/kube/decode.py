"""Narrow decoding: of a pod's hundred fields the few that we show, straight from bytes. One bad object costs one
row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from cli import errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from cli.kube.client import KubeClient
    from cli.net.http import Deadline

T = TypeVar("T")


class Narrow(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """Base: camelCase keys, unknown ones ignored."""


class Meta(Narrow, frozen=True):
    """Object metadata. `labels` and `annotations` may be null in an answer."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None

    def label(self, name: str, default: str = "") -> str:
        """A label's value."""
        return (self.labels or {}).get(name, default)

    def annotation(self, name: str, default: str = "") -> str:
        """An annotation's value."""
        return (self.annotations or {}).get(name, default)


class Condition(Narrow, frozen=True):
    """One condition of a status."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None


class Waiting(Narrow, frozen=True):
    """Why a container waits."""

    reason: str = ""
    message: str = ""


class Terminated(Narrow, frozen=True):
    """How a container ended."""

    exit_code: int = 0
    reason: str = ""
    message: str = ""


class ContainerState(Narrow, frozen=True):
    """One of waiting, terminated, or running (neither)."""

    waiting: Waiting | None = None
    terminated: Terminated | None = None


class ContainerStatus(Narrow, frozen=True):
    """Status of one container."""

    name: str = ""
    ready: bool = False
    restart_count: int = 0
    started: bool | None = None
    state: ContainerState = ContainerState()
    last_state: ContainerState = ContainerState()


class Requirements(Narrow, frozen=True):
    """Requests and limits; quantities as text."""

    requests: dict[str, str] | None = None
    limits: dict[str, str] | None = None


class Container(Narrow, frozen=True):
    """A container of a pod spec."""

    name: str = ""
    image: str = ""
    resources: Requirements = Requirements()


class PodSpec(Narrow, frozen=True):
    """What we read of a pod's spec."""

    node_name: str = ""
    node_selector: dict[str, str] | None = None
    containers: tuple[Container, ...] = ()


class PodStatus(Narrow, frozen=True):
    """What we read of a pod's status."""

    phase: str = ""
    pod_ip: str = msgspec.field(name="podIP", default="")
    reason: str = ""
    message: str = ""
    conditions: tuple[Condition, ...] | None = None
    container_statuses: tuple[ContainerStatus, ...] | None = None
    init_container_statuses: tuple[ContainerStatus, ...] | None = None


class Pod(Narrow, frozen=True):
    """A pod."""

    metadata: Meta
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def ready(self) -> bool:
        """Ready and not on its way out."""
        conditions = self.status.conditions or ()
        return self.metadata.deletion_timestamp is None and any(
            condition.type == "Ready" and condition.status == "True" for condition in conditions
        )

    @property
    def gpus(self) -> int:
        """GPUs that the pod asks for."""
        return sum(int((c.resources.limits or {}).get("nvidia.com/gpu", "0")) for c in self.spec.containers)


class NodeStatus(Narrow, frozen=True):
    """What we read of a node's status."""

    capacity: dict[str, str] | None = None
    allocatable: dict[str, str] | None = None
    conditions: tuple[Condition, ...] | None = None


class Node(Narrow, frozen=True):
    """A node."""

    metadata: Meta
    status: NodeStatus = NodeStatus()

    @property
    def ready(self) -> bool:
        """Whether the node reports Ready."""
        return any(c.type == "Ready" and c.status == "True" for c in self.status.conditions or ())

    @property
    def gpus(self) -> int:
        """GPUs that the node offers."""
        return int((self.status.allocatable or self.status.capacity or {}).get("nvidia.com/gpu", "0"))


class Template(Narrow, frozen=True):
    """A pod template."""

    metadata: Meta = Meta()
    spec: PodSpec = PodSpec()


class DeploymentSpec(Narrow, frozen=True):
    """What we read of a deployment's spec."""

    replicas: int = 1
    template: Template = Template()


class DeploymentStatus(Narrow, frozen=True):
    """What we read of a deployment's status. Kubernetes leaves out what is zero."""

    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    unavailable_replicas: int = 0
    conditions: tuple[Condition, ...] | None = None


class Deployment(Narrow, frozen=True):
    """A deployment."""

    metadata: Meta
    spec: DeploymentSpec = DeploymentSpec()
    status: DeploymentStatus = DeploymentStatus()


class Reference(Narrow, frozen=True):
    """What an event is about."""

    kind: str = ""
    name: str = ""
    namespace: str = ""
    uid: str = ""


class Event(Narrow, frozen=True):
    """An event."""

    metadata: Meta
    involved_object: Reference = Reference()
    type: str = ""
    reason: str = ""
    message: str = ""
    last_timestamp: str | None = None
    event_time: str | None = None


class ListMeta(Narrow, frozen=True):
    """Metadata of a list."""

    continue_: str | None = msgspec.field(name="continue", default=None)
    resource_version: str = ""


class _Head(Narrow, frozen=True):
    metadata: ListMeta = ListMeta()


class _Loose(Narrow, frozen=True):
    items: list[msgspec.Raw] | None = None


class Items(msgspec.Struct):
    """A list: what could be decoded, and the names of what could not."""

    items: list[Any]
    unparsed: list[str]


_DECODERS: dict[type, msgspec.json.Decoder[Any]] = {}
_HEAD: msgspec.json.Decoder[_Head] = msgspec.json.Decoder(_Head)
_LOOSE: msgspec.json.Decoder[_Loose] = msgspec.json.Decoder(_Loose)


def list_meta(body: bytes) -> ListMeta:
    """The metadata of a list. Raises ResourceError when the body is no list."""
    try:
        return _HEAD.decode(body).metadata
    except msgspec.DecodeError as error:
        message = f"the API server's answer is no list: {error}."
        raise errors.ResourceError(message, id="KUBE-BODY") from error


def decode_list(body: bytes, kind: type[T]) -> Items:
    """Every object of a list. One that does not fit becomes a name in `unparsed`; the rest is kept."""
    try:
        return Items(_decoder(_wrapper(kind)).decode(body).items or [], [])
    except msgspec.DecodeError:
        pass
    try:
        raws = _LOOSE.decode(body).items or []
    except msgspec.DecodeError as error:
        message = f"the API server's answer is no list: {error}."
        raise errors.ResourceError(message, id="KUBE-BODY") from error
    single = _decoder(kind)
    result = Items([], [])
    for raw in raws:
        try:
            result.items.append(single.decode(raw))
        except msgspec.DecodeError:
            result.unparsed.append(_name(raw))
    return result


def decode(body: bytes | msgspec.Raw, kind: type[T]) -> T:
    """One object. Raises ResourceError when it does not fit."""
    try:
        return _decoder(kind).decode(body)
    except msgspec.DecodeError as error:
        message = f"the API server's {kind.__name__} cannot be read: {error}."
        raise errors.ResourceError(message, id="KUBE-BODY") from error


def convert(value: Any, kind: type[T]) -> T:
    """One object out of decoded JSON. Raises ResourceError when it does not fit."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        message = f"the API server's {kind.__name__} cannot be read: {error}."
        raise errors.ResourceError(message, id="KUBE-BODY") from error


async def listed(
    kube: KubeClient,
    path: str,
    kind: type[T],
    *,
    params: dict[str, str] | None = None,
    deadline: Deadline | None = None,
) -> Items:
    """A whole list over its pages, decoded page by page."""
    result = Items([], [])
    async for page in _pages(kube, path, params, deadline):
        part = decode_list(page, kind)
        result.items.extend(part.items)
        result.unparsed.extend(part.unparsed)
    return result


def _pages(
    kube: KubeClient, path: str, params: dict[str, str] | None, deadline: Deadline | None
) -> AsyncIterator[bytes]:
    return kube.pages(path, params=params, deadline=deadline)


_WRAPPERS: dict[type, type] = {}


def _wrapper(kind: type[T]) -> type:
    if kind not in _WRAPPERS:
        _WRAPPERS[kind] = msgspec.defstruct(f"{kind.__name__}List", [("items", list[kind] | None, None)])
    return _WRAPPERS[kind]


def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    if kind not in _DECODERS:
        _DECODERS[kind] = msgspec.json.Decoder(kind)
    return _DECODERS[kind]


def _name(raw: msgspec.Raw) -> str:
    class _Named(msgspec.Struct):
        metadata: Meta = Meta()

    try:
        metadata = msgspec.json.decode(raw, type=_Named).metadata
    except msgspec.DecodeError:
        return "(no name)"
    return f"{metadata.namespace}/{metadata.name}" if metadata.namespace else metadata.name
