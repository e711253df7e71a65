"""What was changed behind our back: the state against the clouds, out of the engine's refresh-preview.

Nothing is written. What exists in the cloud and was never declared is in no state, so no drift either.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from cli import errors, stack_locks
from cli.stacks import AT_ONCE, named, parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cli.app import App
    from cli.stacks import Stack

GONE, CHANGED = "gone", "changed"
_WHOLE = "(the resource)"


def differences(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row for each property that the cloud has otherwise than the state, and for each resource that is gone."""
    rows: list[dict[str, Any]] = []
    for step in document.get("steps") or ():
        old, new = step.get("oldState") or {}, step.get("newState") or {}
        if not old.get("custom"):
            continue
        head = {"type": old["type"], "resource": step["urn"].rsplit("::", 1)[-1]}
        if step.get("op") == "delete" or not new.get("id"):
            rows.append({**head, "property": _WHOLE, "state": GONE, "expected": old.get("id"), "found": None})
            continue
        changed = {
            path: (expected, found) for path, expected, found in changed_inputs(old.get("inputs"), new.get("inputs"))
        }
        # What the engine was told not to show is masked on both sides: it says only that it differs.
        for path in step.get("detailedDiff") or ():
            if not any(path == known or known.startswith((f"{path}.", f"{path}[")) for known in changed):
                changed[path] = (_at(old, path), _at(new, path))
        rows.extend(
            {**head, "property": path, "state": CHANGED, "expected": expected, "found": found}
            for path, (expected, found) in sorted(changed.items())
        )
    return sorted(rows, key=lambda row: (row["state"] != GONE, row["type"], row["resource"], row["property"]))


def changed_inputs(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Each place where two values differ: its path, and what stands there; None for what does not."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from changed_inputs(old.get(key), new.get(key), f"{path}.{key}" if path else key)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (left, right) in enumerate(zip(old, new, strict=True)):
            yield from changed_inputs(left, right, f"{path}[{index}]")
    elif old != new:
        yield path, old, new


def _at(state: Mapping[str, Any], path: str) -> Any:
    """The value at a path of the inputs, else of the outputs; None where it leads nowhere."""
    for side in ("inputs", "outputs"):
        found: Any = state.get(side)
        for part in path.replace("[", ".").replace("]", "").split("."):
            if isinstance(found, list) and part.isdigit() and int(part) < len(found):
                found = found[int(part)]
            else:
                found = found.get(part) if isinstance(found, dict) else None
        if found is not None:
            return found
    return None


def chosen(app: App, names: Sequence[str]) -> list[Stack]:
    """The stacks that are up: all of this fleet, or those named. Raises PolicyError, NotFoundError for a name."""
    if names:
        return [named(app, name) for name in dict.fromkeys(names)]
    up = [entry["name"] for entry in app.engine.stacks() if entry.get("resourceCount")]
    return [stack for name in up if (stack := parsed(app, name)) is not None]


def gone_stores(app: App, stack: Stack) -> list[str]:
    """What holds data and is no longer there, by name: bringing the stack up again would make it anew, and empty."""
    from components.policy.stores import is_store

    rows = differences(app.engine.refresh_preview(stack.name))
    return [f"{row['resource']} ({row['expected']})" for row in rows if row["state"] == GONE and is_store(row["type"])]


def look(
    app: App, stacks: Sequence[Stack], note: Callable[[str], None]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[errors.ErrorRow]]:
    """The differences of all stacks, what was looked at, and what could not be: such a stack's drift is unknown."""

    def one(stack: Stack) -> tuple[Stack, dict[str, Any] | errors.TwainError]:
        note(f"comparing {stack.name} with its cloud")
        try:
            return stack, app.engine.refresh_preview(stack.name)
        except errors.TwainError as error:
            return stack, error

    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        found = list(pool.map(one, stacks))
    rows: list[dict[str, Any]] = []
    looked: list[dict[str, Any]] = []
    failed: list[errors.ErrorRow] = []
    for stack, result in found:
        seen: dict[str, Any] = {"stack": stack.name, "resources": None, "differences": None}
        seen["moving"] = stack_locks.moving(app.engine, stack.name)
        if isinstance(result, errors.TwainError):
            failed.append(errors.row_of(result, cell=stack.cell, world=stack.world))
            looked.append({**seen, "state": "unknown"})
            continue
        own = differences(result)
        custom = [step for step in result.get("steps") or () if (step.get("oldState") or {}).get("custom")]
        rows.extend({**stack.head, **row} for row in own)
        state = "drifted" if own else "clean"
        looked.append({**seen, "resources": len(custom), "differences": len(own), "state": state})
    return rows, looked, failed
