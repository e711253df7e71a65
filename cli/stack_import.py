"""Taking what exists already into a stack: the program declares it, the state gets its id, nothing is made twice.

The resource is read at its cloud by the engine. What the program has otherwise is changed by the next `stack up`; where
that would replace the resource, the import is taken back: what holds data is never replaced to fit a file.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli import errors, files, stacks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cli.app import App
    from cli.stacks import Stack


def declared(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The plan's steps of resources that a cloud can hold."""
    return [
        step
        for step in document.get("steps") or ()
        if (step.get("newState") or {}).get("custom") and not step["newState"]["type"].startswith("pulumi:")
    ]


def find(
    steps: Sequence[Mapping[str, Any]],
    name: str,
    type_: str | None,
    stack: str,
    *,
    held: Sequence[Mapping[str, Any]] = (),
) -> Mapping[str, Any]:
    """The one step of this logical name, and type where two share it. Raises NotFoundError, UsageError with names."""
    from components.policy.stores import is_store

    fits = [step for step in steps if _name(step) == name and type_ in (None, step["newState"]["type"])]
    if not fits:
        known = sorted(
            [f"{_name(step)} ({step['newState']['type']})" for step in steps if is_store(step["newState"]["type"])]
            + [f"{_name(one)} ({one['type']}; in the state already)" for one in held if is_store(one["type"])]
        )
        message = f"the program of {stack} declares no resource {name}. What holds data:\n  " + "\n  ".join(known)
        raise errors.NotFoundError(message, fix="twain stack preview -o json shows every name", id="STK-IMPORT")
    if len(fits) > 1:
        kinds = ", ".join(sorted(str(step["newState"]["type"]) for step in fits))
        message = f"{name} is the name of {len(fits)} resources of {stack}."
        raise errors.UsageError(message, fix=f"--type, one of {kinds}", id="STK-IMPORT")
    return fits[0]


def take_in(
    app: App, stack: Stack, *, name: str, type_: str | None, id_: str, note: Callable[[str], None]
) -> dict[str, Any]:
    """Import one resource; the row of what was done and what the next `up` would still change on it.

    Raises ResourceError where the cloud has none of this id, or it would have to be replaced; nothing is changed then.
    """
    engine, fleet = app.engine, app.context.fleet
    held = (engine.export(stack.name).get("deployment") or {}).get("resources") or []
    known = [one for one in held if _name(one) == name and one.get("custom") and type_ in (None, one["type"])]
    if known:
        row = {"type": known[0]["type"], "resource": name, "id": id_, "properties": []}
        if any(one.get("id") == id_ for one in known):
            return {**row, "state": "already"}
        message = f"{name} of {stack.name} is in the state already, as {known[0].get('id')}."
        raise errors.ResourceError(message, fix="nothing is to be done, or the id is another one", id="STK-IMPORT")
    state = find(declared(engine.preview(stack.name, fleet=fleet)), name, type_, stack.name, held=held)["newState"]
    row = {"type": state["type"], "resource": name, "id": id_, "properties": []}
    provider = str(state["provider"]).rpartition("::")[0]
    before = {one["urn"] for one in held}
    missing = [urn for urn in (provider, state["parent"]) if urn not in before]
    if missing:
        note(f"{stack.name}: making what the resource hangs from in the state")
        engine.up_only(stack.name, missing, fleet=fleet, env={})
    document = engine.exported(stack.name)
    with tempfile.TemporaryDirectory(prefix="twain-") as folder:
        place = Path(folder) / "import.json"
        files.write_private(place, json.dumps(_file(state, name=name, id_=id_, provider=provider)))
        protect = f"--protect={'true' if state.get('protect') else 'false'}"
        engine.take_in(stack.name, ["--file", str(place), "--generate-code=false", protect])
    left = [
        one for one in declared(engine.preview(stack.name, fleet=fleet)) if _name(one) == name and _same(one, state)
    ]
    if any("replace" in str(one.get("op")) or one.get("op") == "delete" for one in left):
        properties = sorted(
            {path for one in left for path in one.get("replaceReasons") or one.get("diffReasons") or ()}
        )
        if document is not None:
            engine.import_state(stack.name, document)
        message = (
            f"{id_} would have to be replaced to become {name}: {', '.join(properties) or 'see a preview'} differ."
        )
        fix = "make the fleet say what is there; nothing was changed"
        raise errors.ResourceError(message, fix=fix, where=stack.cell, id="STK-IMPORT")
    paths = sorted({path for one in left for path in one.get("diffReasons") or ()})
    return {**row, "state": "imported", "properties": paths}


def _file(state: Mapping[str, Any], *, name: str, id_: str, provider: str) -> dict[str, Any]:
    resource = {"type": state["type"], "name": name, "id": id_, "parent": "parent", "provider": "provider"}
    return {"nameTable": {"parent": state["parent"], "provider": provider}, "resources": [resource]}


def _name(step: Mapping[str, Any]) -> str:
    return str(step["urn"]).rsplit("::", 1)[-1]


def _same(step: Mapping[str, Any], state: Mapping[str, Any]) -> bool:
    return step["urn"] == state["urn"] and step.get("op") not in {"same", "read"}


def own_stack(app: App, cell: str) -> Stack:
    """The infra stack of a cell of our own world and fleet. Raises PolicyError, NotFoundError."""
    from cli.options import Scope

    (found,) = stacks.chosen(app, Scope(world="all", cells=(cell,), maison=None), ("infra",))
    return found
