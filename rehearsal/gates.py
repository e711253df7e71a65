"""The two ways over the border: gate tokens handed over, and the recorder in front of each gate."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from typing import TYPE_CHECKING

from rehearsal import border, setup
from rehearsal.kube import client as kube
from rehearsal.kube.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from rehearsal.home import Home
    from rehearsal.setup import Rehearsal

_TTL = "8h"
_RENEW_BEFORE_S = 3600.0
_READY_S = 90.0
_DEPLOYMENTS = "/apis/apps/v1/namespaces/twain-system/deployments"


def crossings(rehearsal: Rehearsal) -> list[border.Crossing]:
    """Every direction between two worlds that are up: the callers' world, and the world whose gate they call."""
    worlds = [world for world in rehearsal.worlds if rehearsal.home.workspace(world).is_dir()]
    return [
        border.Crossing(home=rehearsal.home, caller=caller, world=world, cell=rehearsal.gate_cell(world))
        for caller in worlds
        for world in worlds
        if caller != world and rehearsal.home.cell(world, rehearsal.gate_cell(world)).is_dir()
    ]


def token_file(home: Home, crossing: border.Crossing) -> Path:
    """Where the caller keeps its token for the other world's gate."""
    return home.operator(crossing.caller) / "gates" / f"{crossing.world}.token"


def hand_over(home: Home, crossing: border.Crossing) -> bool:
    """Have the called world's operator mint a gate token, and give it to the caller. False when the old one will do.

    What a person does with two laptops: `twain context grant` in one world, the file carried over to the other.
    """
    place = token_file(home, crossing)
    if _seconds_left(place) > _RENEW_BEFORE_S:
        return False
    granted = home.operator(crossing.world) / "granted" / f"{crossing.caller}.token"
    granted.parent.mkdir(mode=0o700, exist_ok=True)
    name = f"{crossing.caller}-operator"
    command = ["context", "grant", "--to", name, "--ttl", _TTL, "--out", str(granted), "-y"]
    setup.twain_checked(home, crossing.world, command)
    place.parent.mkdir(mode=0o700, exist_ok=True)
    granted.replace(place)
    return True


def wait_ready(rehearsal: Rehearsal, world: str) -> None:
    """Return when the gate of a world takes callers. Raises TimeoutError, ApiError, UnreachableError."""
    cell = rehearsal.gate_cell(world)
    access = kube.read_kubeconfig(rehearsal.home.cell(world, cell) / "admin.kubeconfig")

    def ready(found: kube.Object | None) -> bool:
        return bool(found and (found.get("status") or {}).get("readyReplicas"))

    async def wait() -> None:
        async with kube.KubeClient(access) as client:
            await wait_for(client, _DEPLOYMENTS, "gate", ready, seconds=_READY_S)

    asyncio.run(wait())


def entries(rehearsal: Rehearsal, world: str) -> dict[str, dict[str, str]]:
    """The `gates` of a world's context: how its operator reaches each other world."""
    home = rehearsal.home
    return {
        crossing.world: crossing.gate(token_file(home, crossing))
        for crossing in crossings(rehearsal)
        if crossing.caller == world and token_file(home, crossing).exists()
    }


def _seconds_left(place: Path) -> float:
    """How long a token still holds, by its own claim; 0 for none or one that cannot be read."""
    try:
        claims = place.read_text(encoding="utf-8").strip().split(".")[1]
        return float(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"]) - time.time()
    except (OSError, IndexError, ValueError, KeyError):
        return 0.0
