"""What pods use of their agent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import aiohttp

    from rehearsal.agent.runtime import Children, Simulators
    from rehearsal.agent.site import Site
    from rehearsal.kube.client import Object


@dataclass(frozen=True, kw_only=True)
class Services:
    """What pods use of their agent. `config_changed` gives an event that is set at the next change of a ConfigMap or
    Secret in a namespace.
    """

    site: Site
    children: Children
    simulators: Simulators
    session: aiohttp.ClientSession
    config_maps: Mapping[tuple[str, str], Object]
    secrets: Mapping[tuple[str, str], Object]
    config_changed: Callable[[str], asyncio.Event]
    tool: Callable[[str], Path]
