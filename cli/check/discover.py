"""Looked-up facts of a cell, pinned in its lock file, so that programs make no look-ups.

A fact that could not be asked for keeps what was pinned before; nothing new and nothing changed leaves the file as it
is, to the byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml

from cli import errors
from cli.check import cell as checking
from cli.engine import stack_name
from components.clouds.needs import NEEDS
from components.spec.lock import CellLock, lock_dir, read_lock, write_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cli.app import App
    from cli.check.cell import Subject
    from cli.check.probe import Probe

CA, CLUSTER, MINORS, OFFER = "cluster_ca", "cluster_id", "kubernetes_minors", "zones_of."
State = Literal["new", "changed", "same", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One fact: its value (None where it could not be learnt), how it stands to what was pinned, and why not."""

    name: str
    value: str | None
    state: State
    reason: str | None = None
    fix: str | None = None

    def as_json(self, *, world: str, cell: str, source: str) -> dict[str, Any]:
        """The item of the report; a certificate is told by its length only."""
        value = self.value
        if value is not None and "-----BEGIN" in value:
            value = f"PEM, {len(value)} characters"
        return {
            "world": world, "cell": cell, "fact": self.name, "value": value, "state": self.state, "source": source,
            "reason": self.reason,
        }  # fmt: skip


def pin(app: App, subject: Subject, probe: Probe) -> tuple[Path, list[Fact]]:
    """Look everything up and pin what is new. Raises SpecError for a lock file that cannot be read."""
    name = subject.cell.cell.name
    folder = folder_of(app)
    known = read_lock(folder, name)
    before = known.facts if known is not None else {}
    facts = [_compared(fact, before) for fact in _looked_up(app, subject, probe)]
    after = before | {fact.name: fact.value for fact in facts if fact.value is not None}
    path = folder / f"{name}.json"
    if after != before:
        source = f"{NEEDS[subject.cloud].tool}, {subject.cell.cell.cloud} {subject.cell.cell.region}"
        discovered = app.clock.now().isoformat(timespec="seconds")
        write_lock(folder, CellLock(cell=name, discovered=discovered, source=source, facts=after))
    return path, facts


def folder_of(app: App) -> Path:
    """Where the lock files of the context's fleet lie."""
    declared = app.context.env.get("TWAIN_LOCK_DIR")
    return Path(declared) if declared else lock_dir(app.context.fleet)


def _compared(fact: Fact, before: dict[str, str]) -> Fact:
    if fact.value is None:
        return fact
    old = before.get(fact.name)
    state: State = "same" if old == fact.value else "new" if old is None else "changed"
    return Fact(name=fact.name, value=fact.value, state=state)


def _looked_up(app: App, subject: Subject, probe: Probe) -> Iterator[Fact]:
    machines = [want.machine for want in checking.wanted(subject)]
    yield _asked(MINORS, lambda: ",".join(sorted(probe.minors())))
    try:
        offers = probe.offers(machines)
    except (errors.TwainError, KeyError, TypeError, ValueError) as error:
        for machine in machines:
            yield _silent(OFFER + machine, error)
    else:
        for machine in machines:
            yield Fact(
                name=OFFER + machine,
                value=",".join(sorted(offers[machine].zones)) if machine in offers else "",
                state="new",
            )
    stack = stack_name(app.fleet.name, subject.cell.cell.name, "infra")
    cluster = _cluster_id(app, stack, probe.cluster_type)
    if cluster is None:
        fix = f"twain stack up --cell {subject.cell.cell.name} --layer infra"
        yield Fact(name=CA, value=None, state="unknown", reason="the cell's infra stack is not up", fix=fix)
        return
    ca = _asked(CA, lambda: probe.cluster_ca(cluster))
    if ca.value is not None:
        # Only together: the certificate of one cluster must never stand beside the id of another.
        yield Fact(name=CLUSTER, value=cluster, state="new")
    yield ca


def _cluster_id(app: App, stack: str, type_: str) -> str | None:
    """The id of the cell's cluster in the stack's state, or None where there is none."""
    if stack not in app.engine.names():
        return None
    resources = (app.engine.export(stack).get("deployment") or {}).get("resources") or ()
    return next((str(one["id"]) for one in resources if one.get("type") == type_ and one.get("id")), None)


def _asked(name: str, work: Callable[[], str]) -> Fact:
    try:
        value = work()
    except (errors.TwainError, KeyError, TypeError, ValueError, IndexError, yaml.YAMLError) as error:
        return _silent(name, error)
    return Fact(name=name, value=value, state="new")


def _silent(name: str, error: Exception) -> Fact:
    told = error.message if isinstance(error, errors.TwainError) else f"the answer is not understood: {error}"
    return Fact(name=name, value=None, state="unknown", reason=told, fix=getattr(error, "fix", None))
