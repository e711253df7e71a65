"""Who may see content: prompts, answers and logs of a workload.

Across the border nobody: no route carries content, and there is no break-glass. Inside a world the operators of a
maison see their own; the workload of another maison needs `--break-glass --reason`. Each look is in the audit log and
anchored in the cell that it is taken in before anything is read; each refusal is in the log too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli import anchors, errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.app import App
    from cli.fleet import CellView
    from cli.options import Scope

REASON_LEAST, REASON_MOST = 8, 500


@dataclass(frozen=True, kw_only=True)
class Glass:
    """`--break-glass --reason TEXT`, as it was given."""

    broken: bool = False
    reason: str | None = None

    def checked(self) -> Glass:
        """The same with its reason trimmed. Raises UsageError when one is given without the other, or says nothing."""
        reason = (self.reason or "").strip()
        if self.broken and len(reason) < REASON_LEAST:
            message = "breaking the glass needs a reason that a data-protection officer can read later."
            fix = '--break-glass --reason "INC-4711: customer sees an empty answer"'
            raise errors.UsageError(message, fix=fix, id="CFG-REASON")
        if reason and not self.broken:
            message = "a reason is for breaking the glass, and --break-glass is not given."
            raise errors.UsageError(message, fix="leave --reason out, or add --break-glass", id="CFG-REASON")
        if len(reason) > REASON_MOST:
            message = f"the reason has {len(reason)} characters; {REASON_MOST} are enough to say why."
            raise errors.UsageError(message, fix="name the incident; the rest belongs into its ticket", id="CFG-REASON")
        return Glass(broken=self.broken, reason=reason or None)


def own_cells(app: App, verb: str, scope: Scope, *, name: str) -> tuple[CellView, ...]:
    """The cells of our own world in the scope. Raises PolicyError for a scope that names another world or its cell.

    Decided from the context and the fleet: nothing is asked of anybody.
    """
    world = app.context.world
    foreign = [cell for cell in map(app.fleet.cell, scope.cells) if cell.world != world]
    beyond = scope.world if scope.world not in {"all", world} else foreign[0].world if foreign else None
    if beyond is not None:
        refuse(app, verb, rule="RES-CONTENT", name=name, beyond=beyond)
        message = (
            f"`{verb}` reads content; what lies in world {beyond} is content for operators of {beyond} alone. "
            "There is no break-glass across the border."
        )
        fix = f"ask an operator of {beyond}; the gate gives figures: twain metrics latency --world {beyond}"
        where = foreign[0].name if foreign else beyond
        raise errors.PolicyError(message, fix=fix, where=where, id="RES-CONTENT")
    return tuple(cell for cell in app.fleet.cells_of(world) if scope.has(world=world, cell=cell.name))


async def allow(
    app: App, verb: str, *, cells: Sequence[str], maison: str, name: str, glass: Glass
) -> tuple[list[str], list[errors.ErrorRow]]:
    """Record a look at content; returns the cells that have anchored the record, and the others as errors.

    Raises PolicyError for a workload of a maison that is not the operator's own, without break-glass.
    """
    mine = maison in app.context.maisons
    if not mine and not glass.broken:
        refuse(app, verb, rule="RES-GLASS", name=name, maison=maison)
        own = ", ".join(app.context.maisons) or "none"
        message = f"{name} is of maison {maison}; the maisons of context {app.context.name}: {own}."
        fix = 'ask the maison, or: --break-glass --reason "TEXT"; it is recorded and cannot be taken back'
        raise errors.PolicyError(message, fix=fix, where=f"{maison}/{name}", id="RES-GLASS")
    facts: dict[str, Any] = {"maison": maison, "name": name, "breakGlass": not mine}
    judged = await anchors.record(app, verb, cells=cells, reason=glass.reason, **facts)
    missing = [one for one in judged if one.state != "ok"]
    found = [
        errors.row_of(one.error, cell=one.cell, world=app.context.world) for one in missing if one.error is not None
    ]
    return [one.cell for one in judged if one.state == "ok"], found


def refuse(app: App, verb: str, *, rule: str, **facts: Any) -> None:
    """Put a refusal into the audit log. The next entry's anchor covers it."""
    app.audit.append(verb, context=app.context.name, identity=app.context.identity, refused=rule, **facts)
