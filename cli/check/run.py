"""Checks over cells: the fleet's rules first, then each account at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

from cli import cells, errors
from cli.check import cell as checking
from cli.check import model
from cli.check import world as worlds
from cli.check.probe import probe_of
from cli.kube.kubeconfig import plugin_environment
from components.clouds import accounts
from components.clouds.needs import NEEDS
from components.spec.model import Overrides

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.app import App
    from cli.check.cell import Subject
    from cli.check.model import Finding
    from cli.check.probe import Probe
    from cli.fleet import CellView
    from cli.options import Scope
    from components.spec.model import Fleet, ResolvedCell, WorldName

_AT_ONCE = 4


def check(app: App, scope: Scope) -> tuple[list[dict[str, Any]], list[errors.ErrorRow]]:
    """Items and errors of the own world and of its every cell in the scope. Raises SpecError for a fleet that is wrong,
    PolicyError for another world's cell: its account's sign-in is not here and must not be.
    """
    from components.policy import spec_rules

    fleet = spec_rules.load_checked(app.context.fleet)
    names = _own(app, scope)
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        found = list(pool.map(lambda name: of_cell(app, fleet, name), names))
    items: list[dict[str, Any]] = []
    rows: list[errors.ErrorRow] = []
    if names:
        own = app.context.world
        findings = worlds.look(fleet.worlds[cast("WorldName", own)], plugin_environment(app.context.env, {}))
        items += checking.as_items(findings, world=own, cell=None)
        rows += model.rows(findings, world=own, cell=None)
    for name, findings in zip(names, found, strict=True):
        items += checking.as_items(findings, world=app.context.world, cell=name)
        rows += model.rows(findings, world=app.context.world, cell=name)
    return items, rows


def of_cell(app: App, fleet: Fleet, name: str) -> list[Finding]:
    """The findings of one cell."""
    subject, probe = asked(app, fleet, name)
    return checking.look(subject, probe)


def asked(app: App, fleet: Fleet, name: str) -> tuple[Subject, Probe]:
    """A cell, and the probe of its account."""
    resolved = fleet.resolved(name)
    env = plugin_environment(app.context.env, {})
    probe = probe_of(resolved.cell.cloud, region=resolved.cell.region, account=account_of(fleet, resolved), env=env)
    return checking.Subject(fleet=fleet.name, cell=resolved, up=name in cells.known(app.home)), probe


def quotas(app: App, name: str) -> list[Finding]:
    """The quotas of one cell alone: an upgrade takes one machine more in each pool."""
    from components.spec.load import load_fleet

    subject, probe = asked(app, load_fleet(app.context.fleet), name)
    return [finding for finding in checking.growth(subject, probe) if finding.check == checking.QUOTA]


def account_of(fleet: Fleet, cell: ResolvedCell) -> str:
    """The project or subscription of a cell, as the program chooses it; empty where the tool's own is meant."""
    overrides = cell.cell.overrides or Overrides()
    project = accounts.gcp_project(
        overrides.gcp.project if overrides.gcp else "", fleet=fleet.name, world=cell.cell.world
    )
    subscription = overrides.azure.subscription if overrides.azure else ""
    return {"gcp": project, "azure": subscription}.get(cell.cell.cloud, "")


def _own(app: App, scope: Scope) -> Sequence[str]:
    for name in scope.cells:
        own_only(app, app.fleet.cell(name))
    own = app.fleet.cells_of(app.context.world)
    return [cell.name for cell in own if scope.has(world=cell.world, cell=cell.name)]


def own_only(app: App, declared: CellView) -> None:
    """Raise PolicyError for another world's cell: its account's sign-in is not here and must not be."""
    if declared.world != app.context.world:
        message = f"cell {declared.name} lies in world {declared.world}: its account's sign-in is not here."
        fix = f"use a context of {declared.world}"
        raise errors.PolicyError(message, fix=fix, where=declared.name, id="RES-WORLD")


def source_of(subject: Subject) -> str:
    """Whom the facts of a cell come from."""
    return NEEDS[subject.cloud].tool
