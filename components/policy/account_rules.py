"""How many of its things a fleet would put into one account, against what the account holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.clouds.accounts import LIMITS, account_of
from components.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.clouds.accounts import AccountLimit
    from components.spec.model import Cell, Fleet


def limits(fleet: Fleet, path: str) -> Iterator[Problem]:
    """Accounts that can never hold the cells which the fleet puts into them."""
    for cells, limit, needed in _exceeded(fleet):
        if limit.fixed:
            room = limit.most // limit.needed(cells=1, maisons=len(fleet.maisons))
            # The first cell that finds no room is the one to move.
            index = [one.name for one in fleet.cells].index(cells[min(room, len(cells) - 1)].name)
            yield Problem(
                code="SPEC-QUOTA",
                path=path,
                where=f"spec.cells[{index}]",
                line=0,
                message=_words(fleet, cells, limit, needed),
                value=str(needed),
                fix=f"put cells into further accounts, at most {room} into each (overrides.gcp.project of a cell)",
            )


def quotas(fleet: Fleet) -> list[str]:
    """What has to be asked for before: accounts whose usual quota is too small. Whether it was raised is not known."""
    return [
        f"{_words(fleet, cells, limit, needed)} Have it raised before, if it was not."
        for cells, limit, needed in _exceeded(fleet)
        if not limit.fixed
    ]


def _words(fleet: Fleet, cells: list[Cell], limit: AccountLimit, needed: int) -> str:
    world, cloud, account = account_of(fleet, cells[0])
    return (
        f"{len(cells)} cells of world {world} share one account of {cloud}{f' ({account})' if account else ''}: they "
        f"need {needed} {limit.what}, and it holds {limit.most} ({limit.source})."
    )


def _exceeded(fleet: Fleet) -> Iterator[tuple[list[Cell], AccountLimit, int]]:
    shared: dict[tuple[str, str, str], list[Cell]] = {}
    for cell in fleet.cells:
        shared.setdefault(account_of(fleet, cell), []).append(cell)
    for cells in shared.values():
        for limit in LIMITS.get(cells[0].cloud, ()):
            needed = limit.needed(cells=len(cells), maisons=len(fleet.maisons))
            if needed > limit.most:
                yield cells, limit, needed
