"""What a verb works with: time, terminal, context, fleet, cells, clients. Each is made when it is first asked for."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cli import context as contexts
from cli import errors
from cli.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from datetime import datetime
    from pathlib import Path
    from typing import TypeVar

    from cli.audit import Audit
    from cli.cells import CellFacts
    from cli.engine import Engine
    from cli.fleet import FleetView
    from cli.journal import Journal
    from cli.kube.client import KubeClient
    from cli.output import Format, Report

    T = TypeVar("T")


class Clock:
    """The time. Tests bring their own."""

    def now(self) -> datetime:
        """Wall time, UTC. For printing and records."""
        from datetime import UTC, datetime

        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never jump. For deadlines and ages."""
        return time.monotonic()


class Exit(Exception):  # noqa: N818 - it is no error: it carries the code of a verb that has printed everything
    """Ends the command with a code after all output is written."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class App:
    """Lazy services of one command. `context_name` is `--context`; None means the current one."""

    context_name: str | None = None
    console: Console = field(default_factory=Console)
    clock: Clock = field(default_factory=Clock)
    home: Path = field(default_factory=contexts.default_home)

    @cached_property
    def contexts(self) -> contexts.ContextStore:
        """The contexts on disk."""
        return contexts.ContextStore(self.home)

    @cached_property
    def context(self) -> contexts.Context:
        """The context in force. Raises UsageError when there is none."""
        return self.contexts.get(self.context_name)

    @cached_property
    def fleet(self) -> FleetView:
        """The fleet of the context, from the cache when its file has not changed. Raises SpecError."""
        from cli.fleet import FleetView

        return FleetView.load(self.context.fleet, self.home / "cache")

    @cached_property
    def journal(self) -> Journal:
        """The write-ahead journal of this operator."""
        from cli.journal import Journal

        return Journal(self.home / "journal.jsonl", clock=self.clock)

    @cached_property
    def audit(self) -> Audit:
        """The hash-chained record of what this operator changed."""
        from cli.audit import Audit

        return Audit(self.home / "audit.jsonl", clock=self.clock)

    @cached_property
    def engine(self) -> Engine:
        """The Pulumi engine on this context's workspace and backend."""
        from cli.engine import Engine

        return Engine.of(self.context, home=self.home)

    def cell(self, name: str) -> CellFacts:
        """What is known of a cell of our own world. Raises PolicyError for another world's, NotFoundError for none."""
        from cli.cells import read

        declared = self.fleet.cell(name)
        if declared.world != self.context.world:
            message = (
                f"cell {name} lies in world {declared.world}; context {self.context.name} is of {self.context.world}."
            )
            fix = "ask through the gate: twain status, twain serve list, twain metrics latency"
            raise errors.PolicyError(message, fix=fix, where=name, id="RES-WORLD")
        return read(self.home, name)

    def kube(self, name: str) -> KubeClient:
        """A client of a cell of our own world. Use it as `async with`."""
        from cli.kube.client import KubeClient

        env = {"TWAIN_IDENTITY": self.context.identity, **self.context.env}
        return KubeClient.for_cell(self.cell(name), env=env, home=self.home)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run asynchronous work to its end."""
        import asyncio

        return asyncio.run(work)

    def finish(self, report: Report, fmt: Format, *, code: int = errors.OK) -> None:
        """Print a report and end with its code. `code` adds what the verb itself found (differences, SLO missed)."""
        from cli.output import emit

        emit(report, fmt, console=self.console)
        final = errors.worst([report.code, code])
        if final != errors.OK:
            raise Exit(final)

    def confirm(self, question: str, *, yes: bool, dry_run: bool = False) -> bool:
        """Whether to go on after the plan was shown.

        False with `--dry-run`. Raises CancelledByUserError on a no, UsageError where nobody can be asked.
        """
        if dry_run:
            self.console.note("dry run: nothing was changed.")
            return False
        if yes:
            return True
        if not self.console.interactive:
            message = "this changes things and nobody can be asked here."
            raise errors.UsageError(message, fix="give -y to go on, or --dry-run to see the plan", id="CFG-CONFIRM")
        if self.console.prompt(question).lower() not in {"y", "yes"}:
            message = "cancelled; nothing was changed."
            raise errors.CancelledByUserError(message)
        return True

    def watch(self, every: float | None, fmt: Format, produce: Callable[[], Report]) -> None:
        """Print what `produce` finds; with `every`, again and again until interrupted."""
        if every is None:
            self.finish(produce(), fmt)
            return
        from cli.watching import watch

        watch(self, every, fmt, produce)
