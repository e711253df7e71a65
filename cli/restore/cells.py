"""The stores of the own world's cells, each on its bench."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cli import errors, stacks
from cli.check.run import account_of, own_only
from cli.engine import stack_name
from cli.kube.kubeconfig import plugin_environment
from cli.restore.run import Bench
from cli.restore.shelf import shelf_of
from components.clouds import naming
from components.spec.load import load_fleet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.app import App
    from cli.restore.model import Kind

# A stamp of twelve digits follows, and 63 is the shortest limit that any of the clouds has.
_LIMIT = 50


def prefix(fleet: str, cell: str, kind: Kind) -> str:
    """What the name of every scratch of a store begins with, and nothing else's."""
    return f"{naming.worldwide(fleet, cell, f'restore-{kind}', limit=_LIMIT)}-"


def benches(app: App, cells: Sequence[str], kinds: Sequence[Kind]) -> list[Bench]:
    """A bench for each store. Raises all that is wrong at once: PolicyError for another world's cell, NotFoundError
    for a cell that is not up or has no such store.
    """
    fleet = load_fleet(app.context.fleet)
    found: list[Bench] = []
    wrong: list[errors.TwainError] = []
    for name in dict.fromkeys(cells):
        try:
            own_only(app, app.fleet.cell(name))
            stack = stacks.named(app, stack_name(app.fleet.name, name, "infra"))
        except errors.TwainError as error:
            wrong.append(error)
            continue
        resolved = fleet.resolved(name)
        resources = (app.engine.export(stack.name).get("deployment") or {}).get("resources") or ()
        for kind in kinds:
            try:
                shelf = shelf_of(
                    resolved.cell.cloud,
                    kind,
                    region=resolved.cell.region,
                    account=account_of(fleet, resolved),
                    env=plugin_environment(app.context.env, {}),
                    resources=resources,
                )
            except errors.TwainError as error:
                wrong.append(errors.NotFoundError(f"{name}: {error.message}", fix=error.fix, where=name, id=error.id))
                continue
            found.append(
                Bench(
                    world=app.context.world,
                    cell=name,
                    kind=kind,
                    region=resolved.cell.region,
                    prefix=prefix(app.fleet.name, name, kind),
                    shelf=shelf,
                    clock=app.clock,
                    sleep=time.sleep,
                    note=app.console.note,
                )
            )
    if wrong:
        raise wrong[0] if len(wrong) == 1 else errors.Several(wrong)
    return found
