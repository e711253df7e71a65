"""Which class implements a component on a cloud. Resolved by name when asked for, so that a program loads one SDK."""

from __future__ import annotations

import importlib
from typing import Any

from components.errors import NotSupportedError

COMPONENTS = (
    *("network", "key", "cluster", "nodepool", "bucket", "identity", "file_share", "observability"),
    *("container_registry", "secret_store", "database", "cache"),
    *("budget", "guard_rails", "ai_platform"),
)
CLOUDS = ("alicloud", "gcp", "azure")

_PREFIX = {"alicloud": "Alicloud", "gcp": "Gcp", "azure": "Azure"}
_CLASS = {
    "network": "Network",
    "key": "Key",
    "cluster": "Cluster",
    "nodepool": "NodePool",
    "bucket": "Bucket",
    "identity": "Identity",
    "file_share": "FileShare",
    "observability": "Observability",
    "container_registry": "ContainerRegistry",
    "secret_store": "SecretStore",
    "database": "Database",
    "cache": "Cache",
    "budget": "Budget",
    "guard_rails": "GuardRails",
    "ai_platform": "AiPlatform",
}
TABLE: dict[tuple[str, str], str] = {
    (component, cloud): f"components.{component}.{cloud}:{_PREFIX[cloud]}{_CLASS[component]}"
    for component in COMPONENTS
    for cloud in CLOUDS
}
TABLE.update({("provider", cloud): f"components.provider.{cloud}:declare" for cloud in CLOUDS})


def resolve(component: str, cloud: str) -> Any:
    """The class of a component on a cloud. Raises NotSupportedError that names the extra, or what exists."""
    place = TABLE.get((component, cloud))
    if place is None:
        known = f"components: {', '.join(COMPONENTS)}; clouds: {', '.join(CLOUDS)}"
        message = f"there is no component {component!r} on cloud {cloud!r}; {known}"
        raise NotSupportedError(message)
    module, _, name = place.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("pulumi"):
            message = f"cloud {cloud} needs {error.name}, which is not installed: pip install 'twain[{cloud}]'"
            raise NotSupportedError(message) from error
        raise
