"""Stacks over cells: which there are, in which order they are worked on, and what each run found."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cli import (
    cells,
    children,
    errors,
    planned,
    stack_files,
    stack_lifts,
    stack_locks,
    stack_plans,
    stack_versions,
    upgrades,
)
from cli.engine import LAYERS, stack_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from cli.app import App
    from cli.engine import Engine
    from cli.fleet import CellView
    from cli.options import Scope

CHANGES = ("create", "update", "replace", "delete", "same")
_DID = {"created": "create", "updated": "update", "replaced": "replace", "deleted": "delete", "unchanged": "same"}
_DONE = re.compile(rf"^\W*(?:\d+ changes\. )?(\d+) ({'|'.join(_DID)})$", re.MULTILINE)


AT_ONCE = 2
"""Engines that run at the same time: one takes up to half a gigabyte and a core."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A stack: of our own world, or of another one, which can be planned and not worked on."""

    name: str
    cell: str
    world: str
    layer: str

    @property
    def head(self) -> dict[str, Any]:
        """The fields that every row about a stack begins with."""
        return {"world": self.world, "cell": self.cell, "layer": self.layer, "stack": self.name}


def chosen(app: App, scope: Scope, layers: Sequence[str]) -> list[Stack]:
    """The stacks of a scope, infra before platform, in the order of the fleet.

    Raises PolicyError when the scope names another world's cell: its state is not here and must not be.
    """
    for name in scope.cells:
        _own(app, app.fleet.cell(name))
    if scope.world not in {"all", app.context.world}:
        message = f"the stacks of world {scope.world} cannot be worked on from context {app.context.name}."
        fix = f"state never crosses the border: use a context of {scope.world}"
        raise errors.PolicyError(message, fix=fix, id="RES-STATE")
    own = [cell for cell in app.fleet.cells_of(app.context.world) if scope.has(world=cell.world, cell=cell.name)]
    return [
        Stack(name=stack_name(app.fleet.name, cell.name, layer), cell=cell.name, world=cell.world, layer=layer)
        for layer in LAYERS
        if layer in layers
        for cell in own
    ]


def everywhere(app: App, layers: Sequence[str]) -> list[Stack]:
    """Every stack of the fleet, infra before platform, in the order of the fleet; for plans only."""
    return [
        Stack(name=stack_name(app.fleet.name, cell.name, layer), cell=cell.name, world=cell.world, layer=layer)
        for layer in LAYERS
        if layer in layers
        for cell in app.fleet.cells
    ]


def parsed(app: App, name: str) -> Stack | None:
    """The stack of this fleet that a name is of, whether or not the fleet still has the cell; None for others."""
    parts = name.split(".")
    if len(parts) != 3 or parts[0] != app.fleet.name or parts[2] not in LAYERS:
        return None
    return Stack(name=name, cell=parts[1], world=app.context.world, layer=parts[2])


def named(app: App, name: str) -> Stack:
    """The stack of this name in our own backend. Raises PolicyError for another world's, NotFoundError for none."""
    found = parsed(app, name)
    inside = {cell.name: cell for cell in app.fleet.cells}
    if found is not None and found.cell in inside:
        _own(app, inside[found.cell])
    if found is None or name not in app.engine.names():
        message = f"there is no stack {name} of fleet {app.fleet.name} in this world's backend."
        raise errors.NotFoundError(message, fix="twain stack list", where=name, id="STK-404")
    return found


def standing(app: App, scope: Scope, layers: Sequence[str]) -> list[Stack]:
    """The stacks of a scope that exist, those of cells that the fleet no longer has too where they are named.

    Raises NotFoundError for a cell that neither the fleet nor the backend knows, PolicyError as `chosen`.
    """
    existing = app.engine.names()
    found = [stack for name in existing if (stack := parsed(app, name)) is not None and stack.layer in layers]
    inside = {cell.name for cell in app.fleet.cells}
    gone = [stack for stack in found if stack.cell in scope.cells and stack.cell not in inside]
    named = tuple(name for name in scope.cells if name not in {stack.cell for stack in gone})
    if scope.cells and not named:
        return sorted(gone, key=lambda stack: LAYERS.index(stack.layer))
    own = chosen(app, replace(scope, cells=named), layers)
    return [*(stack for stack in own if stack.name in existing), *gone]


def previews(
    app: App, stacks: Sequence[Stack], note: Callable[[str], None], *, listed: Sequence[Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], list[errors.ErrorRow]]:
    """A row for each stack in the order given, at most AT_ONCE engines at a time, and what went wrong where. No engine
    starts where a plan is refused; raises as `stack_plans.check`.
    """
    plans = stack_plans.check(app, stacks, listed)
    filled = stack_files.filled(listed)

    def one(stack: Stack) -> dict[str, Any] | errors.ErrorRow:
        note(f"previewing {stack.name}")
        try:
            return preview(app, stack, filled, plans.get(stack.name))
        except errors.TwainError as error:
            return errors.row_of(error, cell=stack.cell, world=stack.world)

    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        found = list(pool.map(one, stacks))
    rows = [row for row in found if isinstance(row, dict)]
    return rows, [row for row in found if isinstance(row, errors.ErrorRow)]


