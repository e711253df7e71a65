"""What ACK refuses about the images of node pools by the version of their cluster: the release notes of Kubernetes 1.30
take two systems away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from components.rules.alicloud.nodes import GONE
from components.rules.model import Problem
from rehearsal.providers.clusters import minor_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rehearsal.providers.model import Call, Rule

_GONE_SINCE: Final = (1, 30)


def images(plane: Callable[[Call], str]) -> Rule:
    """The image type of a node pool; `plane` gives the version of its control plane, empty where not known."""

    def rule(call: Call) -> Iterator[Problem]:
        kind, version = call.known("imageType"), plane(call)
        if kind in GONE and (not version or tuple(map(int, minor_of(version).split("."))) >= _GONE_SINCE):
            yield Problem("imageType", f"{kind} is no image of node pools any more since Kubernetes 1.30")

    return rule
