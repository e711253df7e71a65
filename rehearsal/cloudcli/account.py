"""The emulated account behind a tool: one world's store, and what somebody has declared about the account.

The world's meta value `account.CLOUD` is a JSON object for tests and demonstrations: `signed_out` (true), `off`
(services that are not switched on), `limits` (quota name to number), `barred` (machine types that cannot be ordered
today), `barred_zones` (machine type to zones where it cannot), `networks` (name to ranges of networks that are
nobody's).
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rehearsal.providers.store import DATABASE, Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.providers.facts import Machine
    from rehearsal.providers.store import Resource

WORLD_VARIABLE = "TWAIN_REHEARSAL_WORLD"
# What an account may have where nobody has declared a limit.
PLENTY = 100_000


class RefusedError(Exception):
    """The tool ends with 1 and these words, as the cloud's own would."""


@dataclass(frozen=True)
class Account:
    """One cloud's account in one world."""

    store: Store
    cloud: str
    declared: Mapping[str, Any]

    @classmethod
    def open(cls, cloud: str) -> Account:
        """The account of the world whose operator is asking. Raises RefusedError outside a rehearsal."""
        world = os.environ.get(WORLD_VARIABLE, "")
        if not world or not (Path(world) / DATABASE).is_file():
            message = f"this is a rehearsal's stand-in and {WORLD_VARIABLE} names no world"
            raise RefusedError(message)
        store = Store.open(Path(world))
        return cls(store, cloud, json.loads(store.meta(f"account.{cloud}") or "{}"))

    def limit(self, name: str) -> int:
        """A limit, as declared or plenty."""
        return int(self.declared.get("limits", {}).get(name, PLENTY))

    def off(self, service: str) -> bool:
        """Whether somebody has declared a service to be off."""
        return service in self.declared.get("off", ())

    def barred(self, machine: str) -> bool:
        """Whether a machine type cannot be ordered today."""
        return machine in self.declared.get("barred", ())

    def barred_in(self, machine: str) -> list[str]:
        """The zones in which a machine type that can be ordered elsewhere cannot."""
        return list(self.declared.get("barred_zones", {}).get(machine, ()))

    def strangers(self) -> dict[str, list[str]]:
        """Networks that are nobody's of ours."""
        return dict(self.declared.get("networks", {}))

    def live(self, type_: str, *, region: str = "") -> list[Resource]:
        """Live resources of a type."""
        rows = self.store.list_resources(type=type_, cloud=self.cloud)
        return [row for row in rows if not region or row.region == region]

    def in_use(self, machines: Mapping[str, Machine], *, region: str) -> dict[str, int]:
        """How many machines of each type run in a region: the nodes of the cells there."""
        cells = {one.cell for one in self.store.clusters() if one.cloud == self.cloud and one.region == region}
        counts: dict[str, int] = {}
        for node in self.store.nodes():
            if node.cell in cells and node.instance_type in machines:
                counts[node.instance_type] = counts.get(node.instance_type, 0) + 1
        return counts