def _own(app: App, cell: CellView) -> None:
    if cell.world != app.context.world:
        message = f"cell {cell.name} lies in world {cell.world}; context {app.context.name} is of {app.context.world}."
        fix = f"state never crosses the border: use a context of {cell.world}"
        raise errors.PolicyError(message, fix=fix, where=cell.name, id="RES-STATE")


def check_spec(app: App) -> list[str]:
    """The rules on the whole fleet, before the engine starts. Gives what is to be seen to and stops nothing: quotas
    that may have been raised. Raises SpecError or ResidencyError with every problem.
    """
    from components.policy import account_rules, spec_rules

    return account_rules.quotas(spec_rules.load_checked(app.context.fleet))


def preview(app: App, stack: Stack, filled: Collection[str], plan: stack_plans.Rows | None) -> dict[str, Any]:
    """What an `up` of a stack would do; `filled` are the stacks that hold anything. A platform stack whose infra is not
    up is planned from the spec: the engine cannot preview what depends on outputs that are not there. So is a stack of
    another world: its state is not here and must not be, so what it would change is not known, only what it declares:
    `plan`, which is made here where it was judged on another day. `cost` is a `Cost`, None where nobody knows what
    would change.
    """
    from cli import stack_costs

    row: dict[str, Any] = {
        **stack.head,
        "source": "engine",
        "changes": dict.fromkeys(CHANGES, 0),
        "moving": None,
        "resources": [],
        "cost": None,
    }
    view = app.fleet.cell(stack.cell)
    if stack.world != app.context.world or _too_early(app, stack, filled):
        if plan is None:
            plan = planned.resources(app.engine, stack.name, fleet=app.context.fleet)
        own = stack.world == app.context.world
        row["cost"] = stack_costs.of_plan(view, plan) if own else None
        row["source"] = "planned from spec"
        row["changes"] = {**row["changes"], "create": len(plan)} if own else dict.fromkeys(CHANGES)
        row["resources"] = [
            {
                "op": "create" if own else "declared",
                "type": one["type"],
                "name": one["urn"].rsplit("::", 1)[-1],
                "properties": [],
            }
            for one in plan
        ]
        return row
    engine = app.engine
    # The engine previews only a stack that exists; an empty one is all that a preview leaves.
    engine.create(stack.name, secrets_provider=secrets_provider(app))
    document = engine.preview(stack.name, fleet=app.context.fleet)
    for name, count in (document.get("changeSummary") or {}).items():
        key = "replace" if "replace" in name else name
        if key in row["changes"]:
            row["changes"][key] += int(count)
    row["resources"] = [
        {
            "op": step["op"],
            "type": _type(step["urn"]),
            "name": step["urn"].rsplit("::", 1)[-1],
            "properties": _properties(step),
        }
        for step in document.get("steps") or ()
        if step.get("op") not in {"same", "read"}
    ]
    row["cost"] = stack_costs.of_steps(view, document.get("steps") or ())
    row["moving"] = stack_locks.moving(engine, stack.name)
    return row


def _too_early(app: App, stack: Stack, filled: Collection[str]) -> bool:
    """Whether a platform was never up and reads the outputs of an infra that has none yet: its own cell's, and those of
    its sisters in the cell that holds the gate. An infra that failed halfway has resources and no outputs.
    """
    if stack.layer != "platform" or stack.name in filled:
        return False
    gate = app.fleet.worlds[stack.world].gate_cell == stack.cell
    reads = [one.name for one in app.fleet.cells_of(stack.world) if gate or one.name == stack.cell]
    infra = [stack_name(app.fleet.name, cell, "infra") for cell in reads]
    return not all(name in filled for name in infra) or not all(map(app.engine.outputs, infra))


