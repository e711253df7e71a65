"""What ACK refuses about the images of node pools.

Sources, read in November 2026: the image types in the provider's own documentation, and the release notes of
Kubernetes 1.30 there, which take two systems away. A driver's version that ACK does not know is not refused by it: its
default is installed instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rehearsal.providers.clusters import minor_of
from rehearsal.providers.rules import not_offered
from rehearsal.providers.sdktypes import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rehearsal.providers.model import Call, Rule

_IMAGES: Final = (
    *("AliyunLinux3", "AliyunLinux3Arm64", "AliyunLinux3ContainerOptimized", "AliyunLinux4ContainerOptimized"),
    *("AliyunLinuxSecurity", "ContainerOS", "Custom", "Ubuntu", "Windows", "WindowsCore"),
)
# Alibaba Cloud Linux 2 and CentOS 7, in no node pool of 1.30 or later.
_GONE: Final = frozenset({"AliyunLinux", "AliyunLinuxUEFI", "CentOS"})
_GONE_SINCE: Final = (1, 30)


def images(plane: Callable[[Call], str]) -> Rule:
    """The image type of a node pool; `plane` gives the version of its control plane, empty where not known."""

    def rule(call: Call) -> Iterator[Problem]:
        kind, version = call.known("imageType"), plane(call)
        if kind in _GONE:
            if not version or tuple(map(int, minor_of(version).split("."))) >= _GONE_SINCE:
                yield Problem("imageType", f"{kind} is no image of node pools any more since Kubernetes 1.30")
        elif kind is not None and kind not in _IMAGES:
            yield Problem("imageType", not_offered(str(kind), _IMAGES, what="image type"))

    return rule
