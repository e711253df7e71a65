"""The Kubernetes minor that a cell runs: what its API is, what program serves it, and what its nodes are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.kube.client import KubeClient
    from cli.net.http import Deadline


class _Version(msgspec.Struct):
    major: str = ""
    minor: str = ""
    emulationMajor: str = ""  # noqa: N815 - the key of the API
    emulationMinor: str = ""  # noqa: N815


class _NodeInfo(msgspec.Struct):
    kubeletVersion: str = ""  # noqa: N815


class _NodeStatus(msgspec.Struct):
    nodeInfo: _NodeInfo = msgspec.field(default_factory=_NodeInfo)  # noqa: N815


class _Node(msgspec.Struct):
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


async def of_nodes(kube: KubeClient, *, deadline: Deadline) -> Counter[str]:
    """How many nodes have a kubelet of which minor; one that does not tell counts as `unknown`. Raises TwainError."""
    found = Counter[str]()
    async for page in kube.pages("/api/v1/nodes", deadline=deadline):
        for node in msgspec.json.decode(page, type=_Nodes).items:
            version = node.status.nodeInfo.kubeletVersion.removeprefix("v").split(".")
            found[".".join(version[:2]) if len(version) > 1 else "unknown"] += 1
    return found


def as_json(found: Running | None, nodes: Mapping[str, int] | None = None) -> dict[str, Any] | None:
    """`{minor, program, emulated, nodes}`, or None where nothing is known."""
    if found is None:
        return None
    counts = None if nodes is None else dict(sorted(nodes.items()))
    return {"minor": found.minor, "program": found.program, "emulated": found.emulated, "nodes": counts}
