"""Which cells a command means, how each is reached, and what is said when it is not. Light: `status` starts with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli import errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.app import App
    from cli.context import GateAccess
    from cli.fleet import CellView
    from cli.options import Scope


@dataclass(frozen=True, kw_only=True)
class Where:
    """The cells of a scope: our own, and the others by world."""

    own: tuple[CellView, ...]
    others: dict[str, tuple[CellView, ...]]


def where(app: App, scope: Scope, worlds: Sequence[str] | None = None) -> Where:
    """The cells that a scope means. Raises NotFoundError for a cell that the fleet does not have."""
    for name in scope.cells:
        app.fleet.cell(name)
    chosen = [
        cell
        for cell in app.fleet.cells
        if scope.has(world=cell.world, cell=cell.name) and (worlds is None or cell.world in worlds)
    ]
    own = tuple(cell for cell in chosen if cell.world == app.context.world)
    others: dict[str, tuple[CellView, ...]] = {}
    for cell in chosen:
        if cell.world != app.context.world:
            others[cell.world] = (*others.get(cell.world, ()), cell)
    return Where(own=own, others=others)


def gate_of(app: App, world: str) -> GateAccess:
    """The gate of another world. Raises AuthError where this context was given none."""
    gate = app.context.gates.get(world)
    if gate is None:
        message = f"context {app.context.name} has no gate token for world {world}."
        fix = f"ask an operator of {world} for: twain context grant --to NAME --ttl 1h"
        raise errors.AuthError(message, fix=fix, id="AUTH-GATE")
    return gate


def unreachable(error: errors.TwainError, *, cell: str | None, world: str) -> errors.ErrorRow:
    """The envelope row of a cell or world that could not be asked. A timeout is one of those ways (13)."""
    return errors.row_of(as_unreachable(error), cell=cell, world=world)


def as_unreachable(error: errors.TwainError) -> errors.TwainError:
    """A timeout, and a cell that is not up, are ways to be unreachable (13); any other error is what it is."""
    if isinstance(error, errors.DeadlineError | errors.NotFoundError):
        return errors.PartialError(error.message, fix=error.fix, where=error.where, id=error.id)
    return error
