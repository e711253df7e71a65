"""Plans that are judged before an engine starts: what a fleet declares as a whole, seen before the first of it is made.

The guard inside the program refuses resource by resource, so that the network and the key stand when the bucket is
refused. Here the graphs of all stacks are planned from the spec and judged first. Nothing is made, no cloud is called.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli import planned, stack_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from cli.app import App
    from cli.stacks import Stack
    from components.errors import Problem
    from components.policy.decide import Border

Rows = list[dict[str, Any]]
AT_ONCE = 2
_TOGETHER = 2


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a stack's program would register, and what it is judged by."""

    stack: str
    resources: Rows
    border: Border


def problems(plan: Plan) -> list[Problem]:
    """Everything that is wrong about a planned graph. Pure."""
    return [problem for judge in JUDGES for problem in judge(plan)]


def _guarded(plan: Plan) -> Iterable[Problem]:
    """What the guard inside the program would refuse."""
    from components.errors import Problem
    from components.policy.decide import Graph

    for one in Graph(plan.border).judge(plan.resources):
        yield Problem(
            code=one.rule,
            path=f"{plan.stack}: {one.resource}",
            where=one.property,
            line=0,
            message=one.reason,
            value=one.value,
            fix=f"allowed: {one.allowed}",
        )


def _ruled(plan: Plan) -> Iterable[Problem]:
    """What the cloud itself would refuse."""
    return stack_rules.of_rows(plan.resources)


JUDGES: tuple[Callable[[Plan], Iterable[Problem]], ...] = (_guarded, _ruled)
"""Each gets a plan and gives its problems. What would leave its world (RES-…) ends a command with 5, the rest with 2:
the fleet asks for it."""


def check(app: App, stacks: Sequence[Stack], listed: Sequence[Mapping[str, Any]]) -> dict[str, Rows]:
    """The plans of these stacks by name, each without a problem; not of those that were found so before. What of the
    stacks that are up would be replaced is told on the way. `listed` are the own world's stacks as the engine lists
    them.

    Raises ResidencyError or SpecError with the problems of all of them at once; UsageError, ResourceError as
    `planned.plan`.
    """
    from components.errors import ResidencyError, SpecError

    verdicts = stack_rules.Verdicts(app, listed)
    open_ = verdicts.open(stacks)
    plans = _plans(app, open_) if open_ else []
    found = [problem for plan in plans for problem in problems(plan)]
    if any(problem.code.startswith("RES-") for problem in found):
        raise ResidencyError(found)
    if found:
        raise SpecError(found)
    standing = {str(entry["name"]) for entry in listed}
    for stack, plan in zip(open_, plans, strict=True):
        own = stack.world == app.context.world and stack.name in standing
        told = stack_rules.replaced(app, stack.name, plan.resources) if own else []
        for words in told or ():
            app.console.note(words)
        # What would be replaced is told each time.
        if told == []:
            verdicts.keep(stack)
    return {plan.stack: plan.resources for plan in plans}


def _plans(app: App, stacks: Sequence[Stack]) -> list[Plan]:
    from components.policy import exports
    from components.policy.decide import Border
    from components.spec.load import load_fleet

    path = app.context.fleet
    fleet = load_fleet(path)
    entries = exports.of_fleet(path, app.clock.now().date())
    borders = {world: Border.of(fleet, world, exports=entries) for world in fleet.worlds}
    by_cloud: dict[str, list[Stack]] = {}
    for stack in stacks:
        by_cloud.setdefault(fleet.cell(stack.cell).cloud, []).append(stack)
    # A process loads one cloud's SDK, once for several stacks.
    parts = [some[at : at + _TOGETHER] for some in by_cloud.values() for at in range(0, len(some), _TOGETHER)]

    def work(some: Sequence[Stack]) -> Rows:
        return planned.plan([one.name for one in some], fleet=path, env=app.engine.env)

    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        rows = _by_stack(row for some in pool.map(work, parts) for row in some)
    return [Plan(stack=one.name, resources=rows.get(one.name, []), border=borders[one.world]) for one in stacks]


def _by_stack(rows: Iterable[Mapping[str, Any]]) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    for row in rows:
        found.setdefault(str(row["urn"]).split("::", 1)[0].removeprefix("urn:pulumi:"), []).append(dict(row))
    return found
