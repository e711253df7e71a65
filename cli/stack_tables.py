"""What `twain stack preview`, `up` and `destroy` show to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def changed(item: dict[str, Any]) -> bool:
    return any(count for name, count in item["changes"].items() if name != "same")


def preview_footer(items: list[dict[str, Any]]) -> list[str]:
    """Each resource that would change, by name: what is lost first. A stack that is all new is told by its count."""
    lines: list[str] = []
    for item in items:
        shown = [one for one in item["resources"] if one["op"] != "declared"]
        known = [one for one in shown if item["changes"]["same"] or one["op"] != "create"]
        if known:
            lines += ["", item["stack"]]
        for one in sorted(known, key=lambda one: ("delete" not in one["op"], "replace" not in one["op"])):
            lines.append(f"  {one['op']:<8} {one['name']}  ({one['type']})")
    lines += [f"state moving: somebody is at work on {item['stack']}, so ask again" for item in items if item["moving"]]
    foreign = [item for item in items if item["changes"]["create"] is None]
    if foreign:
        declared = sum(len(item["resources"]) for item in foreign)
        lines += ["", f"{len(foreign)} stacks of another world declare {declared} resources; their state is not here."]
    unchanged = not any(changed(item) for item in items)
    return [*lines, "nothing would change."] if len(items) > len(foreign) and unchanged else lines


def _lost(count: Any) -> str | None:
    return "bad" if count else None


_LOST = {"replace": _lost, "delete": _lost}


def preview_columns() -> tuple[Any, ...]:
    from cli.output import Column

    counts = tuple(
        Column(title=name.upper(), key=f"changes.{name}", right=True, missing="unknown", tone=_LOST.get(name))
        for name in ("create", "update", "replace", "delete", "same")
    )
    return (Column(title="STACK", key="stack"), *counts, Column(title="SOURCE", key="source"))


def run_columns() -> tuple[Any, ...]:
    """The columns of `stack up` and `stack destroy`."""
    from cli.output import Column

    return (
        Column(title="WORLD", key="world"),
        Column(title="CELL", key="cell"),
        Column(title="LAYER", key="layer"),
        Column(title="STACK", key="stack"),
        Column(title="STATE", key="state", tone=lambda state: "bad" if state == "failed" else None),
        Column(title="CHANGED", key=_changed_count, right=True, missing="unknown"),
    )


def _changed_count(item: Mapping[str, Any]) -> int | None:
    """How much a run changed; None where it did not end well, so that nobody knows."""
    counts = [count for name, count in item["changes"].items() if name != "same"]
    return None if None in counts else sum(counts)
