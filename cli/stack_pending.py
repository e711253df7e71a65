"""What a killed engine had begun and not heard the end of.

The engine carries such operations in the state for ever. One is taken off only when it is settled: the resource is in
the state now, with its id. A create that nobody can account for stays, and is named: perhaps it exists and costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.engine import Engine


def operations(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The pending operations of an exported state."""
    return list((document.get("deployment") or {}).get("pending_operations") or ())


def split(document: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The operations that the state accounts for, and those that it does not."""
    known = {entry["urn"]: entry.get("id") for entry in (document.get("deployment") or {}).get("resources") or ()}
    settled: list[dict[str, Any]] = []
    open_: list[dict[str, Any]] = []
    for operation in operations(document):
        urn, kind = operation["resource"]["urn"], operation["type"]
        # After a run that ended well, what was to be deleted is deleted, what was to be updated is as declared.
        done = bool(known.get(urn)) if kind in {"creating", "importing"} else True
        (settled if done else open_).append(operation)
    return settled, open_


def settle(engine: Engine, stack: str, *, well: bool = True) -> list[str]:
    """After a run: keep a copy, and, where it ended `well`, take off what is accounted for. Returns a line for each
    create that is not, after any run.
    """
    document = engine.exported(stack, keep=True)
    if document is None or not operations(document):
        return []
    settled, unsettled = split(document)
    if well and settled and not unsettled:  # taking a state in drops every operation, so none may be open
        deployment = {name: value for name, value in document["deployment"].items() if name != "pending_operations"}
        engine.import_state(stack, {**document, "deployment": deployment})
        engine.exported(stack, keep=True)
    return [
        f"begun and never answered: {operation['resource']['type']} "
        f"{operation['resource']['urn'].rsplit('::', 1)[-1]}; run it again, and where its name is taken: stack import"
        for operation in unsettled
    ]
