"""Gathers what a report tells: the deployed stacks of the own world, their hashes, and what the rules say of them."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

from cli import errors
from cli.evidence.report import Deploy, Facts, plan_hash

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from cli.app import App
    from cli.reading import Scope
    from cli.stacks import Stack
    from components.spec.model import WorldName

AT_ONCE = 4
# Filled by other parts of the product when they exist.
FURTHER: dict[str, None] = {"ledger digests": None, "probe results": None}


def facts(app: App, scope: Scope, *, waivers: str | None) -> Facts:
    """Everything of the own world's stacks in the scope. Raises PolicyError for a scope of another world, SpecError for
    waiver files that are wrong."""
    from cli import exports as exporting
    from cli import stacks
    from cli.engine import LAYERS
    from cli.version import __version__
    from components.parity import waivers as filed

    began = app.clock.now()
    chosen = stacks.chosen(app, scope, LAYERS)
    declared = [one.waiver.model_dump() for one in filed.load([waivers])] if waivers is not None else None
    entries = exporting.listed(app, fleet=None, places=())
    existing = set(app.engine.names())
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        deploys = list(pool.map(lambda stack: _deploy(app, stack, existing), chosen))
    chain = app.audit.read()
    return Facts(
        world=app.context.world,
        context=app.context.name,
        identity=app.context.identity,
        fleet=app.fleet.name,
        fleet_hash=_hash(app.context.fleet),
        version=__version__,
        began=began,
        ended=_after(began, app.clock.now()),
        deploys=deploys,
        waivers=declared,
        audit={
            "entries": len(chain.entries),
            "head": chain.head,
            "firstBadLine": chain.bad,
        },
        exports=(entries.items, entries.thresholds),
        further=FURTHER,
    )


def _after(began: datetime, now: datetime) -> datetime:
    """A wall clock can be set back meanwhile; a report ends after it began."""
    return max(began, now)


def _hash(path: Path) -> str:
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def _deploy(app: App, stack: Stack, existing: set[str]) -> Deploy:
    place: dict[str, Any] = {"stack": stack.name, "cell": stack.cell, "layer": stack.layer}
    if stack.name not in existing:
        return Deploy(**place, source="not up", why=f"the stack is not up: twain stack up --cell {stack.cell}")
    try:
        deployment = app.engine.export(stack.name).get("deployment") or {}
    except errors.TwainError as error:
        return Deploy(**place, source="unknown", why=error.message)
    if not deployment.get("resources"):
        return Deploy(**place, source="empty", why="the stack holds nothing")
    return _judged(app, place, stack, deployment)


def _judged(app: App, place: dict[str, Any], stack: Stack, deployment: dict[str, Any]) -> Deploy:
    from components.policy import exports, graph_rules
    from components.policy.decide import Border, Graph
    from components.policy.documents import Document
    from components.policy.model import is_judged
    from components.spec.load import load_fleet

    resources = deployment["resources"]
    document = Document(form="state", resources=resources, secrets=deployment.get("secrets_providers") or {})
    entries = exports.of_fleet(app.context.fleet, app.clock.now().date())
    border = Border.of(load_fleet(app.context.fleet), cast("WorldName", stack.world), exports=entries)
    graph = Graph(border)
    found = [*graph_rules.judge(document, world=stack.world), *graph.judge(resources)]
    kinds = [str(one.get("type")) for one in resources]
    return Deploy(
        **place,
        source="state",
        plan_hash=plan_hash(resources),
        resources=len(resources),
        judged=graph.judged,
        objects=sum(is_judged(kind) and kind.startswith("kubernetes:") for kind in kinds),
        violations=tuple(
            {"rule": one.rule, "resource": one.resource, "property": one.property, "value": one.value} for one in found
        ),
    )
