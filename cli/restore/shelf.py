"""What a restore test asks of a store, the same on every cloud, through the cloud's own command line."""

from __future__ import annotations

import importlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from cli import errors
from cli.check.probe import tool_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cli.restore.model import Facts, Kind, Point, Scratch

# Cloud → the module with its `database` and `bucket`.
SHELVES = {"alicloud": "cli.restore.alicloud", "gcp": "cli.restore.gcp", "azure": "cli.restore.azure"}
# One look-up answers at once; what copies or deletes may take the tool minutes.
_TIMEOUT_S = 900.0


class Shelf(Protocol):
    """One store of one cell. Every method blocks, and raises SignedOutError or NotAskedError where it learns nothing;
    KeyError, TypeError and ValueError mean an answer of another shape. Only `begin` and `remove` change anything, and
    neither touches the original.
    """

    @property
    def source(self) -> str:
        """What the cloud calls the original."""
        ...

    def original(self) -> Facts:
        """The original as it is now."""
        ...

    def newest(self, at: datetime) -> Point | None:
        """The newest point not after `at` that the original can be put back to; None where there is no backup."""
        ...

    def scratches(self, prefix: str) -> list[Scratch]:
        """Everything whose name begins so: what earlier runs left."""
        ...

    def begin(self, name: str, point: Point) -> str:
        """Start a restore into a new store in the cell's region; returns its id. May be called once for a name."""
        ...

    def look(self, id_: str) -> Scratch | None:
        """A scratch as it is now; None where there is none."""
        ...

    def restored(self, id_: str) -> Facts:
        """A scratch that is ready, in the words of `original`."""
        ...

    def remove(self, id_: str) -> None:
        """Delete a scratch with all that is in it. One that is gone is no error; it may go on after the return."""
        ...

    def by_hand(self, id_: str) -> str:
        """What a person types to delete it."""
        ...


def shelf_of(
    cloud: str, kind: Kind, *, region: str, account: str, env: Mapping[str, str], resources: Sequence[Mapping[str, Any]]
) -> Shelf:
    """A cell's store, found in the resources of its infra stack. Raises NotFoundError where the stack has none."""
    tool = replace(tool_of(cloud, env), timeout_s=_TIMEOUT_S)
    make = getattr(importlib.import_module(SHELVES[cloud]), kind)
    return make(tool, region, account, resources)


def of_type(resources: Sequence[Mapping[str, Any]], type_: str) -> list[Mapping[str, Any]]:
    """The cloud's own resources of a type in a stack. Raises NotFoundError where there is none."""
    found = [one for one in resources if one.get("type") == type_ and one.get("id")]
    if not found:
        message = f"the stack holds no {type_}."
        raise errors.NotFoundError(message, fix="twain stack up --layer infra", id="RST-404")
    return found


def moment(text: str) -> datetime:
    """A time as clouds write it. Raises ValueError."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def stamp(at: datetime) -> str:
    """A time as clouds read it: whole seconds, UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
