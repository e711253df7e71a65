"""The test of one store: look, restore under a scratch name, compare, measure, take the scratch away.

Nothing is remembered on this machine: the scratch's name begins with what fleet, cell and store make, so whatever a
killed run left is found in the cloud by the next one, and removed before anything else is done.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cli import errors
from cli.check.tool import NotAskedError
from cli.restore import model
from cli.restore.shelf import stamp

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from cli.app import Clock
    from cli.restore.model import Compared, Facts, Kind, Measure, Outcome, Point, Scratch
    from cli.restore.shelf import Shelf

# An answer of a shape that is not the documented one.
_ODD = (KeyError, TypeError, ValueError, IndexError, AttributeError)
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 15.0
# A new name may take so long to show in the cloud's own lists.
_APPEARS_S = 120.0
# What the removal may take beyond the deadline: a scratch left behind costs more than the wait.
_REMOVAL_S = 1800.0


@dataclass(frozen=True, kw_only=True)
class Bench:
    """One store on the bench: where it is, how it is asked, how its scratches are called, and the time."""

    world: str
    cell: str
    kind: Kind
    region: str
    prefix: str
    shelf: Shelf
    clock: Clock
    sleep: Callable[[float], None]
    note: Callable[[str], None]


@dataclass(kw_only=True)
class Plan:
    """What was found before anything is done. `outcome` is what it comes to where nothing can be tested."""

    bench: Bench
    lost: datetime
    outcome: Outcome
    original: Facts | None = None
    leftovers: list[Scratch] = field(default_factory=list["Scratch"])
    made: str | None = None

    @property
    def possible(self) -> bool:
        """Whether there is anything to restore."""
        return self.outcome.state == "planned"

    def told(self) -> list[str]:
        """The plan in words."""
        bench, point = self.bench, self.outcome.point
        lines = [f"{bench.cell}: remove {one.name}, which an earlier run left" for one in self.leftovers]
        if self.possible and point is not None:
            what = f"{bench.kind} {bench.shelf.source} as of {stamp(point.at)}"
            lines.append(f"{bench.cell}: restore {what} into {self.outcome.scratch} in {bench.region}, then remove it")
        return lines


def look(bench: Bench) -> Plan:
    """What there is, without changing anything. Never raises for the cloud's part: it stands in the outcome."""
    # Clouds take the time to restore to in whole seconds.
    lost = bench.clock.now().replace(microsecond=0)
    nothing = model.unknown("nothing was restored")
    outcome = model.Outcome(
        world=bench.world, cell=bench.cell, kind=bench.kind, source=bench.shelf.source, region=bench.region,
        state="planned", rpo=nothing, rto=nothing,
    )  # fmt: skip
    plan = Plan(bench=bench, lost=lost, outcome=outcome)
    try:
        plan.original = bench.shelf.original()
        if plan.original.region != bench.region:
            message = f"{bench.shelf.source} lies in {plan.original.region}, and the cell in {bench.region}."
            return _ends(plan, "refused", errors.PolicyError(message, fix="twain residency check", id="RST-REGION"))
        plan.leftovers = bench.shelf.scratches(bench.prefix)
        found = bench.shelf.newest(lost)
        outcome.point = replace(found, at=found.at.replace(microsecond=0)) if found is not None else None
    except errors.TwainError as error:
        return _ends(plan, "unknown", error)
    except _ODD as error:
        return _ends(plan, "unknown", _odd(bench, error))
    if outcome.point is None:
        what = "no backup to restore from" if bench.kind == "database" else "no versions, so no past to restore from"
        message = f"{bench.kind} {bench.shelf.source} of {bench.cell} has {what}."
        fix = "twain stack drift, then twain stack up: the fleet declares backups; a new store has none at first"
        outcome.rpo = model.unknown("there is no point to go back to")
        return _ends(plan, "no-backup", errors.ResourceError(message, fix=fix, id="RST-NONE"))
    if plan.original.objects is not None and not plan.original.objects:
        message = f"{bench.kind} {bench.shelf.source} of {bench.cell} is empty, so that a restore of it shows nothing."
        return _ends(
            plan, "empty", errors.PartialError(message, fix="test it again with objects in it", id="RST-EMPTY")
        )
    outcome.scratch = f"{bench.prefix}{lost:%y%m%d%H%M%S}"
    outcome.rpo = _lag(
        lost, outcome.point, state="declared", reason=f"{outcome.point.says}; nothing was restored from it"
    )
    return plan


