"""`--watch`: a terminal is redrawn, anything else gets one JSON line per change, and silence is no removal."""

from __future__ import annotations

import json
from typing import Any

from cli import errors, watching
from cli.output import Column, Report

COLUMNS = (Column(title="NAME", key="name"),)


def rounds(*reports: Report) -> Any:
    """Gives the reports one after the other, then ends the watch as Ctrl-C does."""
    left = list(reports)

    def produce() -> Report:
        if not left:
            raise KeyboardInterrupt
        return left.pop(0)

    return produce


def report(*items: dict[str, Any], silent: str | None = None) -> Report:
    found = [errors.ErrorRow(id="NET-001", message="away", cell=silent)] if silent else []
    return Report(kind="ThingList", items=list(items), columns=COLUMNS, errors=found)


def test_changes_are_one_json_line_each_and_a_silent_cell_keeps_its_items(operator: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("threading.Event.wait", lambda *_: None)
    app = operator.app()
    a, b = (
        {"world": "row", "cell": "a", "name": "x", "ready": 1},
        {"world": "row", "cell": "b", "name": "x", "ready": 1},
    )
    produce = rounds(report(a, b), report(a, b), report({**a, "ready": 2}, silent="b"), report({**a, "ready": 2}))
    watching.watch(app, 1.0, "json", produce)
    lines = [json.loads(line) for line in app.console.out.getvalue().splitlines()]
    assert [(line["type"], line["item"]["cell"]) for line in lines] == [
        ("added", "a"),
        ("added", "b"),
        ("changed", "a"),
        ("removed", "b"),
    ]


def test_a_terminal_is_redrawn(operator: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("threading.Event.wait", lambda *_: None)
    app = operator.app(tty=True, env={"NO_COLOR": "1"})
    watching.watch(app, 1.0, "table", rounds(report({"name": "x"}), report({"name": "y"})))
    assert app.console.out.getvalue() == "\x1b[H\x1b[2JNAME\nx\n\x1b[H\x1b[2JNAME\ny\n"
