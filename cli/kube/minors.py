"""The Kubernetes minor that a cell runs: what its API is, what program serves it, and what its nodes are: their minors,
images and GPU drivers.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cli.kube.client import KubeClient
    from cli.net.http import Deadline


GPU = "nvidia.com/gpu"


class _Version(msgspec.Struct):
    major: str = ""
    minor: str = ""
    emulationMajor: str = ""  # noqa: N815 - the key of the API
    emulationMinor: str = ""  # noqa: N815


class _NodeInfo(msgspec.Struct):
    kubeletVersion: str = ""  # noqa: N815
    osImage: str = ""  # noqa: N815


class _NodeStatus(msgspec.Struct):
    nodeInfo: _NodeInfo = msgspec.field(default_factory=_NodeInfo)  # noqa: N815
    capacity: dict[str, str] = {}


class _Meta(msgspec.Struct):
    labels: dict[str, str] = {}


class _Node(msgspec.Struct):
    metadata: _Meta = msgspec.field(default_factory=_Meta)
    status: _NodeStatus = msgspec.field(default_factory=_NodeStatus)


class _Nodes(msgspec.Struct):
    items: list[_Node] = []


@dataclass(frozen=True, kw_only=True)
class Running:
    """`minor` is the API's, `program` that of the program behind it: they differ where one emulates the other."""

    minor: str
    program: str

    @property
    def emulated(self) -> bool:
        """Whether the program is of another minor than the API that it serves."""
        return self.minor != self.program

    @property
    def words(self) -> str:
        """For people: an emulated minor is never shown as the real one."""
        return f"{self.minor} (emulated by {self.program})" if self.emulated else self.minor


def of_version(answer: bytes) -> Running | None:
    """The minors out of the answer of `/version`, or None where it tells none."""
    try:
        found = msgspec.json.decode(answer, type=_Version)
    except msgspec.DecodeError:
        return None
    program = _minor(found.major, found.minor)
    if program is None:
        return None
    return Running(minor=_minor(found.emulationMajor, found.emulationMinor) or program, program=program)


def _minor(major: str, minor: str) -> str | None:
    digits = "".join(char for char in minor if char.isdigit())
    return f"{major}.{digits}" if major.isdigit() and digits else None


async def running(kube: KubeClient, *, deadline: Deadline) -> Running | None:
    """What serves the API of a cell. Raises TwainError where it cannot be asked."""
    return of_version(await kube.get_bytes("/version", deadline=deadline))


@dataclass(frozen=True, kw_only=True)
class Made:
    """What the nodes of a cell are made of: how many have a kubelet of which minor, which image, which GPU driver. What
    a node does not tell counts as `unknown`; of drivers only nodes with GPUs are counted.
    """

    minors: Counter[str] = field(default_factory=Counter[str])
    images: Counter[str] = field(default_factory=Counter[str])
    drivers: Counter[str] = field(default_factory=Counter[str])


async def of_nodes(kube: KubeClient, *, deadline: Deadline) -> Counter[str]:
    """How many nodes have a kubelet of which minor; one that does not tell counts as `unknown`. Raises TwainError."""
    return (await made(kube, deadline=deadline)).minors


async def made(kube: KubeClient, *, deadline: Deadline) -> Made:
    """What the nodes of a cell are made of. Raises TwainError."""
    # Not above: a status takes the minors from here, and loads nothing of the library.
    from components.clouds.node_images import DRIVER_LABELS, IMAGE_LABELS

    found = Made()
    async for page in kube.pages("/api/v1/nodes", deadline=deadline):
        for node in msgspec.json.decode(page, type=_Nodes).items:
            told, labels = node.status.nodeInfo, node.metadata.labels
            version = told.kubeletVersion.removeprefix("v").split(".")
            found.minors[".".join(version[:2]) if len(version) > 1 else "unknown"] += 1
            found.images[_first(labels, IMAGE_LABELS) or told.osImage or "unknown"] += 1
            if node.status.capacity.get(GPU, "0") != "0":
                found.drivers[_first(labels, DRIVER_LABELS) or "unknown"] += 1
    return found


def _first(labels: Mapping[str, str], names: Iterable[str]) -> str:
    return next((labels[name] for name in names if labels.get(name)), "")


def as_json(found: Running | None, nodes: Made | None = None) -> dict[str, Any] | None:
    """`{minor, program, emulated, nodes, images, drivers}`, or None where nothing is known."""
    if found is None:
        return None
    counts = {"nodes": None, "images": None, "drivers": None} if nodes is None else {
        name: dict(sorted(part.items()))
        for name, part in (("nodes", nodes.minors), ("images", nodes.images), ("drivers", nodes.drivers))
    }  # fmt: skip
    return {"minor": found.minor, "program": found.program, "emulated": found.emulated, **counts}