def clear(plan: Plan) -> None:
    """Remove what earlier runs left; it is never compared or used."""
    for one in plan.leftovers:
        plan.bench.note(f"{plan.bench.cell}: removing {one.name}, which an earlier run left")
        if _remove(plan, one):
            plan.outcome.removed_before.append(one.name)


def carry_out(plan: Plan, *, timeout_s: float) -> Outcome:
    """Restore, compare, measure, and remove the scratch whatever happened, an interrupt included."""
    bench, outcome = plan.bench, plan.outcome
    point, name, original = outcome.point, outcome.scratch, plan.original
    if not plan.possible or point is None or name is None or original is None:
        return outcome
    begun = bench.clock.monotonic()
    bench.note(f"{bench.cell}: restoring {bench.kind} {bench.shelf.source} into {name}")
    outcome.scratch_state = "left"
    try:
        scratch = _restored(plan, name, point, deadline=begun + timeout_s)
        took = bench.clock.monotonic() - begun
        _judge(plan, original, bench.shelf.restored(scratch.id), point, took)
    except errors.TwainError as error:
        _fails(outcome, error)
    except _ODD as error:
        _fails(outcome, _odd(bench, error))
    finally:
        _clean(plan, name)
    return outcome


def _restored(plan: Plan, name: str, point: Point, *, deadline: float) -> Scratch:
    """The scratch once it is ready. Raises ResourceError, PolicyError, DeadlineError."""
    bench = plan.bench
    id_ = plan.made = _begun(bench, name, point)
    pause, seen, appears = _FIRST_PAUSE_S, False, bench.clock.monotonic() + _APPEARS_S
    while True:
        found = bench.shelf.look(id_)
        seen = seen or found is not None
        if found is None and not seen and bench.clock.monotonic() < min(appears, deadline):
            bench.sleep(pause)
            continue
        if found is not None and found.region != bench.region:
            message = f"the scratch {name} came up in {found.region}, outside of {bench.region}; it is removed unread."
            raise errors.PolicyError(message, fix="ask the cloud why; nothing was compared", id="RST-REGION")
        if found is None or found.state == "failed":
            said = f": {found.says}" if found is not None and found.says else ""
            message = f"the restore of {bench.kind} {bench.shelf.source} of {bench.cell} failed{said}."
            fix = "look at the cloud's log of operations, then run the same command again"
            raise errors.ResourceError(message, fix=fix, id="RST-FAILED")
        if found.state == "ready":
            return found
        if bench.clock.monotonic() > deadline:
            message = f"the restore of {bench.kind} {bench.shelf.source} of {bench.cell} did not end in time."
            raise errors.DeadlineError(message, fix="give more time with --timeout", id="RST-LATE")
        bench.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE_S)


def _begun(bench: Bench, name: str, point: Point) -> str:
    """The id of the new scratch. An answer that did not come is looked up by the name."""
    try:
        return bench.shelf.begin(name, point)
    except NotAskedError as error:
        made = [one.id for one in bench.shelf.scratches(bench.prefix) if one.name == name]
        if made and bench.kind == "database":
            return made[0]
        message = f"the restore of {bench.kind} {bench.shelf.source} of {bench.cell} failed: {error.message}"
        raise errors.ResourceError(message, fix=error.fix, id="RST-FAILED") from error


def _judge(plan: Plan, original: Facts, restored: Facts, point: Point, took: float) -> None:
    bench, outcome = plan.bench, plan.outcome
    outcome.compared = model.compare(original, restored)
    outcome.rto = model.Measure(
        seconds=took, state="measured", reason="from the first command until the cloud called the scratch ready"
    )
    wrong = [one for one in outcome.compared if one.state == "different"]
    unsure = next((one for one in outcome.compared if one.what == "objects" and one.state == "unknown"), None)
    if not wrong and unsure is not None:
        outcome.state = "restored"
        outcome.rpo = _lag(plan.lost, point, state="declared", reason=f"{point.says}; compared: {unsure.reason}")
        message = f"not every object of {bench.shelf.source} of {bench.cell} could be compared: {unsure.reason}."
        fix = "upload what has no checksum again, with a tool that sends one"
        outcome.errors.append(errors.PartialError(message, fix=fix, id="RST-UNSURE"))
    elif not wrong:
        outcome.state = "restored"
        outcome.rpo = _lag(plan.lost, point, state="measured", reason=f"restored to this point: {point.says}")
    else:
        _differs(plan, wrong)


