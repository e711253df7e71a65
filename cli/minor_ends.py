"""Kubernetes minors whose support has ended: not for a new cell, and told where one is up already.

What runs decides: who runs such a cell must still be able to work on it, and to take it further.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli import errors, upgrades
from components.clouds import kubernetes

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date

    from cli.app import App
    from cli.fleet import CellView
    from cli.stacks import Stack


def refuse(app: App, stacks: Sequence[Stack], filled: Collection[str]) -> list[str]:
    """What to tell of the cells that run such a minor already, or of which it is not known. Raises UsageError, several
    at once, for cells that would be made with one, or taken to one.
    """
    today = app.clock.now().date()
    told: list[str] = []
    refused: list[errors.TwainError] = []
    for stack in stacks:
        cell = app.fleet.cell(stack.cell)
        words = ended(cell, today) if stack.layer == "infra" else None
        if words is None:
            continue
        own = stack.world == app.context.world
        up = own and stack.name in filled
        # What was made halfway has no outputs yet; it may run with this minor, and must be finished or taken down.
        if not own or (up and upgrades.deployed(app, stack) in {cell.kubernetes_minor, ""}):
            told.append(f"{words}: take it further, minor by minor")
        else:
            fix, where = _fix(cell, today), _place(app, cell)
            refused.append(errors.UsageError(f"{words}.", fix=fix, where=where, id="SPEC-MINOR"))
    if refused:
        raise refused[0] if len(refused) == 1 else errors.Several(refused)
    return told


def ended(cell: CellView, today: date) -> str | None:
    """That the support of the cell's minor is over, or None where it is not, or not known to be."""
    entry = kubernetes.CALENDARS[cell.cloud].get(cell.kubernetes_minor)
    if entry is None or not entry.ended(today):
        return None
    return f"cell {cell.name}: {cell.cloud} ended its support of Kubernetes {entry.minor} with {entry.until}"


def _fix(cell: CellView, today: date) -> str:
    rest = [one.minor for one in kubernetes.CALENDARS[cell.cloud].minors if not one.ended(today)]
    return f"use {', '.join(rest)}, in the template or for this cell" if rest else "twain check tells what is offered"


def _place(app: App, cell: CellView) -> str:
    """The line of the file that says it: the cell's own, else the template's."""
    from components.spec.load import lines

    index = [one.name for one in app.fleet.cells].index(cell.name)
    known = lines(app.context.fleet)
    for trail in (f"spec.cells[{index}].template.kubernetes_minor", "spec.template.kubernetes_minor"):
        if trail in known:
            return f"{app.context.fleet}:{known[trail]} ({trail})"
    return str(app.context.fleet)
