"""Whether the engine's plugins are those that the installed SDKs want; told before anything is changed.

A cloud's SDK and its plugin are one release in two parts. Where the engine may not fetch plugins by itself, another
version would stop it in the middle, or be used for what it does not know.
"""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from cli import errors

if TYPE_CHECKING:
    from cli.engine import Engine

_PLUGINS = {"alicloud": "alicloud", "gcp": "gcp", "azure": "azure-native"}
_NO_FETCH = "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"


def check(engine: Engine, *, cloud: str, layer: str) -> None:
    """Raise UsageError with both versions where the plugin of this stack is another one than its SDK's."""
    if engine.env.get(_NO_FETCH, "").lower() not in {"1", "true"}:
        return  # the engine fetches the SDK's own
    plugin = _PLUGINS[cloud] if layer == "infra" else "kubernetes"
    home = Path(engine.env.get("PULUMI_HOME") or Path.home() / ".pulumi")
    problem = skew(plugin, have=installed(home, plugin), want=_wanted(plugin))
    if problem is not None:
        fix = f"install the SDK's own: pulumi plugin install resource {plugin}"
        raise errors.UsageError(problem, fix=fix, id="CFG-PLUGIN")


def installed(home: Path, plugin: str) -> list[str]:
    """The versions of a plugin in the engine's home."""
    named = re.compile(rf"resource-{re.escape(plugin)}-v(\d[^/]*)")
    found = (named.fullmatch(path.name) for path in home.glob("plugins/resource-*") if path.is_dir())
    return sorted(match[1] for match in found if match is not None)


def skew(plugin: str, *, have: list[str], want: str | None) -> str | None:
    """What is wrong, for a person; None where the versions are one."""
    if want is None or want in have:
        return None
    return f"the SDK pulumi-{plugin} is {want}, and the engine's plugin is {', '.join(have) or 'not installed'}."


def _wanted(plugin: str) -> str | None:
    try:
        return metadata.version(f"pulumi-{plugin}")
    except metadata.PackageNotFoundError:
        return None