def _differs(plan: Plan, wrong: list[Compared]) -> None:
    bench, outcome = plan.bench, plan.outcome
    outcome.state = "different"
    outcome.rpo = model.unknown("what was restored is not what was there")
    listed = "; ".join(f"{one.what}: {one.expected or 'absent'} became {one.found or 'absent'}" for one in wrong[:3])
    message = f"the restored {bench.kind} of {bench.cell} differs from {bench.shelf.source}: {listed}."
    outcome.errors.append(
        errors.ResourceError(message, fix="compare them in the cloud before relying on it", id="RST-DIFF")
    )


def _clean(plan: Plan, name: str) -> None:
    """Remove what this run made, also what it was still making when it was stopped."""
    bench, outcome = plan.bench, plan.outcome
    try:
        mine = [one for one in bench.shelf.scratches(bench.prefix) if one.name == name]
        if plan.made is not None and plan.made not in {one.id for one in mine}:
            # Made, and not where we look for leftovers: in another region.
            mine.append(model.Scratch(id=plan.made, name=name, region="", state="failed"))
        removed = [_remove(plan, one) for one in mine]
    except (errors.TwainError, *_ODD) as error:
        said = error.message if isinstance(error, errors.TwainError) else str(error)
        outcome.errors.append(_left(bench, name, bench.shelf.by_hand(plan.made or name), said))
        return
    if all(removed):
        outcome.scratch_state = "removed" if removed else "none"


def _remove(plan: Plan, scratch: Scratch) -> bool:
    """Delete one scratch and wait until it is gone; False, and an error, where it is not.

    Only what carries our prefix and is not the original is ever deleted.
    """
    bench = plan.bench
    if not scratch.name.startswith(bench.prefix) or bench.shelf.source in (scratch.id, scratch.name):
        message = f"{scratch.id} is no scratch of {bench.cell}"
        raise AssertionError(message)
    said, pause, until = "it is still there", _FIRST_PAUSE_S, bench.clock.monotonic() + _REMOVAL_S
    try:
        bench.shelf.remove(scratch.id)
        while bench.shelf.look(scratch.id) is not None:
            if bench.clock.monotonic() > until:
                break
            bench.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_S)
        else:
            return True
    except errors.TwainError as error:
        said = error.message
    except _ODD as error:
        said = str(error)
    plan.outcome.errors.append(_left(bench, scratch.name, bench.shelf.by_hand(scratch.id), said))
    return False


def _left(bench: Bench, name: str, by_hand: str, said: str) -> errors.TwainError:
    message = f"the scratch {name} of {bench.cell} may still be there, and cost: {said}"
    return errors.ResourceError(message, fix=f"run the same command again, or {by_hand}", id="RST-LEFT")


def _ends(plan: Plan, state: model.State, error: errors.TwainError) -> Plan:
    plan.outcome.state = state
    plan.outcome.errors.append(error)
    return plan


def _fails(outcome: Outcome, error: errors.TwainError) -> None:
    outcome.state = "refused" if isinstance(error, errors.PolicyError) else "failed"
    outcome.rpo = model.unknown("the restore did not end well, so that nothing shows what it would have given")
    outcome.rto = model.unknown("the restore did not end well")
    outcome.errors.append(error)


def _odd(bench: Bench, error: Exception) -> errors.TwainError:
    message = f"what the cloud says of {bench.kind} {bench.shelf.source} of {bench.cell} is not understood: {error!r}."
    return errors.PartialError(message, fix="twain check", id="RST-ANSWER")


def _lag(lost: datetime, point: Point, *, state: str, reason: str) -> Measure:
    seconds = max(0.0, (lost - point.at).total_seconds())
    return model.Measure(seconds=seconds, state=state, reason=reason)  # pyright: ignore[reportArgumentType]
