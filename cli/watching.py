"""`--watch` with every format: a terminal is redrawn; anything else gets one JSON line per change."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cli import output

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.app import App


def watch(app: App, every: float, fmt: output.Format, produce: Callable[[], output.Report]) -> None:
    """Until interrupted. Sources without events (metrics) are read every `every` seconds, at least half of one."""
    with suppress(KeyboardInterrupt):  # the usual way to end it, and no failure
        _forever(app, every, fmt, produce)


def _forever(app: App, every: float, fmt: output.Format, produce: Callable[[], output.Report]) -> None:
    pause = threading.Event()
    known: dict[str, Any] = {}
    while True:
        report = produce()
        if app.console.out_tty and fmt in {"table", "wide"}:
            app.console.out.write("\x1b[H\x1b[2J")
            output.emit(report, fmt, console=app.console)
        else:
            known = _changes(app, report, known)
        pause.wait(max(0.5, every))


def _changes(app: App, report: output.Report, known: dict[str, Any]) -> dict[str, Any]:
    """Write one line per difference to what is known; return what is known now."""
    current = {output.qualified(item) or str(index): item for index, item in enumerate(report.items)}
    for name, item in current.items():
        if name not in known:
            app.console.data(output.to_json({"type": "added", "item": item}, indent=None))
        elif known[name] != item:
            app.console.data(output.to_json({"type": "changed", "item": item}, indent=None))
    for name, item in known.items():
        # A cell that did not answer is not a cell that went: its items stay known until it answers without them.
        silent = {error.cell for error in report.errors} | {error.world for error in report.errors}
        if name not in current and item.get("cell") not in silent and item.get("world") not in silent:
            app.console.data(output.to_json({"type": "removed", "item": item}, indent=None))
        elif name not in current:
            current[name] = item
    return current
