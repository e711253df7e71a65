"""What `twain residency` does: files of anybody, or the stacks of the fleet, against the rules."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from cli import errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cli.app import App
    from cli.reading import Scope
    from cli.stacks import Stack
    from components.policy.decide import Border
    from components.policy.documents import Document
    from components.policy.model import Permit, Violation
    from components.spec.model import WorldName

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What was judged: one row per violation, one per source, and what could not be judged."""

    rows: list[Row] = field(default_factory=list[Row])
    sources: list[Row] = field(default_factory=list[Row])
    errors: list[errors.ErrorRow] = field(default_factory=list[errors.ErrorRow])
    graphs: list[tuple[Row, Border, list[dict[str, Any]]]] = field(default_factory=list[Any])


def of_files(paths: Sequence[str], border: Border) -> Judged:
    """Files of anybody. A file that cannot be judged takes nothing from what the others show; when none can be, raises
    SpecError with what is wrong with all of them.
    """
    from cli.failures import translate
    from components.errors import Problem, SpecError
    from components.policy import documents

    found, problems = Judged(), list[Problem]()
    for path in paths:
        try:
            raw = sys.stdin.buffer.read(documents.MAX_BYTES + 1) if path == "-" else None
            document = documents.read(path, raw=raw)
        except SpecError as error:
            problems.extend(error.problems)
            continue
        _judge(found, path, document, border, form=document.form)
    if problems and not found.sources:
        raise SpecError(problems)
    told = [translate(SpecError([one])) for one in problems]
    found.errors.extend(errors.row_of(one) for one in told if one is not None)
    return found


def of_fleet(app: App, scope: Scope, *, security: bool) -> Judged:
    """The stacks of the fleet: those of the own world that are up by their state, every other planned from the spec. A
    stack of another world is planned too: its state is not here and must not be.
    """
    from cli import stacks
    from cli.engine import LAYERS
    from components.policy import exports
    from components.policy.decide import Border
    from components.spec.load import load_fleet

    stacks.check_spec(app)
    fleet = load_fleet(app.context.fleet)
    entries = exports.of_fleet(app.context.fleet, app.clock.now().date())
    existing = app.engine.names()
    found = Judged()
    for stack in stacks.everywhere(app, LAYERS):
        if not scope.has(world=stack.world, cell=stack.cell):
            continue
        app.console.note(f"judging {stack.name}")
        try:
            document, form = _document(app, stack, existing)
        except errors.TwainError as error:
            found.errors.append(errors.row_of(error, cell=stack.cell, world=stack.world))
            continue
        border = Border.of(fleet, cast("WorldName", stack.world), security=security, exports=entries)
        _judge(found, stack.name, document, border, form=form)
    return found


def _document(app: App, stack: Stack, existing: Sequence[str]) -> tuple[Document, str]:
    from cli import planned
    from components.policy.documents import Document

    if stack.world == app.context.world and stack.name in existing:
        deployment = app.engine.export(stack.name).get("deployment") or {}
        if deployment.get("resources"):
            resources, secrets = deployment["resources"], deployment.get("secrets_providers") or {}
            return Document(form="state", resources=resources, secrets=secrets), "state"
    rows = planned.resources(app.engine, stack.name, fleet=app.context.fleet)
    return Document(form="plan", resources=rows), "planned from spec"


def _judge(found: Judged, source: str, document: Document, border: Border, *, form: str) -> None:
    from components.policy import graph_rules
    from components.policy.decide import Graph

    graph = Graph(border)
    violations = [*graph_rules.judge(document, world=border.world), *graph.judge(document.resources)]
    row: Row = {
        "source": source,
        "world": border.world,
        "form": form,
        "resources": len(document.resources),
        "judged": graph.judged,
        "violations": len(violations),
    }
    found.sources.append(row)
    found.graphs.append((row, border, document.resources))
    found.rows.extend(_row(source, border, violation) for violation in violations)


def _row(source: str, border: Border, violation: Violation) -> Row:
    from components.policy.catalogue import RULES

    rule = RULES[violation.rule]
    return {
        "rule": violation.rule,
        "threats": list(rule.threats),
        "source": source,
        "world": border.world,
        "resource": violation.resource,
        "property": violation.property,
        "value": violation.value,
        "allowed": violation.allowed,
        "reason": violation.reason,
        "fix": rule.fix,
    }


def border(
    world: WorldName,
    *,
    fleet: str | None,
    regions: Sequence[str],
    hosts: Sequence[str],
    security: bool,
    exports: Mapping[str, Permit] | None = None,
) -> Border:
    """What files are judged by: a world's part of a fleet file, or all that the tables know of the world, and export
    entries. Raises SpecError, UsageError.
    """
    from dataclasses import replace

    from components.clouds.regions import WORLD_OF
    from components.policy.decide import Border
    from components.policy.spec_rules import load_checked

    known = {name for names in WORLD_OF.values() for name, of in names.items() if of == world}
    strange = [region for region in regions if region not in known]
    if strange:
        message = f"world {world} has no region {', '.join(strange)}; cn-hongkong is not mainland China."
        raise errors.PolicyError(message, fix=f"use some of {', '.join(sorted(known))}", id="RES-001")
    if fleet is None:
        anywhere = Border.anywhere(world, regions=regions, own=hosts, security=security)
        return replace(anywhere, exports=exports or {})
    loaded = load_checked(fleet)
    if world not in loaded.worlds:
        message = f"the fleet {fleet} has no world {world}; it has {', '.join(loaded.worlds)}."
        raise errors.UsageError(message, fix="name one of them with --world", id="CFG-WORLD")
    own = Border.of(loaded, world, security=security, exports=exports)
    chosen = own.allowed & frozenset(regions) if regions else own.allowed
    return replace(own, allowed=chosen, hosts=own.hosts | frozenset(hosts))


def destinations(found: Judged) -> list[Row]:
    """Every host that what was judged names, with where it lies; one row per source and host."""
    from components.policy import egress

    rows: list[Row] = []
    for source, border, resources in found.graphs:
        rows.extend({"source": source["source"], "world": border.world, **row} for row in egress.of(resources, border))
    return rows
