"""Labels, annotations and names that the objects of a workload carry."""

from __future__ import annotations

SYSTEM_NAMESPACE = "twain-system"
GATEWAY = "cell"
PORT = 8000
MANAGER = "twain"

WORKLOAD = "twain/workload"
MAISON = "twain/maison"
REVISION = "twain/revision"
WORLD = "twain/world"
CELL = "twain/cell"
GPU_CLASS = "twain/gpu-class"
APP = "app.kubernetes.io/name"
MANAGED_BY = "app.kubernetes.io/managed-by"

IMAGE_DIGEST = "twain/image-digest"
WEIGHTS_DIGEST = "twain/weights-digest"
WEIGHTS_GIB = "twain/weights-gib"
MODEL = "twain/model"
SERVED_NAME = "twain/served-name"
LICENSE = "twain/license"
ORIGIN = "twain/origin"
EXPORT = "twain/export"
# The maisons that a workload is shared with, by name, with a comma between them.
READERS = "twain/readers"
SLO = "twain/slo"
# The hash of the manifest that made the object: equal means that there is nothing to write.
MANIFEST_HASH = "twain/manifest-hash"


def namespace(maison: str) -> str:
    """The namespace of a maison."""
    return f"maison-{maison}"


def lease(workload: str) -> str:
    """The Lease that one operator at a time holds while changing a workload."""
    return f"twain-{workload}"