def _properties(step: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What would change on a resource that is there: each property with its value before and after. The engine has
    masked secrets.
    """
    from cli.stack_drift import changed_inputs

    old, new = (step.get("oldState") or {}).get("inputs"), (step.get("newState") or {}).get("inputs")
    if old is None or new is None:
        return []
    return [{"property": path, "from": left, "to": right} for path, left, right in changed_inputs(old, new)]


def _type(urn: str) -> str:
    return urn.split("::")[2].rsplit("$", 1)[-1]


def secrets_provider(app: App) -> str:
    """How the state of our world is encrypted."""
    return app.fleet.worlds[app.context.world].secrets_provider


def waves(stacks: Sequence[Stack], canary: str | None, *, backwards: bool = False) -> list[list[Stack]]:
    """Per layer the canary cell alone, then all others at once; platform after infra, or before it when backwards. A
    canary is one of the cells: who names another is refused before.
    """
    result: list[list[Stack]] = []
    for layer in reversed(LAYERS) if backwards else LAYERS:
        members = [stack for stack in stacks if stack.layer == layer]
        first = [stack for stack in members if stack.cell == (canary or (members[0].cell if members else None))]
        rest = [stack for stack in members if stack not in first]
        result.extend(wave for wave in (first, rest) if wave)
    return result


def run_waves(
    stacks: Sequence[Stack],
    work: Callable[[Stack], dict[str, Any]],
    *,
    canary: str | None,
    note: Callable[[str], None],
    backwards: bool = False,
) -> tuple[list[dict[str, Any]], list[errors.ErrorRow]]:
    """Work on stacks wave by wave. All of a wave are worked on to their end; after one that failed no wave is begun."""
    rows: list[dict[str, Any]] = []
    found: list[errors.ErrorRow] = []
    failed = threading.Event()
    guard = threading.Lock()

    def one(stack: Stack) -> None:
        try:
            row = work(stack)
        except errors.TwainError as error:
            with guard:
                failed.set()
                found.append(errors.row_of(error, cell=stack.cell, world=stack.world))
                rows.append(_row(stack, "failed"))
            return
        with guard:
            rows.append(row)

    for number, wave in enumerate(waves(stacks, canary, backwards=backwards)):
        if failed.is_set():
            rows.extend(_row(stack, "skipped") for stack in wave)
            continue
        note(f"wave {number + 1}: {', '.join(stack.name for stack in wave)}")
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            try:
                list(pool.map(one, wave))
            except KeyboardInterrupt:
                children.drain(pool)
                raise
    return rows, found


def _row(stack: Stack, state: str, changes: dict[str, int] | None = None) -> dict[str, Any]:
    return {**stack.head, "state": state, "changes": changes or dict.fromkeys(CHANGES)}


def up(app: App, stack: Stack, note: Callable[[str], None], *, refresh: bool = False) -> dict[str, Any]:
    """Bring one stack up and, for infra, remember the cell's facts. With `refresh`, put back what drifted.

    Raises ResourceError where that would make a store anew that is gone: an empty one is no repair.
    """
    engine = app.engine
    stack_versions.check(engine, cloud=app.fleet.cell(stack.cell).cloud, layer=stack.layer)
    engine.ensure(stack.name, fleet=app.context.fleet, secrets_provider=secrets_provider(app))
    if refresh:
        _refuse_empty_stores(app, stack)
    result = engine.up(stack.name, on_line=_teller(stack, note), refresh=refresh)
    if stack.layer == "infra":
        remember(app, engine, stack)
        upgrades.done(app, stack.cell)
        # What the fleet protects is protected again.
        stack_lifts.close(app.home, stack.cell)
        stack_lifts.remember(app.home, stack.cell, app.context.fleet)
    return _row(stack, "up", counted(result.out))


def _teller(stack: Stack, note: Callable[[str], None]) -> Callable[[str], None]:
    return lambda line: note(f"{stack.name}: {line}") if line.strip() else None


def counted(text: str) -> dict[str, int]:
    """What a run of the engine did, by its own last words."""
    found: dict[str, int] = dict.fromkeys(CHANGES, 0)
    for count, what in _DONE.findall(text):
        found[_DID[what]] += int(count)
    return found


def _refuse_empty_stores(app: App, stack: Stack) -> None:
    from cli import stack_drift

    gone = stack_drift.gone_stores(app, stack)
    if gone:
        message = f"{stack.name}: these hold data and are gone: {', '.join(gone)}. Nothing was put back."
        fix = "restore each from its backup under its name; without --refresh nothing is made anew"
        raise errors.ResourceError(message, fix=fix, where=stack.cell, id="STK-GONE")


def destroy(app: App, stack: Stack, note: Callable[[str], None]) -> dict[str, Any]:
    """Destroy one stack's resources and, for infra, forget the cell's facts."""
    result = app.engine.destroy(
        stack.name, on_line=lambda line: note(f"{stack.name}: {line}") if line.strip() else None
    )
    if stack.layer == "infra":
        cells.forget(app.home, stack.cell)
        stack_lifts.close(app.home, stack.cell)
    return _row(stack, "destroyed", counted(result.out))


def remember(app: App, engine: Engine, stack: Stack) -> dict[str, Any]:
    """Read an infra stack's outputs and keep what read verbs need of them. Returns the outputs."""
    from pathlib import Path

    from components.spec.lock import lock_dir

    outputs = engine.outputs(stack.name)
    if outputs:
        declared = engine.env.get("TWAIN_LOCK_DIR")
        place = Path(declared) if declared else lock_dir(app.context.fleet)
        cells.write(app.home, cells.from_json(cells.cell_facts(outputs, lock_dir=place)))
    return outputs
