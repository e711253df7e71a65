"""Seeded traffic into the cells' gateways: a light one that always flows, and a load for a while."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components.platform import names
from components.spec.load import load_workload
from rehearsal import background
from rehearsal import home as homes
from rehearsal.kube import cellfile
from rehearsal.programs import load
from rehearsal.programs.load_plan import Plan, Target

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from components.spec.model import Workload
    from rehearsal.home import Home


@dataclass(frozen=True, kw_only=True)
class Place:
    """One cell's gateway and what may be sent there."""

    home: Home
    world: str
    cell: str

    @property
    def folder(self) -> Path:
        """The cell's folder."""
        return self.home.cell(self.world, self.cell)

    @property
    def pause_file(self) -> Path:
        """While it names a living process, light traffic rests."""
        return self.folder / "light.pause"

    def url(self) -> str:
        """The gateway's URL. Raises LookupError for a cell that is not up."""
        facts = cellfile.read(self.home.world(self.world), self.cell)
        if facts is None:
            message = f"cell {self.cell} is not up"
            raise LookupError(message)
        address = cellfile.Addresses(self.home.block, facts.index).gateway(0)
        return f"https://{address}:{names.GATEWAY_PORT}"

    def key(self, name: str) -> str:
        """One of the gateway's bearer keys."""
        keys: dict[str, str] = json.loads((self.folder / "secrets" / "keys.json").read_text(encoding="utf-8"))
        return keys[name]

    @property
    def ca_file(self) -> Path:
        """Who signed the gateway's certificate."""
        return self.folder / "secrets" / "ca.crt"


def target(workload: Workload) -> Target:
    """The workload as a target of load."""
    return Target(maison=workload.maison, workload=workload.name, model=workload.model.served_name)


def start_light(place: Place, workload: Workload) -> bool:
    """Start the cell's light traffic, detached; False when it flows already."""
    aim = target(workload)
    command = [sys.executable, "-m", "rehearsal.programs.load", "--profile", "light", "--name", "light"]
    command += ["--url", place.url(), "--ca", str(place.ca_file), "--pause-file", str(place.pause_file)]
    command += ["--target", f"{aim.maison}/{aim.workload}={aim.model}", "--out", str(place.folder / "load")]
    # The key goes by the environment: an argument would show in the process list.
    env = place.home.world_env(place.world)
    env |= {"PYTHONPATH": str(homes.checkout()), "TWAIN_GATEWAY_KEY": place.key("light")}
    return background.start_once(place.folder / "light.lock", command, env=env, log=place.folder / "light.log")


@contextlib.contextmanager
def light_paused(places: Sequence[Place]) -> Generator[None]:
    """Hold the light traffic of these cells for the time of the block, or until this process dies."""
    for place in places:
        place.pause_file.write_text(f"{os.getpid()}\n", encoding="utf-8")
    try:
        yield
    finally:
        for place in places:
            place.pause_file.unlink(missing_ok=True)


def send_to(places: Sequence[Place], workload_file: Path, **plan: Any) -> dict[str, dict[str, Any]]:
    """`send` for a workload file. Raises SpecError too."""
    return send(places, load_workload(workload_file), **plan)


def send(
    places: Sequence[Place],
    workload: Workload,
    *,
    rate: float,
    duration: float,
    seed: int = 1,
    tokens: tuple[int, int] = (8, 32),
    streamed: float = 1 / 3,
    name: str = "load",
) -> dict[str, dict[str, Any]]:
    """Send a load to every cell at once and return each generator's summary by cell. Light traffic rests meanwhile.

    `rate` in requests/s per cell, `duration` in s. Raises ValueError for a plan that cannot be.
    """
    plans = {
        place.cell: Plan(
            targets=(target(workload),),
            rate=rate,
            duration=duration,
            requests=int(rate * duration * 1.5) + 10,
            # Cells differ in their requests, not in their law.
            seed=seed + number,
            tokens=tokens,
            streamed=streamed,
        )
        for number, place in enumerate(places)
    }

    async def everywhere() -> dict[str, dict[str, Any]]:
        async def one(place: Place) -> dict[str, Any]:
            endpoint = load.Endpoint(url=place.url(), key=place.key("load"), ca_file=place.ca_file)
            tally = await load.Generator(plans[place.cell], endpoint).run()
            return await asyncio.to_thread(load.store, place.folder / "load", tally, name=name)

        found = await asyncio.gather(*(one(place) for place in places))
        return {place.cell: summary for place, summary in zip(places, found, strict=True)}

    with light_paused(places):
        return asyncio.run(everywhere())
