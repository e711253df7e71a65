"""What ACK refuses about the images of node pools.

Sources, read in November 2026: the image types in the provider's own documentation, and the release notes of
Kubernetes 1.30 there, which take two systems away. A driver's version that ACK does not know is not refused by it: its
default is installed instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from components.rules.checks import not_offered, shape
from components.rules.model import Inputs, Problem, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

_IMAGES: Final = (
    *("AliyunLinux3", "AliyunLinux3Arm64", "AliyunLinux3ContainerOptimized", "AliyunLinux4ContainerOptimized"),
    *("AliyunLinux4", "AliyunLinux4Arm64", "AliyunLinux4Security", "AliyunLinux4ContainerOptimizedArm64"),
    *("AliyunLinuxSecurity", "ContainerOS", "Custom", "Ubuntu", "Windows", "WindowsCore"),
)
# Alibaba Cloud Linux 2 and CentOS 7, in no node pool of 1.30 or later: the version is the cluster's affair.
GONE: Final = frozenset({"AliyunLinux", "AliyunLinuxUEFI", "CentOS"})


def _image(call: Inputs) -> Iterator[Problem]:
    kind = call.known("imageType")
    if kind is not None and kind not in GONE and kind not in _IMAGES:
        yield Problem("imageType", not_offered(str(kind), _IMAGES, what="image type"))


IMAGE: Final[Rule] = shape(_image, fix=f"take one of {', '.join(_IMAGES)}")
